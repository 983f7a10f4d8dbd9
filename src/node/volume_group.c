/*
 * fsGroup: all that is in a volume belongs to a group, which may read and write it, and so does
 * what is made in it later (the setgid bit of directories). A container may change the tree while
 * we walk it, so every step goes by a descriptor and follows nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/volumes.h"
#include "sys/file.h"

enum { GROUP_DEPTH_MAX = 128, DIRECTORY_BITS = 02770, FILE_BITS = 0660 };

static enum status fail_here(struct error *error, const char *name)
{
	return fail(error, ST_INTERNAL, "applying fsGroup to %s: %s", name, strerror(errno));
}

/* One thing of any sort, by a descriptor of its own that was opened without following. */
static enum status give(int fd, const struct stat *info, gid_t gid, const char *name,
			struct error *error)
{
	mode_t wanted = info->st_mode | (S_ISDIR(info->st_mode) ? DIRECTORY_BITS : FILE_BITS);

	if (S_ISLNK(info->st_mode))
		return ST_OK;
	if (info->st_gid != gid && fchownat(fd, "", (uid_t)-1, gid, AT_EMPTY_PATH))
		return fail_here(error, name);
	if ((wanted & 07777) == (info->st_mode & 07777) && info->st_gid == gid)
		return ST_OK;
	char path[64];

	/* fchmod refuses O_PATH descriptors; this name leads to exactly the open file. */
	snprintf(path, sizeof path, "/proc/thread-self/fd/%d", fd);
	return chmod(path, wanted & 07777) ? fail_here(error, name) : ST_OK;
}

struct walk {
	DIR *folders[GROUP_DEPTH_MAX];
	u32 depth;
	dev_t device;
};

/* Goes into a folder; its descriptor is `fd`'s, opened again for reading. */
static enum status enter(struct walk *w, int fd, const char *name, struct error *error)
{
	int folder = w->depth < GROUP_DEPTH_MAX
			     ? openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
			     : -1;

	if (w->depth == GROUP_DEPTH_MAX)
		return fail(error, ST_TOO_LARGE, "applying fsGroup: more than %d directories deep",
			    GROUP_DEPTH_MAX);
	DIR *opened = folder < 0 ? NULL : fdopendir(folder);

	if (!opened) {
		if (folder >= 0)
			close(folder);
		return fail_here(error, name);
	}
	w->folders[w->depth++] = opened;
	return ST_OK;
}

static enum status visit(struct walk *w, int at, const char *name, gid_t gid, struct error *error)
{
	int fd CLOSE_FD = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat info;

	if (fd < 0 && errno == ENOENT)
		return ST_OK; /* it went while we looked */
	if (fd < 0 || fstat(fd, &info))
		return fail_here(error, name);
	if (info.st_dev != w->device)
		return ST_OK;
	enum status status = give(fd, &info, gid, name, error);

	if (status == ST_OK && S_ISDIR(info.st_mode))
		status = enter(w, fd, name, error);
	return status;
}

static bool is_given(const struct stat *info, gid_t gid)
{
	return info->st_gid == gid && (info->st_mode & DIRECTORY_BITS) == DIRECTORY_BITS;
}

enum status volume_give_group(const char *path, i64 gid, bool on_mismatch, struct error *error)
{
	int fd CLOSE_FD = open(path, O_PATH | O_CLOEXEC);
	struct walk w = { .depth = 0 };
	struct stat info;

	if (fd < 0 || fstat(fd, &info))
		return fail_here(error, path);
	if (on_mismatch && is_given(&info, (gid_t)gid))
		return ST_OK;
	w.device = info.st_dev;
	enum status status = ST_OK;

	if (S_ISDIR(info.st_mode))
		status = enter(&w, fd, path, error);
	while (status == ST_OK && w.depth) {
		DIR *folder = w.folders[w.depth - 1];
		const struct dirent *entry = readdir(folder);

		if (!entry) {
			closedir(folder);
			w.depth--;
		} else if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) {
			status = visit(&w, dirfd(folder), entry->d_name, (gid_t)gid, error);
		}
	}
	while (w.depth)
		closedir(w.folders[--w.depth]);
	/* The top comes last: until then OnRootMismatch would start anew. */
	return status == ST_OK ? give(fd, &info, (gid_t)gid, path, error) : status;
}
