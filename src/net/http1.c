/*
 * One connection, one request at a time. Bytes that come while a request is being answered wait in
 * `held`; when too many wait, reading stops. Exchanges end in http1_settle only, never inside a
 * call of the handler, so a handler may touch its exchange until on_closed whatever it has just
 * called.
 */
#include "net/http1.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/check.h"
#include "net/http1_parse.h"
#include "net/refusal.h"

enum {
	HELD_BYTES_MAX = URL_BYTES_MAX + HEADERS_BYTES_MAX + (64 << 10),
	HELD_PAUSE = 64 << 10, /* this much waiting behind a request stops reading */
	ARENA_FIRST = 4096,
	BODY_PADDING = 64, /* NULs after a body, so that parsers may run on in place */
	HEAD_ANSWER_MAX = 32 << 10,
};

enum phase { PHASE_HEAD, PHASE_LENGTH, PHASE_CHUNKED, PHASE_HANDLER, PHASE_TUNNEL, PHASE_OVER };

struct http1_exchange {
	struct http_exchange x;
	struct http1 *h;
	struct http1_head head;
	const struct http_piece *pieces; /* of a whole answer, while it goes out */
	u32 pieces_len, piece;
	size_t piece_sent;
	bool answered, streaming, chunked, no_body, sent, clogged;
	const struct http_tunnel_events *tunnel;
	void *tunnel_self;
	bool tunnel_clogged;
};

struct http1 {
	struct wire *wire;
	const struct http_handler *handler;
	const struct http_peer *peer;
	const char *date;
	u64 *requests;
	struct http1_exchange *exchange;
	struct http1_scan scan;
	struct http1_chunks chunks;
	char *body;
	size_t body_len, body_cap;
	struct buffer held;
	enum phase phase;
	bool busy, shut, paused;
};

static const struct http_answer http1_answer;

struct http1 *http1_new(struct wire *wire, const struct http_handler *handler,
			const struct http_peer *peer, const char *date, u64 *requests)
{
	struct http1 *h = calloc(1, sizeof *h);

	CHECK(h);
	*h = (struct http1){ .wire = wire,
			     .handler = handler,
			     .peer = peer,
			     .date = date,
			     .requests = requests,
			     .held = BUFFER_INIT(HELD_BYTES_MAX) };
	return h;
}

static void set_paused(struct http1 *h, bool paused)
{
	if (h->paused != paused)
		h->wire->ops->pause(h->wire, paused);
	h->paused = paused;
}

static void send(struct http1 *h, struct str bytes)
{
	h->wire->ops->send(h->wire, bytes);
}

static void go_over(struct http1 *h)
{
	if (h->phase != PHASE_OVER)
		h->wire->ops->close(h->wire);
	h->phase = PHASE_OVER;
	buffer_release(&h->held);
}

/* ---- exchanges */

static struct http1_exchange *exchange_new(struct http1 *h)
{
	struct arena *arena = arena_new(ARENA_FIRST);
	struct http1_exchange *e = ARENA_NEW(arena, struct http1_exchange);

	e->h = h;
	e->x.arena = arena;
	e->x.peer = h->peer;
	e->x.answer = &http1_answer;
	e->x.carrier = e;
	h->exchange = e;
	return e;
}

static void exchange_end(struct http1 *h)
{
	struct http1_exchange *e = h->exchange;

	h->exchange = NULL;
	if (e->tunnel)
		e->tunnel->closed(e->tunnel_self);
	if (e->x.on_closed)
		e->x.on_closed(&e->x);
	arena_free(e->x.arena);
}

/* Refuses a request before any handler has seen it; the connection's state is then unsure. */
static void refuse(struct http1 *h, int code, const char *why)
{
	struct http1_exchange *e = h->exchange ? h->exchange : exchange_new(h);
	struct arena *arena = e->x.arena;
	struct http_header *type = ARENA_NEW(arena, struct http_header);
	struct http_piece *body = ARENA_NEW(arena, struct http_piece);
	struct str text = refusal_body(arena, code, str_of(why));

	*type = (struct http_header){ STR("Content-Type"), STR("application/json") };
	*body = (struct http_piece){ text.at, text.len };
	h->phase = PHASE_HANDLER;
	h->body = NULL;
	e->head.keep_alive = false;
	buffer_release(&h->held);
	e->x.answer->reply(&e->x, code, type, 1, body, 1);
}

