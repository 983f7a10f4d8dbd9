/*
 * Port-forward. SPDY sessions carry an "error" and a "data" stream a connection, paired by their
 * request id; WebSocket channels carry one connection a port, 2i its data and 2i+1 its errors.
 */
#include "net/forward.h"

#include <stdlib.h>

#include "base/check.h"
#include "net/spdy.h"
#include "net/upgrade.h"
#include "net/websocket.h"

enum { CONNS_MAX = 1000, PORTS_MAX = 64, MESSAGE_BYTES = 32 << 10, REQUEST_ID_MAX = 64 };

struct forward_conn {
	struct forward *forward;
	struct forward_conn *next;
	void *data;
	u32 data_stream, error_stream; /* SPDY's ids, or the channel numbers plus one */
	u16 port;
	bool opened;	 /* the owner knows it */
	bool ours_ended; /* we have sent our last */
	bool theirs_ended;
	bool clogged;
	char id[REQUEST_ID_MAX + 1];
};

struct forward {
	struct http_exchange *x;
	const struct forward_events *events;
	void *self;
	struct spdy *spdy;
	struct websocket *ws;
	struct forward_conn *conns;
	u32 conns_len;
	bool broken, closing;
};

/* ---- connections */

static struct forward_conn *conn_new(struct forward *f)
{
	struct forward_conn *conn = calloc(1, sizeof *conn);

	CHECK(conn);
	conn->forward = f;
	conn->next = f->conns;
	f->conns = conn;
	f->conns_len++;
	return conn;
}

static void conn_gone(struct forward_conn *conn)
{
	struct forward *f = conn->forward;
	struct forward_conn **link = &f->conns;

	while (*link != conn)
		link = &(*link)->next;
	*link = conn->next;
	f->conns_len--;
	if (conn->opened && f->events->gone)
		f->events->gone(f->self, conn);
	free(conn);
}

static struct forward_conn *conn_of_stream(struct forward *f, u32 stream)
{
	for (struct forward_conn *c = f->conns; c; c = c->next)
		if (stream && (c->data_stream == stream || c->error_stream == stream))
			return c;
	return NULL;
}

static struct forward_conn *conn_of_id(struct forward *f, struct str id)
{
	for (struct forward_conn *c = f->conns; c; c = c->next)
		if (id.len && str_is(id, c->id))
			return c;
	return NULL;
}

static void conn_open(struct forward_conn *conn)
{
	conn->opened = true;
	conn->forward->events->opened(conn->forward->self, conn, conn->port);
}

static void conn_bytes(struct forward_conn *conn, struct str bytes, bool end)
{
	struct forward *f = conn->forward;

	if (conn->theirs_ended || !conn->opened)
		return;
	if (bytes.len)
		f->events->bytes(f->self, conn, bytes);
	if (!end)
		return;
	conn->theirs_ended = true;
	if (conn->ours_ended)
		conn_gone(conn);
	else if (f->events->end)
		f->events->end(f->self, conn);
}

void forward_conn_set(struct forward_conn *conn, void *data)
{
	conn->data = data;
}

void *forward_conn_get(const struct forward_conn *conn)
{
	return conn->data;
}

/* ---- SPDY */

struct stream_headers {
	struct str type, id;
	i64 port;
};

static struct stream_headers read_headers(const struct http_header *headers, u32 len)
{
	struct stream_headers read = { .port = -1 };

	for (u32 i = 0; i < len; i++) {
		struct str name = headers[i].name, value = headers[i].value;

		if (str_is(name, "streamtype"))
			read.type = value;
		else if (str_is(name, "requestid"))
			read.id = value;
		else if (str_is(name, "port") && !str_to_i64(value, &read.port))
			read.port = -1;
	}
	return read;
}

static void spdy_opened(void *self, u32 stream, const struct http_header *headers, u32 len,
			bool end)
{
	struct forward *f = self;
	struct stream_headers h = read_headers(headers, len);
	bool data = str_is(h.type, "data"), error = str_is(h.type, "error");
	struct forward_conn *conn = conn_of_id(f, h.id);

	(void)end; /* clients end their error stream at once; their data stream later */
	if ((!data && !error) || h.port < 1 || h.port > 65535 || h.id.len > REQUEST_ID_MAX ||
	    h.id.len == 0 || (conn && (data ? conn->data_stream : conn->error_stream)) ||
	    (!conn && f->conns_len >= CONNS_MAX)) {
		spdy_reset(f->spdy, stream, SPDY_REFUSED);
		return;
	}
	if (!conn) {
		conn = conn_new(f);
		memcpy(conn->id, h.id.at, h.id.len);
	}
	*(data ? &conn->data_stream : &conn->error_stream) = stream;
	conn->port = (u16)h.port;
	spdy_reply(f->spdy, stream);
	if (conn->data_stream && conn->error_stream)
		conn_open(conn);
}

