/* Deployment: roll-outs, their limits at every instant, and what is said of them. */
#include "cluster.h"

#include "controllers/deployment.h"

#define DEPLOYMENT(name, replicas, more)                                                           \
	"{'metadata':{'name':'" name "','annotations':{'kubernetes.io/change-cause':'first'}},"    \
	"'spec':{'replicas':" replicas more                                                        \
	",'selector':{'matchLabels':{'app':'web'}},'template':" TEMPLATE("web", "web:1") "}}"

#define LIMITS(surge, unavailable)                                                                 \
	",'strategy':{'rollingUpdate':{'maxSurge':" surge ",'maxUnavailable':" unavailable "}}"

#define SET_IMAGE(image)                                                                           \
	"{'spec':{'template':{'spec':{'containers':[{'name':'c','image':'" image "'}]}}}}"

/* Fates: an image that says so never comes; all else takes a second. */
static void fate(void *self, const struct version *pod, struct fate *fate)
{
	(void)self;
	struct str image = doc_at_str(pod->doc, "spec.containers.0.image");
	fate->start_ns = NS_PER_S;
	fate->stop_ns = NS_PER_S / 2;
	fate->image_missing = str_is(image, "web:bad") || str_is(image, "other:bad");
}

static const struct simulated_config slow_nodes = { .nodes = 3, .fate = fate };

static struct cluster *start(const char *json)
{
	struct cluster *c = cluster_new((struct cluster_wish){ .config = &slow_nodes });
	cluster_create(c, KIND_Deployment, json);
	return c;
}

static struct version *set_of_revision(struct cluster *c, const char *revision)
{
	struct cluster_list *sets = cluster_list(c, KIND_ReplicaSet, "");
	for (u32 i = 0; i < sets->len; i++) {
		const struct doc *notes = doc_at(sets->at[i]->doc, "metadata.annotations");
		if (str_is(doc_str(doc_get(notes, STR("deployment.kubernetes.io/revision"))),
			   revision))
			return sets->at[i];
	}
	return NULL;
}

static i64 note_int(const struct version *object, const char *name)
{
	i64 value = -1;
	struct str text =
		doc_str(doc_get(doc_at(object->doc, "metadata.annotations"), str_of(name)));
	return str_to_i64(text, &value) ? value : -1;
}

static void rolls_out_and_says_so(void **state)
{
	(void)state;
	struct cluster *c = start(DEPLOYMENT("web", "3", ""));
	cluster_run(c, 10);
	struct version *set = set_of_revision(c, "1");
	assert_non_null(set);
	assert_int_equal(cluster_running(c, "web-"), 3);
	struct str hash = doc_at_str(set->doc, "metadata.labels.pod-template-hash");
	assert_str(set->name, str_format(c->arena, "web-" STR_FMT, STR_ARG(hash)).at);
	assert_str(doc_at_str(set->doc, "spec.selector.matchLabels.pod-template-hash"),
		   str_c(c->arena, hash));
	assert_str(doc_str(doc_get(doc_at(set->doc, "metadata.annotations"),
				   STR("kubernetes.io/change-cause"))),
		   "first");
	assert_int_equal(note_int(set, "deployment.kubernetes.io/desired-replicas"), 3);
	assert_int_equal(note_int(set, "deployment.kubernetes.io/max-replicas"), 4);
	assert_int_equal(note_int(cluster_get(c, KIND_Deployment, "web"),
				  "deployment.kubernetes.io/revision"),
			 1);
	char said[128];
	snprintf(said, sizeof said, "Scaled up replica set %s to 3 from 0",
		 str_c(c->arena, set->name));
	assert_int_equal(cluster_said(c, "ScalingReplicaSet", said), 1);
	assert_string_equal(cluster_condition(c, KIND_Deployment, "web", "Available"),
			    "True MinimumReplicasAvailable: Deployment has minimum availability.");
	snprintf(said, sizeof said,
		 "True NewReplicaSetAvailable: ReplicaSet \"%s\" has successfully progressed.",
		 str_c(c->arena, set->name));
	assert_string_equal(cluster_condition(c, KIND_Deployment, "web", "Progressing"), said);
	static const char *const counts[] = { "status.replicas", "status.updatedReplicas",
					      "status.readyReplicas", "status.availableReplicas" };
	for (u32 i = 0; i < ARRAY_LEN(counts); i++)
		assert_int_equal(cluster_int(c, KIND_Deployment, "web", counts[i]), 3);
	struct version *d = cluster_get(c, KIND_Deployment, "web");
	assert_int_equal(doc_at_int(d->doc, "status.observedGeneration", -1),
			 doc_at_int(d->doc, "metadata.generation", -2));
	cluster_free(c);
}