/* ---- answering */

static void add_headers(struct buffer *out, const struct http_header *headers, u32 len)
{
	for (u32 i = 0; i < len; i++) {
		/* A line break in a header would let a stranger write the next one. */
		CHECK(!memchr(headers[i].value.at, '\n', headers[i].value.len));
		buffer_add_str(out, headers[i].name);
		buffer_add(out, ": ", 2);
		buffer_add_str(out, headers[i].value);
		buffer_add(out, "\r\n", 2);
	}
}

static bool code_has_no_body(int code)
{
	return code < 200 || code == 204 || code == 304;
}

/* Sends the head; `length` -1 stands for a body of unknown length. */
static void send_head(struct http1_exchange *e, int code, const struct http_header *headers,
		      u32 headers_len, i64 length)
{
	struct http1 *h = e->h;
	struct buffer out = BUFFER_INIT(HEAD_ANSWER_MAX);

	CHECK(!e->answered);
	e->answered = true;
	e->no_body = code_has_no_body(code) || str_is(e->head.method, "HEAD");
	e->chunked = length < 0 && !e->head.http10 && !code_has_no_body(code);
	if (h->shut || (length < 0 && e->head.http10))
		e->head.keep_alive = false;
	buffer_add_format(&out, "HTTP/1.1 %d %s\r\n", code, http_reason_phrase(code));
	add_headers(&out, headers, headers_len);
	if (length >= 0 && !code_has_no_body(code))
		buffer_add_format(&out, "Content-Length: %lld\r\n", (long long)length);
	if (e->chunked)
		buffer_add(&out, "Transfer-Encoding: chunked\r\n", 28);
	if (h->date && h->date[0])
		buffer_add_format(&out, "Date: %s\r\n", h->date);
	if (code != 101 && !e->head.keep_alive)
		buffer_add(&out, "Connection: close\r\n", 19);
	else if (code != 101 && e->head.http10)
		buffer_add(&out, "Connection: keep-alive\r\n", 24);
	buffer_add(&out, "\r\n", 2);
	CHECK(!out.full);
	send(h, buffer_str(&out));
	buffer_release(&out);
}

static void is_sent(struct http1_exchange *e)
{
	e->sent = true;
	e->h->wire->ops->wake(e->h->wire);
}

/* Hands over as many bytes as the wire wants now; the rest waits for http1_writable. */
static void pump(struct http1_exchange *e)
{
	struct http1 *h = e->h;

	while (e->piece < e->pieces_len) {
		const struct http_piece *piece = &e->pieces[e->piece];
		size_t len = MIN(piece->len - e->piece_sent, (size_t)WIRE_FULL);

		if (wire_is_full(h->wire))
			return;
		send(h, (struct str){ piece->at + e->piece_sent, len });
		e->piece_sent += len;
		if (e->piece_sent == piece->len) {
			e->piece++;
			e->piece_sent = 0;
		}
	}
	is_sent(e);
}

static void answer_reply(struct http_exchange *x, int code, const struct http_header *headers,
			 u32 headers_len, const struct http_piece *pieces, u32 pieces_len)
{
	struct http1_exchange *e = x->carrier;
	i64 length = 0;

	for (u32 i = 0; i < pieces_len; i++)
		length += (i64)pieces[i].len;
	send_head(e, code, headers, headers_len, length);
	if (e->no_body)
		pieces_len = 0;
	e->pieces = pieces;
	e->pieces_len = pieces_len;
	pump(e);
}

