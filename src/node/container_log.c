/* Reading, cutting and putting aside log files. */
#include "node/container_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/timestamp.h"
#include "sys/file.h"

bool log_line_parse(struct str line, struct log_line *ret_line)
{
	struct log_line parsed = { .stamp = str_cut(&line, ' ') };
	struct str stream = str_cut(&line, ' '), tag = str_cut(&line, ' ');

	if (!line.at || !timestamp_parse(parsed.stamp, &parsed.wall_ns))
		return false;
	parsed.stream = str_is(stream, "stderr") ? 2 : 1;
	parsed.partial = str_is(str_cut(&tag, ':'), "P");
	parsed.text = line;
	*ret_line = parsed;
	return true;
}

static bool add_limited(struct buffer *out, struct log_want *want, struct str text)
{
	if (want->limit_bytes >= 0) {
		text = str_part(text, 0, (size_t)want->limit_bytes);
		want->limit_bytes -= (i64)text.len;
	}
	return buffer_add_str(out, text) && want->limit_bytes != 0;
}

/* conmon writes +00:00; Kubernetes' logs say Z. */
static struct str shown_stamp(char room[48], struct str stamp)
{
	if (!str_ends(stamp, STR("+00:00")))
		return stamp;
	int len = snprintf(room, 48, "%.*sZ", (int)MIN(stamp.len - 6, (size_t)40), stamp.at);

	return (struct str){ room, (size_t)len };
}

bool log_format(struct buffer *out, struct str raw, struct log_want *want, bool *midline)
{
	while (raw.len) {
		struct log_line line;
		char room[48];
		struct str whole = str_cut(&raw, '\n');

		if (!raw.at || !log_line_parse(whole, &line) || line.wall_ns < want->since_ns)
			continue;
		if (want->timestamps && !*midline &&
		    (!add_limited(out, want, shown_stamp(room, line.stamp)) ||
		     !add_limited(out, want, STR(" "))))
			return false;
		if (!add_limited(out, want, line.text))
			return false;
		if (!line.partial && !add_limited(out, want, STR("\n")))
			return false;
		*midline = line.partial;
	}
	return true;
}

size_t log_tail_offset(struct str raw, i64 lines)
{
	size_t at = raw.len;

	if (lines < 0)
		return 0;
	if (lines == 0)
		return raw.len;
	for (; at > 0; at--) {
		if (raw.at[at - 1] != '\n' || at == raw.len)
			continue;
		/* A newline ends a line of ours only when the entry before it is a full one. */
		struct str before = { raw.at, at - 1 };
		i64 start = str_find_last(before, '\n');
		struct log_line line;

		if (log_line_parse(str_from(before, (size_t)(start + 1)), &line) && !line.partial &&
		    --lines == 0)
			return at;
	}
	return 0;
}

bool file_read_head(struct arena *arena, const char *path, size_t bytes, struct str *ret_text)
{
	int fd CLOSE_FD = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char *room = arena_alloc(arena, bytes + 1);
	ssize_t got = fd >= 0 ? read(fd, room, bytes) : -1;

	if (got < 0)
		return false;
	room[got] = 0;
	*ret_text = (struct str){ room, (size_t)got };
	return true;
}

struct str container_log_tail(struct arena *arena, const char *path, i64 lines, size_t bytes)
{
	int fd CLOSE_FD = open(path, O_RDONLY | O_CLOEXEC);
	size_t room = bytes * 4; /* stamps take space too */
	char *raw = arena_alloc(arena, room);
	struct log_want want = { .tail_lines = lines, .limit_bytes = -1 };
	struct buffer out = BUFFER_INIT(1 << 20);
	bool midline = false;
	off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;

	if (size < 0)
		return STR_NONE;
	off_t from = size > (off_t)room ? size - (off_t)room : 0;
	ssize_t got = pread(fd, raw, room, from);
	struct str text = { raw, got > 0 ? (size_t)got : 0 };

	text = str_from(text, log_tail_offset(text, lines));
	log_format(&out, text, &want, &midline);
	text = buffer_str(&out);
	if (text.len > bytes)
		text = str_from(text, text.len - bytes);
	text = str_copy(arena, text);
	buffer_release(&out);
	return text;
}

static void drop_oldest(const char *path)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct str whole = str_of(path), *names = NULL;
	i64 slash = str_find_last(whole, '/');
	const char *directory = str_c(arena, str_part(whole, 0, (size_t)slash));
	struct str prefix =
		str_format(arena, STR_FMT ".", STR_ARG(str_from(whole, (size_t)slash + 1)));
	u32 len = 0, old = 0;

	if (file_list(arena, directory, 4096, &names, &len, NULL) != ST_OK)
		return;
	for (u32 i = len; i-- > 0;) /* sorted: the newest last */
		if (str_starts(names[i], prefix) && ++old >= LOG_FILES_MAX)
			if (file_remove(str_c(arena, str_format(arena, "%s/" STR_FMT, directory,
								STR_ARG(names[i]))),
					NULL) != ST_OK)
				return;
}

bool container_log_rotate(const char *path, i64 now_ns)
{
	char aside[1024], stamp[32];
	time_t seconds = (time_t)(now_ns / NS_PER_S);
	struct stat info;
	struct tm parts;

	if (stat(path, &info) || info.st_size < LOG_BYTES_MAX)
		return false;
	gmtime_r(&seconds, &parts);
	strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &parts);
	snprintf(aside, sizeof aside, "%s.%s", path, stamp);
	if (rename(path, aside))
		return false;
	drop_oldest(path);
	return true;
}