struct bounds {
	u32 pods_max, available_min;
};

/* Runs second by tenth of a second and holds the bounds at every one of them. */
static void run_within(struct cluster *c, double seconds, struct bounds bounds)
{
	for (double t = 0; t < seconds; t += 0.1) {
		cluster_run(c, 0.1);
		if (cluster_active(c, "web-") > bounds.pods_max)
			fail_msg("%u pods", cluster_active(c, "web-"));
		if (cluster_running(c, "web-") < bounds.available_min)
			fail_msg("%u available", cluster_running(c, "web-"));
	}
}

static void keeps_within_surge_and_unavailable(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		struct bounds bounds;
	} cases[] = {
		{ DEPLOYMENT("web", "3", LIMITS("1", "0")), { 4, 3 } },
		{ DEPLOYMENT("web", "4", LIMITS("0", "1")), { 4, 3 } },
		{ DEPLOYMENT("web", "10", LIMITS("'25%'", "'25%'")), { 13, 8 } },
		{ DEPLOYMENT("web", "10", LIMITS("'100%'", "0")), { 20, 10 } },
		{ DEPLOYMENT("web", "4", LIMITS("'1%'", "'1%'")), { 5, 3 } },
	};
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct cluster *c = start(cases[i].json);
		cluster_run(c, 10);
		cluster_patch(c, KIND_Deployment, "web", SET_IMAGE("web:2"));
		run_within(c, 40, cases[i].bounds);
		assert_int_equal(set_of_revision(c, "2") != NULL, 1);
		i64 wanted = cluster_int(c, KIND_Deployment, "web", "spec.replicas");
		assert_int_equal(cluster_int(c, KIND_Deployment, "web", "status.updatedReplicas"),
				 wanted);
		assert_int_equal(cluster_int(c, KIND_Deployment, "web", "status.availableReplicas"),
				 wanted);
		assert_int_equal(doc_at_int(set_of_revision(c, "1")->doc, "spec.replicas", -1), 0);
		cluster_free(c);
	}
}

static void a_bad_image_stops_the_roll_out_where_it_is(void **state)
{
	(void)state;
	struct cluster *c = start(
		DEPLOYMENT("web", "10", LIMITS("'25%'", "'25%'") ",'progressDeadlineSeconds':60"));
	cluster_run(c, 10);
	cluster_patch(c, KIND_Deployment, "web", SET_IMAGE("web:bad"));
	run_within(c, 50, (struct bounds){ 13, 8 });
	assert_int_equal(cluster_running(c, "web-"), 8);
	assert_int_equal(cluster_active(c, "web-"), 13);
	assert_int_equal(doc_at_int(set_of_revision(c, "2")->doc, "spec.replicas", -1), 5);
	cluster_run(c, 30);
	const char *name = str_c(c->arena, set_of_revision(c, "2")->name);
	char said[160];
	snprintf(said, sizeof said,
		 "False ProgressDeadlineExceeded: ReplicaSet \"%s\" has timed out progressing.",
		 name);
	assert_string_equal(cluster_condition(c, KIND_Deployment, "web", "Progressing"), said);
	cluster_patch(c, KIND_Deployment, "web", SET_IMAGE("web:1"));
	cluster_run(c, 30);
	assert_int_equal(cluster_running(c, "web-"), 10);
	cluster_free(c);
}

