/*
 * The register of containers, and who waits for what. conmon writes an exit file when a container
 * ends: inotify tells. Should conmon itself be killed, a pidfd on it and then one on the container
 * tell instead. Nothing is ever polled.
 */
#include "node/runtime_crun.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "node/runtime_inside.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "sys/spawn.h"

i64 runtime_wall_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void unwatch(struct container *container)
{
	fd_watch_free(container->conmon_watch);
	fd_watch_free(container->pid_watch);
	container->conmon_watch = container->pid_watch = NULL;
	if (container->conmon_pidfd >= 0)
		close(container->conmon_pidfd);
	if (container->pidfd >= 0)
		close(container->pidfd);
	container->conmon_pidfd = container->pidfd = -1;
}

/* ---- the end of a container */

static void collect_work(void *self)
{
	container_collect(self);
}

static void collect_done(void *self)
{
	struct container *container = self;
	struct crun_runtime *runtime = container->runtime;

	container->collecting = false;
	if (container->record.finished_ns == 0)
		container->record.finished_ns = runtime_wall_now();
	if (runtime->listener.exited)
		runtime->listener.exited(runtime->listener.self, &container->record);
}

static void collect(struct container *container)
{
	if (container->collecting || container->record.phase == CONTAINER_EXITED ||
	    container->removing)
		return;
	container->collecting = true;
	unwatch(container);
	loop_work(container->runtime->loop, collect_work, collect_done, container);
}

static void pid_ended(void *self, int events)
{
	struct container *container = self;

	(void)events;
	fd_watch_free(container->pid_watch);
	container->pid_watch = NULL;
	collect(container);
}

/* conmon is gone. Normally the exit file came first; else the container lives on alone. */
static void conmon_ended(void *self, int events)
{
	struct container *container = self;
	char path[RUNTIME_PATH_MAX * 2];
	struct error error = ERROR_INIT;

	(void)events;
	fd_watch_free(container->conmon_watch);
	container->conmon_watch = NULL;
	if (container->busy)
		return; /* whoever is at work with it looks afterwards */
	container_exit_path(container, path, sizeof path);
	container->pidfd = file_exists(path) ? -1 : spawn_pidfd(container->record.pid);
	if (container->pidfd < 0) {
		collect(container);
		return;
	}
	log_warn("runtime",
		 "conmon of container " STR_FMT " is gone; its exit code will be unknown",
		 STR_ARG(container->record.id));
	container->pid_watch =
		fd_watch_new(container->runtime->loop, container->pidfd, pid_ended, container);
	if (fd_watch_set(container->pid_watch, FD_READABLE, &error) != ST_OK)
		collect(container);
}

void container_watch(struct container *container)
{
	struct error error = ERROR_INIT;

	container->conmon_pidfd = spawn_pidfd(container->conmon_pid);
	if (container->conmon_pidfd < 0 ||
	    spawn_start_ticks(container->conmon_pid) != container->conmon_ticks) {
		conmon_ended(container, 0);
		return;
	}
	container->conmon_watch = fd_watch_new(container->runtime->loop, container->conmon_pidfd,
					       conmon_ended, container);
	if (fd_watch_set(container->conmon_watch, FD_READABLE, &error) != ST_OK)
		log_warn("runtime", "watching conmon: %s", error.message);
}

static void exits_ready(void *self, int events)
{
	struct crun_runtime *runtime = self;
	char room[4096] __attribute__((aligned(8)));
	ssize_t got;

	(void)events;
	while ((got = read(runtime->exits_fd, room, sizeof room)) > 0) {
		for (char *at = room; at < room + got;) {
			struct inotify_event *event = (struct inotify_event *)at;
			struct container *container =
				event->len ? map_get(&runtime->containers, str_of(event->name))
					   : NULL;

			if (container && !container->busy)
				collect(container);
			at += sizeof *event + event->len;
		}
	}
}

/* ---- create and start */

static void create_done(void *self)
{
	struct create_job *job = self;
	struct container *container = job->container;

	container->busy = false;
	if (job->status == ST_OK) {
		container->record.phase = CONTAINER_CREATED;
		container_watch(container);
	} else {
		container->record.phase = CONTAINER_EXITED;
		container->record.finished_ns = runtime_wall_now();
	}
	job->done(job->arg, job->status, &job->error);
	arena_free(job->arena);
}

/* What a job keeps of the caller's words. */
static void copy_spec(struct create_job *job, const struct container_spec *spec)
{
	struct arena *arena = job->arena;
	struct str *layers = ARENA_ARRAY(arena, struct str, spec->layers_len + 1);

	job->spec = *spec;
	for (u32 i = 0; i < spec->layers_len; i++)
		layers[i] = str_copy(arena, spec->layers[i]);
	job->spec.layers = layers;
	job->spec.log_path = str_copy(arena, spec->log_path);
	job->spec.user = str_copy(arena, spec->user);
	job->spec.config = doc_copy(arena, spec->config);
}

