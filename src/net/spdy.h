/*
 * A SPDY/3.1 session, either side, as far as Kubernetes' clients use it: bytes in, calls out. There
 * is no flow control but TCP's, for the library on the other side (moby/spdystream) knows none.
 * Nothing here may free the session from inside its own callbacks.
 */
#ifndef NET_SPDY_H
#define NET_SPDY_H

#include "net/exchange.h"

enum { SPDY_DICTIONARY_BYTES = 1423 };
extern const char spdy_dictionary[SPDY_DICTIONARY_BYTES + 1];

struct spdy;
struct spdy_events {
	/* The peer opened a stream; answer with spdy_reply or spdy_reset. Headers are gone when
	 * the call returns. */
	void (*opened)(void *self, u32 stream, const struct http_header *headers, u32 len,
		       bool end);
	void (*replied)(void *self, u32 stream); /* to ours; may be NULL */
	/* A frame's data comes in as many parts as it likes; `end` is the peer's last. */
	void (*bytes)(void *self, u32 stream, struct str bytes, bool end);
	void (*reset)(void *self, u32 stream, u32 code);
	/* To be sent, in order; gone when the call returns. Returns the bytes queued. */
	size_t (*send)(void *self, const struct http_piece *pieces, u32 len);
};

enum { SPDY_PROTOCOL_ERROR = 1, SPDY_REFUSED = 3, SPDY_CANCEL = 5 };

struct spdy *spdy_new(bool server, const struct spdy_events *events, void *self);
void spdy_free(struct spdy *spdy);
/* False: the peer broke the protocol (or said GOAWAY): close. */
MUST_USE bool spdy_input(struct spdy *spdy, struct str bytes);
u32 spdy_open(struct spdy *spdy, const struct http_header *headers, u32 len);
void spdy_reply(struct spdy *spdy, u32 stream);
size_t spdy_write(struct spdy *spdy, u32 stream, struct str bytes, bool end);
void spdy_reset(struct spdy *spdy, u32 stream, u32 code);
void spdy_goaway(struct spdy *spdy);

#endif
