/*
 * CronJob: with Forbid never two Jobs at a time, with Replace the old one is on its way out before
 * the new one comes; a Job only for a minute that is due, within its deadline, never one minute
 * twice, and minutes only go forward; history is no longer than asked for.
 */
#include "base/timestamp.h"
#include "controllers/job.h"
#include "controllers/pod.h"
#include "sim/check.h"

static i64 scheduled_s(const struct doc *job)
{
	const struct doc *when = doc_get(doc_at(job, "metadata.annotations"),
					 STR("batch.kubernetes.io/cronjob-scheduled-timestamp"));
	return timestamp_or(doc_str(when), 0) / NS_PER_S;
}

/* The schedules that the users know; the hour's own minute is all that matters of most. */
static bool is_due(const struct version *cron, i64 at_s)
{
	struct str schedule = doc_at_str(cron->doc, "spec.schedule");
	if (doc_at_str(cron->doc, "spec.timeZone").len)
		at_s += 5 * 3600 + 1800; /* the one zone there is */
	i64 minute = at_s / 60 % 60, hour = at_s / 3600 % 24;
	if (at_s % 60)
		return false;
	if (str_is(schedule, "*/2 * * * *"))
		return minute % 2 == 0;
	if (str_is(schedule, "*/5 0-12 * * *"))
		return minute % 5 == 0 && hour <= 12;
	if (str_is(schedule, "@hourly"))
		return minute == 0;
	if (str_is(schedule, "30 4 1,15 * 5"))
		return minute == 30 && hour == 4;
	return str_is(schedule, "* * * * *");
}

static void judge_company(struct world *world, const struct version *cron)
{
	struct version_list jobs = store_owned(world->store, world->arena, cron->uid, KIND_Job);
	struct str policy = doc_at_str(cron->doc, "spec.concurrencyPolicy");
	for (u32 i = 0; i < jobs.len; i++) {
		bool runs = object_controlled_by(jobs.at[i]->doc, cron->uid) &&
			    !job_finished(jobs.at[i]->doc);
		if (runs && (str_is(policy, "Forbid") ||
			     (str_is(policy, "Replace") && !object_deleting(jobs.at[i]->doc))))
			world_broken(world, STR_FMT " starts a job beside " STR_FMT,
				     STR_ARG(cron->name), STR_ARG(jobs.at[i]->name));
	}
}

static void before(struct world *world, void *state, const char *user, const struct intent *intent)
{
	(void)state;
	if (intent->type != INTENT_CREATE || intent->kind != KIND_Job ||
	    !str_is(str_of(user), "cronjob-controller"))
		return;
	struct version *cron = check_owner(world, intent->doc, intent->namespace, KIND_CronJob);
	if (!cron)
		return;
	i64 at_s = scheduled_s(intent->doc), now_s = clock_wall_ns(&world->clock) / NS_PER_S;
	i64 deadline_s = doc_at_int(cron->doc, "spec.startingDeadlineSeconds", INT32_MAX);
	i64 last_s = timestamp_or(doc_at_str(cron->doc, "status.lastScheduleTime"), 0) / NS_PER_S;
	if (!is_due(cron, at_s) || at_s > now_s || now_s - at_s > deadline_s)
		world_broken(world, STR_FMT " starts a job for %lld at %lld", STR_ARG(cron->name),
			     (long long)at_s, (long long)now_s);
	if (at_s <= last_s)
		world_broken(world, STR_FMT " goes back to %lld, it has done %lld",
			     STR_ARG(cron->name), (long long)at_s, (long long)last_s);
	if (doc_at_bool(cron->doc, "spec.suspend", false))
		world_broken(world, STR_FMT " starts a job though suspended", STR_ARG(cron->name));
	judge_company(world, cron);
}

static void rest(struct world *world, void *state)
{
	(void)state;
	EACH(world, KIND_CronJob, cron)
	{
		struct version_list jobs =
			store_owned(world->store, world->arena, cron->uid, KIND_Job);
		i64 good = 0, bad = 0, runs = 0;
		for (u32 i = 0; i < jobs.len; i++) {
			bool failed = condition_is(jobs.at[i]->doc, "Failed", "True");
			runs += !job_finished(jobs.at[i]->doc);
			bad += failed;
			good += job_finished(jobs.at[i]->doc) && !failed;
		}
		if (good > doc_at_int(cron->doc, "spec.successfulJobsHistoryLimit", 3) ||
		    bad > doc_at_int(cron->doc, "spec.failedJobsHistoryLimit", 1))
			world_broken(world, STR_FMT " keeps %lld good and %lld bad jobs",
				     STR_ARG(cron->name), (long long)good, (long long)bad);
		if (doc_len(doc_at(cron->doc, "status.active")) != runs)
			world_broken(world, STR_FMT " says %u jobs are active of %lld",
				     STR_ARG(cron->name),
				     doc_len(doc_at(cron->doc, "status.active")), (long long)runs);
	}
}

const struct check check_cron_job = { .name = "cron_job", .before = before, .rest = rest };
