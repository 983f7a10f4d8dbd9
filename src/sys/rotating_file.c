/* The thread behind a rotating log. Two buffers: one is filled while the other is written. */
#include "sys/rotating_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/check.h"
#include "sys/file.h"
#include "sys/thread.h"

enum { BYTES_DEFAULT = 100 << 20, QUEUED_DEFAULT = 16 << 20, FILES_MAX = 10000 };

struct rotating_file {
	struct rotating_config config;
	char *path, *folder, *stem, *tail; /* of "/var/log/audit.log": /var/log, audit, .log */
	int fd;
	u64 bytes, dropped;
	struct monitor *monitor; /* guards `queued`, `dropped` and `closing` */
	struct buffer queued, writing;
	bool closing;
	struct thread *thread;
};

static char *copy_of(const char *text, size_t len)
{
	char *copy = strndup(text, len);

	CHECK(copy);
	return copy;
}

static void take_path(struct rotating_file *f, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *dot = strrchr(name, '.');

	f->path = copy_of(path, strlen(path));
	f->folder =
		slash ? copy_of(path, slash == path ? 1 : (size_t)(slash - path)) : copy_of(".", 1);
	f->stem = copy_of(name, dot && dot != name ? (size_t)(dot - name) : strlen(name));
	f->tail = copy_of(dot && dot != name ? dot : "", dot && dot != name ? strlen(dot) : 0);
}

static enum status open_file(struct rotating_file *f, struct error *error)
{
	struct stat now;

	if (!strcmp(f->path, "-")) {
		f->fd = dup(STDOUT_FILENO);
		return ST_OK;
	}
	f->fd = open(f->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (f->fd < 0)
		return fail(error, file_errno_status(errno), "%s: %s", f->path, strerror(errno));
	f->bytes = fstat(f->fd, &now) == 0 ? (u64)now.st_size : 0;
	return ST_OK;
}

/* ---- rotation */

/* "audit-2026-01-02T15-04-05.000.log", as others' tools expect it. */
static void backup_name(const struct rotating_file *f, char *out, size_t len)
{
	struct timespec now;
	struct tm tm;
	char stamp[40];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(stamp, sizeof stamp, "%Y-%m-%dT%H-%M-%S", &tm);
	snprintf(out, len, "%s/%s-%s.%03ld%s", f->folder, f->stem, stamp, now.tv_nsec / 1000000,
		 f->tail);
}

static bool is_backup(const struct rotating_file *f, struct str name)
{
	return name.len > strlen(f->stem) + strlen(f->tail) + 20 &&
	       str_starts(name, str_of(f->stem)) && name.at[strlen(f->stem)] == '-' &&
	       str_ends(name, str_of(f->tail));
}

static bool is_old(const struct rotating_file *f, const char *path)
{
	struct stat at;

	return f->config.days_max && stat(path, &at) == 0 &&
	       at.st_mtime < time(NULL) - (time_t)f->config.days_max * 24 * 3600;
}

/* Names sort by time, so the first are the oldest. */
static void remove_old(struct rotating_file *f)
{
	struct arena *arena = arena_new(0);
	struct str *names;
	u32 len, backups = 0;

	if (file_list(arena, f->folder, FILES_MAX, &names, &len, NULL) != ST_OK)
		len = 0;
	for (u32 i = 0; i < len; i++)
		backups += is_backup(f, names[i]);
	for (u32 i = 0; i < len; i++) {
		const char *path =
			str_format(arena, "%s/" STR_FMT, f->folder, STR_ARG(names[i])).at;

		if (!is_backup(f, names[i]))
			continue;
		if ((f->config.backups_max && backups > f->config.backups_max) || is_old(f, path)) {
			unlink(path);
			backups--;
		}
	}
	arena_free(arena);
}

static void rotate(struct rotating_file *f)
{
	char name[4096];

	backup_name(f, name, sizeof name);
	close(f->fd);
	f->fd = -1;
	if (rename(f->path, name) != 0 || open_file(f, NULL) != ST_OK)
		f->fd = open(f->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	f->bytes = 0;
	remove_old(f);
}

/* ---- the thread */

static u64 lines_in(struct str text)
{
	u64 lines = 0;

	for (size_t i = 0; i < text.len; i++)
		lines += text.at[i] == '\n';
	return lines;
}

/* Line by line up to the size, so that no line is cut in two by a rotation. */
static u64 write_lines(struct rotating_file *f, struct str text)
{
	bool plain = !strcmp(f->path, "-");

	while (text.len) {
		u64 room = f->bytes < f->config.bytes_max ? f->config.bytes_max - f->bytes : 0;
		size_t len = text.len;

		if (!plain && len > room) {
			i64 last = str_find_last(str_part(text, 0, (size_t)room), '\n');

			if (last < 0 && f->bytes) {
				rotate(f);
				continue;
			}
			if (last < 0) /* one line larger than a file */
				last = str_find_char(text, '\n');
			len = last < 0 ? text.len : (size_t)last + 1;
		}
		if (f->fd < 0 || file_write_fd(f->fd, str_part(text, 0, len), NULL) != ST_OK)
			return lines_in(text);
		f->bytes += len;
		text = str_from(text, len);
	}
	return 0;
}

static void run(void *self)
{
	struct rotating_file *f = self;

	monitor_enter(f->monitor);
	while (f->queued.len || !f->closing) {
		struct buffer full = f->queued;
		u64 lost;

		if (!full.len) {
			monitor_wait(f->monitor, -1);
			continue;
		}
		f->queued = f->writing;
		f->writing = full;
		monitor_leave(f->monitor);
		lost = write_lines(f, buffer_str(&full));
		buffer_clear(&f->writing);
		monitor_enter(f->monitor);
		f->dropped += lost;
	}
	monitor_leave(f->monitor);
}

/* ---- the public face */

static void release(struct rotating_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	monitor_free(f->monitor);
	buffer_release(&f->queued);
	buffer_release(&f->writing);
	free(f->path);
	free(f->folder);
	free(f->stem);
	free(f->tail);
	free(f);
}

enum status rotating_file_open(const struct rotating_config *config,
			       struct rotating_file **ret_file, struct error *error)
{
	struct rotating_file *f = calloc(1, sizeof *f);
	enum status status;

	CHECK(f);
	f->config = *config;
	f->fd = -1;
	if (!f->config.bytes_max)
		f->config.bytes_max = BYTES_DEFAULT;
	if (!f->config.queued_max)
		f->config.queued_max = QUEUED_DEFAULT;
	f->queued = f->writing = BUFFER_INIT(f->config.queued_max);
	f->monitor = monitor_new();
	take_path(f, config->path);
	status = open_file(f, error);
	if (status == ST_OK)
		status = thread_start("log", run, f, &f->thread, error);
	if (status != ST_OK)
		release(f);
	else
		*ret_file = f;
	return status;
}

void rotating_file_add(struct rotating_file *file, struct str line)
{
	monitor_enter(file->monitor);
	if (!buffer_add_str(&file->queued, line)) {
		file->queued.full = false; /* a shorter one may still fit */
		file->dropped++;
	}
	monitor_wake(file->monitor);
	monitor_leave(file->monitor);
}

u64 rotating_file_dropped(struct rotating_file *file)
{
	u64 dropped;

	monitor_enter(file->monitor);
	dropped = file->dropped;
	monitor_leave(file->monitor);
	return dropped;
}

void rotating_file_close(struct rotating_file *file)
{
	if (!file)
		return;
	monitor_enter(file->monitor);
	file->closing = true;
	monitor_wake(file->monitor);
	monitor_leave(file->monitor);
	thread_join(file->thread);
	release(file);
}
