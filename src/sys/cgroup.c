/* Files in trees: v1 has a tree for each controller, v2 one for all. */
#include "sys/cgroup_unified.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

static const char *const controller_names[CGROUP_CONTROLLERS] = { "memory", "cpu", "cpuacct",
								  "pids", "devices" };

static bool has_option(struct str options, const char *name)
{
	while (options.at)
		if (str_is(str_cut(&options, ','), name))
			return true;
	return false;
}

static void copy_text(char *to, size_t room, struct str from)
{
	snprintf(to, room, STR_FMT, STR_ARG(from));
}

/* A line: id parent major:minor root point options [optional…] - type source super-options */
void cgroups_parse(struct cgroups *cgroups, struct str mountinfo, const char *parent)
{
	memset(cgroups, 0, sizeof *cgroups);
	snprintf(cgroups->parent, sizeof cgroups->parent, "%s", parent);
	while (mountinfo.at) {
		struct str line = str_cut(&mountinfo, '\n'), point = STR_NONE;
		i64 dash = str_find(line, STR(" - "));

		if (dash < 0)
			continue;
		struct str head = str_part(line, 0, (size_t)dash);
		struct str tail = str_from(line, (size_t)dash + 3);

		for (int i = 0; i < 5 && head.at; i++)
			point = str_cut(&head, ' ');
		struct str type = str_cut(&tail, ' ');

		str_cut(&tail, ' ');
		if (str_is(type, "cgroup2"))
			copy_text(cgroups->unified, sizeof cgroups->unified, point);
		if (!str_is(type, "cgroup"))
			continue;
		for (int i = 0; i < CGROUP_CONTROLLERS; i++)
			if (has_option(tail, controller_names[i]) && !*cgroups->mounts[i])
				copy_text(cgroups->mounts[i], sizeof cgroups->mounts[i], point);
	}
	if (*cgroups->mounts[CGROUP_MEMORY] || *cgroups->mounts[CGROUP_PIDS])
		cgroups->version = CGROUP_V1;
	else if (*cgroups->unified)
		cgroups->version = CGROUP_V2;
	cgroups->hide_unified = cgroups->version == CGROUP_V1 && *cgroups->unified;
}

bool cgroup_directory(const struct cgroups *cgroups, enum cgroup_controller controller,
		      const char *group, char *ret_path, size_t len)
{
	const char *mount =
		cgroups->version == CGROUP_V2 ? cgroups->unified : cgroups->mounts[controller];

	if (cgroups->version == CGROUP_NONE || !*mount)
		return false;
	snprintf(ret_path, len, "%s%s%s%s", mount, cgroups->parent, *group ? "/" : "", group);
	return true;
}

/* Two v1 controllers may share a tree ("cpu,cpuacct"): each tree counts once. */
static bool first_of_tree(const struct cgroups *cgroups, int controller)
{
	if (cgroups->version == CGROUP_V2)
		return controller == 0;
	for (int i = 0; i < controller; i++)
		if (!strcmp(cgroups->mounts[i], cgroups->mounts[controller]))
			return false;
	return *cgroups->mounts[controller] != 0;
}

enum status cgroups_open(struct cgroups *cgroups, const char *parent, struct error *error)
{
	static char text[256 << 10];
	char path[CGROUP_PATH_MAX];

	if (!cgroup_read("/proc/self/mountinfo", text, sizeof text))
		return fail(error, ST_INTERNAL, "reading mountinfo: %s", strerror(errno));
	cgroups_parse(cgroups, str_of(text), parent);
	if (cgroups->version == CGROUP_NONE)
		return fail(error, ST_UNAVAILABLE, "no cgroup controllers are mounted");
	if (!cgroup_directory(cgroups, CGROUP_MEMORY, "", path, sizeof path))
		return ST_OK; /* v1 without memory: limits of memory will fail one by one */
	return ST_OK;
}

/* mkdir of each step; v2 also hands the controllers down at every step but the last. */
static enum status make_directories(const struct cgroups *cgroups, char *path, size_t start,
				    struct error *error)
{
	bool unified = cgroups->version == CGROUP_V2;
	enum status status = ST_OK;

	for (char *at = path + start; status == ST_OK; at = strchrnul(at + 1, '/')) {
		char was = *at;

		*at = 0;
		if (at > path + start && mkdir(path, 0755) && errno != EEXIST)
			status = fail(error, ST_INTERNAL, "making cgroup %s: %s", path,
				      strerror(errno));
		if (status == ST_OK && was && unified)
			status = cgroup_hand_down(path, at == path + start, error);
		*at = was;
		if (!was)
			break;
	}
	return status;
}

