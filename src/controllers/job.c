/*
 * Job: runs pods until enough have succeeded, or too many have failed. Follows pkg/controller/job.
 * A pass reads what its pods say, decides whether this is the end, sizes, and counts; nothing is
 * remembered besides the status and the pods themselves, back-off included.
 */
#include "controllers/job.h"

#include "base/timestamp.h"
#include "controllers/claim.h"
#include "controllers/pod.h"

/* ---- what a pod says */

bool job_finished(const struct doc *job)
{
	return condition_is(job, "Complete", "True") || condition_is(job, "Failed", "True");
}

bool job_pod_tracked(const struct doc *pod)
{
	doc_each_item(doc_at(pod, AT(Pod, metadata.finalizers)), finalizer) {
		if (str_is(doc_str(finalizer), JOB_FINALIZER))
			return true;
	}
	return false;
}

static bool pod_succeeded(const struct doc *pod)
{
	return str_is(doc_at_str(pod, AT(Pod, status.phase)), "Succeeded");
}

bool job_pod_failed(const struct job *job, const struct version *pod)
{
	if (str_is(doc_at_str(pod->doc, AT(Pod, status.phase)), "Failed"))
		return true;
	/* Where only Failed counts, the pod collector says it of pods that never had a node. */
	return !job->only_failed && object_deleting(pod->doc) && !pod_succeeded(pod->doc);
}

i64 job_pod_index(const struct doc *pod)
{
	i64 index;
	struct str text =
		doc_str(doc_get(doc_at(pod, AT(Pod, metadata.annotations)), STR(JOB_INDEX)));
	return str_to_i64(text, &index) && index >= 0 ? index : JOB_UNKNOWN_INDEX;
}

/* When its last container ended, or what comes nearest to that. */
i64 job_pod_ended_ns(const struct doc *pod)
{
	i64 ended = 0;
	doc_each_item(doc_at(pod, AT(Pod, status.containerStatuses)), container) {
		ended = MAX(ended,
			    timestamp_or(doc_at_str(container, "state.terminated.finishedAt"), 0));
	}
	const struct doc *ready = condition_get(pod, "Ready");
	if (!ended)
		ended = timestamp_or(doc_str(doc_key(ready, "lastTransitionTime")), 0);
	if (!ended)
		ended = timestamp_or(doc_at_str(pod, AT(Pod, metadata.deletionTimestamp)), 0);
	if (!ended)
		ended = timestamp_or(doc_at_str(pod, AT(Pod, metadata.creationTimestamp)), 0);
	return ended;
}

static void release_pod(struct arena *arena, struct plan *plan, const struct version *pod)
{
	const struct doc *finalizers = doc_at(pod->doc, AT(Pod, metadata.finalizers));
	for (u32 i = 0; i < doc_len(finalizers); i++) {
		if (!str_is(doc_str(doc_item(finalizers, i)), JOB_FINALIZER))
			continue;
		finalizers = doc_with_item(arena, finalizers, i, NULL);
		break;
	}
	plan_update(plan, pod,
		    doc_set(arena, pod->doc, "metadata.finalizers",
			    doc_len(finalizers) ? finalizers : NULL),
		    NULL);
}

void job_release(const struct job *job, const struct version *pod)
{
	if (job_pod_tracked(pod->doc) && plan_room(job->plan) > 8)
		release_pod(job->arena, job->plan, pod);
}

/* ---- reading */

static void read_spec(struct job *job)
{
	const struct doc *spec = job->spec;
	job->suspended = doc_bool_or(doc_key(spec, "suspend"), false);
	job->indexed = str_is(doc_str(doc_key(spec, "completionMode")), "Indexed");
	job->completions = doc_int_or(doc_key(spec, "completions"), -1);
	job->parallelism = doc_int_or(doc_key(spec, "parallelism"), 1);
	job->backoff_limit = doc_int_or(doc_key(spec, "backoffLimit"), 6);
	job->per_index = job->indexed && doc_key(spec, "backoffLimitPerIndex");
	job->only_failed = str_is(doc_str(doc_key(spec, "podReplacementPolicy")), "Failed") ||
			   doc_key(spec, "podFailurePolicy");
}

