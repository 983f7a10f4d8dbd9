/*
 * Every field of every table goes from JSON to protobuf and back unchanged. Objects are made at
 * random from the tables themselves, so that a new kind is tested as soon as it is there.
 */
#include "../unit.h"

#include <stdlib.h>

#include "base/random.h"
#include "doc/build.h"
#include "doc/json.h"
#include "schema/decode.h"
#include "schema/protobuf.h"

enum { SEEDS = 20, DEPTH = 12, BYTES_MAX = 64 << 20 };

struct maker {
	struct arena *arena;
	struct random random;
	u8 *seen; /* fields of api_structs that stood in some object, by struct and index */
};

static struct str one_of(struct maker *m, const char *const *words, u32 len)
{
	return str_of(words[random_below(&m->random, len)]);
}

static const struct doc *make_struct(struct maker *m, const struct api_struct *s, u32 depth);

static const struct doc *make_scalar(struct maker *m, u8 type, u32 depth, const struct api_field *f)
{
	static const char *const texts[] = { "a", "web-1", "ünïcode ✓", "with \"quotes\"",
					     "\n\t\\" };
	static const char *const amounts[] = { "1", "500m", "2Gi", "1e3", "100k", "0" };
	static const char *const times[] = { "2020-01-02T03:04:05Z", "1999-12-31T23:59:59Z" };
	static const char *const micros[] = { "2020-01-02T03:04:05.123456Z",
					      "1999-12-31T23:59:59.000000Z" };
	static const char *const spans[] = { "1h30m0s", "250ms", "0s", "15s" };
	static const char *const bytes[] = { "aGVsbG8=", "AAEC", "/w==" };
	static const i64 numbers[] = { 1, -1, 42, INT32_MAX, INT32_MIN };
	struct build b;

	switch (type) {
	case API_STRING:
		return doc_ref_str(m->arena, one_of(m, texts, ARRAY_LEN(texts)));
	case API_BOOL:
		return &doc_true;
	case API_INT32:
		return doc_new_int(m->arena, numbers[random_below(&m->random, ARRAY_LEN(numbers))]);
	case API_INT64:
		return doc_new_int(m->arena, (i64)random_u64(&m->random) | 1);
	case API_DOUBLE:
		return doc_new_double(m->arena, 0.25);
	case API_BYTES:
		return doc_ref_str(m->arena, one_of(m, bytes, ARRAY_LEN(bytes)));
	case API_QUANTITY:
		return doc_ref_str(m->arena, one_of(m, amounts, ARRAY_LEN(amounts)));
	case API_INT_OR_STRING:
		return random_chance(&m->random, 500) ? doc_new_int(m->arena, 8080)
						      : doc_ref_str(m->arena, STR("25%"));
	case API_TIME:
		return doc_ref_str(m->arena, one_of(m, times, ARRAY_LEN(times)));
	case API_MICRO_TIME:
		return doc_ref_str(m->arena, one_of(m, micros, ARRAY_LEN(micros)));
	case API_DURATION:
		return doc_ref_str(m->arena, one_of(m, spans, ARRAY_LEN(spans)));
	case API_STRUCT:
		return make_struct(m, f->of, depth + 1);
	default:
		b = build_object(m->arena);
		build_int(&b, "n", 1);
		build_str(&b, "text", STR("✓"));
		return build_done(&b);
	}
}

static const struct doc *make_items(struct maker *m, const struct api_field *f, u32 depth)
{
	struct build b = build_array(m->arena);
	u32 len = 1 + random_below(&m->random, 2);

	for (u32 i = 0; i < len; i++)
		build_doc(&b, NULL, make_scalar(m, f->type, depth, f));
	return build_done(&b);
}

static const struct doc *make_field(struct maker *m, const struct api_field *f, u32 depth)
{
	static const char *const keys[] = { "k", "example.com/key", "a.b" };
	struct build b;

	if (f->shape == API_ONE)
		return make_scalar(m, f->type, depth, f);
	if (f->shape == API_LIST)
		return make_items(m, f, depth);
	b = build_object(m->arena);
	for (u32 i = 0; i < 1 + random_below(&m->random, 2); i++)
		build_doc(&b, keys[i],
			  f->shape == API_MAP ? make_scalar(m, f->type, depth, f)
					      : make_items(m, f, depth));
	return build_done(&b);
}

