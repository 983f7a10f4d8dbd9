/*
 * HTTP/1.1 as a client, on the loop: to API servers (CA, client certificate or bearer token), from
 * servers to nodes, and plain http:// for probes. Connections are kept and reused.
 */
#ifndef NET_CLIENT_H
#define NET_CLIENT_H

#include "net/exchange.h"
#include "net/tls.h"
#include "sys/loop.h"

struct http_client;

struct http_client_config {
	struct str url;		 /* "https://host:6443", "http://10.0.0.1:80", "unix:/run/x.sock" */
	struct tls_context *tls; /* for https: borrowed, outlives the client */
	struct str server_name;	 /* what the certificate must say; empty: the URL's host */
	struct str bearer_token; /* sent over TLS only; empty: none */
	struct str user_agent;
	u32 connect_timeout_ms; /* 0: 10 s */
	u32 idle_max;		/* connections kept for reuse; 0: 4 */
};

struct http_call; /* one request under way */

struct http_call_spec {
	struct str method, target;	   /* target: path and query, as sent */
	const struct http_header *headers; /* Host, Content-Length, Authorization are ours to add */
	u32 headers_len;
	struct str body;
	u32 timeout_ms; /* to the end of the answer; 0: none (watches) */
	u32 body_max;	/* of the answer, when the client collects; 0: 64 MiB */
};

struct http_call_result {
	enum status status; /* ST_OK: an answer came, whatever its code */
	const char *why;    /* else a sentence */
	int code;
	const struct http_header *headers;
	u32 headers_len;
	struct str body; /* when collected */
};

/* All slices are gone when the call returns. `done` is the last call. With `bytes` NULL the body is
 * collected and comes with `done`. */
struct http_call_events {
	void (*head)(void *self, const struct http_call_result *result); /* may be NULL */
	void (*bytes)(void *self, struct str bytes);
	void (*done)(void *self, const struct http_call_result *result);
};

MUST_USE enum status http_client_new(struct loop *loop, const struct http_client_config *config,
				     struct http_client **ret_client, struct error *error);
void http_client_free(struct http_client *client); /* calls under way end without callbacks */
void http_client_token_set(struct http_client *client, struct str bearer_token);

/* Copies what it needs of the spec. Never calls back before it returns. */
struct http_call *http_call_start(struct http_client *client, const struct http_call_spec *spec,
				  const struct http_call_events *events, void *self);
void http_call_pause(struct http_call *call, bool paused); /* stops reading the answer */
void http_call_cancel(struct http_call *call);		   /* no further callbacks */

/* Runs the loop until the answer is there; for command lines. Result lives in the arena. */
MUST_USE enum status http_call_wait(struct loop *loop, struct arena *arena,
				    struct http_client *client, const struct http_call_spec *spec,
				    struct http_call_result *ret_result, struct error *error);

/* ---- upgrades: raw bytes both ways after a 101 */

struct http_upgrade;
struct http_upgrade_events {
	void (*opened)(void *self, const struct http_call_result *result); /* 101 came */
	/* Any other answer; the last call then. Body collected up to 64 KiB. */
	void (*refused)(void *self, const struct http_call_result *result);
	void (*bytes)(void *self, struct str bytes);
	void (*drained)(void *self);
	void (*closed)(void *self);
};
/* The spec's headers hold Connection, Upgrade and what goes with them. */
struct http_upgrade *http_upgrade_start(struct http_client *client,
					const struct http_call_spec *spec,
					const struct http_upgrade_events *events, void *self);
size_t http_upgrade_write(struct http_upgrade *upgrade, struct str bytes);
void http_upgrade_pause(struct http_upgrade *upgrade, bool paused);
void http_upgrade_close(struct http_upgrade *upgrade); /* after what is queued; `closed` follows */

#endif
