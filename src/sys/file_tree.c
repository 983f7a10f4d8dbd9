/*
 * Removing a tree by descriptors, never by paths: a link or a mount that appears meanwhile leads
 * nowhere. Depth is held in an explicit stack, for a container may nest folders as deep as it
 * likes.
 */
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

/* A folder being emptied. Deep trees would run out of descriptors, so the way back up is "..",
 * checked against the folder we came from. */
struct level {
	struct level *up;
	dev_t device;
	ino_t inode;
	char name[256];
};

static enum status fail_at(struct error *error, const char *name)
{
	int number = errno;

	return fail(error, file_errno_status(number), "removing %s: %s", name, strerror(number));
}

static int open_folder(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
}

/* Removes what is no folder; returns 1 with the name of a folder to go down into, 0 when the
 * folder is empty, -1 on an error. */
static int empty_plain(int fd, dev_t device, char name[256], struct error *error)
{
	int copy = open_folder(fd, ".");
	DIR *folder = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	int found = 0;

	if (!folder) {
		(void)fail_at(error, "a folder");
		if (copy >= 0)
			close(copy);
		return -1;
	}
	while (found == 0 && (entry = readdir(folder))) {
		struct stat what;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (unlinkat(fd, entry->d_name, 0) == 0 || errno == ENOENT)
			continue;
		if (errno != EISDIR && errno != EPERM) {
			(void)fail_at(error, entry->d_name);
			found = -1;
		} else if (fstatat(fd, entry->d_name, &what, AT_SYMLINK_NOFOLLOW) ||
			   !S_ISDIR(what.st_mode)) {
			errno = EPERM;
			(void)fail_at(error, entry->d_name);
			found = -1;
		} else if (what.st_dev != device) {
			(void)fail(error, ST_CONFLICT, "removing %s: something is mounted there",
				   entry->d_name);
			found = -1;
		} else if (unlinkat(fd, entry->d_name, AT_REMOVEDIR)) {
			if (errno == EBUSY) { /* a bind mount of the same file system */
				(void)fail_at(error, entry->d_name);
				found = -1;
			} else {
				memcpy(name, entry->d_name, strlen(entry->d_name) + 1);
				found = 1;
			}
		}
	}
	closedir(folder);
	return found;
}

static bool go_down(int *fd, struct level **level, const char *name, dev_t device)
{
	int below = open_folder(*fd, name);
	struct stat what;

	if (below < 0 || fstat(below, &what) || what.st_dev != device) {
		if (below >= 0)
			close(below);
		return false;
	}
	struct level *deeper = malloc(sizeof *deeper);

	CHECK(deeper);
	*deeper = (struct level){ .up = *level, .device = what.st_dev, .inode = what.st_ino };
	memcpy(deeper->name, name, strlen(name) + 1);
	close(*fd);
	*fd = below;
	*level = deeper;
	return true;
}

/* Back to the folder above and removes the emptied one from it; false when someone moved it. */
static bool go_up(int *fd, struct level **level)
{
	struct level *done = *level, *up = done->up;
	int above = open_folder(*fd, "..");
	struct stat what;

	if (above < 0 || fstat(above, &what) || what.st_dev != up->device ||
	    what.st_ino != up->inode) {
		if (above >= 0)
			close(above);
		return false;
	}
	close(*fd);
	*fd = above;
	*level = up;
	bool removed = unlinkat(above, done->name, AT_REMOVEDIR) == 0 || errno == ENOENT;

	free(done);
	return removed;
}

static enum status empty_tree(int fd, struct error *error)
{
	struct stat what;
	enum status status = ST_OK;

	if (fstat(fd, &what)) {
		status = fail_at(error, "a folder");
		close(fd);
		return status;
	}
	struct level first = { .device = what.st_dev, .inode = what.st_ino }, *level = &first;

	while (status == ST_OK) {
		char name[256];
		int found = empty_plain(fd, first.device, name, error);

		if (found < 0)
			status = error ? error->status : ST_INTERNAL;
		else if (found > 0 && !go_down(&fd, &level, name, first.device))
			status = fail_at(error, name);
		else if (found == 0 && level == &first)
			break;
		else if (found == 0 && !go_up(&fd, &level))
			status = fail(error, ST_CONFLICT, "a folder changed while being removed");
	}
	while (level != &first) {
		struct level *up = level->up;

		free(level);
		level = up;
	}
	close(fd);
	return status;
}

enum status file_remove_tree(const char *path, struct error *error)
{
	struct error own = ERROR_INIT;
	int fd = open_folder(AT_FDCWD, path);

	if (fd < 0) {
		if (errno == ENOENT)
			return ST_OK;
		if (errno == ENOTDIR || errno == ELOOP)
			return file_remove(path, error);
		return fail_at(error, path);
	}
	enum status status = empty_tree(fd, &own);

	if (status != ST_OK)
		return fail(error, status, "%s: %s", path, own.message);
	if (rmdir(path) && errno != ENOENT)
		return fail_at(error, path);
	return ST_OK;
}

/* ---- sizes */

static __thread i64 tree_bytes;

static int add_bytes(const char *path, const struct stat *info, int type, struct FTW *where)
{
	(void)path;
	(void)where;
	if (type != FTW_NS)
		tree_bytes += (i64)info->st_blocks * 512;
	return 0;
}

i64 file_tree_bytes(const char *path)
{
	enum { DESCRIPTORS = 16 };

	tree_bytes = 0;
	(void)nftw(path, add_bytes, DESCRIPTORS, FTW_PHYS | FTW_MOUNT);
	return tree_bytes;
}