static void answer_start(struct http_exchange *x, int code, const struct http_header *headers,
			 u32 headers_len)
{
	struct http1_exchange *e = x->carrier;

	send_head(e, code, headers, headers_len, -1);
	e->streaming = true;
	e->h->wire->ops->wake(e->h->wire); /* the head must not wait for the first event */
}

static size_t answer_write(struct http_exchange *x, const struct http_piece *pieces, u32 len)
{
	struct http1_exchange *e = x->carrier;
	struct http1 *h = e->h;
	size_t total = 0;
	char size[20];

	CHECK(e->streaming && !e->sent);
	for (u32 i = 0; i < len; i++)
		total += pieces[i].len;
	if (total == 0 || e->no_body)
		return h->wire->ops->queued(h->wire);
	if (e->chunked) {
		int size_len = snprintf(size, sizeof size, "%zx\r\n", total);

		send(h, (struct str){ size, (size_t)size_len });
	}
	for (u32 i = 0; i < len; i++)
		send(h, (struct str){ pieces[i].at, pieces[i].len });
	if (e->chunked)
		send(h, STR("\r\n"));
	h->wire->ops->wake(h->wire);
	e->clogged = true;
	return h->wire->ops->queued(h->wire);
}

static void answer_end(struct http_exchange *x)
{
	struct http1_exchange *e = x->carrier;

	CHECK(e->streaming && !e->sent);
	if (e->chunked && !e->no_body)
		send(e->h, STR("0\r\n\r\n"));
	e->streaming = false;
	is_sent(e);
}

static void answer_upgrade(struct http_exchange *x, const struct http_header *headers,
			   u32 headers_len, const struct http_tunnel_events *events, void *self)
{
	struct http1_exchange *e = x->carrier;

	send_head(e, 101, headers, headers_len, 0);
	e->tunnel = events;
	e->tunnel_self = self;
	e->h->phase = PHASE_TUNNEL;
	e->h->wire->ops->wake(e->h->wire); /* what the client has sent already comes from there */
}

static size_t tunnel_write(struct http_exchange *x, struct str bytes)
{
	struct http1_exchange *e = x->carrier;
	struct http1 *h = e->h;

	CHECK(e->tunnel);
	if (h->phase == PHASE_TUNNEL && bytes.len) {
		send(h, bytes);
		h->wire->ops->wake(h->wire);
		e->tunnel_clogged = true;
	}
	return h->wire->ops->queued(h->wire);
}

static void tunnel_close(struct http_exchange *x)
{
	struct http1_exchange *e = x->carrier;

	if (e->h->phase == PHASE_TUNNEL)
		go_over(e->h);
}

static void tunnel_pause(struct http_exchange *x, bool paused)
{
	struct http1_exchange *e = x->carrier;

	set_paused(e->h, paused);
	if (!paused && e->h->held.len)
		e->h->wire->ops->wake(e->h->wire);
}

static const struct http_answer http1_answer = {
	.reply = answer_reply,
	.start = answer_start,
	.write = answer_write,
	.end = answer_end,
	.upgrade = answer_upgrade,
	.tunnel_write = tunnel_write,
	.tunnel_close = tunnel_close,
	.tunnel_pause = tunnel_pause,
};

/* ---- reading requests */

static void hand_over(struct http1 *h)
{
	struct http_exchange *x = &h->exchange->x;

	if (h->body) {
		memset(h->body + h->body_len, 0, BODY_PADDING);
		x->body = (struct str){ h->body, h->body_len };
	} else {
		static const char padding[BODY_PADDING];

		x->body = (struct str){ padding, 0 };
	}
	h->body = NULL;
	h->phase = PHASE_HANDLER;
	++*h->requests;
	h->handler->request(h->handler->self, x);
}

