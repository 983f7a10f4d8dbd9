/* port-forward as a client: a SPDY session inside a WebSocket, two streams a connection. */
#include <stdlib.h>

#include "base/buffer.h"
#include "base/check.h"
#include "net/remote_client.h"
#include "net/remote_dial.h"
#include "net/spdy.h"
#include "net/websocket.h"

enum { ERROR_BYTES_MAX = 4096 };

struct forward_client_conn {
	struct forward_client *forward;
	struct forward_client_conn *next;
	const struct forward_client_conn_events *events;
	void *self;
	u32 data_stream, error_stream;
	struct buffer error;
	bool ours_ended, theirs_ended, errors_ended, dropped, clogged;
};

struct forward_client {
	struct http_upgrade *upgrade;
	struct websocket *ws;
	struct spdy *spdy;
	struct remote_dial dial;
	const struct forward_client_events *events;
	void *self;
	struct arena *arena;
	struct str why;
	struct forward_client_conn *conns;
	u32 requests;
	bool broken;
};

/* ---- connections */

static struct forward_client_conn *conn_of(struct forward_client *f, u32 stream)
{
	struct forward_client_conn *c = f->conns;

	while (c && c->data_stream != stream && c->error_stream != stream)
		c = c->next;
	return c;
}

static void conn_gone(struct forward_client_conn *conn, const char *why)
{
	struct forward_client_conn **link = &conn->forward->conns;

	while (*link != conn)
		link = &(*link)->next;
	*link = conn->next;
	if (!conn->dropped && conn->events->gone)
		conn->events->gone(conn->self,
				   conn->error.len ? buffer_str(&conn->error) : str_of(why));
	buffer_release(&conn->error);
	free(conn);
}

static void conn_settle(struct forward_client_conn *conn)
{
	if (conn->ours_ended && conn->theirs_ended && conn->errors_ended)
		conn_gone(conn, "");
}

struct forward_client_conn *forward_client_connect(struct forward_client *f, u16 port,
						   const struct forward_client_conn_events *events,
						   void *self)
{
	struct forward_client_conn *conn = calloc(1, sizeof *conn);
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(256);
	struct http_header headers[] = {
		{ STR("streamtype"), STR("error") },
		{ STR("port"), str_format(arena, "%u", port) },
		{ STR("requestid"), str_format(arena, "%u", f->requests++) },
	};

	CHECK(conn && f->spdy); /* not before `opened` */
	*conn = (struct forward_client_conn){ .forward = f,
					      .next = f->conns,
					      .events = events,
					      .self = self,
					      .error = BUFFER_INIT(ERROR_BYTES_MAX) };
	f->conns = conn;
	conn->error_stream = spdy_open(f->spdy, headers, ARRAY_LEN(headers));
	spdy_write(f->spdy, conn->error_stream, STR(""), true); /* we only listen there */
	headers[0].value = STR("data");
	conn->data_stream = spdy_open(f->spdy, headers, ARRAY_LEN(headers));
	return conn;
}

size_t forward_client_write(struct forward_client_conn *conn, struct str bytes)
{
	if (conn->ours_ended || conn->forward->broken || bytes.len == 0)
		return 0;
	conn->clogged = true;
	return spdy_write(conn->forward->spdy, conn->data_stream, bytes, false);
}

void forward_client_end(struct forward_client_conn *conn)
{
	if (conn->ours_ended)
		return;
	conn->ours_ended = true;
	if (!conn->forward->broken)
		spdy_write(conn->forward->spdy, conn->data_stream, STR(""), true);
	conn_settle(conn);
}

void forward_client_drop(struct forward_client_conn *conn)
{
	struct forward_client *f = conn->forward;

	conn->dropped = true;
	if (!f->broken) {
		spdy_reset(f->spdy, conn->data_stream, SPDY_CANCEL);
		spdy_reset(f->spdy, conn->error_stream, SPDY_CANCEL);
	}
	conn_gone(conn, "");
}

/* ---- SPDY */

static void spdy_opened(void *self, u32 stream, const struct http_header *headers, u32 len,
			bool end)
{
	struct forward_client *f = self;

	(void)headers;
	(void)len;
	(void)end;
	spdy_reset(f->spdy, stream, SPDY_REFUSED); /* servers open none */
}

