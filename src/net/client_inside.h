/* The client's insides, for client.c and client_conn.c only. */
#ifndef NET_CLIENT_INSIDE_H
#define NET_CLIENT_INSIDE_H

#include "base/buffer.h"
#include "net/client.h"
#include "net/http1_parse.h"
#include "net/tls_session.h"

struct client_conn;

struct http_client {
	struct loop *loop;
	struct http_client_config config; /* its texts live in the arena */
	struct arena *arena;
	struct str address, host, server_name, prefix;
	char *token; /* replaceable, so not in the arena */
	bool secure;
	struct client_conn *conns; /* all: idle and busy */
	u32 idle;
	struct http_call *calls;
};

struct http_call {
	struct http_client *client;
	struct http_call *next, *prev;
	struct client_conn *conn;
	struct arena *arena; /* the answer's head */
	const struct http_call_events *events;
	const struct http_upgrade_events *upgrade; /* one of the two */
	void *self;
	struct buffer request, body;
	struct timer *timer;
	struct http1_head head;
	u32 timeout_ms;
	bool no_body, may_retry, retried, has_head, paused, tunnel, early;
};

struct http_upgrade {
	struct http_call call;
};

enum client_phase {
	CLIENT_HEAD,
	CLIENT_LENGTH,
	CLIENT_CHUNKED,
	CLIENT_UNTIL_CLOSE,
	CLIENT_TUNNEL,
	CLIENT_IDLE,
};

struct client_conn {
	struct http_client *client; /* NULL once it is gone */
	struct client_conn *next, *prev;
	struct stream *stream;
	struct tls_session *tls;
	struct http_call *call;
	struct buffer held; /* an answer's head under way */
	struct http1_scan scan;
	struct http1_chunks chunks;
	u64 left;
	enum client_phase phase;
	bool ready, reused, answered; /* reused: served a call before; answered: bytes came */
	enum status broken;
	char why[160];
};

/* client.c */
void call_failed(struct http_call *call, enum status status, const char *why);
/* The whole answer is there: tells, and frees the call. */
void call_done(struct http_call *call);
void call_assign(struct http_call *call);
void call_free(struct http_call *call);

/* client_conn.c */
struct client_conn *client_conn_new(struct http_client *client);
void client_conn_take(struct client_conn *c, struct http_call *call);
size_t client_conn_write(struct client_conn *c, struct str bytes);
size_t client_conn_queued(struct client_conn *c);
void client_conn_drop(struct client_conn *c);  /* forgets its call and ends */
void client_conn_close(struct client_conn *c); /* after what is queued */

#endif
