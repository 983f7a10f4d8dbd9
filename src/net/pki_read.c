/* Reading certificates, believing them or not, and certificate requests. */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <stdio.h>

#include "base/check.h"
#include "net/jwt.h"
#include "net/pki_inside.h"
#include "net/tls_inside.h"

static struct str asn1_text(struct arena *arena, const ASN1_STRING *string)
{
	unsigned char *text = NULL;
	int len = ASN1_STRING_to_UTF8(&text, string);
	struct str copy = STR("");

	/* A NUL inside a name has fooled comparisons before. */
	if (len > 0 && !memchr(text, 0, (size_t)len))
		copy = str_copy(arena, (struct str){ (char *)text, (size_t)len });
	OPENSSL_free(text);
	return copy;
}

void name_read(struct arena *arena, X509_NAME *name, struct pki_subject *subject)
{
	VEC(struct str) organizations = { 0 };

	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
		int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
		struct str text = asn1_text(arena, X509_NAME_ENTRY_get_data(entry));

		if (nid == NID_commonName)
			subject->common_name = text;
		else if (nid == NID_organizationName)
			VEC_PUSH(arena, &organizations, text);
	}
	subject->organizations = organizations.at;
	subject->organizations_len = organizations.len;
}

void names_read(struct arena *arena, const STACK_OF(GENERAL_NAME) * names,
		struct pki_subject *subject)
{
	VEC(struct str) found = { 0 };

	for (int i = 0; names && i < sk_GENERAL_NAME_num(names) && i < PKI_NAMES_MAX; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		char ip[INET6_ADDRSTRLEN] = "";

		if (name->type == GEN_DNS) {
			VEC_PUSH(arena, &found, asn1_text(arena, name->d.dNSName));
		} else if (name->type == GEN_IPADD) {
			int len = ASN1_STRING_length(name->d.iPAddress);

			if (len == 4 || len == 16)
				inet_ntop(len == 4 ? AF_INET : AF_INET6,
					  ASN1_STRING_get0_data(name->d.iPAddress), ip, sizeof ip);
			VEC_PUSH(arena, &found, str_copy(arena, str_of(ip)));
			subject->addresses_len++;
		} else {
			subject->emails_len += name->type == GEN_EMAIL;
			subject->uris_len += name->type == GEN_URI;
		}
	}
	subject->names = found.at;
	subject->names_len = found.len;
}

static i64 seconds_of(const ASN1_TIME *time)
{
	struct tm parts;

	return ASN1_TIME_to_tm(time, &parts) == 1 ? (i64)timegm(&parts) : 0;
}

static struct str hex(struct arena *arena, const u8 *bytes, size_t len)
{
	char *out = arena_alloc(arena, 2 * len + 1);

	for (size_t i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	return (struct str){ out, 2 * len };
}

static struct str serial_of(struct arena *arena, X509 *certificate)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);

	return hex(arena, ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
}

enum status pki_read(struct arena *arena, struct str text, struct pki_info *ret_info,
		     struct error *error)
{
	X509 *certificate FREE_X509 = pem_certificate(text);
	struct pki_info info = { 0 };
	struct pki_subject issuer = { 0 };
	unsigned char digest[32];

	if (!certificate)
		return tls_fail(error, ST_BAD_REQUEST, "reading a certificate");
	STACK_OF(GENERAL_NAME) *names =
		X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

	name_read(arena, X509_get_subject_name(certificate), &info.subject);
	name_read(arena, X509_get_issuer_name(certificate), &issuer);
	names_read(arena, names, &info.subject);
	GENERAL_NAMES_free(names);
	CHECK(X509_digest(certificate, EVP_sha256(), digest, NULL) == 1);
	info.issuer = issuer.common_name;
	info.serial_hex = serial_of(arena, certificate);
	info.sha256_hex = hex(arena, digest, sizeof digest);
	info.not_before_s = seconds_of(X509_get0_notBefore(certificate));
	info.not_after_s = seconds_of(X509_get0_notAfter(certificate));
	info.is_ca = X509_check_ca(certificate) == 1;
	ERR_clear_error();
	*ret_info = info;
	return ST_OK;
}

enum status pki_verify(struct str authorities, struct str text, enum pki_use use, i64 now_s,
		       struct error *error)
{
	X509 *certificate FREE_X509 = pem_certificate(text), *authority;
	BIO *bio FREE_BIO = pem_open(authorities);
	enum status status = ST_OK;

	if (!certificate)
		return tls_fail(error, ST_UNAUTHORIZED, "reading a certificate");
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();

