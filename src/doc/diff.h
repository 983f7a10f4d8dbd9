/* What differs between two documents: as a list of paths, and as the merge patch from one to the
 * other. */
#ifndef DOC_DIFF_H
#define DOC_DIFF_H

#include "doc/doc.h"

struct diff_change {
	struct str path;		  /* "spec.containers[0].image", "metadata.labels[a.b/c]" */
	const struct doc *before, *after; /* NULL: absent */
};

struct diff {
	VEC(struct diff_change) changes;
	bool more; /* there were more than asked for */
};

/* The outermost places where `a` and `b` differ, at most `max` of them, in the order of `a`'s keys,
 * then those only in `b`. Arrays are compared item by item. NULL documents are absent ones. */
void diff_paths(struct arena *arena, const struct doc *a, const struct doc *b, u32 max,
		struct diff *ret_diff);

/* The RFC 7386 patch that makes `to` out of `from`; an empty object when they are equal. A null in
 * `to` cannot be said in a merge patch and comes out as a removal, as the RFC has it. */
const struct doc *diff_merge(struct arena *arena, const struct doc *from, const struct doc *to);

#endif
