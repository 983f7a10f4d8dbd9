/*
 * kubectl's JSONPath templates (k8s.io/client-go/util/jsonpath): text with {expressions} in it:
 *
 *	{.items[*].metadata.name}                     fields, wildcards, [1:3:2], [-1], ['a.b'], ..
 *	{range .items[*]}{.metadata.name}{"\n"}{end}  loops and quoted text
 *	{.items[?(@.status.phase=="Running")]}        filters: == != < <= > >= or bare existence
 */
#ifndef DOC_JSONPATH_H
#define DOC_JSONPATH_H

#include "base/buffer.h"
#include "doc/doc.h"

struct jsonpath; /* lives in the arena it was parsed into */

struct jsonpath_results {
	VEC(const struct doc *) items;
};

/* ST_BAD_REQUEST with upstream's sentence ("unterminated array"). `text` may go after the call. */
MUST_USE enum status jsonpath_parse(struct arena *arena, struct str text,
				    struct jsonpath **ret_path, struct error *error);

/* A bare expression as --sort-by and custom-columns take it: "{.metadata.name}", ".metadata.name"
 * or "metadata.name". */
MUST_USE enum status jsonpath_parse_relaxed(struct arena *arena, struct str text,
					    struct jsonpath **ret_path, struct error *error);

/* Appends what the template gives for `d`: the results of an expression joined by blanks, objects
 * and arrays as JSON. ST_NOT_FOUND ("items is not found") unless `allow_missing`, as in kubectl. */
MUST_USE enum status jsonpath_print(struct arena *arena, const struct jsonpath *path,
				    const struct doc *d, bool allow_missing, struct buffer *out,
				    struct error *error);

/* The documents the template's expressions lead to, in order, text left out. */
MUST_USE enum status jsonpath_find(struct arena *arena, const struct jsonpath *path,
				   const struct doc *d, bool allow_missing,
				   struct jsonpath_results *ret_results, struct error *error);

#endif
