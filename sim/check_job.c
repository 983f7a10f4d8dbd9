/*
 * Job: never more pods at once than parallelism, never more than are still needed, an index never
 * twice and never again; each pod that succeeds is counted once; what has ended stays ended. At
 * rest every Job that can end has.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "controllers/job.h"
#include "controllers/pod.h"
#include "sim/check.h"

struct ledger { /* of one Job, by its uid */
	u32 succeeded;
	bool uncertain; /* the past came back meanwhile */
	size_t len;
	char uid[];
};

static struct ledger *ledger_get(struct map *ledgers, struct str uid)
{
	struct ledger *ledger = map_get(ledgers, uid);
	if (!ledger) {
		ledger = calloc(1, sizeof *ledger + uid.len);
		CHECK(ledger);
		memcpy(ledger->uid, uid.at, uid.len);
		ledger->len = uid.len;
		map_put(ledgers, (struct str){ ledger->uid, uid.len }, ledger);
	}
	return ledger;
}

static void returned(struct world *world, void *state)
{
	(void)world;
	for (struct map_entry *e = NULL; (e = map_next(state, e));)
		((struct ledger *)e->value)->uncertain = true;
}

static bool succeeded(const struct doc *pod)
{
	return str_is(doc_at_str(pod, "status.phase"), "Succeeded");
}

static bool is_indexed(const struct version *job)
{
	return str_is(doc_at_str(job->doc, "spec.completionMode"), "Indexed");
}

/* ---- making */

static void judge_index(struct world *world, const struct version *job, const struct doc *made,
			struct version_list pods)
{
	i64 index = job_pod_index(made), most = check_number(job, "spec.completions");
	struct index_set done = index_set_parse(
		world->arena, doc_at_str(job->doc, "status.completedIndexes"), most);
	if (index < 0 || index >= most)
		world_broken(world, STR_FMT " makes index %lld", STR_ARG(job->name),
			     (long long)index);
	if (index_set_has(&done, index))
		world_broken(world, STR_FMT " runs index %lld again", STR_ARG(job->name),
			     (long long)index);
	for (u32 i = 0; i < pods.len; i++) {
		bool counts = pod_active(pods.at[i]) || succeeded(pods.at[i]->doc);
		if (counts && job_pod_index(pods.at[i]->doc) == index)
			world_broken(world, STR_FMT " has index %lld twice", STR_ARG(job->name),
				     (long long)index);
	}
}

static void before(struct world *world, void *state, const char *user, const struct intent *intent)
{
	if (!check_creates_pod(user, "job-controller", intent))
		return;
	struct version *job = check_owner(world, intent->doc, intent->namespace, KIND_Job);
	if (!job)
		return;
	struct version_list pods = check_pods(world, job);
	struct ledger *ledger = ledger_get(state, job->uid);
	i64 active = 0, parallelism = doc_at_int(job->doc, "spec.parallelism", 1);
	for (u32 i = 0; i < pods.len; i++)
		active += pod_active(pods.at[i]);
	if (active >= parallelism)
		world_broken(world, STR_FMT " runs %lld pods and starts one more of %lld",
			     STR_ARG(job->name), (long long)active, (long long)parallelism);
	if (job_finished(job->doc) || doc_at_bool(job->doc, "spec.suspend", false))
		world_broken(world, STR_FMT " starts a pod, though it rests", STR_ARG(job->name));
	if (check_number(job, "status.failed") > doc_at_int(job->doc, "spec.backoffLimit", 6))
		world_broken(world, STR_FMT " tries again past its limit", STR_ARG(job->name));
	if (is_indexed(job))
		judge_index(world, job, intent->doc, pods);
	else if (!ledger->uncertain && doc_at(job->doc, "spec.completions") &&
		 active + ledger->succeeded >= check_number(job, "spec.completions"))
		world_broken(world, STR_FMT " starts a pod nobody needs", STR_ARG(job->name));
}

/* ---- counting */

static void hear_pod(struct world *world, struct map *ledgers, const struct store_event *event)
{
	const struct doc *now = event->version->doc;
	if (event->type != EVENT_MODIFIED || !succeeded(now) || succeeded(event->previous->doc) ||
	    !job_pod_tracked(now))
		return;
	struct version *job = check_owner(world, now, event->version->namespace, KIND_Job);
	if (job)
		ledger_get(ledgers, job->uid)->succeeded++;
}

