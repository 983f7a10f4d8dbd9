/*
 * nghttp2 does the frames; here streams become exchanges. What a hostile client can make us hold is
 * bounded: streams at once, header bytes, bodies (the connection's window opens again only when the
 * request is over), resets per second, acknowledgements not taken.
 */
#include "net/http2.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "net/refusal.h"

enum {
	ARENA_FIRST = 4096,
	BODY_PADDING = 64,
	STREAM_WINDOW = BODY_BYTES_MAX + (64 << 10),
	CONNECTION_WINDOW = 8 << 20,
	ACKS_MAX = 100, /* pings and settings answered but not taken by the client */
	SETTINGS_MAX = 32,
	RESETS_BURST = 500,
	RESETS_PER_S = 50,     /* CVE-2023-44487 */
	CONTINUATIONS_MAX = 8, /* CVE-2024-28182 */
	STREAM_OUT_MAX = 64 << 20,
	REPLY_HEADERS_MAX = 64,
};

struct http2_exchange {
	struct http_exchange x;
	struct http2 *h;
	struct http2_exchange *next, *prev; /* of all that are open */
	struct http2_exchange *next_closed;
	i32 id;
	VEC(struct http_header) headers;
	struct str authority;
	size_t header_bytes;
	char *body;
	size_t body_len, body_cap;
	int refused; /* the code to refuse with, once the stream may be answered */
	const char *why;
	bool handed, answered, streaming, ended, closed, clogged, received;
	/* What goes out: pieces of a whole answer, or copies of what was written. */
	const struct http_piece *pieces;
	u32 pieces_len, piece;
	size_t piece_sent;
	struct buffer out;
	size_t out_sent;
};

struct http2 {
	struct wire *wire;
	const struct http_handler *handler;
	const struct http_peer *peer;
	const char *date;
	struct http_server_stats *stats;
	nghttp2_session *session;
	struct http2_exchange *open, *closed;
	u32 receiving;
	bool shut, over;
};

static const struct http_answer http2_answer;

/* ---- exchanges */

static struct http2_exchange *exchange_new(struct http2 *h, i32 id)
{
	struct arena *arena = arena_new(ARENA_FIRST);
	struct http2_exchange *e = ARENA_NEW(arena, struct http2_exchange);

	e->h = h;
	e->id = id;
	e->out = BUFFER_INIT(STREAM_OUT_MAX);
	e->x.arena = arena;
	e->x.peer = h->peer;
	e->x.answer = &http2_answer;
	e->x.carrier = e;
	e->next = h->open;
	if (e->next)
		e->next->prev = e;
	h->open = e;
	h->receiving++;
	return e;
}

static void received(struct http2_exchange *e)
{
	if (!e->received)
		e->h->receiving--;
	e->received = true;
}

/* The stream is no more; the handler is told in settle, from a fresh stack. */
static void exchange_closed(struct http2_exchange *e)
{
	struct http2 *h = e->h;

	received(e);
	e->closed = true;
	if (e->next)
		e->next->prev = e->prev;
	if (e->prev)
		e->prev->next = e->next;
	else
		h->open = e->next;
	e->next_closed = h->closed;
	h->closed = e;
	h->wire->ops->wake(h->wire);
}

static void exchange_end(struct http2_exchange *e)
{
	if (e->handed && e->x.on_closed)
		e->x.on_closed(&e->x);
	if (e->body_len)
		nghttp2_session_consume_connection(e->h->session, e->body_len);
	buffer_release(&e->out);
	arena_free(e->x.arena);
}

/* ---- answering */

static size_t copy_pieces(struct http2_exchange *e, u8 *to, size_t len)
{
	size_t done = 0;

	while (done < len && e->piece < e->pieces_len) {
		const struct http_piece *piece = &e->pieces[e->piece];
		size_t part = MIN(len - done, piece->len - e->piece_sent);

		if (part)
			memcpy(to + done, piece->at + e->piece_sent, part);
		done += part;
		e->piece_sent += part;
		if (e->piece_sent == piece->len) {
			e->piece++;
			e->piece_sent = 0;
		}
	}
	return done;
}

static size_t copy_written(struct http2_exchange *e, u8 *to, size_t len)
{
	size_t part = MIN(len, e->out.len - e->out_sent);

	if (part)
		memcpy(to, e->out.at + e->out_sent, part);
	e->out_sent += part;
	if (e->out_sent == e->out.len) {
		buffer_clear(&e->out);
		e->out_sent = 0;
	} else if (e->out_sent > 64 << 10 && e->out_sent > e->out.len / 2) {
		buffer_drop(&e->out, e->out_sent);
		e->out_sent = 0;
	}
	return part;
}

