/* Claims and volumes find each other; local-path makes what is missing; nothing goes while in use.
 */
#include "cluster.h"

#define VOLUME(name, size, more)                                                                   \
	"{'metadata':{'name':'" name "','labels':{'disk':'" name "'}},'spec':{'capacity':"         \
	"{'storage':'" size "'},'accessModes':['ReadWriteOnce'],'hostPath':{'path':'/d/" name      \
	"'}" more "}}"
#define CLAIM(name, size, more)                                                                    \
	"{'metadata':{'name':'" name "'},'spec':{'accessModes':['ReadWriteOnce'],'resources':"     \
	"{'requests':{'storage':'" size "'}}" more "}}"
#define NO_CLASS ",'storageClassName':''"
#define POD_WITH(name, claim)                                                                      \
	"{'metadata':{'name':'" name "'},'spec':{'nodeName':'simulated-0','containers':"           \
	"[{'name':'c','image':'i','volumeMounts':[{'name':'v','mountPath':'/v'}]}],'volumes':"     \
	"[{'name':'v','persistentVolumeClaim':{'claimName':'" claim "'}}]}}"

static const struct cluster_wish by_hand = { .no_scheduler = true };
static const struct cluster_wish one_node = { .no_scheduler = true, .nodes = 1 };

static struct str text(struct cluster *c, kind_id kind, const char *name, const char *path)
{
	struct version *v = cluster_get(c, kind, name);

	return v ? doc_at_str(v->doc, path) : STR("gone");
}

#define assert_text(c, kind, name, path, want) assert_str(text(c, kind, name, path), want)

static struct str volume_of(struct cluster *c, const char *claim)
{
	return text(c, KIND_PersistentVolumeClaim, claim, "spec.volumeName");
}

static void the_smallest_volume_that_fits_is_taken(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_PersistentVolume, VOLUME("big", "10Gi", ""));
	cluster_create(c, KIND_PersistentVolume, VOLUME("fit", "2Gi", ""));
	cluster_create(c, KIND_PersistentVolume, VOLUME("small", "500Mi", ""));
	cluster_run(c, 1);
	assert_text(c, KIND_PersistentVolume, "fit", "status.phase", "Available");
	cluster_create(c, KIND_PersistentVolumeClaim, CLAIM("a", "1Gi", NO_CLASS));
	cluster_run(c, 1);
	assert_str(volume_of(c, "a"), "fit");
	assert_text(c, KIND_PersistentVolumeClaim, "a", "status.phase", "Bound");
	assert_text(c, KIND_PersistentVolumeClaim, "a", "status.capacity.storage", "2Gi");
	assert_text(c, KIND_PersistentVolumeClaim, "a", "status.accessModes.0", "ReadWriteOnce");
	assert_text(c, KIND_PersistentVolume, "fit", "status.phase", "Bound");
	assert_text(c, KIND_PersistentVolume, "fit", "spec.claimRef.name", "a");
	const struct doc *notes = doc_at(cluster_get(c, KIND_PersistentVolumeClaim, "a")->doc,
					 "metadata.annotations");
	assert_str(doc_str(doc_key(notes, "pv.kubernetes.io/bind-completed")), "yes");
	assert_str(doc_str(doc_key(notes, "pv.kubernetes.io/bound-by-controller")), "yes");
	cluster_free(c);
}

