/* Job against the real store and verbs; the test itself plays the node where pods must fail. */
#include "cluster.h"
#include "controllers/index_set.h"

#define JOB(name, spec)                                                                            \
	"{'metadata':{'name':'" name "'},'spec':{" spec                                            \
	"'template':{'spec':{'restartPolicy':'Never','containers':[{'name':'c',"                   \
	"'image':'busybox'}]}}}}"

static const struct cluster_wish by_hand = { .no_scheduler = true };

static struct cluster *with_nodes(void)
{
	static const struct simulated_config config = { .nodes = 2, .job_ns = 3 * NS_PER_S };
	return cluster_new((struct cluster_wish){ .config = &config });
}

/* Ends a pod as a node would say it. */
static void end_pod(struct cluster *c, struct version *pod, int code)
{
	char json[512];
	struct str now = timestamp_print(c->arena, c->now_ns);
	snprintf(json, sizeof json,
		 "{'status':{'phase':'%s','containerStatuses':[{'name':'c','image':'i',"
		 "'imageID':'','ready':false,'restartCount':0,'state':{'terminated':{'exitCode':%d,"
		 "'finishedAt':'%s'}}}]}}",
		 code ? "Failed" : "Succeeded", code, now.at);
	cluster_patch_sub(c, KIND_Pod, str_c(c->arena, pod->name), "status", json);
}

/* Ends every pod that is active; how many there were. */
static u32 end_active(struct cluster *c, const char *prefix, int code)
{
	struct cluster_list *list = cluster_list(c, KIND_Pod, prefix);
	u32 ended = 0;
	for (u32 i = 0; i < list->len; i++) {
		if (!pod_active(list->at[i]))
			continue;
		end_pod(c, list->at[i], code);
		ended++;
	}
	return ended;
}

static void no_finalizer_is_left(struct cluster *c)
{
	struct cluster_list *list = cluster_list(c, KIND_Pod, "");
	for (u32 i = 0; i < list->len; i++)
		assert_null(doc_at(list->at[i]->doc, "metadata.finalizers"));
}

static void prints_indexes_as_ranges(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	struct index_set set = index_set_parse(arena, STR("1,3-4,7-9,200"), 100);
	assert_string_equal(index_set_print(arena, &set).at, "1,3,4,7-9");
	index_set_add(arena, &set, 2);
	index_set_add(arena, &set, 0);
	index_set_add(arena, &set, 6);
	index_set_add(arena, &set, 12);
	assert_string_equal(index_set_print(arena, &set).at, "0-4,6-9,12");
	assert_int_equal(index_set_total(&set), 10);
	assert_true(index_set_has(&set, 8) && !index_set_has(&set, 5));
	struct index_set other = index_set_parse(arena, STR("4-7,12-20"), 100);
	assert_int_equal(index_set_common(&set, &other), 4);
	arena_free(arena);
}

static void runs_to_its_completions(void **state)
{
	(void)state;
	struct cluster *c = with_nodes();
	cluster_create(c, KIND_Job, JOB("pi", "'completions':5,'parallelism':2,"));
	cluster_run(c, 1);
	assert_int_equal(cluster_int(c, KIND_Job, "pi", "status.active"), 2);
	assert_int_equal(cluster_int(c, KIND_Job, "pi", "status.ready"), 2);
	cluster_run(c, 30);
	assert_int_equal(cluster_count(c, KIND_Pod, "pi-"), 5);
	assert_int_equal(cluster_int(c, KIND_Job, "pi", "status.succeeded"), 5);
	assert_int_equal(cluster_int(c, KIND_Job, "pi", "status.active"), 0);
	assert_int_equal(cluster_int(c, KIND_Job, "pi", "status.ready"), 0);
	assert_string_equal(cluster_condition(c, KIND_Job, "pi", "Complete"),
			    "True CompletionsReached: Reached expected number of succeeded pods");
	assert_string_equal(cluster_condition(c, KIND_Job, "pi", "SuccessCriteriaMet"),
			    "True CompletionsReached: Reached expected number of succeeded pods");
	struct version *job = cluster_get(c, KIND_Job, "pi");
	assert_non_null(doc_at(job->doc, "status.completionTime"));
	assert_int_equal(doc_len(doc_at(job->doc, "status.uncountedTerminatedPods")), 0);
	assert_int_equal(cluster_said(c, "SuccessfulCreate", NULL), 5);
	assert_int_equal(cluster_said(c, "Completed", "Job completed"), 1);
	no_finalizer_is_left(c);
	cluster_free(c);
}

