/*
 * Sets of fields, in the form metadata.managedFields keeps them (FieldsV1, as
 * sigs.k8s.io/structured-merge-diff prints it): an object a level, "f:name" for a field,
 * k:{"name":"a"} for an item of a list by its keys, v:"x" for an item of a set, "." for an item as
 * such. An empty object is a leaf. NULL is the empty set.
 */
#ifndef SERVER_FIELD_SET_H
#define SERVER_FIELD_SET_H

#include "doc/doc.h"
#include "schema/schema.h"

/* Every field an object says something about. With `live`, only those where it differs from that.
 */
const struct doc *field_set_of(struct arena *arena, const struct api_struct *root,
			       const struct doc *object);
const struct doc *field_set_changed(struct arena *arena, const struct api_struct *root,
				    const struct doc *object, const struct doc *live);

/* As field_set_changed, and a map, list or pointer that `live` has not got counts itself, as ".".
 */
const struct doc *field_set_added(struct arena *arena, const struct api_struct *root,
				  const struct doc *object, const struct doc *live);

/* What is in either. */
const struct doc *field_set_union(struct arena *arena, const struct doc *a, const struct doc *b);

/* What is in `a` and not in `b`. */
const struct doc *field_set_minus(struct arena *arena, const struct doc *a, const struct doc *b);

/* Paths that are in both, as people read them: `.spec.containers[name="a"].image`. */
struct field_paths {
	VEC(struct str) list;
};
void field_set_common(struct arena *arena, const struct doc *a, const struct doc *b,
		      struct field_paths *paths);

/* `live` with everything `applied` says put in: maps and structs key by key, lists by their kind.
 */
const struct doc *field_set_merge(struct arena *arena, const struct api_struct *root,
				  const struct doc *live, const struct doc *applied);

/* `object` without the fields of a set. */
const struct doc *field_set_remove(struct arena *arena, const struct api_struct *root,
				   const struct doc *object, const struct doc *set);

#endif