/* A head is complete at the front of `bytes`: copies and reads it, and decides how to go on. */
static void begin(struct http1 *h, struct str text)
{
	struct http1_exchange *e = exchange_new(h);
	const char *why;
	int bad = http1_parse_request(e->x.arena, str_copy(e->x.arena, text), &e->head, &why);

	h->scan = (struct http1_scan){ 0 };
	if (!bad && e->head.content_length > BODY_BYTES_MAX) {
		bad = 413;
		why = "Request entity too large: limit is 3145728";
	}
	if (bad) {
		refuse(h, bad, why);
		return;
	}
	e->x.method = e->head.method;
	e->x.path = e->head.path;
	e->x.query = e->head.query;
	e->x.headers = e->head.headers;
	e->x.headers_len = e->head.headers_len;
	h->body_len = 0;
	h->chunks = (struct http1_chunks){ 0 };
	if (!e->head.chunked && e->head.content_length <= 0) {
		hand_over(h);
		return;
	}
	/* The kernel gives pages when bytes come: a promise of 3 MB costs nothing yet. */
	h->body_cap = e->head.chunked ? 8192 : (size_t)e->head.content_length;
	h->body = arena_alloc(e->x.arena, h->body_cap + BODY_PADDING);
	h->phase = e->head.chunked ? PHASE_CHUNKED : PHASE_LENGTH;
	if (e->head.expect_continue && !e->head.http10)
		send(h, STR("HTTP/1.1 100 Continue\r\n\r\n"));
}

static bool take_head(struct http1 *h, struct str *bytes)
{
	i64 len = http1_scan_head(&h->scan, *bytes);

	if (len < 0) {
		refuse(h, (int)-len,
		       len == -414   ? "the request line is too long"
		       : len == -431 ? "the request's head is too long"
				     : "lines must end with CRLF");
		return false;
	}
	if (len == 0)
		return false;
	struct str head = str_part(*bytes, 0, (size_t)len);

	*bytes = str_from(*bytes, (size_t)len);
	begin(h, head);
	return true;
}

static bool take_length(struct http1 *h, struct str *bytes)
{
	size_t len = MIN(h->body_cap - h->body_len, bytes->len);

	memcpy(h->body + h->body_len, bytes->at, len);
	h->body_len += len;
	*bytes = str_from(*bytes, len);
	if (h->body_len < h->body_cap)
		return false;
	hand_over(h);
	return true;
}

static bool add_chunk(struct http1 *h, struct str data)
{
	if (data.len > BODY_BYTES_MAX - h->body_len)
		return false;
	if (h->body_cap - h->body_len < data.len) {
		size_t cap = MAX(h->body_cap * 2, h->body_len + data.len);

		h->body = arena_grow(h->exchange->x.arena, h->body, h->body_cap + BODY_PADDING,
				     cap + BODY_PADDING);
		h->body_cap = cap;
	}
	memcpy(h->body + h->body_len, data.at, data.len);
	h->body_len += data.len;
	return true;
}

static bool take_chunks(struct http1 *h, struct str *bytes)
{
	struct str data;

	for (;;) {
		switch (http1_chunks_next(&h->chunks, bytes, &data)) {
		case HTTP1_CHUNK_MORE:
			return false;
		case HTTP1_CHUNK_BYTES:
			if (add_chunk(h, data))
				break;
			refuse(h, 413, "Request entity too large: limit is 3145728");
			return false;
		case HTTP1_CHUNK_END:
			hand_over(h);
			return true;
		case HTTP1_CHUNK_BAD:
			refuse(h, 400, "the chunked body is malformed");
			return false;
		}
	}
}

static bool take_tunnel(struct http1 *h, struct str *bytes)
{
	struct str all = *bytes;

	if (all.len == 0 || h->paused)
		return false;
	*bytes = STR_NONE;
	h->exchange->tunnel->bytes(h->exchange->tunnel_self, all);
	return false;
}

/* Takes what can be taken now; leaves the rest in *bytes. */
static void process(struct http1 *h, struct str *bytes)
{
	bool more = true;

	h->busy = true;
	while (more) {
		switch (h->phase) {
		case PHASE_HEAD:
			more = bytes->len > 0 && take_head(h, bytes);
			break;
		case PHASE_LENGTH:
			more = take_length(h, bytes);
			break;
		case PHASE_CHUNKED:
			more = take_chunks(h, bytes);
			break;
		case PHASE_TUNNEL:
			more = take_tunnel(h, bytes);
			break;
		case PHASE_HANDLER:
			more = false; /* the next request waits for http1_settle */
			break;
		case PHASE_OVER:
			*bytes = STR_NONE;
			more = false;
			break;
		}
	}
	h->busy = false;
}