static void image_is(struct cluster *c, const char *image)
{
	struct version *web = cluster_get(c, KIND_Deployment, "web");

	assert_str(doc_at_str(web->doc, "spec.template.spec.containers.0.image"), image);
}

static void a_failed_roll_out_takes_itself_back_when_asked_to(void **state)
{
	(void)state;
	struct cluster *c = start(
		DEPLOYMENT("web", "4", LIMITS("'25%'", "'25%'") ",'progressDeadlineSeconds':60"));
	cluster_patch(c, KIND_Deployment, "web",
		      "{'metadata':{'annotations':{'minke/auto-rollback':'true'}}}");
	cluster_run(c, 10);
	cluster_patch(c, KIND_Deployment, "web", SET_IMAGE("web:2"));
	cluster_run(c, 30);
	/* One bad image after the other: neither is ever gone back to. */
	cluster_patch(c, KIND_Deployment, "web", SET_IMAGE("web:bad"));
	cluster_run(c, 30);
	cluster_patch(c, KIND_Deployment, "web", SET_IMAGE("other:bad"));
	cluster_run(c, 50);
	image_is(c, "other:bad");
	cluster_run(c, 60);
	image_is(c, "web:2");
	assert_int_equal(cluster_running(c, "web-"), 4);
	assert_int_equal(
		cluster_said(c, "DeploymentAutoRollback",
			     "Rolled back deployment \"web\" to revision 2: revision 4 made "
			     "no progress within 60 s"),
		1);
	assert_non_null(strstr(cluster_condition(c, KIND_Deployment, "web", "Progressing"),
			       "True NewReplicaSetAvailable"));
	cluster_free(c);
}

/* A revision nobody ever ran is nothing to go back to (seed 1939 of the simulator). */
static void what_had_no_pods_was_never_whole(void **state)
{
	(void)state;
	struct cluster *c = start(DEPLOYMENT("web", "0", ",'progressDeadlineSeconds':60"));
	cluster_patch(c, KIND_Deployment, "web",
		      "{'metadata':{'annotations':{'minke/auto-rollback':'true'}}}");
	cluster_patch(c, KIND_Deployment, "web", SET_IMAGE("other:bad"));
	cluster_run(c, 10);
	cluster_patch(c, KIND_Deployment, "web", "{'spec':{'replicas':2}}");
	cluster_patch(c, KIND_Deployment, "web", SET_IMAGE("web:bad"));
	cluster_run(c, 100);
	image_is(c, "web:bad");
	cluster_free(c);
}

static void without_being_asked_it_stays(void **state)
{
	(void)state;
	struct cluster *c = start(DEPLOYMENT("web", "4", ",'progressDeadlineSeconds':60"));
	cluster_run(c, 10);
	cluster_patch(c, KIND_Deployment, "web", SET_IMAGE("web:bad"));
	cluster_run(c, 200);
	image_is(c, "web:bad");
	cluster_free(c);
}

static void going_back_uses_the_earlier_set_again(void **state)
{
	(void)state;
	struct cluster *c = start(DEPLOYMENT("web", "2", ""));
	cluster_run(c, 10);
	struct version *first = set_of_revision(c, "1");
	cluster_patch(c, KIND_Deployment, "web", SET_IMAGE("web:2"));
	cluster_run(c, 20);
	cluster_patch(c, KIND_Deployment, "web", SET_IMAGE("web:1"));
	cluster_run(c, 20);
	assert_int_equal(cluster_count(c, KIND_ReplicaSet, "web-"), 2);
	struct version *third = set_of_revision(c, "3");
	assert_str(third->name, str_c(c->arena, first->name));
	assert_str(doc_str(doc_get(doc_at(third->doc, "metadata.annotations"),
				   STR("deployment.kubernetes.io/revision-history"))),
		   "1");
	assert_int_equal(doc_at_int(third->doc, "spec.replicas", 0), 2);
	assert_null(set_of_revision(c, "1"));
	cluster_free(c);
}

