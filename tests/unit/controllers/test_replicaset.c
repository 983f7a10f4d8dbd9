/* ReplicaSet and ReplicationController against the real store and verbs. */
#include "cluster.h"

#define SET(name, replicas)                                                                        \
	"{'metadata':{'name':'" name "'},'spec':{'replicas':" replicas                             \
	",'selector':{'matchLabels':{'app':'web'}},'template':" TEMPLATE("web", "nginx") "}}"

static void makes_as_many_pods_as_wanted(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 2 });
	cluster_create(c, KIND_ReplicaSet, SET("web", "3"));
	cluster_run(c, 5);
	assert_int_equal(cluster_running(c, "web-"), 3);
	assert_int_equal(cluster_int(c, KIND_ReplicaSet, "web", "status.replicas"), 3);
	assert_int_equal(cluster_int(c, KIND_ReplicaSet, "web", "status.readyReplicas"), 3);
	assert_int_equal(cluster_int(c, KIND_ReplicaSet, "web", "status.availableReplicas"), 3);
	assert_int_equal(cluster_int(c, KIND_ReplicaSet, "web", "status.fullyLabeledReplicas"), 3);
	assert_int_equal(cluster_int(c, KIND_ReplicaSet, "web", "status.observedGeneration"), 1);
	assert_int_equal(cluster_said(c, "SuccessfulCreate", NULL), 3);
	assert_int_equal(cluster_said(c, "Scheduled", NULL), 3);
	cluster_free(c);
}

static void replaces_a_deleted_pod_and_follows_its_size(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 2 });
	cluster_create(c, KIND_ReplicaSet, SET("web", "3"));
	cluster_run(c, 5);
	struct version *pod = cluster_list(c, KIND_Pod, "web-")->at[0];
	cluster_delete(c, KIND_Pod, str_c(c->arena, pod->name), PROPAGATION_DEFAULT);
	cluster_run(c, 5);
	assert_null(cluster_get(c, KIND_Pod, str_c(c->arena, pod->name)));
	assert_int_equal(cluster_running(c, "web-"), 3);
	cluster_patch(c, KIND_ReplicaSet, "web", "{'spec':{'replicas':5}}");
	cluster_run(c, 5);
	assert_int_equal(cluster_running(c, "web-"), 5);
	cluster_patch(c, KIND_ReplicaSet, "web", "{'spec':{'replicas':0}}");
	cluster_run(c, 40);
	assert_int_equal(cluster_count(c, KIND_Pod, "web-"), 0);
	assert_int_equal(cluster_int(c, KIND_ReplicaSet, "web", "status.replicas"), 0);
	cluster_free(c);
}

static void adopts_a_pod_that_matches(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 1 });
	cluster_create(c, KIND_Pod,
		       "{'metadata':{'name':'nginx-pod','labels':{'app':'web'}},'spec':{"
		       "'containers':[{'name':'c','image':'other'}]}}");
	cluster_create(c, KIND_ReplicaSet, SET("web", "5"));
	cluster_run(c, 5);
	assert_int_equal(cluster_count(c, KIND_Pod, "web-"), 4);
	struct version *pod = cluster_get(c, KIND_Pod, "nginx-pod");
	assert_true(object_controlled_by(pod->doc, cluster_get(c, KIND_ReplicaSet, "web")->uid));
	assert_true(doc_at_bool(pod->doc, "metadata.ownerReferences.0.blockOwnerDeletion", false));
	cluster_free(c);
}

static void lets_go_of_a_pod_that_no_longer_matches(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 1 });
	cluster_create(c, KIND_ReplicaSet, SET("web", "2"));
	cluster_run(c, 5);
	const char *name = str_c(c->arena, cluster_list(c, KIND_Pod, "web-")->at[0]->name);
	cluster_patch(c, KIND_Pod, name, "{'metadata':{'labels':{'app':'debug'}}}");
	cluster_run(c, 5);
	assert_null(object_controller(cluster_get(c, KIND_Pod, name)->doc));
	assert_int_equal(cluster_count(c, KIND_Pod, "web-"), 3);
	cluster_patch(c, KIND_Pod, name, "{'metadata':{'labels':{'app':'web'}}}");
	cluster_run(c, 35);
	assert_int_equal(cluster_active(c, "web-"), 2);
	cluster_free(c);
}