/* Works on what is held first, then keeps what is still untouched. */
static void process_held(struct http1 *h)
{
	struct str bytes = buffer_str(&h->held);
	struct buffer old = h->held;

	/* A callback may put the buffer away (refuse, go_over): work on our own handle. */
	h->held = BUFFER_INIT(HELD_BYTES_MAX);
	process(h, &bytes);
	if (h->phase == PHASE_OVER || bytes.len == 0) {
		buffer_release(&old);
	} else {
		buffer_drop(&old, old.len - bytes.len);
		buffer_release(&h->held);
		h->held = old;
	}
	if (h->phase != PHASE_TUNNEL)
		set_paused(h, h->held.len >= HELD_PAUSE && h->phase == PHASE_HANDLER);
}

void http1_input(struct http1 *h, struct str bytes)
{
	if (h->phase == PHASE_OVER)
		return;
	if (h->held.len == 0 && !h->busy)
		process(h, &bytes);
	if (bytes.len == 0 || h->phase == PHASE_OVER)
		return;
	/* Reading has been paused well before this fails; who still overfills it is cut off. */
	if (!buffer_add_str(&h->held, bytes)) {
		go_over(h);
		return;
	}
	if (h->held.len > bytes.len && !h->busy)
		process_held(h);
	else if (h->phase == PHASE_HANDLER)
		set_paused(h, h->held.len >= HELD_PAUSE);
}

void http1_writable(struct http1 *h)
{
	struct http1_exchange *e = h->exchange;

	if (!e || h->phase == PHASE_OVER)
		return;
	if (e->tunnel) {
		if (e->tunnel_clogged) {
			e->tunnel_clogged = false;
			if (e->tunnel->drained)
				e->tunnel->drained(e->tunnel_self);
		}
	} else if (e->streaming) {
		if (e->clogged && e->x.on_writable) {
			e->clogged = false;
			e->x.on_writable(&e->x);
		}
	} else if (e->answered && !e->sent) {
		pump(e);
	}
}

void http1_settle(struct http1 *h)
{
	struct http1_exchange *e = h->exchange;

	if (h->busy)
		return;
	while (e && e->sent && h->phase == PHASE_HANDLER) {
		bool keep_alive = e->head.keep_alive && !h->shut;

		exchange_end(h);
		if (!keep_alive) {
			go_over(h);
			return;
		}
		h->phase = PHASE_HEAD;
		process_held(h);
		e = h->exchange;
	}
	if (h->phase == PHASE_TUNNEL && h->held.len)
		process_held(h);
}

enum wire_wait http1_wait(const struct http1 *h)
{
	switch (h->phase) {
	case PHASE_HEAD:
		return h->held.len ? WAIT_HEAD : WAIT_IDLE;
	case PHASE_LENGTH:
	case PHASE_CHUNKED:
		return WAIT_BODY;
	case PHASE_TUNNEL:
		return WAIT_TUNNEL;
	default:
		return WAIT_HANDLER;
	}
}

void http1_shut(struct http1 *h)
{
	h->shut = true;
	if (h->phase == PHASE_HEAD)
		go_over(h);
}

void http1_timeout(struct http1 *h)
{
	if (h->phase == PHASE_LENGTH || h->phase == PHASE_CHUNKED ||
	    (h->phase == PHASE_HEAD && h->held.len))
		refuse(h, 408, "the request did not arrive in time");
	else
		go_over(h);
}

void http1_free(struct http1 *h)
{
	if (!h)
		return;
	h->phase = PHASE_OVER;
	if (h->exchange)
		exchange_end(h);
	buffer_release(&h->held);
	free(h);
}
