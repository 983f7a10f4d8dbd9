/*
 * How one container comes to be and how its end is read: overlay, cgroups, config.json, conmon,
 * crun. Straight-line blocking code for the pool's threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "doc/build.h"
#include "doc/json.h"
#include "node/passwd.h"
#include "node/runtime_inside.h"
#include "sys/file.h"
#include "sys/mounts.h"
#include "sys/spawn.h"
#include "sys/strays.h"

enum { CONMON_TIMEOUT_MS = 5000 };

const char *container_path(const struct container *container, const char *name, char *room,
			   size_t len)
{
	snprintf(room, len, "%s/%s", container->directory, name);
	return room;
}

const char *container_exit_path(const struct container *container, char *room, size_t len)
{
	snprintf(room, len, "%s/exits/" STR_FMT, container->runtime->directory,
		 STR_ARG(container->record.id));
	return room;
}

/* As file_write_fd, with the file's name: whoever reads of a full disk wants to know which. */
static enum status write_text(int fd, struct str text, const char *path, struct error *error)
{
	enum status status = file_write_fd(fd, text, NULL);

	if (status == ST_OK)
		return ST_OK;
	return fail(error, status, "writing %s: %s", path,
		    status == ST_NO_SPACE ? "the disk is full" : strerror(errno));
}

/* ---- state.json */

enum status container_save(const struct container *container, struct error *error)
{
	const struct container_record *record = &container->record;
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	char path[RUNTIME_PATH_MAX + 32], fresh[RUNTIME_PATH_MAX + 32];
	struct build b = build_object(arena);

	build_str(&b, "podUID", record->pod_uid);
	build_str(&b, "podNamespace", record->pod_namespace);
	build_str(&b, "podName", record->pod_name);
	build_str(&b, "name", record->name);
	build_str(&b, "image", record->image);
	build_str(&b, "imageID", record->image_id);
	build_str(&b, "logPath", record->log_path);
	build_str(&b, "group", str_of(container->group));
	build_int(&b, "attempt", record->attempt);
	build_str(&b, "hash", str_format(arena, "%llx", (unsigned long long)record->hash));
	build_int(&b, "phase", record->phase);
	build_int(&b, "pid", record->pid);
	build_str(&b, "pidTicks",
		  str_format(arena, "%llu", (unsigned long long)container->pid_ticks));
	build_int(&b, "conmonPid", container->conmon_pid);
	build_str(&b, "conmonTicks",
		  str_format(arena, "%llu", (unsigned long long)container->conmon_ticks));
	build_int(&b, "createdNs", record->created_ns);
	build_int(&b, "startedNs", record->started_ns);
	build_int(&b, "finishedNs", record->finished_ns);
	build_int(&b, "memoryBytes", record->limits.memory_bytes);
	build_int(&b, "cpuShares", record->limits.cpu_shares);
	build_int(&b, "cpuQuotaUs", record->limits.cpu_quota_us);
	build_int(&b, "exitCode", record->exit_code);
	build_bool(&b, "oomKilled", record->oom_killed);
	build_bool(&b, "unknown", record->unknown);
	build_bool(&b, "tty", record->tty);

	struct str text = json_text(arena, build_done(&b));

	container_path(container, "state.json.new", fresh, sizeof fresh);
	container_path(container, "state.json", path, sizeof path);
	int fd CLOSE_FD = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return fail(error, file_errno_status(errno), "writing %s: %s", fresh,
			    strerror(errno));
	enum status status = write_text(fd, text, fresh, error);

	if (status == ST_OK && rename(fresh, path))
		status = fail(error, ST_INTERNAL, "writing %s: %s", path, strerror(errno));
	return status;
}

static struct str text_of(struct arena *arena, const struct doc *state, const char *key)
{
	return str_copy(arena, doc_at_str(state, key));
}

struct container *container_load(struct crun_runtime *runtime, struct str id)
{
	struct arena *arena = arena_new(0);
	struct container *container = ARENA_NEW(arena, struct container);
	struct container_record *record = &container->record;
	char path[RUNTIME_PATH_MAX + 32];
	const struct doc *state = NULL;
	struct str text;

