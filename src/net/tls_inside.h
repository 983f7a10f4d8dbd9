/* A TLS context's insides, for tls.c, tls_session.c and the certificate files only. */
#ifndef NET_TLS_INSIDE_H
#define NET_TLS_INSIDE_H

#include <openssl/ssl.h>

#include "base/error.h"
#include "net/tls.h"

struct tls_context {
	SSL_CTX *ctx;
	bool server, http2, insecure;
};

/* OpenSSL's last reason as words; empties its queue. */
void tls_fail_words(char *out, size_t size);
enum status tls_fail(struct error *error, enum status status, const char *doing);

#endif
