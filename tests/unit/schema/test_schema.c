/* The tables apigen writes, and how kinds are found in them. */
#include "../unit.h"

#include "schema/schema.h"

static void finds_a_kind_by_resource_and_by_name(void **state)
{
	(void)state;
	struct schema *schema = schema_new();
	const struct api_kind *kind =
		schema_find_resource(schema, STR_NONE, STR("v1"), STR("configmaps"));
	assert_non_null(kind);
	assert_int_equal(kind->id, KIND_ConfigMap);
	assert_ptr_equal(kind, schema_find_kind(schema, STR("v1"), STR("ConfigMap")));
	assert_ptr_equal(kind, schema_kind(schema, KIND_ConfigMap));
	assert_str(api_kind_version(kind), "v1");
	assert_null(schema_find_kind(schema, STR("v1"), STR("configmap")));
	assert_null(schema_find_resource(schema, STR("apps"), STR("v1"), STR("configmaps")));
	schema_free(schema);
}

static void every_field_is_found_by_its_name(void **state)
{
	(void)state;
	for (u32 i = 0; i < api_structs_len; i++)
		for (u32 j = 0; j < api_structs[i]->len; j++)
			assert_ptr_equal(
				&api_structs[i]->fields[j],
				api_field_find(api_structs[i], api_structs[i]->fields[j].name));
	assert_null(api_field_find(schema_kind(NULL, KIND_ConfigMap)->root, STR("dat")));
}

static void a_path_is_checked_by_the_compiler(void **state)
{
	(void)state;
	assert_string_equal(AT(ConfigMap, metadata.name), "metadata.name");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_a_kind_by_resource_and_by_name),
		cmocka_unit_test(every_field_is_found_by_its_name),
		cmocka_unit_test(a_path_is_checked_by_the_compiler),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
