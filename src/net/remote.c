/*
 * Standard streams over one connection. Both forms number what they carry alike here: the WebSocket
 * channels' bytes, with SPDY's stream ids looked up from their "streamtype" header.
 */
#include "net/remote.h"

#include <stdio.h>

#include "base/check.h"
#include "doc/build.h"
#include "doc/json.h"
#include "net/spdy.h"
#include "net/upgrade.h"
#include "net/websocket.h"

enum channel { INPUT, OUTPUT, ERRORS, STATUS, RESIZE, CHANNELS, CLOSE_CHANNEL = 255 };
enum { RESIZE_BYTES_MAX = 256, MESSAGE_BYTES = 32 << 10 };

struct remote {
	struct http_exchange *x;
	const struct remote_events *events;
	void *self;
	struct remote_wants wants;
	struct spdy *spdy;
	struct websocket *ws;
	u32 streams[CHANNELS]; /* SPDY's ids; 0: the client has not opened it (yet) */
	int version;
	bool opened, finished, input_ended, broken;
	char resize[RESIZE_BYTES_MAX];
	u32 resize_len;
};

struct remote_wants remote_wants_of(struct http_exchange *x)
{
	struct remote_wants wants = { 0 };
	struct {
		const char *name;
		bool *value;
	} all[] = { { "stdin", &wants.in },
		    { "stdout", &wants.out },
		    { "stderr", &wants.err },
		    { "tty", &wants.tty } };

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct str value = http_query_get(x, all[i].name);

		/* What Go's strconv.ParseBool takes; python's client says True. */
		*all[i].value = str_is(value, "true") || str_is(value, "1") ||
				str_is(value, "True") || str_is(value, "t") || str_is(value, "T") ||
				str_is(value, "TRUE");
	}
	/* A terminal has one output. */
	if (wants.tty)
		wants.err = false;
	return wants;
}

/* ---- what the client sends */

static void opened(struct remote *r)
{
	if (r->opened)
		return;
	r->opened = true;
	if (r->events->opened)
		r->events->opened(r->self);
}

static void take_input(struct remote *r, struct str bytes, bool end)
{
	if (r->input_ended || r->finished || !r->wants.in)
		return;
	r->input_ended = end;
	if (bytes.len || end)
		r->events->input(r->self, bytes, end);
}

/* {"Width":80,"Height":24}, one after the other, parted anyhow. */
static void take_resize(struct remote *r, struct str bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (r->resize_len == RESIZE_BYTES_MAX)
			r->resize_len = 0;
		r->resize[r->resize_len++] = bytes.at[i];
		if (bytes.at[i] != '}')
			continue;
		struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(1024);
		const struct doc *size;

		if (json_parse(arena, (struct str){ r->resize, r->resize_len }, &size, NULL) ==
			    ST_OK &&
		    r->events->resize && !r->finished)
			r->events->resize(
				r->self,
				(u32)clamp_i64(doc_int_or(doc_key(size, "Width"), 0), 0, 65535),
				(u32)clamp_i64(doc_int_or(doc_key(size, "Height"), 0), 0, 65535));
		r->resize_len = 0;
	}
}

static void take(struct remote *r, enum channel channel, struct str bytes, bool end)
{
	if (channel == INPUT)
		take_input(r, bytes, end);
	else if (channel == RESIZE)
		take_resize(r, bytes);
}

/* ---- SPDY */

static bool spdy_is_complete(const struct remote *r)
{
	return r->streams[STATUS] && (!r->wants.in || r->streams[INPUT]) &&
	       (!r->wants.out || r->streams[OUTPUT]) && (!r->wants.err || r->streams[ERRORS]) &&
	       (!r->wants.tty || r->version < 3 || r->streams[RESIZE]);
}

static void spdy_opened(void *self, u32 stream, const struct http_header *headers, u32 len,
			bool end)
{
	static const char *const types[CHANNELS] = { "stdin", "stdout", "stderr", "error",
						     "resize" };
	struct remote *r = self;

	for (u32 i = 0; i < len; i++) {
		if (!str_is(headers[i].name, "streamtype"))
			continue;
		for (int c = 0; c < CHANNELS; c++) {
			if (!str_is(headers[i].value, types[c]) || r->streams[c])
				continue;
			r->streams[c] = stream;
			spdy_reply(r->spdy, stream);
			if (end)
				take(r, (enum channel)c, STR(""), true);
			if (spdy_is_complete(r))
				opened(r);
			return;
		}
	}
	spdy_reset(r->spdy, stream, SPDY_REFUSED);
}

