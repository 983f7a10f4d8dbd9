/* Job: which pods to make and which to lose, with a pause that grows from failure to failure. */
#include <inttypes.h>

#include "base/clock.h"
#include "controllers/job.h"
#include "controllers/pod.h"
#include "doc/build.h"

enum { BACKOFF_S = 10, BACKOFF_MAX_S = 600, BACKOFF_DOUBLINGS = 6 };

static i64 backoff_ns(i64 failures)
{
	i64 seconds = (i64)BACKOFF_S << MIN(MAX(failures - 1, 0), (i64)BACKOFF_DOUBLINGS);
	return MIN(seconds, (i64)BACKOFF_MAX_S) * NS_PER_S;
}

/* ---- losing */

/* Deleted on purpose, a pod counts neither as success nor as failure: its finalizer goes first. */
static void lose(const struct job *job, const struct version *pod, bool counts)
{
	struct saying saying = { job->owner, "SuccessfulDelete", "Deleted pod: %s", "FailedDelete",
				 "Error deleting: %s" };
	struct plan_delete options = { .grace_s = GRACE_DEFAULT, .saying = &saying };
	if (!counts)
		job_release(job, pod);
	plan_delete(job->plan, pod, &options);
}

/* Two pods of one index, and indexes that are none, go in any case. */
static struct list surplus_indexes(const struct job *job, struct list *ret_rest)
{
	struct list wrong = { ARENA_ARRAY(job->arena, struct version *, job->active.len), 0 };
	struct index_set seen = { 0 };
	for (u32 i = 0; i < job->active.len; i++) {
		struct version *pod = job->active.at[i];
		i64 index = job_pod_index(pod->doc);
		bool useless = index < 0 || index >= job->completions ||
			       index_set_has(&seen, index) ||
			       index_set_has(&job->succeeded_at, index);
		if (useless) {
			wrong.at[wrong.len++] = pod;
			continue;
		}
		index_set_add(job->arena, &seen, index);
		ret_rest->at[ret_rest->len++] = pod;
	}
	return wrong;
}

/* Deletes at least that many; true when any. */
static bool lose_surplus(struct job *job, i64 least)
{
	struct list rest = { ARENA_ARRAY(job->arena, struct version *, job->active.len), 0 };
	struct list lost = { 0 };
	u32 done = 0;
	if (job->indexed)
		lost = surplus_indexes(job, &rest);
	else
		for (u32 i = 0; i < job->active.len; i++)
			rest.at[rest.len++] = job->active.at[i];
	for (; done < lost.len && done < JOB_BURST_MAX; done++)
		lose(job, lost.at[done], false);
	if (done < least)
		pods_sort_by_loss(job->view, rest, rest);
	for (u32 i = 0; done < MIN(least, (i64)JOB_BURST_MAX) && i < rest.len; i++, done++)
		lose(job, rest.at[i], false);
	return done > 0;
}

void job_stop(struct job *job)
{
	for (u32 i = 0; i < job->active.len && i < JOB_BURST_MAX; i++)
		lose(job, job->active.at[i], !str_is(str_of(job->end.type), "Complete"));
}

/* ---- the pod of an index */

static const struct doc *with_entry(struct arena *arena, const struct doc *pod, const char *path,
				    const char *key, struct str value)
{
	return doc_set(arena, pod, path,
		       doc_with(arena, doc_at(pod, path), str_of(key), doc_new_str(arena, value)));
}

/* JOB_COMPLETION_INDEX, unless the template says it itself. */
static const struct doc *with_index_env(struct arena *arena, const struct doc *containers)
{
	const struct doc *made = containers;
	for (u32 i = 0; i < doc_len(containers); i++) {
		const struct doc *container = doc_item(containers, i);
		const struct doc *env = doc_key(container, "env");
		bool known = false;
		doc_each_item(env, variable) {
			known = known ||
				str_is(doc_str(doc_key(variable, "name")), "JOB_COMPLETION_INDEX");
		}
		if (known)
			continue;
		struct build b = build_object(arena);
		build_str(&b, "name", STR("JOB_COMPLETION_INDEX"));
		build_open_object(&b, "valueFrom");
		build_open_object(&b, "fieldRef");
		build_str(&b, "apiVersion", STR("v1"));
		build_str(&b, "fieldPath", STR("metadata.labels['" JOB_INDEX "']"));
		build_close(&b);
		build_close(&b);
		env = doc_append(arena, env, build_done(&b));
		made = doc_with_item(arena, made, i, doc_with(arena, container, STR("env"), env));
	}
	return made;
}