static void recreate_ends_all_old_pods_first(void **state)
{
	(void)state;
	struct cluster *c = start(DEPLOYMENT("web", "3", ",'strategy':{'type':'Recreate'}"));
	cluster_run(c, 10);
	struct str old = set_of_revision(c, "1")->uid;
	cluster_patch(c, KIND_Deployment, "web", SET_IMAGE("web:2"));
	for (u32 i = 0; i < 200; i++) {
		cluster_run(c, 0.1);
		struct cluster_list *pods = cluster_list(c, KIND_Pod, "web-");
		u32 of_old = 0;
		for (u32 k = 0; k < pods->len; k++)
			of_old += object_controlled_by(pods->at[k]->doc, old);
		assert_true(of_old == 0 || of_old == pods->len);
	}
	assert_int_equal(cluster_running(c, "web-"), 3);
	cluster_free(c);
}

static void paused_it_scales_but_does_not_roll(void **state)
{
	(void)state;
	struct cluster *c = start(DEPLOYMENT("web", "2", ""));
	cluster_run(c, 10);
	cluster_patch(c, KIND_Deployment, "web", "{'spec':{'paused':true}}");
	cluster_patch(c, KIND_Deployment, "web", SET_IMAGE("web:2"));
	cluster_patch(c, KIND_Deployment, "web", "{'spec':{'replicas':4}}");
	cluster_run(c, 10);
	assert_int_equal(cluster_count(c, KIND_ReplicaSet, "web-"), 1);
	assert_int_equal(cluster_running(c, "web-"), 4);
	assert_string_equal(cluster_condition(c, KIND_Deployment, "web", "Progressing"),
			    "Unknown DeploymentPaused: Deployment is paused");
	cluster_patch(c, KIND_Deployment, "web", "{'spec':{'paused':null}}");
	cluster_run(c, 20);
	assert_int_equal(doc_at_int(set_of_revision(c, "2")->doc, "status.readyReplicas", 0), 4);
	cluster_free(c);
}

static void scales_both_sets_in_proportion_while_rolling(void **state)
{
	(void)state;
	struct cluster *c = start(DEPLOYMENT("web", "10", LIMITS("3", "2")));
	cluster_run(c, 10);
	cluster_patch(c, KIND_Deployment, "web", SET_IMAGE("web:bad"));
	cluster_run(c, 10);
	assert_int_equal(doc_at_int(set_of_revision(c, "1")->doc, "spec.replicas", 0), 8);
	assert_int_equal(doc_at_int(set_of_revision(c, "2")->doc, "spec.replicas", 0), 5);
	cluster_patch(c, KIND_Deployment, "web", "{'spec':{'replicas':15}}");
	cluster_run(c, 10);
	/* Kubernetes' own example: 8 + 5 of 13 become 11 + 7 of 18. */
	assert_int_equal(doc_at_int(set_of_revision(c, "1")->doc, "spec.replicas", 0), 11);
	assert_int_equal(doc_at_int(set_of_revision(c, "2")->doc, "spec.replicas", 0), 7);
	cluster_free(c);
}

static void keeps_only_as_much_history_as_asked(void **state)
{
	(void)state;
	struct cluster *c = start(DEPLOYMENT("web", "1", ",'revisionHistoryLimit':2"));
	cluster_run(c, 10);
	static const char *const images[] = { SET_IMAGE("web:2"), SET_IMAGE("web:3"),
					      SET_IMAGE("web:4"), SET_IMAGE("web:5") };
	for (u32 i = 0; i < ARRAY_LEN(images); i++) {
		cluster_patch(c, KIND_Deployment, "web", images[i]);
		cluster_run(c, 20);
	}
	assert_int_equal(cluster_count(c, KIND_ReplicaSet, "web-"), 3);
	assert_null(set_of_revision(c, "2"));
	assert_non_null(set_of_revision(c, "3"));
	cluster_free(c);
}