static struct container *container_new(struct crun_runtime *runtime,
				       const struct container_spec *spec)
{
	struct arena *arena = arena_new(2048);
	struct container *container = ARENA_NEW(arena, struct container);

	container->runtime = runtime;
	container->arena = arena;
	container->conmon_pidfd = container->pidfd = -1;
	container->record = (struct container_record){
		.id = str_copy(arena, spec->id),
		.pod_uid = str_copy(arena, spec->pod_uid),
		.pod_namespace = str_copy(arena, spec->pod_namespace),
		.pod_name = str_copy(arena, spec->pod_name),
		.name = str_copy(arena, spec->name),
		.image = str_copy(arena, spec->image),
		.image_id = str_copy(arena, spec->image_id),
		.log_path = str_copy(arena, spec->log_path),
		.attempt = spec->attempt,
		.hash = spec->hash,
		.limits = spec->limits,
		.phase = CONTAINER_CREATED,
		.created_ns = runtime_wall_now(),
		.tty = spec->tty,
	};
	snprintf(container->directory, sizeof container->directory, "%s/containers/" STR_FMT,
		 runtime->directory, STR_ARG(spec->id));
	snprintf(container->group, sizeof container->group, "pod" STR_FMT "/%.12s",
		 STR_ARG(spec->pod_uid), container->record.id.at);
	map_put(&runtime->containers, container->record.id, container);
	return container;
}

static void warm_work(void *self)
{
	cgroup_warm(self);
}

static void warm_done(void *self)
{
	(void)self;
}

static void crun_create(void *self, const struct container_spec *spec, runtime_done *done,
			void *arg)
{
	struct crun_runtime *runtime = self;
	struct arena *arena = arena_new(0);
	struct create_job *job = ARENA_NEW(arena, struct create_job);

	CHECK(!map_get(&runtime->containers, spec->id));
	job->arena = arena;
	job->container = container_new(runtime, spec);
	job->container->busy = true;
	job->done = done;
	job->arg = arg;
	copy_spec(job, spec);
	loop_work(runtime->loop, container_create_work, create_done, job);
	/* By the time crun is done, joining the cgroups will be quick. */
	loop_work(runtime->loop, warm_work, warm_done, &runtime->cgroups);
}

struct start_job {
	struct container *container;
	runtime_done *done;
	void *arg;
	enum status status;
	struct error error;
	i64 started_ns;
	struct container_limits limits;
};

static void start_work(void *self)
{
	struct start_job *job = self;
	struct container *container = job->container;

	job->started_ns = runtime_wall_now();
	job->status = container_start(container, &job->error);
	container->record.started_ns = job->started_ns;
	if (job->status == ST_OK)
		container->record.phase = CONTAINER_RUNNING;
	if (container_save(container, NULL) != ST_OK)
		log_warn("runtime", "the start of a container could not be written down");
}

static void start_done(void *self)
{
	struct start_job *job = self;
	struct container *container = job->container;
	char path[RUNTIME_PATH_MAX * 2];

	container->busy = false;
	job->done(job->arg, job->status, &job->error);
	/* It may have ended while we were at it. */
	container_exit_path(container, path, sizeof path);
	if (file_exists(path) || !container->conmon_watch)
		conmon_ended(container, 0);
	free(job);
}

static struct start_job *start_job_new(struct container *container, runtime_done *done, void *arg)
{
	struct start_job *job = calloc(1, sizeof *job);

	CHECK(job);
	*job = (struct start_job){ .container = container, .done = done, .arg = arg };
	return job;
}

static void report_only(void *self)
{
	struct start_job *job = self;

	job->done(job->arg, job->status, &job->error);
	free(job);
}

static void crun_start(void *self, struct str id, runtime_done *done, void *arg)
{
	struct crun_runtime *runtime = self;
	struct container *container = map_get(&runtime->containers, id);
	struct start_job *job = start_job_new(container, done, arg);

	if (!container || container->busy || container->record.phase != CONTAINER_CREATED) {
		job->status = fail(&job->error, ST_CONFLICT, "container " STR_FMT " cannot start",
				   STR_ARG(id));
		loop_post(runtime->loop, report_only, job);
		return;
	}
	container->busy = true;
	loop_work(runtime->loop, start_work, start_done, job);
}

/* ---- resize */