static void spdy_bytes(void *self, u32 stream, struct str bytes, bool end)
{
	struct forward_client_conn *conn = conn_of(self, stream);

	if (!conn)
		return;
	if (stream == conn->error_stream) {
		size_t room = ERROR_BYTES_MAX - conn->error.len;

		buffer_add_str(&conn->error, str_part(bytes, 0, room));
		conn->errors_ended |= end;
		conn_settle(conn);
		return;
	}
	if (bytes.len)
		conn->events->bytes(conn->self, bytes);
	/* Its owner may have dropped it from inside. */
	if (!end || conn_of(self, stream) != conn)
		return;
	conn->theirs_ended = true;
	if (conn->events->end)
		conn->events->end(conn->self);
	if (conn_of(self, stream) == conn)
		conn_settle(conn);
}

static void spdy_was_reset(void *self, u32 stream, u32 code)
{
	struct forward_client_conn *conn = conn_of(self, stream);

	(void)code;
	if (conn)
		conn_gone(conn, "the connection was reset");
}

static size_t spdy_send(void *self, const struct http_piece *pieces, u32 len)
{
	struct forward_client *f = self;

	return websocket_message(f->ws, pieces, len);
}

static const struct spdy_events spdy_events = {
	.opened = spdy_opened,
	.bytes = spdy_bytes,
	.reset = spdy_was_reset,
	.send = spdy_send,
};

/* ---- the WebSocket around it */

static void ws_message(void *self, struct str bytes)
{
	struct forward_client *f = self;

	if (!f->broken && !spdy_input(f->spdy, bytes))
		f->broken = true;
}

static size_t ws_send(void *self, const struct http_piece *pieces, u32 len)
{
	struct forward_client *f = self;
	size_t queued = 0;

	for (u32 i = 0; i < len; i++)
		queued =
			http_upgrade_write(f->upgrade, (struct str){ pieces[i].at, pieces[i].len });
	return queued;
}

static const struct websocket_events ws_events = { .message = ws_message, .send = ws_send };

static void forward_over(struct forward_client *f)
{
	f->broken = true;
	while (f->conns)
		conn_gone(f->conns, "the connection to the server was lost");
	f->events->closed(f->self, f->why);
	spdy_free(f->spdy);
	websocket_free(f->ws);
	arena_free(f->arena);
	free(f);
}

static void upgrade_opened(void *self, const struct http_call_result *result)
{
	struct forward_client *f = self;

	if (!remote_dial_is_good(&f->dial, result)) {
		f->why = STR("the server's WebSocket handshake is malformed");
		http_upgrade_close(f->upgrade);
		return;
	}
	f->ws = websocket_new(false, &ws_events, f);
	f->spdy = spdy_new(false, &spdy_events, f);
	if (f->events->opened)
		f->events->opened(f->self);
}

static void upgrade_refused(void *self, const struct http_call_result *result)
{
	struct forward_client *f = self;

	f->why = remote_dial_refusal(f->arena, result);
	forward_over(f);
}

static void upgrade_bytes(void *self, struct str bytes)
{
	struct forward_client *f = self;

	if (f->broken || !f->ws)
		return;
	if (!websocket_input(f->ws, bytes) || f->broken) {
		f->broken = true;
		http_upgrade_close(f->upgrade);
	}
}

static void upgrade_drained(void *self)
{
	struct forward_client *f = self;

	for (struct forward_client_conn *c = f->conns, *next; c; c = next) {
		next = c->next;
		if (!c->clogged)
			continue;
		c->clogged = false;
		if (c->events->drained)
			c->events->drained(c->self);
	}
}

static void upgrade_closed(void *self)
{
	forward_over(self);
}

struct forward_client *forward_client_start(struct http_client *client, struct str target,
					    const struct forward_client_events *events, void *self)
{
	static const struct http_upgrade_events upgrade_events = {
		.opened = upgrade_opened,
		.refused = upgrade_refused,
		.bytes = upgrade_bytes,
		.drained = upgrade_drained,
		.closed = upgrade_closed,
	};
	struct forward_client *f = calloc(1, sizeof *f);

	CHECK(f);
	f->events = events;
	f->self = self;
	f->arena = arena_new(0);
	f->upgrade = remote_dial(client, target, STR("SPDY/3.1+portforward.k8s.io"), &f->dial,
				 &upgrade_events, f);
	return f;
}

void forward_client_close(struct forward_client *f)
{
	if (f->ws && !f->broken)
		websocket_close(f->ws, WEBSOCKET_NORMAL);
	f->broken = true;
	http_upgrade_close(f->upgrade);
}
