/*
 * Every function opens the parent of its path as an O_PATH descriptor inside the root, and then
 * makes, replaces or removes one name in it. The last parent is kept open: archives list a folder's
 * entries one behind the other.
 */
#include "sys/root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/check.h"
#include "sys/file.h"
#include "sys/mounts.h"

struct root {
	int fd;
	bool owners; /* we may give files away */
	int parent;  /* -1, or the folder `parent_path` leads to */
	char parent_path[PATH_MAX];
	char folder[PATH_MAX];
};

static enum status fail_path(struct error *error, const char *path)
{
	int number = errno;

	return fail(error, file_errno_status(number), "unpacking %s: %s", path, strerror(number));
}

enum status root_open(const char *folder, struct root **ret_root, struct error *error)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct root *root;

	if (fd < 0)
		return fail_path(error, folder);
	root = calloc(1, sizeof *root);
	CHECK(root);
	root->fd = fd;
	root->parent = -1;
	root->owners = geteuid() == 0;
	snprintf(root->folder, sizeof root->folder, "%s", folder);
	*ret_root = root;
	return ST_OK;
}

static void forget_parent(struct root *root)
{
	if (root->parent >= 0)
		close(root->parent);
	root->parent = -1;
}

void root_close(struct root *root)
{
	if (!root)
		return;
	forget_parent(root);
	close(root->fd);
	free(root);
}

/* The descriptor of path's parent (kept by the root) and the last name in `path`. */
static enum status open_parent(struct root *root, const char *path, const char **ret_name,
			       struct error *error)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t len = slash ? (size_t)(slash - path) : 0;
	char parent[PATH_MAX];

	if (strlen(path) >= PATH_MAX || strlen(name) > NAME_MAX)
		return fail(error, ST_INVALID, "unpacking %.100s…: the name is too long", path);
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return fail(error, ST_INVALID, "unpacking %s: no name to make", path);
	memcpy(parent, path, len);
	parent[len] = 0;
	*ret_name = name;
	if (root->parent >= 0 && !strcmp(parent, root->parent_path))
		return ST_OK;
	forget_parent(root);
	if (len == 0)
		root->parent = open_in_root(root->fd, ".", O_PATH | O_DIRECTORY, 0);
	else
		root->parent = open_in_root(root->fd, parent, O_PATH | O_DIRECTORY, 0);
	if (root->parent < 0 && errno == ENOENT)
		root->parent = mkdir_in_root(root->fd, parent, 0755);
	if (root->parent < 0)
		return fail_path(error, path);
	memcpy(root->parent_path, parent, len + 1);
	return ST_OK;
}

/* Removes a folder inside the root with all that is in it, by way of its own descriptor. */
static bool remove_folder(int parent, const char *name)
{
	char path[64 + NAME_MAX + 1];
	struct error error = ERROR_INIT;

	if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
		return true;
	/* The parent is a descriptor inside the root, and file_remove_tree follows no links. */
	snprintf(path, sizeof path, "/proc/self/fd/%d/%s", parent, name);
	return file_remove_tree(path, &error) == ST_OK;
}

/* Makes room for `name`: whatever stands there goes. */
static enum status clear(struct root *root, const char *name, const char *path, struct error *error)
{
	if (unlinkat(root->parent, name, 0) == 0 || errno == ENOENT)
		return ST_OK;
	if ((errno == EISDIR || errno == EPERM) && remove_folder(root->parent, name)) {
		forget_parent(root);
		return open_parent(root, path, &name, error);
	}
	return fail_path(error, path);
}

/* Names are made only after the place was cleared, so the last name is never followed. */
static enum status prepare(struct root *root, const char *path, const char **ret_name,
			   struct error *error)
{
	enum status status = open_parent(root, path, ret_name, error);

	return status == ST_OK ? clear(root, *ret_name, path, error) : status;
}

static void times_of(i64 mtime_ns, struct timespec times[2])
{
	times[0] = times[1] =
		(struct timespec){ .tv_sec = mtime_ns / NS_PER_S, .tv_nsec = mtime_ns % NS_PER_S };
	if (times[0].tv_nsec < 0) {
		times[0].tv_nsec += NS_PER_S;
		times[0].tv_sec--;
	}
	times[1] = times[0];
}

/* For what has no descriptor: owner, mode and time by name, never through a link. */
static enum status set_meta(struct root *root, const char *name, const char *path, bool link,
			    const struct root_meta *meta, struct error *error)
{
	struct timespec times[2];

	times_of(meta->mtime_ns, times);
	if (root->owners && fchownat(root->parent, name, meta->uid, meta->gid, AT_SYMLINK_NOFOLLOW))
		return fail_path(error, path);
	if (!link && fchmodat(root->parent, name, meta->mode & 07777, 0))
		return fail_path(error, path);
	(void)utimensat(root->parent, name, times, AT_SYMLINK_NOFOLLOW); /* only for looks */
	return ST_OK;
}

enum status root_folder(struct root *root, const char *path, const struct root_meta *meta,
			struct error *error)
{
	const char *name;
	struct stat what;
	enum status status;

	if (!*path || !strcmp(path, ".")) { /* the root itself */
		if ((root->owners && fchown(root->fd, meta->uid, meta->gid)) ||
		    fchmod(root->fd, meta->mode & 07777))
			return fail_path(error, ".");
		return ST_OK;
	}
	status = open_parent(root, path, &name, error);
	if (status != ST_OK)
		return status;
	bool exists = fstatat(root->parent, name, &what, AT_SYMLINK_NOFOLLOW) == 0;