static ssize_t give_data(nghttp2_session *session, i32 id, u8 *to, size_t len, u32 *flags,
			 nghttp2_data_source *source, void *self)
{
	struct http2_exchange *e = source->ptr;

	(void)session;
	(void)id;
	(void)self;
	if (e->pieces_len) {
		len = copy_pieces(e, to, len);
		if (e->piece == e->pieces_len)
			*flags |= NGHTTP2_DATA_FLAG_EOF;
		return (ssize_t)len;
	}
	len = copy_written(e, to, len);
	if (e->out.len == 0 && e->ended)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	else if (len == 0)
		return NGHTTP2_ERR_DEFERRED;
	return (ssize_t)len;
}

static bool is_hop_header(struct str name)
{
	static const char *const hops[] = { "connection", "keep-alive",	      "transfer-encoding",
					    "upgrade",	  "proxy-connection", "content-length" };

	for (size_t i = 0; i < ARRAY_LEN(hops); i++)
		if (name.len == strlen(hops[i]) && !strncasecmp(name.at, hops[i], name.len))
			return true;
	return false;
}

static nghttp2_nv pair(struct str name, struct str value)
{
	return (nghttp2_nv){ .name = (u8 *)(uintptr_t)name.at,
			     .namelen = name.len,
			     .value = (u8 *)(uintptr_t)value.at,
			     .valuelen = value.len };
}

static void submit(struct http2_exchange *e, int code, const struct http_header *headers,
		   u32 headers_len, i64 length)
{
	struct http2 *h = e->h;
	struct arena *arena = e->x.arena;
	nghttp2_nv pairs[REPLY_HEADERS_MAX + 3];
	nghttp2_data_provider data = { .source.ptr = e, .read_callback = give_data };
	bool no_body = length == 0 || str_is(e->x.method, "HEAD") || code == 204 || code == 304;
	size_t len = 0;

	CHECK(!e->answered && headers_len <= REPLY_HEADERS_MAX);
	e->answered = true;
	pairs[len++] = pair(STR(":status"), str_format(arena, "%d", code));
	for (u32 i = 0; i < headers_len; i++)
		if (!is_hop_header(headers[i].name))
			pairs[len++] = pair(str_lower(arena, headers[i].name), headers[i].value);
	if (length >= 0 && code != 204 && code != 304)
		pairs[len++] =
			pair(STR("content-length"), str_format(arena, "%lld", (long long)length));
	if (h->date && h->date[0])
		pairs[len++] = pair(STR("date"), str_of(h->date));
	if (no_body && length < 0)
		e->ended = true;
	if (nghttp2_submit_response(h->session, e->id, pairs, len, no_body ? NULL : &data))
		nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, e->id,
					  NGHTTP2_INTERNAL_ERROR);
	h->wire->ops->wake(h->wire);
}

static void answer_reply(struct http_exchange *x, int code, const struct http_header *headers,
			 u32 headers_len, const struct http_piece *pieces, u32 pieces_len)
{
	struct http2_exchange *e = x->carrier;
	i64 length = 0;

	if (e->closed)
		return;
	for (u32 i = 0; i < pieces_len; i++)
		length += (i64)pieces[i].len;
	e->pieces = pieces;
	e->pieces_len = pieces_len;
	e->ended = true;
	submit(e, code, headers, headers_len, length);
}

static void answer_start(struct http_exchange *x, int code, const struct http_header *headers,
			 u32 headers_len)
{
	struct http2_exchange *e = x->carrier;

	if (e->closed)
		return;
	e->streaming = true;
	submit(e, code, headers, headers_len, -1);
}

static size_t answer_write(struct http_exchange *x, const struct http_piece *pieces, u32 len)
{
	struct http2_exchange *e = x->carrier;

	if (e->closed || e->ended)
		return 0;
	CHECK(e->streaming);
	for (u32 i = 0; i < len; i++)
		buffer_add(&e->out, pieces[i].at, pieces[i].len);
	if (e->out.full) { /* its writer does not wait for on_writable */
		nghttp2_submit_rst_stream(e->h->session, NGHTTP2_FLAG_NONE, e->id,
					  NGHTTP2_ENHANCE_YOUR_CALM);
		buffer_clear(&e->out);
		e->out_sent = 0;
	}
	e->clogged = true;
	nghttp2_session_resume_data(e->h->session, e->id);
	e->h->wire->ops->wake(e->h->wire);
	return e->out.len - e->out_sent;
}

static void answer_end(struct http_exchange *x)
{
	struct http2_exchange *e = x->carrier;

	if (e->closed)
		return;
	CHECK(e->streaming);
	e->ended = true;
	nghttp2_session_resume_data(e->h->session, e->id);
	e->h->wire->ops->wake(e->h->wire);
}

static const struct http_answer http2_answer = {
	.reply = answer_reply,
	.start = answer_start,
	.write = answer_write,
	.end = answer_end,
};