/* What every container may open: null, zero, full, random, urandom, tty, console, ptmx, pts. */
static void set_devices(const char *directory)
{
	static const char *const allowed[] = {
		"c *:* m",   "b *:* m",	  "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm",   "c 1:8 rwm",
		"c 1:9 rwm", "c 5:0 rwm", "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm",
	};

	cgroup_write(directory, "devices.deny", "a");
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
		cgroup_write(directory, "devices.allow", allowed[i]);
}

static bool set_v1(int controller, const char *path, const struct cgroup_limits *limits)
{
	switch ((enum cgroup_controller)controller) {
	case CGROUP_MEMORY:
		if (limits->memory_bytes <= 0)
			return true;
		/* Raising wants the outer limit first, lowering the inner one; one of both fits. */
		if (!cgroup_write_number(path, "memory.limit_in_bytes", limits->memory_bytes)) {
			cgroup_write_number(path, "memory.memsw.limit_in_bytes",
					    limits->memory_bytes);
			return cgroup_write_number(path, "memory.limit_in_bytes",
						   limits->memory_bytes);
		}
		cgroup_write_number(path, "memory.memsw.limit_in_bytes", limits->memory_bytes);
		return true;
	case CGROUP_CPU:
		if (limits->cpu_shares > 0)
			cgroup_write_number(path, "cpu.shares", MAX(limits->cpu_shares, 2));
		if (limits->cpu_quota_us <= 0)
			return true;
		cgroup_write_number(path, "cpu.cfs_period_us", 100000);
		return cgroup_write_number(path, "cpu.cfs_quota_us",
					   MAX(limits->cpu_quota_us, 1000));
	case CGROUP_PIDS:
		return limits->pids <= 0 || cgroup_write_number(path, "pids.max", limits->pids);
	case CGROUP_DEVICES:
		if (!limits->all_devices)
			set_devices(path);
		return true;
	default:
		return true;
	}
}

static enum status make_unified(const struct cgroups *cgroups, const char *group,
				const struct cgroup_limits *limits, bool make, struct error *error)
{
	char path[CGROUP_PATH_MAX];
	enum status status = ST_OK;

	cgroup_directory(cgroups, CGROUP_MEMORY, group, path, sizeof path);
	if (make)
		status = make_directories(cgroups, path, strlen(cgroups->unified), error);
	if (status == ST_OK && !limits->all_devices && !cgroups->unguarded)
		status = cgroup_guard_devices(path, error);
	return status == ST_OK ? cgroup_limit_unified(path, limits, error) : status;
}

static enum status visit_set(const struct cgroups *cgroups, const char *group,
			     const struct cgroup_limits *limits, bool make, struct error *error)
{
	char path[CGROUP_PATH_MAX];
	enum status status = ST_OK;

	if (cgroups->version == CGROUP_V2)
		return make_unified(cgroups, group, limits, make, error);
	for (int i = 0; status == ST_OK && i < CGROUP_CONTROLLERS; i++) {
		if (!cgroup_directory(cgroups, (enum cgroup_controller)i, group, path, sizeof path))
			continue;
		if (make && first_of_tree(cgroups, i))
			status = make_directories(cgroups, path, strlen(cgroups->mounts[i]), error);
		if (status == ST_OK && !set_v1(i, path, limits))
			status = fail(error, ST_INTERNAL, "setting limits of cgroup %s: %s", path,
				      strerror(errno));
	}
	return status;
}

enum status cgroup_make(const struct cgroups *cgroups, const char *group,
			const struct cgroup_limits *limits, struct error *error)
{
	return visit_set(cgroups, group, limits, true, error);
}

enum status cgroup_set(const struct cgroups *cgroups, const char *group,
		       const struct cgroup_limits *limits, struct error *error)
{
	struct cgroup_limits wanted = *limits;

	wanted.all_devices = true; /* only set when made */
	return visit_set(cgroups, group, &wanted, false, error);
}

void cgroup_join_files(const struct cgroups *cgroups, const char *group,
		       struct cgroup_files *ret_files)
{
	int len = 0;

	for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
		char *room = ret_files->room[i];

		if (!first_of_tree(cgroups, i) ||
		    !cgroup_directory(cgroups, (enum cgroup_controller)i, group, room,
				      CGROUP_PATH_MAX - 16))
			continue;
		strcat(room, "/cgroup.procs");
		ret_files->at[len++] = room;
	}
	ret_files->at[len] = NULL;
}

enum status cgroup_join(const struct cgroups *cgroups, const char *group, int pid,
			struct error *error)
{
	struct cgroup_files files;
	char text[16];

