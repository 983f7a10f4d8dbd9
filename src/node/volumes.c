/*
 * Volumes on disk. Files from the API are written as the kubelet does, so that a container sees a
 * change at one instant:
 *
 *	DIR/..2026_01_02_15_04_05.123456/key    the files themselves
 *	DIR/..data -> ..2026_01_02_15_04_05.123456   replaced by rename
 *	DIR/key -> ..data/key
 */
#include "node/volumes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "schema/quantity.h"
#include "sys/file.h"
#include "sys/mounts.h"

enum { VOLUME_PATH_MAX = 1024 };

/* ---- files from the API */

static bool same_files(const char *directory, const struct volume_files *files)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	char path[VOLUME_PATH_MAX];
	struct str *names = NULL;
	u32 len = 0, tops = 0;

	snprintf(path, sizeof path, "%s/..data", directory);
	if (file_list(arena, path, 65536, &names, &len, NULL) != ST_OK)
		return false;
	for (u32 i = 0; i < files->files.len; i++) {
		const struct volume_file *file = &files->files.at[i];
		struct str text;
		struct stat info;

		snprintf(path, sizeof path, "%s/..data/" STR_FMT, directory, STR_ARG(file->path));
		if (stat(path, &info) || (info.st_mode & 07777) != file->mode ||
		    file_read(arena, path, 4 << 20, &text, NULL) != ST_OK ||
		    !str_eq(text, file->contents))
			return false;
	}
	/* Something there that is no longer wanted? Count the first pieces of the paths. */
	for (u32 i = 0; i < files->files.len; i++) {
		struct str rest = files->files.at[i].path, top = str_cut(&rest, '/');
		bool seen = false;

		for (u32 k = 0; k < i && !seen; k++) {
			struct str other = files->files.at[k].path;

			seen = str_eq(str_cut(&other, '/'), top);
		}
		tops += !seen;
	}
	return tops == len;
}

static enum status write_one(const char *directory, const struct volume_file *file, i64 gid,
			     struct error *error)
{
	char path[2 * VOLUME_PATH_MAX];

	snprintf(path, sizeof path, "%s/" STR_FMT, directory, STR_ARG(file->path));
	char *slash = strrchr(path, '/');
	enum status status = ST_OK;

	*slash = 0;
	status = file_mkdir_all(path, 0755, error);
	*slash = '/';
	if (status != ST_OK)
		return status;
	int fd CLOSE_FD = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return fail(error, file_errno_status(errno), "writing %s: %s", path,
			    strerror(errno));
	status = file_write_fd(fd, file->contents, error);
	/* A group of the pod's own reads what others may not. */
	u32 mode = gid >= 0 ? file->mode | (file->mode >> 3 & 0050) : file->mode;

	if (status == ST_OK && gid >= 0 && fchown(fd, (uid_t)-1, (gid_t)gid))
		status = fail(error, ST_INTERNAL, "chown %s: %s", path, strerror(errno));
	if (status == ST_OK && fchmod(fd, mode))
		status = fail(error, ST_INTERNAL, "chmod %s: %s", path, strerror(errno));
	return status;
}

/* Points DIR/<top> at ..data/<top> for each first piece of a path. */
static enum status link_tops(const char *directory, const struct volume_files *files,
			     struct error *error)
{
	char path[VOLUME_PATH_MAX], target[VOLUME_PATH_MAX];

	for (u32 i = 0; i < files->files.len; i++) {
		struct str rest = files->files.at[i].path, top = str_cut(&rest, '/');

		snprintf(path, sizeof path, "%s/" STR_FMT, directory, STR_ARG(top));
		snprintf(target, sizeof target, "..data/" STR_FMT, STR_ARG(top));
		if (symlink(target, path) && errno != EEXIST)
			return fail(error, ST_INTERNAL, "linking %s: %s", path, strerror(errno));
	}
	return ST_OK;
}

static void drop_stale(const char *directory, const char *keep)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	char path[VOLUME_PATH_MAX];
	struct str *names = NULL;
	u32 len = 0;

	if (file_list(arena, directory, 65536, &names, &len, NULL) != ST_OK)
		return;
	for (u32 i = 0; i < len; i++) {
		struct stat info;

		snprintf(path, sizeof path, "%s/" STR_FMT, directory, STR_ARG(names[i]));
		if (str_starts(names[i], STR("..")) && !str_is(names[i], "..data") &&
		    !str_is(names[i], keep)) {
			if (file_remove_tree(path, NULL) != ST_OK)
				continue;
		} else if (lstat(path, &info) == 0 && S_ISLNK(info.st_mode) &&
			   stat(path, &info) != 0 && !str_is(names[i], "..data")) {
			(void)!unlink(path); /* its file is gone */
		}
	}
}