/* ---- requests */

static void refuse(struct http2_exchange *e, int code, const char *why)
{
	struct arena *arena = e->x.arena;
	struct http_header *type = ARENA_NEW(arena, struct http_header);
	struct http_piece *body = ARENA_NEW(arena, struct http_piece);
	struct str text = refusal_body(arena, code, str_of(why));

	*type = (struct http_header){ STR("Content-Type"), STR("application/json") };
	*body = (struct http_piece){ text.at, text.len };
	e->h->stats->refused++;
	answer_reply(&e->x, code, type, 1, body, 1);
}

static void hand_over(struct http2_exchange *e)
{
	static const char padding[BODY_PADDING];
	struct http_exchange *x = &e->x;

	received(e);
	if (e->answered)
		return; /* refused while its body still came */
	if (e->refused || x->path.len == 0) {
		refuse(e, e->refused ? e->refused : 400, e->why ? e->why : "a path is missing");
		return;
	}
	if (e->authority.len && http_header_get(x, "host").len == 0)
		VEC_PUSH(x->arena, &e->headers, (struct http_header){ STR("host"), e->authority });
	x->headers = e->headers.at;
	x->headers_len = e->headers.len;
	if (e->body)
		memset(e->body + e->body_len, 0, BODY_PADDING);
	x->body = (struct str){ e->body ? e->body : padding, e->body_len };
	e->handed = true;
	e->h->stats->requests++;
	e->h->handler->request(e->h->handler->self, x);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *self)
{
	struct http2 *h = self;

	if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		nghttp2_session_set_stream_user_data(session, frame->hd.stream_id,
						     exchange_new(h, frame->hd.stream_id));
	return 0;
}

static void set_target(struct http2_exchange *e, struct str target)
{
	if (target.len > URL_BYTES_MAX) {
		e->refused = 414;
		e->why = "the request line is too long";
		return;
	}
	if (target.at[0] != '/' || memchr(target.at, '#', target.len)) {
		e->refused = 400;
		e->why = "the path is malformed";
		return;
	}
	e->x.query = target;
	e->x.path = str_cut(&e->x.query, '?');
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const u8 *name,
		     size_t name_len, const u8 *value, size_t value_len, u8 flags, void *self)
{
	struct http2_exchange *e =
		nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	struct http_header header = { { (const char *)name, name_len },
				      { (const char *)value, value_len } };

	(void)flags;
	(void)self;
	if (!e || e->handed || e->refused || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0; /* trailers are read over */
	e->header_bytes += name_len + value_len;
	if (e->header_bytes > HEADERS_BYTES_MAX + URL_BYTES_MAX || e->headers.len >= HEADERS_MAX) {
		e->refused = 431;
		e->why = "the request's head is too long";
		return 0;
	}
	header.name = str_copy(e->x.arena, header.name);
	header.value = str_copy(e->x.arena, header.value);
	if (str_is(header.name, ":method"))
		e->x.method = header.value;
	else if (str_is(header.name, ":path"))
		set_target(e, header.value);
	else if (str_is(header.name, ":authority"))
		e->authority = header.value;
	else if (name[0] != ':')
		VEC_PUSH(e->x.arena, &e->headers, header);
	return 0;
}

static int on_data(nghttp2_session *session, u8 flags, i32 id, const u8 *bytes, size_t len,
		   void *self)
{
	struct http2_exchange *e = nghttp2_session_get_stream_user_data(session, id);

	(void)flags;
	(void)self;
	if (!e || e->refused || len > BODY_BYTES_MAX - e->body_len) {
		nghttp2_session_consume_connection(session, len);
		if (e && !e->refused) {
			e->refused = 413;
			e->why = "Request entity too large: limit is 3145728";
		}
		return 0;
	}
	if (e->body_cap - e->body_len < len) {
		size_t cap = MAX(e->body_cap * 2, e->body_len + len);
		size_t old = e->body ? e->body_cap + BODY_PADDING : 0;

		e->body = arena_grow(e->x.arena, e->body, old, cap + BODY_PADDING);
		e->body_cap = cap;
	}
	memcpy(e->body + e->body_len, bytes, len);
	e->body_len += len;
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *self)
{
	struct http2_exchange *e =
		nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

	(void)self;
	if (!e || e->handed)
		return 0;
	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
		return 0;
	if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) {
		hand_over(e);
	} else if (e->refused && !e->answered) {
		refuse(e, e->refused, e->why); /* on_frame_sent stops the rest of the body */
	}
	return 0;
}

/* Answered before its body was all there: the client may keep the rest to itself. */
static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *self)
{
	struct http2_exchange *e;

	(void)self;
	if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM) ||
	    (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
		return 0;
	e = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (e && !e->received) {
		received(e);
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, e->id, NGHTTP2_NO_ERROR);
	}
	return 0;
}

