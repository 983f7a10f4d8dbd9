/* DaemonSet against the real store, scheduler and simulated nodes. */
#include "cluster.h"

#define DAEMON(name, image, spec)                                                                  \
	"{'metadata':{'name':'" name "'},'spec':{" spec                                            \
	"'selector':{'matchLabels':{'app':'d'}},'template':" TEMPLATE("d", image) "}}"

static void label(struct cluster *c, const char *node, const char *key, const char *value)
{
	char json[128];
	snprintf(json, sizeof json, "{'metadata':{'labels':{'%s':%s}}}", key, value);
	cluster_patch(c, KIND_Node, node, json);
}

static u32 on_image(struct cluster *c, const char *image)
{
	struct cluster_list *pods = cluster_list(c, KIND_Pod, "d-");
	u32 found = 0;
	for (u32 i = 0; i < pods->len; i++)
		found += pod_active(pods->at[i]) && pod_ready(pods->at[i]->doc) &&
			 str_is(doc_at_str(pods->at[i]->doc, "spec.containers.0.image"), image);
	return found;
}

static void runs_one_pod_on_every_node(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 4 });
	cluster_create(c, KIND_DaemonSet, DAEMON("d", "v1", ""));
	cluster_run(c, 5);
	struct cluster_list *pods = cluster_list(c, KIND_Pod, "d-");
	assert_int_equal(pods->len, 4);
	for (u32 i = 0; i < pods->len; i++)
		for (u32 k = 0; k < i; k++)
			assert_false(str_eq(doc_at_str(pods->at[i]->doc, "spec.nodeName"),
					    doc_at_str(pods->at[k]->doc, "spec.nodeName")));
	static const char *const counts[] = { "currentNumberScheduled", "desiredNumberScheduled",
					      "numberReady", "updatedNumberScheduled",
					      "numberAvailable" };
	for (u32 i = 0; i < ARRAY_LEN(counts); i++)
		assert_int_equal(
			doc_int_or(
				doc_get(doc_key(cluster_get(c, KIND_DaemonSet, "d")->doc, "status"),
					str_of(counts[i])),
				0),
			4);
	assert_int_equal(cluster_count(c, KIND_ControllerRevision, "d-"), 1);
	cluster_free(c);
}

static void follows_nodes_as_labels_come_and_go(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 3 });
	cluster_create(c, KIND_DaemonSet, DAEMON("d", "v1", ""));
	cluster_patch(c, KIND_DaemonSet, "d",
		      "{'spec':{'template':{'spec':{'nodeSelector':{'disk':'ssd'}}}}}");
	cluster_run(c, 5);
	assert_int_equal(cluster_active(c, "d-"), 0);
	label(c, "simulated-1", "disk", "'ssd'");
	cluster_run(c, 5);
	assert_int_equal(cluster_active(c, "d-"), 1);
	assert_true(str_is(doc_at_str(cluster_list(c, KIND_Pod, "d-")->at[0]->doc, "spec.nodeName"),
			   "simulated-1"));
	label(c, "simulated-1", "disk", "null");
	cluster_run(c, 40);
	assert_int_equal(cluster_count(c, KIND_Pod, "d-"), 0);
	assert_int_equal(cluster_int(c, KIND_DaemonSet, "d", "status.desiredNumberScheduled"), 0);
	cluster_free(c);
}

static void respects_taints_but_not_cordons(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 3 });
	cluster_patch(c, KIND_Node, "simulated-0",
		      "{'spec':{'taints':[{'key':'k','value':'v','effect':'NoSchedule'}]}}");
	cluster_patch(c, KIND_Node, "simulated-1", "{'spec':{'unschedulable':true}}");
	cluster_create(c, KIND_DaemonSet, DAEMON("d", "v1", ""));
	cluster_run(c, 5);
	assert_int_equal(cluster_running(c, "d-"), 2);
	cluster_patch(c, KIND_DaemonSet, "d",
		      "{'spec':{'template':{'spec':{'tolerations':[{'key':'k','operator':"
		      "'Exists'}]}}}}");
	cluster_run(c, 120);
	assert_int_equal(cluster_running(c, "d-"), 3);
	/* NoSchedule sends nobody away who runs already. */
	cluster_patch(c, KIND_Node, "simulated-2",
		      "{'spec':{'taints':[{'key':'x','value':'v','effect':'NoSchedule'}]}}");
	cluster_run(c, 40);
	assert_int_equal(cluster_running(c, "d-"), 3);
	assert_int_equal(cluster_int(c, KIND_DaemonSet, "d", "status.numberMisscheduled"), 1);
	cluster_patch(c, KIND_Node, "simulated-2",
		      "{'spec':{'taints':[{'key':'x','value':'v','effect':'NoExecute'}]}}");
	cluster_run(c, 40);
	assert_int_equal(cluster_count(c, KIND_Pod, "d-"), 2);
	cluster_free(c);
}

