/*
 * A pod's directory, DATA/node/pods/<uid>:
 *
 *	volumes/<name>		each volume (hostPath volumes stay where they are)
 *	subpaths/<container>/n	subPath mounts, bound once through a descriptor
 *	containers/<name>/n	termination messages of attempt n
 *	etc-hosts, resolv.conf, hostname, shm
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "node/agent_inside.h"
#include "node/pod_etc.h"
#include "sys/file.h"
#include "sys/mounts.h"

enum { VOLUMES_MAX = 128, VOLUME_RETRY_S = 5, SHM_BYTES = 64 << 20 };

struct volume_op {
	struct str name;
	const char *path;
	const struct doc *empty_dir, *host_path;
	struct volume_files files;
	bool has_files;
};

struct volume_job {
	struct pod *pod;
	struct arena *arena;
	struct volume_op ops[VOLUMES_MAX];
	u32 len;
	i64 gid;
	bool refresh;
	char directory[AGENT_PATH_MAX], logs[AGENT_PATH_MAX];
	enum status status;
	struct error error;
};

/* ---- making them */

static enum status plan_volume(struct volume_job *job, const struct doc *volume,
			       const struct pod_sources *sources)
{
	struct arena *arena = job->arena;
	const struct doc *copy = doc_copy(arena, volume);
	struct volume_op *op = &job->ops[job->len];
	struct str name = doc_at_str(copy, "name");
	enum status status = ST_OK;

	*op = (struct volume_op){
		.name = name,
		.path = str_c(arena, str_format(arena, "%s/volumes/" STR_FMT, job->pod->directory,
						STR_ARG(name))),
		.empty_dir = doc_key(copy, "emptyDir"),
		.host_path = doc_key(copy, "hostPath"),
		.has_files = volume_has_files(copy),
	};
	if (job->len + 1 == VOLUMES_MAX)
		return fail(&job->error, ST_TOO_LARGE, "more than %d volumes", VOLUMES_MAX);
	if (op->has_files)
		status = volume_files(arena, job->pod->doc, copy, sources, &op->files, &job->error);
	else if (!op->empty_dir && !op->host_path)
		status = fail(&job->error, ST_INVALID,
			      "volume \"" STR_FMT "\" is of a type this node cannot mount",
			      STR_ARG(name));
	if (status != ST_OK)
		fail_within(&job->error, "MountVolume.SetUp failed for volume \"" STR_FMT "\" ",
			    STR_ARG(name));
	else if (!job->refresh || op->has_files)
		job->len++;
	return status;
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

static void volume_work(void *self)
{
	struct volume_job *job = self;
	bool changed;

	for (u32 i = 0; i < job->len && job->status == ST_OK; i++) {
		struct volume_op *op = &job->ops[i];

		if (op->has_files)
			job->status =
				volume_write(op->path, &op->files, job->gid, &changed, &job->error);
		else if (op->empty_dir)
			job->status =
				volume_make_empty(op->path, op->empty_dir, job->gid, &job->error);
		else
			job->status = volume_check_host(op->host_path, &job->error);
		if (job->status != ST_OK)
			fail_within(&job->error,
				    "MountVolume.SetUp failed for volume \"" STR_FMT "\" ",
				    STR_ARG(op->name));
	}
}

static void volumes_made(void *self)
{
	struct volume_job *job = self;
	struct pod *pod = job->pod;
	struct pod_seen *seen = &pod->seen;

	if (job->status != ST_OK) {
		event_pod(pod, -1, true, "FailedMount", str_of(job->error.message));
		text_keep(&seen->volumes_message, str_of(job->error.message));
	}
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
	}
}

