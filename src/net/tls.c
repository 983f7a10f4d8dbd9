/* TLS contexts: protocol floor, ciphers, ALPN and certificates, all set in one place. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "base/check.h"
#include "net/tls_inside.h"

void tls_fail_words(char *out, size_t size)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	snprintf(out, size, "%s", reason ? reason : "unknown failure");
	ERR_clear_error();
}

enum status tls_fail(struct error *error, enum status status, const char *doing)
{
	char words[160];

	tls_fail_words(words, sizeof words);
	return fail(error, status, "%s: %s", doing, words);
}

/* The client's list in wire form; h2 wins when both have it. */
static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
			   const unsigned char *in, unsigned in_len, void *self)
{
	static const unsigned char both[] = "\x02h2\x08http/1.1", one[] = "\x08http/1.1";
	struct tls_context *tls = self;
	unsigned char *chosen;

	(void)ssl;
	if (SSL_select_next_proto(&chosen, out_len, tls->http2 ? both : one,
				  (unsigned)(tls->http2 ? sizeof both : sizeof one) - 1, in,
				  in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK; /* nothing in common: HTTP/1.1 without ALPN */
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* Lets every client certificate through the handshake: a bad one means 401, with words, not a
 * broken connection. tls_session_peer looks at the verdict. */
static int verify_later(int verified, X509_STORE_CTX *store)
{
	(void)verified;
	(void)store;
	return 1;
}

static BIO *pem_reader(struct str text)
{
	BIO *bio = BIO_new_mem_buf(text.at, (int)text.len);

	CHECK(bio);
	return bio;
}

static enum status use_certificate(SSL_CTX *ctx, struct str text, struct error *error)
{
	BIO *bio = pem_reader(text);
	X509 *leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL), *next;
	bool good = leaf && SSL_CTX_use_certificate(ctx, leaf) == 1;

	X509_free(leaf);
	while (good && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		good = SSL_CTX_add0_chain_cert(ctx, next) == 1;
	BIO_free(bio);
	if (!good)
		return tls_fail(error, ST_BAD_REQUEST, "reading a certificate");
	ERR_clear_error(); /* the end of a PEM text counts as an error */
	return ST_OK;
}

static enum status use_key(SSL_CTX *ctx, struct str text, struct error *error)
{
	BIO *bio = pem_reader(text);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	bool good =
		key && SSL_CTX_use_PrivateKey(ctx, key) == 1 && SSL_CTX_check_private_key(ctx) == 1;

	EVP_PKEY_free(key);
	BIO_free(bio);
	return good ? ST_OK : tls_fail(error, ST_BAD_REQUEST, "reading a private key");
}

static enum status use_authorities(SSL_CTX *ctx, struct str text, bool server, struct error *error)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	BIO *bio = pem_reader(text);
	X509 *authority;
	int count = 0;

	while ((authority = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		count += X509_STORE_add_cert(store, authority) == 1;
		if (server)
			SSL_CTX_add_client_CA(ctx, authority);
		X509_free(authority);
	}
	BIO_free(bio);
	if (count == 0)
		return tls_fail(error, ST_BAD_REQUEST, "reading certificate authorities");
	ERR_clear_error();
	return ST_OK;
}

static SSL_CTX *context_new(bool server)
{
	SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());

	CHECK(ctx);
	CHECK(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1);
	CHECK(SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
					    "TLS_CHACHA20_POLY1305_SHA256") == 1);
	CHECK(SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL") == 1);
	CHECK(SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") == 1);
	/* Resumption would carry an old verdict over a certificate's end; handshakes are cheap. */
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
	/* An idle connection keeps no record buffers: 34 KB less each. */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	return ctx;
}

static enum status configure(struct tls_context *tls, const struct tls_config *config,
			     SSL_CTX **ret_ctx, struct error *error)
{
	SSL_CTX *ctx = context_new(tls->server);
	enum status status = ST_OK;

	if (config->certificate.len)
		status = use_certificate(ctx, config->certificate, error);
	if (status == ST_OK && config->certificate.len)
		status = use_key(ctx, config->key, error);
	if (status == ST_OK && config->authorities.len)
		status = use_authorities(ctx, config->authorities, tls->server, error);
	else if (status == ST_OK && !tls->server && !config->insecure)
		SSL_CTX_set_default_verify_paths(ctx);
	if (status != ST_OK) {
		SSL_CTX_free(ctx);
		return status;
	}
	if (tls->server) {
		SSL_CTX_set_alpn_select_cb(ctx, select_protocol, tls);
		if (config->authorities.len)
			SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, verify_later);
	} else if (!config->insecure) {
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	}
	*ret_ctx = ctx;
	return ST_OK;
}

static enum status tls_new(bool server, const struct tls_config *config,
			   struct tls_context **ret_tls, struct error *error)
{
	struct tls_context *tls = calloc(1, sizeof *tls);

	CHECK(tls);
	tls->server = server;
	tls->http2 = config->http2;
	tls->insecure = config->insecure;
	enum status status = configure(tls, config, &tls->ctx, error);

	if (status != ST_OK) {
		free(tls);
		return status;
	}
	*ret_tls = tls;
	return ST_OK;
}

enum status tls_server_new(const struct tls_config *config, struct tls_context **ret_tls,
			   struct error *error)
{
	if (config->certificate.len == 0 || config->key.len == 0)
		return fail(error, ST_BAD_REQUEST, "a server needs a certificate and its key");
	return tls_new(true, config, ret_tls, error);
}

enum status tls_client_new(const struct tls_config *config, struct tls_context **ret_tls,
			   struct error *error)
{
	return tls_new(false, config, ret_tls, error);
}

enum status tls_reload(struct tls_context *tls, const struct tls_config *config,
		       struct error *error)
{
	SSL_CTX *ctx;
	enum status status = configure(tls, config, &ctx, error);

	if (status != ST_OK)
		return status;
	SSL_CTX_free(tls->ctx); /* sessions under way hold their own reference */
	tls->ctx = ctx;
	tls->http2 = config->http2;
	tls->insecure = config->insecure;
	return ST_OK;
}

void tls_free(struct tls_context *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->ctx);
	free(tls);
}
