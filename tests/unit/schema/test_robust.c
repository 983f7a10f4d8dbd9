/*
 * Any JSON may come: documents made from the tables' own field names with values of right and wrong
 * types, for every kind. Nothing may crash, and what is accepted must be stable: decoded once more
 * it stays as it is, defaulted once more it stays as it is.
 */
#include "../unit.h"

#include "base/random.h"
#include "doc/build.h"
#include "doc/json.h"
#include "schema/columns.h"
#include "schema/decode.h"
#include "schema/default.h"
#include "schema/protobuf.h"
#include "schema/selector.h"
#include "schema/validate.h"

enum { ROUNDS = 300, DEPTH_MAX = 9, FIELDS_MAX = 12 };

static struct arena *arena;
static struct schema *schema;
static struct random dice;

static const struct doc *any_scalar(void)
{
	static const char *const texts[] = {
		"",	  "a",	  "-",	      "1",     "25%", "/a/../b",  "a=b",
		"1Gi",	  "YQ==", "\xc3\xbc", "x/y/z", "..",  "10.0.0.1", "2026-01-01T00:00:00Z",
		"Always", "{}"
	};

	switch (random_below(&dice, 6)) {
	case 0:
		return doc_new_int(arena, (i64)random_below(&dice, 5) - 2);
	case 1:
		return doc_new_int(arena, INT64_MAX);
	case 2:
		return doc_new_bool(random_chance(&dice, 500));
	case 3:
		return &doc_null;
	default:
		return doc_ref_str(arena, str_of(texts[random_below(&dice, ARRAY_LEN(texts))]));
	}
}

static const struct doc *any_struct(const struct api_struct *s, u32 depth);

/* A value the field can take, mostly. */
static const struct doc *any_value(const struct api_field *f, u32 depth)
{
	static const char *const times[] = { "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00" };
	static const char *const quantities[] = { "1", "100m", "1024Mi", "-5", "0.5" };

	if (random_chance(&dice, 8))
		return any_scalar();
	switch (f->type) {
	case API_STRUCT:
		return depth < DEPTH_MAX ? any_struct(f->of, depth + 1) : &doc_empty_object;
	case API_BOOL:
		return doc_new_bool(random_chance(&dice, 500));
	case API_INT32:
	case API_INT64:
	case API_INT_OR_STRING:
	case API_DOUBLE:
		return doc_new_int(arena, (i64)random_below(&dice, 90000) - 100);
	case API_QUANTITY:
		return doc_ref_str(arena, str_of(quantities[random_below(&dice, 5)]));
	case API_TIME:
	case API_MICRO_TIME:
		return doc_ref_str(arena, str_of(times[random_below(&dice, 2)]));
	case API_DURATION:
		return doc_ref_str(arena, STR("90s"));
	case API_BYTES:
		return doc_ref_str(arena, STR("YQ=="));
	case API_RAW:
	case API_FIELDS_V1:
		return &doc_empty_object;
	default:
		if (f->enums_len && random_chance(&dice, 800))
			return doc_ref_str(arena, f->enums[random_below(&dice, f->enums_len)]);
		return doc_ref_str(arena, random_chance(&dice, 500) ? STR("a") : STR("B c"));
	}
}

static const struct doc *any_field(const struct api_field *f, u32 depth)
{
	struct build b;
	u32 len = random_below(&dice, 3);

	if (f->shape == API_ONE || random_chance(&dice, 8))
		return any_value(f, depth);
	b = f->shape == API_LIST ? build_array(arena) : build_object(arena);
	for (u32 i = 0; i < len; i++) {
		const char *key = f->shape == API_LIST ? NULL : i ? "a" : "app.io/b";

		if (f->shape == API_MAP_OF_LISTS) {
			build_open_array(&b, key);
			build_doc(&b, NULL, any_value(f, depth));
			build_close(&b);
		} else {
			build_doc(&b, key, any_value(f, depth));
		}
	}
	return build_done(&b);
}

