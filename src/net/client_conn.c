/* One connection of a client: sends a request, reads its answer, and waits for the next. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "net/client_inside.h"

enum { HELD_BYTES_MAX = URL_BYTES_MAX + HEADERS_BYTES_MAX + (64 << 10), IDLE_DEFAULT = 4 };

static void set_why(struct client_conn *c, enum status status, const char *why)
{
	if (c->broken == ST_OK) {
		c->broken = status;
		snprintf(c->why, sizeof c->why, "%.150s", why);
	}
}

/* ---- sending */

static void tls_cipher(void *self, struct str bytes)
{
	struct client_conn *c = self;

	stream_write(c->stream, bytes);
}

size_t client_conn_queued(struct client_conn *c)
{
	return stream_queued(c->stream);
}

size_t client_conn_write(struct client_conn *c, struct str bytes)
{
	struct error error = ERROR_INIT;

	if (!c->tls)
		return stream_write(c->stream, bytes);
	if (bytes.len && tls_session_write(c->tls, bytes, &error) != ST_OK) {
		set_why(c, error.status, error.message);
		stream_abort(c->stream);
	}
	return stream_queued(c->stream);
}

static void send_request(struct client_conn *c)
{
	if (c->ready && c->call)
		client_conn_write(c, buffer_str(&c->call->request));
}

void client_conn_take(struct client_conn *c, struct http_call *call)
{
	if (c->phase == CLIENT_IDLE)
		c->client->idle--;
	c->call = call;
	call->conn = c;
	c->phase = CLIENT_HEAD;
	c->scan = (struct http1_scan){ 0 };
	c->answered = false;
	buffer_clear(&c->held);
	stream_pause(c->stream, call->paused);
	send_request(c);
}

/* ---- the answer's body */

static void rest(struct client_conn *c, bool keep)
{
	struct http_client *client = c->client;
	u32 idle_max = client->config.idle_max ? client->config.idle_max : IDLE_DEFAULT;

	c->call = NULL;
	c->reused = true;
	if (!keep || client->idle >= idle_max) {
		client_conn_close(c);
		return;
	}
	c->phase = CLIENT_IDLE;
	client->idle++;
	stream_pause(c->stream, false);
}

static void answer_over(struct client_conn *c)
{
	struct http_call *call = c->call;
	bool keep = call->head.keep_alive && c->phase != CLIENT_UNTIL_CLOSE;

	call->conn = NULL;
	rest(c, keep);
	call_done(call);
}

/* False when the call is no more: its owner may have cancelled it from inside. */
static bool give(struct client_conn *c, struct str bytes)
{
	struct http_call *call = c->call;

	if (call->events && call->events->bytes) {
		call->events->bytes(call->self, bytes);
		return c->call == call;
	}
	if (buffer_add_str(&call->body, bytes))
		return true;
	call_failed(call, ST_TOO_LARGE, "the answer is too large");
	return false;
}

static bool take_length(struct client_conn *c, struct str *bytes)
{
	struct str part = str_part(*bytes, 0, (size_t)MIN((u64)bytes->len, c->left));

	*bytes = str_from(*bytes, part.len);
	c->left -= part.len;
	bool over = c->left == 0;

	if (part.len && !give(c, part))
		return false;
	if (over)
		answer_over(c);
	return !over;
}

static bool take_chunks(struct client_conn *c, struct str *bytes)
{
	struct str part;

	switch (http1_chunks_next(&c->chunks, bytes, &part)) {
	case HTTP1_CHUNK_BYTES:
		return give(c, part);
	case HTTP1_CHUNK_END:
		answer_over(c);
		return false;
	case HTTP1_CHUNK_BAD:
		call_failed(c->call, ST_UNAVAILABLE, "the answer's chunks are malformed");
		return false;
	default:
		return true;
	}
}

static bool take_rest(struct client_conn *c, struct str *bytes)
{
	struct str all = *bytes;

	*bytes = STR_NONE;
	return give(c, all);
}