/* Of pods on a node, without one, unready, cheap: which one goes. */
static void loses_the_least_useful_pod_first(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .no_scheduler = true });
	static const struct {
		const char *name, *node, *notes;
		int ready;
	} pods[] = {
		{ "cheap", "n1",
		  ",'annotations':{'controller.kubernetes.io/pod-deletion-cost':'-1'}", 1 },
		{ "good", "n2", "", 1 },
		{ "homeless", "", "", -1 },
		{ "pending", "n3", "", -1 },
		{ "unready", "n4", "", 0 },
	};
	for (u32 i = 0; i < ARRAY_LEN(pods); i++) {
		char json[512];
		snprintf(json, sizeof json,
			 "{'metadata':{'name':'%s','labels':{'app':'web'}%s},'spec':{'nodeName':'%"
			 "s',"
			 "'containers':[{'name':'c','image':'i'}]}}",
			 pods[i].name, pods[i].notes, pods[i].node);
		cluster_create(c, KIND_Pod, json);
		if (pods[i].ready >= 0)
			cluster_pod_ready(c, pods[i].name, pods[i].ready);
	}
	cluster_create(c, KIND_ReplicaSet, SET("web", "5"));
	cluster_run(c, 2);
	static const char *const order[] = { "homeless", "pending", "unready", "cheap" };
	for (u32 left = 4, i = 0; i < ARRAY_LEN(order); i++, left--) {
		char json[64];
		snprintf(json, sizeof json, "{'spec':{'replicas':%u}}", left);
		cluster_patch(c, KIND_ReplicaSet, "web", json);
		cluster_run(c, 2);
		struct version *pod = cluster_get(c, KIND_Pod, order[i]);
		if (pod && !object_deleting(pod->doc))
			fail_msg("%s should have gone", order[i]);
		assert_int_equal(cluster_active(c, ""), left);
	}
	cluster_free(c);
}

static void counts_a_pod_as_available_after_min_ready_seconds(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 1 });
	cluster_create(c, KIND_ReplicaSet, SET("web", "1"));
	cluster_patch(c, KIND_ReplicaSet, "web", "{'spec':{'minReadySeconds':20}}");
	cluster_run(c, 10);
	assert_int_equal(cluster_int(c, KIND_ReplicaSet, "web", "status.readyReplicas"), 1);
	assert_int_equal(cluster_int(c, KIND_ReplicaSet, "web", "status.availableReplicas"), 0);
	cluster_run(c, 15);
	assert_int_equal(cluster_int(c, KIND_ReplicaSet, "web", "status.availableReplicas"), 1);
	cluster_free(c);
}

static void a_replication_controller_does_the_same(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 1 });
	cluster_create(c, KIND_ReplicationController,
		       "{'metadata':{'name':'rc'},'spec':{'replicas':2,'template':" TEMPLATE(
			       "rc", "nginx") "}}");
	cluster_run(c, 5);
	assert_int_equal(cluster_running(c, "rc-"), 2);
	assert_int_equal(cluster_int(c, KIND_ReplicationController, "rc", "status.readyReplicas"),
			 2);
	cluster_delete(c, KIND_ReplicationController, "rc", PROPAGATION_BACKGROUND);
	cluster_run(c, 40);
	assert_int_equal(cluster_count(c, KIND_Pod, "rc-"), 0);
	cluster_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_as_many_pods_as_wanted),
		cmocka_unit_test(replaces_a_deleted_pod_and_follows_its_size),
		cmocka_unit_test(adopts_a_pod_that_matches),
		cmocka_unit_test(lets_go_of_a_pod_that_no_longer_matches),
		cmocka_unit_test(loses_the_least_useful_pod_first),
		cmocka_unit_test(counts_a_pod_as_available_after_min_ready_seconds),
		cmocka_unit_test(a_replication_controller_does_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
