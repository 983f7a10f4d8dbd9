/* Merge keys and strategies of a kind's fields, for strategic merge patches. */
#include "server/patch_schema.h"

/* A type is a struct; the items of lists and the values of maps are told by their struct too. */
static bool field_of(const void *type, struct str key, struct patch_field *ret)
{
	const struct api_struct *of = type;
	const struct api_field *field = of ? api_field_find(of, key) : NULL;

	*ret = (struct patch_field){ 0 };
	if (!field)
		return false;
	if (field->type == API_STRUCT)
		ret->type = field->of;
	ret->merge_key = field->patch_key;
	ret->merge = field->flags & API_PATCH_MERGE;
	ret->retain_keys = field->flags & API_PATCH_RETAIN;
	return true;
}

struct patch_schema patch_schema_of(const struct api_kind *kind)
{
	return (struct patch_schema){ .field = field_of, .root = kind->root };
}