static const struct doc *make_struct(struct maker *m, const struct api_struct *s, u32 depth)
{
	struct build b = build_object(m->arena);
	/* Near the root nearly everything, further down less and less. */
	u32 chance = depth == 0 ? 950 : depth < 4 ? 500 : 250;

	for (u32 i = 0; i < s->len && depth <= DEPTH; i++) {
		const struct api_field *f = &s->fields[i];

		if (!random_chance(&m->random, m->seen[s->id * 256 + i] ? chance : 900))
			continue;
		m->seen[s->id * 256 + i] = 1;
		build_doc(&b, str_c(m->arena, f->name), make_field(m, f, depth));
	}
	return build_done(&b);
}

static void go_there_and_back(struct maker *m, struct schema *schema, const struct api_kind *kind)
{
	struct buffer wire = BUFFER_INIT(BYTES_MAX);
	struct error error = ERROR_INIT;
	const struct doc *object, *back = NULL;

	object = make_struct(m, kind->root, 0);
	if (schema_decode(m->arena, schema, kind, object, &object, NULL, &error) != ST_OK)
		fail_msg(STR_FMT ": %s", STR_ARG(kind->kind), error.message);
	object = doc_set_str(m->arena, object, "apiVersion", kind->api_version);
	object = doc_set_str(m->arena, object, "kind", kind->kind);
	if (!protobuf_encode(&wire, m->arena, object))
		fail_msg(STR_FMT " is not written", STR_ARG(kind->kind));
	if (protobuf_decode(m->arena, schema, buffer_str(&wire), &back, &error) != ST_OK)
		fail_msg(STR_FMT ": %s", STR_ARG(kind->kind), error.message);
	if (!doc_eq(object, back))
		fail_msg("before: %s\nafter:  %s", json_text(m->arena, object).at,
			 json_text(m->arena, back).at);
	buffer_release(&wire);
}

static void reach(u8 *reached, const struct api_struct *s)
{
	if (!s || reached[s->id])
		return;
	reached[s->id] = 1;
	for (u32 i = 0; i < s->len; i++)
		reach(reached, s->fields[i].of);
}

static void assert_all_seen(const struct schema *schema, const u8 *seen)
{
	u8 *reached = calloc(api_structs_len, 1);
	const struct api_kind *kind;

	for (u32 i = 0; (kind = schema_at(schema, i)); i++)
		reach(reached, kind->root);
	for (u32 i = 0; i < api_structs_len; i++)
		for (u32 j = 0; j < api_structs[i]->len && reached[i]; j++)
			if (!seen[i * 256 + j])
				fail_msg("never made: " STR_FMT "." STR_FMT,
					 STR_ARG(api_structs[i]->name),
					 STR_ARG(api_structs[i]->fields[j].name));
	free(reached);
}

static void every_field_comes_back(void **state)
{
	(void)state;
	struct schema *schema = schema_new();
	u8 *seen = calloc(api_structs_len, 256);
	const struct api_kind *kind;

	for (u64 seed = 1; seed <= SEEDS; seed++) {
		for (u32 i = 0; (kind = schema_at(schema, i)); i++) {
			struct maker m = { .arena = arena_new(0), .seen = seen };

			random_seed(&m.random, seed * 1000 + i);
			go_there_and_back(&m, schema, kind);
			arena_free(m.arena);
		}
	}
	assert_all_seen(schema, seen);
	free(seen);
	schema_free(schema);
}

static void what_is_no_kind_of_ours_is_not_written(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	struct buffer out = BUFFER_INIT(BYTES_MAX);
	const struct doc *object =
		doc_set_str(arena, doc_set_str(arena, NULL, "apiVersion", STR("example.com/v1")),
			    "kind", STR("Thing"));

	assert_false(protobuf_encode(&out, arena, object));
	object = doc_set_str(arena, NULL, "apiVersion", STR("v1"));
	object = doc_set_str(arena, object, "kind", STR("Secret"));
	object = doc_set_str(arena, object, "data.k", STR("not base64!"));
	assert_false(protobuf_encode(&out, arena, object));
	buffer_release(&out);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_comes_back),
		cmocka_unit_test(what_is_no_kind_of_ours_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