/* ---- the answer's head */

static struct http_call_result result_of(struct http_call *call)
{
	return (struct http_call_result){ .code = call->head.code,
					  .headers = call->head.headers,
					  .headers_len = call->head.headers_len };
}

static bool go_tunnel(struct client_conn *c)
{
	struct http_call *call = c->call;
	struct http_call_result result = result_of(call);

	c->phase = CLIENT_TUNNEL;
	call->tunnel = true;
	timer_free(call->timer); /* the limit was for getting here */
	call->timer = NULL;
	if (call->upgrade->opened)
		call->upgrade->opened(call->self, &result);
	return c->call == call;
}

/* A head is complete: true when reading goes on with its body. */
static bool begin_answer(struct client_conn *c, struct str text)
{
	struct http_call *call = c->call;
	const char *why;

	c->scan = (struct http1_scan){ 0 };
	if (http1_parse_answer(call->arena, str_copy(call->arena, text), &call->head, &why)) {
		call_failed(call, ST_UNAVAILABLE, why);
		return false;
	}
	if (call->head.code == 101 && call->upgrade)
		return go_tunnel(c);
	if (call->head.code < 200)
		return true; /* 100 Continue and its like: the answer is yet to come */
	call->has_head = true;
	if (call->events && call->events->head) {
		struct http_call_result result = result_of(call);

		call->events->head(call->self, &result);
		if (c->call != call)
			return false;
	}
	c->left = (u64)MAX(call->head.content_length, 0);
	c->chunks = (struct http1_chunks){ 0 };
	if (call->no_body || call->head.code == 204 || call->head.code == 304 ||
	    (!call->head.chunked && call->head.content_length == 0)) {
		answer_over(c);
		return false;
	}
	c->phase = call->head.chunked		   ? CLIENT_CHUNKED
		   : call->head.content_length > 0 ? CLIENT_LENGTH
						   : CLIENT_UNTIL_CLOSE;
	return true;
}

static bool take_head(struct client_conn *c, struct str *bytes)
{
	struct str text = *bytes;

	/* Most heads come whole; only parts of one are copied together. */
	if (c->held.len) {
		if (!buffer_add_str(&c->held, *bytes)) {
			call_failed(c->call, ST_UNAVAILABLE, "the answer's head is too long");
			return false;
		}
		text = buffer_str(&c->held);
	}
	i64 len = http1_scan_head(&c->scan, text);

	if (len < 0) {
		call_failed(c->call, ST_UNAVAILABLE, "the answer is no HTTP");
		return false;
	}
	if (len == 0) {
		if (!c->held.len && !buffer_add_str(&c->held, *bytes))
			call_failed(c->call, ST_UNAVAILABLE, "the answer's head is too long");
		return false;
	}
	*bytes = str_from(*bytes, bytes->len - (text.len - (size_t)len));
	bool on = begin_answer(c, str_part(text, 0, (size_t)len));

	buffer_clear(&c->held);
	return on;
}

static bool take_tunnel(struct client_conn *c, struct str *bytes)
{
	struct http_call *call = c->call;
	struct str all = *bytes;

	*bytes = STR_NONE;
	call->upgrade->bytes(call->self, all);
	return c->call == call;
}

static void have_plain(void *self, struct str bytes)
{
	struct client_conn *c = self;
	bool on = true;

	if (!c->client)
		return;
	if (!c->call) {
		stream_abort(c->stream); /* nobody asked */
		return;
	}
	c->answered = true;
	while (on && c->call && bytes.len) {
		switch (c->phase) {
		case CLIENT_HEAD:
			on = take_head(c, &bytes);
			break;
		case CLIENT_LENGTH:
			on = take_length(c, &bytes);
			break;
		case CLIENT_CHUNKED:
			on = take_chunks(c, &bytes);
			break;
		case CLIENT_UNTIL_CLOSE:
			on = take_rest(c, &bytes);
			break;
		case CLIENT_TUNNEL:
			on = take_tunnel(c, &bytes);
			break;
		case CLIENT_IDLE:
			return;
		}
	}
}