static void labels_its_pods_with_its_uid(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	struct version *job = cluster_create(c, KIND_Job, JOB("pi", ""));
	cluster_run(c, 1);
	const struct doc *labels =
		doc_at(cluster_list(c, KIND_Pod, "pi-")->at[0]->doc, "metadata.labels");
	assert_true(str_eq(doc_str(doc_key(labels, "controller-uid")), job->uid));
	assert_true(
		str_eq(doc_str(doc_key(labels, "batch.kubernetes.io/controller-uid")), job->uid));
	assert_true(str_is(doc_str(doc_key(labels, "job-name")), "pi"));
	assert_true(str_is(doc_str(doc_key(labels, "batch.kubernetes.io/job-name")), "pi"));
	cluster_free(c);
}

static void fails_after_its_back_off_limit(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_Job, JOB("bad", "'backoffLimit':2,"));
	cluster_run(c, 1);
	assert_int_equal(end_active(c, "bad-", 1), 1);
	cluster_run(c, 9);
	assert_int_equal(cluster_active(c, "bad-"), 0); /* 10 s pause */
	cluster_run(c, 2);
	assert_int_equal(end_active(c, "bad-", 1), 1);
	cluster_run(c, 18);
	assert_int_equal(cluster_active(c, "bad-"), 0); /* 20 s pause */
	cluster_run(c, 3);
	assert_int_equal(end_active(c, "bad-", 1), 1);
	cluster_run(c, 100);
	assert_int_equal(cluster_count(c, KIND_Pod, "bad-"), 3);
	assert_int_equal(cluster_int(c, KIND_Job, "bad", "status.failed"), 3);
	assert_string_equal(
		cluster_condition(c, KIND_Job, "bad", "Failed"),
		"True BackoffLimitExceeded: Job has reached the specified backoff limit");
	assert_int_equal(cluster_said(c, "BackoffLimitExceeded",
				      "Job has reached the specified backoff limit"),
			 1);
	no_finalizer_is_left(c);
	cluster_free(c);
}

static void stops_at_its_deadline(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_Job, JOB("slow", "'activeDeadlineSeconds':20,"));
	cluster_run(c, 15);
	assert_string_equal(cluster_condition(c, KIND_Job, "slow", "Failed"), "");
	cluster_run(c, 30);
	assert_string_equal(cluster_condition(c, KIND_Job, "slow", "Failed"),
			    "True DeadlineExceeded: Job was active longer than specified deadline");
	assert_int_equal(cluster_count(c, KIND_Pod, "slow-"), 0);
	cluster_free(c);
}

static void a_work_queue_ends_with_its_first_success(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_Job, JOB("queue", "'parallelism':3,"));
	cluster_run(c, 1);
	assert_int_equal(cluster_active(c, "queue-"), 3);
	end_pod(c, cluster_list(c, KIND_Pod, "queue-")->at[0], 0);
	cluster_run(c, 20);
	assert_int_equal(cluster_active(c, "queue-"), 2); /* they may run on, none is added */
	assert_string_equal(cluster_condition(c, KIND_Job, "queue", "Complete"), "");
	end_active(c, "queue-", 0);
	cluster_run(c, 2);
	assert_int_equal(cluster_int(c, KIND_Job, "queue", "status.succeeded"), 3);
	assert_string_equal(cluster_condition(c, KIND_Job, "queue", "Complete"),
			    "True CompletionsReached: Reached expected number of succeeded pods");
	cluster_free(c);
}