	container->runtime = runtime;
	container->arena = arena;
	container->conmon_pidfd = container->pidfd = -1;
	snprintf(container->directory, sizeof container->directory, "%s/containers/" STR_FMT,
		 runtime->directory, STR_ARG(id));
	container_path(container, "state.json", path, sizeof path);
	if (file_read(arena, path, STATE_BYTES_MAX, &text, NULL) != ST_OK ||
	    json_parse(arena, text, &state, NULL) != ST_OK) {
		arena_free(arena);
		return NULL;
	}
	*record = (struct container_record){
		.id = str_copy(arena, id),
		.pod_uid = text_of(arena, state, "podUID"),
		.pod_namespace = text_of(arena, state, "podNamespace"),
		.pod_name = text_of(arena, state, "podName"),
		.name = text_of(arena, state, "name"),
		.image = text_of(arena, state, "image"),
		.image_id = text_of(arena, state, "imageID"),
		.log_path = text_of(arena, state, "logPath"),
		.attempt = (u32)doc_at_int(state, "attempt", 0),
		.hash = strtoull(str_c(arena, doc_at_str(state, "hash")), NULL, 16),
		.phase = (enum container_phase)doc_at_int(state, "phase", 0),
		.pid = (i32)doc_at_int(state, "pid", 0),
		.created_ns = doc_at_int(state, "createdNs", 0),
		.started_ns = doc_at_int(state, "startedNs", 0),
		.finished_ns = doc_at_int(state, "finishedNs", 0),
		.limits = { .memory_bytes = doc_at_int(state, "memoryBytes", 0),
			    .cpu_shares = doc_at_int(state, "cpuShares", 0),
			    .cpu_quota_us = doc_at_int(state, "cpuQuotaUs", 0) },
		.exit_code = (i32)doc_at_int(state, "exitCode", 0),
		.oom_killed = doc_at_bool(state, "oomKilled", false),
		.unknown = doc_at_bool(state, "unknown", false),
		.tty = doc_at_bool(state, "tty", false),
	};
	container->conmon_pid = (int)doc_at_int(state, "conmonPid", 0);
	container->pid_ticks = strtoull(str_c(arena, doc_at_str(state, "pidTicks")), NULL, 10);
	container->conmon_ticks =
		strtoull(str_c(arena, doc_at_str(state, "conmonTicks")), NULL, 10);
	snprintf(container->group, sizeof container->group, STR_FMT,
		 STR_ARG(doc_at_str(state, "group")));
	return container;
}

/* ---- making it */

static enum status make_directories(const struct create_job *job, struct error *error)
{
	static const char *const names[] = { "upper", "work", "rootfs" };
	char path[RUNTIME_PATH_MAX + 32];
	enum status status = file_mkdir_all(job->container->directory, 0700, error);

	for (size_t i = 0; status == ST_OK && i < ARRAY_LEN(names); i++) {
		container_path(job->container, names[i], path, sizeof path);
		if (mkdir(path, 0755) && errno != EEXIST)
			status = fail(error, file_errno_status(errno), "making %s: %s", path,
				      strerror(errno));
	}
	i64 slash = str_find_last(job->spec.log_path, '/');

	if (status == ST_OK && slash > 0)
		status = file_mkdir_all(
			str_c(job->arena, str_part(job->spec.log_path, 0, (size_t)slash)), 0755,
			error);
	return status;
}

static enum status mount_root(const struct create_job *job, struct error *error)
{
	char upper[RUNTIME_PATH_MAX + 32], work[RUNTIME_PATH_MAX + 32];
	char rootfs[RUNTIME_PATH_MAX + 32];

	return mount_overlay(container_path(job->container, "rootfs", rootfs, sizeof rootfs),
			     job->spec.layers, job->spec.layers_len,
			     container_path(job->container, "upper", upper, sizeof upper),
			     container_path(job->container, "work", work, sizeof work), error);
}

static struct str read_inside(struct arena *arena, int root, const char *path)
{
	int fd CLOSE_FD = open_in_root(root, path, O_RDONLY | O_NONBLOCK, 0);
	struct str text = STR_NONE;

	if (fd >= 0 && file_read_fd(arena, fd, 1 << 20, &text, NULL) != ST_OK)
		text = STR_NONE;
	return text;
}

