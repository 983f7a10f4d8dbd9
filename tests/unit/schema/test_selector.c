/* Label and field selectors, as text and as objects. */
#include "../unit.h"

#include "doc/json.h"
#include "schema/format.h"
#include "schema/selector.h"

static struct arena *arena;

static const struct doc *parsed(const char *text)
{
	const struct doc *d;

	assert_int_equal(json_parse(arena, str_of(text), &d, NULL), ST_OK);
	return d;
}

static bool matches(const char *selector, const char *labels)
{
	struct selector *s;

	assert_int_equal(selector_parse(arena, str_of(selector), &s, NULL), ST_OK);
	return selector_matches(s, parsed(labels));
}

static void text_selects(void **state)
{
	(void)state;
	assert_true(matches("", "{}"));
	assert_true(matches("a=1", "{\"a\":\"1\"}"));
	assert_true(matches("a == 1 , b", "{\"a\":\"1\",\"b\":\"\"}"));
	assert_false(matches("a=1", "{}"));
	assert_true(matches("a!=1", "{}"));
	assert_false(matches("a!=1", "{\"a\":\"1\"}"));
	assert_true(matches("a in (1, 2)", "{\"a\":\"2\"}"));
	assert_false(matches("a notin (1,2)", "{\"a\":\"2\"}"));
	assert_true(matches("!a", "{\"b\":\"\"}"));
	assert_false(matches("!a,b", "{\"a\":\"\",\"b\":\"\"}"));
	assert_true(matches("a=", "{\"a\":\"\"}"));
	assert_true(matches("n>5", "{\"n\":\"6\"}"));
	assert_false(matches("n<5", "{\"n\":\"6\"}"));
	assert_true(matches("x.io/a in (b),in", "{\"x.io/a\":\"b\",\"in\":\"1\"}"));
}

static void broken_text_is_refused(void **state)
{
	(void)state;
	static const char *const cases[] = { "a=b=c", "a in", "a in (b", ",",	 "a,",	"=b",
					     "!",     "a b",  "a in b",	 "-a=b", "a=-b" };

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct error error = ERROR_INIT;
		struct selector *s;

		assert_int_equal(selector_parse(arena, str_of(cases[i]), &s, &error),
				 ST_BAD_REQUEST);
		assert_true(error.message[0] != 0);
	}
}

static void selectors_print_sorted(void **state)
{
	(void)state;
	struct selector *s;

	assert_int_equal(selector_parse(arena, STR("z in (b,a),!y,x=1,w!=2,v"), &s, NULL), ST_OK);
	assert_str(selector_print(arena, s), "v,w!=2,x=1,!y,z in (a,b)");
	assert_str(selector_wanted(s, STR("x")), "1");
	assert_str(selector_wanted(s, STR("w")), "");
}

static void objects_select(void **state)
{
	(void)state;
	struct selector *s;
	const struct doc *labels = parsed("{\"app\":\"x\",\"tier\":\"web\",\"n\":\"3\"}");

	assert_int_equal(selector_from_doc(arena, NULL, &s, NULL), ST_OK);
	assert_false(selector_matches(s, labels));
	assert_int_equal(selector_from_doc(arena, parsed("{}"), &s, NULL), ST_OK);
	assert_true(selector_matches(s, labels));
	assert_int_equal(
		selector_from_doc(arena,
				  parsed("{\"matchLabels\":{\"app\":\"x\"},"
					 "\"matchExpressions\":[{\"key\":\"tier\","
					 "\"operator\":\"NotIn\",\"values\":[\"db\"]},{"
					 "\"key\":\"old\",\"operator\":\"DoesNotExist\"}]}"),
				  &s, NULL),
		ST_OK);
	assert_true(selector_matches(s, labels));
	assert_str(selector_print(arena, s), "app=x,!old,tier notin (db)");
	assert_int_equal(selector_from_node_terms(arena,
						  parsed("[{\"key\":\"n\",\"operator\":\"Gt\","
							 "\"values\":[\"2\"]}]"),
						  &s, NULL),
			 ST_OK);
	assert_true(selector_matches(s, labels));
	assert_false(selector_matches(selector_from_map(arena, NULL), labels));
	assert_true(selector_matches(selector_from_map(arena, parsed("{\"app\":\"x\"}")), labels));
}

