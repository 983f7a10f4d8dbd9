/*
 * WebSocket messages (RFC 6455), either side: bytes in, whole messages out. Frames are read by
 * wslay; what goes out is framed here without a copy. Nothing here may free the socket from inside
 * its own callbacks.
 */
#ifndef NET_WEBSOCKET_H
#define NET_WEBSOCKET_H

#include "base/error.h"
#include "net/exchange.h"

struct websocket;
struct websocket_events {
	void (*message)(void *self, struct str bytes); /* gone when the call returns */
	/* To be sent, in order; gone when the call returns. Returns the bytes queued. */
	size_t (*send)(void *self, const struct http_piece *pieces, u32 len);
};

enum { WEBSOCKET_NORMAL = 1000, WEBSOCKET_BAD = 1002, WEBSOCKET_FAILED = 1011 };
enum { WEBSOCKET_MESSAGE_MAX = 4 << 20 };

struct websocket *websocket_new(bool server, const struct websocket_events *events, void *self);
void websocket_free(struct websocket *ws);
/* False: a close frame came (and was answered) or the peer broke the protocol: close. */
MUST_USE bool websocket_input(struct websocket *ws, struct str bytes);
/* One binary message made of up to four pieces. Returns the bytes queued. */
size_t websocket_message(struct websocket *ws, const struct http_piece *pieces, u32 len);
void websocket_close(struct websocket *ws, u16 code);

/* True when the request asks for a WebSocket, whatever else may be wrong with it. */
bool websocket_is_wanted(const struct http_exchange *x);
/* Answers the upgrade; the headers are valid until the exchange is closed. `protocol` may be empty.
 * ST_BAD_REQUEST for anything but a proper version-13 request; nothing was sent then. */
MUST_USE enum status websocket_accept(struct http_exchange *x, struct str protocol,
				      const struct http_tunnel_events *events, void *self,
				      struct error *error);
/* The Sec-WebSocket-Accept that goes with a Sec-WebSocket-Key. */
struct str websocket_accept_key(struct arena *arena, struct str key);

#endif
