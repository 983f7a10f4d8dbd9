/*
 * An object against its structural schema, in the words of k8s.io/apiextensions-apiserver (which
 * are those of go-openapi/validate).
 */
#include "base/map.h"
#include "base/timestamp.h"
#include "doc/json.h"
#include "schema/format.h"
#include "schema/pattern.h"
#include "schema/structural.h"

enum { COMPARED_MAX = 1000 }; /* items of a list looked up one by one */

/* `old` is what stood there before, NULL for nothing: what did not change is not looked at again,
 * so that a stricter schema does not stop writers who touch other fields. */
static void validate(struct check *c, const struct doc *schema, const struct doc *value,
		     const struct doc *old);

/* Without its fraction; past 2^53 there is none. */
static double whole(double number)
{
	return number > 9e15 || number < -9e15 ? number : (double)(i64)number;
}

static bool is_integer(const struct doc *value)
{
	double number = doc_double_or(value, 0.5);

	return doc_is(value, DOC_NUMBER) && number == whole(number);
}

static const char *type_name(const struct doc *value)
{
	static const char *const names[] = {
		[DOC_NULL] = "null",	 [DOC_FALSE] = "boolean", [DOC_TRUE] = "boolean",
		[DOC_NUMBER] = "number", [DOC_STRING] = "string", [DOC_ARRAY] = "array",
		[DOC_OBJECT] = "object",
	};

	return is_integer(value) ? "integer" : names[value->type];
}

static bool has_type(const struct doc *schema, const struct doc *value)
{
	struct str type = doc_str(doc_key(schema, "type"));
	bool either = doc_bool_or(doc_key(schema, "x-kubernetes-int-or-string"), false);

	if (value->type == DOC_NULL && doc_bool_or(doc_key(schema, "nullable"), false))
		return true;
	if (either)
		return value->type == DOC_STRING || is_integer(value);
	if (!type.len || (str_is(type, "number") && value->type == DOC_NUMBER))
		return true;
	return str_is(type, type_name(value));
}

static void wrong_type(struct check *c, struct str type, const struct doc *value)
{
	const char *is = type_name(value);

	check_invalid_str(c, NULL, str_of(is),
			  STR_FMT " in body must be of type " STR_FMT ": \"%s\"",
			  STR_ARG(check_path(c)), STR_ARG(type), is);
}

/* ---- scalars */

static void validate_number(struct check *c, const struct doc *schema, const struct doc *value)
{
	const struct doc *min = doc_key(schema, "minimum"), *max = doc_key(schema, "maximum");
	const struct doc *step = doc_key(schema, "multipleOf");
	bool above = doc_bool_or(doc_key(schema, "exclusiveMinimum"), false);
	bool below = doc_bool_or(doc_key(schema, "exclusiveMaximum"), false);
	double number = doc_double_or(value, 0);

	if (min && (number < doc_double_or(min, 0) || (above && number == doc_double_or(min, 0))))
		check_invalid(c, NULL, value, STR_FMT " in body should be greater than %s%.*s",
			      STR_ARG(check_path(c)), above ? "" : "or equal to ", (int)min->len,
			      min->text);
	if (max && (number > doc_double_or(max, 0) || (below && number == doc_double_or(max, 0))))
		check_invalid(c, NULL, value, STR_FMT " in body should be less than %s%.*s",
			      STR_ARG(check_path(c)), below ? "" : "or equal to ", (int)max->len,
			      max->text);
	double pieces = step ? number / doc_double_or(step, 1) : 0, rest = pieces - whole(pieces);

	rest = rest < 0 ? -rest : rest;
	if (rest > 1e-9 && rest < 1 - 1e-9)
		check_invalid(c, NULL, value, STR_FMT " in body should be a multiple of %.*s",
			      STR_ARG(check_path(c)), (int)step->len, step->text);
}

/* Characters, not bytes: what continues one does not count. */
static i64 characters(struct str text)
{
	i64 count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += ((u8)text.at[i] & 0xc0) != 0x80;
	return count;
}