static void fields_select(void **state)
{
	(void)state;
	const struct api_kind *pod = schema_kind(NULL, KIND_Pod);
	const struct doc *object = parsed("{\"metadata\":{\"name\":\"a\"},\"status\":{\"phase\":"
					  "\"Running\"}}");
	struct error error = ERROR_INIT;
	struct field_selector *s;

	assert_int_equal(field_selector_parse(
				 arena, pod, STR("status.phase!=Failed,metadata.name=a"), &s, NULL),
			 ST_OK);
	assert_true(field_selector_matches(s, object));
	assert_str(field_selector_wanted(s, "metadata.name"), "a");
	assert_int_equal(field_selector_parse(arena, pod, STR("spec.nodeName="), &s, NULL), ST_OK);
	assert_true(field_selector_matches(s, object));
	assert_int_equal(field_selector_parse(arena, pod, STR("spec.nodeName==n"), &s, NULL),
			 ST_OK);
	assert_false(field_selector_matches(s, object));
	const struct api_kind *node = schema_kind(NULL, KIND_Node);

	assert_int_equal(
		field_selector_parse(arena, node, STR("spec.unschedulable=false"), &s, NULL),
		ST_OK);
	assert_true(field_selector_matches(s, parsed("{\"spec\":{}}")));
	assert_int_equal(field_selector_parse(arena, pod, STR("spec.foo=1"), &s, &error),
			 ST_BAD_REQUEST);
	assert_string_equal(error.message, "field label not supported: spec.foo");
}

static void formats_know_good_from_bad(void **state)
{
	(void)state;
	static const struct {
		enum api_format format;
		const char *good, *bad;
	} cases[] = {
		{ API_FORMAT_DNS_LABEL, "a-1", "A" },
		{ API_FORMAT_DNS_LABEL, "1", "a-" },
		{ API_FORMAT_DNS_1035_LABEL, "a1", "1a" },
		{ API_FORMAT_DNS_SUBDOMAIN, "a.b-c.1", "a..b" },
		{ API_FORMAT_QUALIFIED_NAME, "example.com/My_Name", "a/b/c" },
		{ API_FORMAT_QUALIFIED_NAME, "x", "/x" },
		{ API_FORMAT_LABEL_VALUE, "", "a b" },
		{ API_FORMAT_PORT_NAME, "http-2", "80" },
		{ API_FORMAT_PORT_NAME, "h", "a--b" },
		{ API_FORMAT_IP, "10.0.0.1", "10.0.0.256" },
		{ API_FORMAT_IP, "2001:db8::1", "x" },
		{ API_FORMAT_CIDR, "10.0.0.0/8", "10.0.0.0/33" },
		{ API_FORMAT_ENV_NAME, "MY_VAR", "A=B" },
		{ API_FORMAT_CONFIG_KEY, "a.b", "a/b" },
		{ API_FORMAT_CONFIG_KEY, "_", ".." },
		{ API_FORMAT_RELATIVE_PATH, "a/b", "a/../b" },
		{ API_FORMAT_PERCENT_OR_COUNT, "25%", "25" },
		{ API_FORMAT_PATH_SEGMENT, "a:b", "a/b" },
	};

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		assert_true(format_is(cases[i].format, str_of(cases[i].good)));
		assert_false(format_is(cases[i].format, str_of(cases[i].bad)));
	}
}

static int arena_up(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int arena_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_selects),
		cmocka_unit_test(broken_text_is_refused),
		cmocka_unit_test(selectors_print_sorted),
		cmocka_unit_test(objects_select),
		cmocka_unit_test(fields_select),
		cmocka_unit_test(formats_know_good_from_bad),
	};
	return cmocka_run_group_tests(tests, arena_up, arena_down);
}
