/* How violations are worded, and the path they carry. */
#include "schema/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/check.h"
#include "doc/json.h"

enum { VALUE_BYTES_MAX = 4096 }; /* of a bad value shown; the rest is cut */

/* ---- the trail */

static void push(struct check *c, struct str key, i32 index)
{
	CHECK(c->depth < ARRAY_LEN(c->trail));
	c->trail[c->depth++] = (struct check_step){ key, index };
}

void check_enter(struct check *c, const char *field)
{
	push(c, str_of(field), CHECK_FIELD);
}

void check_enter_item(struct check *c, u32 index)
{
	push(c, STR_NONE, (i32)index);
}

void check_enter_key(struct check *c, struct str key)
{
	push(c, key, CHECK_KEY);
}

void check_leave(struct check *c)
{
	CHECK(c->depth > 0);
	c->depth--;
}

void check_enter_name(struct check *c, struct str name)
{
	push(c, name, CHECK_FIELD);
}

static struct str print_path(struct check *c, const char *child)
{
	struct buffer out = BUFFER_INIT(BODY_BYTES_MAX);

	for (u32 i = 0; i < c->depth; i++) {
		const struct check_step *s = &c->trail[i];

		if (s->index >= 0)
			buffer_add_format(&out, "[%d]", s->index);
		else if (s->index == CHECK_KEY)
			buffer_add_format(&out, "[" STR_FMT "]", STR_ARG(s->key));
		else
			buffer_add_format(&out, "%s" STR_FMT, out.len ? "." : "", STR_ARG(s->key));
	}
	if (child)
		buffer_add_format(&out, "%s%s", out.len && child[0] != '[' ? "." : "", child);
	struct str path = str_copy(c->arena, buffer_str(&out));

	buffer_release(&out);
	return path;
}

/* ---- values as Go prints them */

struct str check_go_quoted(struct arena *arena, struct str text)
{
	struct buffer out = BUFFER_INIT(4 * VALUE_BYTES_MAX + 16);

	buffer_add_char(&out, '"');
	for (size_t i = 0; i < text.len && i < VALUE_BYTES_MAX; i++) {
		u8 c = (u8)text.at[i];

		if (c == '"' || c == '\\')
			buffer_add_format(&out, "\\%c", c);
		else if (c == '\n' || c == '\t' || c == '\r')
			buffer_add_str(&out, c == '\n'	 ? STR("\\n")
					     : c == '\t' ? STR("\\t")
							 : STR("\\r"));
		else if (c < ' ' || c == 0x7f)
			buffer_add_format(&out, "\\x%02x", c);
		else
			buffer_add_char(&out, (char)c);
	}
	buffer_add_char(&out, '"');
	struct str quoted = str_copy(arena, buffer_str(&out));

	buffer_release(&out);
	return quoted;
}

static int compare_pair(const void *a, const void *b)
{
	const struct doc *x = a, *y = b;

	return str_cmp((struct str){ x->text, x->len }, (struct str){ y->text, y->len });
}

struct str check_go_map(struct arena *arena, const struct doc *map)
{
	u32 len = doc_len(map);
	struct str *pieces = ARENA_ARRAY(arena, struct str, len + 1);

	if (!map)
		return STR("map[string]string(nil)");
	if (len == 0)
		return STR("map[string]string{}");
	struct doc *pairs = arena_copy(arena, map->items, sizeof *pairs * 2 * len);

	qsort(pairs, len, 2 * sizeof *pairs, compare_pair);
	for (u32 i = 0; i < len; i++) {
		struct str key = { pairs[2 * i].text, pairs[2 * i].len };
		struct str name = check_go_quoted(arena, key);
		struct str value = check_go_quoted(arena, doc_str(&pairs[2 * i + 1]));

		pieces[i] = str_format(arena, STR_FMT ":" STR_FMT, STR_ARG(name), STR_ARG(value));
	}
	struct str inside = str_join(arena, pieces, len, STR(", "));

	return str_format(arena, "map[string]string{" STR_FMT "}", STR_ARG(inside));
}

/* v1.LabelSelectorRequirement{Key:"a", Operator:"In", Values:[]string{"x"}} */
static struct str go_requirement(struct arena *arena, const struct doc *r)
{
	const struct doc *values = doc_key(r, "values");
	struct str *pieces = ARENA_ARRAY(arena, struct str, doc_len(values) + 1);
	struct str key = check_go_quoted(arena, doc_at_str(r, "key"));
	struct str verb = check_go_quoted(arena, doc_at_str(r, "operator"));