static void resize_work(void *self)
{
	struct start_job *job = self;
	struct container *container = job->container;
	struct cgroup_limits limits = { .memory_bytes = job->limits.memory_bytes,
					.cpu_shares = job->limits.cpu_shares,
					.cpu_quota_us = job->limits.cpu_quota_us };

	job->status =
		cgroup_set(&container->runtime->cgroups, container->group, &limits, &job->error);
	if (job->status != ST_OK)
		return;
	container->record.limits = job->limits;
	job->status = container_save(container, &job->error);
}

static void crun_resize(void *self, struct str id, const struct container_limits *limits,
			runtime_done *done, void *arg)
{
	struct crun_runtime *runtime = self;
	struct container *container = map_get(&runtime->containers, id);
	struct start_job *job = start_job_new(container, done, arg);

	job->limits = *limits;
	if (!container || container->busy || container->record.phase != CONTAINER_RUNNING) {
		job->status = fail(&job->error, ST_CONFLICT,
				   "container " STR_FMT " cannot be resized", STR_ARG(id));
		loop_post(runtime->loop, report_only, job);
		return;
	}
	container->busy = true;
	loop_work(runtime->loop, resize_work, start_done, job);
}

/* ---- kill and remove */

static enum status crun_kill(void *self, struct str id, int signal, struct error *error)
{
	struct crun_runtime *runtime = self;
	struct container *container = map_get(&runtime->containers, id);

	if (!container || container->record.pid <= 0)
		return fail(error, ST_NOT_FOUND, "container " STR_FMT " does not run", STR_ARG(id));
	int pidfd = spawn_pidfd(container->record.pid);
	bool ours = spawn_start_ticks(container->record.pid) == container->pid_ticks;
	bool sent = pidfd >= 0 && ours && spawn_signal(pidfd, signal);

	if (pidfd >= 0)
		close(pidfd);
	if (!sent)
		return fail(error, ST_NOT_FOUND, "container " STR_FMT " has ended", STR_ARG(id));
	return ST_OK;
}

static void remove_work(void *self)
{
	struct start_job *job = self;

	job->status = container_remove(job->container, &job->error);
}

static void remove_done(void *self)
{
	struct start_job *job = self;
	struct container *container = job->container;

	if (container) {
		map_remove(&container->runtime->containers, container->record.id);
		unwatch(container);
		arena_free(container->arena);
	}
	if (job->done)
		job->done(job->arg, job->status, &job->error);
	free(job);
}

static void crun_remove(void *self, struct str id, runtime_done *done, void *arg)
{
	struct crun_runtime *runtime = self;
	struct container *container = map_get(&runtime->containers, id);

	if (container && (container->busy || container->collecting || container->removing)) {
		struct start_job *job = start_job_new(NULL, done, arg);

		job->status = fail(&job->error, ST_CONFLICT, "container " STR_FMT " is busy",
				   STR_ARG(id));
		loop_post(runtime->loop, remove_done, job);
		return;
	}
	struct start_job *job = start_job_new(container, done, arg);

	if (!container) {
		loop_post(runtime->loop, remove_done, job);
		return;
	}
	container->removing = true;
	unwatch(container);
	loop_work(runtime->loop, remove_work, remove_done, job);
}

/* ---- looking */

static const struct container_record *crun_each(void *self, u32 n)
{
	struct crun_runtime *runtime = self;

	for (struct map_entry *e = NULL; (e = map_next(&runtime->containers, e));)
		if (n-- == 0)
			return &((struct container *)e->value)->record;
	return NULL;
}

static const struct container_record *crun_find(void *self, struct str id)
{
	struct crun_runtime *runtime = self;
	struct container *container = map_get(&runtime->containers, id);

	return container ? &container->record : NULL;
}

static enum status crun_stats(void *self, struct str id, struct container_stats *ret_stats,
			      struct error *error)
{
	struct crun_runtime *runtime = self;
	struct container *container = map_get(&runtime->containers, id);
	struct cgroup_usage usage;

	if (!container)
		return fail(error, ST_NOT_FOUND, "no container " STR_FMT, STR_ARG(id));
	enum status status = cgroup_usage(&runtime->cgroups, container->group, &usage, error);

	if (status == ST_OK)
		*ret_stats =
			(struct container_stats){ usage.cpu_ns, usage.memory_bytes, usage.pids };
	return status;
}

static enum status crun_reopen_log(void *self, struct str id, struct error *error)
{
	struct crun_runtime *runtime = self;
	struct container *container = map_get(&runtime->containers, id);
	char path[RUNTIME_PATH_MAX + 32];

	if (!container)
		return fail(error, ST_NOT_FOUND, "no container " STR_FMT, STR_ARG(id));
	container_path(container, "ctl", path, sizeof path);
	int fd CLOSE_FD = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