static void gives_every_pod_its_index(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_Job,
		       JOB("ix", "'completionMode':'Indexed','completions':4,'parallelism':3,"));
	cluster_run(c, 1);
	assert_int_equal(cluster_count(c, KIND_Pod, "ix-"), 3);
	struct version *pod = cluster_list(c, KIND_Pod, "ix-1-")->at[0];
	const struct doc *annotations = doc_at(pod->doc, "metadata.annotations");
	assert_true(str_is(
		doc_str(doc_key(annotations, "batch.kubernetes.io/job-completion-index")), "1"));
	assert_true(str_is(doc_at_str(pod->doc, "spec.hostname"), "ix-1"));
	assert_true(str_is(doc_at_str(pod->doc, "spec.containers.0.env.0.name"),
			   "JOB_COMPLETION_INDEX"));
	end_pod(c, pod, 0);
	cluster_run(c, 1);
	assert_int_equal(cluster_count(c, KIND_Pod, "ix-3-"), 1);
	assert_true(str_is(
		doc_at_str(cluster_get(c, KIND_Job, "ix")->doc, "status.completedIndexes"), "1"));
	end_pod(c, cluster_list(c, KIND_Pod, "ix-0-")->at[0], 1);
	cluster_run(c, 15);
	assert_int_equal(cluster_count(c, KIND_Pod, "ix-0-"), 2); /* tried again */
	end_active(c, "ix-", 0);
	cluster_run(c, 2);
	assert_true(str_is(
		doc_at_str(cluster_get(c, KIND_Job, "ix")->doc, "status.completedIndexes"), "0-3"));
	assert_int_equal(cluster_int(c, KIND_Job, "ix", "status.succeeded"), 4);
	assert_int_equal(cluster_int(c, KIND_Job, "ix", "status.failed"), 1);
	assert_int_not_equal(strlen(cluster_condition(c, KIND_Job, "ix", "Complete")), 0);
	no_finalizer_is_left(c);
	cluster_free(c);
}

static void gives_up_single_indexes(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_Job,
		       JOB("ix", "'completionMode':'Indexed','completions':2,'parallelism':2,"
				 "'backoffLimitPerIndex':1,"));
	cluster_run(c, 1);
	end_pod(c, cluster_list(c, KIND_Pod, "ix-0-")->at[0], 1);
	cluster_run(c, 12);
	struct cluster_list *tries = cluster_list(c, KIND_Pod, "ix-0-");
	assert_int_equal(tries->len, 2);
	struct version *second = pod_active(tries->at[0]) ? tries->at[0] : tries->at[1];
	assert_true(str_is(doc_str(doc_key(doc_at(second->doc, "metadata.annotations"),
					   "batch.kubernetes.io/job-index-failure-count")),
			   "1"));
	end_pod(c, second, 1);
	cluster_run(c, 30);
	struct version *job = cluster_get(c, KIND_Job, "ix");
	assert_true(str_is(doc_at_str(job->doc, "status.failedIndexes"), "0"));
	assert_int_equal(cluster_active(c, "ix-1-"), 1); /* the other index goes on */
	end_active(c, "ix-1-", 0);
	cluster_run(c, 2);
	assert_string_equal(cluster_condition(c, KIND_Job, "ix", "Failed"),
			    "True FailedIndexes: Job has failed indexes");
	assert_int_equal(cluster_int(c, KIND_Job, "ix", "status.failed"), 2);
	no_finalizer_is_left(c);
	cluster_free(c);
}

#define POLICY(action, code)                                                                       \
	"'podFailurePolicy':{'rules':[{'action':'" action "','onExitCodes':{'operator':'In',"      \
	"'values':[" code "]}}]},"

static void fails_at_once_when_its_policy_says_so(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_Job, JOB("strict", POLICY("FailJob", "42")));
	cluster_run(c, 1);
	struct version *pod = cluster_list(c, KIND_Pod, "strict-")->at[0];
	end_pod(c, pod, 42);
	cluster_run(c, 30);
	char expected[256];
	snprintf(expected, sizeof expected,
		 "True PodFailurePolicy: Container c for pod default/%s failed with exit code 42 "
		 "matching FailJob rule at index 0",
		 str_c(c->arena, pod->name));
	assert_string_equal(cluster_condition(c, KIND_Job, "strict", "Failed"), expected);
	assert_string_equal(cluster_condition(c, KIND_Job, "strict", "FailureTarget"), expected);
	assert_int_equal(cluster_count(c, KIND_Pod, "strict-"), 1);
	cluster_free(c);
}

