/*
 * A pod's volumes, made before its containers. They lie in DATA/node/pods/<uid>:
 *
 *	volumes/<name>		each volume (the pod's own hostPath volumes stay where they are)
 *	subpaths/<container>/n	subPath mounts, bound once through a descriptor
 *	containers/<name>/n	termination messages of attempt n
 *	etc-hosts, resolv.conf, hostname, shm
 *
 * The loop decides what each volume comes down to; the pool writes and mounts.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "node/agent_inside.h"
#include "node/volume_source.h"

enum { VOLUMES_MAX = 128, VOLUME_RETRY_S = 5 };

struct volume_op {
	struct volume_job *job;
	struct str name;
	const char *path;
	struct volume_source what;
	struct volume_files files;
	const struct str *layers; /* of an image */
	u32 layers_len;
};

struct volume_job {
	struct pod *pod;
	struct arena *arena;
	struct volume_op ops[VOLUMES_MAX];
	u32 len, images; /* images still being fetched */
	i64 gid;
	bool refresh, on_mismatch;
	bool waits;	  /* a claim is not bound yet: no failure, only early */
	bool starting;	  /* images are being asked for: answers may come at once */
	const char *base; /* DATA/volumes */
	enum status status;
	struct error error;
};

/* ---- deciding, on the loop */

static enum status plan_op(struct volume_job *job, struct volume_op *op, const struct doc *volume,
			   const struct pod_sources *sources)
{
	struct arena *arena = job->arena;
	enum status status =
		volume_resolve(arena, job->pod->doc, volume, sources, &op->what, &job->error);

	job->waits |= op->what.waits;
	if (status != ST_OK)
		return status;
	/* Documents change while the pool works. */
	op->what.volume = str_copy(arena, op->what.volume);
	if (op->what.source)
		op->what.source = doc_copy(arena, op->what.source);
	if (op->what.mount_options)
		op->what.mount_options = doc_copy(arena, op->what.mount_options);
	return op->what.sort == VOLUME_FILES ? volume_files(arena, job->pod->doc, volume, sources,
							    &op->files, &job->error)
					     : ST_OK;
}

static void explain(struct volume_job *job, const struct volume_op *op)
{
	struct str name = op->what.volume.len ? op->what.volume : op->name;

	if (job->waits) {
		char why[ERROR_MESSAGE_MAX];

		snprintf(why, sizeof why, "%s", job->error.message);
		(void)fail(&job->error, job->status,
			   "Unable to attach or mount volumes: unmounted volumes=[" STR_FMT
			   "], unattached volumes=[], failed to process volumes=[" STR_FMT "]: %s",
			   STR_ARG(op->name), STR_ARG(op->name), why);
	} else if (!str_starts(str_of(job->error.message), STR("MountVolume."))) {
		fail_within(&job->error, "MountVolume.SetUp failed for volume \"" STR_FMT "\" ",
			    STR_ARG(name));
	}
}

static void plan_volume(struct volume_job *job, const struct doc *volume,
			const struct pod_sources *sources)
{
	struct volume_op *op = &job->ops[job->len];
	struct str name = str_copy(job->arena, doc_at_str(volume, "name"));

	*op = (struct volume_op){ .job = job, .name = name };
	op->path = str_format(job->arena, "%s/volumes/" STR_FMT, job->pod->directory, STR_ARG(name))
			   .at;
	if (job->len + 1 == VOLUMES_MAX)
		job->status = fail(&job->error, ST_TOO_LARGE, "more than %d volumes", VOLUMES_MAX);
	else if (!job->refresh || volume_has_files(volume))
		job->status = plan_op(job, op, volume, sources);
	else
		return;
	if (job->status != ST_OK)
		explain(job, op);
	else
		job->len++;
}

/* What the pool writes must not be shared with what the loop may free meanwhile. */
static void own_files(struct volume_job *job)
{
	for (u32 i = 0; i < job->len; i++)
		for (u32 k = 0; k < job->ops[i].files.files.len; k++) {
			struct volume_file *file = &job->ops[i].files.files.at[k];

			file->path = str_copy(job->arena, file->path);
			file->contents = str_copy(job->arena, file->contents);
		}
}

/* ---- doing, in the pool */

static enum status do_bound(struct volume_job *job, struct volume_op *op)
{
	const char *path = str_c(job->arena, doc_at_str(op->what.source, "path"));
	enum status status = ST_OK;

	if (op->what.managed)
		status = volume_make_managed(path, job->base, &job->error);
	else if (doc_key(op->what.source, "type"))
		status = volume_check_host(op->what.source, &job->error);
	if (status == ST_OK && op->what.grouped && job->gid >= 0 && !op->what.read_only)
		status = volume_give_group(path, job->gid, job->on_mismatch, &job->error);
	return status == ST_OK ? volume_bind(path, op->path, &job->error) : status;
}

static enum status do_op(struct volume_job *job, struct volume_op *op)
{
	bool changed;

	switch (op->what.sort) {
	case VOLUME_FILES:
		return volume_write(op->path, &op->files, job->gid, &changed, &job->error);
	case VOLUME_EMPTY_DIR:
		return volume_make_empty(op->path, op->what.source, job->gid, &job->error);
	case VOLUME_HOST_PATH:
		return volume_check_host(op->what.source, &job->error);
	case VOLUME_BOUND:
		return do_bound(job, op);
	case VOLUME_NFS:
		return volume_mount_nfs(op->what.source, op->what.mount_options, op->what.read_only,
					op->path, &job->error);
	case VOLUME_IMAGE:
		return volume_mount_image(op->layers, op->layers_len, op->path, &job->error);
	}
	return ST_INTERNAL;
}