static void read_uncounted(struct job *job)
{
	static const char *const lists[] = { "uncountedTerminatedPods.succeeded",
					     "uncountedTerminatedPods.failed" };
	for (u32 i = 0; i < ARRAY_LEN(lists); i++) {
		doc_each_item(doc_at(job->before, lists[i]), uid) {
			map_put(&job->uncounted, doc_str(uid), job);
		}
	}
	job->succeeded =
		doc_at_int(job->before, "succeeded", 0) + doc_len(doc_at(job->before, lists[0]));
	job->failed = doc_at_int(job->before, "failed", 0) + doc_len(doc_at(job->before, lists[1]));
}

static void read_pods(struct job *job)
{
	job->active.at = ARENA_ARRAY(job->arena, struct version *, job->pods.len);
	for (u32 i = 0; i < job->pods.len; i++) {
		struct version *pod = job->pods.at[i];
		if (pod_active(pod)) {
			job->active.at[job->active.len++] = pod;
			job->ready += pod_ready(pod->doc);
		} else if (!pod_finished(pod->doc)) {
			job->terminating++;
		}
		if (!job_pod_tracked(pod->doc) || map_get(&job->uncounted, pod->uid))
			continue;
		if (pod_succeeded(pod->doc))
			job->succeeded++;
		else if (job_pod_failed(job, pod) && job_judge(job, pod).counts)
			job->failed++;
	}
}

/* Of an index several pods may have failed; the one that was tried most holds the count. */
static void hold_failed(struct job *job, struct version *pod)
{
	i64 index = job_pod_index(pod->doc);
	struct str key = str_format(job->arena, "%lld", (long long)index);
	const struct version *other = map_get(&job->held, key);
	if (other && job_index_failures(other->doc, JOB_INDEX_FAILURES) >=
			     job_index_failures(pod->doc, JOB_INDEX_FAILURES))
		return;
	map_put(&job->held, key, pod);
}

static void read_indexes(struct job *job)
{
	struct index_set active = { 0 };
	job->counted_at = index_set_parse(job->arena, doc_at_str(job->before, "completedIndexes"),
					  job->completions);
	job->succeeded_at = index_set_parse(job->arena, doc_at_str(job->before, "completedIndexes"),
					    job->completions);
	job->failed_at = index_set_parse(job->arena, doc_at_str(job->before, "failedIndexes"),
					 job->completions);
	for (u32 i = 0; i < job->active.len; i++)
		index_set_add(job->arena, &active, job_pod_index(job->active.at[i]->doc));
	for (u32 i = 0; i < job->pods.len; i++) {
		struct version *pod = job->pods.at[i];
		i64 index = job_pod_index(pod->doc);
		if (!job_pod_tracked(pod->doc) || index < 0 || index >= job->completions)
			continue;
		if (pod_succeeded(pod->doc))
			index_set_add(job->arena, &job->succeeded_at, index);
		else if (job->per_index && job_pod_failed(job, pod) && job_index_failed(job, pod))
			index_set_add(job->arena, &job->failed_at, index);
	}
	job->succeeded = index_set_total(&job->succeeded_at);
	for (u32 i = 0; job->per_index && i < job->pods.len; i++) {
		struct version *pod = job->pods.at[i];
		i64 index = job_pod_index(pod->doc);
		if (index >= 0 && index < job->completions && job_pod_tracked(pod->doc) &&
		    job_pod_failed(job, pod) && !index_set_has(&active, index) &&
		    !index_set_has(&job->succeeded_at, index) &&
		    !index_set_has(&job->failed_at, index))
			hold_failed(job, pod);
	}
}

/* ---- the end */

static void end(struct job *job, const char *type, const char *reason, struct str message)
{
	job->end = (struct job_end){ type, reason, message };
	job->end_is_new = true;
}

