/*
 * Job: counting pods exactly once. A finished pod goes through three steps, one a pass: its uid is
 * written into the status, its finalizer is taken off, its uid becomes a number. Whatever is lost
 * between two steps, the next pass goes on where the stored objects stand.
 */
#include "base/clock.h"
#include "base/timestamp.h"
#include "controllers/job.h"
#include "controllers/pod.h"
#include "doc/build.h"

typedef VEC(struct str) uids;

struct tracking {
	struct job *job;
	struct map tracked; /* uid → pod that has its finalizer */
	uids succeeded, failed;
	i64 succeeded_count, failed_count;
	bool waiting; /* pods are still to be counted */
};

/* A uid whose pod has lost its finalizer, or is gone, becomes a number. */
static void settle(struct tracking *t, const char *list, uids *keep, i64 *count)
{
	doc_each_item(doc_at(t->job->before, list), item) {
		struct version *pod = map_get(&t->tracked, doc_str(item));
		if (pod) {
			VEC_PUSH(t->job->arena, keep, doc_str(item));
			job_release(t->job, pod);
		} else {
			(*count)++;
		}
	}
}

static void note_success(struct tracking *t, const struct version *pod)
{
	struct job *job = t->job;
	if (!job->indexed) {
		VEC_PUSH(job->arena, &t->succeeded, pod->uid);
		return;
	}
	/* An index that stands in the stored status is safe; any other waits for this write. */
	i64 index = job_pod_index(pod->doc);
	bool valid = index >= 0 && index < job->completions;
	if (!valid || index_set_has(&job->counted_at, index))
		job_release(job, pod);
	else
		t->waiting = true;
}

static void note_failure(struct tracking *t, const struct version *pod)
{
	struct job *job = t->job;
	i64 index = job_pod_index(pod->doc);
	bool valid = !job->indexed || (index >= 0 && index < job->completions);
	bool by_success = job->end.type && str_is(str_of(job->end.type), "Complete") &&
			  !pod_finished(pod->doc);
	if (!valid || by_success || !job_judge(job, pod).counts)
		job_release(job, pod);
	else
		VEC_PUSH(job->arena, &t->failed, pod->uid);
}

static bool is_held(const struct job *job, const struct version *pod)
{
	struct str key = str_format(job->arena, "%lld", (long long)job_pod_index(pod->doc));
	return !job->end.type && !object_deleting(job->owner->doc) &&
	       map_get(&job->held, key) == pod;
}

static void note_new(struct tracking *t)
{
	struct job *job = t->job;
	for (u32 i = 0; i < job->pods.len; i++) {
		struct version *pod = job->pods.at[i];
		if (!job_pod_tracked(pod->doc) || map_get(&job->uncounted, pod->uid))
			continue;
		if (t->succeeded.len + t->failed.len >= JOB_UNCOUNTED_MAX) {
			t->waiting = true;
			return;
		}
		if (str_is(doc_at_str(pod->doc, AT(Pod, status.phase)), "Succeeded"))
			note_success(t, pod);
		else if (job_pod_failed(job, pod) && !is_held(job, pod))
			note_failure(t, pod);
	}
}

static void build_uids(struct build *b, const char *key, const uids *list)
{
	if (!list->len)
		return;
	build_open_array(b, key);
	for (u32 i = 0; i < list->len; i++)
		build_str(b, NULL, list->at[i]);
	build_close(b);
}

static const struct doc *with_end(struct tracking *t, const struct doc *status)
{
	struct job *job = t->job;
	i64 now_ns = job->view->now_ns;
	if (!job->end.type)
		return status;
	bool complete = str_is(str_of(job->end.type), "Complete");
	status = status_with_condition(job->arena, status,
				       complete ? "SuccessCriteriaMet" : "FailureTarget", "True",
				       job->end.reason, job->end.message, now_ns);
	if (job->end_is_new || t->waiting || t->succeeded.len || t->failed.len ||
	    job->terminating || job->active.len)
		return status;
	status = status_with_condition(job->arena, status, job->end.type, "True", job->end.reason,
				       job->end.message, now_ns);
	if (!complete) {
		plan_event(job->plan, job->owner, EVENT_WARNING, job->end.reason, STR_FMT,
			   STR_ARG(job->end.message));
		return status;
	}
	if (job->completions >= 0 && doc_at_int(status, "succeeded", 0) > job->completions)
		plan_event(job->plan, job->owner, EVENT_WARNING, "TooManySucceededPods",
			   "Too many succeeded pods running after completion count reached");
	plan_event(job->plan, job->owner, EVENT_NORMAL, "Completed", "Job completed");
	return doc_set_str(job->arena, status, "completionTime",
			   timestamp_print(job->arena, now_ns));
}

static void write_status(struct tracking *t)
{
	struct job *job = t->job;
	struct build b = build_object(job->arena);
	build_doc(&b, "conditions", doc_key(job->status, "conditions"));
	build_doc(&b, "startTime", doc_key(job->status, "startTime"));
	if (job->active.len)
		build_int(&b, "active", job->active.len);
	i64 succeeded = job->indexed ? index_set_total(&job->succeeded_at) : t->succeeded_count;
	if (succeeded)
		build_int(&b, "succeeded", succeeded);
	if (t->failed_count)
		build_int(&b, "failed", t->failed_count);
	if (job->indexed)
		build_str_if(&b, "completedIndexes",
			     index_set_print(job->arena, &job->succeeded_at));
	if (job->per_index)
		build_str(&b, "failedIndexes", index_set_print(job->arena, &job->failed_at));
	build_open_object(&b, "uncountedTerminatedPods");
	build_uids(&b, "succeeded", &t->succeeded);
	build_uids(&b, "failed", &t->failed);
	build_close(&b);
	build_int(&b, "ready", job->ready);
	build_int(&b, "terminating", job->terminating);
	const struct doc *status = with_end(t, build_done(&b));
	if (!job->before || !doc_eq(job->before, status))
		plan_status(job->plan, job->owner,
			    doc_with(job->arena, job->owner->doc, STR("status"), status));
}

void job_track(struct job *job)
{
	struct tracking t = {
		.job = job,
		.succeeded_count = doc_at_int(job->before, "succeeded", 0),
		.failed_count = doc_at_int(job->before, "failed", 0),
	};
	for (u32 i = 0; i < job->pods.len; i++)
		if (job_pod_tracked(job->pods.at[i]->doc))
			map_put(&t.tracked, job->pods.at[i]->uid, job->pods.at[i]);
	settle(&t, "uncountedTerminatedPods.succeeded", &t.succeeded, &t.succeeded_count);
	settle(&t, "uncountedTerminatedPods.failed", &t.failed, &t.failed_count);
	note_new(&t);
	write_status(&t);
	map_release(&t.tracked);
}
