/*
 * Schemas of custom resources in the second version of OpenAPI, which knows less than they say:
 * what it cannot express is left out, so that old clients refuse nothing the server would take
 * (apiextensions-apiserver's pkg/controller/openapi/v2).
 */
#include "doc/json.h"
#include "schema/openapi_v2.h"

enum {
	SCHEMA_FORMAT = 2,
	SCHEMA_DESCRIPTION = 4,
	SCHEMA_DEFAULT = 5,
	SCHEMA_REQUIRED = 19,
	SCHEMA_ADDITIONAL_PROPERTIES = 21,
	SCHEMA_TYPE = 22,
	SCHEMA_ITEMS = 23,
	SCHEMA_PROPERTIES = 25,
	SCHEMA_VENDOR_EXTENSION = 31,
	ITEM = 1,
	NAMED_NAME = 1,
	NAMED_VALUE = 2,
	ANY_YAML = 2,
	LEVELS = 8, /* the most that one schema opens before the next begins */
};

static bool says(const struct doc *schema, const char *key)
{
	return doc_bool_or(doc_get(schema, str_of(key)), false);
}

static void put_type(struct proto_out *o, struct str type)
{
	if (!type.len)
		return;
	proto_open(o, SCHEMA_TYPE);
	proto_str(o, ITEM, type);
	proto_close(o);
}

static void put_below(struct proto_out *o, struct arena *arena, u32 field, const struct doc *shape)
{
	proto_open(o, field);
	proto_open(o, ITEM);
	openapi_v2_shape(o, arena, shape);
	proto_close(o);
	proto_close(o);
}

static void put_extensions(struct proto_out *o, struct arena *arena, const struct doc *shape)
{
	doc_each_pair(shape, key, value) {
		if (!str_starts(key, STR("x-kubernetes-")))
			continue;
		proto_open(o, SCHEMA_VENDOR_EXTENSION);
		proto_str(o, NAMED_NAME, key);
		proto_open(o, NAMED_VALUE);
		proto_str(o, ANY_YAML, json_text(arena, value));
		proto_close(o);
		proto_close(o);
	}
}

void openapi_v2_property(struct proto_out *o, struct arena *arena, struct str name,
			 const struct doc *shape)
{
	proto_open(o, ITEM);
	proto_str(o, NAMED_NAME, name);
	proto_open(o, NAMED_VALUE);
	openapi_v2_shape(o, arena, shape);
	proto_close(o);
	proto_close(o);
}

static void put_object(struct proto_out *o, struct arena *arena, const struct doc *shape)
{
	const struct doc *properties = doc_key(shape, "properties");
	const struct doc *others = doc_key(shape, "additionalProperties");

	doc_each_item(doc_key(shape, "required"), name)
		proto_str(o, SCHEMA_REQUIRED, doc_str(name));
	if (doc_is(others, DOC_OBJECT))
		put_below(o, arena, SCHEMA_ADDITIONAL_PROPERTIES, others);
	if (!doc_len(properties))
		return;
	proto_open(o, SCHEMA_PROPERTIES);
	doc_each_pair(properties, key, below)
		openapi_v2_property(o, arena, key, below);
	proto_close(o);
}

void openapi_v2_shape(struct proto_out *o, struct arena *arena, const struct doc *shape)
{
	const struct doc *value = doc_key(shape, "default"), *items = doc_key(shape, "items");
	struct str type = doc_str(doc_key(shape, "type"));
	struct str text = doc_str(doc_key(shape, "description"));
	bool any = says(shape, "x-kubernetes-preserve-unknown-fields") ||
		   says(shape, "x-kubernetes-int-or-string") || says(shape, "nullable");

	if (text.len)
		proto_str(o, SCHEMA_DESCRIPTION, text);
	if (o->depth + LEVELS > PROTO_DEPTH_MAX)
		return; /* too deep to be shown: anything may stand there */
	put_extensions(o, arena, shape);
	if (value) {
		proto_open(o, SCHEMA_DEFAULT);
		proto_str(o, ANY_YAML, json_text(arena, value));
		proto_close(o);
	}
	if (any)
		return; /* without a type nothing is refused */
	put_type(o, type);
	if (str_is(type, "object"))
		put_object(o, arena, shape);
	else if (str_is(type, "array") && doc_is(items, DOC_OBJECT))
		put_below(o, arena, SCHEMA_ITEMS, items);
	else if (doc_key(shape, "format"))
		proto_str(o, SCHEMA_FORMAT, doc_str(doc_key(shape, "format")));
}