	for (u32 i = 0; i < doc_len(values); i++)
		pieces[i] = check_go_quoted(arena, doc_str(&values->items[i]));
	struct str inside = str_join(arena, pieces, doc_len(values), STR(", "));

	if (!values)
		inside = STR("(nil)");
	else
		inside = str_format(arena, "{" STR_FMT "}", STR_ARG(inside));
	return str_format(arena,
			  "v1.LabelSelectorRequirement{Key:" STR_FMT ", Operator:" STR_FMT
			  ", Values:[]string" STR_FMT "}",
			  STR_ARG(key), STR_ARG(verb), STR_ARG(inside));
}

struct str check_go_selector(struct arena *arena, const struct doc *label_selector)
{
	const struct doc *expressions = doc_key(label_selector, "matchExpressions");
	struct str labels = check_go_map(arena, doc_key(label_selector, "matchLabels"));
	struct str *pieces = ARENA_ARRAY(arena, struct str, doc_len(expressions) + 1);
	struct str inside = STR("(nil)");

	for (u32 i = 0; i < doc_len(expressions); i++)
		pieces[i] = go_requirement(arena, &expressions->items[i]);
	if (expressions) {
		inside = str_join(arena, pieces, doc_len(expressions), STR(", "));
		inside = str_format(arena, "{" STR_FMT "}", STR_ARG(inside));
	}
	return str_format(arena,
			  "v1.LabelSelector{MatchLabels:" STR_FMT
			  ", MatchExpressions:[]v1.LabelSelectorRequirement" STR_FMT "}",
			  STR_ARG(labels), STR_ARG(inside));
}

static struct str go_value(struct arena *arena, const struct doc *value)
{
	if (doc_is_null(value))
		return STR("null");
	if (value->type == DOC_STRING)
		return check_go_quoted(arena, (struct str){ value->text, value->len });
	return str_part(json_text(arena, value), 0, VALUE_BYTES_MAX);
}

struct str check_path(struct check *c)
{
	return print_path(c, NULL);
}

/* ---- adding */

static void add(struct check *c, const char *reason, const char *child, struct str message)
{
	struct violations *v = c->violations;
	struct cause cause = { str_of(reason), message, print_path(c, child) };

	for (u32 i = 0; i < v->len; i++)
		if (str_eq(v->at[i].field, cause.field) && str_eq(v->at[i].message, message))
			return;
	if (v->len == CAUSES_MAX) {
		v->cut = true;
		return;
	}
	VEC_PUSH(c->arena, v, cause);
}

static struct str format_detail(struct arena *arena, const char *format, va_list args)
{
	char text[ERROR_MESSAGE_MAX];
	int len = vsnprintf(text, sizeof text, format, args);

	return str_copy(arena, (struct str){ text, (size_t)clamp_i64(len, 0, sizeof text - 1) });
}

static void add_value(struct check *c, const char *reason, const char *what, const char *child,
		      struct str printed, struct str detail)
{
	add(c, reason, child,
	    str_format(c->arena, "%s: " STR_FMT "%s" STR_FMT, what, STR_ARG(printed),
		       detail.len ? ": " : "", STR_ARG(detail)));
}

void check_required(struct check *c, const char *child, const char *detail)
{
	add(c, "FieldValueRequired", child,
	    detail[0] ? str_format(c->arena, "Required value: %s", detail) : STR("Required value"));
}

void check_forbidden(struct check *c, const char *child, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	struct str detail = format_detail(c->arena, format, args);

	va_end(args);
	add(c, "FieldValueForbidden", child,
	    str_format(c->arena, "Forbidden: " STR_FMT, STR_ARG(detail)));
}

void check_invalid(struct check *c, const char *child, const struct doc *value, const char *format,
		   ...)
{
	va_list args;

	va_start(args, format);
	struct str detail = format_detail(c->arena, format, args);

	va_end(args);
	add_value(c, "FieldValueInvalid", "Invalid value", child, go_value(c->arena, value),
		  detail);
}

void check_invalid_str(struct check *c, const char *child, struct str value, const char *format,
		       ...)
{
	va_list args;

	va_start(args, format);
	struct str detail = format_detail(c->arena, format, args);

	va_end(args);
	add_value(c, "FieldValueInvalid", "Invalid value", child, check_go_quoted(c->arena, value),
		  detail);
}