static void waits_min_ready_seconds_between_steps(void **state)
{
	(void)state;
	struct cluster *c = start(DEPLOYMENT("web", "2", LIMITS("1", "0") ",'minReadySeconds':10"));
	cluster_run(c, 30);
	cluster_patch(c, KIND_Deployment, "web", SET_IMAGE("web:2"));
	cluster_run(c, 9);
	assert_int_equal(doc_at_int(set_of_revision(c, "1")->doc, "spec.replicas", 0), 2);
	cluster_run(c, 30);
	assert_int_equal(doc_at_int(set_of_revision(c, "1")->doc, "spec.replicas", -1), 0);
	cluster_free(c);
}

static void another_object_of_that_name_means_another_hash(void **state)
{
	(void)state;
	struct cluster *c = start(DEPLOYMENT("web", "1", ""));
	cluster_run(c, 5);
	const char *name = str_c(c->arena, set_of_revision(c, "1")->name);
	cluster_delete(c, KIND_Deployment, "web", PROPAGATION_BACKGROUND);
	cluster_run(c, 40);
	assert_int_equal(cluster_count(c, KIND_ReplicaSet, "web-"), 0);
	char json[512];
	snprintf(json, sizeof json,
		 "{'metadata':{'name':'%s'},'spec':{'replicas':0,'selector':{'matchLabels':{'app':"
		 "'x'}},'template':" TEMPLATE("x", "x") "}}",
		 name);
	cluster_create(c, KIND_ReplicaSet, json);
	cluster_create(c, KIND_Deployment, DEPLOYMENT("web", "1", ""));
	cluster_run(c, 10);
	assert_int_equal(cluster_running(c, "web-"), 1);
	assert_int_equal(cluster_int(c, KIND_Deployment, "web", "status.collisionCount"), 1);
	cluster_free(c);
}

static void the_hash_does_not_depend_on_the_order_of_keys(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ 0 });
	const struct doc *one = cluster_doc(c, "{'a':{'x':'1','y':'2'},'b':[1,2]}");
	const struct doc *two = cluster_doc(c, "{'b':[1,2],'a':{'y':'2','x':'1'}}");
	const struct doc *other = cluster_doc(c, "{'b':[2,1],'a':{'y':'2','x':'1'}}");
	struct str hash = template_hash(c->arena, one, NULL);
	assert_true(str_eq(hash, template_hash(c->arena, two, NULL)));
	assert_false(str_eq(hash, template_hash(c->arena, other, NULL)));
	assert_false(str_eq(hash, template_hash(c->arena, one, doc_new_int(c->arena, 1))));
	for (size_t i = 0; i < hash.len; i++)
		assert_non_null(strchr("bcdfghjklmnpqrstvwxz2456789", hash.at[i]));
	cluster_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rolls_out_and_says_so),
		cmocka_unit_test(keeps_within_surge_and_unavailable),
		cmocka_unit_test(a_bad_image_stops_the_roll_out_where_it_is),
		cmocka_unit_test(a_failed_roll_out_takes_itself_back_when_asked_to),
		cmocka_unit_test(what_had_no_pods_was_never_whole),
		cmocka_unit_test(without_being_asked_it_stays),
		cmocka_unit_test(going_back_uses_the_earlier_set_again),
		cmocka_unit_test(recreate_ends_all_old_pods_first),
		cmocka_unit_test(paused_it_scales_but_does_not_roll),
		cmocka_unit_test(scales_both_sets_in_proportion_while_rolling),
		cmocka_unit_test(keeps_only_as_much_history_as_asked),
		cmocka_unit_test(waits_min_ready_seconds_between_steps),
		cmocka_unit_test(another_object_of_that_name_means_another_hash),
		cmocka_unit_test(the_hash_does_not_depend_on_the_order_of_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