/* The next try of an index carries how often it has failed so far. */
static const struct doc *with_failures(const struct job *job, const struct doc *pod, i64 index)
{
	struct str key = str_format(job->arena, "%" PRId64, index);
	const struct version *last = map_get(&job->held, key);
	i64 failures = 0, ignored = 0;
	if (last) {
		failures = job_index_failures(last->doc, JOB_INDEX_FAILURES);
		ignored = job_index_failures(last->doc, JOB_INDEX_IGNORED);
		if (job_judge(job, last).counts)
			failures++;
		else
			ignored++;
	}
	pod = with_entry(job->arena, pod, "metadata.annotations", JOB_INDEX_FAILURES,
			 str_format(job->arena, "%" PRId64, failures));
	if (!ignored)
		return pod;
	return with_entry(job->arena, pod, "metadata.annotations", JOB_INDEX_IGNORED,
			  str_format(job->arena, "%" PRId64, ignored));
}

static const struct doc *indexed_pod(const struct job *job, const struct doc *pod, i64 index)
{
	struct arena *arena = job->arena;
	struct str number = str_format(arena, "%" PRId64, index);
	struct str host =
		str_format(arena, STR_FMT "-" STR_FMT, STR_ARG(job->owner->name), STR_ARG(number));
	struct str prefix = str_format(arena, STR_FMT "-", STR_ARG(host));
	if (prefix.len > LABEL_BYTES_MAX - 5)
		prefix = str_format(
			arena, STR_FMT "-" STR_FMT "-",
			STR_ARG(str_part(job->owner->name, 0, LABEL_BYTES_MAX - 7 - number.len)),
			STR_ARG(number));
	pod = doc_set_str(arena, pod, "metadata.generateName", prefix);
	pod = with_entry(arena, pod, "metadata.annotations", JOB_INDEX, number);
	pod = with_entry(arena, pod, "metadata.labels", JOB_INDEX, number);
	pod = doc_set_str(arena, pod, "spec.hostname", host);
	pod = doc_set(arena, pod, "spec.containers",
		      with_index_env(arena, doc_at(pod, AT(Pod, spec.containers))));
	const struct doc *init = doc_at(pod, AT(Pod, spec.initContainers));
	if (init)
		pod = doc_set(arena, pod, "spec.initContainers", with_index_env(arena, init));
	return job->per_index ? with_failures(job, pod, index) : pod;
}

/* ---- making */

static const struct doc *new_pod(const struct job *job)
{
	struct arena *arena = job->arena;
	struct str prefix = str_format(arena, STR_FMT "-", STR_ARG(job->owner->name));
	if (prefix.len > LABEL_BYTES_MAX - 5)
		prefix = str_part(prefix, 0, LABEL_BYTES_MAX - 5);
	const struct doc *pod = pod_from_template(arena, doc_key(job->spec, "template"), prefix,
						  object_owner_ref(arena, job->view, job->owner));
	const struct doc *finalizers = doc_at(pod, AT(Pod, metadata.finalizers));
	return doc_set(arena, pod, "metadata.finalizers",
		       doc_append(arena, finalizers, doc_ref_str(arena, STR(JOB_FINALIZER))));
}