static void class_mode_and_labels_must_agree(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_PersistentVolume, VOLUME("x", "1Gi", ",'storageClassName':'fast'"));
	cluster_create(c, KIND_PersistentVolume, VOLUME("y", "2Gi", ",'volumeMode':'Block'"));
	cluster_create(c, KIND_PersistentVolume, VOLUME("z", "3Gi", ""));
	cluster_run(c, 1);
	cluster_create(c, KIND_PersistentVolumeClaim,
		       CLAIM("a", "1Gi", NO_CLASS ",'selector':{'matchLabels':{'disk':'q'}}"));
	cluster_create(c, KIND_PersistentVolumeClaim, CLAIM("b", "1Gi", NO_CLASS));
	cluster_create(c, KIND_PersistentVolumeClaim,
		       CLAIM("d", "1Gi", NO_CLASS ",'volumeMode':'Block'"));
	cluster_create(c, KIND_PersistentVolumeClaim,
		       CLAIM("e", "1Gi", ",'storageClassName':'fast'"));
	cluster_run(c, 1);
	assert_str(volume_of(c, "a"), "");
	assert_str(volume_of(c, "b"), "z");
	assert_str(volume_of(c, "d"), "y");
	assert_str(volume_of(c, "e"), "x");
	assert_true(cluster_said(c, "FailedBinding",
				 "no persistent volumes available for this claim and no storage "
				 "class is set"));
	/* A volume that comes later is found. */
	cluster_create(c, KIND_PersistentVolume, VOLUME("q", "1Gi", ""));
	cluster_run(c, 1);
	assert_str(volume_of(c, "a"), "q");
	cluster_free(c);
}

static void what_is_kept_for_a_claim_waits_for_it(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_PersistentVolume,
		       VOLUME("kept", "5Gi", ",'claimRef':{'namespace':'default','name':'mine'}"));
	cluster_create(c, KIND_PersistentVolume, VOLUME("free", "1Gi", ""));
	cluster_run(c, 1);
	cluster_create(c, KIND_PersistentVolumeClaim, CLAIM("mine", "1Gi", NO_CLASS));
	cluster_create(c, KIND_PersistentVolumeClaim,
		       CLAIM("named", "1Gi", NO_CLASS ",'volumeName':'free'"));
	cluster_create(c, KIND_PersistentVolumeClaim,
		       CLAIM("late", "1Gi", NO_CLASS ",'volumeName':'kept'"));
	cluster_run(c, 1);
	assert_str(volume_of(c, "mine"), "kept");
	assert_text(c, KIND_PersistentVolumeClaim, "named", "status.phase", "Bound");
	assert_text(c, KIND_PersistentVolumeClaim, "late", "status.phase", "Pending");
	assert_true(cluster_said(c, "FailedBinding",
				 "volume \"kept\" already bound to a different claim."));
	cluster_free(c);
}

static void a_volume_outlives_its_claim(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_PersistentVolume, VOLUME("keep", "1Gi", ""));
	cluster_create(c, KIND_PersistentVolume,
		       VOLUME("wipe", "2Gi", ",'persistentVolumeReclaimPolicy':'Recycle'"));
	cluster_run(c, 1);
	cluster_create(c, KIND_PersistentVolumeClaim, CLAIM("a", "1Gi", NO_CLASS));
	cluster_create(c, KIND_PersistentVolumeClaim, CLAIM("b", "2Gi", NO_CLASS));
	cluster_run(c, 1);
	cluster_delete(c, KIND_PersistentVolumeClaim, "a", PROPAGATION_DEFAULT);
	cluster_delete(c, KIND_PersistentVolumeClaim, "b", PROPAGATION_DEFAULT);
	cluster_run(c, 1);
	assert_null(cluster_get(c, KIND_PersistentVolumeClaim, "a"));
	assert_text(c, KIND_PersistentVolume, "keep", "status.phase", "Released");
	assert_text(c, KIND_PersistentVolume, "wipe", "status.phase", "Failed");
	assert_true(
		cluster_said(c, "VolumeFailedRecycle", "No recycler plugin found for the volume!"));
	/* A claim of the same name is another claim. */
	cluster_create(c, KIND_PersistentVolumeClaim, CLAIM("a", "1Gi", NO_CLASS));
	cluster_run(c, 1);
	assert_text(c, KIND_PersistentVolumeClaim, "a", "status.phase", "Pending");
	cluster_patch(c, KIND_PersistentVolume, "keep", "{'spec':{'claimRef':null}}");
	cluster_run(c, 1);
	assert_str(volume_of(c, "a"), "keep");
	cluster_free(c);
}

