/*
 * OpenSSL over a BIO of our own: reads take from the slice being fed, writes go straight to the
 * owner, so no byte is copied into a memory BIO and back.
 */
#include "net/tls_session.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "net/tls_inside.h"

struct tls_session {
	SSL *ssl;
	const struct tls_session_events *events;
	void *self;
	struct str in; /* what OpenSSL has not taken yet of the slice being fed */
	bool ready, ended, broken;
};

static int bio_write(BIO *bio, const char *bytes, int len)
{
	struct tls_session *session = BIO_get_data(bio);

	session->events->cipher(session->self, (struct str){ bytes, (size_t)len });
	return len;
}

static int bio_read(BIO *bio, char *out, int len)
{
	struct tls_session *session = BIO_get_data(bio);
	size_t take = MIN((size_t)len, session->in.len);

	BIO_clear_retry_flags(bio);
	if (take == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(out, session->in.at, take);
	session->in = str_from(session->in, take);
	return (int)take;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method(void)
{
	static BIO_METHOD *method;

	if (!method) {
		method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "minke");
		CHECK(method && BIO_meth_set_write(method, bio_write) &&
		      BIO_meth_set_read(method, bio_read) && BIO_meth_set_ctrl(method, bio_ctrl));
	}
	return method;
}

static bool is_address(const char *name)
{
	char binary[16];

	return inet_pton(AF_INET, name, binary) == 1 || inet_pton(AF_INET6, name, binary) == 1;
}

static void expect_server(struct tls_session *session, struct str server_name)
{
	char name[256];

	snprintf(name, sizeof name, STR_FMT, STR_ARG(server_name));
	if (is_address(name)) {
		X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session->ssl), name);
	} else if (name[0]) {
		SSL_set_tlsext_host_name(session->ssl, name);
		SSL_set1_host(session->ssl, name);
	}
}

struct tls_session *tls_session_new(struct tls_context *tls, struct str server_name,
				    const struct tls_session_events *events, void *self)
{
	struct tls_session *session = calloc(1, sizeof *session);
	BIO *bio = BIO_new(bio_method());

	CHECK(session && bio);
	session->events = events;
	session->self = self;
	session->ssl = SSL_new(tls->ctx);
	CHECK(session->ssl);
	BIO_set_data(bio, session);
	BIO_set_init(bio, 1);
	SSL_set_bio(session->ssl, bio, bio);
	if (tls->server) {
		SSL_set_accept_state(session->ssl);
	} else {
		static const unsigned char http1[] = "\x08http/1.1";

		SSL_set_connect_state(session->ssl);
		SSL_set_alpn_protos(session->ssl, http1, sizeof http1 - 1);
		expect_server(session, server_name);
	}
	return session;
}

void tls_session_free(struct tls_session *session)
{
	if (!session)
		return;
	SSL_free(session->ssl);
	free(session);
}

static enum status session_fail(struct tls_session *session, enum status status,
				struct error *error)
{
	long verdict = SSL_get_verify_result(session->ssl);

	session->broken = true;
	/* A handshake that broke over a certificate says which fault it found. */
	if (!session->ready && !SSL_is_server(session->ssl) && verdict != X509_V_OK) {
		ERR_clear_error();
		return fail(error, ST_UNAUTHORIZED, "the server's certificate is not trusted: %s",
			    X509_verify_cert_error_string(verdict));
	}
	return tls_fail(error, status, "TLS");
}

static enum status handshake(struct tls_session *session, struct error *error)
{
	ERR_clear_error();
	int done = SSL_do_handshake(session->ssl);

	if (done == 1) {
		session->ready = true;
		if (session->events->ready)
			session->events->ready(session->self);
		return ST_OK;
	}
	if (SSL_get_error(session->ssl, done) == SSL_ERROR_WANT_READ)
		return ST_OK;
	return session_fail(session, ST_UNAUTHORIZED, error);
}

