/*
 * HTTP and HTTPS for real: listens, speaks TLS, HTTP/1.1 and HTTP/2, and hands every request to a
 * handler as a struct http_exchange. Requests that break the rules never reach it: they are
 * answered here, with a Kubernetes Status as JSON.
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include "net/exchange.h"
#include "net/tls.h"
#include "sys/loop.h"

struct http_server;

struct http_server_config {
	struct str address;	 /* as listener_open */
	struct tls_context *tls; /* borrowed, outlives the server; NULL: plain HTTP */
	struct http_handler handler;
	/* 0 takes the default in brackets. */
	u32 connections_max;  /* more wait in the kernel (20,000) */
	u32 head_timeout_ms;  /* TLS handshake and a request's head, from its start (20 s) */
	u32 body_timeout_ms;  /* a request's body may stand still this long (60 s) */
	u32 idle_timeout_ms;  /* between requests (180 s) */
	u32 write_timeout_ms; /* a client that takes no bytes at all (60 s) */
	u32 streams_max;      /* requests at once on one HTTP/2 connection (250) */
};

struct http_server_stats {
	u32 connections; /* open now */
	u64 accepted, requests, refused, tls_failures, resets;
	u64 bytes_in, bytes_out;
};

MUST_USE enum status http_server_open(struct loop *loop, const struct http_server_config *config,
				      struct http_server **ret_server, struct error *error);
int http_server_port(const struct http_server *server);
const struct http_server_stats *http_server_stats(const struct http_server *server);

/* Stops listening, says GOAWAY / Connection: close, lets requests under way finish for grace_ms and
 * then cuts. `done` comes once, later, when all is gone and the server freed. */
void http_server_stop(struct http_server *server, u32 grace_ms, void (*done)(void *self),
		      void *self);
/* Cuts everything now; exchanges get on_closed before this returns. NULL is fine. */
void http_server_free(struct http_server *server);

#endif
