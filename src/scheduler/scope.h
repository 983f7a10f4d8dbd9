/*
 * Which pods a term speaks of: those of some namespaces whose labels match a selector. Follows
 * PodAffinityTerm: named namespaces, a selector over namespaces, or the pod's own namespace.
 */
#ifndef SCHEDULER_SCOPE_H
#define SCHEDULER_SCOPE_H

#include "base/buffer.h"
#include "store/store.h"

struct scope {
	struct str own;			      /* the namespace when nothing else is said */
	const struct doc *namespaces;	      /* names, or NULL */
	const struct doc *namespace_selector; /* over the labels of namespaces, or NULL */
	const struct doc *selector;	      /* of pods; NULL: matches none */
};

bool scope_matches(const struct scope *scope, struct store *store, struct str namespace,
		   const struct doc *labels);
/* The one namespace it is about, or empty when it may be several. */
struct str scope_namespace(const struct scope *scope);
struct scope scope_copy(struct arena *arena, const struct scope *scope);
void scope_write(struct buffer *out, const struct scope *scope);

/* A document as bytes that are equal only for equal documents: for keys of maps. */
void essence_write(struct buffer *out, const struct doc *doc);
void essence_write_str(struct buffer *out, struct str text);

#endif
