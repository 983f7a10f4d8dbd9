/* Discovery as clients read it: both formats say the same, in the right order. */
#include "../unit.h"

#include "doc/json.h"
#include "schema/discovery.h"

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

/* The resource of that name in a list of one format or the other. */
static const struct doc *named(const struct doc *list, const char *key, const char *name)
{
	doc_each_item(list, item) {
		if (str_is(doc_str(doc_get(item, str_of(key))), name))
			return item;
	}
	return NULL;
}

static void a_resource_of_the_old_format_is_as_kubernetes_writes_it(void **state)
{
	struct world *world = *state;
	const struct doc *list =
		discovery_resources(world->arena, world->schema, STR("apps"), STR("v1"));
	const struct doc *resources = doc_at(list, "resources");

	assert_str(json_text(world->arena, named(resources, "name", "deployments")),
		   "{\"name\":\"deployments\",\"singularName\":\"deployment\",\"namespaced\":true,"
		   "\"kind\":\"Deployment\",\"verbs\":[\"create\",\"delete\",\"deletecollection\","
		   "\"get\",\"list\",\"patch\",\"update\",\"watch\"],\"shortNames\":[\"deploy\"],"
		   "\"categories\":[\"all\"]}");
	assert_str(json_text(world->arena, named(resources, "name", "deployments/scale")),
		   "{\"name\":\"deployments/scale\",\"singularName\":\"\",\"namespaced\":true,"
		   "\"group\":\"autoscaling\",\"version\":\"v1\",\"kind\":\"Scale\","
		   "\"verbs\":[\"get\",\"patch\",\"update\"]}");
	assert_str(doc_at_str(list, "groupVersion"), "apps/v1");
}

static void pods_have_their_subresources(void **state)
{
	struct world *world = *state;
	static const char *const wanted[] = { "pods/log",	    "pods/exec",
					      "pods/attach",	    "pods/portforward",
					      "pods/binding",	    "pods/eviction",
					      "pods/status",	    "pods/ephemeralcontainers",
					      "pods/resize",	    "serviceaccounts/token",
					      "namespaces/finalize" };
	const struct doc *list =
		discovery_resources(world->arena, world->schema, STR(""), STR("v1"));

	for (u32 i = 0; i < ARRAY_LEN(wanted); i++)
		if (!named(doc_at(list, "resources"), "name", wanted[i]))
			fail_msg("no %s", wanted[i]);
	assert_null(discovery_resources(world->arena, world->schema, STR("apps"), STR("v9")));
}

static void the_aggregated_format_names_kinds_scopes_and_parts(void **state)
{
	struct world *world = *state;
	const struct doc *list = discovery_aggregated(world->arena, world->schema, true, STR("v2"));
	const struct doc *resources = doc_at(list, "items.0.versions.0.resources");

	assert_int_equal(doc_len(doc_at(list, "items")), 1);
	assert_str(doc_at_str(list, "apiVersion"), "apidiscovery.k8s.io/v2");
	const struct doc *pods = named(resources, "resource", "pods");
	assert_str(doc_at_str(pods, "responseKind.kind"), "Pod");
	assert_str(doc_at_str(pods, "scope"), "Namespaced");
	const struct doc *eviction = named(doc_at(pods, "subresources"), "subresource", "eviction");
	assert_str(json_text(world->arena, eviction),
		   "{\"subresource\":\"eviction\",\"responseKind\":{\"group\":\"policy\","
		   "\"version\":\"v1\",\"kind\":\"Eviction\"},\"verbs\":[\"create\"]}");
	assert_str(doc_at_str(named(resources, "resource", "nodes"), "scope"), "Cluster");
}

static void the_newest_stable_version_is_preferred(void **state)
{
	struct world *world = *state;
	const struct doc *group = discovery_group(world->arena, world->schema, STR("autoscaling"));

	assert_str(doc_at_str(group, "preferredVersion.groupVersion"), "autoscaling/v2");
	assert_int_equal(doc_len(doc_at(group, "versions")), 4);
	group = discovery_group(world->arena, world->schema, STR("batch"));
	assert_str(doc_at_str(group, "preferredVersion.version"), "v1");
	assert_str(doc_at_str(group, "versions.1.version"), "v1beta1");
	assert_null(discovery_group(world->arena, world->schema, STR("nosuch")));
	assert_null(discovery_group(world->arena, world->schema, STR("")));
}

static void what_is_there_for_old_manifests_does_not_show_twice(void **state)
{
	struct world *world = *state;
	const struct doc *list = discovery_resources(world->arena, world->schema,
						     STR("extensions"), STR("v1beta1"));

	assert_true(doc_len(doc_key(list, "resources")) >= 5);
	assert_str(doc_at_str(list, "resources.0.name"), "daemonsets");
	assert_int_equal(doc_len(doc_at(list, "resources.0.verbs")), 0);
	assert_null(doc_at(list, "resources.0.shortNames"));
	assert_null(doc_at(list, "resources.0.categories"));
	/* Of a group's own earlier versions clients show the preferred one only. */
	list = discovery_resources(world->arena, world->schema, STR("batch"), STR("v1beta1"));
	assert_int_equal(doc_len(doc_at(list, "resources.0.verbs")), 8);
}

static void both_formats_list_the_same_groups(void **state)
{
	struct world *world = *state;
	const struct doc *old = doc_at(discovery_groups(world->arena, world->schema), "groups");
	const struct doc *new = doc_at(
		discovery_aggregated(world->arena, world->schema, false, STR("v2beta1")), "items");

	assert_int_equal(doc_len(old), doc_len(new));
	for (u32 i = 0; i < doc_len(old); i++)
		assert_true(str_eq(doc_at_str(doc_item(old, i), "name"),
				   doc_at_str(doc_item(new, i), "metadata.name")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_resource_of_the_old_format_is_as_kubernetes_writes_it),
		cmocka_unit_test(pods_have_their_subresources),
		cmocka_unit_test(the_aggregated_format_names_kinds_scopes_and_parts),
		cmocka_unit_test(the_newest_stable_version_is_preferred),
		cmocka_unit_test(what_is_there_for_old_manifests_does_not_show_twice),
		cmocka_unit_test(both_formats_list_the_same_groups),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