	snprintf(text, sizeof text, "%d", pid);
	cgroup_join_files(cgroups, group, &files);
	for (const char **at = files.at; *at; at++) {
		int fd = open(*at, O_WRONLY | O_CLOEXEC);
		bool well = fd >= 0 && write(fd, text, strlen(text)) > 0;
		int number = errno;

		if (fd >= 0)
			close(fd);
		if (!well)
			return fail(error, ST_INTERNAL, "joining cgroup %s: %s", *at,
				    strerror(number));
	}
	return ST_OK;
}

void cgroup_warm(const struct cgroups *cgroups)
{
	char own[4096], path[CGROUP_PATH_MAX];

	const char *tree =
		cgroups->version == CGROUP_V2 ? cgroups->unified : cgroups->mounts[CGROUP_PIDS];

	if (!*tree || !cgroup_read("/proc/self/cgroup", own, sizeof own))
		return;
	for (struct str rest = str_of(own); rest.at;) {
		struct str line = str_cut(&rest, '\n');

		str_cut(&line, ':');
		if (!str_is(str_cut(&line, ':'), cgroups->version == CGROUP_V2 ? "" : "pids"))
			continue;
		snprintf(path, sizeof path, "%s" STR_FMT, tree, STR_ARG(line));
		cgroup_write(path, "cgroup.procs", "0");
	}
}

/* Kills until nobody is left: a dying process may fork, and v1 has no cgroup.kill. */
static void kill_all(const char *path)
{
	static const struct timespec pause = { .tv_nsec = 5 * NS_PER_MS };
	char procs[CGROUP_PATH_MAX + 64], text[16384];

	if (cgroup_write(path, "cgroup.kill", "1"))
		nanosleep(&pause, NULL);
	snprintf(procs, sizeof procs, "%s/cgroup.procs", path);
	for (int i = 0; i < 200 && cgroup_read(procs, text, sizeof text) && *text; i++) {
		for (char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
			int pid = atoi(at);

			if (pid > 1)
				kill(pid, SIGKILL);
		}
		nanosleep(&pause, NULL);
	}
}

static enum status remove_one(const char *path, struct error *error)
{
	static const struct timespec pause = { .tv_nsec = 5 * NS_PER_MS };
	int number = rmdir(path) ? errno : 0;

	if (number == EBUSY)
		kill_all(path);
	for (int k = 0; number == EBUSY && k < 100; k++) {
		number = rmdir(path) ? errno : 0;
		if (number == EBUSY) /* zombies on their way out still count */
			nanosleep(&pause, NULL);
	}
	if (number && number != ENOENT)
		return fail(error, ST_INTERNAL, "removing cgroup %s: %s", path, strerror(number));
	return ST_OK;
}

enum status cgroup_remove(const struct cgroups *cgroups, const char *group, struct error *error)
{
	char path[CGROUP_PATH_MAX];
	enum status status = ST_OK;

	for (int i = 0; status == ST_OK && i < CGROUP_CONTROLLERS; i++)
		if (first_of_tree(cgroups, i) &&
		    cgroup_directory(cgroups, (enum cgroup_controller)i, group, path, sizeof path))
			status = remove_one(path, error);
	return status;
}

/* The innermost first; containers may have made groups of their own. */
static enum status remove_below(const char *path, struct error *error)
{
	DIR *directory = opendir(path);
	char below[CGROUP_PATH_MAX * 2];
	enum status status = ST_OK;
	struct dirent *entry;

	if (!directory)
		return ST_OK;
	while (status == ST_OK && (entry = readdir(directory))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		if ((size_t)snprintf(below, sizeof below, "%s/%s", path, entry->d_name) <
		    sizeof below)
			status = remove_below(below, error);
	}
	closedir(directory);
	return status == ST_OK ? remove_one(path, error) : status;
}