static void replaces_pods_one_by_one(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 5 });
	cluster_create(c, KIND_DaemonSet, DAEMON("d", "v1", "'minReadySeconds':2,"));
	cluster_run(c, 10);
	cluster_patch(c, KIND_DaemonSet, "d",
		      "{'spec':{'template':{'spec':{'containers':[{'name':'c','image':'v2'}]}}}}");
	for (u32 i = 0; i < 600; i++) {
		cluster_run(c, 0.2);
		if (on_image(c, "v1") + on_image(c, "v2") < 4)
			fail_msg("only %u + %u ready", on_image(c, "v1"), on_image(c, "v2"));
	}
	assert_int_equal(on_image(c, "v2"), 5);
	assert_int_equal(cluster_int(c, KIND_DaemonSet, "d", "status.updatedNumberScheduled"), 5);
	struct cluster_list *revisions = cluster_list(c, KIND_ControllerRevision, "d-");
	assert_int_equal(revisions->len, 2);
	/* Back to the first template: its revision again, with a higher number. */
	cluster_patch(c, KIND_DaemonSet, "d",
		      "{'spec':{'template':{'spec':{'containers':[{'name':'c','image':'v1'}]}}}}");
	cluster_run(c, 120);
	assert_int_equal(on_image(c, "v1"), 5);
	revisions = cluster_list(c, KIND_ControllerRevision, "d-");
	assert_int_equal(revisions->len, 2);
	assert_int_equal(doc_at_int(revisions->at[0]->doc, "revision", 0) +
				 doc_at_int(revisions->at[1]->doc, "revision", 0),
			 2 + 3);
	cluster_free(c);
}

static void surges_without_losing_a_pod(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 4 });
	cluster_create(c, KIND_DaemonSet,
		       DAEMON("d", "v1",
			      "'updateStrategy':{'rollingUpdate':{'maxSurge':2,"
			      "'maxUnavailable':0}},"));
	cluster_run(c, 10);
	cluster_patch(c, KIND_DaemonSet, "d",
		      "{'spec':{'template':{'spec':{'containers':[{'name':'c','image':'v2'}]}}}}");
	for (u32 i = 0; i < 300; i++) {
		cluster_run(c, 0.2);
		assert_true(on_image(c, "v1") + on_image(c, "v2") >= 4);
		assert_true(cluster_active(c, "d-") <= 6);
	}
	assert_int_equal(on_image(c, "v2"), 4);
	assert_int_equal(cluster_count(c, KIND_Pod, "d-"), 4);
	cluster_free(c);
}

static void waits_for_a_hand_when_told_so(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 2 });
	cluster_create(c, KIND_DaemonSet,
		       DAEMON("d", "v1", "'updateStrategy':{'type':'OnDelete'},"));
	cluster_run(c, 5);
	cluster_patch(c, KIND_DaemonSet, "d",
		      "{'spec':{'template':{'spec':{'containers':[{'name':'c','image':'v2'}]}}}}");
	cluster_run(c, 40);
	assert_int_equal(on_image(c, "v1"), 2);
	assert_int_equal(cluster_int(c, KIND_DaemonSet, "d", "status.updatedNumberScheduled"), 0);
	struct version *pod = cluster_list(c, KIND_Pod, "d-")->at[0];
	cluster_delete(c, KIND_Pod, str_c(c->arena, pod->name), PROPAGATION_DEFAULT);
	cluster_run(c, 40);
	assert_int_equal(on_image(c, "v2"), 1);
	cluster_free(c);
}

static void keeps_as_many_revisions_as_wanted(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 1 });
	cluster_create(c, KIND_DaemonSet, DAEMON("d", "v0", "'revisionHistoryLimit':2,"));
	for (u32 i = 1; i < 6; i++) {
		char json[128];
		snprintf(json, sizeof json,
			 "{'spec':{'template':{'spec':{'containers':[{'name':'c','image':'v%u'}]}}}"
			 "}",
			 i);
		cluster_patch(c, KIND_DaemonSet, "d", json);
		cluster_run(c, 60);
	}
	assert_int_equal(on_image(c, "v5"), 1);
	assert_int_equal(cluster_count(c, KIND_ControllerRevision, "d-"), 3);
	cluster_delete(c, KIND_DaemonSet, "d", PROPAGATION_BACKGROUND);
	cluster_run(c, 60);
	assert_int_equal(cluster_count(c, KIND_ControllerRevision, "d-"), 0);
	assert_int_equal(cluster_count(c, KIND_Pod, "d-"), 0);
	cluster_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_one_pod_on_every_node),
		cmocka_unit_test(follows_nodes_as_labels_come_and_go),
		cmocka_unit_test(respects_taints_but_not_cordons),
		cmocka_unit_test(replaces_pods_one_by_one),
		cmocka_unit_test(surges_without_losing_a_pod),
		cmocka_unit_test(waits_for_a_hand_when_told_so),
		cmocka_unit_test(keeps_as_many_revisions_as_wanted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