static void a_claim_that_lost_its_volume_says_so(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_PersistentVolume, VOLUME("v", "1Gi", ""));
	cluster_run(c, 1);
	cluster_create(c, KIND_PersistentVolumeClaim, CLAIM("a", "1Gi", NO_CLASS));
	cluster_run(c, 1);
	cluster_delete(c, KIND_PersistentVolume, "v", PROPAGATION_DEFAULT);
	cluster_run(c, 1);
	/* It is in use: it only says that it wants to go. */
	assert_non_null(cluster_get(c, KIND_PersistentVolume, "v"));
	cluster_patch(c, KIND_PersistentVolume, "v", "{'metadata':{'finalizers':null}}");
	cluster_run(c, 1);
	assert_null(cluster_get(c, KIND_PersistentVolume, "v"));
	assert_text(c, KIND_PersistentVolumeClaim, "a", "status.phase", "Lost");
	assert_true(cluster_said(c, "ClaimLost",
				 "Bound claim has lost its PersistentVolume. Data on the volume "
				 "is lost!"));
	cluster_free(c);
}

static void local_path_waits_for_the_first_pod(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(one_node);
	cluster_create(c, KIND_PersistentVolumeClaim, CLAIM("a", "1Gi", ""));
	cluster_run(c, 1);
	assert_text(c, KIND_PersistentVolumeClaim, "a", "spec.storageClassName", "local-path");
	assert_text(c, KIND_PersistentVolumeClaim, "a", "status.phase", "Pending");
	assert_true(cluster_said(c, "WaitForFirstConsumer",
				 "waiting for first consumer to be created before binding"));
	cluster_create(c, KIND_Pod, POD_WITH("p", "a"));
	cluster_run(c, 2);
	assert_text(c, KIND_PersistentVolumeClaim, "a", "status.phase", "Bound");
	assert_text(c, KIND_Pod, "p", "status.phase", "Running");
	struct version *claim = cluster_get(c, KIND_PersistentVolumeClaim, "a");
	struct str name = volume_of(c, "a");
	assert_str(name, str_format(c->arena, "pvc-" STR_FMT, STR_ARG(claim->uid)).at);
	struct version *volume = cluster_get(c, KIND_PersistentVolume, str_c(c->arena, name));
	assert_str(
		doc_at_str(volume->doc, "spec.hostPath.path"),
		str_format(c->arena, "/var/lib/minke/volumes/" STR_FMT "_default_a", STR_ARG(name))
			.at);
	assert_str(doc_at_str(volume->doc, "spec.persistentVolumeReclaimPolicy"), "Delete");
	assert_str(doc_at_str(volume->doc, "spec.nodeAffinity.required.nodeSelectorTerms.0."
					   "matchExpressions.0.values.0"),
		   "simulated-0");
	assert_true(cluster_said(
		c, "ProvisioningSucceeded",
		str_format(c->arena, "Successfully provisioned volume " STR_FMT, STR_ARG(name))
			.at));
	cluster_free(c);
}

/* As when the disk was full just then. minke-sim 5406 */
static void local_path_makes_a_volume_again_that_was_lost_unbound(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	struct error error = ERROR_INIT;
	struct version *tombstone = NULL;
	cluster_create(c, KIND_Node, "{'metadata':{'name':'n'}}");
	cluster_create(c, KIND_PersistentVolumeClaim, CLAIM("a", "1Gi", ""));
	cluster_run(c, 1);
	cluster_patch(c, KIND_PersistentVolumeClaim, "a",
		      "{'metadata':{'annotations':{'volume.kubernetes.io/selected-node':'n'}}}");
	struct version *claim = cluster_get(c, KIND_PersistentVolumeClaim, "a");
	const char *name = str_format(c->arena, "pvc-" STR_FMT, STR_ARG(claim->uid)).at;
	for (u32 i = 0; i < 20 && !cluster_get(c, KIND_PersistentVolume, name); i++)
		runner_step(c->runner, 1);
	assert_str(volume_of(c, "a"), "");
	assert_int_equal(store_remove(c->store, KIND_PersistentVolume, STR_NONE, str_of(name), NULL,
				      &tombstone, &error),
			 ST_OK);
	cluster_run(c, 2);
	assert_text(c, KIND_PersistentVolumeClaim, "a", "status.phase", "Bound");
	assert_str(volume_of(c, "a"), name);
	cluster_free(c);
}

