/* Whole files, atomic replacement, locks and listings. Trees stand in file_tree.c. */
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

enum { PADDING = 32, PATH_BYTES_MAX = 4096 };

void file_close_cleanup(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

enum status file_errno_status(int number)
{
	switch (number) {
	case ENOENT:
	case ENOTDIR:
	case ESRCH:
		return ST_NOT_FOUND;
	case EACCES:
	case EPERM:
	case EROFS:
		return ST_FORBIDDEN;
	case EEXIST:
		return ST_EXISTS;
	case ENOSPC:
	case EDQUOT:
		return ST_NO_SPACE;
	case EBUSY:
	case EXDEV:
	case EWOULDBLOCK:
		return ST_CONFLICT;
	case EFBIG:
	case ENAMETOOLONG:
	case E2BIG:
		return ST_TOO_LARGE;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return ST_UNAVAILABLE;
	case ETIMEDOUT:
		return ST_TIMEOUT;
	default:
		return ST_INTERNAL;
	}
}

static enum status fail_errno(struct error *error, const char *doing, const char *what)
{
	int number = errno;
	enum status status = file_errno_status(number);

	return fail(error, status, "%s %s: %s", doing, what,
		    status == ST_NO_SPACE ? "the disk is full" : strerror(number));
}

enum status file_read_fd(struct arena *arena, int fd, size_t max, struct str *ret_text,
			 struct error *error)
{
	struct stat entry;
	size_t len = 0, room = 4096;

	/* Files of /proc say 0; others say how much to expect, and one byte more tells the end. */
	if (fstat(fd, &entry) == 0 && S_ISREG(entry.st_mode) && entry.st_size > 0)
		room = MIN((size_t)entry.st_size, max) + 1;
	char *text = arena_alloc(arena, room + PADDING);

	for (;;) {
		if (len == room) {
			text = arena_grow(arena, text, room + PADDING, 2 * room + PADDING);
			room *= 2;
		}
		ssize_t got = read(fd, text + len, room - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(error, "reading", "a file");
		if (got == 0)
			break;
		len += (size_t)got;
		if (len > max)
			return fail(error, ST_TOO_LARGE, "more than %zu bytes", max);
	}
	memset(text + len, 0, PADDING);
	*ret_text = (struct str){ text, len };
	return ST_OK;
}

enum status file_read(struct arena *arena, const char *path, size_t max, struct str *ret_text,
		      struct error *error)
{
	int fd CLOSE_FD = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return fail_errno(error, "opening", path);
	enum status status = file_read_fd(arena, fd, max, ret_text, error);

	if (status != ST_OK && error)
		fail_within(error, "%s", path);
	return status;
}

enum status file_reserve(const char *path, u64 bytes, struct error *error)
{
	int fd CLOSE_FD = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), number;

	if (fd < 0)
		return fail(error, file_errno_status(errno), "%s: %s", path, strerror(errno));
	if (ftruncate(fd, (off_t)bytes) != 0)
		return fail(error, file_errno_status(errno), "%s: %s", path, strerror(errno));
	number = posix_fallocate(fd, 0, (off_t)bytes);
	if (number)
		return fail(error, file_errno_status(number), "%s: %s", path, strerror(number));
	return ST_OK;
}

enum status file_write_fd(int fd, struct str text, struct error *error)
{
	while (text.len > 0) {
		ssize_t put = write(fd, text.at, text.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return fail_errno(error, "writing", "a file");
		text = str_from(text, (size_t)put);
	}
	return ST_OK;
}

/* The folder's own entry must reach the disk too, or a power cut undoes the rename. */
static enum status sync_folder(const char *path, struct error *error)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_BYTES_MAX];

	snprintf(folder, sizeof folder, "%.*s", slash ? MAX((int)(slash - path), 1) : 1,
		 slash ? path : ".");
	int fd CLOSE_FD = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd))
		return fail_errno(error, "syncing", folder);
	return ST_OK;
}

static enum status write_temporary(const char *path, struct str text, u32 mode, struct error *error)
{
	int fd CLOSE_FD = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return fail_errno(error, "making", path);
	enum status status = file_write_fd(fd, text, error);

