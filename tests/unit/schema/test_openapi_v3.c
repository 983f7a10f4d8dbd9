/* OpenAPI v3 documents: they parse, nothing dangles, and clients find what they look for. */
#include "../unit.h"

#include "doc/json.h"
#include "schema/openapi_parts.h"
#include "schema/openapi_v3.h"

struct world {
	struct arena *arena;
	struct schema *schema;
};

static int setup(void **state)
{
	static struct world world;

	world = (struct world){ arena_new(0), schema_new() };
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	schema_free(world->schema);
	arena_free(world->arena);
	return 0;
}

static const struct doc *document(struct world *world, struct str path)
{
	struct buffer out = BUFFER_INIT(OPENAPI_BYTES_MAX);
	struct error error = ERROR_INIT;
	const struct doc *parsed = NULL;

	assert_int_equal(openapi_v3_group(&out, world->schema, path, &error), ST_OK);
	assert_int_equal(json_parse(world->arena, buffer_str(&out), &parsed, &error), ST_OK);
	buffer_release(&out);
	return parsed;
}

/* Every "$ref" below `d` names one of `schemas`. */
static void check_references(const struct doc *d, const struct doc *schemas)
{
	static const struct str prefix = STR_INIT("#/components/schemas/");
	struct str ref = doc_str(doc_key(d, "$ref"));

	if (ref.len) {
		assert_true(str_starts(ref, prefix));
		if (!doc_get(schemas, str_from(ref, prefix.len)))
			fail_msg("nothing is called " STR_FMT, STR_ARG(ref));
	}
	doc_each_item(d, item) {
		check_references(item, schemas);
	}
	doc_each_pair(d, key, value) {
		(void)key;
		check_references(value, schemas);
	}
}

static void every_document_parses_and_every_reference_resolves(void **state)
{
	struct world *world = *state;
	u32 len;
	const struct served *all = served_all(world->arena, world->schema, &len);

	assert_true(len > 10);
	for (u32 i = 0; i < len; i++) {
		struct str path =
			str_format(world->arena, "%s/" STR_FMT, all[i].group.len ? "apis" : "api",
				   STR_ARG(all[i].api_version));
		const struct doc *d = document(world, path);

		check_references(d, doc_at(d, "components.schemas"));
	}
}

static void an_operation_is_as_kubectl_looks_for_it(void **state)
{
	struct world *world = *state;
	const struct doc *paths = doc_at(document(world, STR("apis/apps/v1")), "paths");
	const struct doc *item =
		doc_key(paths, "/apis/apps/v1/namespaces/{namespace}/deployments/{name}");
	bool validates = false;

	doc_each_item(doc_at(item, "patch.parameters"), parameter) {
		validates |= str_is(doc_at_str(parameter, "name"), "fieldValidation") &&
			     str_is(doc_at_str(parameter, "in"), "query");
	}
	assert_true(validates);
	assert_str(json_text(world->arena, doc_at(item, "patch.x-kubernetes-group-version-kind")),
		   "{\"group\":\"apps\",\"kind\":\"Deployment\",\"version\":\"v1\"}");
	const struct doc *all = doc_key(paths, "/apis/apps/v1/deployments");
	assert_str(doc_at_str(all, "get.x-kubernetes-action"), "list");
	assert_str(doc_at_str(all, "get.operationId"), "listAppsV1DeploymentForAllNamespaces");
}

static void schemas_say_how_lists_merge_and_what_is_required(void **state)
{
	struct world *world = *state;
	const struct doc *schemas = doc_at(document(world, STR("api/v1")), "components.schemas");
	const struct doc *spec = doc_key(schemas, "io.k8s.api.core.v1.PodSpec");
	const struct doc *volumes = doc_at(spec, "properties.volumes");

	assert_str(json_text(world->arena, doc_at(spec, "required")), "[\"containers\"]");
	assert_str(doc_at_str(volumes, "x-kubernetes-patch-strategy"), "merge,retainKeys");
	assert_str(doc_at_str(volumes, "x-kubernetes-patch-merge-key"), "name");
	assert_str(doc_at_str(volumes, "x-kubernetes-list-type"), "map");
	const struct doc *service = doc_key(schemas, "io.k8s.api.core.v1.ServiceSpec");
	assert_str(json_text(world->arena,
			     doc_at(service, "properties.ports.x-kubernetes-list-map-keys")),
		   "[\"port\",\"protocol\"]");
	const struct doc *either =
		doc_key(schemas, "io.k8s.apimachinery.pkg.util.intstr.IntOrString");
	assert_true(doc_bool_or(doc_key(either, "x-kubernetes-int-or-string"), false));
}

static void the_index_is_the_same_each_time(void **state)
{
	struct world *world = *state;
	struct buffer one = BUFFER_INIT(1 << 20), two = BUFFER_INIT(1 << 20);

	assert_true(openapi_v3_index(&one, world->schema));
	assert_true(openapi_v3_index(&two, world->schema));
	assert_true(str_eq(buffer_str(&one), buffer_str(&two)));
	assert_true(str_find(buffer_str(&one), STR("\"apis/apps/v1\":{\"serverRelativeURL\":"
						   "\"/openapi/v3/apis/apps/v1?hash=")) > 0);
	buffer_release(&one);
	buffer_release(&two);
}

static void unknown_groups_have_no_document(void **state)
{
	struct world *world = *state;
	struct buffer out = BUFFER_INIT(1 << 20);
	struct error error = ERROR_INIT;

	assert_int_equal(openapi_v3_group(&out, world->schema, STR("apis/nosuch/v1"), &error),
			 ST_NOT_FOUND);
	assert_int_equal(out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_document_parses_and_every_reference_resolves),
		cmocka_unit_test(an_operation_is_as_kubectl_looks_for_it),
		cmocka_unit_test(schemas_say_how_lists_merge_and_what_is_required),
		cmocka_unit_test(the_index_is_the_same_each_time),
		cmocka_unit_test(unknown_groups_have_no_document),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
