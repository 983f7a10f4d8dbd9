/* wslay reads (frames, masks, fragments, UTF-8, control frames); sending is ten lines of our own.
 */
#include "net/websocket.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <wslay/wslay.h>

#include "base/base64.h"
#include "base/check.h"
#include "net/http1_parse.h"
#include "sys/random.h"

struct websocket {
	wslay_event_context_ptr context;
	const struct websocket_events *events;
	void *self;
	struct str in;
	bool server, close_sent;
};

static ssize_t give_bytes(wslay_event_context_ptr context, u8 *to, size_t len, int flags,
			  void *self)
{
	struct websocket *ws = self;
	size_t part = MIN(len, ws->in.len);

	(void)flags;
	if (part == 0) {
		wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	memcpy(to, ws->in.at, part);
	ws->in = str_from(ws->in, part);
	return (ssize_t)part;
}

static ssize_t take_bytes(wslay_event_context_ptr context, const u8 *bytes, size_t len, int flags,
			  void *self)
{
	struct websocket *ws = self;
	const struct http_piece piece = { (const char *)bytes, len };

	(void)context;
	(void)flags;
	ws->events->send(ws->self, &piece, 1);
	return (ssize_t)len;
}

static int make_mask(wslay_event_context_ptr context, u8 *mask, size_t len, void *self)
{
	(void)context;
	(void)self;
	random_bytes(mask, len);
	return 0;
}

static void have_message(wslay_event_context_ptr context,
			 const struct wslay_event_on_msg_recv_arg *message, void *self)
{
	struct websocket *ws = self;

	(void)context;
	if (!wslay_is_ctrl_frame(message->opcode) && !ws->close_sent)
		ws->events->message(
			ws->self, (struct str){ (const char *)message->msg, message->msg_length });
}

struct websocket *websocket_new(bool server, const struct websocket_events *events, void *self)
{
	struct websocket *ws = calloc(1, sizeof *ws);
	const struct wslay_event_callbacks callbacks = {
		.recv_callback = give_bytes,
		.send_callback = take_bytes,
		.genmask_callback = make_mask,
		.on_msg_recv_callback = have_message,
	};

	CHECK(ws);
	*ws = (struct websocket){ .events = events, .self = self, .server = server };
	CHECK((server ? wslay_event_context_server_init
		      : wslay_event_context_client_init)(&ws->context, &callbacks, ws) == 0);
	wslay_event_config_set_max_recv_msg_length(ws->context, WEBSOCKET_MESSAGE_MAX);
	return ws;
}

void websocket_free(struct websocket *ws)
{
	if (!ws)
		return;
	wslay_event_context_free(ws->context);
	free(ws);
}

bool websocket_input(struct websocket *ws, struct str bytes)
{
	ws->in = bytes;
	int bad = wslay_event_recv(ws->context);

	/* Pongs, and the answer to a close frame. */
	bad |= wslay_event_send(ws->context);
	ws->in = STR_NONE;
	return !bad && !wslay_event_get_close_received(ws->context) &&
	       wslay_event_get_read_enabled(ws->context);
}

static u32 frame_head(bool server, size_t len, u8 head[14])
{
	u32 n = 2;

	head[0] = 0x80 | WSLAY_BINARY_FRAME;
	if (len < 126) {
		head[1] = (u8)len;
	} else if (len < 65536) {
		head[1] = 126;
		head[2] = (u8)(len >> 8);
		head[3] = (u8)len;
		n = 4;
	} else {
		head[1] = 127;
		for (int i = 0; i < 8; i++)
			head[2 + i] = (u8)((u64)len >> (56 - 8 * i));
		n = 10;
	}
	if (!server) {
		head[1] |= 0x80;
		random_bytes(head + n, 4);
		n += 4;
	}
	return n;
}

/* Clients must mask what they send, so theirs is copied. */
static size_t send_masked(struct websocket *ws, const u8 *head, u32 head_len,
			  const struct http_piece *pieces, u32 len, size_t total)
{
	u8 *frame = malloc(head_len + total), *to = frame + head_len;
	const u8 *mask = head + head_len - 4;
	size_t at = 0;

	CHECK(frame);
	memcpy(frame, head, head_len);
	for (u32 i = 0; i < len; i++)
		for (size_t j = 0; j < pieces[i].len; j++, at++)
			to[at] = (u8)pieces[i].at[j] ^ mask[at & 3];
	const struct http_piece piece = { (char *)frame, head_len + total };
	size_t queued = ws->events->send(ws->self, &piece, 1);

	free(frame);
	return queued;
}

size_t websocket_message(struct websocket *ws, const struct http_piece *pieces, u32 len)
{
	struct http_piece all[5];
	size_t total = 0;
	u8 head[14];

	CHECK(len < ARRAY_LEN(all));
	if (ws->close_sent)
		return 0;
	for (u32 i = 0; i < len; i++) {
		total += pieces[i].len;
		all[i + 1] = pieces[i];
	}
	u32 head_len = frame_head(ws->server, total, head);

	if (!ws->server)
		return send_masked(ws, head, head_len, pieces, len, total);
	all[0] = (struct http_piece){ (char *)head, head_len };
	return ws->events->send(ws->self, all, len + 1);
}

void websocket_close(struct websocket *ws, u16 code)
{
	if (ws->close_sent)
		return;
	wslay_event_queue_close(ws->context, code, NULL, 0);
	wslay_event_send(ws->context);
	ws->close_sent = true;
}

/* ---- the upgrade */

struct str websocket_accept_key(struct arena *arena, struct str key)
{
	struct str text =
		str_format(arena, STR_FMT "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", STR_ARG(key));
	unsigned char digest[20];

	SHA1((const unsigned char *)text.at, text.len, digest);
	return base64_encode(arena, (struct str){ (char *)digest, sizeof digest });
}

bool websocket_is_wanted(const struct http_exchange *x)
{
	return http1_has_token(http_header_get(x, "connection"), "upgrade") &&
	       http1_has_token(http_header_get(x, "upgrade"), "websocket");
}

enum status websocket_accept(struct http_exchange *x, struct str protocol,
			     const struct http_tunnel_events *events, void *self,
			     struct error *error)
{
	struct str key = http_header_get(x, "sec-websocket-key"), nonce;

	if (!websocket_is_wanted(x) || !str_is(x->method, "GET") || !x->answer->upgrade)
		return fail(error, ST_BAD_REQUEST, "Upgrade request required");
	if (!str_is(http_header_get(x, "sec-websocket-version"), "13") ||
	    !base64_decode(x->arena, key, &nonce) || nonce.len != 16)
		return fail(error, ST_BAD_REQUEST, "the WebSocket handshake is malformed");
	struct http_header *headers = ARENA_ARRAY(x->arena, struct http_header, 4);

	headers[0] = (struct http_header){ STR("Connection"), STR("Upgrade") };
	headers[1] = (struct http_header){ STR("Upgrade"), STR("websocket") };
	headers[2] = (struct http_header){ STR("Sec-WebSocket-Accept"),
					   websocket_accept_key(x->arena, key) };
	headers[3] = (struct http_header){ STR("Sec-WebSocket-Protocol"), protocol };
	x->answer->upgrade(x, headers, protocol.len ? 4 : 3, events, self);
	return ST_OK;
}
