/* JSON in, JSON out, and changes that leave the old document as it was. */
#include "../unit.h"

#include "doc/build.h"
#include "doc/json.h"

static struct arena *arena;

static const struct doc *parse(const char *text)
{
	const struct doc *d = NULL;
	struct error error = ERROR_INIT;

	if (json_parse(arena, str_of(text), &d, &error) != ST_OK)
		fail_msg("%s: %s", text, error.message);
	return d;
}

static const char *print(const struct doc *d)
{
	return json_text(arena, d).at;
}

static void round_trips(void **state)
{
	(void)state;
	static const char *const same[] = {
		"{}",
		"[]",
		"null",
		"true",
		"-0.5e+3",
		"\"\"",
		"\"tab\\tquote\\\"\\\\ \\u0001\"",
		"{\"a\":[1,2,{\"b\":null}],\"c\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb3\"}",
		"{\"a\":1,\"a\":2}",
	};

	for (u32 i = 0; i < ARRAY_LEN(same); i++)
		assert_string_equal(print(parse(same[i])), same[i]);
	assert_string_equal(print(parse(" [ 1 , \"\\u00e4\\ud83d\\udc33\\/\" ] ")),
			    "[1,\"\xc3\xa4\xf0\x9f\x90\xb3/\"]");
	assert_string_equal(print(parse("\"\\ud800x\"")), "\"\xef\xbf\xbdx\"");
}

static void refuses_what_is_not_json(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"{",
		"[1,]",
		"{\"a\":1,}",
		"{a:1}",
		"01",
		"1.",
		"1e",
		"+1",
		"nul",
		"\"\x01\"",
		"\"\\x\"",
		"\"\\u12g4\"",
		"\"open",
		"[1] 2",
		"\"\xff\"",
		"\"\xc0\x80\"",
		"\"\xed\xa0\x80\"",
		"\"\\",
		"-",
		"[",
		"{\"a\"",
		"{\"a\":",
	};

	for (u32 i = 0; i < ARRAY_LEN(bad); i++) {
		const struct doc *d;
		struct error error = ERROR_INIT;

		if (json_parse(arena, str_of(bad[i]), &d, &error) != ST_BAD_REQUEST)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(error.status, ST_BAD_REQUEST);
	}
}

static void depth_is_bounded(void **state)
{
	(void)state;
	char text[2 * (DOC_DEPTH_MAX + 1) + 1] = { 0 };
	const struct doc *d;

	memset(text, '[', DOC_DEPTH_MAX);
	memset(text + DOC_DEPTH_MAX, ']', DOC_DEPTH_MAX);
	parse(text);
	memset(text, '[', DOC_DEPTH_MAX + 1);
	memset(text + DOC_DEPTH_MAX + 1, ']', DOC_DEPTH_MAX + 1);
	assert_int_equal(json_parse(arena, str_of(text), &d, NULL), ST_BAD_REQUEST);
}

static void duplicates_are_named(void **state)
{
	(void)state;
	const struct doc *d;
	struct str found[2];
	u32 count;

	assert_int_equal(json_parse_strict(arena,
					   STR("{\"s\":{\"c\":[{},{\"n\":1,\"n\":2}]},\"s\":0}"),
					   &d, found, 2, &count, NULL),
			 ST_OK);
	assert_int_equal(count, 2);
	assert_str(found[0], "s.c[1].n");
	assert_str(found[1], "s");
	assert_int_equal(doc_at_int(d, "s", -1), 0); /* the last wins */
}

static void changes_make_new_documents(void **state)
{
	(void)state;
	const struct doc *pod = parse("{\"spec\":{\"containers\":[{\"name\":\"a\"}]},\"x\":1}");
	const struct doc *changed = doc_set_str(arena, pod, "spec.containers.0.image", STR("i"));

	changed = doc_set_int(arena, changed, "status.ready", 1);
	changed = doc_remove(arena, changed, "x");
	assert_string_equal(print(pod), "{\"spec\":{\"containers\":[{\"name\":\"a\"}]},\"x\":1}");
	assert_string_equal(print(changed),
			    "{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"i\"}]},"
			    "\"status\":{\"ready\":1}}");
	assert_ptr_equal(doc_remove(arena, pod, "no.such.thing"), pod);
	assert_true(doc_eq(parse("{\"a\":1,\"b\":[1.0]}"), parse("{\"b\":[1],\"a\":1}")));
	assert_false(doc_eq(parse("{\"a\":1}"), parse("{\"a\":1,\"b\":null}")));
}

static void builds_nested_objects(void **state)
{
	(void)state;
	struct build b = build_object(arena);

	build_str(&b, "kind", STR("Status"));
	build_open_object(&b, "details");
	build_open_array(&b, "causes");
	build_str(&b, NULL, STR("say \"hi\""));
	build_int(&b, NULL, -3);
	build_close(&b);
	build_close(&b);
	build_bool(&b, "ok", true);
	assert_string_equal(print(build_done(&b)), "{\"kind\":\"Status\",\"details\":{\"causes\":"
						   "[\"say \\\"hi\\\"\",-3]},\"ok\":true}");
}

static void loops_visit_everything_once(void **state)
{
	(void)state;
	const struct doc *d = parse("{\"a\":1,\"b\":2,\"c\":[3,4]}");
	i64 sum = 0;
	u32 pairs = 0;

	doc_each_pair(d, key, value) {
		assert_int_equal(key.len, 1);
		pairs++;
		if (str_is(key, "b"))
			continue;
		sum += doc_int_or(value, 0);
	}
	doc_each_item(doc_key(d, "c"), item)
		sum += doc_int_or(item, 0);
	assert_int_equal(pairs, 3);
	assert_int_equal(sum, 8);
}

/* With look-ups that take their time squared this would run for minutes. */
static void large_objects_take_linear_time(void **state)
{
	(void)state;
	enum { KEYS = 100000 };
	struct buffer forth = BUFFER_INIT(8 << 20), back = BUFFER_INIT(8 << 20);
	const struct doc *a, *b;
	struct str found[2];
	u32 count;

	buffer_add_char(&forth, '{');
	buffer_add_char(&back, '{');
	for (u32 i = 0; i < KEYS; i++) {
		buffer_add_format(&forth, "%s\"k%u\":%u", i ? "," : "", i, i);
		buffer_add_format(&back, "%s\"k%u\":%u", i ? "," : "", KEYS - 1 - i, KEYS - 1 - i);
	}
	buffer_add_str(&forth, STR(",\"k7\":7}"));
	buffer_add_str(&back, STR(",\"k7\":7}"));
	assert_int_equal(json_parse_strict(arena, buffer_str(&forth), &a, found, 2, &count, NULL),
			 ST_OK);
	assert_int_equal(count, 1);
	assert_str(found[0], "k7");
	assert_int_equal(json_parse(arena, buffer_str(&back), &b, NULL), ST_OK);
	assert_true(doc_eq(a, b));
	buffer_release(&forth);
	buffer_release(&back);
}

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(refuses_what_is_not_json),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(duplicates_are_named),
		cmocka_unit_test(changes_make_new_documents),
		cmocka_unit_test(builds_nested_objects),
		cmocka_unit_test(loops_visit_everything_once),
		cmocka_unit_test(large_objects_take_linear_time),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