static void spdy_bytes(void *self, u32 stream, struct str bytes, bool end)
{
	struct forward_conn *conn = conn_of_stream(self, stream);

	if (conn && conn->data_stream == stream)
		conn_bytes(conn, bytes, end);
}

static void spdy_was_reset(void *self, u32 stream, u32 code)
{
	struct forward_conn *conn = conn_of_stream(self, stream);

	(void)code;
	if (conn)
		conn_gone(conn);
}

static size_t send_raw(void *self, const struct http_piece *pieces, u32 len)
{
	struct forward *f = self;

	return upgrade_send(f->x, pieces, len);
}

/* A SPDY session inside a WebSocket: what it sends becomes messages. */
static size_t spdy_send(void *self, const struct http_piece *pieces, u32 len)
{
	struct forward *f = self;

	return f->ws ? websocket_message(f->ws, pieces, len) : send_raw(f, pieces, len);
}

static const struct spdy_events spdy_events = {
	.opened = spdy_opened,
	.bytes = spdy_bytes,
	.reset = spdy_was_reset,
	.send = spdy_send,
};

/* ---- WebSocket */

static void ws_message(void *self, struct str bytes)
{
	struct forward *f = self;

	if (f->spdy) {
		if (!f->broken && !spdy_input(f->spdy, bytes))
			f->broken = true;
		return;
	}
	if (bytes.len < 2)
		return;
	struct forward_conn *conn = conn_of_stream(f, (u32)(u8)bytes.at[0] + 1);

	if (conn && conn->data_stream == (u32)(u8)bytes.at[0] + 1)
		conn_bytes(conn, str_from(bytes, 1), false);
}

static const struct websocket_events ws_events = {
	.message = ws_message,
	.send = send_raw,
};

static size_t channel_write(struct forward *f, u32 channel, struct str bytes)
{
	char byte = (char)channel;
	size_t queued = 0;

	while (bytes.len) {
		struct str part = str_part(bytes, 0, MESSAGE_BYTES);
		const struct http_piece pieces[] = { { &byte, 1 }, { part.at, part.len } };

		queued = websocket_message(f->ws, pieces, 2);
		bytes = str_from(bytes, part.len);
	}
	return queued;
}

/* Each channel opens with its port, low byte first. */
static void channels_open(struct forward *f, const u16 *ports, u32 len)
{
	struct forward_conn *conns[PORTS_MAX];

	for (u32 i = 0; i < len; i++) {
		const char port[] = { (char)ports[i], (char)(ports[i] >> 8) };

		conns[i] = conn_new(f);
		conns[i]->port = ports[i];
		conns[i]->data_stream = 2 * i + 1;
		conns[i]->error_stream = 2 * i + 2;
		channel_write(f, 2 * i, (struct str){ port, 2 });
		channel_write(f, 2 * i + 1, (struct str){ port, 2 });
	}
	for (u32 i = 0; i < len; i++)
		conn_open(conns[i]);
}

/* ---- the tunnel */

static void tunnel_bytes(void *self, struct str bytes)
{
	struct forward *f = self;

	if (f->broken)
		return;
	bool good = f->ws ? websocket_input(f->ws, bytes) : spdy_input(f->spdy, bytes);

	if (!good || f->broken) {
		f->broken = true;
		f->x->answer->tunnel_close(f->x);
	}
}

static void tunnel_drained(void *self)
{
	struct forward *f = self;

	/* The owner may write again from inside; each conn gets its turn once. */
	for (struct forward_conn *c = f->conns, *next; c; c = next) {
		next = c->next;
		if (!c->clogged || !c->opened)
			continue;
		c->clogged = false;
		if (f->events->drained)
			f->events->drained(f->self, c);
	}
}

static void tunnel_closed(void *self)
{
	struct forward *f = self;

	f->broken = true;
	while (f->conns)
		conn_gone(f->conns);
	if (f->events->closed)
		f->events->closed(f->self);
	spdy_free(f->spdy);
	websocket_free(f->ws);
}

static const struct http_tunnel_events tunnel_events = {
	.bytes = tunnel_bytes,
	.drained = tunnel_drained,
	.closed = tunnel_closed,
};

/* ---- the public face */

static const char tunnelled[] = "SPDY/3.1+portforward.k8s.io";

