/* What the certificate files share; nobody outside src/net includes this. */
#ifndef NET_PKI_INSIDE_H
#define NET_PKI_INSIDE_H

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "net/pki.h"

void bio_free_cleanup(BIO **bio);
void x509_free_cleanup(X509 **certificate);
void key_free_cleanup(EVP_PKEY **key);

#define FREE_BIO CLEANUP(bio_free_cleanup)
#define FREE_X509 CLEANUP(x509_free_cleanup)
#define FREE_KEY CLEANUP(key_free_cleanup)

enum { PEM_BYTES_MAX = 1 << 20 };

BIO *pem_open(struct str text);
/* NULL when there is none; the error is OpenSSL's, see tls_fail. Never asks for a pass phrase. */
X509 *pem_certificate(struct str text);
EVP_PKEY *pem_private_key(struct str text);
struct str bio_text(struct arena *arena, BIO *bio);
struct str pem_of_key(struct arena *arena, EVP_PKEY *key);

/* An extension by OpenSSL's words ("critical,CA:TRUE"); true when it was added. */
bool extension_add(X509 *certificate, X509 *issuer, int nid, const char *value);
/* "DNS:a,IP:1.2.3.4" for a subject's names; empty without any. ST_BAD_REQUEST on odd names. */
MUST_USE enum status names_text(struct arena *arena, const struct pki_subject *subject,
				const char **ret_text, struct error *error);
MUST_USE enum status name_fill(X509_NAME *name, const struct pki_subject *subject,
			       struct error *error);
/* Common name and organizations of a name; DNS names and addresses of a SAN extension. */
void name_read(struct arena *arena, X509_NAME *name, struct pki_subject *subject);
void names_read(struct arena *arena, const STACK_OF(GENERAL_NAME) * names,
		struct pki_subject *subject);

struct leaf_spec {
	X509_NAME *subject;
	EVP_PKEY *public_key;
	const char *names; /* as names_text */
	int uses;
	i64 not_before_s, not_after_s;
};
/* A certificate signed by the CA, as PEM. */
MUST_USE enum status leaf_sign(struct arena *arena, const struct pki_pair *ca,
			       const struct leaf_spec *spec, struct str *ret_certificate,
			       struct error *error);

#endif