/* User, groups and working directory need the root file system: they are filled in here. */
static enum status settle_process(const struct create_job *job, const struct doc **config,
				  struct error *error)
{
	char rootfs[RUNTIME_PATH_MAX + 32];
	struct arena *arena = job->arena;
	struct passwd_user user;
	int root CLOSE_FD = open(container_path(job->container, "rootfs", rootfs, sizeof rootfs),
				 O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct str cwd = doc_at_str(*config, "process.cwd");

	if (root < 0)
		return fail(error, ST_INTERNAL, "opening %s: %s", rootfs, strerror(errno));
	enum status status = passwd_resolve(read_inside(arena, root, "/etc/passwd"),
					    read_inside(arena, root, "/etc/group"), job->spec.user,
					    job->spec.uid, job->spec.gid, &user, error);
	if (status != ST_OK)
		return status;
	const struct doc *groups = doc_at(*config, "process.user.additionalGids");

	if (!groups)
		groups = &doc_empty_array;
	for (u32 i = 0; i < user.groups_len; i++)
		groups = doc_append(arena, groups, doc_new_int(arena, user.groups[i]));
	*config = doc_set_int(arena, *config, "process.user.uid", user.uid);
	*config = doc_set_int(arena, *config, "process.user.gid", user.gid);
	*config = doc_set(arena, *config, "process.user.additionalGids", groups);
	if (cwd.len > 1) {
		int fd CLOSE_FD = mkdir_in_root(root, str_c(arena, cwd), 0755);

		if (fd < 0)
			return fail(error, ST_INTERNAL, "making the working directory %s: %s",
				    str_c(arena, cwd), strerror(errno));
	}
	return ST_OK;
}

static const struct doc *one_mount(struct arena *arena, struct str target, const char *type,
				   struct str source, const char *const *options, u32 len)
{
	struct build b = build_object(arena);

	build_str(&b, "destination", target);
	build_str(&b, "type", str_of(type));
	build_str(&b, "source", source);
	build_open_array(&b, "options");
	for (u32 i = 0; i < len; i++)
		build_str(&b, NULL, str_of(options[i]));
	build_close(&b);
	return build_done(&b);
}

static const struct doc *add_unified_mount(const struct create_job *job, const struct doc *config)
{
	const char *options[] = { "bind", "nosuid", "noexec", "nodev",
				  job->spec.privileged ? "rw" : "ro" };
	char path[CGROUP_PATH_MAX];

	if (!cgroup_directory(&job->container->runtime->cgroups, CGROUP_MEMORY,
			      job->container->group, path, sizeof path))
		return config;
	const struct doc *mount =
		one_mount(job->arena, STR("/sys/fs/cgroup"), "bind",
			  str_copy(job->arena, str_of(path)), options, ARRAY_LEN(options));

	return doc_set(job->arena, config, "mounts",
		       doc_append(job->arena, doc_at(config, "mounts"), mount));
}

/* Programs read their own limits there. With v1 each controller is bound by itself. */
static const struct doc *add_cgroup_mounts(const struct create_job *job, const struct doc *config)
{
	static const char *const tree[] = { "nosuid", "noexec", "nodev", "mode=755", "size=64k" };
	static const char *const leaf[] = { "bind", "nosuid", "noexec", "nodev", "ro" };
	const struct cgroups *cgroups = &job->container->runtime->cgroups;
	struct arena *arena = job->arena;
	const struct doc *mounts = doc_at(config, "mounts");
	char path[CGROUP_PATH_MAX];

	if (cgroups->version == CGROUP_V2)
		return add_unified_mount(job, config);
	mounts = doc_append(arena, mounts,
			    one_mount(arena, STR("/sys/fs/cgroup"), "tmpfs", STR("tmpfs"), tree,
				      ARRAY_LEN(tree)));
	for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
		if (!cgroup_directory(cgroups, (enum cgroup_controller)i, job->container->group,
				      path, sizeof path))
			continue;
		struct str name = str_of(cgroups->mounts[i]);

		name = str_from(name, (size_t)str_find_last(name, '/') + 1);
		mounts = doc_append(
			arena, mounts,
			one_mount(arena,
				  str_format(arena, "/sys/fs/cgroup/" STR_FMT, STR_ARG(name)),
				  "bind", str_copy(arena, str_of(path)), leaf, ARRAY_LEN(leaf)));
	}
	return doc_set(arena, config, "mounts", mounts);
}

