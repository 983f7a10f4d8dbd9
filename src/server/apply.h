/* Server-side apply: a body says what one manager wants, and whose field is whose is remembered. */
#ifndef SERVER_APPLY_H
#define SERVER_APPLY_H

#include "server/verbs.h"
#include "store/version.h"

/* `object` NULL: there is none yet, it is created. `subresource` is empty or "status". */
MUST_USE enum status apply_patch_of(struct call *call, const struct api_kind *kind, struct str ns,
				    struct str name, struct str subresource, struct version *object,
				    bool force, const struct doc *body, struct outcome *ret_outcome,
				    struct error *error);

#endif