static void hear_job(struct world *world, struct map *ledgers, const struct store_event *event)
{
	const struct version *now = event->version, *old = event->previous;
	struct ledger *ledger = ledger_get(ledgers, now->uid);
	i64 counted = check_number(now, "status.succeeded");
	if (event->type != EVENT_MODIFIED)
		return;
	if (job_finished(old->doc) && !job_finished(now->doc))
		world_broken(world, STR_FMT " has ended and runs again", STR_ARG(now->name));
	if (counted < check_number(old, "status.succeeded") ||
	    check_number(now, "status.failed") < check_number(old, "status.failed"))
		world_broken(world, STR_FMT " counts backwards", STR_ARG(now->name));
	if (condition_is(now->doc, "Complete", "True") && condition_is(now->doc, "Failed", "True"))
		world_broken(world, STR_FMT " is complete and failed", STR_ARG(now->name));
	bool ends = job_finished(now->doc) && !job_finished(old->doc);
	if (ledger->uncertain || is_indexed(now))
		return;
	if (counted > ledger->succeeded || (ends && counted != ledger->succeeded))
		world_broken(world, STR_FMT " counts %lld successes of %u", STR_ARG(now->name),
			     (long long)counted, ledger->succeeded);
}

static void hear(struct world *world, void *state, const struct store_event *event)
{
	if (event->version->kind == KIND_Pod)
		hear_pod(world, state, event);
	else if (event->version->kind == KIND_Job)
		hear_job(world, state, event);
}

/* ---- at rest */

/* A bad image never starts; the template of a Job cannot be mended. */
static bool can_end(const struct version *job)
{
	return check_number(job, "spec.parallelism") > 0 &&
	       !str_starts(doc_at_str(job->doc, "spec.template.spec.containers.0.image"),
			   STR("bad"));
}

bool check_held_for_ever(struct world *world, const struct version *pod)
{
	struct version *job = pod->kind == KIND_Pod && job_pod_tracked(pod->doc)
				      ? check_owner(world, pod->doc, pod->namespace, KIND_Job)
				      : NULL;
	return job && !job_finished(job->doc) && !can_end(job);
}

static void rest(struct world *world, void *state)
{
	(void)state;
	EACH(world, KIND_Job, job)
	{
		struct version_list pods = check_pods(world, job);
		bool finished = job_finished(job->doc);
		if (!finished && can_end(job) && !world->tight)
			world_broken(world, "job " STR_FMT " never ends", STR_ARG(job->name));
		for (u32 i = 0; finished && i < pods.len; i++) {
			if (pod_active(pods.at[i]))
				world_broken(world, "job " STR_FMT " has ended, " STR_FMT " runs",
					     STR_ARG(job->name), STR_ARG(pods.at[i]->name));
			if (job_pod_tracked(pods.at[i]->doc))
				world_broken(world, "job " STR_FMT " does not let go of " STR_FMT,
					     STR_ARG(job->name), STR_ARG(pods.at[i]->name));
		}
		if (finished && doc_at(job->doc, "spec.ttlSecondsAfterFinished"))
			world_broken(world, "job " STR_FMT " outlives its time",
				     STR_ARG(job->name));
		if (finished && doc_len(doc_at(job->doc, "status.uncountedTerminatedPods"
							 ".succeeded")))
			world_broken(world, "job " STR_FMT " has not counted all",
				     STR_ARG(job->name));
		if (condition_is(job->doc, "Failed", "True") &&
		    doc_at_str(job->doc, "status.completionTime").len)
			world_broken(world, "job " STR_FMT " failed, yet completed",
				     STR_ARG(job->name));
	}
	EACH(world, KIND_Pod, pod)
	{
		if (job_pod_tracked(pod->doc) &&
		    !check_owner(world, pod->doc, pod->namespace, KIND_Job))
			world_broken(world, STR_FMT " waits for a job that is gone",
				     STR_ARG(pod->name));
	}
}

static void *open(struct world *world)
{
	(void)world;
	struct map *ledgers = calloc(1, sizeof *ledgers);
	CHECK(ledgers);
	return ledgers;
}

static void close(void *state)
{
	for (struct map_entry *e = NULL; (e = map_next(state, e));)
		free(e->value);
	map_release(state);
	free(state);
}

const struct check check_job = {
	.name = "job",
	.open = open,
	.close = close,
	.hear = hear,
	.returned = returned,
	.before = before,
	.rest = rest,
};
