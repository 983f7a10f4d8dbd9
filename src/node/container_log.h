/*
 * Container logs as conmon writes them, in Kubernetes' format: a line is
 * `2024-01-01T00:00:00.000000000Z stdout F text`, P instead of F when the line goes on in the next.
 */
#ifndef NODE_CONTAINER_LOG_H
#define NODE_CONTAINER_LOG_H

#include "base/buffer.h"
#include "base/str.h"

enum {
	LOG_CHECK_MS = 10000,	  /* how often sizes are looked at while containers run */
	LOG_BYTES_MAX = 10 << 20, /* then the file is put aside */
	LOG_FILES_MAX = 5,
};

struct log_line {
	i64 wall_ns;
	struct str stamp, text;
	int stream; /* 1 or 2 */
	bool partial;
};

/* Takes one line (without its \n) apart; false when it is none of ours. */
bool log_line_parse(struct str line, struct log_line *ret_line);

/* What of a log is wanted. */
struct log_want {
	bool timestamps;
	i64 tail_lines;	 /* -1: all */
	i64 limit_bytes; /* -1: no limit; counts down as bytes are written */
	i64 since_ns;
};

/* Appends the text of raw log bytes (whole lines) to `out`. False: limit_bytes is used up.
 * `midline`: the text before ended without a newline; carried from call to call. */
bool log_format(struct buffer *out, struct str raw, struct log_want *want, bool *midline);

/* The offset where the last `lines` whole lines of raw log bytes begin. */
size_t log_tail_offset(struct str raw, i64 lines);

/* The texts of the last lines of a log file, at most `bytes`; empty when it cannot be read. */
struct str container_log_tail(struct arena *arena, const char *path, i64 lines, size_t bytes);

/* The first bytes of a file; false when there is none. */
bool file_read_head(struct arena *arena, const char *path, size_t bytes, struct str *ret_text);

/* Puts `path` aside as path.<time> when it has grown too large and deletes the oldest of them.
 * True when the writer must open it again. */
bool container_log_rotate(const char *path, i64 now_ns);

#endif
