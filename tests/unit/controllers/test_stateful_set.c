/* StatefulSet against the real store, scheduler and simulated nodes. */
#include "cluster.h"

#define SET(name, replicas, spec)                                                                  \
	"{'metadata':{'name':'" name "'},'spec':{'replicas':" replicas ",'serviceName':'db'," spec \
	"'selector':{'matchLabels':{'app':'db'}},'template':" TEMPLATE("db", "v1") "}}"

#define CLAIMS                                                                                     \
	"'volumeClaimTemplates':[{'metadata':{'name':'data'},'spec':{'accessModes':"               \
	"['ReadWriteOnce'],'resources':{'requests':{'storage':'1Gi'}}}}],"

static const char image_v2[] =
	"{'spec':{'template':{'spec':{'containers':[{'name':'c','image':'v2'}]}}}}";

static const struct cluster_wish by_hand = { .no_scheduler = true };

static struct str image(struct cluster *c, const char *pod)
{
	struct version *v = cluster_get(c, KIND_Pod, pod);
	return v ? doc_at_str(v->doc, "spec.containers.0.image") : STR("none");
}

/* Images that begin with "bad" never start. */
static void bad_images(void *self, const struct version *pod, struct fate *fate)
{
	(void)self;
	fate->image_missing =
		str_starts(doc_at_str(pod->doc, "spec.containers.0.image"), STR("bad"));
}

static void starts_in_order_and_stops_in_reverse(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_StatefulSet, SET("db", "3", ""));
	cluster_run(c, 2);
	assert_int_equal(cluster_count(c, KIND_Pod, "db-"), 1);
	struct version *pod = cluster_get(c, KIND_Pod, "db-0");
	assert_true(str_is(doc_at_str(pod->doc, "spec.hostname"), "db-0"));
	assert_true(str_is(doc_at_str(pod->doc, "spec.subdomain"), "db"));
	const struct doc *labels = doc_at(pod->doc, "metadata.labels");
	assert_true(str_is(doc_str(doc_key(labels, "statefulset.kubernetes.io/pod-name")), "db-0"));
	assert_true(str_is(doc_str(doc_key(labels, "apps.kubernetes.io/pod-index")), "0"));
	assert_true(str_eq(
		doc_str(doc_key(labels, "controller-revision-hash")),
		doc_at_str(cluster_get(c, KIND_StatefulSet, "db")->doc, "status.updateRevision")));
	cluster_pod_ready(c, "db-0", true);
	cluster_run(c, 1);
	assert_int_equal(cluster_count(c, KIND_Pod, "db-"), 2);
	cluster_pod_ready(c, "db-1", true);
	cluster_run(c, 1);
	cluster_pod_ready(c, "db-2", true);
	cluster_run(c, 1);
	assert_int_equal(cluster_int(c, KIND_StatefulSet, "db", "status.readyReplicas"), 3);
	assert_int_equal(
		cluster_said(c, "SuccessfulCreate", "create Pod db-0 in StatefulSet db successful"),
		1);
	cluster_patch(c, KIND_StatefulSet, "db", "{'spec':{'replicas':1}}");
	cluster_run(c, 5);
	assert_non_null(cluster_get(c, KIND_Pod, "db-0"));
	assert_null(cluster_get(c, KIND_Pod, "db-1"));
	assert_null(cluster_get(c, KIND_Pod, "db-2"));
	cluster_free(c);
}

static void starts_all_at_once_when_parallel(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_StatefulSet,
		       SET("db", "3", "'podManagementPolicy':'Parallel','ordinals':{'start':5},"));
	cluster_run(c, 1);
	assert_int_equal(cluster_count(c, KIND_Pod, "db-"), 3);
	assert_non_null(cluster_get(c, KIND_Pod, "db-5"));
	assert_non_null(cluster_get(c, KIND_Pod, "db-7"));
	cluster_free(c);
}

static void makes_a_claim_for_every_pod_and_keeps_it(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_StatefulSet, SET("db", "1", CLAIMS));
	cluster_run(c, 1);
	struct version *claim = cluster_get(c, KIND_PersistentVolumeClaim, "data-db-0");
	assert_non_null(claim);
	assert_true(str_is(doc_at_str(claim->doc, "metadata.labels.app"), "db"));
	assert_true(str_is(doc_at_str(cluster_get(c, KIND_Pod, "db-0")->doc,
				      "spec.volumes.0.persistentVolumeClaim.claimName"),
			   "data-db-0"));
	cluster_delete(c, KIND_Pod, "db-0", PROPAGATION_DEFAULT);
	cluster_run(c, 5);
	assert_non_null(cluster_get(c, KIND_Pod, "db-0"));
	cluster_patch(c, KIND_StatefulSet, "db", "{'spec':{'replicas':0}}");
	cluster_run(c, 5);
	assert_null(cluster_get(c, KIND_Pod, "db-0"));
	assert_true(
		str_eq(cluster_get(c, KIND_PersistentVolumeClaim, "data-db-0")->uid, claim->uid));
	cluster_free(c);
}

