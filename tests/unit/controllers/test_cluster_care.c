/* Garbage, namespaces, service accounts, silent nodes, lost pods. */
#include "cluster.h"

#define SET                                                                                        \
	"{'metadata':{'name':'web'},'spec':{'replicas':2,'selector':{'matchLabels':{'app':'web'}}" \
	","                                                                                        \
	"'template':" TEMPLATE("web", "nginx") "}}"

static struct cluster *start(u32 nodes)
{
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = nodes });
	cluster_create(c, KIND_ReplicaSet, SET);
	cluster_run(c, 5);
	assert_int_equal(cluster_running(c, "web-"), 2);
	return c;
}

static void dependents_go_after_their_owner_in_the_background(void **state)
{
	(void)state;
	struct cluster *c = start(1);
	cluster_delete(c, KIND_ReplicaSet, "web", PROPAGATION_BACKGROUND);
	assert_null(cluster_get(c, KIND_ReplicaSet, "web"));
	cluster_run(c, 40);
	assert_int_equal(cluster_count(c, KIND_Pod, "web-"), 0);
	cluster_free(c);
}

static void an_owner_waits_for_its_dependents_in_the_foreground(void **state)
{
	(void)state;
	struct cluster *c = start(1);
	cluster_delete(c, KIND_ReplicaSet, "web", PROPAGATION_FOREGROUND);
	assert_non_null(cluster_get(c, KIND_ReplicaSet, "web"));
	for (u32 i = 0; i < 100 && cluster_count(c, KIND_Pod, "web-"); i++) {
		assert_non_null(cluster_get(c, KIND_ReplicaSet, "web"));
		cluster_run(c, 0.5);
	}
	cluster_run(c, 1);
	assert_int_equal(cluster_count(c, KIND_Pod, "web-"), 0);
	assert_null(cluster_get(c, KIND_ReplicaSet, "web"));
	cluster_free(c);
}

static void orphans_stay_without_their_owner(void **state)
{
	(void)state;
	struct cluster *c = start(1);
	cluster_delete(c, KIND_ReplicaSet, "web", PROPAGATION_ORPHAN);
	cluster_run(c, 5);
	assert_null(cluster_get(c, KIND_ReplicaSet, "web"));
	assert_int_equal(cluster_running(c, "web-"), 2);
	assert_null(object_controller(cluster_list(c, KIND_Pod, "web-")->at[0]->doc));
	cluster_free(c);
}

static void a_deleted_namespace_is_emptied_and_goes(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 1 });
	cluster_create(c, KIND_Namespace, "{'metadata':{'name':'team'}}");
	cluster_run(c, 1);
	assert_non_null(store_get(c->store, KIND_ServiceAccount, STR("team"), STR("default")));
	assert_non_null(store_get(c->store, KIND_ConfigMap, STR("team"), STR("kube-root-ca.crt")));
	cluster_create_in(c, KIND_ReplicaSet, "team", SET);
	cluster_run(c, 5);
	cluster_delete(c, KIND_Namespace, "team", PROPAGATION_DEFAULT);
	cluster_run(c, 40);
	assert_null(cluster_get(c, KIND_Namespace, "team"));
	struct store_iter iter;
	store_iter_start(&iter, c->store, KIND_Pod, STR("team"), STR_NONE, STR_NONE);
	assert_null(store_iter_next(&iter));
	cluster_free(c);
}

static void the_default_service_account_comes_back(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ 0 });
	cluster_delete(c, KIND_ServiceAccount, "default", PROPAGATION_DEFAULT);
	cluster_run(c, 1);
	assert_non_null(cluster_get(c, KIND_ServiceAccount, "default"));
	cluster_free(c);
}

static void a_silent_node_is_tainted_and_its_pods_move(void **state)
{
	(void)state;
	struct cluster *c = start(2);
	simulated_kill(c->nodes, 0);
	cluster_run(c, 60);
	struct version *node = cluster_get(c, KIND_Node, "simulated-0");
	assert_true(condition_is(node->doc, "Ready", "Unknown"));
	assert_int_equal(doc_len(doc_at(node->doc, "spec.taints")), 2);
	assert_int_equal(
		cluster_said(c, "NodeNotReady", "Node simulated-0 status is now: NodeNotReady"), 1);
	assert_int_equal(cluster_running(c, "web-"), 1);
	cluster_run(c, 310); /* the tolerations that every pod has end after 300 s */
	assert_int_equal(cluster_running(c, "web-"), 2);
	assert_true(cluster_said(c, "TaintManagerEviction", NULL) >= 1);
	simulated_revive(c->nodes, 0);
	cluster_run(c, 60);
	node = cluster_get(c, KIND_Node, "simulated-0");
	assert_true(condition_is(node->doc, "Ready", "True"));
	assert_int_equal(doc_len(doc_at(node->doc, "spec.taints")), 0);
	assert_int_equal(cluster_count(c, KIND_Pod, "web-"), 2);
	cluster_free(c);
}

