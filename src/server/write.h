/* The last steps every write shares: defaults are in, now admit, validate, compare, store. */
#ifndef SERVER_WRITE_H
#define SERVER_WRITE_H

#include "server/verbs.h"
#include "store/version.h"

/* Stores a new object (or only pretends to, in a dry run). */
MUST_USE enum status write_create(struct call *call, const struct api_kind *kind, struct str ns,
				  struct str name, const struct doc *doc,
				  struct outcome *ret_outcome, struct error *error);

/* Puts `doc` in the place of `old`: checks preconditions that stand in the document, keeps what may
 * not change, raises the generation, removes the object when its last finalizer has gone.
 * `subresource` NULL for the object itself. */
MUST_USE enum status write_update(struct call *call, const struct api_kind *kind,
				  struct version *old, const struct doc *doc,
				  const char *subresource, struct outcome *ret_outcome,
				  struct error *error);

/* Takes it out of the store; `last` is its last state. */
MUST_USE enum status write_remove(struct call *call, const struct api_kind *kind,
				  struct version *old, const struct doc *last,
				  struct outcome *ret_outcome, struct error *error);

/* An outcome of `doc` without storing anything. */
void outcome_of_doc(struct call *call, const struct api_kind *kind, const struct doc *doc,
		    struct outcome *ret_outcome);

#endif
