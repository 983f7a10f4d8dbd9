/*
 * TLS contexts: what a listener shows to clients and what a client trusts. TLS 1.3 is
 * preferred, 1.2 the floor. Sessions over memory stand in net/tls_session.h.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/error.h"
#include "base/str.h"

struct tls_context;

struct tls_config {
	/* PEM texts. A server needs certificate (leaf first, then the chain) and key; a client may.
	 */
	struct str certificate, key;
	/* Server: signers of client certificates; empty: none is asked for. Client: signers of
	 * servers; empty: the system's. */
	struct str authorities;
	bool insecure; /* client: takes any server. Server: unused */
	bool http2;    /* offer h2 before http/1.1 by ALPN */
};

MUST_USE enum status tls_server_new(const struct tls_config *config, struct tls_context **ret_tls,
				    struct error *error);
MUST_USE enum status tls_client_new(const struct tls_config *config, struct tls_context **ret_tls,
				    struct error *error);
/* New connections use the new texts; old ones keep what they have. Unchanged on failure. */
MUST_USE enum status tls_reload(struct tls_context *tls, const struct tls_config *config,
				struct error *error);
void tls_free(struct tls_context *tls); /* NULL is fine; open connections keep their share */

#endif