/* Formats upstream checks; it ignores those it does not know, and so do we. */
static bool has_format(struct arena *arena, struct str format, struct str text)
{
	static const struct {
		const char *name, *pattern;
	} patterns[] = {
		{ "date", "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$" },
		{ "uuid", "^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?"
			  "[0-9a-fA-F]{12}$" },
		{ "ipv4", "^((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\\.){3}"
			  "(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])$" },
		{ "email", "^[^@ ]+@[^@ ]+$" },
		{ "uri", "^[A-Za-z][A-Za-z0-9+.-]*:.+$" },
		{ "duration", "^-?([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h|d|w) ?)+$" },
		{ "hostname", "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\\.[A-Za-z0-9]"
			      "([A-Za-z0-9-]*[A-Za-z0-9])?)*\\.?$" },
		{ "byte", "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$" },
	};
	i64 when;

	if (str_is(format, "date-time") || str_is(format, "datetime"))
		return timestamp_parse(text, &when);
	for (u32 i = 0; i < ARRAY_LEN(patterns); i++)
		if (str_is(format, patterns[i].name))
			return pattern_matches(arena, str_of(patterns[i].pattern), text);
	return true;
}

static void validate_string(struct check *c, const struct doc *schema, const struct doc *value)
{
	struct str text = doc_str(value), pattern = doc_str(doc_key(schema, "pattern"));
	struct str format = doc_str(doc_key(schema, "format"));
	i64 min = doc_int_or(doc_key(schema, "minLength"), 0);
	i64 max = doc_int_or(doc_key(schema, "maxLength"), INT64_MAX);

	if (characters(text) < min)
		check_invalid(c, NULL, value, STR_FMT " in body should be at least %lld chars long",
			      STR_ARG(check_path(c)), (long long)min);
	if (characters(text) > max)
		check_too_long(c, NULL, (u32)max);
	if (pattern.len && !pattern_matches(c->arena, pattern, text))
		check_invalid(c, NULL, value, STR_FMT " in body should match '" STR_FMT "'",
			      STR_ARG(check_path(c)), STR_ARG(pattern));
	if (format.len && !has_format(c->arena, format, text))
		check_invalid(c, NULL, value, STR_FMT " in body must be of type " STR_FMT ": %s",
			      STR_ARG(check_path(c)), STR_ARG(format),
			      str_c(c->arena, check_go_quoted(c->arena, text)));
}

static void validate_enum(struct check *c, const struct doc *schema, const struct doc *value)
{
	const struct doc *allowed = doc_key(schema, "enum");
	struct str list = STR("");

	if (!doc_is(allowed, DOC_ARRAY))
		return;
	doc_each_item(allowed, one) {
		if (doc_eq(one, value))
			return;
		list = str_format(c->arena, STR_FMT "%s" STR_FMT, STR_ARG(list),
				  list.len ? ", " : "", STR_ARG(json_text(c->arena, one)));
	}
	check_unsupported_raw(c, NULL, value, list);
}

/* ---- lists and objects */

/* What tells an item of a set or map from the others, as a document. */
static const struct doc *item_key(struct arena *arena, const struct doc *keys,
				  const struct doc *item)
{
	const struct doc *named = NULL;

	if (!keys)
		return item;
	doc_each_item(keys, key)
		named = doc_with(arena, named, doc_str(key), doc_get(item, doc_str(key)));
	return named ? named : item;
}

static void validate_keys(struct check *c, const struct doc *schema, const struct doc *list)
{
	struct str type = doc_str(doc_key(schema, "x-kubernetes-list-type"));
	const struct doc *keys = doc_key(schema, "x-kubernetes-list-map-keys");
	struct map seen = { 0 };

	if (!str_is(type, "set") && !str_is(type, "map"))
		return;
	for (u32 i = 0; i < list->len; i++) {
		const struct doc *key = item_key(c->arena, keys, &list->items[i]);

		if (!map_put(&seen, json_text(c->arena, key), (void *)(uintptr_t)key))
			continue;
		check_enter_item(c, i);
		check_duplicate(c, NULL, key);
		check_leave(c);
	}
	map_release(&seen);
}

/* The item of the old list that this one was: only maps tell. */
static const struct doc *old_item(struct arena *arena, const struct doc *schema,
				  const struct doc *item, const struct doc *old)
{
	const struct doc *keys = doc_key(schema, "x-kubernetes-list-map-keys");
	bool few = doc_len(old) <= COMPARED_MAX;
	const struct doc *key = keys && old && few ? item_key(arena, keys, item) : NULL;

	if (key)
		doc_each_item(old, was)
			if (doc_eq(item_key(arena, keys, was), key))
				return was;
	return NULL;
}

