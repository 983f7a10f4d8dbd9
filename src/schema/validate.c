/* The walk that checks an object against its tables, and the sentence that comes out of it. */
#include "schema/validate.h"

#include <stdio.h>

#include "schema/check.h"
#include "schema/structural.h"

static bool is_object_meta(const struct api_struct *s)
{
	return str_is(s->name, "ObjectMeta");
}

/* ---- one field */

static void check_enum(struct check *c, const struct api_field *f, const struct doc *value)
{
	const char *supported[64];
	struct str text = doc_str(value);
	u32 len = 0;

	if (!doc_is(value, DOC_STRING) || (text.len == 0 && !(f->flags & API_POINTER)))
		return;
	for (u32 i = 0; i < f->enums_len; i++)
		if (str_eq(f->enums[i], text))
			return;
	for (u32 i = 0; i < f->enums_len && len < ARRAY_LEN(supported) - 1; i++)
		if (f->enums[i].len)
			supported[len++] = str_c(c->arena, f->enums[i]);
	supported[len] = NULL;
	check_unsupported(c, NULL, text, supported);
}

static void check_number(struct check *c, const struct api_field *f, const struct doc *value)
{
	bool has_min = f->flags & API_HAS_MIN, has_max = f->flags & API_HAS_MAX;
	i64 number = doc_int_or(value, 0);

	if ((!has_min || number >= f->min) && (!has_max || number <= f->max))
		return;
	if (has_min && has_max && f->max == 100)
		check_invalid(c, NULL, value, "must be in the range %lld-%lld", (long long)f->min,
			      (long long)f->max);
	else if (has_min && has_max)
		check_invalid(c, NULL, value, "must be between %lld and %lld, inclusive",
			      (long long)f->min, (long long)f->max);
	else if (has_min)
		check_invalid(c, NULL, value, "must be greater than or equal to %lld",
			      (long long)f->min);
	else
		check_invalid(c, NULL, value, "must be less than or equal to %lld",
			      (long long)f->max);
}

static void check_bounds(struct check *c, const struct api_field *f, const struct doc *value)
{
	if (doc_is(value, DOC_NUMBER))
		check_number(c, f, value);
	else if (f->flags & API_HAS_MAX && doc_is(value, DOC_ARRAY) && value->len > f->max)
		check_too_many(c, NULL, value->len, (u32)f->max);
	else if (f->flags & API_HAS_MAX && doc_is(value, DOC_STRING) && value->len > f->max)
		check_too_long(c, NULL, (u32)f->max);
}

/* A scalar's own rules; in lists and maps they hold for each value. */
static void check_scalar(struct check *c, const struct api_field *f, const struct doc *value)
{
	if (f->enums_len)
		check_enum(c, f, value);
	if (f->format && !(doc_is(value, DOC_STRING) && value->len == 0))
		check_format(c, NULL, (enum api_format)f->format, value);
}

static void check_items(struct check *c, const struct api_field *f, const struct doc *value)
{
	bool deep = f->of && f->of->flags & API_CHECKS;

	if (f->format == API_FORMAT_LABELS) {
		check_labels(c, NULL, value);
		return;
	}
	if (!deep && !f->format && !f->enums_len)
		return;
	for (u32 i = 0; i < doc_len(value); i++) {
		if (value->type == DOC_ARRAY)
			check_enter_item(c, i);
		else
			check_enter_key(c, doc_pair_key(value, i));
		const struct doc *item =
			value->type == DOC_ARRAY ? &value->items[i] : doc_pair_value(value, i);

		if (deep)
			check_struct(c, f->of, item, NULL);
		else
			check_scalar(c, f, item);
		check_leave(c);
	}
}

static bool is_missing(const struct doc *value)
{
	return doc_is_null(value) ||
	       ((value->type == DOC_STRING || value->type == DOC_ARRAY) && value->len == 0);
}

/* What Go sees where there is nothing: zeros are checked like any value, structs are looked into.
 */
static void check_missing(struct check *c, const struct api_field *f)
{
	struct format_faults faults = { .len = 0 };

	if (f->type == API_BOOL && f->shape == API_ONE)
		return;
	if (f->of && f->shape == API_ONE && !(f->flags & API_POINTER)) {
		if (f->of->flags & API_CHECKS)
			check_struct(c, f->of, &doc_empty_object, NULL);
		return;
	}
	bool number = f->type == API_INT32 || f->type == API_INT64 || f->type == API_INT_OR_STRING;

	if (number && f->shape == API_ONE && !(f->flags & API_POINTER)) {
		format_check_int((enum api_format)f->format, 0, &faults);
		if (faults.len || f->flags & (API_HAS_MIN | API_HAS_MAX)) {
			check_bounds(c, f, &doc_zero);
			check_format(c, NULL, (enum api_format)f->format, &doc_zero);
			return;
		}
	}
	check_required(c, NULL, "");
}