/* ---- the socket */

static void tls_is_ready(void *self)
{
	struct client_conn *c = self;

	c->ready = true;
	send_request(c);
}

static const struct tls_session_events tls_events = {
	.ready = tls_is_ready,
	.plain = have_plain,
	.cipher = tls_cipher,
};

static void have_opened(void *self)
{
	struct client_conn *c = self;

	if (!c->client)
		return;
	if (c->tls) {
		tls_session_start(c->tls);
	} else {
		c->ready = true;
		send_request(c);
	}
}

static void have_bytes(void *self, struct str bytes)
{
	struct client_conn *c = self;
	struct error error = ERROR_INIT;

	if (!c->client)
		return;
	if (!c->tls) {
		have_plain(c, bytes);
	} else if (tls_session_feed(c->tls, bytes, &error) != ST_OK) {
		set_why(c, error.status, error.message);
		stream_close(c->stream); /* after the alert */
	} else if (tls_session_is_ended(c->tls)) {
		stream_close(c->stream);
	}
}

static void have_drained(void *self)
{
	struct client_conn *c = self;

	if (c->call && c->call->tunnel && c->call->upgrade->drained)
		c->call->upgrade->drained(c->call->self);
}

static void unlink_from_client(struct client_conn *c)
{
	struct http_client *client = c->client;

	if (c->phase == CLIENT_IDLE)
		client->idle--;
	if (c->next)
		c->next->prev = c->prev;
	if (c->prev)
		c->prev->next = c->next;
	else
		client->conns = c->next;
	c->client = NULL;
}

static void lost(struct client_conn *c, struct http_call *call)
{
	if (call->tunnel) {
		call->upgrade->closed(call->self);
		call_free(call);
	} else if (c->phase == CLIENT_UNTIL_CLOSE && c->broken == ST_OK) {
		call_done(call);
	} else if (c->reused && !c->answered && call->may_retry && !call->retried) {
		/* The server let go of an idle connection just when we took it. */
		call->retried = true;
		call_assign(call);
	} else {
		call_failed(call, c->broken != ST_OK ? c->broken : ST_UNAVAILABLE,
			    c->why[0] ? c->why : "the connection ended before the answer");
	}
}

static void have_closed(void *self, enum status status, const char *why)
{
	struct client_conn *c = self;
	struct http_call *call = c->call;

	if (status != ST_OK)
		set_why(c, status, why);
	if (c->client)
		unlink_from_client(c);
	c->call = NULL;
	if (call) {
		call->conn = NULL;
		lost(c, call);
	}
	tls_session_free(c->tls);
	buffer_release(&c->held);
	free(c);
}

static const struct stream_events stream_events = {
	.opened = have_opened,
	.bytes = have_bytes,
	.drained = have_drained,
	.closed = have_closed,
};

struct client_conn *client_conn_new(struct http_client *client)
{
	struct client_conn *c = calloc(1, sizeof *c);
	u32 timeout_ms = client->config.connect_timeout_ms;

	CHECK(c);
	c->client = client;
	c->held = BUFFER_INIT(HELD_BYTES_MAX);
	c->next = client->conns;
	if (c->next)
		c->next->prev = c;
	client->conns = c;
	if (client->secure)
		c->tls = tls_session_new(client->config.tls, client->server_name, &tls_events, c);
	c->stream = stream_connect(client->loop, client->address, timeout_ms ? timeout_ms : 10000,
				   &stream_events, c);
	return c;
}

void client_conn_drop(struct client_conn *c)
{
	if (c->call)
		c->call->conn = NULL;
	c->call = NULL;
	if (c->client)
		unlink_from_client(c);
	stream_abort(c->stream);
}

void client_conn_close(struct client_conn *c)
{
	if (c->tls)
		tls_session_end(c->tls);
	stream_close(c->stream);
}
