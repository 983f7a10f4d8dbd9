/*
 * The node's own word on its pods: a new one is looked at once before anything is made for it, and
 * those with limits on disk are measured while they run. What is refused or evicted ends as Failed.
 */
#include <stdio.h>

#include "base/log.h"
#include "node/agent_inside.h"
#include "node/pod_admit.h"
#include "sys/file.h"

enum { STORAGE_CHECK_MS = 10000 };

static void reject(struct pod *pod, const struct verdict *verdict, const char *before)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);

	text_keep(&pod->seen.rejected_reason, verdict->reason);
	text_keep(&pod->seen.rejected_message,
		  str_format(arena, "%s" STR_FMT, before, STR_ARG(verdict->message)));
	event_pod(pod, -1, true, pod->seen.rejected_reason.at, verdict->message);
	pod_wake(pod);
}

/* ---- on arrival */

static bool counts(const struct pod *pod)
{
	struct str phase = doc_at_str(pod->doc, "status.phase");

	return !pod->gone && !pod->admitting && !pod->seen.rejected_reason.len &&
	       !pod->seen.finished && !str_is(phase, "Succeeded") && !str_is(phase, "Failed");
}

/* Beside the other pods. */
static struct verdict judge(struct pod *pod, struct arena *arena, const struct doc *labels)
{
	struct agent *agent = pod->agent;
	struct node_room room = { .labels = labels,
				  .cpu_milli = agent->cpu_milli,
				  .memory_bytes = agent->memory_bytes,
				  .pods_max = agent->config.pods_max };

	for (struct pod *other = agent->pods; other; other = other->next) {
		if (other == pod || !counts(other))
			continue;
		room.pods++;
		pod_add_requests(arena, other->doc, &room.used_cpu_milli, &room.used_memory_bytes);
	}
	return pod_admit(arena, pod->doc, &room);
}

/* On an empty node it would not fit either. */
static bool never_fits(struct pod *pod, struct arena *arena)
{
	struct node_room room = { .cpu_milli = pod->agent->cpu_milli,
				  .memory_bytes = pod->agent->memory_bytes,
				  .pods_max = pod->agent->config.pods_max };

	return pod_admit(arena, pod->doc, &room).reason.len > 0;
}

bool pod_find_room(struct pod *pod)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct verdict verdict = judge(pod, arena, NULL);
	bool fits = verdict.reason.len == 0;

	text_keep(&pod->seen.resize_reason, fits		     ? STR_NONE
					    : never_fits(pod, arena) ? STR("Infeasible")
								     : STR("Deferred"));
	text_keep(&pod->seen.resize_message, verdict.message);
	return fits;
}

static void admit(struct pod *pod, const struct doc *labels)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct verdict verdict = judge(pod, arena, labels);

	pod->admitting = false;
	if (verdict.reason.len)
		reject(pod, &verdict, "Pod was rejected: ");
	pod_wake(pod);
}

static void node_got(void *self, const struct doc *object, const struct error *error)
{
	struct pod *pod = self;

	pod->calls--;
	if (error) /* the scheduler has looked at the labels already */
		log_warn("node", "reading this node's labels: %s", error->message);
	admit(pod, doc_at(object, "metadata.labels"));
}

void pod_begin_admission(struct pod *pod)
{
	struct agent *agent = pod->agent;
	struct str reason = doc_at_str(pod->doc, "status.reason");

	if (pod->seen.finished && reason.len && !str_is(reason, "DeadlineExceeded")) {
		text_keep(&pod->seen.rejected_reason, reason);
		text_keep(&pod->seen.rejected_message, doc_at_str(pod->doc, "status.message"));
	}
	/* One that has been taken in stays, whatever has changed since. */
	if (pod->seen.finished || pod_deleting(pod->doc) ||
	    doc_at_str(pod->doc, "status.startTime").len)
		return;
	pod->admitting = true;
	if (!pod_wants_labels(pod->doc)) {
		admit(pod, NULL);
		return;
	}
	pod->calls++;
	client_get(agent->client, KIND_Node, STR_NONE, agent->config.node_name, node_got, pod);
}

/* ---- disk */

struct measure_job {
	struct agent *agent;
	struct arena *arena;
	struct str uid;
	const struct doc *pod;
	const char **volume_paths, **container_paths, **log_paths;
	i64 *volume_bytes, *container_bytes;
	struct str *volumes;
	u32 volumes_len, containers_len;
};

