/*
 * JSON Patch (RFC 6902) over JSON Pointers (RFC 6901): `kubectl patch --type json`. Errors are
 * worded as by the library Kubernetes' API server uses, because clients match on them.
 */
#ifndef DOC_PATCH_JSON_H
#define DOC_PATCH_JSON_H

#include "doc/doc.h"

enum {
	PATCH_OPERATIONS_MAX = 10000, /* as Kubernetes' API server allows */
};

/* Applies every operation of `patch` (an array) to `target` in order; all or nothing.
 * ST_BAD_REQUEST: `patch` is no JSON patch; ST_TOO_LARGE: too many operations or too deep a result;
 * ST_INVALID: an operation does not fit the target, a test fails. The result shares with both. */
MUST_USE enum status patch_json(struct arena *arena, const struct doc *target,
				const struct doc *patch, const struct doc **ret_doc,
				struct error *error);

/* The value a pointer ("/spec/containers/0/image", ~1 for /, ~0 for ~) leads to, or NULL. The empty
 * pointer is the whole document. */
const struct doc *pointer_get(struct arena *arena, const struct doc *d, struct str pointer);

#endif