static void make_volumes(struct pod *pod, bool refresh)
{
	struct arena *arena = arena_new(0);
	struct volume_job *job = ARENA_NEW(arena, struct volume_job);
	struct pod_sources sources = sources_of(pod);

	job->arena = arena;
	job->pod = pod;
	job->refresh = refresh;
	job->gid = doc_at_int(pod->doc, "spec.securityContext.fsGroup", -1);
	if (refresh)
		pod->calls++;
	doc_each_item(doc_at(pod->doc, "spec.volumes"), volume)
		if (job->status == ST_OK)
			job->status = plan_volume(job, volume, &sources);
	own_files(job);
	if (job->len == 0 || job->status != ST_OK)
		volumes_made(job);
	else
		loop_work(pod->agent->loop, volume_work, volumes_made, job);
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

/* ---- the end */

static void end_work(void *self)
{
	struct volume_job *job = self;

	job->status = volumes_remove(job->directory, &job->error);
	if (job->status == ST_OK)
		job->status = file_remove_tree(job->logs, &job->error);
}

static void end_done(void *self)
{
	struct volume_job *job = self;
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
	struct volume_job *job = ARENA_NEW(arena, struct volume_job);

	job->arena = arena;
	job->pod = pod;
	memcpy(job->directory, pod->directory, sizeof job->directory);
	memcpy(job->logs, pod->logs, sizeof job->logs);
	loop_work(pod->agent->loop, end_work, end_done, job);
}

/* ---- mounts of one container */

struct mounting {
	struct agent_container *container;
	struct arena *arena;
	const struct str *env;
	u32 env_len;
	VEC(struct oci_mount) mounts;
	u32 subpaths;
};

static void add(struct mounting *m, struct str source, struct str target, bool read_only,
		struct str propagation)
{
	VEC_PUSH(m->arena, &m->mounts,
		 (struct oci_mount){ source, target, read_only, propagation });
}

static const struct doc *volume_named(const struct pod *pod, struct str name)
{
	doc_each_item(doc_at(pod->doc, "spec.volumes"), volume)
		if (str_eq(doc_at_str(volume, "name"), name))
			return volume;
	return NULL;
}

/* Binds what subPath names to a place of our own: found once, without leaving the volume, and
 * not found again by its name, which the container could have changed meanwhile (CVE-2021-25741).
 */
static enum status bind_subpath(struct mounting *m, const char *root, struct str subpath,
				struct str *ret_source, struct error *error)
{
	struct pod *pod = m->container->pod;
	struct str name = pod->seen.containers[m->container->index].name;
	const char *path = str_c(m->arena, subpath);
	int root_fd CLOSE_FD = open(root, O_PATH | O_CLOEXEC);
	int fd CLOSE_FD = root_fd < 0 ? -1 : open_in_root(root_fd, path, O_PATH, 0);
	struct stat info;

	if (fd < 0 && root_fd >= 0 && errno == ENOENT)
		fd = mkdir_in_root(root_fd, path, 0755);
	if (fd < 0 || fstat(fd, &info))
		return fail(error, ST_INVALID,
			    "failed to prepare subPath for volumeMount \"%s\": %s", path,
			    strerror(errno));
	struct str directory =
		str_format(m->arena, "%s/subpaths/" STR_FMT, pod->directory, STR_ARG(name));
	struct str target = str_format(m->arena, STR_FMT "/%u", STR_ARG(directory), m->subpaths++);
	enum status status = file_mkdir_all(directory.at, 0700, error);

	if (status != ST_OK)
		return status;
	mount_drop(target.at);
	if (S_ISDIR(info.st_mode)) {
		(void)!rmdir(target.at);
		(void)!unlink(target.at);
		status = file_mkdir_all(target.at, 0700, error);
	} else {
		(void)!rmdir(target.at);
		int made = open(target.at, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		if (made >= 0)
			close(made);
	}
	*ret_source = target;
	return status == ST_OK ? mount_bind_fd(fd, target.at, error) : status;
}

static enum status add_volume(struct mounting *m, const struct doc *mount, struct error *error)
{
	struct pod *pod = m->container->pod;
	struct str name = doc_at_str(mount, "name"), target = doc_at_str(mount, "mountPath");
	const struct doc *volume = volume_named(pod, name);
	const struct doc *host = doc_key(volume, "hostPath");
	struct str subpath = doc_at_str(mount, "subPath");
	struct str expression = doc_at_str(mount, "subPathExpr");
	struct str source =
		host ? doc_at_str(host, "path")
		     : str_format(m->arena, "%s/volumes/" STR_FMT, pod->directory, STR_ARG(name));
	bool read_only = doc_at_bool(mount, "readOnly", false) || volume_has_files(volume);
	enum status status = ST_OK;

	if (!volume)
		return fail(error, ST_INVALID, "volume \"" STR_FMT "\" not found", STR_ARG(name));
	if (expression.len)
		subpath = oci_expand(m->arena, expression, m->env, m->env_len);
	if (subpath.len)
		status = bind_subpath(m, str_c(m->arena, source), subpath, &source, error);
	if (status == ST_OK && !str_starts(target, STR("/")))
		target = str_format(m->arena, "/" STR_FMT, STR_ARG(target));
	if (status == ST_OK)
		add(m, source, target, read_only, doc_at_str(mount, "mountPropagation"));
	return status;
}

static bool is_target(const struct mounting *m, const char *target)
{
	for (u32 i = 0; i < m->mounts.len; i++)
		if (str_is(m->mounts.at[i].target, target))
			return true;
	return false;
}

static void add_file(struct mounting *m, const char *name, const char *target)
{
	struct str source = str_format(m->arena, "%s/%s", m->container->pod->directory, name);

	if (!is_target(m, target) && file_exists(source.at))
		add(m, source, str_of(target), false, STR_NONE);
}

static enum status add_termination(struct mounting *m, const struct doc *spec, struct str file,
				   struct error *error)
{
	struct str target = doc_at_str(spec, "terminationMessagePath");
	i64 slash = str_find_last(file, '/');
	enum status status =
		file_mkdir_all(str_c(m->arena, str_part(file, 0, (size_t)slash)), 0700, error);

	if (status != ST_OK)
		return status;
	int fd = open(file.at, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		return fail(error, ST_INTERNAL, "making %s: %s", file.at, strerror(errno));
	fchmod(fd, 0666); /* any user of the container may write it */
	close(fd);
	add(m, file, target.len ? target : STR("/dev/termination-log"), false, STR_NONE);
	return ST_OK;
}

enum status container_mounts(struct agent_container *container, struct arena *arena,
			     struct str termination_file, const struct str *env, u32 env_len,
			     struct oci_mount **ret_mounts, u32 *ret_len, struct error *error)
{
	struct mounting m = { container, arena, env, env_len, { 0 }, 0 };
	const struct doc *spec = pod_container(container->pod->doc, container->index);
	enum status status = ST_OK;

	doc_each_item(doc_key(spec, "volumeMounts"), mount)
		if (status == ST_OK)
			status = add_volume(&m, mount, error);
	if (status == ST_OK)
		status = add_termination(&m, spec, termination_file, error);
	if (status != ST_OK)
		return status;
	add_file(&m, "etc-hosts", "/etc/hosts");
	add_file(&m, "resolv.conf", "/etc/resolv.conf");
	add_file(&m, "hostname", "/etc/hostname");
	add_file(&m, "shm", "/dev/shm");
	*ret_mounts = m.mounts.at;
	*ret_len = m.mounts.len;
	return ST_OK;
}

/* ---- files of the pod itself */

static enum status write_text(struct pod *pod, const char *name, struct str text,
			      struct error *error)
{
	char path[AGENT_PATH_MAX + 32];

	snprintf(path, sizeof path, "%s/%s", pod->directory, name);
	int fd CLOSE_FD = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return fail(error, file_errno_status(errno), "writing %s: %s", path,
			    strerror(errno));
	return file_write_fd(fd, text, error);
}

static struct str read_text(struct arena *arena, const char *path)
{
	struct str text = STR_NONE;

	return file_read(arena, path, 64 << 10, &text, NULL) == ST_OK ? text : STR_NONE;
}

enum status pod_etc_files(struct pod *pod, struct error *error)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	const struct agent_config *config = &pod->agent->config;
	bool host = doc_at_bool(pod->doc, "spec.hostNetwork", false);
	struct pod_dns dns = { config->cluster_dns, config->cluster_domain,
			       read_text(arena, "/etc/resolv.conf") };
	struct str hosts = host ? read_text(arena, "/etc/hosts") : STR_NONE;
	char shm[AGENT_PATH_MAX + 32];
	enum status status = file_mkdir_all(pod->directory, 0700, error);

	if (status == ST_OK)
		status = write_text(pod, "etc-hosts",
				    pod_hosts_text(arena, pod->doc, pod->seen.ip,
						   config->cluster_domain, hosts),
				    error);
	if (status == ST_OK)
		status = write_text(pod, "resolv.conf", pod_resolv_text(arena, pod->doc, &dns),
				    error);
	if (status == ST_OK && !host)
		status = write_text(
			pod, "hostname",
			str_format(arena, STR_FMT "\n",
				   STR_ARG(pod_hostname(arena, pod->doc, false, STR_NONE))),
			error);
	snprintf(shm, sizeof shm, "%s/shm", pod->directory);
	if (status == ST_OK)
		status = file_mkdir_all(shm, 0755, error);
	if (status == ST_OK && !mount_is_point(shm))
		status = mount_tmpfs(shm, SHM_BYTES, 01777, error);
	return status;
}