static void validate_list(struct check *c, const struct doc *schema, const struct doc *list,
			  const struct doc *old)
{
	const struct doc *items = doc_key(schema, "items");
	i64 min = doc_int_or(doc_key(schema, "minItems"), 0);
	i64 max = doc_int_or(doc_key(schema, "maxItems"), INT64_MAX);

	if (list->len < min)
		check_invalid_raw(c, NULL, str_format(c->arena, "%u", list->len),
				  STR_FMT " in body should have at least %lld items",
				  STR_ARG(check_path(c)), (long long)min);
	if (list->len > max)
		check_too_many(c, NULL, list->len, (u32)max);
	for (u32 i = 0; items && i < list->len; i++) {
		check_enter_item(c, i);
		validate(c, items, &list->items[i],
			 old_item(c->arena, schema, &list->items[i], old));
		check_leave(c);
	}
	validate_keys(c, schema, list);
}

static void validate_object(struct check *c, const struct doc *schema, const struct doc *object,
			    const struct doc *old)
{
	const struct doc *properties = doc_key(schema, "properties");
	const struct doc *others = doc_key(schema, "additionalProperties");
	i64 min = doc_int_or(doc_key(schema, "minProperties"), 0);
	i64 max = doc_int_or(doc_key(schema, "maxProperties"), INT64_MAX);

	if (object->len < min)
		check_invalid_raw(c, NULL, str_format(c->arena, "%u", object->len),
				  STR_FMT " in body should have at least %lld properties",
				  STR_ARG(check_path(c)), (long long)min);
	if (object->len > max)
		check_too_many(c, NULL, object->len, (u32)max);
	doc_each_item(doc_key(schema, "required"), name) {
		if (doc_get(object, doc_str(name)))
			continue;
		check_enter_name(c, doc_str(name));
		check_required(c, NULL, "");
		check_leave(c);
	}
	doc_each_pair(object, key, value) {
		const struct doc *of = doc_get(properties, key);

		of = of ? of : doc_is(others, DOC_OBJECT) ? others : NULL;
		if (!of || (c->depth == 0 && str_is(key, "metadata")))
			continue;
		check_enter_name(c, key);
		validate(c, of, value, doc_get(old, key));
		check_leave(c);
	}
}

/* ---- schemas made of schemas */

static bool passes(struct check *c, const struct doc *schema, const struct doc *value)
{
	struct violations mine = { 0 }, *theirs = c->violations;

	c->violations = &mine;
	validate(c, schema, value, NULL);
	c->violations = theirs;
	return mine.len == 0;
}

static u32 passing(struct check *c, const struct doc *schemas, const struct doc *value)
{
	u32 count = 0;

	doc_each_item(schemas, schema)
		count += passes(c, schema, value);
	return count;
}

static void refuse(struct check *c, const char *what)
{
	check_invalid_str(c, NULL, STR(""), "\"" STR_FMT "\" must %s", STR_ARG(check_path(c)),
			  what);
}

static void validate_junctors(struct check *c, const struct doc *schema, const struct doc *value)
{
	const struct doc *all = doc_key(schema, "allOf"), *any = doc_key(schema, "anyOf");
	const struct doc *one = doc_key(schema, "oneOf"), *not = doc_key(schema, "not");
	u32 count = one ? passing(c, one, value) : 1;

	doc_each_item(all, part)
		validate(c, part, value, NULL);
	if (all && passing(c, all, value) < doc_len(all))
		refuse(c, "validate all the schemas (allOf)");
	if (any && passing(c, any, value) == 0)
		refuse(c, "validate at least one schema (anyOf)");
	if (count == 0)
		refuse(c, "validate one and only one schema (oneOf). Found none valid");
	else if (count > 1)
		refuse(c, str_c(c->arena,
				str_format(c->arena,
					   "validate one and only one schema (oneOf). Found %u "
					   "valid alternatives",
					   count)));
	if (not &&passes(c, not, value))
		refuse(c, "not validate the schema (not)");
}

static void validate(struct check *c, const struct doc *schema, const struct doc *value,
		     const struct doc *old)
{
	bool either = doc_bool_or(doc_key(schema, "x-kubernetes-int-or-string"), false);

	if (old && c->depth && doc_eq(value, old))
		return;
	if (!has_type(schema, value)) {
		wrong_type(c, either ? STR("integer,string") : doc_str(doc_key(schema, "type")),
			   value);
		return;
	}
	if (value->type == DOC_NUMBER)
		validate_number(c, schema, value);
	else if (value->type == DOC_STRING)
		validate_string(c, schema, value);
	else if (value->type == DOC_ARRAY)
		validate_list(c, schema, value, old);
	else if (value->type == DOC_OBJECT)
		validate_object(c, schema, value, old);
	if (value->type != DOC_NULL)
		validate_enum(c, schema, value);
	validate_junctors(c, schema, value);
}

void structural_validate(struct check *c, const struct doc *schema, const struct doc *object,
			 const struct doc *old)
{
	validate(c, schema, object, old);
}