static void how_long_a_node_may_be_silent_is_a_setting(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 1 });
	runner_set_node_grace(c->runner, 15 * NS_PER_S);
	cluster_run(c, 30);
	assert_true(condition_is(cluster_get(c, KIND_Node, "simulated-0")->doc, "Ready", "True"));
	simulated_kill(c->nodes, 0);
	cluster_run(c, 30);
	assert_true(
		condition_is(cluster_get(c, KIND_Node, "simulated-0")->doc, "Ready", "Unknown"));
	cluster_free(c);
}

static void pods_of_a_node_that_is_no_more_are_collected(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .no_scheduler = true });
	cluster_create(c, KIND_Pod,
		       "{'metadata':{'name':'lost'},'spec':{'nodeName':'nowhere','containers':[{"
		       "'name':'c','image':'i'}]}}");
	cluster_run(c, 30);
	assert_non_null(cluster_get(c, KIND_Pod, "lost"));
	cluster_run(c, 30);
	assert_null(cluster_get(c, KIND_Pod, "lost"));
	cluster_free(c);
}

static void pods_of_a_node_out_of_service_are_gone_at_once(void **state)
{
	(void)state;
	struct cluster *c = start(2);
	simulated_kill(c->nodes, 0);
	cluster_run(c, 60);
	assert_int_equal(cluster_count(c, KIND_Pod, "web-"), 2);
	cluster_patch(c, KIND_Node, "simulated-0",
		      "{'spec':{'taints':[{'key':'node.kubernetes.io/out-of-service','effect':"
		      "'NoExecute'}]}}");
	cluster_run(c, 5);
	struct version_list left = store_on_node(c->store, c->arena, STR("simulated-0"));
	assert_int_equal(left.len, 0);
	assert_int_equal(cluster_running(c, "web-"), 2);
	cluster_free(c);
}

static void a_node_that_joins_gets_a_range_of_its_own(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 1 });
	cluster_create(c, KIND_Node,
		       "{'metadata':{'name':'a'},'spec':{'podCIDR':'10.244.0.0/24'}}");
	cluster_create(c, KIND_Node, "{'metadata':{'name':'b'}}");
	cluster_create(c, KIND_Node, "{'metadata':{'name':'c'}}");
	cluster_run(c, 1);
	struct str b = doc_at_str(cluster_get(c, KIND_Node, "b")->doc, "spec.podCIDR");
	struct str third = doc_at_str(cluster_get(c, KIND_Node, "c")->doc, "spec.podCIDR");
	assert_true(str_is(b, "10.244.1.0/24") || str_is(b, "10.244.2.0/24"));
	assert_true(str_is(third, "10.244.1.0/24") || str_is(third, "10.244.2.0/24"));
	assert_false(str_eq(b, third));
	assert_true(str_eq(doc_at_str(cluster_get(c, KIND_Node, "b")->doc, "spec.podCIDRs.0"), b));
	/* Simulated ones make addresses up. */
	assert_int_equal(
		doc_at_str(cluster_get(c, KIND_Node, "simulated-0")->doc, "spec.podCIDR").len, 0);
	cluster_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dependents_go_after_their_owner_in_the_background),
		cmocka_unit_test(an_owner_waits_for_its_dependents_in_the_foreground),
		cmocka_unit_test(orphans_stay_without_their_owner),
		cmocka_unit_test(a_deleted_namespace_is_emptied_and_goes),
		cmocka_unit_test(the_default_service_account_comes_back),
		cmocka_unit_test(a_silent_node_is_tainted_and_its_pods_move),
		cmocka_unit_test(how_long_a_node_may_be_silent_is_a_setting),
		cmocka_unit_test(pods_of_a_node_that_is_no_more_are_collected),
		cmocka_unit_test(pods_of_a_node_out_of_service_are_gone_at_once),
		cmocka_unit_test(a_node_that_joins_gets_a_range_of_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