/* The names of folders in `path`, one after the other; NULL at the end. */
static const char *next_group(DIR *directory)
{
	struct dirent *entry;

	while (directory && (entry = readdir(directory)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			return entry->d_name;
	return NULL;
}

static void keep_in_pod(const char *path, const char *pod,
			bool (*keep)(void *self, const char *group), void *self)
{
	char below[CGROUP_PATH_MAX * 2], group[CGROUP_PATH_MAX];
	DIR *directory = opendir(path);
	struct error error = ERROR_INIT;
	const char *name;

	while ((name = next_group(directory))) {
		if ((size_t)snprintf(group, sizeof group, "%s/%s", pod, name) >= sizeof group ||
		    (size_t)snprintf(below, sizeof below, "%s/%s", path, name) >= sizeof below ||
		    keep(self, group))
			continue;
		if (remove_below(below, &error) != ST_OK)
			log_warn("cgroup", "%s", error.message);
		error_clear(&error);
	}
	if (directory)
		closedir(directory);
	(void)rmdir(path); /* only when nothing is left */
}

void cgroups_keep(const struct cgroups *cgroups, bool (*keep)(void *self, const char *group),
		  void *self)
{
	char path[CGROUP_PATH_MAX], pod_path[CGROUP_PATH_MAX * 2];
	const char *pod;

	for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
		if (!first_of_tree(cgroups, i) ||
		    !cgroup_directory(cgroups, (enum cgroup_controller)i, "", path, sizeof path))
			continue;
		DIR *directory = opendir(path);

		while ((pod = next_group(directory)))
			if ((size_t)snprintf(pod_path, sizeof pod_path, "%s/%s", path, pod) <
			    sizeof pod_path)
				keep_in_pod(pod_path, pod, keep, self);
		if (directory)
			closedir(directory);
	}
}

enum status cgroup_remove_all(const struct cgroups *cgroups, struct error *error)
{
	char path[CGROUP_PATH_MAX];
	enum status status = ST_OK;

	for (int i = 0; status == ST_OK && i < CGROUP_CONTROLLERS; i++) {
		if (!first_of_tree(cgroups, i) ||
		    !cgroup_directory(cgroups, (enum cgroup_controller)i, "", path, sizeof path))
			continue;
		status = remove_below(path, error);
		*strrchr(path, '/') = 0;
		(void)rmdir(path); /* another server may live there too */
	}
	return status;
}

void cgroup_prune(const struct cgroups *cgroups, const char *group)
{
	char path[CGROUP_PATH_MAX];

	for (int i = 0; i < CGROUP_CONTROLLERS; i++)
		if (first_of_tree(cgroups, i) &&
		    cgroup_directory(cgroups, (enum cgroup_controller)i, group, path, sizeof path))
			rmdir(path);
}

/* The number after `key` on a line of its own ("oom_kill 3"). */
static u64 keyed_number(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *at = text; at; at = strchr(at, '\n'), at = at ? at + 1 : NULL)
		if (!strncmp(at, key, len) && at[len] == ' ')
			return strtoull(at + len + 1, NULL, 10);
	return 0;
}

static bool read_in(const struct cgroups *cgroups, enum cgroup_controller controller,
		    const char *group, const char *file, char *text, size_t room)
{
	char path[CGROUP_PATH_MAX + 64];

	text[0] = 0;
	if (!cgroup_directory(cgroups, controller, group, path, CGROUP_PATH_MAX))
		return false;
	snprintf(path + strlen(path), 64, "/%s", file);
	return cgroup_read(path, text, room);
}

u64 cgroup_oom_kills(const struct cgroups *cgroups, const char *group)
{
	char text[1024];
	const char *file = cgroups->version == CGROUP_V2 ? "memory.events" : "memory.oom_control";

	return read_in(cgroups, CGROUP_MEMORY, group, file, text, sizeof text)
		       ? keyed_number(text, "oom_kill")
		       : 0;
}

enum status cgroup_usage(const struct cgroups *cgroups, const char *group,
			 struct cgroup_usage *ret_usage, struct error *error)
{
	bool unified = cgroups->version == CGROUP_V2;
	char text[8192];
	u64 used, inactive;

	if (!read_in(cgroups, CGROUP_MEMORY, group,
		     unified ? "memory.current" : "memory.usage_in_bytes", text, sizeof text))
		return fail(error, ST_NOT_FOUND, "cgroup %s is gone", group);
	used = strtoull(text, NULL, 10);
	read_in(cgroups, CGROUP_MEMORY, group, "memory.stat", text, sizeof text);
	inactive = keyed_number(text, unified ? "inactive_file" : "total_inactive_file");
	ret_usage->memory_bytes = used > inactive ? used - inactive : 0;
	if (unified) {
		read_in(cgroups, CGROUP_CPU, group, "cpu.stat", text, sizeof text);
		ret_usage->cpu_ns = keyed_number(text, "usage_usec") * 1000;
	} else {
		read_in(cgroups, CGROUP_CPUACCT, group, "cpuacct.usage", text, sizeof text);
		ret_usage->cpu_ns = strtoull(text, NULL, 10);
	}
	read_in(cgroups, CGROUP_PIDS, group, "pids.current", text, sizeof text);
	ret_usage->pids = strtoull(text, NULL, 10);
	return ST_OK;
}