/* What an earlier pass decided stays decided. */
static bool end_decided(struct job *job)
{
	static const char *const decisions[][2] = { { "FailureTarget", "Failed" },
						    { "SuccessCriteriaMet", "Complete" } };
	for (u32 i = 0; i < ARRAY_LEN(decisions); i++) {
		if (!condition_is(job->owner->doc, decisions[i][0], "True"))
			continue;
		const struct doc *condition = condition_get(job->owner->doc, decisions[i][0]);
		job->end = (struct job_end){
			decisions[i][1],
			str_c(job->arena, doc_str(doc_key(condition, "reason"))),
			doc_str(doc_key(condition, "message")),
		};
		return true;
	}
	return false;
}

static bool policy_fails_job(struct job *job)
{
	if (!doc_key(job->spec, "podFailurePolicy"))
		return false;
	for (u32 i = 0; i < job->pods.len; i++) {
		if (!job_pod_failed(job, job->pods.at[i]))
			continue;
		struct job_verdict verdict = job_judge(job, job->pods.at[i]);
		if (!verdict.message.len)
			continue;
		end(job, "Failed", "PodFailurePolicy", verdict.message);
		return true;
	}
	return false;
}

/* restartPolicy OnFailure: containers that were started again count like failed pods. */
static bool restarted_too_often(const struct job *job)
{
	static const char *const lists[] = { AT(Pod, status.containerStatuses),
					     AT(Pod, status.initContainerStatuses) };
	i64 restarts = 0;
	if (!str_is(doc_at_str(job->spec, "template.spec.restartPolicy"), "OnFailure"))
		return false;
	for (u32 i = 0; i < job->pods.len; i++) {
		if (pod_finished(job->pods.at[i]->doc))
			continue;
		for (u32 k = 0; k < ARRAY_LEN(lists); k++) {
			doc_each_item(doc_at(job->pods.at[i]->doc, lists[k]), container) {
				restarts += doc_int_or(doc_key(container, "restartCount"), 0);
			}
		}
	}
	return job->backoff_limit ? restarts >= job->backoff_limit : restarts > 0;
}

static bool past_deadline(struct job *job)
{
	i64 deadline_s = doc_int_or(doc_key(job->spec, "activeDeadlineSeconds"), -1);
	i64 start = timestamp_or(doc_at_str(job->status, "startTime"), 0);
	if (deadline_s < 0 || !start || job->suspended)
		return false;
	i64 at = start + deadline_s * NS_PER_S;
	if (at > job->view->now_ns)
		plan_wake(job->plan, at);
	return at <= job->view->now_ns;
}

static void decide_by_indexes(struct job *job)
{
	i64 failed = index_set_total(&job->failed_at);
	i64 most = doc_int_or(doc_key(job->spec, "maxFailedIndexes"), INT64_MAX);
	struct str message;
	if (job->per_index && failed > most)
		end(job, "Failed", "MaxFailedIndexesExceeded",
		    STR("Job has exceeded the specified maximal number of failed indexes"));
	else if (job->per_index && failed && failed + job->succeeded >= job->completions)
		end(job, "Failed", "FailedIndexes", STR("Job has failed indexes"));
	else if (job_success_policy(job, &message))
		end(job, "Complete", "SuccessPolicy", message);
}

static void decide_end(struct job *job)
{
	if (end_decided(job) || policy_fails_job(job))
		return;
	if (job->failed > job->backoff_limit || restarted_too_often(job))
		return end(job, "Failed", "BackoffLimitExceeded",
			   STR("Job has reached the specified backoff limit"));
	if (past_deadline(job))
		return end(job, "Failed", "DeadlineExceeded",
			   STR("Job was active longer than specified deadline"));
	if (job->indexed)
		decide_by_indexes(job);
	if (job->end.type || job->active.len)
		return;
	bool complete =
		job->completions < 0 ? job->succeeded > 0 : job->succeeded >= job->completions;
	if (complete)
		end(job, "Complete", "CompletionsReached",
		    STR("Reached expected number of succeeded pods"));
}

/* ---- the pass */