static void spdy_bytes(void *self, u32 stream, struct str bytes, bool end)
{
	struct remote *r = self;

	for (int c = 0; c < CHANNELS; c++)
		if (r->streams[c] == stream && stream)
			take(r, (enum channel)c, bytes, end);
}

static void spdy_was_reset(void *self, u32 stream, u32 code)
{
	struct remote *r = self;

	(void)code;
	/* Whoever drops stdin sends no more of it. */
	if (stream && r->streams[INPUT] == stream)
		take_input(r, STR(""), true);
}

static size_t send_pieces(void *self, const struct http_piece *pieces, u32 len)
{
	struct remote *r = self;

	return upgrade_send(r->x, pieces, len);
}

static const struct spdy_events spdy_events = {
	.opened = spdy_opened,
	.bytes = spdy_bytes,
	.reset = spdy_was_reset,
	.send = send_pieces,
};

/* ---- WebSocket */

static void ws_message(void *self, struct str bytes)
{
	struct remote *r = self;

	if (bytes.len == 0)
		return;
	u8 channel = (u8)bytes.at[0];

	bytes = str_from(bytes, 1);
	if (channel == CLOSE_CHANNEL && r->version >= 5) {
		if (bytes.len == 1 && bytes.at[0] == INPUT)
			take_input(r, STR(""), true);
	} else if (channel < CHANNELS) {
		take(r, (enum channel)channel, bytes, false);
	}
}

static const struct websocket_events ws_events = {
	.message = ws_message,
	.send = send_pieces,
};

static size_t ws_write(struct remote *r, enum channel channel, struct str bytes)
{
	char byte = (char)channel;
	size_t queued = 0;

	do {
		struct str part = str_part(bytes, 0, MESSAGE_BYTES);
		const struct http_piece pieces[] = { { &byte, 1 }, { part.at, part.len } };

		queued = websocket_message(r->ws, pieces, part.len ? 2 : 1);
		bytes = str_from(bytes, part.len);
	} while (bytes.len);
	return queued;
}

/* ---- the tunnel */

static void tunnel_bytes(void *self, struct str bytes)
{
	struct remote *r = self;

	if (r->broken)
		return;
	r->broken = r->spdy ? !spdy_input(r->spdy, bytes) : !websocket_input(r->ws, bytes);
	if (r->broken)
		r->x->answer->tunnel_close(r->x);
}

static void tunnel_drained(void *self)
{
	struct remote *r = self;

	if (!r->finished && r->opened && r->events->drained)
		r->events->drained(r->self);
}

static void tunnel_closed(void *self)
{
	struct remote *r = self;

	if (r->events->closed)
		r->events->closed(r->self);
	spdy_free(r->spdy);
	websocket_free(r->ws);
}

static const struct http_tunnel_events tunnel_events = {
	.bytes = tunnel_bytes,
	.drained = tunnel_drained,
	.closed = tunnel_closed,
};

/* ---- the public face */

static const char *const protocols[] = { "v5.channel.k8s.io", "v4.channel.k8s.io",
					 "v3.channel.k8s.io", "v2.channel.k8s.io",
					 "channel.k8s.io",    NULL };

static int version_of(const char *protocol)
{
	return protocol && protocol[0] == 'v' ? protocol[1] - '0' : 1;
}

/* Kubernetes' servers never speak v5 over SPDY, so neither do its clients. */
static enum status accept_spdy(struct remote *r, struct error *error)
{
	bool named;
	const char *protocol =
		upgrade_choose(r->x, "x-stream-protocol-version", protocols + 1, &named);

	if (named && !protocol)
		return fail(error, ST_FORBIDDEN,
			    "unable to upgrade: unable to negotiate protocol: server supports "
			    "[v4.channel.k8s.io v3.channel.k8s.io v2.channel.k8s.io "
			    "channel.k8s.io]");
	r->version = version_of(protocol);
	r->spdy = spdy_new(true, &spdy_events, r);
	upgrade_to_spdy(r->x, protocol, &tunnel_events, r);
	return ST_OK;
}

static enum status accept_websocket(struct remote *r, struct error *error)
{
	bool named;
	const char *protocol = upgrade_choose(r->x, "sec-websocket-protocol", protocols, &named);

