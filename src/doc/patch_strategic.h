/*
 * Strategic merge patch, as k8s.io/apimachinery/pkg/util/strategicpatch: lists of objects merge by
 * a key the schema names, and directives say what plain merging cannot:
 *
 *	$patch: replace | delete | merge         in an object or as an item of a merging list
 *	$retainKeys: [k, …]                      every other key of this object goes
 *	$setElementOrder/<list>: [{name: a}, …]  the order the merged list shall have
 *	$deleteFromPrimitiveList/<list>: [v, …]  values to take out of a merging list of scalars
 */
#ifndef DOC_PATCH_STRATEGIC_H
#define DOC_PATCH_STRATEGIC_H

#include "doc/doc.h"

/* What the schema says about one field. */
struct patch_field {
	const void *type; /* the field's type; of a list or map: its items' type. NULL: scalar */
	struct str merge_key; /* a merging list of objects: the key that names its items */
	bool merge;	      /* patchStrategy=merge: the list merges instead of being replaced */
	bool retain_keys;     /* patchStrategy=retainKeys: two-way diffs list the keys that stay */
};

/* How this floor asks about fields without knowing the schema: `type` is what an earlier answer (or
 * `root`) gave. False: there is no such field. For a type that is a map, every key is a field. */
struct patch_schema {
	bool (*field)(const void *type, struct str key, struct patch_field *ret_field);
	const void *root;
};

/* Applies `patch` (an object) to `target`. ST_BAD_REQUEST: the patch is not one (unknown directive,
 * items without their merge key, lists where objects should be). The result shares with both. */
MUST_USE enum status patch_strategic(struct arena *arena, const struct patch_schema *schema,
				     const struct doc *target, const struct doc *patch,
				     const struct doc **ret_doc, struct error *error);

/* The strategic merge patch that leads from `from` to `to` (upstream's CreateTwoWayMergePatch). */
MUST_USE enum status patch_strategic_two_way(struct arena *arena, const struct patch_schema *schema,
					     const struct doc *from, const struct doc *to,
					     const struct doc **ret_patch, struct error *error);

#endif