/* Failures since the last success set the pause before the next pods. */
static i64 may_start_ns(const struct job *job)
{
	i64 success = 0, last = 0, failures = 0;
	for (u32 i = 0; i < job->pods.len; i++)
		if (str_is(doc_at_str(job->pods.at[i]->doc, AT(Pod, status.phase)), "Succeeded"))
			success = MAX(success, job_pod_ended_ns(job->pods.at[i]->doc));
	for (u32 i = 0; i < job->pods.len; i++) {
		if (!job_pod_failed(job, job->pods.at[i]))
			continue;
		i64 ended = job_pod_ended_ns(job->pods.at[i]->doc);
		if (ended <= success || !job_judge(job, job->pods.at[i]).counts)
			continue;
		last = MAX(last, ended);
		failures++;
	}
	return failures ? last + backoff_ns(failures) : INT64_MIN;
}

static bool index_may_start(const struct job *job, i64 index)
{
	struct str key = str_format(job->arena, "%" PRId64, index);
	const struct version *last = map_get(&job->held, key);
	if (!last)
		return true;
	i64 failures = job_index_failures(last->doc, JOB_INDEX_FAILURES) +
		       job_index_failures(last->doc, JOB_INDEX_IGNORED) + 1;
	i64 at = job_pod_ended_ns(last->doc) + backoff_ns(failures);
	if (at > job->view->now_ns)
		plan_wake(job->plan, at);
	return at <= job->view->now_ns;
}

/* Indexes that are done, given up, or in the hands of a pod. */
static struct index_set taken_indexes(const struct job *job)
{
	struct index_set taken = { 0 };
	for (u32 i = 0; i < job->succeeded_at.ranges.len; i++)
		VEC_PUSH(job->arena, &taken.ranges, job->succeeded_at.ranges.at[i]);
	for (u32 i = 0; i < job->failed_at.ranges.len; i++) {
		struct index_range range = job->failed_at.ranges.at[i];
		for (i64 index = range.first; index <= range.last; index++)
			index_set_add(job->arena, &taken, index);
	}
	for (u32 i = 0; i < job->pods.len; i++) {
		const struct version *pod = job->pods.at[i];
		bool ending = job->only_failed && !pod_finished(pod->doc);
		if (job_pod_index(pod->doc) >= 0 && (pod_active(pod) || ending))
			index_set_add(job->arena, &taken, job_pod_index(pod->doc));
	}
	return taken;
}

static void make_indexed(const struct job *job, const struct doc *pod, i64 missing,
			 const struct saying *saying)
{
	struct index_set taken = taken_indexes(job);
	i64 index = 0;
	for (u32 i = 0; i <= taken.ranges.len; i++) {
		bool last = i == taken.ranges.len;
		i64 until =
			last ? job->completions : MIN(taken.ranges.at[i].first, job->completions);
		for (; index < until && missing > 0; index++) {
			if (!index_may_start(job, index))
				continue;
			plan_create(job->plan, KIND_Pod, job->owner->namespace,
				    indexed_pod(job, pod, index), saying);
			missing--;
		}
		if (!last)
			index = taken.ranges.at[i].last + 1;
	}
}

static void make(struct job *job, i64 missing)
{
	struct saying saying = { job->owner, "SuccessfulCreate", "Created pod: %s", "FailedCreate",
				 "Error creating: %s" };
	i64 start_ns = job->per_index ? INT64_MIN : may_start_ns(job);
	if (start_ns > job->view->now_ns)
		return plan_wake(job->plan, start_ns);
	const struct doc *pod = new_pod(job);
	missing = MIN(missing, (i64)JOB_BURST_MAX);
	if (job->indexed)
		return make_indexed(job, pod, missing, &saying);
	for (i64 i = 0; i < missing; i++)
		plan_create(job->plan, KIND_Pod, job->owner->namespace, pod, &saying);
}

void job_manage(struct job *job)
{
	i64 active = job->active.len, wanted;
	if (job->suspended) {
		lose_surplus(job, active);
		return;
	}
	if (job->completions < 0) /* one success: what runs may run on, nothing is added */
		wanted = job->succeeded ? active : job->parallelism;
	else
		wanted = clamp_i64(job->completions - job->succeeded, 0, job->parallelism);
	if (lose_surplus(job, MAX(active - wanted, 0)))
		return;
	i64 missing = wanted - active - (job->only_failed ? job->terminating : 0);
	if (missing > 0)
		make(job, missing);
}
