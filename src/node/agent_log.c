/*
 * Streams a log: what is there, then (follow) what comes, told by inotify on the container's log
 * directory. Reads pieces of 64 KiB and waits when the reader is slow. Files put aside by rotation
 * are read first when all lines are wanted.
 */
#include "node/agent_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "node/container_log.h"
#include "server/reply.h"
#include "sys/file.h"

enum { PIECE_BYTES = 64 << 10, QUEUE_FULL = 512 << 10, LINE_BYTES_MAX = 1 << 20 };

struct log_stream {
	struct agent *agent; /* NULL: it has stopped */
	struct log_stream *next, **link;
	struct http_exchange *x;
	struct log_want want;
	struct buffer raw; /* bytes not yet ended by a newline */
	char path[AGENT_PATH_MAX * 2], id[80];
	int fd, notify;
	struct fd_watch *watch;
	bool follow, midline, waiting, over;
};

static void stream_free(struct log_stream *stream)
{
	if (stream->link) {
		*stream->link = stream->next;
		if (stream->next)
			stream->next->link = stream->link;
	}
	fd_watch_free(stream->watch);
	if (stream->notify >= 0)
		close(stream->notify);
	if (stream->fd >= 0)
		close(stream->fd);
	buffer_release(&stream->raw);
	free(stream);
}

static bool still_runs(const struct log_stream *stream)
{
	struct runtime *runtime = stream->agent->runtime;
	const struct container_record *record = runtime->find(runtime->self, str_of(stream->id));

	return record && record->phase != CONTAINER_EXITED;
}

static void finish(struct log_stream *stream)
{
	if (stream->over)
		return;
	stream->over = true;
	fd_watch_free(stream->watch);
	stream->watch = NULL;
	stream->x->answer->end(stream->x);
}

/* Sends what whole lines there are. False: enough was sent. */
static bool send_lines(struct log_stream *stream)
{
	struct buffer out = BUFFER_INIT(4 * LINE_BYTES_MAX);
	struct str raw = buffer_str(&stream->raw);
	i64 end = str_find_last(raw, '\n');
	bool more = true;

	if (end < 0)
		return true;
	raw = str_part(raw, 0, (size_t)end + 1);
	more = log_format(&out, raw, &stream->want, &stream->midline);
	buffer_drop(&stream->raw, raw.len);
	if (out.len) {
		struct http_piece piece = { out.at, out.len };

		stream->waiting = stream->x->answer->write(stream->x, &piece, 1) > QUEUE_FULL;
	}
	buffer_release(&out);
	return more;
}

/* Has the file been put aside? Then go on with the new one of its name. */
static bool reopen(struct log_stream *stream)
{
	struct stat ours, named;

	if (fstat(stream->fd, &ours) || stat(stream->path, &named) ||
	    (ours.st_ino == named.st_ino && ours.st_dev == named.st_dev))
		return false;
	int fd = open(stream->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	close(stream->fd);
	stream->fd = fd;
	return true;
}

static void pump(struct log_stream *stream)
{
	while (!stream->over && !stream->waiting) {
		char *room = buffer_room(&stream->raw, PIECE_BYTES);
		/* Looked at before reading: what was written until then is seen. */
		bool runs = stream->follow && still_runs(stream);
		ssize_t got = room ? read(stream->fd, room, PIECE_BYTES) : -1;

		if (got > 0) {
			stream->raw.len += (size_t)got;
			if (!send_lines(stream)) {
				finish(stream); /* may be its end: not touched any more */
				return;
			}
			continue;
		}
		if (got == 0 && reopen(stream))
			continue;
		if (!runs)
			finish(stream);
		return;
	}
}

static void log_grew(void *self, int events)
{
	struct log_stream *stream = self;
	char room[4096];

	(void)events;
	while (read(stream->notify, room, sizeof room) > 0)
		;
	pump(stream);
}

static void writable(struct http_exchange *x)
{
	struct log_stream *stream = x->handler;

	stream->waiting = false;
	pump(stream);
}

static void closed(struct http_exchange *x)
{
	stream_free(x->handler);
}

/* Where to begin for the last `lines`: found by reading backwards in growing pieces. */
static void seek_tail(struct log_stream *stream, i64 lines)
{
	off_t size = lseek(stream->fd, 0, SEEK_END);

	for (off_t piece = PIECE_BYTES;; piece *= 4) {
		struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
		off_t from = size > piece ? size - piece : 0;
		char *room = arena_alloc(arena, (size_t)(size - from) + 1);
		ssize_t got = pread(stream->fd, room, (size_t)(size - from), from);
		struct str raw = { room, got > 0 ? (size_t)got : 0 };
		size_t start = log_tail_offset(raw, lines);

		/* Offset 0 may only mean that the piece was too short. */
		if (start > 0 || from == 0 || lines == 0) {
			lseek(stream->fd, from + (off_t)start, SEEK_SET);
			return;
		}
	}
}

/* The files rotation has put aside, oldest first, when everything is wanted. */
static bool send_older(struct log_stream *stream)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct str whole = str_of(stream->path), *names = NULL;
	i64 slash = str_find_last(whole, '/');
	struct str prefix =
		str_format(arena, STR_FMT ".", STR_ARG(str_from(whole, (size_t)slash + 1)));
	u32 len = 0;

	if (file_list(arena, str_c(arena, str_part(whole, 0, (size_t)slash)), 4096, &names, &len,
		      NULL) != ST_OK)
		return true;
	for (u32 i = 0; i < len; i++) {
		struct str text;
		const char *path =
			str_c(arena, str_format(arena, STR_FMT "/" STR_FMT,
						STR_ARG(str_part(whole, 0, (size_t)slash)),
						STR_ARG(names[i])));

		if (!str_starts(names[i], prefix) ||
		    file_read(arena, path, 4 * LOG_BYTES_MAX, &text, NULL) != ST_OK)
			continue;
		/* Piece by piece, so that one answer's buffer stays small. */
		while (text.len) {
			struct str piece = str_part(text, 0, PIECE_BYTES);

			buffer_add_str(&stream->raw, piece);
			text = str_from(text, piece.len);
			if (!send_lines(stream))
				return false;
		}
	}
	return true;
}

