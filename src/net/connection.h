/* One accepted connection: socket, TLS and protocol engine put together. For server.c only. */
#ifndef NET_CONNECTION_H
#define NET_CONNECTION_H

#include "base/buffer.h"
#include "net/server.h"
#include "net/tls_session.h"
#include "net/wire.h"

enum {
	STAGE_BYTES = 16 << 10, /* plaintext of one full TLS record */
	OUT_PUSH = 128 << 10,	/* this much ciphertext goes to the kernel in one write */
	OUT_BYTES_MAX = 16 << 20,
};

struct connection {
	struct wire wire;
	struct http_server *server; /* NULL once it is gone */
	struct stream *stream;
	struct tls_session *tls;
	struct http1 *http1; /* one of these two, as ALPN has it */
	struct http2 *http2;
	struct connection *next, *prev, *pending_next;
	struct http_peer peer;
	struct arena *peer_arena;
	i64 since_ms; /* when what is waited for began */
	i64 moved_ms; /* when bytes last left */
	u8 wait;
	bool pending, closing, gone, orphan;
};

struct http_server {
	struct loop *loop;
	struct http_server_config config;
	struct http_server_stats stats;
	struct listener *listener;
	struct connection *connections, *pending, *pending_last;
	struct loop_hook *hook;
	struct timer *sweep, *grace;
	void (*done)(void *self);
	void *done_self;
	/* Output on its way: one connection's at a time, the others' has gone to the kernel. */
	struct connection *out_owner;
	struct buffer out;
	char *stage;
	size_t stage_len;
	i64 date_ms;
	char date[40];
	bool stopping;
};

void connection_new(struct http_server *server, struct stream *stream);
void connection_settle(struct connection *c);
void connection_timeout(struct connection *c);
void connection_shut(struct connection *c);
/* The server goes at once: exchanges are told, the socket closes on its own. */
void connection_orphan(struct connection *c);
enum wire_wait connection_wait(const struct connection *c);

/* server.c */
void server_lost(struct http_server *server); /* a connection has left the list */
void server_nudge(void *self);

#endif