static int on_stream_close(nghttp2_session *session, i32 id, u32 code, void *self)
{
	struct http2_exchange *e = nghttp2_session_get_stream_user_data(session, id);
	struct http2 *h = self;

	if (code != NGHTTP2_NO_ERROR)
		h->stats->resets++;
	if (e)
		exchange_closed(e);
	return 0;
}

/* ---- the session */

static nghttp2_session *session_new(struct http2 *h)
{
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	nghttp2_session *session;

	CHECK(nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	nghttp2_option_set_no_auto_window_update(option, 1);
	nghttp2_option_set_no_closed_streams(option, 1);
	nghttp2_option_set_max_outbound_ack(option, ACKS_MAX);
	nghttp2_option_set_max_settings(option, SETTINGS_MAX);
	nghttp2_option_set_stream_reset_rate_limit(option, RESETS_BURST, RESETS_PER_S);
	nghttp2_option_set_max_continuations(option, CONTINUATIONS_MAX);
	CHECK(nghttp2_session_server_new2(&session, callbacks, h, option) == 0);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_option_del(option);
	return session;
}

struct http2 *http2_new(struct wire *wire, const struct http_handler *handler,
			const struct http_peer *peer, const char *date, u32 streams_max,
			struct http_server_stats *stats)
{
	struct http2 *h = calloc(1, sizeof *h);
	const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams_max },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEADERS_BYTES_MAX },
	};

	CHECK(h);
	*h = (struct http2){
		.wire = wire, .handler = handler, .peer = peer, .date = date, .stats = stats
	};
	h->session = session_new(h);
	nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings, ARRAY_LEN(settings));
	nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW);
	wire->ops->wake(wire);
	return h;
}

/* Frames go out as long as the wire wants them. */
static void pull(struct http2 *h)
{
	while (!h->over && !wire_is_full(h->wire)) {
		const u8 *bytes;
		ssize_t len = nghttp2_session_mem_send(h->session, &bytes);

		if (len <= 0)
			break;
		h->wire->ops->send(h->wire, (struct str){ (const char *)bytes, (size_t)len });
	}
}

static void close_over(struct http2 *h)
{
	if (!h->over)
		h->wire->ops->close(h->wire);
	h->over = true;
}

void http2_input(struct http2 *h, struct str bytes)
{
	if (h->over)
		return;
	ssize_t taken = nghttp2_session_mem_recv(h->session, (const u8 *)bytes.at, bytes.len);

	h->wire->ops->wake(h->wire); /* acknowledgements, and windows that have opened */
	if (taken < 0) {
		log_debug("net", "http2 failed peer=" STR_FMT " why=\"%s\"",
			  STR_ARG(h->peer->address), nghttp2_strerror((int)taken));
		pull(h); /* the GOAWAY that says why */
		close_over(h);
	}
}

void http2_writable(struct http2 *h)
{
	pull(h);
	for (struct http2_exchange *e = h->open, *next; e; e = next) {
		next = e->next;
		/* One that has nothing left to send may write more. */
		if (e->streaming && !e->ended && e->clogged && e->out.len == 0) {
			e->clogged = false;
			if (e->x.on_writable)
				e->x.on_writable(&e->x);
		}
	}
}

void http2_settle(struct http2 *h)
{
	pull(h);
	while (h->closed) {
		struct http2_exchange *e = h->closed;

		h->closed = e->next_closed;
		exchange_end(e);
	}
	pull(h);
	if (h->over)
		return;
	if ((h->shut && !h->open && !nghttp2_session_want_write(h->session)) ||
	    (!nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session)))
		close_over(h);
}

enum wire_wait http2_wait(const struct http2 *h)
{
	if (!h->open)
		return WAIT_IDLE;
	return h->receiving ? WAIT_BODY : WAIT_HANDLER;
}

void http2_shut(struct http2 *h)
{
	if (h->over)
		return;
	if (!h->shut)
		nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
				      nghttp2_session_get_last_proc_stream_id(h->session),
				      NGHTTP2_NO_ERROR, NULL, 0);
	h->shut = true;
	/* Requests whose bodies have not come by now are not waited for. */
	for (struct http2_exchange *e = h->open; e; e = e->next)
		if (!e->received)
			nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, e->id,
						  NGHTTP2_REFUSED_STREAM);
	h->wire->ops->wake(h->wire);
}

void http2_free(struct http2 *h)
{
	if (!h)
		return;
	h->over = true;
	while (h->open)
		exchange_closed(h->open);
	while (h->closed) {
		struct http2_exchange *e = h->closed;

		h->closed = e->next_closed;
		exchange_end(e);
	}
	nghttp2_session_del(h->session);
	free(h);
}