static void watch_log(struct log_stream *stream)
{
	char directory[AGENT_PATH_MAX * 2];

	snprintf(directory, sizeof directory, "%s", stream->path);
	*strrchr(directory, '/') = 0;
	stream->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (stream->notify < 0 ||
	    inotify_add_watch(stream->notify, directory, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
		return;
	/* The end of the container is told by its exit file. */
	snprintf(directory, sizeof directory, STR_FMT "/node/containers/%s",
		 STR_ARG(stream->agent->config.data), stream->id);
	inotify_add_watch(stream->notify, directory, IN_MOVED_TO | IN_DELETE_SELF);
	stream->watch = fd_watch_new(stream->agent->loop, stream->notify, log_grew, stream);
	if (fd_watch_set(stream->watch, FD_READABLE, NULL) != ST_OK)
		stream->follow = false;
}

void log_stream_start(struct agent *agent, struct http_exchange *x,
		      const struct container_record *record, const struct log_options *options)
{
	static const struct http_header headers[] = { { STR_INIT("content-type"),
							STR_INIT("text/plain") } };
	struct log_stream *stream = calloc(1, sizeof *stream);

	CHECK(stream);
	*stream = (struct log_stream){
		.agent = agent,
		.x = x,
		.want = { .timestamps = options->timestamps,
			  .tail_lines = options->tail_lines,
			  .limit_bytes = options->limit_bytes,
			  .since_ns = options->since_wall_ns },
		.raw = BUFFER_INIT(LINE_BYTES_MAX),
		.fd = -1,
		.notify = -1,
		.follow = options->follow,
	};
	snprintf(stream->path, sizeof stream->path, STR_FMT, STR_ARG(record->log_path));
	snprintf(stream->id, sizeof stream->id, STR_FMT, STR_ARG(record->id));
	stream->fd = open(stream->path, O_RDONLY | O_CLOEXEC);
	if (stream->fd < 0) {
		struct str path = record->log_path;

		reply_failure(x, ST_NOT_FOUND,
			      "failed to try resolving symlinks in path \"" STR_FMT
			      "\": no such file or directory",
			      STR_ARG(path));
		stream_free(stream);
		return;
	}
	stream->link = &agent->log_streams;
	stream->next = agent->log_streams;
	if (stream->next)
		stream->next->link = &stream->next;
	agent->log_streams = stream;
	x->handler = stream;
	x->on_writable = writable;
	x->on_closed = closed;
	x->answer->start(x, 200, headers, 1);
	if (options->tail_lines >= 0) {
		seek_tail(stream, options->tail_lines);
	} else if (!send_older(stream)) {
		finish(stream);
		return;
	}
	if (stream->follow)
		watch_log(stream);
	pump(stream);
}

void log_streams_end(struct agent *agent)
{
	for (struct log_stream *stream = agent->log_streams, *next; stream; stream = next) {
		next = stream->next;
		stream->link = NULL;
		stream->agent = NULL;
		finish(stream);
	}
	agent->log_streams = NULL;
}