	CHECK(store && context);
	while ((authority = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		X509_STORE_add_cert(store, authority);
		X509_free(authority);
	}
	CHECK(X509_STORE_CTX_init(context, store, certificate, NULL) == 1);
	X509_STORE_CTX_set_purpose(context, use == PKI_SERVER ? X509_PURPOSE_SSL_SERVER
							      : X509_PURPOSE_SSL_CLIENT);
	X509_STORE_CTX_set_time(context, 0, (time_t)now_s);
	if (X509_verify_cert(context) != 1)
		status = fail(error, ST_UNAUTHORIZED, "the certificate is not trusted: %s",
			      X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	ERR_clear_error();
	return status;
}

bool pki_pair_fits(const struct pki_pair *pair)
{
	X509 *certificate FREE_X509 = pem_certificate(pair->certificate);
	EVP_PKEY *key FREE_KEY = pem_private_key(pair->key);
	bool fits = certificate && key && X509_check_private_key(certificate, key) == 1;

	ERR_clear_error();
	return fits;
}

bool pki_wants_renewal(const struct pki_info *info, i64 now_s)
{
	i64 life = info->not_after_s - info->not_before_s;

	return now_s >= info->not_before_s + life / 3 * 2;
}

bool pki_has_names(const struct pki_info *info, const struct str *names, u32 names_len)
{
	for (u32 i = 0; i < names_len; i++) {
		bool found = false;

		for (u32 j = 0; j < info->subject.names_len && !found; j++)
			found = str_eq(info->subject.names[j], names[i]);
		if (!found)
			return false;
	}
	return true;
}

/* ---- requests */

static void request_free_cleanup(X509_REQ **request)
{
	X509_REQ_free(*request);
}
#define FREE_REQUEST CLEANUP(request_free_cleanup)

static bool request_add_names(X509_REQ *request, const char *names)
{
	STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	bool good = extensions && extension && sk_X509_EXTENSION_push(extensions, extension) &&
		    X509_REQ_add_extensions(request, extensions) == 1;

	sk_X509_EXTENSION_free(extensions);
	X509_EXTENSION_free(extension);
	return good;
}

enum status pki_request_create(struct arena *arena, const struct pki_subject *subject,
			       struct str *ret_request, struct str *ret_key, struct error *error)
{
	X509_REQ *request FREE_REQUEST = X509_REQ_new();
	EVP_PKEY *key FREE_KEY = EVP_EC_gen("P-256");
	BIO *bio FREE_BIO = BIO_new(BIO_s_mem());
	const char *names;

	CHECK(request && key && bio);
	enum status status = name_fill(X509_REQ_get_subject_name(request), subject, error);

	if (status == ST_OK)
		status = names_text(arena, subject, &names, error);
	if (status != ST_OK)
		return status;
	if (X509_REQ_set_pubkey(request, key) != 1 ||
	    (names[0] && !request_add_names(request, names)) ||
	    X509_REQ_sign(request, key, EVP_sha256()) == 0 ||
	    PEM_write_bio_X509_REQ(bio, request) != 1)
		return tls_fail(error, ST_INTERNAL, "making a certificate request");
	*ret_request = bio_text(arena, bio);
	*ret_key = pem_of_key(arena, key);
	return ST_OK;
}

/* A request that carries its own key's signature, or NULL. */
static X509_REQ *request_open(struct str text, struct error *error)
{
	BIO *bio FREE_BIO = pem_open(text);
	X509_REQ *request = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
	EVP_PKEY *key = request ? X509_REQ_get0_pubkey(request) : NULL;

	if (!key || X509_REQ_verify(request, key) != 1) {
		(void)tls_fail(error, ST_BAD_REQUEST, "reading a certificate request");
		X509_REQ_free(request);
		return NULL;
	}
	return request;
}

static void request_subject(struct arena *arena, X509_REQ *request, struct pki_subject *subject)
{
	STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
	STACK_OF(GENERAL_NAME) *names =
		X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);

	name_read(arena, X509_REQ_get_subject_name(request), subject);
	names_read(arena, names, subject);
	GENERAL_NAMES_free(names);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	ERR_clear_error();
}

enum status pki_request_read(struct arena *arena, struct str text, struct pki_subject *ret_subject,
			     struct error *error)
{
	X509_REQ *request FREE_REQUEST = request_open(text, error);
	struct pki_subject subject = { 0 };

	if (!request)
		return ST_BAD_REQUEST;
	request_subject(arena, request, &subject);
	*ret_subject = subject;
	return ST_OK;
}

enum status pki_request_sign(struct arena *arena, const struct pki_pair *ca, struct str text,
			     int uses, i64 seconds, i64 now_s, struct str *ret_certificate,
			     struct error *error)
{
	X509_REQ *request FREE_REQUEST = request_open(text, error);
	struct pki_subject subject = { 0 };
	struct leaf_spec spec = { .uses = uses,
				  .not_before_s = now_s - 300,
				  .not_after_s = now_s + seconds };

	if (!request)
		return ST_BAD_REQUEST;
	request_subject(arena, request, &subject);
	enum status status = names_text(arena, &subject, &spec.names, error);

	if (status != ST_OK)
		return status;
	/* Only what we have read and checked is copied over, no extension of the stranger's. */
	spec.subject = X509_REQ_get_subject_name(request);
	spec.public_key = X509_REQ_get0_pubkey(request);
	return leaf_sign(arena, ca, &spec, ret_certificate, error);
}