static enum status write_config(const struct create_job *job, const struct doc *config,
				struct error *error)
{
	char path[RUNTIME_PATH_MAX + 32];
	struct str text = json_text(job->arena, config);

	container_path(job->container, "config.json", path, sizeof path);
	int fd CLOSE_FD = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return fail(error, file_errno_status(errno), "writing %s: %s", path,
			    strerror(errno));
	return write_text(fd, text, path, error);
}

/* ---- conmon */

/* Reads the one line conmon sends when crun is done: {"data": pid} or {"data":-1,"message":…}. */
static enum status read_verdict(struct arena *arena, int fd, int *ret_pid, struct error *error)
{
	char text[8192];
	size_t len = 0;
	const struct doc *verdict = NULL;

	while (len < sizeof text - 1 && !memchr(text, '\n', len)) {
		if (!spawn_poll(fd, POLLIN, CREATE_TIMEOUT_MS))
			return fail(error, ST_TIMEOUT, "conmon did not answer in %d s",
				    CREATE_TIMEOUT_MS / 1000);
		ssize_t got = read(fd, text + len, sizeof text - 1 - len);

		if (got <= 0)
			break;
		len += (size_t)got;
	}
	if (json_parse(arena, str_trim((struct str){ text, len }), &verdict, NULL) != ST_OK)
		return fail(error, ST_INTERNAL, "conmon ended without an answer");
	*ret_pid = (int)doc_at_int(verdict, "data", -1);
	if (*ret_pid > 0)
		return ST_OK;
	struct str message = str_trim(doc_at_str(verdict, "message"));

	return fail(error, ST_INTERNAL, "failed to create container: " STR_FMT, STR_ARG(message));
}

struct conmon_files {
	char pid[RUNTIME_PATH_MAX + 32], conmon_pid[RUNTIME_PATH_MAX + 32];
	char exits[RUNTIME_PATH_MAX + 32], log[RUNTIME_PATH_MAX + 32];
};

static u32 conmon_words(const struct create_job *job, struct conmon_files *files,
			const char **words)
{
	struct container *container = job->container;
	struct crun_runtime *runtime = container->runtime;
	const char *id = str_c(job->arena, container->record.id);
	u32 len = 0;

	container_path(container, "pidfile", files->pid, sizeof files->pid);
	container_path(container, "conmon.pid", files->conmon_pid, sizeof files->conmon_pid);
	snprintf(files->exits, sizeof files->exits, "%s/exits", runtime->directory);
	snprintf(files->log, sizeof files->log, "k8s-file:" STR_FMT, STR_ARG(job->spec.log_path));
	const char *const always[] = {
		runtime->conmon,
		"--api-version",
		"1",
		"-c",
		id,
		"-u",
		id,
		"-n",
		id,
		"-r",
		runtime->crun,
		"--runtime-arg",
		runtime->root_option,
		"-b",
		container->directory,
		"-p",
		files->pid,
		"-P",
		files->conmon_pid,
		"--persist-dir",
		container->directory,
		"--exit-dir",
		files->exits,
		"-l",
		files->log,
		"--log-level",
		"warning",
		"--full-attach",
	};

	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		words[len++] = always[i];
	/* We made and will join the groups: crun's own way takes three times as long. */
	words[len++] = "--runtime-arg";
	words[len++] = "--cgroup-manager=disabled";
	if (job->spec.in) {
		words[len++] = "-i";
		if (!job->spec.in_once)
			words[len++] = "--leave-stdin-open";
	}
	if (job->spec.tty)
		words[len++] = "-t";
	words[len] = NULL;
	return len;
}

