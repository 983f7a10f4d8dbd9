/*
 * Socket ↔ TLS ↔ engine. Output gathers in two buffers that all connections share (one record of
 * plaintext, one write of ciphertext): an idle connection owns nothing but its structs.
 */
#include "net/connection.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "net/http1.h"
#include "net/http2.h"

/* ---- output */

static void push(struct connection *c)
{
	struct http_server *server = c->server;

	if (server->out.len) {
		server->stats.bytes_out += server->out.len;
		stream_write(c->stream, buffer_str(&server->out));
		buffer_clear(&server->out);
	}
}

static void encrypt(struct connection *c, struct str bytes)
{
	struct error error = ERROR_INIT;

	if (bytes.len && tls_session_write(c->tls, bytes, &error) != ST_OK)
		log_debug("net", "sending failed peer=" STR_FMT " why=\"%s\"",
			  STR_ARG(c->peer.address), error.message);
}

static void flush(struct connection *c)
{
	struct http_server *server = c->server;

	if (server->out_owner != c)
		return;
	if (server->stage_len) {
		size_t len = server->stage_len;

		server->stage_len = 0;
		encrypt(c, (struct str){ server->stage, len });
	}
	push(c);
	server->out_owner = NULL;
}

static void own_output(struct connection *c)
{
	struct http_server *server = c->server;

	if (server->out_owner == c)
		return;
	if (server->out_owner)
		flush(server->out_owner);
	server->out_owner = c;
}

static void tls_cipher(void *self, struct str bytes)
{
	struct connection *c = self;

	if (!c->server)
		return;
	own_output(c);
	CHECK(buffer_add_str(&c->server->out, bytes));
	if (c->server->out.len >= OUT_PUSH)
		push(c);
}

/* Small pieces are put together to full records; big ones are encrypted where they lie. */
static void send_staged(struct connection *c, struct str bytes)
{
	struct http_server *server = c->server;

	while (bytes.len) {
		if (server->stage_len == 0 && bytes.len >= STAGE_BYTES) {
			size_t whole = bytes.len - bytes.len % STAGE_BYTES;

			encrypt(c, str_part(bytes, 0, whole));
			bytes = str_from(bytes, whole);
			continue;
		}
		size_t len = MIN(bytes.len, STAGE_BYTES - server->stage_len);

		memcpy(server->stage + server->stage_len, bytes.at, len);
		server->stage_len += len;
		bytes = str_from(bytes, len);
		if (server->stage_len == STAGE_BYTES) {
			server->stage_len = 0;
			encrypt(c, (struct str){ server->stage, STAGE_BYTES });
		}
	}
}

static void wire_send(struct wire *wire, struct str bytes)
{
	struct connection *c = CONTAINER_OF(wire, struct connection, wire);

	if (!c->server || c->closing || c->gone)
		return;
	own_output(c);
	if (c->tls)
		send_staged(c, bytes);
	else
		tls_cipher(c, bytes);
}

static size_t wire_queued(struct wire *wire)
{
	struct connection *c = CONTAINER_OF(wire, struct connection, wire);
	size_t own = c->server && c->server->out_owner == c
			     ? c->server->out.len + c->server->stage_len
			     : 0;

	return c->gone ? 0 : own + stream_queued(c->stream);
}

static void wire_wake(struct wire *wire)
{
	struct connection *c = CONTAINER_OF(wire, struct connection, wire);
	struct http_server *server = c->server;

	if (c->pending || !server)
		return;
	c->pending = true;
	if (server->pending_last)
		server->pending_last->pending_next = c;
	else
		server->pending = c;
	server->pending_last = c;
}

static void wire_pause(struct wire *wire, bool paused)
{
	struct connection *c = CONTAINER_OF(wire, struct connection, wire);

	if (!c->gone)
		stream_pause(c->stream, paused);
}

/* Half-closes and reads on for a moment: closing on bytes that still come in would make the kernel
 * send a reset, and the client might lose our last answer. */
static void wire_close(struct wire *wire)
{
	struct connection *c = CONTAINER_OF(wire, struct connection, wire);

	if (!c->server || c->closing || c->gone)
		return;
	own_output(c);
	flush(c);
	if (c->tls) {
		tls_session_end(c->tls);
		flush(c);
	}
	c->closing = true;
	c->moved_ms = loop_now_ms(c->server->loop);
	stream_pause(c->stream, false);
	stream_end(c->stream);
}

static const struct wire_ops wire_ops = {
	.send = wire_send,
	.queued = wire_queued,
	.close = wire_close,
	.pause = wire_pause,
	.wake = wire_wake,
};

/* ---- input */

static void restart_clock(struct connection *c)
{
	c->since_ms = loop_now_ms(c->server->loop);
}

static void engine_start(struct connection *c)
{
	struct http_server *server = c->server;

	c->peer.address = stream_peer(c->stream);
	c->peer.secure = c->tls != NULL;
	if (c->tls) {
		c->peer_arena = arena_new(256);
		tls_session_peer(c->tls, c->peer_arena, &c->peer);
	}
	if (c->tls && tls_session_is_http2(c->tls))
		c->http2 = http2_new(&c->wire, &server->config.handler, &c->peer, server->date,
				     server->config.streams_max, &server->stats);
	else
		c->http1 = http1_new(&c->wire, &server->config.handler, &c->peer, server->date,
				     &server->stats.requests);
	if (server->stopping)
		connection_shut(c);
}