	/* conmon's own little language: 2 is "open the log again". */
	if (fd < 0 || write(fd, "2 0 0\n", 6) != 6)
		return fail(error, ST_INTERNAL, "telling conmon: %s", strerror(errno));
	return ST_OK;
}

static bool any_busy(const struct crun_runtime *runtime)
{
	for (struct map_entry *e = NULL; (e = map_next(&runtime->containers, e));) {
		const struct container *container = e->value;

		if (container->busy || container->collecting || container->removing)
			return true;
	}
	return false;
}

static void crun_close(void *self)
{
	struct crun_runtime *runtime = self;

	/* What is on the pool refers to us; each piece ends by itself. */
	while (any_busy(runtime))
		loop_run_once(runtime->loop, true);
	fd_watch_free(runtime->exits_watch);
	if (runtime->exits_fd >= 0)
		close(runtime->exits_fd);
	for (struct map_entry *e = NULL; (e = map_next(&runtime->containers, e));) {
		struct container *container = e->value;

		unwatch(container);
		arena_free(container->arena);
	}
	map_release(&runtime->containers);
	free(runtime);
}

/* ---- making the runtime */

static enum status find_program(const char *name, char *room, size_t len, struct error *error)
{
	static const char *const places[] = { "/usr/bin", "/usr/local/bin", "/usr/sbin",
					      "/usr/libexec/podman" };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		snprintf(room, len, "%s/%s", places[i], name);
		if (access(room, X_OK) == 0)
			return ST_OK;
	}
	return fail(error, ST_UNAVAILABLE, "%s is not installed: pods cannot run on this machine",
		    name);
}

static enum status watch_exits(struct crun_runtime *runtime, struct error *error)
{
	char path[RUNTIME_PATH_MAX + 16];

	snprintf(path, sizeof path, "%s/exits", runtime->directory);
	runtime->exits_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (runtime->exits_fd < 0 ||
	    inotify_add_watch(runtime->exits_fd, path, IN_CLOSE_WRITE | IN_MOVED_TO) < 0)
		return fail(error, ST_INTERNAL, "watching %s: %s", path, strerror(errno));
	runtime->exits_watch = fd_watch_new(runtime->loop, runtime->exits_fd, exits_ready, runtime);
	return fd_watch_set(runtime->exits_watch, FD_READABLE, error);
}

static enum status prepare(struct crun_runtime *runtime, const char *cgroup_parent,
			   struct error *error)
{
	static const char *const names[] = { "containers", "exits", "crun" };
	char path[RUNTIME_PATH_MAX + 16];
	enum status status = find_program("conmon", runtime->conmon, sizeof runtime->conmon, error);

	if (status == ST_OK)
		status = find_program("crun", runtime->crun, sizeof runtime->crun, error);
	for (size_t i = 0; status == ST_OK && i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof path, "%s/%s", runtime->directory, names[i]);
		status = file_mkdir_all(path, 0700, error);
	}
	if (status == ST_OK)
		status = cgroups_open(&runtime->cgroups, cgroup_parent, error);
	return status == ST_OK ? watch_exits(runtime, error) : status;
}

enum status runtime_crun_new(struct loop *loop, struct str directory, const char *cgroup_parent,
			     struct runtime **ret_runtime, struct error *error)
{
	struct crun_runtime *runtime = calloc(1, sizeof *runtime);

	CHECK(runtime && directory.len < RUNTIME_DIRECTORY_MAX);
	runtime->loop = loop;
	runtime->exits_fd = -1;
	snprintf(runtime->directory, sizeof runtime->directory, STR_FMT, STR_ARG(directory));
	snprintf(runtime->root_option, sizeof runtime->root_option, "--root=%s/crun",
		 runtime->directory);
	runtime->runtime = (struct runtime){
		.self = runtime,
		.open = runtime_take_up,
		.create = crun_create,
		.start = crun_start,
		.kill = crun_kill,
		.remove = crun_remove,
		.each = crun_each,
		.find = crun_find,
		.exec = crun_exec,
		.attach = crun_attach,
		.exec_input = crun_exec_input,
		.exec_resize = crun_exec_resize,
		.exec_pause = crun_exec_pause,
		.exec_cancel = crun_exec_cancel,
		.stats = crun_stats,
		.reopen_log = crun_reopen_log,
		.resize = crun_resize,
		.close = crun_close,
	};
	enum status status = prepare(runtime, cgroup_parent, error);

	if (status != ST_OK) {
		crun_close(runtime);
		return status;
	}
	*ret_runtime = &runtime->runtime;
	return ST_OK;
}
