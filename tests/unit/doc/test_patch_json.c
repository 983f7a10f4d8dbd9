/* JSON patches and merge patches: the RFCs' examples and Kubernetes' wording of what goes wrong. */
#include "../unit.h"
#include "quoted.h"

#include "doc/diff.h"
#include "doc/json.h"
#include "doc/patch_json.h"
#include "doc/patch_merge.h"

static struct arena *arena;

static const struct doc *parse(const char *text)
{
	const struct doc *d = NULL;

	if (json_parse(arena, str_of(text), &d, NULL) != ST_OK)
		fail_msg("not JSON: %s", text);
	return d;
}

static void operations_change_the_target(void **state)
{
	(void)state;
	static const struct {
		const char *target, *patch, *result;
	} cases[] = {
		/* RFC 6902, appendix A */
		{ "{'foo':'bar'}", "[{'op':'add','path':'/baz','value':'q'}]",
		  "{'foo':'bar','baz':'q'}" },
		{ "{'foo':['bar','baz']}", "[{'op':'add','path':'/foo/1','value':'q'}]",
		  "{'foo':['bar','q','baz']}" },
		{ "{'baz':'q','foo':'bar'}", "[{'op':'remove','path':'/baz'}]", "{'foo':'bar'}" },
		{ "{'foo':[1,2,3]}", "[{'op':'remove','path':'/foo/1'}]", "{'foo':[1,3]}" },
		{ "{'foo':{'bar':'baz','w':'f'},'q':{'c':'g'}}",
		  "[{'op':'move','from':'/foo/w','path':'/q/t'}]",
		  "{'foo':{'bar':'baz'},'q':{'c':'g','t':'f'}}" },
		{ "{'foo':['a','grass','cows','eat']}",
		  "[{'op':'move','from':'/foo/1','path':'/foo/3'}]",
		  "{'foo':['a','cows','eat','grass']}" },
		{ "{'foo':['bar']}", "[{'op':'add','path':'/foo/-','value':['x',{'y':1}]}]",
		  "{'foo':['bar',['x',{'y':1}]]}" },
		{ "{'a/b':1,'m~n':{'':2}}",
		  "[{'op':'test','path':'/a~1b','value':1.0},{'op':'replace','path':'/m~0n/',"
		  "'value':3}]",
		  "{'a/b':1,'m~n':{'':3}}" },
		{ "{'a':{'b':[1]}}",
		  "[{'op':'copy','from':'/a','path':'/c'},{'op':'add','path':'/a/b/0','value':0}]",
		  "{'a':{'b':[0,1]},'c':{'b':[1]}}" },
		/* beyond the RFC, as the library Kubernetes uses has it */
		{ "{'a':{}}", "[{'op':'replace','path':'/a/new','value':1}]", "{'a':{'new':1}}" },
		{ "{'a':[1,2,3]}", "[{'op':'remove','path':'/a/-1'}]", "{'a':[1,2]}" },
		{ "{'a':1}", "[{'op':'test','path':'/b','value':null}]", "{'a':1}" },
		{ "{'a':1}", "[{'op':'add','path':'/b'}]", "{'a':1,'b':null}" },
		{ "{'a':1}", "[{'op':'replace','path':'','value':{'b':2}}]", "{'b':2}" },
		{ "{'a':1,'b':2}",
		  "[{'op':'remove','path':'/a'},{'op':'add','path':'/a','value':3}]",
		  "{'b':2,'a':3}" },
	};

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct error error = ERROR_INIT;
		const struct doc *result, *target = parse(quoted(arena, cases[i].target));
		const char *before = json_text(arena, target).at;

		if (patch_json(arena, target, parse(quoted(arena, cases[i].patch)), &result,
			       &error) != ST_OK)
			fail_msg("%s: %s", cases[i].patch, error.message);
		assert_string_equal(json_text(arena, result).at, quoted(arena, cases[i].result));
		assert_string_equal(json_text(arena, target).at, before);
	}
}

