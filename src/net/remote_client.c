/* exec and attach as a client: WebSocket channels, v5.channel.k8s.io. */
#include "net/remote_client.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/check.h"
#include "doc/json.h"
#include "net/remote_dial.h"
#include "net/websocket.h"
#include "sys/random.h"

enum { INPUT, OUTPUT, ERRORS, STATUS, RESIZE, CLOSE_CHANNEL = 255 };
enum { MESSAGE_BYTES = 32 << 10 };

/* ---- the WebSocket handshake, for port-forward too */

struct http_upgrade *remote_dial(struct http_client *client, struct str target, struct str protocol,
				 struct remote_dial *dial, const struct http_upgrade_events *events,
				 void *self)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(1024);
	char nonce[16];

	random_bytes(nonce, sizeof nonce);
	struct str key = base64_encode(arena, (struct str){ nonce, sizeof nonce });
	struct str expected = websocket_accept_key(arena, key);
	const struct http_header headers[] = {
		{ STR("Connection"), STR("Upgrade") },	     { STR("Upgrade"), STR("websocket") },
		{ STR("Sec-WebSocket-Version"), STR("13") }, { STR("Sec-WebSocket-Key"), key },
		{ STR("Sec-WebSocket-Protocol"), protocol },
	};
	const struct http_call_spec spec = { .method = STR("GET"),
					     .target = target,
					     .headers = headers,
					     .headers_len = ARRAY_LEN(headers) };

	CHECK(expected.len < sizeof dial->accept);
	memcpy(dial->accept, expected.at, expected.len + 1);
	dial->protocol = protocol;
	return http_upgrade_start(client, &spec, events, self);
}

static struct str header_of(const struct http_call_result *result, const char *name)
{
	const struct http_exchange x = { .headers = result->headers,
					 .headers_len = result->headers_len };

	return http_header_get(&x, name);
}

bool remote_dial_is_good(const struct remote_dial *dial, const struct http_call_result *result)
{
	return str_is(header_of(result, "sec-websocket-accept"), dial->accept) &&
	       str_eq(header_of(result, "sec-websocket-protocol"), dial->protocol);
}

struct str remote_dial_refusal(struct arena *arena, const struct http_call_result *result)
{
	const struct doc *status;

	if (result->status != ST_OK)
		return str_copy(arena, str_of(result->why));
	if (json_parse(arena, result->body, &status, NULL) == ST_OK &&
	    doc_str(doc_key(status, "message")).len)
		return doc_str(doc_key(status, "message"));
	return str_format(arena, "the server answered %d instead of switching protocols",
			  result->code);
}

/* ---- exec */

struct exec_client {
	struct http_upgrade *upgrade;
	struct websocket *ws;
	struct remote_dial dial;
	const struct exec_client_events *events;
	void *self;
	struct arena *arena;
	struct str why;
	int code;
	bool has_status, closing;
};

static void exec_over(struct exec_client *e)
{
	int code = e->has_status ? e->code : -1;
	struct str why = e->has_status || e->why.len ? e->why : STR("the connection was lost");

	e->events->done(e->self, code, why);
	websocket_free(e->ws);
	arena_free(e->arena);
	free(e);
}

/* A v1.Status: Success, or the exit code among the causes, or a message. */
static void take_status(struct exec_client *e, struct str text)
{
	const struct doc *status;

	if (json_parse(e->arena, text, &status, NULL) != ST_OK)
		return;
	e->has_status = true;
	e->code = -1;
	if (str_is(doc_str(doc_key(status, "status")), "Success")) {
		e->code = 0;
		return;
	}
	e->why = doc_str(doc_key(status, "message"));
	doc_each_item(doc_at(status, "details.causes"), cause) {
		i64 code;

		if (str_is(doc_str(doc_key(cause, "reason")), "ExitCode") &&
		    str_to_i64(doc_str(doc_key(cause, "message")), &code))
			e->code = (int)code;
	}
}

