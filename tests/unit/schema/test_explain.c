/* The text of explain, compared with what kubectl 1.35 printed for the same documents. */
#include "../unit.h"

#include "schema/explain.h"

static void expect(kind_id kind, const char *path, bool recursive, const char *text)
{
	struct buffer out = BUFFER_INIT(1 << 20);
	struct error error = ERROR_INIT;

	assert_int_equal(explain(&out, &api_kinds[kind], str_of(path), recursive, &error), ST_OK);
	assert_str(buffer_str(&out), text);
	buffer_release(&out);
}

static void a_kind_lists_its_fields_by_name(void **state)
{
	(void)state;
	expect(KIND_ConfigMap, "", false,
	       "KIND:       ConfigMap\n"
	       "VERSION:    v1\n"
	       "\n"
	       "DESCRIPTION:\n"
	       "    Settings for pods: keys with text or bytes that are no secret.\n"
	       "    \n"
	       "FIELDS:\n"
	       "  apiVersion\t<string>\n"
	       "    Group and version of the API the object is written in.\n"
	       "\n"
	       "  binaryData\t<map[string]string>\n"
	       "    Keys with bytes; none may be in data as well.\n"
	       "\n"
	       "  data\t<map[string]string>\n"
	       "    Keys with text.\n"
	       "\n"
	       "  immutable\t<boolean>\n"
	       "    Once true, nothing but the metadata can change.\n"
	       "\n"
	       "  kind\t<string>\n"
	       "    What sort of object it is.\n"
	       "\n"
	       "  metadata\t<ObjectMeta>\n"
	       "    Name, labels and history.\n"
	       "\n"
	       "\n");
}

static void a_field_shows_its_type_and_the_allowed_values(void **state)
{
	(void)state;
	expect(KIND_Pod, "spec.restartPolicy", false,
	       "KIND:       Pod\n"
	       "VERSION:    v1\n"
	       "\n"
	       "FIELD: restartPolicy <string>\n"
	       "ENUM:\n"
	       "    Always\n"
	       "    OnFailure\n"
	       "    Never\n"
	       "\n"
	       "DESCRIPTION:\n"
	       "    Whether containers that end are started again: Always, OnFailure or Never.\n"
	       "    \n"
	       "\n");
	expect(KIND_Pod, "spec.containers.resources.limits", true,
	       "KIND:       Pod\n"
	       "VERSION:    v1\n"
	       "\n"
	       "FIELD: limits <map[string]Quantity>\n"
	       "\n"
	       "\n"
	       "DESCRIPTION:\n"
	       "    The most it may use, by resource.\n"
	       "    An exact amount: a number with an optional suffix such as m, k, Ki, M, Mi or\n"
	       "    an exponent.\n"
	       "    \n"
	       "\n");
}

static void recursive_lists_all_levels_without_sentences(void **state)
{
	(void)state;
	expect(KIND_Deployment, "spec.selector", true,
	       "GROUP:      apps\n"
	       "KIND:       Deployment\n"
	       "VERSION:    v1\n"
	       "\n"
	       "FIELD: selector <LabelSelector>\n"
	       "\n"
	       "\n"
	       "DESCRIPTION:\n"
	       "    Which pods are its own; must match the template's labels.\n"
	       "    Chooses objects by their labels; all parts must hold, an empty selector\n"
	       "    matches everything.\n"
	       "    \n"
	       "FIELDS:\n"
	       "  matchExpressions\t<[]LabelSelectorRequirement>\n"
	       "    key\t<string> -required-\n"
	       "    operator\t<string> -required-\n"
	       "    values\t<[]string>\n"
	       "  matchLabels\t<map[string]string>\n"
	       "\n");
}

static void unknown_fields_are_named(void **state)
{
	static const char *const paths[] = { "spec.nosuch", "spec.nodeSelector.nosuch", "nosuch.a",
					     "spec..nosuch" };
	struct buffer out = BUFFER_INIT(1 << 20);

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(paths); i++) {
		struct error error = ERROR_INIT;

		assert_int_equal(
			explain(&out, &api_kinds[KIND_Pod], str_of(paths[i]), false, &error),
			ST_NOT_FOUND);
		assert_int_equal(out.len, 0);
		if (i < 3)
			assert_string_equal(error.message, "field \"nosuch\" does not exist");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kind_lists_its_fields_by_name),
		cmocka_unit_test(a_field_shows_its_type_and_the_allowed_values),
		cmocka_unit_test(recursive_lists_all_levels_without_sentences),
		cmocka_unit_test(unknown_fields_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