static void does_not_count_what_its_policy_ignores(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_Job, JOB("mild", "'backoffLimit':0," POLICY("Ignore", "7")));
	cluster_run(c, 1);
	for (u32 i = 0; i < 3; i++) {
		assert_int_equal(end_active(c, "mild-", 7), 1);
		cluster_run(c, 2);
	}
	assert_int_equal(cluster_int(c, KIND_Job, "mild", "status.failed"), 0);
	assert_int_equal(cluster_active(c, "mild-"), 1);
	assert_string_equal(cluster_condition(c, KIND_Job, "mild", "Failed"), "");
	cluster_free(c);
}

static void succeeds_early_when_its_policy_says_so(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_Job,
		       JOB("lead", "'completionMode':'Indexed','completions':3,'parallelism':3,"
				   "'successPolicy':{'rules':[{'succeededIndexes':'0'}]},"));
	cluster_run(c, 1);
	end_pod(c, cluster_list(c, KIND_Pod, "lead-0-")->at[0], 0);
	cluster_run(c, 2);
	assert_string_equal(cluster_condition(c, KIND_Job, "lead", "Complete"),
			    "True SuccessPolicy: Matched rules at index 0");
	assert_int_equal(cluster_active(c, "lead-"), 0);
	assert_int_equal(cluster_int(c, KIND_Job, "lead", "status.succeeded"), 1);
	no_finalizer_is_left(c);
	cluster_free(c);
}

static void pauses_and_goes_on(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_Job, JOB("wait", "'suspend':true,"));
	cluster_run(c, 1);
	assert_int_equal(cluster_count(c, KIND_Pod, "wait-"), 0);
	assert_string_equal(cluster_condition(c, KIND_Job, "wait", "Suspended"),
			    "True JobSuspended: Job suspended");
	assert_null(doc_at(cluster_get(c, KIND_Job, "wait")->doc, "status.startTime"));
	cluster_patch(c, KIND_Job, "wait", "{'spec':{'suspend':false}}");
	cluster_run(c, 1);
	assert_int_equal(cluster_active(c, "wait-"), 1);
	assert_string_equal(cluster_condition(c, KIND_Job, "wait", "Suspended"),
			    "False JobResumed: Job resumed");
	cluster_patch(c, KIND_Job, "wait", "{'spec':{'suspend':true}}");
	cluster_run(c, 2);
	assert_int_equal(cluster_count(c, KIND_Pod, "wait-"), 0);
	assert_int_equal(cluster_int(c, KIND_Job, "wait", "status.failed"), 0);
	assert_int_equal(cluster_said(c, "Suspended", "Job suspended"), 2);
	assert_int_equal(cluster_said(c, "Resumed", "Job resumed"), 1);
	cluster_free(c);
}

static void follows_its_parallelism_while_it_runs(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_Job, JOB("wide", "'completions':10,'parallelism':2,"));
	cluster_run(c, 1);
	cluster_patch(c, KIND_Job, "wide", "{'spec':{'parallelism':5}}");
	cluster_run(c, 1);
	assert_int_equal(cluster_active(c, "wide-"), 5);
	cluster_patch(c, KIND_Job, "wide", "{'spec':{'parallelism':1}}");
	cluster_run(c, 2);
	assert_int_equal(cluster_active(c, "wide-"), 1);
	assert_int_equal(cluster_int(c, KIND_Job, "wide", "status.failed"), 0);
	cluster_free(c);
}

static void replaces_a_deleted_pod_and_counts_it(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_Job, JOB("one", ""));
	cluster_run(c, 1);
	struct version *pod = cluster_list(c, KIND_Pod, "one-")->at[0];
	cluster_delete(c, KIND_Pod, str_c(c->arena, pod->name), PROPAGATION_DEFAULT);
	cluster_run(c, 30);
	assert_int_equal(cluster_int(c, KIND_Job, "one", "status.failed"), 1);
	assert_int_equal(cluster_count(c, KIND_Pod, "one-"), 1);
	assert_int_equal(cluster_active(c, "one-"), 1);
	cluster_free(c);
}

/* No node will ever call it Failed, and its index waits for just that; minke-sim 3997, 6191,
 * 8742. */