static void exec_message(void *self, struct str bytes)
{
	struct exec_client *e = self;

	if (bytes.len == 0)
		return;
	u8 channel = (u8)bytes.at[0];

	bytes = str_from(bytes, 1);
	if (channel == STATUS && bytes.len)
		take_status(e, bytes);
	else if ((channel == OUTPUT || channel == ERRORS) && bytes.len && !e->closing)
		e->events->output(e->self, channel, bytes);
}

static size_t exec_send(void *self, const struct http_piece *pieces, u32 len)
{
	struct exec_client *e = self;
	size_t queued = 0;

	for (u32 i = 0; i < len; i++)
		queued =
			http_upgrade_write(e->upgrade, (struct str){ pieces[i].at, pieces[i].len });
	return queued;
}

static const struct websocket_events exec_ws_events = { .message = exec_message,
							.send = exec_send };

static void exec_opened(void *self, const struct http_call_result *result)
{
	struct exec_client *e = self;

	if (!remote_dial_is_good(&e->dial, result)) {
		e->why = STR("the server's WebSocket handshake is malformed");
		http_upgrade_close(e->upgrade);
		return;
	}
	e->ws = websocket_new(false, &exec_ws_events, e);
	if (e->events->opened)
		e->events->opened(e->self);
}

static void exec_refused(void *self, const struct http_call_result *result)
{
	struct exec_client *e = self;

	e->why = remote_dial_refusal(e->arena, result);
	exec_over(e);
}

static void exec_bytes(void *self, struct str bytes)
{
	struct exec_client *e = self;

	if (e->ws && !websocket_input(e->ws, bytes))
		http_upgrade_close(e->upgrade);
}

static void exec_drained(void *self)
{
	struct exec_client *e = self;

	if (e->ws && !e->closing && e->events->drained)
		e->events->drained(e->self);
}

static void exec_closed(void *self)
{
	exec_over(self);
}

struct exec_client *exec_client_start(struct http_client *client, struct str target,
				      const struct exec_client_events *events, void *self)
{
	static const struct http_upgrade_events upgrade_events = {
		.opened = exec_opened,
		.refused = exec_refused,
		.bytes = exec_bytes,
		.drained = exec_drained,
		.closed = exec_closed,
	};
	struct exec_client *e = calloc(1, sizeof *e);

	CHECK(e);
	e->events = events;
	e->self = self;
	e->arena = arena_new(0);
	e->upgrade =
		remote_dial(client, target, STR("v5.channel.k8s.io"), &e->dial, &upgrade_events, e);
	return e;
}

static size_t exec_write(struct exec_client *e, u8 channel, struct str bytes)
{
	char byte = (char)channel;
	size_t queued = 0;

	if (!e->ws)
		return 0;
	while (bytes.len) {
		struct str part = str_part(bytes, 0, MESSAGE_BYTES);
		const struct http_piece pieces[] = { { &byte, 1 }, { part.at, part.len } };

		queued = websocket_message(e->ws, pieces, 2);
		bytes = str_from(bytes, part.len);
	}
	return queued;
}

size_t exec_client_input(struct exec_client *e, struct str bytes)
{
	return exec_write(e, INPUT, bytes);
}

void exec_client_input_end(struct exec_client *e)
{
	char input = INPUT;

	exec_write(e, CLOSE_CHANNEL, (struct str){ &input, 1 });
}

void exec_client_resize(struct exec_client *e, u32 width, u32 height)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(256);

	exec_write(e, RESIZE, str_format(arena, "{\"Width\":%u,\"Height\":%u}\n", width, height));
}

void exec_client_pause(struct exec_client *e, bool paused)
{
	http_upgrade_pause(e->upgrade, paused);
}

void exec_client_close(struct exec_client *e)
{
	e->closing = true;
	if (e->ws)
		websocket_close(e->ws, WEBSOCKET_NORMAL);
	http_upgrade_close(e->upgrade);
}
