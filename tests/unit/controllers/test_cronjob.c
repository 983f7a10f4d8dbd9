/* CronJob by a clock that the test moves; Jobs end as simulated pods do. */
#include "cluster.h"

#define CRON(name, schedule, spec)                                                                 \
	"{'metadata':{'name':'" name "'},'spec':{'schedule':'" schedule "'," spec                  \
	"'jobTemplate':{'metadata':{'labels':{'from':'cron'}},'spec':{'template':{'spec':{"        \
	"'restartPolicy':'OnFailure','containers':[{'name':'c','image':'busybox'}]}}}}}}"

static struct cluster *with_nodes(i64 job_s)
{
	struct simulated_config config = { .nodes = 2, .job_ns = job_s * NS_PER_S };
	return cluster_new((struct cluster_wish){ .config = &config });
}

static void runs_by_the_clock_and_keeps_three(void **state)
{
	(void)state;
	struct cluster *c = with_nodes(5);
	cluster_create(c, KIND_CronJob, CRON("tick", "* * * * *", ""));
	cluster_run(c, 62);
	struct cluster_list *jobs = cluster_list(c, KIND_Job, "tick-");
	assert_int_equal(jobs->len, 1);
	/* 2026-01-01T00:01 in minutes */
	assert_true(str_is(jobs->at[0]->name, "tick-29453761"));
	assert_true(str_is(doc_at_str(jobs->at[0]->doc, "metadata.labels.from"), "cron"));
	assert_true(str_is(doc_str(doc_key(doc_at(jobs->at[0]->doc, "metadata.annotations"),
					   "batch.kubernetes.io/cronjob-scheduled-timestamp")),
			   "2026-01-01T00:01:00Z"));
	assert_int_equal(
		doc_len(doc_at(cluster_get(c, KIND_CronJob, "tick")->doc, "status.active")), 1);
	cluster_run(c, 20);
	struct version *cron = cluster_get(c, KIND_CronJob, "tick");
	assert_int_equal(doc_len(doc_at(cron->doc, "status.active")), 0);
	assert_true(
		str_is(doc_at_str(cron->doc, "status.lastScheduleTime"), "2026-01-01T00:01:00Z"));
	assert_non_null(doc_at(cron->doc, "status.lastSuccessfulTime"));
	cluster_run(c, 600);
	assert_int_equal(cluster_count(c, KIND_Job, "tick-"), 3);
	assert_int_equal(cluster_count(c, KIND_Pod, "tick-"), 3);
	assert_int_equal(cluster_said(c, "SuccessfulCreate", "Created job tick-29453761"), 1);
	assert_int_equal(cluster_said(c, "SawCompletedJob",
				      "Saw completed job: tick-29453761, condition: Complete"),
			 1);
	cluster_free(c);
}

static void forbids_or_replaces_a_run_that_lasts(void **state)
{
	(void)state;
	struct cluster *c = with_nodes(150);
	cluster_create(c, KIND_CronJob, CRON("one", "* * * * *", "'concurrencyPolicy':'Forbid',"));
	cluster_create(c, KIND_CronJob, CRON("new", "* * * * *", "'concurrencyPolicy':'Replace',"));
	cluster_create(c, KIND_CronJob, CRON("all", "* * * * *", ""));
	cluster_run(c, 185);
	assert_int_equal(cluster_count(c, KIND_Job, "one-"), 1);
	assert_int_equal(cluster_count(c, KIND_Job, "new-"), 1);
	assert_non_null(cluster_get(c, KIND_Job, "new-29453763"));
	assert_int_equal(cluster_count(c, KIND_Job, "all-"), 3);
	assert_int_equal(cluster_said(c, "JobAlreadyActive", NULL) > 0, 1);
	assert_int_equal(cluster_said(c, "SuccessfulDelete", "Deleted job new-29453761"), 1);
	cluster_free(c);
}

