/*
 * What an earlier process left, after a restart as after kill -9 at any moment. A container either
 * ran by its own record, and is watched again or its end is read; or it was still being made, and
 * then it never was. Whatever carries a name of ours and belongs to no container that runs goes:
 * helper programs first (they make and keep everything else), then control groups, mounts, files.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "node/runtime_inside.h"
#include "sys/file.h"
#include "sys/mounts.h"
#include "sys/spawn.h"
#include "sys/strays.h"

enum { CONTAINERS_MAX = 4096, LAST_WORDS_MS = 2000 };

static bool still_itself(int pid, u64 ticks)
{
	return pid > 0 && ticks != 0 && spawn_start_ticks(pid) == ticks;
}

static bool has_exit_file(const struct container *container)
{
	char path[RUNTIME_PATH_MAX * 2];

	return file_exists(container_exit_path(container, path, sizeof path));
}

static bool lives(const struct container *container)
{
	return container->record.phase == CONTAINER_RUNNING &&
	       still_itself(container->record.pid, container->pid_ticks) &&
	       !has_exit_file(container);
}

/* It ended a moment ago: its conmon is about to write down how. */
static void await_last_words(const struct container *container)
{
	int pidfd;

	if (container->record.phase != CONTAINER_RUNNING || lives(container) ||
	    has_exit_file(container) ||
	    !still_itself(container->conmon_pid, container->conmon_ticks) ||
	    (pidfd = spawn_pidfd(container->conmon_pid)) < 0)
		return;
	spawn_poll(pidfd, POLLIN, LAST_WORDS_MS);
	close(pidfd);
}

/* ---- what stays */

static bool keeps_helpers(void *self, struct str id)
{
	const struct crun_runtime *runtime = self;
	const struct container *container = map_get(&runtime->containers, id);

	return container && lives(container);
}

static bool keeps_group(void *self, const char *group)
{
	const struct crun_runtime *runtime = self;

	/* Those that ended give theirs back when their end is read. */
	for (struct map_entry *e = NULL; (e = map_next(&runtime->containers, e));)
		if (!strcmp(((const struct container *)e->value)->group, group))
			return true;
	return false;
}

/* ---- what goes */

static void end_strays(struct crun_runtime *runtime)
{
	static const char *const programs[] = { "conmon", "crun", NULL };
	char prefix[RUNTIME_PATH_MAX];
	struct strays strays = {
		.programs = programs, .prefix = prefix, .keep = keeps_helpers, .self = runtime
	};
	u32 found;

	snprintf(prefix, sizeof prefix, "%s/containers/", runtime->directory);
	if ((found = strays_end(&strays)))
		log_info("runtime", "ended what a container cut short had left count=%u", found);
}

static void remove_unmade(const struct crun_runtime *runtime, struct str id)
{
	char path[RUNTIME_PATH_MAX * 2];

	snprintf(path, sizeof path, "%s/containers/" STR_FMT "/rootfs", runtime->directory,
		 STR_ARG(id));
	mount_drop(path);
	path[strlen(path) - strlen("/rootfs")] = 0;
	if (file_remove_tree(path, NULL) != ST_OK)
		log_warn("runtime", "%s could not be removed", path);
}

/* crun's own folders and exit files of containers that are no more. */
static void sweep_names(struct crun_runtime *runtime, const char *folder)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	char path[RUNTIME_PATH_MAX * 2];
	struct str *names = NULL;
	u32 len = 0;

	snprintf(path, sizeof path, "%s/%s", runtime->directory, folder);
	if (file_list(arena, path, CONTAINERS_MAX, &names, &len, NULL) != ST_OK)
		return;
	for (u32 i = 0; i < len; i++) {
		if (map_get(&runtime->containers, names[i]))
			continue;
		snprintf(path, sizeof path, "%s/%s/" STR_FMT, runtime->directory, folder,
			 STR_ARG(names[i]));
		if (file_remove_tree(path, NULL) != ST_OK)
			log_warn("runtime", "%s could not be removed", path);
	}
}

/* ---- all of it */

/* Those that never started are not taken in. */
static void load(struct crun_runtime *runtime, struct str id)
{
	struct container *container = container_load(runtime, id);

	if (!container) {
		log_info("runtime", "container " STR_FMT " has no readable state: it is removed",
			 STR_ARG(id));
		return;
	}
	if (container->record.phase != CONTAINER_EXITED && !container->record.started_ns) {
		arena_free(container->arena);
		return;
	}
	map_put(&runtime->containers, container->record.id, container);
	await_last_words(container);
}

static void settle(struct container *container)
{
	if (container->record.phase == CONTAINER_EXITED)
		return;
	if (lives(container)) {
		container_watch(container);
		return;
	}
	/* Read at once: the agent wants to see a settled picture after open. */
	container_collect(container);
	if (container->record.finished_ns == 0)
		container->record.finished_ns = runtime_wall_now();
}

enum status runtime_take_up(void *self, const struct runtime_listener *listener,
			    struct error *error)
{
	struct crun_runtime *runtime = self;
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	char path[RUNTIME_PATH_MAX * 2];
	struct str *names = NULL;
	u32 len = 0;

	runtime->listener = *listener;
	snprintf(path, sizeof path, "%s/containers", runtime->directory);
	enum status status = file_list(arena, path, CONTAINERS_MAX, &names, &len, error);

	if (status != ST_OK)
		return status;
	for (u32 i = 0; i < len; i++)
		load(runtime, names[i]);
	if (len) /* A container's folder is the first thing made of it and the last to go. */
		end_strays(runtime);
	cgroups_keep(&runtime->cgroups, keeps_group, runtime);
	for (u32 i = 0; i < len; i++)
		if (!map_get(&runtime->containers, names[i]))
			remove_unmade(runtime, names[i]);
	sweep_names(runtime, "crun");
	sweep_names(runtime, "exits");
	for (struct map_entry *e = NULL; (e = map_next(&runtime->containers, e));)
		settle(e->value);
	return ST_OK;
}