static void failures_are_worded_as_in_kubernetes(void **state)
{
	(void)state;
	static const struct {
		const char *patch, *message;
	} cases[] = {
		{ "{'op':'add','path':'/x/y','value':1}",
		  "add operation does not apply: doc is missing path: \"/x/y\": missing value" },
		{ "{'op':'remove','path':'/nope'}",
		  "error in remove for path: '/nope': Unable to remove nonexistent key: nope: "
		  "missing value" },
		{ "{'op':'replace','path':'/q/nope','value':1}",
		  "replace operation does not apply: doc is missing path: /q/nope: missing value" },
		{ "{'op':'replace','path':'/list/7','value':1}",
		  "replace operation does not apply: doc is missing key: /list/7: missing value" },
		{ "{'op':'add','path':'/list/9','value':1}",
		  "error in add for path: '/list/9': Unable to access invalid index: 9: invalid "
		  "index referenced" },
		{ "{'op':'add','path':'/list/z','value':1}",
		  "error in add for path: '/list/z': value was not a proper array index: 'z': "
		  "strconv.Atoi: parsing \"z\": invalid syntax" },
		{ "{'op':'remove','path':'/list/-9'}",
		  "error in remove for path: '/list/-9': Unable to access invalid index: -9: "
		  "invalid index referenced" },
		{ "{'op':'test','path':'/name','value':'q'}",
		  "testing value /name failed: test failed" },
		{ "{'op':'test','path':'/list/9','value':'q'}",
		  "error in test for path: '/list/9': Unable to access invalid index: 9: invalid "
		  "index referenced" },
		{ "{'op':'test','path':'/name/x','value':'q'}",
		  "test operation does not apply: is missing path: /name/x: missing value" },
		{ "{'op':'copy','from':'/a/b','path':'/c'}",
		  "copy operation does not apply: doc is missing from path: /a/b: missing value" },
		{ "{'op':'copy','from':'/name','path':'/c/d'}",
		  "copy operation does not apply: doc is missing destination path: /c/d: missing "
		  "value" },
		{ "{'op':'move','from':'/b','path':'/c'}",
		  "error in move for path: 'b': Unable to remove nonexistent key: b: missing "
		  "value" },
		{ "{'op':'frob','path':'/c'}", "Unexpected kind: frob" },
		{ "{'path':'/c'}", "Unexpected kind: unknown" },
		{ "{'op':'add'}", "add operation failed to decode path: missing value" },
		{ "{'op':'copy','path':'/x'}",
		  "copy operation failed to decode from: operation, missing from field: missing "
		  "value" },
	};
	const struct doc *target = parse("{\"name\":\"p\",\"list\":[1,2]}"), *result;

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct error error = ERROR_INIT;
		struct str text = str_format(arena, "[%s]", quoted(arena, cases[i].patch));

		assert_int_equal(patch_json(arena, target, parse(text.at), &result, &error),
				 ST_INVALID);
		assert_string_equal(error.message, cases[i].message);
	}
	assert_int_equal(patch_json(arena, target, parse("{}"), &result, NULL), ST_BAD_REQUEST);
	assert_int_equal(patch_json(arena, target, parse("[1]"), &result, NULL), ST_BAD_REQUEST);
}

static struct str repeated(const char *first, const char *again, u32 count, const char *last)
{
	struct buffer text = BUFFER_INIT(64 << 20);

	buffer_add_str(&text, str_of(first));
	for (u32 i = 0; i < count; i++)
		buffer_add_str(&text, str_of(again));
	buffer_add_str(&text, str_of(last));
	struct str copy = str_copy(arena, buffer_str(&text));

	buffer_release(&text);
	return copy;
}

static void hostile_patches_are_bounded(void **state)
{
	(void)state;
	const struct doc *result, *target = parse("{\"a\":[1],\"b\":{}}");
	struct error error = ERROR_INIT;
	struct str many = repeated("[{\"op\":\"test\",\"path\":\"/b\",\"value\":{}}",
				   ",{\"op\":\"test\",\"path\":\"/b\",\"value\":{}}", 10000, "]");
	struct str doubling =
		repeated("[{\"op\":\"add\",\"path\":\"/x\",\"value\":1}",
			 ",{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/-\"}", 30, "]");
	/* Each step hangs the document so far under itself. */
	struct str deepening = repeated("[{\"op\":\"add\",\"path\":\"/x\",\"value\":1}",
					",{\"op\":\"move\",\"from\":\"/b\",\"path\":\"/c\"},"
					"{\"op\":\"add\",\"path\":\"/b\",\"value\":{}},"
					"{\"op\":\"move\",\"from\":\"/c\",\"path\":\"/b/d\"}",
					100, "]");

	assert_int_equal(patch_json(arena, target, parse(many.at), &result, &error), ST_TOO_LARGE);
	assert_string_equal(error.message,
			    "The allowed maximum operations in a JSON patch is 10000, got 10001");
	assert_int_equal(patch_json(arena, target, parse(doubling.at), &result, NULL),
			 ST_TOO_LARGE);
	assert_int_equal(patch_json(arena, target, parse(deepening.at), &result, NULL),
			 ST_TOO_LARGE);
}