static void runs_the_newest_of_many_missed_runs(void **state)
{
	(void)state;
	struct cluster *c = with_nodes(1);
	cluster_create(c, KIND_CronJob, CRON("slept", "* * * * *", "'suspend':true,"));
	cluster_run(c, 2);
	c->now_ns += 500 * 3600 * NS_PER_S; /* 30 000 runs */
	cluster_patch(c, KIND_CronJob, "slept", "{'spec':{'suspend':false}}");
	cluster_run(c, 1);
	assert_int_equal(cluster_count(c, KIND_Job, "slept-"), 1);
	assert_int_equal(cluster_said(c, "TooManyMissedTimes", NULL) > 0, 1);
	cluster_run(c, 60);
	assert_int_equal(cluster_count(c, KIND_Job, "slept-"), 2);
	cluster_free(c);
}

static void does_not_start_later_than_its_deadline(void **state)
{
	(void)state;
	struct cluster *c = with_nodes(1);
	cluster_create(c, KIND_CronJob,
		       CRON("late", "0 * * * *", "'startingDeadlineSeconds':60,'suspend':true,"));
	cluster_run(c, 1);
	c->now_ns += 3900 * NS_PER_S; /* 01:05 */
	cluster_patch(c, KIND_CronJob, "late", "{'spec':{'suspend':false}}");
	cluster_run(c, 1);
	assert_int_equal(cluster_count(c, KIND_Job, "late-"), 0);
	cluster_run(c, 3400);
	assert_int_equal(cluster_count(c, KIND_Job, "late-"), 1);
	cluster_free(c);
}

/* As `kubectl create job --from=cronjob/x` makes it. */
static void leaves_jobs_made_by_hand_alone(void **state)
{
	(void)state;
	struct cluster *c = with_nodes(1000);
	struct version *cron = cluster_create(
		c, KIND_CronJob, CRON("x", "0 0 1 1 *", "'concurrencyPolicy':'Forbid',"));
	char json[700];
	snprintf(json, sizeof json,
		 "{'metadata':{'name':'byhand','annotations':{'cronjob.kubernetes.io/instantiate':"
		 "'manual'},'ownerReferences':[{'apiVersion':'batch/v1','kind':'CronJob','name':"
		 "'x','uid':'%s','controller':true}]},'spec':{'template':{'spec':{'restartPolicy':"
		 "'Never','containers':[{'name':'c','image':'i'}]}}}}",
		 str_c(c->arena, cron->uid));
	cluster_create(c, KIND_Job, json);
	cluster_run(c, 5);
	assert_int_equal(doc_len(doc_at(cluster_get(c, KIND_CronJob, "x")->doc, "status.active")),
			 0);
	assert_int_equal(
		cluster_said(c, "UnexpectedJob",
			     "Saw a job that the controller did not create or forgot: byhand") > 0,
		1);
	cluster_delete(c, KIND_CronJob, "x", PROPAGATION_BACKGROUND);
	cluster_run(c, 40);
	assert_null(cluster_get(c, KIND_Job, "byhand"));
	cluster_free(c);
}

static void says_when_it_does_not_know_a_zone(void **state)
{
	(void)state;
	struct cluster *c = with_nodes(1);
	cluster_create(c, KIND_CronJob, CRON("far", "* * * * *", "'timeZone':'Moon/Base',"));
	cluster_run(c, 65);
	assert_int_equal(cluster_count(c, KIND_Job, "far-"), 0);
	assert_int_equal(
		cluster_said(c, "UnknownTimeZone",
			     "invalid timeZone: \"Moon/Base\": unknown time zone Moon/Base") > 0,
		1);
	cluster_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_by_the_clock_and_keeps_three),
		cmocka_unit_test(forbids_or_replaces_a_run_that_lasts),
		cmocka_unit_test(runs_the_newest_of_many_missed_runs),
		cmocka_unit_test(does_not_start_later_than_its_deadline),
		cmocka_unit_test(leaves_jobs_made_by_hand_alone),
		cmocka_unit_test(says_when_it_does_not_know_a_zone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