/* Starts conmon and waits until crun has made the container. */
static enum status run_conmon(const struct create_job *job, int *ret_pid, struct error *error)
{
	static const char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"_OCI_SYNCPIPE=3", "_OCI_STARTPIPE=4", NULL
	};
	const struct crun_runtime *runtime = job->container->runtime;
	struct conmon_files files;
	const char *words[48];
	int sync[2], go[2], pid, pidfd, code;

	if (pipe2(sync, O_CLOEXEC))
		return fail(error, ST_INTERNAL, "pipe: %s", strerror(errno));
	if (pipe2(go, O_CLOEXEC)) {
		close(sync[0]);
		close(sync[1]);
		return fail(error, ST_INTERNAL, "pipe: %s", strerror(errno));
	}
	conmon_words(job, &files, words);
	struct spawn_fd fds[] = { { sync[1], 3 }, { go[0], 4 } };
	struct spawn_spec spec = {
		.argv = words,
		.env = env,
		.cwd = job->container->directory,
		.fds = fds,
		.fds_len = ARRAY_LEN(fds),
		.own_session = true,
		.dies_with_us = true,
		.hide_mount = runtime->cgroups.hide_unified ? runtime->cgroups.unified : NULL,
	};
	enum status status = spawn_child(&spec, &pid, &pidfd, error);

	close(sync[1]);
	close(go[0]);
	if (status == ST_OK) {
		if (write(go[1], "", 1) != 1)
			log_warn("runtime", "conmon did not wait for its start");
		close(go[1]);
		go[1] = -1;
		status = read_verdict(job->arena, sync[0], ret_pid, error);
		/* The one we started forks the real one and ends at once. */
		if (spawn_wait(pid, pidfd, 10000, &code, NULL) != ST_OK)
			log_warn("runtime", "conmon %d did not detach", pid);
	}
	close(sync[0]);
	if (go[1] >= 0)
		close(go[1]);
	return status;
}

static int read_pid(struct arena *arena, const struct container *container, const char *name)
{
	char path[RUNTIME_PATH_MAX + 32];
	struct str text;
	i64 pid = 0;

	container_path(container, name, path, sizeof path);
	if (file_read(arena, path, 64, &text, NULL) != ST_OK || !str_to_i64(str_trim(text), &pid))
		return 0;
	return (int)pid;
}

static enum status create(struct create_job *job, struct error *error)
{
	struct container *container = job->container;
	const struct container_limits *wanted = &job->spec.limits;
	struct cgroup_limits limits = {
		.memory_bytes = wanted->memory_bytes,
		.cpu_shares = wanted->cpu_shares,
		.cpu_quota_us = wanted->cpu_quota_us,
		.pids = wanted->pids,
		.all_devices = job->spec.privileged,
	};
	const struct cgroups *cgroups = &container->runtime->cgroups;
	const struct doc *config = job->spec.config;
	enum status status = make_directories(job, error);

	if (status == ST_OK)
		status = container_save(container, error);
	if (status == ST_OK)
		status = cgroup_make(cgroups, container->group, &limits, error);
	if (status == ST_OK)
		status = mount_root(job, error);
	if (status == ST_OK)
		status = settle_process(job, &config, error);
	if (status == ST_OK)
		status = write_config(job, add_cgroup_mounts(job, config), error);
	if (status == ST_OK)
		status = run_conmon(job, &container->record.pid, error);
	if (status != ST_OK)
		return status;
	container->pid_ticks = spawn_start_ticks(container->record.pid);
	container->conmon_pid = read_pid(job->arena, container, "conmon.pid");
	container->conmon_ticks = spawn_start_ticks(container->conmon_pid);
	/* crun's init waits for the start: nothing of the image has run yet. */
	status = cgroup_join(cgroups, container->group, container->record.pid, error);
	if (status == ST_OK)
		status = container_save(container, error);
	return status;
}

void container_create_work(void *self)
{
	struct create_job *job = self;

	job->status = create(job, &job->error);
	if (job->status == ST_OK)
		return;
	container_end_strays(job->container);
	container_clear(job->container);
}

/* ---- start, end */

/* Runs crun with a few words; what it says on stderr becomes the failure. */
static enum status run_crun(const struct container *container, const char *const *more,
			    struct error *error)
{
	static const char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL
	};
	const struct crun_runtime *runtime = container->runtime;
	const char *words[16] = { runtime->crun, runtime->root_option };
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	int errors[2], pid, pidfd, code = 0, len = 2;
	struct str said = STR_NONE;

	words[len++] = "--cgroup-manager=disabled";
	while (*more && len < 15)
		words[len++] = *more++;
	if (pipe2(errors, O_CLOEXEC))
		return fail(error, ST_INTERNAL, "pipe: %s", strerror(errno));
	struct spawn_fd fds[] = { { errors[1], 2 } };
	struct spawn_spec spec = {
		.argv = words,
		.env = env,
		.fds = fds,
		.fds_len = 1,
		.dies_with_us = true,
		.hide_mount = runtime->cgroups.hide_unified ? runtime->cgroups.unified : NULL,
	};
	enum status status = spawn_child(&spec, &pid, &pidfd, error);

	close(errors[1]);
	if (status == ST_OK)
		status = spawn_wait(pid, pidfd, CREATE_TIMEOUT_MS, &code, error);
	if (status == ST_OK && code != 0) {
		if (file_read_fd(arena, errors[0], 4096, &said, NULL) != ST_OK)
			said = STR_NONE;
		status = fail(error, ST_INTERNAL, "crun ended with %d: " STR_FMT, code,
			      STR_ARG(str_trim(said)));
	}
	close(errors[0]);
	return status;
}

