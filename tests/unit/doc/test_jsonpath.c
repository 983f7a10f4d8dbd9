/* JSONPath templates: results and sentences are what kubectl 1.33 prints for them. */
#include "../unit.h"

#include "doc/json.h"
#include "doc/jsonpath.h"
#include "quoted.h"

static struct arena *arena;
static const struct doc *sample;

static const char sample_text[] =
	"{'metadata':{'name':'top'},'items':[{'metadata':{'name':'a','labels':{'x.y/"
	"z':'1','app':'w'}},"
	"'spec':{'n':1,'f':1.5,'b':true,'z':null,'containers':[{'name':'c1','image':'i1'},"
	"{'name':'c2','image':'i2'}]}},{'metadata':{'name':'b'},'spec':{'n':5,'containers':"
	"[{'name':'d1','image':'i1'}]}}],'arr':[1,2,3,4,5],'nested':[[1,2],[3]],"
	"'map':{'b':{'d':1,'c':'<'},'a':[]}}";

static void templates_print_what_kubectl_prints(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "{.items[*].metadata.name}", "a b" },
		{ "{.items[*].spec.containers[*].name}", "c1 c2 d1" },
		{ "{..name}", "top a c1 c2 b d1" },
		{ "{.items[-1].metadata.name}", "b" },
		{ "{.arr[1:3]}", "2 3" },
		{ "{.arr[0:5:2]}", "1 3 5" },
		{ "{.arr[::2]}", "1 3 5" },
		{ "{.arr[-2:]}", "4 5" },
		{ "{.arr[:2]}", "1 2" },
		{ "{.arr[0,2]}", "1 3" },
		{ "{.arr[0:0]}", "" },
		{ "{.arr[-1]}", "5" },
		{ "{.arr}", "[1,2,3,4,5]" },
		{ "{.nested[*][0]}", "1 3" },
		{ "{.nested[0][1]}", "2" },
		{ "{.map}", "{\"a\":[],\"b\":{\"c\":\"<\",\"d\":1}}" },
		{ "{['metadata','arr']}", "{\"name\":\"top\"} [1,2,3,4,5]" },
		{ "{.items[0].metadata.labels.x\\.y/z}", "1" },
		{ "{.items[0].metadata.labels['x\\.y/z']}", "1" },
		{ "{range .items[*]}{.metadata.name}{\"\\t\"}{.spec.n}{\"\\n\"}{end}",
		  "a\t1\nb\t5\n" },
		{ "{range .items[*]}[{.metadata.name}]{range "
		  ".spec.containers[*]}<{.name}>{end}{end}",
		  "[a]<c1><c2>[b]<d1>" },
		{ "{range .items[*]}{range .spec.nope[*]}<{.name}>{end}!{end}after", "!!after" },
		{ "{.items[?(@.spec.n>2)].metadata.name}", "b" },
		{ "{.items[?(@.metadata.name==\"a\")].spec.n}", "1" },
		{ "{.items[?(@.metadata.name!='a')].spec.n}", "5" },
		{ "{.items[?(@.spec.f)].metadata.name}", "a" },
		{ "{.items[?(@.spec.f==1.5)].metadata.name}", "a" },
		{ "{.items[?(@.spec.b==true)].metadata.name}", "a" },
		{ "{.items[*].spec.containers[?(@.image==\"i1\")].name}", "c1 d1" },
		{ "{.items[?(@.spec.containers[0].name==\"c1\")].metadata.name}", "a" },
		{ "{.items[?(@.metadata.name==\")]\")].spec.n}", "" },
		{ "{.arr[?(@ > 2)]}", "3 4 5" },
		{ "{.arr[?(@<=2)]}", "1 2" },
		{ "{.items[*].spec.n}{.metadata.name}", "1 5top" },
		{ "{.items[0].spec.z} {.items[0].spec.b}", "null true" },
		{ "hello {.metadata.name} world", "hello top world" },
		{ "{\"quoted\"} {'single'}{'a\\'b'}", "quoted singlea'b" },
		{ "{\"\\u00e4\\x41\\101\"}", "\xc3\xa4"
					     "AA" },
		{ "{$.metadata.name}{@.metadata.name}{ .metadata.name }", "toptoptop" },
		{ "{.nope}{.}", "" },
		{ "{1}{true}{-1.5}", "1true-1.5" },
		{ "a}b", "a}b" },
		{ "", "" },
		{ "{..containers[*].image}", "i1 i2 i1" },
		{ "{.arr.foo}{.metadata.name.foo}", "" },
	};

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct buffer out = BUFFER_INIT(10000);
		struct error error = ERROR_INIT;
		struct jsonpath *path;

		if (jsonpath_parse(arena, str_of(cases[i][0]), &path, &error) != ST_OK ||
		    jsonpath_print(arena, path, sample, true, &out, &error) != ST_OK)
			fail_msg("%s: %s", cases[i][0], error.message);
		if (!str_is(buffer_str(&out), cases[i][1]))
			fail_msg("%s gives " STR_FMT, cases[i][0], STR_ARG(buffer_str(&out)));
		buffer_release(&out);
	}
}