static void measure_work(void *self)
{
	struct measure_job *job = self;

	for (u32 i = 0; i < job->volumes_len; i++)
		job->volume_bytes[i] = file_tree_bytes(job->volume_paths[i]);
	for (u32 i = 0; i < job->containers_len; i++)
		job->container_bytes[i] = file_tree_bytes(job->container_paths[i]) +
					  file_tree_bytes(job->log_paths[i]);
}

static void measure_done(void *self)
{
	struct measure_job *job = self;
	struct agent *agent = job->agent;
	struct pod *pod = map_get(&agent->by_uid, job->uid);
	struct storage_use use = { job->volumes, job->volume_bytes, job->volumes_len,
				   job->container_bytes, job->containers_len };

	agent->measuring--;
	if (pod && counts(pod) && !agent->stopping) {
		struct verdict verdict = pod_storage_verdict(job->arena, job->pod, &use);

		if (verdict.reason.len)
			reject(pod, &verdict, "");
	}
	arena_free(job->arena);
}

static void find_volumes(struct measure_job *job, const struct pod *pod)
{
	struct arena *arena = job->arena;
	u32 len = doc_len(doc_at(pod->doc, "spec.volumes"));

	job->volumes = ARENA_ARRAY(arena, struct str, len + 1);
	job->volume_paths = ARENA_ARRAY(arena, const char *, len + 1);
	job->volume_bytes = ARENA_ARRAY(arena, i64, len + 1);
	doc_each_item(doc_at(job->pod, "spec.volumes"), volume) {
		struct str name = doc_at_str(volume, "name");

		if (!doc_key(volume, "emptyDir") ||
		    str_is(doc_at_str(volume, "emptyDir.medium"), "Memory"))
			continue;
		job->volumes[job->volumes_len] = name;
		job->volume_paths[job->volumes_len++] =
			str_c(arena, str_format(arena, "%s/volumes/" STR_FMT, pod->directory,
						STR_ARG(name)));
	}
}

static void measure(struct pod *pod)
{
	struct agent *agent = pod->agent;
	struct arena *arena = arena_new(0);
	struct measure_job *job = ARENA_NEW(arena, struct measure_job);
	u32 len = pod->seen.containers_len;

	*job = (struct measure_job){ .agent = agent,
				     .arena = arena,
				     .uid = str_copy(arena, pod->uid),
				     .pod = doc_copy(arena, pod->doc) };
	find_volumes(job, pod);
	job->container_paths = ARENA_ARRAY(arena, const char *, len + 1);
	job->log_paths = ARENA_ARRAY(arena, const char *, len + 1);
	job->container_bytes = ARENA_ARRAY(arena, i64, len + 1);
	for (u32 i = 0; i < len; i++) {
		const struct container_seen *seen = &pod->seen.containers[i];

		job->container_paths[i] =
			str_c(arena, str_format(arena, STR_FMT "/node/containers/" STR_FMT "/upper",
						STR_ARG(agent->config.data), STR_ARG(seen->id)));
		job->log_paths[i] = str_c(
			arena, str_format(arena, "%s/" STR_FMT, pod->logs, STR_ARG(seen->name)));
	}
	job->containers_len = len;
	agent->measuring++;
	loop_work(agent->loop, measure_work, measure_done, job);
}

/* Nothing tells of a growing folder: pods that have a limit are looked at, and only they. */
static void measure_all(void *self)
{
	struct agent *agent = self;
	bool any = false;

	if (agent->measuring || agent->stopping)
		return;
	for (struct pod *pod = agent->pods; pod; pod = pod->next) {
		if (!counts(pod) || !pod_limits_storage(pod->doc))
			continue;
		any = true;
		measure(pod);
	}
	if (!any)
		timer_stop(agent->storage_timer);
}

void storage_watch(struct pod *pod)
{
	struct agent *agent = pod->agent;

	if (!agent->storage_timer)
		agent->storage_timer = timer_new(agent->loop, measure_all, agent);
	if (!timer_running(agent->storage_timer) && counts(pod) && pod_limits_storage(pod->doc))
		timer_start(agent->storage_timer, STORAGE_CHECK_MS, STORAGE_CHECK_MS);
}
