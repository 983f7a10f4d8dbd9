/*
 * The server's side of exec and attach: standard streams of a process over SPDY/3.1 (kubectl up to
 * 1.29) or WebSocket (1.30 on, and every other client library), as in
 * k8s.io/apimachinery/pkg/util/remotecommand: v5 … v1 and channel.k8s.io protocols.
 */
#ifndef NET_REMOTE_H
#define NET_REMOTE_H

#include "base/error.h"
#include "net/exchange.h"

struct remote;

struct remote_events {
	/* Standard input; the slice is gone when the call returns. `end` comes once, with or after
	 * the last bytes. */
	void (*input)(void *self, struct str bytes, bool end);
	void (*resize)(void *self, u32 width, u32 height);
	void (*drained)(void *self); /* all that was written has left: write more */
	void (*opened)(void *self);  /* all streams are there: start the process. May be NULL */
	void (*closed)(void *self);  /* the last call; the remote is gone after it */
};
struct remote_wants {
	bool in, out, err, tty;
};

/* stdin, stdout, stderr and tty of the query ("true" or "1"). */
struct remote_wants remote_wants_of(struct http_exchange *x);

/* Answers the upgrade. ST_BAD_REQUEST when the request is none, or speaks no protocol we know; then
 * nothing was sent and the caller replies. Afterwards the exchange belongs to the remote: its
 * on_closed, handler and arena stay untouched and live until `closed` has been called. */
MUST_USE enum status remote_accept(struct http_exchange *x, const struct remote_wants *wants,
				   const struct remote_events *events, void *self,
				   struct remote **ret_remote, struct error *error);
/* stream: 1 output, 2 errors. Returns the bytes queued; past REMOTE_QUEUE_FULL wait for drained. */
enum { REMOTE_QUEUE_FULL = 256 << 10 };
size_t remote_write(struct remote *remote, int stream, struct str bytes);
void remote_pause_input(struct remote *remote, bool paused); /* up to 64 KiB may still come */
/* Ends all streams with a v1.Status' JSON: remote_status_exit() or one of the caller's making.
 * `closed` follows once the client has taken it all. */
void remote_finish(struct remote *remote, struct str status_json);
/* What kubectl reads an exit code from. */
struct str remote_status_exit(struct arena *arena, int code);
struct str remote_status_failure(struct arena *arena, struct str message);

#endif
