/* What the scheduler refuses, prefers and says. */
#include "../controllers/cluster.h"

static const struct simulated_config small = {
	.nodes = 3, .cpu = "2", .memory = "4Gi", .pods = 10
};

static struct cluster *start(void)
{
	return cluster_new((struct cluster_wish){ .config = &small });
}

static void make_pod(struct cluster *c, const char *name, const char *spec, const char *resources)
{
	char json[1024];
	snprintf(json, sizeof json,
		 "{'metadata':{'name':'%s'},'spec':{%s'containers':[{'name':'c','image':'i'%s}]}}",
		 name, spec, resources);
	cluster_create(c, KIND_Pod, json);
	cluster_run(c, 2);
}

static const char *node_of(struct cluster *c, const char *name)
{
	return str_c(c->arena, doc_at_str(cluster_get(c, KIND_Pod, name)->doc, "spec.nodeName"));
}

static const char *why(struct cluster *c, const char *name)
{
	return cluster_condition(c, KIND_Pod, name, "PodScheduled");
}

static void says_how_many_nodes_lack_what(void **state)
{
	(void)state;
	struct cluster *c = start();
	make_pod(c, "big", "", ",'resources':{'requests':{'cpu':'3','memory':'1Gi'}}");
	assert_string_equal(why(c, "big"),
			    "False Unschedulable: 0/3 nodes are available: 3 Insufficient cpu. "
			    "preemption: 0/3 nodes are available: 3 Preemption is not helpful for "
			    "scheduling.");
	assert_true(cluster_said(c, "FailedScheduling", NULL) >= 1);
	make_pod(c, "picky", "'nodeSelector':{'disk':'ssd'},", "");
	assert_string_equal(why(c, "picky"),
			    "False Unschedulable: 0/3 nodes are available: 3 node(s) didn't match "
			    "Pod's node affinity/selector. preemption: 0/3 nodes are available: 3 "
			    "Preemption is not helpful for scheduling.");
	make_pod(c, "gpu", "",
		 ",'resources':{'requests':{'example.com/gpu':'1'},'limits':{'example.com/"
		 "gpu':'1'}}");
	assert_non_null(strstr(why(c, "gpu"), "3 Insufficient example.com/gpu."));
	cluster_free(c);
}

static void a_waiting_pod_is_placed_when_a_label_helps(void **state)
{
	(void)state;
	struct cluster *c = start();
	make_pod(c, "picky", "'nodeSelector':{'disk':'ssd'},", "");
	assert_string_equal(node_of(c, "picky"), "");
	cluster_patch(c, KIND_Node, "simulated-1", "{'metadata':{'labels':{'disk':'ssd'}}}");
	cluster_run(c, 15);
	assert_string_equal(node_of(c, "picky"), "simulated-1");
	assert_int_equal(
		cluster_said(c, "Scheduled", "Successfully assigned default/picky to simulated-1"),
		1);
	cluster_free(c);
}

static void a_waiting_pod_is_placed_when_another_makes_room(void **state)
{
	(void)state;
	struct cluster *c = start();
	static const char half[] = ",'resources':{'requests':{'cpu':'1500m'}}";
	make_pod(c, "a", "", half);
	make_pod(c, "b", "", half);
	make_pod(c, "c", "", half);
	make_pod(c, "d", "", half);
	assert_string_equal(node_of(c, "d"), "");
	assert_non_null(strstr(why(c, "d"), "3 Insufficient cpu. preemption: 0/3 nodes are "
					    "available: 3 No preemption victims found for incoming "
					    "pod."));
	cluster_delete(c, KIND_Pod, "b", PROPAGATION_DEFAULT);
	cluster_run(c, 45);
	assert_string_not_equal(node_of(c, "d"), "");
	cluster_free(c);
}

static void respects_taints_and_cordons(void **state)
{
	(void)state;
	struct cluster *c = start();
	cluster_patch(c, KIND_Node, "simulated-0", "{'spec':{'unschedulable':true}}");
	cluster_patch(c, KIND_Node, "simulated-1",
		      "{'spec':{'taints':[{'key':'team','value':'red','effect':'NoSchedule'}]}}");
	cluster_patch(c, KIND_Node, "simulated-2",
		      "{'spec':{'taints':[{'key':'team','value':'red','effect':'NoSchedule'}]}}");
	cluster_run(c, 1);
	make_pod(c, "plain", "", "");
	assert_string_equal(node_of(c, "plain"), "");
	assert_non_null(strstr(why(c, "plain"), "node(s) had untolerated taint(s)"));
	assert_non_null(strstr(why(c, "plain"), "1 node(s) were unschedulable"));
	make_pod(c, "red", "'tolerations':[{'key':'team','operator':'Equal','value':'red'}],", "");
	assert_string_not_equal(node_of(c, "red"), "");
	assert_string_not_equal(node_of(c, "red"), "simulated-0");
	cluster_free(c);
}