static void replaces_a_failed_pod_that_never_had_a_node(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	cluster_create(c, KIND_Job,
		       JOB("ix", "'completionMode':'Indexed','completions':1,"
				 "'backoffLimitPerIndex':1,'podReplacementPolicy':'Failed',"));
	cluster_run(c, 1);
	struct version *pod = cluster_list(c, KIND_Pod, "ix-0-")->at[0];
	cluster_delete(c, KIND_Pod, str_c(c->arena, pod->name), PROPAGATION_DEFAULT);
	cluster_run(c, 30);
	assert_int_equal(cluster_int(c, KIND_Job, "ix", "status.failed"), 1);
	assert_int_equal(cluster_count(c, KIND_Pod, "ix-0-"), 1);
	assert_int_equal(cluster_active(c, "ix-0-"), 1);
	end_active(c, "ix-0-", 0);
	cluster_run(c, 2);
	assert_int_not_equal(strlen(cluster_condition(c, KIND_Job, "ix", "Complete")), 0);
	no_finalizer_is_left(c);
	cluster_free(c);
}

static void takes_its_pods_along_when_it_goes(void **state)
{
	(void)state;
	struct cluster *c = with_nodes();
	cluster_create(c, KIND_Job, JOB("gone", "'completions':4,'parallelism':2,"));
	cluster_run(c, 4);
	cluster_delete(c, KIND_Job, "gone", PROPAGATION_BACKGROUND);
	cluster_run(c, 40);
	assert_int_equal(cluster_count(c, KIND_Pod, "gone-"), 0);
	cluster_create(c, KIND_Job, JOB("left", "'completions':4,'parallelism':2,"));
	cluster_run(c, 1);
	cluster_delete(c, KIND_Job, "left", PROPAGATION_ORPHAN);
	cluster_run(c, 40);
	assert_null(cluster_get(c, KIND_Job, "left"));
	assert_int_equal(cluster_count(c, KIND_Pod, "left-"), 2);
	no_finalizer_is_left(c);
	cluster_create(c, KIND_Job, JOB("wait", "'completions':4,'parallelism':2,"));
	cluster_run(c, 1);
	cluster_delete(c, KIND_Job, "wait", PROPAGATION_FOREGROUND);
	cluster_run(c, 40);
	assert_null(cluster_get(c, KIND_Job, "wait"));
	assert_int_equal(cluster_count(c, KIND_Pod, "wait-"), 0);
	cluster_free(c);
}

static void goes_when_its_time_to_live_is_up(void **state)
{
	(void)state;
	struct cluster *c = with_nodes();
	cluster_create(c, KIND_Job, JOB("brief", "'ttlSecondsAfterFinished':60,"));
	cluster_run(c, 30);
	assert_non_null(cluster_get(c, KIND_Job, "brief"));
	cluster_run(c, 60);
	assert_null(cluster_get(c, KIND_Job, "brief"));
	assert_int_equal(cluster_count(c, KIND_Pod, "brief-"), 0);
	cluster_free(c);
}

/* However pods end, and in whatever order, each is counted once. */
static void counts_hundreds_of_pods_once(void **state)
{
	(void)state;
	struct cluster *c = with_nodes();
	cluster_create(c, KIND_Job, JOB("many", "'completions':300,'parallelism':60,"));
	cluster_run(c, 60);
	assert_int_equal(cluster_int(c, KIND_Job, "many", "status.succeeded"), 300);
	assert_int_equal(cluster_count(c, KIND_Pod, "many-"), 300);
	no_finalizer_is_left(c);
	cluster_free(c);
}