	if (status != ST_OK) {
		if (error)
			fail_within(error, "%s", path);
		return status;
	}
	if (fchmod(fd, mode) || fsync(fd))
		return fail_errno(error, "writing", path);
	return ST_OK;
}

enum status file_write(const char *path, struct str text, u32 mode, struct error *error)
{
	char temporary[PATH_BYTES_MAX];
	int len = snprintf(temporary, sizeof temporary, "%s.%d.new", path, (int)getpid());

	if (len < 0 || (size_t)len >= sizeof temporary)
		return fail(error, ST_TOO_LARGE, "a path is too long");
	unlink(temporary); /* what a crash of a process with our number left */
	enum status status = write_temporary(temporary, text, mode, error);

	if (status == ST_OK && rename(temporary, path))
		status = fail_errno(error, "replacing", path);
	if (status != ST_OK) {
		unlink(temporary);
		return status;
	}
	return sync_folder(path, error);
}

enum status file_write_plain(const char *path, struct str text, struct error *error)
{
	int fd CLOSE_FD = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return fail_errno(error, "opening", path);
	/* One write call: kernel files take a value whole or not at all. */
	ssize_t put = write(fd, text.at, text.len);

	if (put < 0 || (size_t)put != text.len)
		return fail_errno(error, "writing", path);
	return ST_OK;
}

bool file_exists(const char *path)
{
	struct stat entry;

	return lstat(path, &entry) == 0;
}

bool file_is_dir(const char *path)
{
	struct stat entry;

	return stat(path, &entry) == 0 && S_ISDIR(entry.st_mode);
}

enum status file_mkdir_all(const char *path, u32 mode, struct error *error)
{
	char part[PATH_BYTES_MAX];
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof part)
		return fail(error, ST_BAD_REQUEST, "a folder's path has a bad length");
	memcpy(part, path, len + 1);
	for (size_t i = 1; i <= len; i++) {
		if (part[i] != '/' && part[i] != 0)
			continue;
		part[i] = 0;
		if (mkdir(part, mode) && errno != EEXIST)
			return fail_errno(error, "making folder", part);
		part[i] = path[i];
	}
	if (!file_is_dir(path))
		return fail(error, ST_EXISTS, "making folder %s: something else is there", path);
	return ST_OK;
}

enum status file_remove(const char *path, struct error *error)
{
	if (unlink(path) && errno != ENOENT)
		return fail_errno(error, "removing", path);
	return ST_OK;
}

static int name_order(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void close_folder(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

enum status file_list(struct arena *arena, const char *path, u32 max, struct str **ret_names,
		      u32 *ret_len, struct error *error)
{
	DIR *folder CLEANUP(close_folder) = opendir(path);
	VEC(struct str) names = { 0 };
	const struct dirent *entry;

	if (!folder)
		return fail_errno(error, "listing", path);
	while ((entry = readdir(folder))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (names.len == max)
			return fail(error, ST_TOO_LARGE, "%s holds more than %u names", path, max);
		VEC_PUSH(arena, &names, str_copy(arena, str_of(entry->d_name)));
	}
	if (names.len)
		qsort(names.at, names.len, sizeof *names.at, name_order);
	*ret_names = names.at;
	*ret_len = names.len;
	return ST_OK;
}

enum { LOCK_TRIES = 20 };

enum status file_lock(const char *path, int *ret_fd, struct error *error)
{
	static const struct timespec pause = { .tv_nsec = 20 * NS_PER_MS };
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int locked = -1;

	if (fd < 0)
		return fail_errno(error, "opening", path);
	/* A child that was being started when its server was killed holds it a moment longer. */
	for (int i = 0; i < LOCK_TRIES && (locked = flock(fd, LOCK_EX | LOCK_NB)) != 0; i++)
		nanosleep(&pause, NULL);
	if (locked) {
		enum status status = fail_errno(error, "locking", path);

		close(fd);
		return status;
	}
	*ret_fd = fd;
	return ST_OK;
}