static void set_suspended(struct job *job)
{
	i64 now_ns = job->view->now_ns;
	struct str now = timestamp_print(job->arena, now_ns);
	bool was = condition_is(job->owner->doc, "Suspended", "True");
	if (job->suspended && !was) {
		job->status = status_with_condition(job->arena, job->status, "Suspended", "True",
						    "JobSuspended", STR("Job suspended"), now_ns);
		plan_event(job->plan, job->owner, EVENT_NORMAL, "Suspended", "Job suspended");
	} else if (!job->suspended && was) {
		job->status = status_with_condition(job->arena, job->status, "Suspended", "False",
						    "JobResumed", STR("Job resumed"), now_ns);
		plan_event(job->plan, job->owner, EVENT_NORMAL, "Resumed", "Job resumed");
		job->status = doc_set_str(job->arena, job->status, "startTime", now);
	}
}

static void sync(struct job *job)
{
	read_spec(job);
	if (!doc_key(job->status, "startTime") && !job->suspended)
		job->status = doc_set_str(job->arena, job->status, "startTime",
					  timestamp_print(job->arena, job->view->now_ns));
	read_uncounted(job);
	read_pods(job);
	if (job->indexed)
		read_indexes(job);
	decide_end(job);
	if (job->end.type) {
		job_stop(job);
	} else if (!object_deleting(job->owner->doc)) {
		set_suspended(job);
		job_manage(job);
	}
	job_track(job);
	map_release(&job->uncounted);
	map_release(&job->held);
}

static void job_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	struct version *owner = view_key(view, key);
	if (!owner)
		return; /* controller_job_orphans frees its pods. */
	struct str manager = doc_at_str(owner->doc, AT(Job, spec.managedBy));
	if (manager.len && !str_is(manager, "kubernetes.io/job-controller"))
		return;
	struct job job = {
		.view = view,
		.arena = view->arena,
		.plan = plan,
		.owner = owner,
		.spec = doc_key(owner->doc, "spec"),
		.before = doc_key(owner->doc, "status"),
	};
	job.status = job.before;
	job.pods = claim(view, plan, owner, KIND_Pod, doc_at(owner->doc, AT(Job, spec.selector)),
			 NULL);
	if (!job_finished(owner->doc))
		return sync(&job);
	for (u32 i = 0; i < job.pods.len; i++)
		job_release(&job, job.pods.at[i]);
}

static void job_of_pod(const struct view *view, const struct change *change, struct keys *keys)
{
	key_controller(view, change, keys);
	claim_keys(view, change, KIND_Job, AT(Job, spec.selector), false, keys);
}

const struct controller controller_job = {
	.name = "job-controller",
	.watch = { { KIND_Job, key_self }, { KIND_Pod, job_of_pod } },
	.reconcile = job_reconcile,
};

/* ---- pods whose Job is gone, or that are a Job's no more, must not stay for their finalizer */

static bool is_orphan(const struct view *view, const struct version *pod)
{
	struct key key = key_of_controller(view, pod);
	const struct version *job = key.kind == KIND_Job ? view_key(view, key) : NULL;
	return job_pod_tracked(pod->doc) && !(job && object_controlled_by(pod->doc, job->uid));
}

static void orphan_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	struct version *pod = view_key(view, key);
	if (pod && is_orphan(view, pod))
		release_pod(view->arena, plan, pod);
}

static void orphan_of_pod(const struct view *view, const struct change *change, struct keys *keys)
{
	if (!change->gone && is_orphan(view, change->now))
		keys_add(keys, (struct key){ KIND_Pod, change->now->namespace, change->now->name });
}

static void orphans_of_job(const struct view *view, const struct change *change, struct keys *keys)
{
	struct list pods = { 0 };
	if (change->gone)
		pods = view_owned(view, change->now->uid, KIND_Pod);
	for (u32 i = 0; i < pods.len; i++)
		keys_add(keys, (struct key){ KIND_Pod, pods.at[i]->namespace, pods.at[i]->name });
}

const struct controller controller_job_orphans = {
	.name = "job-controller",
	.watch = { { KIND_Pod, orphan_of_pod }, { KIND_Job, orphans_of_job } },
	.reconcile = orphan_reconcile,
	.many_kinds = true,
};