/* Pods succeed, fail, are deleted while they run and after; whatever happens between two passes. */
static void counts_right_whatever_happens(void **state)
{
	(void)state;
	for (u64 seed = 1; seed <= 20; seed++) {
		struct cluster *c = cluster_new(by_hand);
		struct random dice;
		i64 succeeded = 0, failed = 0;
		random_seed(&dice, seed);
		cluster_create(c, KIND_Job,
			       seed % 2 ? JOB("r", "'completions':12,'parallelism':4,"
						   "'backoffLimit':1000,")
					: JOB("r",
					      "'completions':12,'parallelism':4,"
					      "'backoffLimit':1000,'completionMode':'Indexed',"));
		for (u32 step = 0; step < 3000 && succeeded < 12; step++) {
			struct cluster_list *pods = cluster_list(c, KIND_Pod, "r-");
			struct version *pod =
				pods->len ? pods->at[random_below(&dice, pods->len)] : NULL;
			const char *name = pod ? str_c(c->arena, pod->name) : "";
			u32 deed = random_below(&dice, 4);
			bool active = pod && pod_active(pod);
			if (active && deed < 2) {
				end_pod(c, pod, deed ? 1 : 0);
				*(deed ? &failed : &succeeded) += 1;
			} else if (active && deed == 2) {
				cluster_delete(c, KIND_Pod, name, PROPAGATION_DEFAULT);
				failed++;
			} else if (pod && !active && !object_deleting(pod->doc)) {
				cluster_delete(c, KIND_Pod, name, PROPAGATION_DEFAULT);
			}
			if (random_chance(&dice, 500))
				cluster_run(c, random_below(&dice, 300));
		}
		cluster_run(c, 10);
		assert_int_equal(cluster_int(c, KIND_Job, "r", "status.succeeded"), succeeded);
		assert_int_equal(cluster_int(c, KIND_Job, "r", "status.failed"), failed);
		assert_int_not_equal(strlen(cluster_condition(c, KIND_Job, "r", "Complete")), 0);
		no_finalizer_is_left(c);
		cluster_free(c);
	}
}

static void is_refused(struct cluster *c, const char *json, const char *sentence)
{
	struct call call = cluster_call(c);
	struct outcome outcome = { 0 };
	struct error error = ERROR_INIT;
	assert_int_equal(verb_create(&call, schema_kind(c->schema, KIND_Job), STR("default"),
				     STR_NONE, STR_NONE, cluster_doc(c, json), &outcome, &error),
			 ST_INVALID);
	assert_string_equal(error.message, sentence);
}

static void refuses_what_does_not_go_together(void **state)
{
	(void)state;
	struct cluster *c = cluster_new(by_hand);
	is_refused(c, JOB("j", "'backoffLimitPerIndex':1,"),
		   "Job.batch \"j\" is invalid: spec.backoffLimitPerIndex: Invalid value: 1: "
		   "requires indexed completion mode");
	is_refused(c, JOB("j", "'completionMode':'Indexed','parallelism':2,"),
		   "Job.batch \"j\" is invalid: spec.completions: Required value: when completion "
		   "mode is Indexed");
	is_refused(c, JOB("j", POLICY("FailIndex", "3")),
		   "Job.batch \"j\" is invalid: spec.podFailurePolicy.rules[0].action: Invalid "
		   "value: \"FailIndex\": requires the backoffLimitPerIndex to be set");
	is_refused(c, JOB("j", "'selector':{'matchLabels':{'a':'b'}},"),
		   "Job.batch \"j\" is invalid: spec.selector: Invalid value: `selector` not "
		   "auto-generated");
	cluster_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_indexes_as_ranges),
		cmocka_unit_test(runs_to_its_completions),
		cmocka_unit_test(labels_its_pods_with_its_uid),
		cmocka_unit_test(fails_after_its_back_off_limit),
		cmocka_unit_test(stops_at_its_deadline),
		cmocka_unit_test(a_work_queue_ends_with_its_first_success),
		cmocka_unit_test(gives_every_pod_its_index),
		cmocka_unit_test(gives_up_single_indexes),
		cmocka_unit_test(fails_at_once_when_its_policy_says_so),
		cmocka_unit_test(does_not_count_what_its_policy_ignores),
		cmocka_unit_test(succeeds_early_when_its_policy_says_so),
		cmocka_unit_test(pauses_and_goes_on),
		cmocka_unit_test(follows_its_parallelism_while_it_runs),
		cmocka_unit_test(replaces_a_deleted_pod_and_counts_it),
		cmocka_unit_test(replaces_a_failed_pod_that_never_had_a_node),
		cmocka_unit_test(takes_its_pods_along_when_it_goes),
		cmocka_unit_test(goes_when_its_time_to_live_is_up),
		cmocka_unit_test(refuses_what_does_not_go_together),
		cmocka_unit_test(counts_right_whatever_happens),
		cmocka_unit_test(counts_hundreds_of_pods_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