static void check_field(struct check *c, const struct api_field *f, const struct doc *value,
			const struct doc *old)
{
	if (f->flags & API_IMMUTABLE && c->old && !doc_eq(value, old) &&
	    !(doc_is_null(value) && doc_is_null(old))) {
		if (f->of && str_is(f->of->name, "LabelSelector"))
			check_invalid_raw(c, NULL, check_go_selector(c->arena, value),
					  "field is immutable");
		else
			check_invalid(c, NULL, value, "field is immutable");
	}
	if (is_missing(value)) {
		if (f->flags & API_REQUIRED)
			check_missing(c, f);
		return;
	}
	if (f->flags & (API_HAS_MIN | API_HAS_MAX))
		check_bounds(c, f, value);
	if (f->shape != API_ONE)
		check_items(c, f, value);
	else if (f->of && f->of->flags & API_CHECKS)
		check_struct(c, f->of, value, old);
	else if (!f->of)
		check_scalar(c, f, value);
	if (f->check)
		f->check(c, value, old);
}

static bool has_rules(const struct api_field *f)
{
	return f->flags & (API_REQUIRED | API_IMMUTABLE | API_HAS_MIN | API_HAS_MAX) || f->format ||
	       f->check || f->enums_len || (f->of && f->of->flags & API_CHECKS);
}

void check_struct(struct check *c, const struct api_struct *s, const struct doc *value,
		  const struct doc *old)
{
	const struct doc *values[256] = { NULL };

	if (!doc_is(value, DOC_OBJECT))
		return;
	for (u32 i = 0; i < value->len; i++) {
		const struct api_field *f = api_field_find(s, doc_pair_key(value, i));

		if (f)
			values[f - s->fields] = doc_pair_value(value, i);
	}
	for (u32 i = 0; i < s->len; i++) {
		const struct api_field *f = &s->fields[i];

		/* What only the server writes is its own business. */
		if (f->flags & API_OUTPUT || !has_rules(f) || (f->of && is_object_meta(f->of)))
			continue;
		c->trail[c->depth++] = (struct check_step){ f->name, CHECK_FIELD };
		check_field(c, f, values[i], doc_get(old, f->name));
		c->depth--;
	}
	if (s->check)
		s->check(c, value, old);
}

/* ---- the whole */

void schema_validate(struct arena *arena, const struct schema *schema, const struct api_kind *kind,
		     const struct doc *object, const struct doc *old, const char *subresource,
		     struct violations *violations)
{
	struct check c = {
		.arena = arena,
		.schema = schema,
		.kind = kind,
		.object = object,
		.old = old,
		.subresource = subresource,
		.violations = violations,
	};

	if (api_field_find(kind->root, STR("metadata")))
		check_metadata(&c);
	if (kind->shape) {
		structural_validate(&c, kind->shape, object, old);
		return;
	}
	if (subresource && strcmp(subresource, "status") == 0)
		return; /* the status is the controllers' word; nothing of the rest changes */
	check_struct(&c, kind->root, object, old);
	if (kind->check)
		kind->check(&c, object, old);
}

enum status violations_fail(const struct violations *violations, const struct api_kind *kind,
			    struct str name, struct error *error)
{
	char text[ERROR_MESSAGE_MAX];
	size_t len = 0;

	if (violations->len == 0)
		return ST_OK;
	for (u32 i = 0; i < violations->len && len < sizeof text; i++) {
		const struct cause *cause = &violations->at[i];

		len += (size_t)snprintf(text + len, sizeof text - len, "%s" STR_FMT "%s" STR_FMT,
					i ? ", " : "", STR_ARG(cause->field),
					cause->field.len ? ": " : "", STR_ARG(cause->message));
	}
	bool many = violations->len > 1;

	fail(error, ST_INVALID, STR_FMT "%s" STR_FMT " \"" STR_FMT "\" is invalid: %s%s%s",
	     STR_ARG(kind->kind), kind->group.len ? "." : "", STR_ARG(kind->group), STR_ARG(name),
	     many ? "[" : "", text, many ? "]" : "");
	if (error && error->status == ST_INVALID) {
		error->causes = violations->at;
		error->causes_len = violations->len;
		error->kind = kind->kind;
		error->group = kind->group;
		error->name = name;
	}
	return ST_INVALID;
}
