/* Walks /dev, which is small and flat. Links are left to whoever wants them. */
#include "sys/devices.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { DEVICES_MAX = 1024, DEPTH_MAX = 4, PATH_BYTES = 512 };

struct walk {
	struct arena *arena;
	struct device *devices;
	u32 len;
};

static bool is_left_out(const char *path)
{
	static const char *const names[] = {
		"/dev/pts",  "/dev/shm",       "/dev/mqueue", "/dev/console",	  "/dev/ptmx",
		"/dev/null", "/dev/zero",      "/dev/full",   "/dev/random",	  "/dev/urandom",
		"/dev/tty",  "/dev/hugepages", "/dev/.lxc",   "/dev/.lxd-mounts", "/dev/.udev",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(path, names[i]))
			return true;
	return false;
}

static void walk(struct walk *w, const char *directory, int depth)
{
	DIR *opened = opendir(directory);
	char path[PATH_BYTES];
	struct dirent *entry;
	struct stat info;

	while (opened && w->len < DEVICES_MAX && (entry = readdir(opened))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    (size_t)snprintf(path, sizeof path, "%s/%s", directory, entry->d_name) >=
			    sizeof path ||
		    is_left_out(path) || lstat(path, &info))
			continue;
		if (S_ISDIR(info.st_mode) && depth < DEPTH_MAX)
			walk(w, path, depth + 1);
		if (!S_ISCHR(info.st_mode) && !S_ISBLK(info.st_mode))
			continue;
		w->devices[w->len++] = (struct device){
			.path = str_copy(w->arena, str_of(path)),
			.block = S_ISBLK(info.st_mode),
			.major = major(info.st_rdev),
			.minor = minor(info.st_rdev),
			.mode = info.st_mode & 07777,
			.uid = info.st_uid,
			.gid = info.st_gid,
		};
	}
	if (opened)
		closedir(opened);
}

u32 devices_list(struct arena *arena, const struct device **ret_devices)
{
	struct walk w = { arena, ARENA_ARRAY(arena, struct device, DEVICES_MAX), 0 };

	walk(&w, "/dev", 0);
	*ret_devices = w.devices;
	return w.len;
}