static void lets_claims_go_when_told_so(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .no_scheduler = true });
	cluster_create(c, KIND_StatefulSet,
		       SET("db", "2",
			   "'persistentVolumeClaimRetentionPolicy':{'whenScaled':'Delete',"
			   "'whenDeleted':'Delete'},'podManagementPolicy':'Parallel'," CLAIMS));
	cluster_run(c, 2);
	cluster_pod_ready(c, "db-0", true);
	cluster_pod_ready(c, "db-1", true);
	cluster_run(c, 2);
	assert_int_equal(cluster_count(c, KIND_PersistentVolumeClaim, "data-"), 2);
	cluster_patch(c, KIND_StatefulSet, "db", "{'spec':{'replicas':1}}");
	cluster_run(c, 40);
	assert_null(cluster_get(c, KIND_Pod, "db-1"));
	struct version *left = cluster_get(c, KIND_PersistentVolumeClaim, "data-db-1");
	assert_true(!left || object_deleting(left->doc));
	left = cluster_get(c, KIND_PersistentVolumeClaim, "data-db-0");
	assert_false(object_deleting(left->doc));
	cluster_delete(c, KIND_StatefulSet, "db", PROPAGATION_BACKGROUND);
	cluster_run(c, 60);
	left = cluster_get(c, KIND_PersistentVolumeClaim, "data-db-0");
	assert_true(!left || object_deleting(left->doc));
	cluster_free(c);
}

static void waits_until_the_claim_before_has_gone(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 1 });
	cluster_create(
		c, KIND_StatefulSet,
		SET("db", "1",
		    "'persistentVolumeClaimRetentionPolicy':{'whenScaled':'Delete'}," CLAIMS));
	cluster_run(c, 5);
	assert_int_equal(cluster_running(c, "db-0"), 1);
	struct str uid = cluster_get(c, KIND_PersistentVolumeClaim, "data-db-0")->uid;
	cluster_patch(c, KIND_PersistentVolumeClaim, "data-db-0",
		      "{'metadata':{'finalizers':['kubernetes.io/pvc-protection','test/held']}}");
	cluster_patch(c, KIND_StatefulSet, "db", "{'spec':{'replicas':0}}");
	cluster_run(c, 10);
	cluster_patch(c, KIND_StatefulSet, "db", "{'spec':{'replicas':1}}");
	cluster_run(c, 10);
	/* Held by somebody, it is still there; a pod would never start with it. */
	assert_true(object_deleting(cluster_get(c, KIND_PersistentVolumeClaim, "data-db-0")->doc));
	assert_null(cluster_get(c, KIND_Pod, "db-0"));
	cluster_patch(c, KIND_PersistentVolumeClaim, "data-db-0",
		      "{'metadata':{'finalizers':null}}");
	cluster_run(c, 10);
	assert_int_equal(cluster_running(c, "db-0"), 1);
	assert_false(str_eq(uid, cluster_get(c, KIND_PersistentVolumeClaim, "data-db-0")->uid));
	cluster_free(c);
}

static void rolls_from_the_highest_ordinal_down(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_StatefulSet, SET("db", "3", "'podManagementPolicy':'Parallel',"));
	cluster_run(c, 1);
	for (u32 i = 0; i < 3; i++)
		cluster_pod_ready(c, str_format(c->arena, "db-%u", i).at, true);
	cluster_run(c, 1);
	struct str first =
		doc_at_str(cluster_get(c, KIND_StatefulSet, "db")->doc, "status.currentRevision");
	cluster_patch(c, KIND_StatefulSet, "db", image_v2);
	cluster_run(c, 2);
	assert_true(str_is(image(c, "db-2"), "v2"));
	assert_true(str_is(image(c, "db-1"), "v1"));
	struct version *set = cluster_get(c, KIND_StatefulSet, "db");
	assert_true(str_eq(doc_at_str(set->doc, "status.currentRevision"), first));
	assert_false(str_eq(doc_at_str(set->doc, "status.updateRevision"), first));
	assert_int_equal(doc_at_int(set->doc, "status.updatedReplicas", 0), 1);
	cluster_pod_ready(c, "db-2", true);
	cluster_run(c, 2);
	assert_true(str_is(image(c, "db-1"), "v2"));
	assert_true(str_is(image(c, "db-0"), "v1"));
	cluster_pod_ready(c, "db-1", true);
	cluster_run(c, 2);
	cluster_pod_ready(c, "db-0", true);
	cluster_run(c, 2);
	set = cluster_get(c, KIND_StatefulSet, "db");
	assert_true(str_eq(doc_at_str(set->doc, "status.currentRevision"),
			   doc_at_str(set->doc, "status.updateRevision")));
	assert_int_equal(doc_at_int(set->doc, "status.currentReplicas", 0), 3);
	assert_int_equal(cluster_count(c, KIND_ControllerRevision, "db-"), 2);
	cluster_free(c);
}