static void volume_work(void *self)
{
	struct volume_job *job = self;

	for (u32 i = 0; i < job->len && job->status == ST_OK; i++) {
		job->status = do_op(job, &job->ops[i]);
		if (job->status != ST_OK)
			explain(job, &job->ops[i]);
	}
}

/* ---- and what came of it */

/* A claim that is being bound is no news; one that stays unbound is. */
static void tell_failure(struct volume_job *job)
{
	struct pod *pod = job->pod;

	if (!job->waits || pod->volumes_told)
		event_pod(pod, -1, true, "FailedMount", str_of(job->error.message));
	pod->volumes_told = true;
	text_keep(&pod->seen.volumes_message, str_of(job->error.message));
}

static void volumes_made(void *self)
{
	struct volume_job *job = self;
	struct pod *pod = job->pod;
	struct pod_seen *seen = &pod->seen;

	if (job->status != ST_OK)
		tell_failure(job);
	if (job->refresh)
		pod->calls--;
	else
		seen->volumes = job->status == ST_OK ? SEEN_READY : SEEN_FAILED;
	seen->volumes_retry_ns = agent_wall() + VOLUME_RETRY_S * NS_PER_S;
	arena_free(job->arena);
	pod_wake(pod);
	if (pod->volumes_again && seen->volumes == SEEN_READY) {
		pod->volumes_again = false;
		volumes_refresh(pod);
	} else if (pod->volumes_again) {
		/* What it waited for has come meanwhile. */
		pod->volumes_again = false;
		seen->volumes_retry_ns = 0;
	}
}

static void go_on(struct volume_job *job)
{
	if (job->images || job->starting)
		return;
	if (job->len == 0 || job->status != ST_OK)
		volumes_made(job);
	else
		loop_work(job->pod->agent->loop, volume_work, volumes_made, job);
}

/* ---- images that are volumes */

static void image_done(void *arg, const struct image *image, const struct error *error)
{
	struct volume_op *op = arg;
	struct volume_job *job = op->job;

	job->images--;
	if (error && job->status == ST_OK) {
		job->status = fail(&job->error, error->status, "failed to pull image: %s",
				   error->message);
		explain(job, op);
	} else if (!error) {
		struct str *layers = ARENA_ARRAY(job->arena, struct str, image->layers_len + 1);

		for (u32 i = 0; i < image->layers_len; i++)
			layers[i] = str_copy(job->arena, image->layers[i]);
		op->layers = layers;
		op->layers_len = image->layers_len;
	}
	go_on(job);
}

static void image_pulling(void *arg)
{
	struct volume_op *op = arg;
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);

	event_pod(op->job->pod, -1, false, "Pulling",
		  str_format(arena, "Pulling image \"" STR_FMT "\"",
			     STR_ARG(doc_at_str(op->what.source, "reference"))));
}

/* Always for a tag that moves, as for a container's image. */
static struct str pull_policy(const struct doc *source)
{
	struct str policy = doc_at_str(source, "pullPolicy");
	struct str name = doc_at_str(source, "reference");
	i64 slash = str_find_last(name, '/'), colon = str_find_last(name, ':');

	if (policy.len)
		return policy;
	return colon <= slash || str_ends(name, STR(":latest")) ? STR("Always")
								: STR("IfNotPresent");
}

static void fetch_images(struct volume_job *job)
{
	static const struct image_events events = { image_pulling, image_done };
	const struct image_source *images = job->pod->agent->images;
	struct str auths[POD_AUTHS_MAX];
	u32 auths_len = pod_pull_auths(job->pod, job->arena, auths);

	job->starting = true;
	for (u32 i = 0; i < job->len && job->status == ST_OK; i++) {
		struct volume_op *op = &job->ops[i];
		struct image_request request = { .auths = auths, .auths_len = auths_len };

		if (op->what.sort != VOLUME_IMAGE)
			continue;
		request.name = doc_at_str(op->what.source, "reference");
		request.policy = pull_policy(op->what.source);
		job->images++;
		images->get(images->self, &request, &events, op);
	}
	job->starting = false;
}

/* ---- starting */

static void make_volumes(struct pod *pod, bool refresh)
{
	struct arena *arena = arena_new(0);
	struct volume_job *job = ARENA_NEW(arena, struct volume_job);
	struct pod_sources sources = sources_of(pod);
	const struct doc *security = doc_at(pod->doc, "spec.securityContext");

	job->arena = arena;
	job->pod = pod;
	job->refresh = refresh;
	job->gid = doc_at_int(security, "fsGroup", -1);
	job->on_mismatch = str_is(doc_at_str(security, "fsGroupChangePolicy"), "OnRootMismatch");
	job->base = str_format(arena, STR_FMT "/volumes", STR_ARG(pod->agent->config.data)).at;
	if (refresh)
		pod->calls++;
	doc_each_item(doc_at(pod->doc, "spec.volumes"), volume)
		if (job->status == ST_OK)
			plan_volume(job, volume, &sources);
	own_files(job);
	fetch_images(job);
	go_on(job);
}

void volumes_start(struct pod *pod)
{
	pod->seen.volumes = SEEN_WORKING;
	pod->sources_waiting = !sources_ready(pod);
	if (!pod->sources_waiting)
		make_volumes(pod, false);
}

void volumes_refresh(struct pod *pod)
{
	if (pod->ending || pod->gone)
		return;
	if (pod->seen.volumes == SEEN_WORKING || pod->sources_waiting)
		pod->volumes_again = true;
	else if (pod->seen.volumes == SEEN_READY && sources_ready(pod))
		make_volumes(pod, true);
}