static void merge_patches_follow_the_rfc(void **state)
{
	(void)state;
	static const char *const cases[][3] = {
		/* RFC 7386, appendix A */
		{ "{'a':'b'}", "{'a':'c'}", "{'a':'c'}" },
		{ "{'a':'b'}", "{'b':'c'}", "{'a':'b','b':'c'}" },
		{ "{'a':'b'}", "{'a':null}", "{}" },
		{ "{'a':'b','b':'c'}", "{'a':null}", "{'b':'c'}" },
		{ "{'a':['b']}", "{'a':'c'}", "{'a':'c'}" },
		{ "{'a':'c'}", "{'a':['b']}", "{'a':['b']}" },
		{ "{'a':{'b':'c'}}", "{'a':{'b':'d','c':null}}", "{'a':{'b':'d'}}" },
		{ "{'a':[{'b':'c'}]}", "{'a':[1]}", "{'a':[1]}" },
		{ "['a','b']", "['c','d']", "['c','d']" },
		{ "{'a':'b'}", "['c']", "['c']" },
		{ "{'e':null}", "{'a':1}", "{'e':null,'a':1}" },
		{ "[1,2]", "{'a':'b','c':null}", "{'a':'b'}" },
		{ "{}", "{'a':{'bb':{'ccc':null}}}", "{'a':{'bb':{}}}" },
	};

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		const struct doc *target = parse(quoted(arena, cases[i][0]));
		const struct doc *patch = parse(quoted(arena, cases[i][1]));

		assert_string_equal(json_text(arena, patch_merge(arena, target, patch)).at,
				    quoted(arena, cases[i][2]));
	}
}

static void differences_are_told_as_paths_and_as_a_patch(void **state)
{
	(void)state;
	const struct doc *a =
		parse("{\"m\":{\"l\":{\"a.b/c\":\"1\",\"x\":\"y\"}},\"s\":[1,{\"k\":2}],"
		      "\"gone\":true,\"same\":{\"z\":1}}");
	const struct doc *b =
		parse("{\"s\":[1,{\"k\":3},4],\"m\":{\"l\":{\"a.b/c\":\"2\",\"x\":\"y\"}},"
		      "\"same\":{\"z\":1.0},\"new\":{}}");
	static const char *const paths[] = { "m.l[a.b/c]", "s[1].k", "s[2]", "gone", "new" };
	struct diff diff;

	diff_paths(arena, a, b, 10, &diff);
	assert_int_equal(diff.changes.len, ARRAY_LEN(paths));
	for (u32 i = 0; i < ARRAY_LEN(paths); i++)
		assert_str(diff.changes.at[i].path, paths[i]);
	assert_false(diff.more);
	diff_paths(arena, a, b, 2, &diff);
	assert_true(diff.more && diff.changes.len == 2);

	const struct doc *patch = diff_merge(arena, a, b);

	assert_string_equal(json_text(arena, patch).at,
			    "{\"gone\":null,\"s\":[1,{\"k\":3},4],\"m\":{\"l\":{\"a.b/c\":\"2\"}},"
			    "\"new\":{}}");
	assert_true(doc_eq(patch_merge(arena, a, patch), b));
	assert_int_equal(doc_len(diff_merge(arena, b, b)), 0);
}

/* A chain of copies would take minutes and gigabytes here. */
static void large_objects_are_patched_in_linear_time(void **state)
{
	(void)state;
	struct buffer text = BUFFER_INIT(8 << 20);

	buffer_add_char(&text, '{');
	for (u32 i = 0; i < 100000; i++)
		buffer_add_format(&text, "%s\"k%u\":%u", i ? "," : "", i, i);
	buffer_add_char(&text, '}');
	const struct doc *big = parse(str_c(arena, buffer_str(&text)));
	const struct doc *merged = patch_merge(arena, doc_with(arena, big, STR("k7"), NULL), big);

	assert_int_equal(doc_len(merged), 100000);
	assert_int_equal(doc_len(diff_merge(arena, big, merged)), 0);
	buffer_release(&text);
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
		cmocka_unit_test(operations_change_the_target),
		cmocka_unit_test(failures_are_worded_as_in_kubernetes),
		cmocka_unit_test(hostile_patches_are_bounded),
		cmocka_unit_test(merge_patches_follow_the_rfc),
		cmocka_unit_test(differences_are_told_as_paths_and_as_a_patch),
		cmocka_unit_test(large_objects_are_patched_in_linear_time),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