static void local_path_goes_with_its_claim_and_the_claim_after_its_pods(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(one_node);
	cluster_create(c, KIND_PersistentVolumeClaim, CLAIM("a", "1Gi", ""));
	cluster_create(c, KIND_Pod, POD_WITH("p", "a"));
	cluster_run(c, 2);
	const char *name = str_c(c->arena, volume_of(c, "a"));
	cluster_delete(c, KIND_PersistentVolumeClaim, "a", PROPAGATION_DEFAULT);
	cluster_run(c, 2);
	assert_true(object_deleting(cluster_get(c, KIND_PersistentVolumeClaim, "a")->doc));
	assert_text(c, KIND_PersistentVolume, name, "status.phase", "Bound");
	cluster_delete(c, KIND_Pod, "p", PROPAGATION_DEFAULT);
	cluster_run(c, 5);
	assert_null(cluster_get(c, KIND_PersistentVolumeClaim, "a"));
	assert_null(cluster_get(c, KIND_PersistentVolume, name));
	cluster_free(c);
}

static void local_path_refuses_what_a_directory_cannot_be(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(one_node);
	cluster_create(c, KIND_PersistentVolumeClaim,
		       "{'metadata':{'name':'many','annotations':{"
		       "'volume.kubernetes.io/selected-node':'simulated-0'}},'spec':{'accessModes':"
		       "['ReadWriteMany'],'resources':{'requests':{'storage':'1Gi'}}}}");
	cluster_run(c, 1);
	assert_text(c, KIND_PersistentVolumeClaim, "many", "status.phase", "Pending");
	assert_true(cluster_said(c, "ProvisioningFailed",
				 "failed to provision volume with StorageClass \"local-path\": "
				 "NodePath only supports ReadWriteOnce and ReadWriteOncePod "
				 "(1.22+) access modes"));
	cluster_create(c, KIND_PersistentVolumeClaim,
		       CLAIM("nowhere", "1Gi", ",'storageClassName':'no-such-class'"));
	cluster_run(c, 1);
	assert_true(cluster_said(c, "ProvisioningFailed",
				 "storageclass.storage.k8s.io \"no-such-class\" not found"));
	cluster_free(c);
}

static void a_local_claim_can_grow(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(one_node);
	cluster_create(c, KIND_PersistentVolumeClaim, CLAIM("a", "1Gi", ""));
	cluster_create(c, KIND_Pod, POD_WITH("p", "a"));
	cluster_run(c, 2);
	cluster_patch(c, KIND_PersistentVolumeClaim, "a",
		      "{'spec':{'resources':{'requests':{'storage':'3Gi'}}}}");
	cluster_run(c, 1);
	assert_text(c, KIND_PersistentVolumeClaim, "a", "status.capacity.storage", "3Gi");
	assert_text(c, KIND_PersistentVolume, str_c(c->arena, volume_of(c, "a")),
		    "spec.capacity.storage", "3Gi");
	cluster_free(c);
}

