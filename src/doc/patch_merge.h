/* JSON Merge Patch (RFC 7386): `kubectl patch --type merge`, and what custom resources are applied
 * with. */
#ifndef DOC_PATCH_MERGE_H
#define DOC_PATCH_MERGE_H

#include "doc/doc.h"

/* `target` (NULL: nothing yet) with `patch` merged in: null removes a key, objects merge, all else
 * replaces. Cannot fail; the result shares with both. */
const struct doc *patch_merge(struct arena *arena, const struct doc *target,
			      const struct doc *patch);

#endif
