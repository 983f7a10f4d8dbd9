/*
 * One TLS connection over memory: ciphertext in, plaintext out, and the other way. Knows no
 * sockets, so handshakes run in tests between two sessions. Nothing here may free the session from
 * inside its own callbacks.
 */
#ifndef NET_TLS_SESSION_H
#define NET_TLS_SESSION_H

#include "base/error.h"
#include "net/exchange.h"
#include "net/tls.h"

struct tls_session;
struct tls_session_events {
	void (*ready)(void *self);		      /* the handshake is done */
	void (*plain)(void *self, struct str bytes);  /* gone when the call returns */
	void (*cipher)(void *self, struct str bytes); /* to be sent; gone when the call returns */
};

/* Client contexts begin at once with their hello (through `cipher`, before this returns when
 * server_name is given); server contexts wait. server_name: for clients, host name or address to
 * verify. */
struct tls_session *tls_session_new(struct tls_context *tls, struct str server_name,
				    const struct tls_session_events *events, void *self);
void tls_session_start(struct tls_session *session); /* a client's hello */
void tls_session_free(struct tls_session *session);

/* ST_UNAUTHORIZED: the handshake failed or a certificate is not believed; ST_BAD_REQUEST: what came
 * is not TLS. An alert for the peer may have been given to `cipher`. */
MUST_USE enum status tls_session_feed(struct tls_session *session, struct str bytes,
				      struct error *error);
MUST_USE enum status tls_session_write(struct tls_session *session, struct str bytes,
				       struct error *error);
bool tls_session_is_ready(const struct tls_session *session);
bool tls_session_is_ended(const struct tls_session *session); /* the peer has said goodbye */
void tls_session_end(struct tls_session *session);	      /* says goodbye */
bool tls_session_is_http2(const struct tls_session *session);

/* Fills common_name, organizations and certificate_problem from the peer's certificate. */
void tls_session_peer(struct tls_session *session, struct arena *arena, struct http_peer *peer);

#endif
