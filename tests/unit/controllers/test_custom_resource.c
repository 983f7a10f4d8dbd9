/* Deleting a CustomResourceDefinition: its objects go, those with finalizers when they may. */
#include "cluster.h"

#define DEFINITION                                                                                 \
	"{'metadata':{'name':'widgets.example.com'},'spec':{'group':'example.com','scope':"        \
	"'Namespaced','names':{'plural':'widgets','kind':'Widget'},'conversion':{'strategy':"      \
	"'None'},'versions':[{'name':'v1','served':true,'storage':true,'schema':{"                 \
	"'openAPIV3Schema':{'type':'object','x-kubernetes-preserve-unknown-fields':true}}}]}}"

static kind_id define(struct cluster *c)
{
	cluster_create(c, KIND_CustomResourceDefinition, DEFINITION);
	cluster_run(c, 1);
	return schema_find_kind(c->schema, STR("example.com/v1"), STR("Widget"))->id;
}

static void objects_go_with_their_definition(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 1 });
	kind_id widget = define(c);
	char json[128];

	for (u32 i = 0; i < 50; i++) {
		snprintf(json, sizeof json, "{'metadata':{'name':'w%u'}}", i);
		cluster_create(c, widget, json);
	}
	cluster_create(c, widget, "{'metadata':{'name':'held','finalizers':['example.com/hold']}}");
	cluster_delete(c, KIND_CustomResourceDefinition, "widgets.example.com",
		       PROPAGATION_DEFAULT);
	cluster_run(c, 5);
	assert_int_equal(cluster_count(c, widget, ""), 1);
	assert_non_null(cluster_get(c, KIND_CustomResourceDefinition, "widgets.example.com"));
	cluster_patch(c, widget, "held", "{'metadata':{'finalizers':null}}");
	cluster_run(c, 5);
	assert_null(cluster_get(c, KIND_CustomResourceDefinition, "widgets.example.com"));
	assert_null(schema_find_kind(c->schema, STR("example.com/v1"), STR("Widget")));
	cluster_free(c);
}

static void owners_and_owned_may_be_custom(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 1 });
	kind_id widget = define(c);
	struct version *owner = cluster_create(c, widget, "{'metadata':{'name':'owner'}}");
	char json[512];

	snprintf(json, sizeof json,
		 "{'metadata':{'name':'owned','ownerReferences':[{'apiVersion':'example.com/v1',"
		 "'kind':'Widget','name':'owner','uid':'%.*s'}]}}",
		 STR_ARG(owner->uid));
	cluster_create(c, KIND_ConfigMap, json);
	struct version *owned = cluster_create(c, widget, json);

	snprintf(json, sizeof json,
		 "{'metadata':{'name':'below','ownerReferences':[{'apiVersion':'example.com/v1',"
		 "'kind':'Widget','name':'owned','uid':'%.*s'}]}}",
		 STR_ARG(owned->uid));
	cluster_create(c, KIND_ConfigMap, json);
	cluster_run(c, 5);
	assert_non_null(cluster_get(c, KIND_ConfigMap, "below"));
	cluster_delete(c, widget, "owner", PROPAGATION_BACKGROUND);
	cluster_run(c, 5);
	assert_null(cluster_get(c, widget, "owned"));
	assert_null(cluster_get(c, KIND_ConfigMap, "owned"));
	assert_null(cluster_get(c, KIND_ConfigMap, "below"));
	cluster_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_go_with_their_definition),
		cmocka_unit_test(owners_and_owned_may_be_custom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
