/* The server's side of one HTTP/2 connection, through nghttp2, mapped to the same exchanges. */
#ifndef NET_HTTP2_H
#define NET_HTTP2_H

#include "net/exchange.h"
#include "net/server.h"
#include "net/wire.h"

struct http2;

/* As http1_new. streams_max: requests at once. */
struct http2 *http2_new(struct wire *wire, const struct http_handler *handler,
			const struct http_peer *peer, const char *date, u32 streams_max,
			struct http_server_stats *stats);
void http2_input(struct http2 *h, struct str bytes);
void http2_writable(struct http2 *h);
void http2_settle(struct http2 *h);
enum wire_wait http2_wait(const struct http2 *h);
void http2_shut(struct http2 *h); /* GOAWAY; closes when the last request has been answered */
void http2_free(struct http2 *h);

#endif
