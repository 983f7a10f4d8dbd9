/* The end of a pod on this node: its containers, its volumes, its files. */
#include <string.h>

#include "base/log.h"
#include "node/agent_inside.h"
#include "sys/file.h"

struct end_job {
	struct pod *pod;
	struct arena *arena;
	char directory[AGENT_PATH_MAX], logs[AGENT_PATH_MAX];
	enum status status;
	struct error error;
};

static void end_work(void *self)
{
	struct end_job *job = self;

	job->status = volumes_remove(job->directory, &job->error);
	if (job->status == ST_OK)
		job->status = file_remove_tree(job->logs, &job->error);
}

static void end_done(void *self)
{
	struct end_job *job = self;
	struct pod *pod = job->pod;

	pod->ending = false;
	pod->seen.volumes = SEEN_NONE;
	if (job->status != ST_OK) {
		log_warn("node", "pod " STR_FMT "/" STR_FMT ": %s", STR_ARG(pod->ns),
			 STR_ARG(pod->name), job->error.message);
		pod->seen.volumes = SEEN_FAILED;
		timer_start(pod->timer, 1000, 0);
	} else {
		pod_wake(pod);
	}
	arena_free(job->arena);
}

static void container_removed(void *arg, enum status status, const struct error *error)
{
	struct pod *pod = arg;

	if (status != ST_OK)
		log_debug("node", "%s", error->message);
	pod->calls--;
	if (pod->calls == 0 && pod->ending)
		volumes_end(pod);
}

/* Containers first (their logs and roots), then the directory. Comes back until none is left. */
void volumes_end(struct pod *pod)
{
	struct runtime *runtime = pod->agent->runtime;
	struct arena *scratch CLEANUP(arena_free_cleanup) = arena_new(0);
	const struct container_record *record;
	VEC(struct str) ids = { 0 };

	pod->ending = true;
	pod->seen.volumes = SEEN_WORKING;
	for (u32 n = 0; (record = runtime->each(runtime->self, n)); n++)
		if (str_eq(record->pod_uid, pod->uid))
			VEC_PUSH(scratch, &ids, str_copy(scratch, record->id));
	for (u32 i = 0; i < ids.len; i++) {
		pod->calls++;
		runtime->remove(runtime->self, ids.at[i], container_removed, pod);
	}
	if (ids.len || pod->calls)
		return;
	struct arena *arena = arena_new(0);
	struct end_job *job = ARENA_NEW(arena, struct end_job);

	job->arena = arena;
	job->pod = pod;
	memcpy(job->directory, pod->directory, sizeof job->directory);
	memcpy(job->logs, pod->logs, sizeof job->logs);
	loop_work(pod->agent->loop, end_work, end_done, job);
}