static void have_plain(void *self, struct str bytes)
{
	struct connection *c = self;

	if (c->closing || c->gone)
		return;
	if (c->http1)
		http1_input(c->http1, bytes);
	else if (c->http2)
		http2_input(c->http2, bytes);
}

static void tls_is_ready(void *self)
{
	engine_start(self);
}

static const struct tls_session_events tls_events = {
	.ready = tls_is_ready,
	.plain = have_plain,
	.cipher = tls_cipher,
};

enum wire_wait connection_wait(const struct connection *c)
{
	if (c->http1)
		return http1_wait(c->http1);
	return c->http2 ? http2_wait(c->http2) : WAIT_HEAD;
}

static void tls_input(struct connection *c, struct str bytes)
{
	struct error error = ERROR_INIT;

	if (tls_session_feed(c->tls, bytes, &error) != ST_OK) {
		c->server->stats.tls_failures++;
		log_debug("net", "tls failed peer=" STR_FMT " why=\"%s\"",
			  STR_ARG(stream_peer(c->stream)), error.message);
		flush(c); /* the alert that says why */
		stream_close(c->stream);
	} else if (tls_session_is_ended(c->tls)) {
		flush(c);
		stream_close(c->stream);
	}
}

static void have_bytes(void *self, struct str bytes)
{
	struct connection *c = self;

	if (!c->server || c->closing)
		return; /* lingering: read over what still comes */
	enum wire_wait before = connection_wait(c);

	c->server->stats.bytes_in += bytes.len;
	if (c->tls)
		tls_input(c, bytes);
	else
		have_plain(c, bytes);
	/* A head's time runs from its first byte, a body's from its last. */
	if (connection_wait(c) != before || before == WAIT_BODY)
		restart_clock(c);
	wire_wake(&c->wire);
}

/* ---- ends */

static void have_ended(void *self)
{
	struct connection *c = self;

	if (c->server)
		flush(c);
	stream_close(c->stream);
}

static void have_drained(void *self)
{
	struct connection *c = self;

	if (!c->server)
		return;
	c->moved_ms = loop_now_ms(c->server->loop);
	if (c->closing)
		return;
	if (c->http1)
		http1_writable(c->http1);
	else if (c->http2)
		http2_writable(c->http2);
	wire_wake(&c->wire);
}

static void engines_free(struct connection *c)
{
	c->gone = true;
	http1_free(c->http1);
	http2_free(c->http2);
	c->http1 = NULL;
	c->http2 = NULL;
}

static void connection_free(struct connection *c)
{
	tls_session_free(c->tls);
	arena_free(c->peer_arena);
	free(c);
}

static void unlink_from_server(struct connection *c)
{
	struct http_server *server = c->server;

	if (server->out_owner == c) {
		buffer_clear(&server->out);
		server->stage_len = 0;
		server->out_owner = NULL;
	}
	if (c->next)
		c->next->prev = c->prev;
	if (c->prev)
		c->prev->next = c->next;
	else
		server->connections = c->next;
}

static void have_closed(void *self, enum status status, const char *why)
{
	struct connection *c = self;
	struct http_server *server = c->server;

	if (status != ST_OK)
		log_debug("net", "connection broke peer=" STR_FMT " why=\"%s\"",
			  STR_ARG(c->peer.address), why);
	if (!server) {
		connection_free(c);
		return;
	}
	engines_free(c);
	unlink_from_server(c);
	server_lost(server);
	if (!c->pending)
		connection_free(c); /* otherwise connection_settle does it */
}

static const struct stream_events stream_events = {
	.bytes = have_bytes,
	.ended = have_ended,
	.drained = have_drained,
	.closed = have_closed,
};

void connection_new(struct http_server *server, struct stream *stream)
{
	struct connection *c = calloc(1, sizeof *c);

	CHECK(c);
	c->wire.ops = &wire_ops;
	c->server = server;
	c->stream = stream;
	c->since_ms = c->moved_ms = loop_now_ms(server->loop);
	c->next = server->connections;
	if (c->next)
		c->next->prev = c;
	server->connections = c;
	if (server->config.tls)
		c->tls = tls_session_new(server->config.tls, STR_NONE, &tls_events, c);
	else
		engine_start(c);
	stream_open(stream, &stream_events, c);
}

void connection_settle(struct connection *c)
{
	if (c->gone) {
		connection_free(c);
		return;
	}
	enum wire_wait before = connection_wait(c);

	if (c->http1)
		http1_settle(c->http1);
	else if (c->http2)
		http2_settle(c->http2);
	flush(c);
	if (connection_wait(c) != before)
		restart_clock(c);
	/* The kernel took it all at once: no drained will come from below. */
	if (!c->closing && stream_queued(c->stream) == 0) {
		c->moved_ms = loop_now_ms(c->server->loop);
		if (c->http1)
			http1_writable(c->http1);
		else if (c->http2)
			http2_writable(c->http2);
		flush(c);
	}
}

void connection_timeout(struct connection *c)
{
	if (c->http1)
		http1_timeout(c->http1);
	else if (c->http2)
		http2_shut(c->http2);
	else
		stream_abort(c->stream);
	restart_clock(c);
	wire_wake(&c->wire);
}

void connection_shut(struct connection *c)
{
	if (c->http1)
		http1_shut(c->http1);
	else if (c->http2)
		http2_shut(c->http2);
	wire_wake(&c->wire);
}

void connection_orphan(struct connection *c)
{
	flush(c);
	engines_free(c);
	unlink_from_server(c);
	c->server = NULL;
	c->pending = false;
	stream_abort(c->stream);
}
