/* Which schemas we serve: structural ones, without what is not checked here. Follows
 * k8s.io/apiextensions-apiserver/pkg/apiserver/schema/validation.go. */
#include "schema/pattern.h"
#include "schema/structural.h"

static bool says(const struct doc *schema, const char *key)
{
	return doc_bool_or(doc_get(schema, str_of(key)), false);
}

static void check_level(struct check *c, const struct doc *schema, const char *of, bool inside);

static void check_words(struct check *c, const struct doc *schema)
{
	static const char *const forbidden[] = { "$ref",	   "id",
						 "$schema",	   "definitions",
						 "dependencies",   "patternProperties",
						 "additionalItems" };
	struct error error = ERROR_INIT;
	const struct doc *pattern = doc_key(schema, "pattern");

	for (u32 i = 0; i < ARRAY_LEN(forbidden); i++)
		if (doc_get(schema, str_of(forbidden[i])))
			check_forbidden(c, forbidden[i], "%s is not supported", forbidden[i]);
	if (says(schema, "uniqueItems"))
		check_forbidden(c, "uniqueItems",
				"uniqueItems cannot be set to true since the runtime complexity "
				"becomes quadratic");
	if (pattern && pattern_check(c->arena, doc_str(pattern), &error) != ST_OK)
		check_invalid(c, "pattern", pattern, "%s", error.message);
	if (doc_len(doc_key(schema, "x-kubernetes-validations")))
		check_forbidden(c, "x-kubernetes-validations",
				"rules in CEL are not supported by this server; leave them out");
}

static void check_type(struct check *c, const struct doc *schema, const char *of)
{
	static const char *const types[] = { "array",  "boolean", "integer", "number",
					     "object", "string",  NULL };
	struct str type = doc_str(doc_key(schema, "type"));
	bool either = says(schema, "x-kubernetes-int-or-string");
	bool known = false;

	for (u32 i = 0; types[i]; i++)
		known = known || str_is(type, types[i]);
	if (!type.len && !either && !says(schema, "x-kubernetes-preserve-unknown-fields"))
		check_required(c, "type",
			       str_c(c->arena, str_format(c->arena, "must not be empty %s", of)));
	else if (type.len && !known)
		check_unsupported(c, "type", type, types);
	if (type.len && either)
		check_invalid_str(c, "type", type,
				  "must be empty if x-kubernetes-int-or-string is true");
}

/* Schemas inside allOf and its kin may only narrow: their types stand outside. */
static void check_junctors(struct check *c, const struct doc *schema)
{
	static const char *const lists[] = { "allOf", "anyOf", "oneOf" };
	const struct doc *not = doc_key(schema, "not");

	for (u32 i = 0; i < ARRAY_LEN(lists); i++) {
		const struct doc *list = doc_get(schema, str_of(lists[i]));

		check_enter(c, lists[i]);
		for (u32 j = 0; j < doc_len(list); j++) {
			check_enter_item(c, j);
			check_level(c, doc_item(list, j), "", true);
			check_leave(c);
		}
		check_leave(c);
	}
	if (not ) {
		check_enter(c, "not");
		check_level(c, not, "", true);
		check_leave(c);
	}
}

static void check_below(struct check *c, const struct doc *schema, bool inside)
{
	const struct doc *items = doc_key(schema, "items");
	const struct doc *others = doc_key(schema, "additionalProperties");
	const struct doc *properties = doc_key(schema, "properties");

	check_enter(c, "properties");
	doc_each_pair(properties, key, below) {
		check_enter_key(c, key);
		check_level(c, below, "for specified object fields", inside);
		check_leave(c);
	}
	check_leave(c);
	if (doc_is(others, DOC_OBJECT)) {
		if (doc_len(properties))
			check_forbidden(c, "additionalProperties",
					"additionalProperties and properties are mutual exclusive");
		check_enter(c, "additionalProperties");
		check_level(c, others, "for specified object fields", inside);
		check_leave(c);
	}
	if (doc_is(items, DOC_ARRAY)) {
		check_forbidden(c, "items", "items must be a schema object and not an array");
	} else if (items) {
		check_enter(c, "items");
		check_level(c, items, "for specified array items", inside);
		check_leave(c);
	} else if (!inside && str_is(doc_str(doc_key(schema, "type")), "array")) {
		check_required(c, "items", "must be specified");
	}
}

static void check_list(struct check *c, const struct doc *schema)
{
	struct str type = doc_str(doc_key(schema, "x-kubernetes-list-type"));
	const struct doc *keys = doc_key(schema, "x-kubernetes-list-map-keys");
	static const char *const types[] = { "atomic", "map", "set", NULL };

	if (type.len && !str_is(type, "atomic") && !str_is(type, "set") && !str_is(type, "map"))
		check_unsupported(c, "x-kubernetes-list-type", type, types);
	if (str_is(type, "map") && doc_len(keys) == 0)
		check_required(c, "x-kubernetes-list-map-keys",
			       "must not be empty if x-kubernetes-list-type is map");
	if (keys && !str_is(type, "map"))
		check_invalid_str(c, "x-kubernetes-list-type", type,
				  "must be map if x-kubernetes-list-map-keys is non-empty");
}

static void check_level(struct check *c, const struct doc *schema, const char *of, bool inside)
{
	if (!doc_is(schema, DOC_OBJECT)) {
		check_required(c, NULL, "must be a schema");
		return;
	}
	check_words(c, schema);
	if (!inside) {
		check_type(c, schema, of);
		check_list(c, schema);
	}
	check_below(c, schema, inside);
	check_junctors(c, schema);
}

void structural_check(struct check *c, const struct doc *schema)
{
	struct str type = doc_str(doc_key(schema, "type"));

	if (!type.len)
		check_required(c, "type", "must not be empty at the root");
	else if (!str_is(type, "object"))
		check_invalid_str(c, "type", type, "must be object at the root");
	else
		check_level(c, schema, "at the root", false);
}