static void rolls_only_above_its_partition(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 2 });
	cluster_create(c, KIND_StatefulSet,
		       SET("db", "4",
			   "'updateStrategy':{'type':'RollingUpdate','rollingUpdate':{"
			   "'partition':2}},"));
	cluster_run(c, 20);
	assert_int_equal(cluster_running(c, "db-"), 4);
	cluster_patch(c, KIND_StatefulSet, "db", image_v2);
	cluster_run(c, 120);
	assert_true(str_is(image(c, "db-3"), "v2") && str_is(image(c, "db-2"), "v2"));
	assert_true(str_is(image(c, "db-1"), "v1") && str_is(image(c, "db-0"), "v1"));
	/* A pod below the partition comes back as it was. */
	cluster_delete(c, KIND_Pod, "db-1", PROPAGATION_DEFAULT);
	cluster_run(c, 60);
	assert_true(str_is(image(c, "db-1"), "v1"));
	cluster_free(c);
}

static void mends_itself_after_a_bad_template(void **state)
{
	(void)state;
	struct simulated_config config = { .nodes = 2, .fate = bad_images };
	struct cluster *c = cluster_new((struct cluster_wish){ .config = &config });
	cluster_create(c, KIND_StatefulSet, SET("db", "3", ""));
	cluster_run(c, 20);
	cluster_patch(c, KIND_StatefulSet, "db",
		      "{'spec':{'template':{'spec':{'containers':[{'name':'c','image':'bad'}]}}}}");
	cluster_run(c, 100);
	assert_true(str_is(image(c, "db-2"), "bad"));
	assert_true(str_is(image(c, "db-1"), "v1"));
	cluster_patch(c, KIND_StatefulSet, "db", image_v2);
	cluster_run(c, 200);
	assert_int_equal(cluster_running(c, "db-"), 3);
	assert_true(str_is(image(c, "db-2"), "v2") && str_is(image(c, "db-0"), "v2"));
	cluster_free(c);
}

static void replaces_several_at_once_when_allowed(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_StatefulSet,
		       SET("db", "4",
			   "'podManagementPolicy':'Parallel','updateStrategy':{'rollingUpdate':{"
			   "'maxUnavailable':2}},"));
	cluster_run(c, 1);
	for (u32 i = 0; i < 4; i++)
		cluster_pod_ready(c, str_format(c->arena, "db-%u", i).at, true);
	cluster_patch(c, KIND_StatefulSet, "db", image_v2);
	cluster_run(c, 2);
	assert_true(str_is(image(c, "db-3"), "v2") && str_is(image(c, "db-2"), "v2"));
	assert_true(str_is(image(c, "db-1"), "v1") && str_is(image(c, "db-0"), "v1"));
	cluster_free(c);
}

static void waits_for_a_hand_when_told_so(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 1 });
	cluster_create(c, KIND_StatefulSet,
		       SET("db", "2", "'updateStrategy':{'type':'OnDelete'},"));
	cluster_run(c, 20);
	cluster_patch(c, KIND_StatefulSet, "db", image_v2);
	cluster_run(c, 60);
	assert_true(str_is(image(c, "db-0"), "v1") && str_is(image(c, "db-1"), "v1"));
	cluster_delete(c, KIND_Pod, "db-0", PROPAGATION_DEFAULT);
	cluster_run(c, 60);
	assert_true(str_is(image(c, "db-0"), "v2") && str_is(image(c, "db-1"), "v1"));
	cluster_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_in_order_and_stops_in_reverse),
		cmocka_unit_test(starts_all_at_once_when_parallel),
		cmocka_unit_test(makes_a_claim_for_every_pod_and_keeps_it),
		cmocka_unit_test(lets_claims_go_when_told_so),
		cmocka_unit_test(waits_until_the_claim_before_has_gone),
		cmocka_unit_test(rolls_from_the_highest_ordinal_down),
		cmocka_unit_test(rolls_only_above_its_partition),
		cmocka_unit_test(mends_itself_after_a_bad_template),
		cmocka_unit_test(replaces_several_at_once_when_allowed),
		cmocka_unit_test(waits_for_a_hand_when_told_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