	if (named && !protocol)
		return fail(error, ST_BAD_REQUEST,
			    "no supported protocol was found: server supports v5.channel.k8s.io "
			    "down to channel.k8s.io");
	r->version = version_of(protocol);
	enum status status = websocket_accept(r->x, str_of(protocol), &tunnel_events, r, error);

	if (status != ST_OK)
		return status;
	r->ws = websocket_new(true, &ws_events, r);
	/* An empty message tells clients that wait for one that we are there. */
	ws_write(r, r->wants.out ? OUTPUT : r->wants.err ? ERRORS : STATUS, STR(""));
	return ST_OK;
}

enum status remote_accept(struct http_exchange *x, const struct remote_wants *wants,
			  const struct remote_events *events, void *self,
			  struct remote **ret_remote, struct error *error)
{
	struct remote *r = ARENA_NEW(x->arena, struct remote);

	*r = (struct remote){ .x = x, .events = events, .self = self, .wants = *wants };
	enum status status =
		upgrade_is_spdy(x) ? accept_spdy(r, error) : accept_websocket(r, error);

	if (status != ST_OK)
		return status;
	*ret_remote = r;
	/* A WebSocket has all its channels from the start. */
	if (r->ws)
		opened(r);
	return ST_OK;
}

size_t remote_write(struct remote *r, int stream, struct str bytes)
{
	CHECK(stream == OUTPUT || stream == ERRORS);
	if (r->finished || r->broken || bytes.len == 0)
		return 0;
	if (r->ws)
		return ws_write(r, (enum channel)stream, bytes);
	return r->streams[stream] ? spdy_write(r->spdy, r->streams[stream], bytes, false) : 0;
}

void remote_pause_input(struct remote *r, bool paused)
{
	if (!r->finished)
		r->x->answer->tunnel_pause(r->x, paused);
}

/* Up to v3 the error stream held plain words, and nothing at all when all was well. */
static struct str status_text(struct remote *r, struct str status_json)
{
	const struct doc *status;

	if (r->version >= 4)
		return status_json;
	if (json_parse(r->x->arena, status_json, &status, NULL) != ST_OK ||
	    str_is(doc_str(doc_key(status, "status")), "Success"))
		return STR("");
	return doc_str(doc_key(status, "message"));
}

void remote_finish(struct remote *r, struct str status_json)
{
	if (r->finished)
		return;
	r->finished = true;
	if (r->broken)
		return;
	struct str text = status_text(r, status_json);

	if (r->ws) {
		if (text.len)
			ws_write(r, STATUS, text);
		websocket_close(r->ws, WEBSOCKET_NORMAL);
	} else {
		static const enum channel order[] = { OUTPUT, ERRORS, STATUS };

		for (size_t i = 0; i < ARRAY_LEN(order); i++)
			if (r->streams[order[i]])
				spdy_write(r->spdy, r->streams[order[i]],
					   order[i] == STATUS ? text : STR(""), true);
	}
	/* A client that was stopped must be read again, or its goodbye is never seen. */
	r->x->answer->tunnel_pause(r->x, false);
	r->x->answer->tunnel_close(r->x);
}

struct str remote_status_exit(struct arena *arena, int code)
{
	struct build b = build_object(arena);
	struct str number = str_format(arena, "%d", code);

	build_doc(&b, "metadata", &doc_empty_object);
	build_str(&b, "status", code ? STR("Failure") : STR("Success"));
	if (code) {
		build_str(&b, "message",
			  str_format(arena,
				     "command terminated with non-zero exit code: error executing "
				     "command, exit code " STR_FMT,
				     STR_ARG(number)));
		build_str(&b, "reason", STR("NonZeroExitCode"));
		build_open_object(&b, "details");
		build_open_array(&b, "causes");
		build_open_object(&b, NULL);
		build_str(&b, "reason", STR("ExitCode"));
		build_str(&b, "message", number);
		build_close(&b);
		build_close(&b);
		build_close(&b);
	}
	return json_text(arena, build_done(&b));
}

struct str remote_status_failure(struct arena *arena, struct str message)
{
	struct build b = build_object(arena);

	build_doc(&b, "metadata", &doc_empty_object);
	build_str(&b, "status", STR("Failure"));
	build_str(&b, "message", message);
	build_str(&b, "reason", STR("InternalError"));
	build_int(&b, "code", 500);
	return json_text(arena, build_done(&b));
}