static void errors_are_worded_as_kubectl_words_them(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "{.a[\"x\"]}", "invalid array index \"x\"" },
		{ "{.arr[9]}", "array index out of bounds: index 9, length 5" },
		{ "{.arr[0:10]}", "array index out of bounds: index 9, length 5" },
		{ "{.arr[-10]}", "array index out of bounds: index -5, length 5" },
		{ "{.arr[3:1]}", "starting index 3 is greater than ending index 1" },
		{ "{.arr[1:3:0]}", "step must be > 0" },
		{ "{[0]}", "map[string]interface {} is not array or slice" },
		{ "{.items[?(@.metadata.name==\"a\"", "unterminated filter" },
		{ "{.items[?(@.x)}", "unclosed array expect ]" },
		{ "{.items[0", "unterminated array" },
		{ "{\"unclosed", "unterminated quoted string" },
		{ "{.metadata.name}{", "unclosed action" },
		{ "{end}", "not in range, nothing to end" },
		{ "{foo}", "unrecognized identifier foo" },
		{ "{{.x}}", "unrecognized character in action: U+007B '{'" },
		{ "{.metadata....name}", "invalid multiple recursive descent" },
		{ "{1.2.3}", "cannot parse number 1.2.3" },
		{ "{\"a\\qb\"}", "unquote string \"a\\qb\" error invalid syntax" },
		{ "{.items[?(@.spec.n==\"x\")]}", "incompatible types for comparison" },
		{ "{.items[?(@.spec.z==1)]}", "invalid type for comparison" },
		{ "{.items[?(@.spec.n<>1)]}", "unrecognized filter operator <>" },
		{ "{.nope}", "nope is not found" },
	};

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct buffer out = BUFFER_INIT(10000);
		struct error error = ERROR_INIT;
		struct jsonpath *path;

		if (jsonpath_parse(arena, str_of(cases[i][0]), &path, &error) == ST_OK &&
		    jsonpath_print(arena, path, sample, false, &out, &error) == ST_OK)
			fail_msg("accepted: %s", cases[i][0]);
		assert_string_equal(error.message, cases[i][1]);
		buffer_release(&out);
	}
}

static void relaxed_paths_need_no_braces(void **state)
{
	(void)state;
	static const char *const same[] = { "{.metadata.name}", "{metadata.name}", ".metadata.name",
					    "metadata.name" };
	struct jsonpath_results results;
	struct jsonpath *path;

	for (u32 i = 0; i < ARRAY_LEN(same); i++) {
		assert_int_equal(jsonpath_parse_relaxed(arena, str_of(same[i]), &path, NULL),
				 ST_OK);
		assert_int_equal(jsonpath_find(arena, path, sample, false, &results, NULL), ST_OK);
		assert_int_equal(results.items.len, 1);
		assert_str(doc_str(results.items.at[0]), "top");
	}
	assert_int_equal(jsonpath_parse_relaxed(arena, STR("{.a}{.b}"), &path, NULL),
			 ST_BAD_REQUEST);
	assert_int_equal(jsonpath_parse_relaxed(arena, STR(""), &path, NULL), ST_BAD_REQUEST);
}

static void ranges_cannot_nest_for_ever(void **state)
{
	(void)state;
	struct buffer text = BUFFER_INIT(1 << 20);
	struct jsonpath *path;

	for (u32 i = 0; i < 100; i++)
		buffer_add_str(&text, STR("{range .items}"));
	assert_int_equal(jsonpath_parse(arena, buffer_str(&text), &path, NULL), ST_BAD_REQUEST);
	for (u32 i = 0; i < 2000; i++)
		buffer_add_str(&text, STR("{.a.b.c.d}"));
	assert_int_equal(jsonpath_parse(arena, buffer_str(&text), &path, NULL), ST_TOO_LARGE);
	buffer_release(&text);
}

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(0);
	return json_parse(arena, str_of(quoted(arena, sample_text)), &sample, NULL);
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
		cmocka_unit_test(templates_print_what_kubectl_prints),
		cmocka_unit_test(errors_are_worded_as_kubectl_words_them),
		cmocka_unit_test(relaxed_paths_need_no_braces),
		cmocka_unit_test(ranges_cannot_nest_for_ever),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