static enum status accept_spdy(struct forward *f, struct error *error)
{
	static const char *const known[] = { "portforward.k8s.io", NULL };
	bool named;
	const char *protocol = upgrade_choose(f->x, "x-stream-protocol-version", known, &named);

	if (named && !protocol)
		return fail(error, ST_FORBIDDEN,
			    "unable to upgrade: unable to negotiate protocol: server supports "
			    "[portforward.k8s.io]");
	f->spdy = spdy_new(true, &spdy_events, f);
	upgrade_to_spdy(f->x, protocol, &tunnel_events, f);
	return ST_OK;
}

static enum status read_ports(struct http_exchange *x, u16 ports[PORTS_MAX], u32 *ret_len,
			      struct error *error)
{
	u32 len = 0;
	struct str rest;

	for (u32 n = 0; (rest = http_query_nth(x, "ports", n)).at; n++) {
		while (rest.at) {
			i64 port;

			if (!str_to_i64(str_cut(&rest, ','), &port) || port < 1 || port > 65535 ||
			    len == PORTS_MAX)
				return fail(error, ST_BAD_REQUEST,
					    "query parameter \"ports\" must be port numbers");
			ports[len++] = (u16)port;
		}
	}
	if (len == 0)
		return fail(error, ST_BAD_REQUEST, "query parameter \"ports\" is required");
	*ret_len = len;
	return ST_OK;
}

static enum status accept_websocket(struct forward *f, struct error *error)
{
	static const char *const known[] = { tunnelled, "v4.channel.k8s.io", "portforward.k8s.io",
					     NULL };
	bool named, spdy;
	const char *protocol = upgrade_choose(f->x, "sec-websocket-protocol", known, &named);
	u16 ports[PORTS_MAX];
	u32 len = 0;
	enum status status = ST_OK;

	if (named && !protocol)
		return fail(error, ST_BAD_REQUEST,
			    "no supported protocol was found: server supports %s and "
			    "v4.channel.k8s.io",
			    tunnelled);
	spdy = protocol == tunnelled;
	if (!spdy)
		status = read_ports(f->x, ports, &len, error);
	if (status == ST_OK)
		status = websocket_accept(f->x, str_of(protocol), &tunnel_events, f, error);
	if (status != ST_OK)
		return status;
	f->ws = websocket_new(true, &ws_events, f);
	if (spdy)
		f->spdy = spdy_new(true, &spdy_events, f);
	else
		channels_open(f, ports, len);
	return ST_OK;
}

enum status forward_accept(struct http_exchange *x, const struct forward_events *events, void *self,
			   struct forward **ret_forward, struct error *error)
{
	struct forward *f = ARENA_NEW(x->arena, struct forward);

	*f = (struct forward){ .x = x, .events = events, .self = self };
	*ret_forward = f; /* `opened` may come before we return */
	return upgrade_is_spdy(x) ? accept_spdy(f, error) : accept_websocket(f, error);
}

size_t forward_write(struct forward_conn *conn, struct str bytes)
{
	struct forward *f = conn->forward;

	if (conn->ours_ended || f->broken || bytes.len == 0)
		return 0;
	conn->clogged = true;
	if (f->spdy)
		return spdy_write(f->spdy, conn->data_stream, bytes, false);
	return channel_write(f, conn->data_stream - 1, bytes);
}

void forward_pause(struct forward *f, bool paused)
{
	if (!f->broken)
		f->x->answer->tunnel_pause(f->x, paused);
}

static void say_end(struct forward_conn *conn, struct str error_text)
{
	struct forward *f = conn->forward;

	if (conn->ours_ended || f->broken)
		return;
	conn->ours_ended = true;
	if (f->spdy) {
		/* The client reads its error stream to the end before it lets go. */
		spdy_write(f->spdy, conn->error_stream, error_text, true);
		spdy_write(f->spdy, conn->data_stream, STR(""), true);
	} else {
		channel_write(f, conn->error_stream - 1, error_text);
	}
}

void forward_error(struct forward_conn *conn, struct str text)
{
	say_end(conn, text);
	if (conn->theirs_ended)
		conn_gone(conn);
}

void forward_end(struct forward_conn *conn)
{
	say_end(conn, STR(""));
	if (conn->theirs_ended)
		conn_gone(conn);
}

void forward_close(struct forward *f)
{
	if (f->broken || f->closing)
		return;
	f->closing = true;
	if (f->ws)
		websocket_close(f->ws, WEBSOCKET_NORMAL);
	else
		spdy_goaway(f->spdy);
	f->x->answer->tunnel_close(f->x);
}