	if (exists && !S_ISDIR(what.st_mode)) {
		status = clear(root, name, path, error);
		if (status != ST_OK)
			return status;
		exists = false;
	}
	if (!exists && mkdirat(root->parent, name, 0700))
		return fail_path(error, path);
	return set_meta(root, name, path, false, meta, error);
}

enum status root_file(struct root *root, const char *path, int *ret_fd, struct error *error)
{
	const char *name;
	enum status status = prepare(root, path, &name, error);

	if (status != ST_OK)
		return status;
	int fd = openat(root->parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);

	if (fd < 0)
		return fail_path(error, path);
	*ret_fd = fd;
	return ST_OK;
}

enum status root_file_done(int fd, const struct root_meta *meta, struct error *error)
{
	struct timespec times[2];
	bool well = true;

	times_of(meta->mtime_ns, times);
	/* The mode comes last: giving a file away takes suid off it. */
	if (geteuid() == 0)
		well = fchown(fd, meta->uid, meta->gid) == 0;
	well = well && fchmod(fd, meta->mode & 07777) == 0;
	(void)futimens(fd, times);
	int number = errno;

	if (close(fd) && well) {
		well = false;
		number = errno;
	}
	return well ? ST_OK
		    : fail(error, file_errno_status(number), "unpacking a file: %s",
			   strerror(number));
}

enum status root_symlink(struct root *root, const char *path, const char *target,
			 const struct root_meta *meta, struct error *error)
{
	const char *name;
	enum status status = prepare(root, path, &name, error);

	if (status != ST_OK)
		return status;
	if (symlinkat(target, root->parent, name))
		return fail_path(error, path);
	return set_meta(root, name, path, true, meta, error);
}

enum status root_hard_link(struct root *root, const char *path, const char *target,
			   struct error *error)
{
	const char *slash = strrchr(target, '/'), *target_name = slash ? slash + 1 : target, *name;
	size_t len = slash ? (size_t)(slash - target) : 0;
	char parent[PATH_MAX];
	enum status status;
	struct stat from;

	if (strlen(target) >= sizeof parent || !*target_name || !strcmp(target_name, "..") ||
	    !strcmp(target_name, "."))
		return fail(error, ST_INVALID, "unpacking %s: a link to no file", path);
	memcpy(parent, len ? target : ".", len ? len : 1);
	parent[len ? len : 1] = 0;
	int fd CLOSE_FD = open_in_root(root->fd, parent, O_PATH | O_DIRECTORY, 0);

	if (fd < 0 || fstatat(fd, target_name, &from, AT_SYMLINK_NOFOLLOW))
		return fail_path(error, path);
	if (S_ISDIR(from.st_mode))
		return fail(error, ST_INVALID, "unpacking %s: a hard link to a folder", path);
	status = open_parent(root, path, &name, error);
	if (status != ST_OK)
		return status;
	struct stat old;

	if (fstatat(root->parent, name, &old, AT_SYMLINK_NOFOLLOW) == 0 &&
	    old.st_ino == from.st_ino && old.st_dev == from.st_dev)
		return ST_OK; /* it is that file already: clearing it might lose the last name */
	status = clear(root, name, path, error);
	if (status == ST_OK && linkat(fd, target_name, root->parent, name, 0))
		return fail_path(error, path);
	return status;
}

enum status root_node(struct root *root, const char *path, u32 type, u32 major_number,
		      u32 minor_number, const struct root_meta *meta, struct error *error)
{
	const char *name;
	enum status status = prepare(root, path, &name, error);

	if (status != ST_OK)
		return status;
	if (mknodat(root->parent, name, (mode_t)type | 0600, makedev(major_number, minor_number)))
		return fail_path(error, path);
	return set_meta(root, name, path, false, meta, error);
}

enum status root_whiteout(struct root *root, const char *path, struct error *error)
{
	static const struct root_meta none = { 0 };

	return root_node(root, path, S_IFCHR, 0, 0, &none, error);
}

/* Opens what stands at `path` for fsetxattr, inside the root. */
static int open_folder(struct root *root, const char *path)
{
	return open_in_root(root->fd, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
}

enum status root_opaque(struct root *root, const char *path, struct error *error)
{
	int fd CLOSE_FD = -1;

	if (*path) { /* the folder may come later in the archive than its mark */
		int made CLOSE_FD = mkdir_in_root(root->fd, path, 0755);

		if (made < 0)
			return fail_path(error, path);
	}
	fd = open_folder(root, path);
	if (fd < 0 || fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0))
		return fail_path(error, path);
	return ST_OK;
}

enum status root_attribute(int fd, const char *name, struct str value, struct error *error)
{
	if (fsetxattr(fd, name, value.at, value.len, 0) == 0 || errno == ENOTSUP)
		return ST_OK;
	return fail_path(error, name);
}

void root_folder_time(struct root *root, const char *path, i64 mtime_ns)
{
	int fd CLOSE_FD = open_folder(root, path);
	struct timespec times[2];

	times_of(mtime_ns, times);
	if (fd >= 0)
		(void)futimens(fd, times);
}

enum status root_sync(struct root *root, struct error *error)
{
	return syncfs(root->fd) == 0 ? ST_OK : fail_path(error, root->folder);
}