enum status container_start(struct container *container, struct error *error)
{
	char id[128];

	snprintf(id, sizeof id, STR_FMT, STR_ARG(container->record.id));
	const char *const words[] = { "start", id, NULL };

	return run_crun(container, words, error);
}

void container_clear(const struct container *container)
{
	char path[RUNTIME_PATH_MAX * 2];
	struct error error = ERROR_INIT;
	const struct crun_runtime *runtime = container->runtime;

	if (cgroup_remove(&runtime->cgroups, container->group, &error) != ST_OK)
		log_warn("runtime", "%s", error.message);
	mount_drop(container_path(container, "rootfs", path, sizeof path));
	snprintf(path, sizeof path, "%s/crun/" STR_FMT, runtime->directory,
		 STR_ARG(container->record.id));
	error_clear(&error);
	if (file_remove_tree(path, &error) != ST_OK)
		log_warn("runtime", "%s", error.message);
}

void container_end_strays(const struct container *container)
{
	static const char *const programs[] = { "conmon", "crun", NULL };
	struct strays strays = { .programs = programs, .prefix = container->directory };

	(void)strays_end(&strays);
}

/* Its last deed is the exit file: only then may the folder go. */
static void wait_for_conmon(const struct container *container)
{
	int pidfd = spawn_pidfd(container->conmon_pid);

	if (pidfd < 0)
		return;
	if (container->conmon_ticks &&
	    spawn_start_ticks(container->conmon_pid) == container->conmon_ticks &&
	    !spawn_poll(pidfd, POLLIN, CONMON_TIMEOUT_MS)) {
		log_warn("runtime", "conmon %d hangs: it is killed", container->conmon_pid);
		container_end_strays(container);
	}
	close(pidfd);
}

enum status container_remove(const struct container *container, struct error *error)
{
	char path[RUNTIME_PATH_MAX * 2];
	int pidfd = spawn_pidfd(container->record.pid);

	if (pidfd >= 0 && container->record.pid > 0 &&
	    spawn_start_ticks(container->record.pid) == container->pid_ticks)
		spawn_signal(pidfd, SIGKILL);
	if (pidfd >= 0)
		close(pidfd);
	container_clear(container);
	wait_for_conmon(container);
	container_exit_path(container, path, sizeof path);
	(void)!unlink(path);
	snprintf(path, sizeof path, "pod" STR_FMT, STR_ARG(container->record.pod_uid));
	cgroup_prune(&container->runtime->cgroups, path);
	return file_remove_tree(container->directory, error);
}

void container_collect(struct container *container)
{
	struct container_record *record = &container->record;
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	char path[RUNTIME_PATH_MAX * 2];
	struct str text = STR_NONE;
	struct stat info;
	i64 code = 137;

	container_exit_path(container, path, sizeof path);
	bool known = file_read(arena, path, 64, &text, NULL) == ST_OK &&
		     str_to_i64(str_trim(text), &code);

	record->exit_code = (i32)code;
	record->unknown = !known;
	if (stat(path, &info) == 0)
		record->finished_ns = info.st_mtim.tv_sec * NS_PER_S + info.st_mtim.tv_nsec;
	record->oom_killed = cgroup_oom_kills(&container->runtime->cgroups, container->group) > 0 &&
			     (code == 137 || !known);
	record->phase = CONTAINER_EXITED;
	record->pid = 0;
	container_clear(container);
	if (container_save(container, NULL) != ST_OK)
		log_warn("runtime", "the end of container " STR_FMT " could not be written down",
			 STR_ARG(record->id));
	if (known)
		(void)!unlink(path);
}