static void a_default_class_may_come_late(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(one_node);
	cluster_patch(c, KIND_StorageClass, "local-path", "{'metadata':{'annotations':null}}");
	cluster_create(c, KIND_PersistentVolumeClaim, CLAIM("a", "1Gi", ""));
	cluster_run(c, 1);
	assert_text(c, KIND_PersistentVolumeClaim, "a", "spec.storageClassName", "");
	cluster_create(c, KIND_StorageClass,
		       "{'metadata':{'name':'now','annotations':{"
		       "'storageclass.kubernetes.io/is-default-class':'true'}},'provisioner':"
		       "'rancher.io/local-path','volumeBindingMode':'Immediate'}");
	cluster_run(c, 1);
	assert_text(c, KIND_PersistentVolumeClaim, "a", "spec.storageClassName", "now");
	assert_text(c, KIND_PersistentVolumeClaim, "a", "status.phase", "Bound");
	cluster_free(c);
}

static void a_pods_own_claim_comes_and_goes_with_it(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(one_node);
	cluster_create(c, KIND_Pod,
		       "{'metadata':{'name':'p'},'spec':{'nodeName':'simulated-0','containers':"
		       "[{'name':'c','image':'i'}],'volumes':[{'name':'tmp','ephemeral':"
		       "{'volumeClaimTemplate':{'metadata':{'labels':{'x':'y'}},'spec':"
		       "{'accessModes':['ReadWriteOnce'],'resources':{'requests':{'storage':"
		       "'1Gi'}}}}}}]}}");
	cluster_run(c, 3);
	assert_text(c, KIND_PersistentVolumeClaim, "p-tmp", "status.phase", "Bound");
	assert_text(c, KIND_PersistentVolumeClaim, "p-tmp", "metadata.ownerReferences.0.name", "p");
	assert_text(c, KIND_PersistentVolumeClaim, "p-tmp", "metadata.labels.x", "y");
	assert_text(c, KIND_Pod, "p", "status.phase", "Running");
	cluster_delete(c, KIND_Pod, "p", PROPAGATION_DEFAULT);
	cluster_run(c, 10);
	assert_null(cluster_get(c, KIND_PersistentVolumeClaim, "p-tmp"));
	assert_int_equal(cluster_count(c, KIND_PersistentVolume, ""), 0);
	cluster_free(c);
}

static void data_of_a_node_that_is_gone_holds_nothing_up(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(one_node);
	cluster_create(c, KIND_PersistentVolumeClaim, CLAIM("a", "1Gi", ""));
	cluster_create(c, KIND_Pod, POD_WITH("p", "a"));
	cluster_run(c, 2);
	cluster_delete(c, KIND_Pod, "p", PROPAGATION_DEFAULT);
	cluster_run(c, 2);
	simulated_kill(c->nodes, 0);
	cluster_delete(c, KIND_PersistentVolumeClaim, "a", PROPAGATION_DEFAULT);
	cluster_run(c, 2);
	assert_int_equal(cluster_count(c, KIND_PersistentVolume, ""), 1);
	cluster_delete(c, KIND_Node, "simulated-0", PROPAGATION_DEFAULT);
	cluster_run(c, 2);
	assert_int_equal(cluster_count(c, KIND_PersistentVolume, ""), 0);
	cluster_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_smallest_volume_that_fits_is_taken),
		cmocka_unit_test(class_mode_and_labels_must_agree),
		cmocka_unit_test(what_is_kept_for_a_claim_waits_for_it),
		cmocka_unit_test(a_volume_outlives_its_claim),
		cmocka_unit_test(a_claim_that_lost_its_volume_says_so),
		cmocka_unit_test(local_path_waits_for_the_first_pod),
		cmocka_unit_test(local_path_makes_a_volume_again_that_was_lost_unbound),
		cmocka_unit_test(local_path_goes_with_its_claim_and_the_claim_after_its_pods),
		cmocka_unit_test(local_path_refuses_what_a_directory_cannot_be),
		cmocka_unit_test(a_local_claim_can_grow),
		cmocka_unit_test(a_default_class_may_come_late),
		cmocka_unit_test(a_pods_own_claim_comes_and_goes_with_it),
		cmocka_unit_test(data_of_a_node_that_is_gone_holds_nothing_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