static void a_host_port_is_given_once_a_node(void **state)
{
	(void)state;
	struct cluster *c = start();
	static const char port[] = ",'ports':[{'containerPort':80,'hostPort':80}]";
	make_pod(c, "a", "", port);
	make_pod(c, "b", "", port);
	make_pod(c, "c", "", port);
	make_pod(c, "d", "", port);
	assert_string_not_equal(node_of(c, "a"), node_of(c, "b"));
	assert_string_not_equal(node_of(c, "b"), node_of(c, "c"));
	assert_non_null(strstr(why(c, "d"),
			       "3 node(s) didn't have free ports for the requested pod ports"));
	cluster_free(c);
}

static void prefers_as_affinity_asks(void **state)
{
	(void)state;
	struct cluster *c = start();
	make_pod(c, "fond",
		 "'affinity':{'nodeAffinity':{'preferredDuringSchedulingIgnoredDuringExecution':[{"
		 "'weight':100,'preference':{'matchExpressions':[{'key':'kubernetes.io/hostname',"
		 "'operator':'In','values':['simulated-2']}]}}]}},",
		 "");
	assert_string_equal(node_of(c, "fond"), "simulated-2");
	make_pod(c, "bound",
		 "'affinity':{'nodeAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':{"
		 "'nodeSelectorTerms':[{'matchExpressions':[{'key':'kubernetes.io/hostname',"
		 "'operator':'NotIn','values':['simulated-2','simulated-0']}]}]}}},",
		 "");
	assert_string_equal(node_of(c, "bound"), "simulated-1");
	cluster_free(c);
}

static void spreads_the_pods_of_one_owner(void **state)
{
	(void)state;
	struct cluster *c = start();
	cluster_create(c, KIND_ReplicaSet,
		       "{'metadata':{'name':'web'},'spec':{'replicas':6,'selector':{'matchLabels':{"
		       "'app':'web'}},'template':" TEMPLATE("web", "nginx") "}}");
	cluster_run(c, 5);
	u32 counts[3] = { 0 };
	struct cluster_list *pods = cluster_list(c, KIND_Pod, "web-");
	for (u32 i = 0; i < pods->len; i++) {
		struct str node = doc_at_str(pods->at[i]->doc, "spec.nodeName");
		counts[node.at[node.len - 1] - '0']++;
	}
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(counts[i], 2);
	cluster_free(c);
}

static void waits_for_gates_to_open(void **state)
{
	(void)state;
	struct cluster *c = start();
	make_pod(c, "gated", "'schedulingGates':[{'name':'example.com/wait'}],", "");
	assert_string_equal(node_of(c, "gated"), "");
	assert_string_equal(why(c, "gated"),
			    "False SchedulingGated: Scheduling is blocked due to non-empty "
			    "scheduling gates");
	cluster_patch(c, KIND_Pod, "gated", "{'spec':{'schedulingGates':null}}");
	cluster_run(c, 2);
	assert_string_not_equal(node_of(c, "gated"), "");
	cluster_free(c);
}

static void places_thousands_of_pods_on_hundreds_of_nodes(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 300 });
	cluster_create(c, KIND_Deployment,
		       "{'metadata':{'name':'web'},'spec':{'replicas':2000,'selector':{"
		       "'matchLabels':{'app':'web'}},'template':" TEMPLATE("web", "nginx") "}}");
	cluster_run(c, 5);
	assert_int_equal(cluster_int(c, KIND_Deployment, "web", "status.availableReplicas"), 2000);
	struct version_list pods = store_on_node(c->store, c->arena, STR("simulated-7"));
	assert_in_range(pods.len, 1, 20);
	cluster_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_how_many_nodes_lack_what),
		cmocka_unit_test(a_waiting_pod_is_placed_when_a_label_helps),
		cmocka_unit_test(a_waiting_pod_is_placed_when_another_makes_room),
		cmocka_unit_test(respects_taints_and_cordons),
		cmocka_unit_test(a_host_port_is_given_once_a_node),
		cmocka_unit_test(prefers_as_affinity_asks),
		cmocka_unit_test(spreads_the_pods_of_one_owner),
		cmocka_unit_test(waits_for_gates_to_open),
		cmocka_unit_test(places_thousands_of_pods_on_hundreds_of_nodes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