void tls_session_start(struct tls_session *session)
{
	(void)handshake(session, NULL); /* only writes the hello; nothing can have failed yet */
}

enum status tls_session_feed(struct tls_session *session, struct str bytes, struct error *error)
{
	/* One record's worth, shared: everything runs on one thread and is handed on at once. */
	static char plain[16 << 10];
	enum status status;

	if (session->broken)
		return fail(error, ST_BAD_REQUEST, "TLS: the session is broken");
	session->in = bytes;
	if (!session->ready) {
		status = handshake(session, error);
		if (status != ST_OK || !session->ready)
			return status;
	}
	for (;;) {
		ERR_clear_error();
		int got = SSL_read(session->ssl, plain, sizeof plain);

		if (got > 0) {
			session->events->plain(session->self, (struct str){ plain, (size_t)got });
			continue;
		}
		switch (SSL_get_error(session->ssl, got)) {
		case SSL_ERROR_WANT_READ:
			return ST_OK;
		case SSL_ERROR_ZERO_RETURN:
			session->ended = true;
			return ST_OK;
		default:
			return session_fail(session, ST_BAD_REQUEST, error);
		}
	}
}

enum status tls_session_write(struct tls_session *session, struct str bytes, struct error *error)
{
	if (session->broken || !session->ready)
		return fail(error, ST_BAD_REQUEST, "TLS: the session is not open");
	while (bytes.len > 0) {
		ERR_clear_error();
		int put = SSL_write(session->ssl, bytes.at, (int)MIN(bytes.len, (size_t)1 << 20));

		if (put <= 0)
			return session_fail(session, ST_BAD_REQUEST, error);
		bytes = str_from(bytes, (size_t)put);
	}
	return ST_OK;
}

bool tls_session_is_ready(const struct tls_session *session)
{
	return session->ready;
}

bool tls_session_is_ended(const struct tls_session *session)
{
	return session->ended;
}

void tls_session_end(struct tls_session *session)
{
	if (!session->ready || session->broken)
		return;
	ERR_clear_error();
	SSL_shutdown(session->ssl);
}

bool tls_session_is_http2(const struct tls_session *session)
{
	const unsigned char *name;
	unsigned len;

	SSL_get0_alpn_selected(session->ssl, &name, &len);
	return len == 2 && !memcmp(name, "h2", 2);
}

/* ---- the peer's certificate */

static struct str name_entry(struct arena *arena, X509_NAME *name, int *place, int nid)
{
	unsigned char *text = NULL;

	*place = X509_NAME_get_index_by_NID(name, nid, *place);
	if (*place < 0)
		return STR_NONE;
	int len = ASN1_STRING_to_UTF8(&text,
				      X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, *place)));
	struct str copy =
		len < 0 ? STR("") : str_copy(arena, (struct str){ (char *)text, (size_t)len });

	OPENSSL_free(text);
	/* A NUL inside a name has fooled comparisons before. */
	return copy.len && memchr(copy.at, 0, copy.len) ? STR("") : copy;
}

void tls_session_peer(struct tls_session *session, struct arena *arena, struct http_peer *peer)
{
	X509 *certificate = SSL_get0_peer_certificate(session->ssl);
	VEC(struct str) organizations = { 0 };
	int place = -1;

	if (!certificate)
		return;
	long verdict = SSL_get_verify_result(session->ssl);

	if (verdict != X509_V_OK) {
		peer->certificate_problem = str_of(X509_verify_cert_error_string(verdict));
		return;
	}
	X509_NAME *name = X509_get_subject_name(certificate);

	peer->common_name = name_entry(arena, name, &place, NID_commonName);
	place = -1;
	for (struct str o; (o = name_entry(arena, name, &place, NID_organizationName)).at;)
		VEC_PUSH(arena, &organizations, o);
	peer->organizations = organizations.at;
	peer->organizations_len = organizations.len;
}