void check_invalid_raw(struct check *c, const char *child, struct str printed, const char *format,
		       ...)
{
	va_list args;

	va_start(args, format);
	struct str detail = format_detail(c->arena, format, args);

	va_end(args);
	add_value(c, "FieldValueInvalid", "Invalid value", child, printed, detail);
}

void check_unsupported(struct check *c, const char *child, struct str value,
		       const char *const *supported)
{
	struct str detail = STR("supported values: ");

	for (u32 i = 0; supported[i]; i++)
		detail = str_format(c->arena, STR_FMT "%s\"%s\"", STR_ARG(detail), i ? ", " : "",
				    supported[i]);
	add_value(c, "FieldValueNotSupported", "Unsupported value", child,
		  check_go_quoted(c->arena, value), detail);
}

void check_unsupported_raw(struct check *c, const char *child, const struct doc *value,
			   struct str supported)
{
	add_value(c, "FieldValueNotSupported", "Unsupported value", child,
		  go_value(c->arena, value),
		  str_format(c->arena, "supported values: " STR_FMT, STR_ARG(supported)));
}

void check_duplicate(struct check *c, const char *child, const struct doc *value)
{
	add_value(c, "FieldValueDuplicate", "Duplicate value", child, go_value(c->arena, value),
		  STR_NONE);
}

void check_not_found(struct check *c, const char *child, struct str value)
{
	add_value(c, "FieldValueNotFound", "Not found", child, check_go_quoted(c->arena, value),
		  STR_NONE);
}

void check_too_long(struct check *c, const char *child, u32 max_bytes)
{
	add(c, "FieldValueTooLong", child,
	    str_format(c->arena, "Too long: may not be more than %u byte%s", max_bytes,
		       max_bytes == 1 ? "" : "s"));
}

void check_too_many(struct check *c, const char *child, u32 count, u32 max)
{
	add(c, "FieldValueTooMany", child,
	    str_format(c->arena, "Too many: %u: must have at most %u items", count, max));
}

/* ---- common rules */

static void add_faults(struct check *c, const char *child, const struct format_faults *faults,
		       const struct doc *value)
{
	for (u32 i = 0; i < faults->len; i++)
		check_invalid(c, child, value, STR_FMT, STR_ARG(faults->at[i]));
}

void check_format(struct check *c, const char *child, enum api_format format,
		  const struct doc *value)
{
	struct format_faults faults = { .len = 0 };

	if (doc_is(value, DOC_NUMBER))
		format_check_int(format, doc_int_or(value, 0), &faults);
	else if (doc_is(value, DOC_STRING))
		format_check(format, (struct str){ value->text, value->len }, &faults);
	if (faults.len)
		add_faults(c, child, &faults, value);
}

void check_format_str(struct check *c, const char *child, enum api_format format, struct str value)
{
	struct doc d = { .type = DOC_STRING, .len = (u32)value.len, .text = value.at };

	check_format(c, child, format, &d);
}

void check_immutable(struct check *c, const char *child, const struct doc *value,
		     const struct doc *old)
{
	if (!doc_eq(value, old) && !(doc_is_null(value) && doc_is_null(old)))
		check_invalid(c, child, value, "field is immutable");
}

void check_labels(struct check *c, const char *child, const struct doc *labels)
{
	doc_each_pair(labels, key, value) {
		check_format_str(c, child, API_FORMAT_LABEL_KEY, key);
		check_format(c, child, API_FORMAT_LABEL_VALUE, value);
	}
}

void check_annotations(struct check *c, const char *child, const struct doc *annotations)
{
	enum { ANNOTATIONS_BYTES_MAX = 256 << 10 };
	size_t total = 0;

	doc_each_pair(annotations, key, value) {
		struct format_faults faults = { .len = 0 };

		total += key.len + doc_str(value).len;
		format_check(API_FORMAT_QUALIFIED_NAME, key, &faults);
		if (faults.len) /* capitals are allowed in an annotation's prefix */
			check_format_str(c, child, API_FORMAT_QUALIFIED_NAME,
					 str_lower(c->arena, key));
	}
	if (total > ANNOTATIONS_BYTES_MAX)
		check_too_long(c, child, ANNOTATIONS_BYTES_MAX);
}