static const struct doc *any_struct(const struct api_struct *s, u32 depth)
{
	struct build b = build_object(arena);

	if (random_chance(&dice, 30))
		build_doc(&b, "unknwon", any_scalar());
	for (u32 i = 0; i < s->len && i < FIELDS_MAX; i++) {
		const struct api_field *f = &s->fields[random_below(&dice, s->len)];

		if (random_chance(&dice, 700))
			build_pair(&b, f->name, any_field(f, depth));
	}
	return build_done(&b);
}

static void try_kind(const struct api_kind *kind)
{
	const struct doc *in = any_struct(kind->root, 0), *out, *again;
	const struct doc *other = any_struct(kind->root, 0), *old = NULL;
	struct field_problems problems = { 0 };
	struct violations v = { 0 };
	struct error error = ERROR_INIT;

	if (schema_decode(arena, schema, kind, in, &out, &problems, &error) != ST_OK) {
		assert_true(error.message[0] != 0);
		return;
	}
	assert_int_equal(schema_decode(arena, schema, kind, out, &again, NULL, &error), ST_OK);
	assert_true(doc_eq(out, again));
	out = schema_default(arena, schema, kind, out);
	assert_true(doc_eq(out, schema_default(arena, schema, kind, out)));
	if (schema_decode(arena, schema, kind, other, &old, NULL, NULL) != ST_OK)
		old = NULL;
	schema_validate(arena, schema, kind, out, random_chance(&dice, 500) ? old : NULL, NULL, &v);
	violations_fail(&v, kind, STR("a"), &error);
	assert_int_equal(doc_len(columns_cells(arena, kind, out, 0)),
			 doc_len(columns_definitions(arena, kind)));
	if (kind->convert)
		kind->convert(arena, out, true);
}

static void every_kind_stands_any_document(void **state)
{
	const struct api_kind *kind;

	(void)state;
	random_seed(&dice, 7);
	for (u32 i = 0; (kind = schema_at(schema, i)); i++)
		for (u32 round = 0; round < ROUNDS; round++) {
			try_kind(kind);
			arena_reset(arena);
		}
}

static void any_bytes_are_no_harm(void **state)
{
	static const char letters[] = "k8s\0\n\x0a\x12\x02v1Pod=!(),<>in notin\\\x80\xff{}[]\"";
	char bytes[64];

	(void)state;
	random_seed(&dice, 11);
	for (u32 round = 0; round < 20000; round++) {
		u32 len = random_below(&dice, sizeof bytes);
		struct field_selector *fields;
		struct selector *selector;
		const struct doc *d;

		for (u32 i = 0; i < len; i++)
			bytes[i] = letters[random_below(&dice, sizeof letters - 1)];
		if (random_chance(&dice, 500) && len > 4)
			memcpy(bytes, "k8s", 4);
		struct str text = { bytes, len };

		(void)!protobuf_decode(arena, schema, text, &d, NULL);
		(void)!selector_parse(arena, text, &selector, NULL);
		(void)!field_selector_parse(arena, schema_kind(schema, KIND_Pod), text, &fields,
					    NULL);
		arena_reset(arena);
	}
}

static void every_template_is_closed(void **state)
{
	(void)state;
	const struct api_kind *kind;

	for (u32 i = 0; (kind = schema_at(schema, i)); i++) {
		u32 blank = 0;

		for (u32 j = 0; j < kind->columns_len; j++) {
			u32 open = 0, close = 0;
			struct str source = kind->columns[j].source;

			for (size_t at = 0; at < source.len; at++) {
				open += source.at[at] == '{';
				close += source.at[at] == '}';
				assert_true(open >= close && open <= close + 1);
			}
			assert_int_equal(open, close);
			blank += source.len == 0;
		}
		assert_true(blank == 0 || kind->print != NULL);
	}
}

static int up(void **state)
{
	(void)state;
	arena = arena_new(0);
	schema = schema_new();
	return 0;
}

static int down(void **state)
{
	(void)state;
	arena_free(arena);
	schema_free(schema);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_stands_any_document),
		cmocka_unit_test(any_bytes_are_no_harm),
		cmocka_unit_test(every_template_is_closed),
	};
	return cmocka_run_group_tests(tests, up, down);
}
