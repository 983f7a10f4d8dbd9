/*
 * What `kubectl apply` sends: from what was applied last (original), what is wanted now (modified)
 * and what the server holds (current), the patch that adds and changes what is wanted and deletes
 * only what was applied before and is wanted no more; what others set stays.
 */
#ifndef DOC_PATCH_THREE_WAY_H
#define DOC_PATCH_THREE_WAY_H

#include "doc/patch_strategic.h"

/* For built-in kinds: CreateThreeWayMergePatch. `original` may be NULL (never applied). With
 * `overwrite` false, ST_CONFLICT when current and modified both changed the same field. An empty
 * object means that nothing is to do. */
MUST_USE enum status patch_strategic_three_way(struct arena *arena,
					       const struct patch_schema *schema,
					       const struct doc *original,
					       const struct doc *modified,
					       const struct doc *current, bool overwrite,
					       const struct doc **ret_patch, struct error *error);

/* For custom resources: CreateThreeWayJSONMergePatch with kubectl's preconditions (ST_CONFLICT when
 * apiVersion, kind or metadata.name would change). */
MUST_USE enum status patch_merge_three_way(struct arena *arena, const struct doc *original,
					   const struct doc *modified, const struct doc *current,
					   const struct doc **ret_patch, struct error *error);

#endif