enum status volume_write(const char *directory, const struct volume_files *files, i64 gid,
			 bool *ret_changed, struct error *error)
{
	char fresh[VOLUME_PATH_MAX], name[96], link[VOLUME_PATH_MAX], data[VOLUME_PATH_MAX];
	struct timespec now;
	struct tm parts;

	*ret_changed = false;
	enum status status = file_mkdir_all(directory, 0755, error);

	if (status != ST_OK || same_files(directory, files))
		return status;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	size_t len = strftime(name, sizeof name, "..%Y_%m_%d_%H_%M_%S", &parts);

	snprintf(name + len, sizeof name - len, ".%09ld", now.tv_nsec);
	snprintf(fresh, sizeof fresh, "%s/%s", directory, name);
	snprintf(link, sizeof link, "%s/..data_tmp", directory);
	snprintf(data, sizeof data, "%s/..data", directory);
	status = file_mkdir_all(fresh, 0755, error);
	for (u32 i = 0; status == ST_OK && i < files->files.len; i++)
		status = write_one(fresh, &files->files.at[i], gid, error);
	if (status != ST_OK)
		return status;
	(void)!unlink(link);
	if (symlink(name, link) || rename(link, data))
		return fail(error, ST_INTERNAL, "replacing %s: %s", data, strerror(errno));
	status = link_tops(directory, files, error);
	drop_stale(directory, name);
	*ret_changed = true;
	return status;
}

/* ---- directories */

enum status volume_make_empty(const char *directory, const struct doc *empty_dir, i64 gid,
			      struct error *error)
{
	bool memory = str_is(doc_at_str(empty_dir, "medium"), "Memory");
	const struct doc *limit = doc_key(empty_dir, "sizeLimit");
	enum status status = file_mkdir_all(directory, 0777, error);

	/* One that is there already holds the pod's data: an agent was restarted. */
	if (status == ST_OK && memory && !mount_is_point(directory)) {
		status = mount_tmpfs(directory, limit ? quantity_value(quantity_of(limit)) : 0,
				     0777, error);
	}
	if (status != ST_OK)
		return status;
	/* Any user may write here; a pod's group owns what is made inside. */
	if (gid >= 0 && chown(directory, (uid_t)-1, (gid_t)gid))
		return fail(error, ST_INTERNAL, "chown %s: %s", directory, strerror(errno));
	if (chmod(directory, gid >= 0 ? 02777 : 0777))
		return fail(error, ST_INTERNAL, "chmod %s: %s", directory, strerror(errno));
	return ST_OK;
}

static enum status make_host(const char *path, bool directory, struct error *error)
{
	if (directory)
		return file_mkdir_all(path, 0755, error);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return fail(error, ST_INTERNAL, "making %s: %s", path, strerror(errno));
	close(fd);
	return ST_OK;
}

enum status volume_check_host(const struct doc *host_path, struct error *error)
{
	static const struct {
		const char *type, *what;
		mode_t mode;
	} types[] = {
		{ "Directory", "a directory", S_IFDIR },
		{ "File", "a file", S_IFREG },
		{ "Socket", "a socket file", S_IFSOCK },
		{ "CharDevice", "a character device", S_IFCHR },
		{ "BlockDevice", "a block device", S_IFBLK },
	};
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	const char *path = str_c(arena, doc_at_str(host_path, "path"));
	struct str type = doc_at_str(host_path, "type");
	struct stat info;
	bool there = stat(path, &info) == 0;

	if (str_is(type, "DirectoryOrCreate") || !type.len)
		return there ? ST_OK : make_host(path, true, error);
	if (str_is(type, "FileOrCreate"))
		return there ? ST_OK : make_host(path, false, error);
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_is(type, types[i].type) &&
		    (!there || (info.st_mode & S_IFMT) != types[i].mode))
			return fail(error, ST_INVALID, "hostPath type check failed: %s is not %s",
				    path, types[i].what);
	return ST_OK;
}

enum status volumes_remove(const char *directory, struct error *error)
{
	mount_drop_below(directory);
	return file_remove_tree(directory, error);
}
