/* A stream's insides, for stream.c and connect.c only. */
#ifndef SYS_STREAM_INSIDE_H
#define SYS_STREAM_INSIDE_H

#include "sys/loop_inside.h"

#include "base/buffer.h"

enum { EARLY_BYTES_MAX = 16 << 20 };

struct connecting; /* a connect under way, see connect.c */

struct connecting {
	struct stream *stream; /* NULL once the stream is gone: a name look-up cannot be stopped */
	struct loop *loop;
	uv_getaddrinfo_t lookup;
	uv_connect_t request;
	struct addrinfo *found, *next;
	int last_error;
	char host[256], port[6];
};

struct stream {
	struct loop_object object;
	union {
		uv_handle_t handle;
		uv_stream_t uv;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	};
	const struct stream_events *events;
	void *self;
	size_t queued;
	struct buffer early; /* written before the connect was done */
	struct connecting *connecting;
	struct timer *timeout;
	const char *why;
	enum status status;
	bool local, is_open, paused, read_over, ending, closing, finished, renewing, dropped;
	char peer[64];
};

struct stream *stream_new(struct loop *loop, bool local);
void stream_opened(struct stream *stream);
void stream_finish(struct stream *stream, int uv_error);
void stream_catch_up(struct stream *stream);
void stream_renewed(struct stream *stream); /* the handle is fresh again */

#endif
