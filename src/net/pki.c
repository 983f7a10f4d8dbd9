/* Making certificates: the CA, and what it signs. ECDSA P-256 with SHA-256 throughout. */
#include "net/pki.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/check.h"
#include "net/pki_inside.h"
#include "net/tls_inside.h"
#include "sys/file.h"
#include "sys/random.h"

enum { SKEW_S = 300, DAY_S = 86400, SERIAL_BYTES = 16, NAMES_TEXT_MAX = 16 << 10 };

void bio_free_cleanup(BIO **bio)
{
	BIO_free(*bio);
}

void x509_free_cleanup(X509 **certificate)
{
	X509_free(*certificate);
}

void key_free_cleanup(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

BIO *pem_open(struct str text)
{
	BIO *bio =
		BIO_new_mem_buf(text.len ? text.at : "", (int)MIN(text.len, (size_t)PEM_BYTES_MAX));

	CHECK(bio);
	return bio;
}

static int no_pass_phrase(char *out, int size, int writing, void *self)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)self;
	return -1;
}

X509 *pem_certificate(struct str text)
{
	BIO *bio FREE_BIO = pem_open(text);

	return PEM_read_bio_X509(bio, NULL, no_pass_phrase, NULL);
}

EVP_PKEY *pem_private_key(struct str text)
{
	BIO *bio FREE_BIO = pem_open(text);

	return PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL);
}

struct str bio_text(struct arena *arena, BIO *bio)
{
	char *at;
	long len = BIO_get_mem_data(bio, &at);

	return str_copy(arena, (struct str){ at, (size_t)len });
}

struct str pem_of_key(struct arena *arena, EVP_PKEY *key)
{
	BIO *bio FREE_BIO = BIO_new(BIO_s_mem());

	CHECK(bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
	return bio_text(arena, bio);
}

static struct str pem_of_certificate(struct arena *arena, X509 *certificate)
{
	BIO *bio FREE_BIO = BIO_new(BIO_s_mem());

	CHECK(bio && PEM_write_bio_X509(bio, certificate) == 1);
	return bio_text(arena, bio);
}

/* ---- names */

static bool name_add(X509_NAME *name, int nid, struct str value)
{
	return X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, (const unsigned char *)value.at,
					  (int)value.len, -1, 0) == 1;
}

enum status name_fill(X509_NAME *name, const struct pki_subject *subject, struct error *error)
{
	bool good = true;

	for (u32 i = 0; i < subject->organizations_len; i++)
		good = good && name_add(name, NID_organizationName, subject->organizations[i]);
	if (subject->common_name.len)
		good = good && name_add(name, NID_commonName, subject->common_name);
	return good ? ST_OK : tls_fail(error, ST_BAD_REQUEST, "a certificate's subject");
}

static bool is_dns_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '.' && c != '_' && c != '*')
			return false;
	}
	return name.len > 0 && name.len <= 253;
}

static bool is_ip(const char *name)
{
	char binary[16];

	return inet_pton(AF_INET, name, binary) == 1 || inet_pton(AF_INET6, name, binary) == 1;
}

enum status names_text(struct arena *arena, const struct pki_subject *subject,
		       const char **ret_text, struct error *error)
{
	struct str *parts = ARENA_ARRAY(arena, struct str, subject->names_len + 1);

	if (subject->names_len > PKI_NAMES_MAX)
		return fail(error, ST_BAD_REQUEST, "a certificate with more than %d names",
			    PKI_NAMES_MAX);
	for (u32 i = 0; i < subject->names_len; i++) {
		const char *name = str_c(arena, subject->names[i]);
		bool ip = is_ip(name);

		/* The text goes through OpenSSL's small language: nothing odd may get in. */
		if (!ip && !is_dns_name(subject->names[i]))
			return fail(error, ST_BAD_REQUEST, "\"%s\" is no DNS name or address",
				    name);
		parts[i] = str_format(arena, "%s:%s", ip ? "IP" : "DNS", name);
	}
	*ret_text = str_join(arena, parts, subject->names_len, STR(",")).at;
	if (!subject->names_len)
		*ret_text = "";
	return ST_OK;
}

/* ---- certificates */

bool extension_add(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	bool good = extension && X509_add_ext(certificate, extension, -1) == 1;

	X509_EXTENSION_free(extension);
	return good;
}

static X509 *certificate_new(i64 not_before_s, i64 not_after_s)
{
	X509 *certificate = X509_new();
	unsigned char serial[SERIAL_BYTES];

	random_bytes(serial, sizeof serial);
	serial[0] = (serial[0] & 0x7f) | 0x40; /* positive, and always of one length */
	BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);

	CHECK(certificate && number);
	CHECK(X509_set_version(certificate, X509_VERSION_3) == 1);
	CHECK(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)));
	CHECK(ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)not_before_s));
	CHECK(ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)not_after_s));
	BN_free(number);
	return certificate;
}

enum status pki_ca_create(struct arena *arena, struct str common_name, i64 now_s,
			  struct pki_pair *ret_ca, struct error *error)
{
	X509 *certificate FREE_X509 =
		certificate_new(now_s - SKEW_S, now_s + (i64)PKI_CA_DAYS * DAY_S);
	EVP_PKEY *key FREE_KEY = EVP_EC_gen("P-256");
	const struct pki_subject subject = { .common_name = common_name };
	enum status status = name_fill(X509_get_subject_name(certificate), &subject, error);

	if (status != ST_OK)
		return status;
	if (!key || X509_set_pubkey(certificate, key) != 1 ||
	    X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) != 1 ||
	    !extension_add(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE") ||
	    !extension_add(certificate, certificate, NID_key_usage,
			   "critical,digitalSignature,keyEncipherment,keyCertSign") ||
	    !extension_add(certificate, certificate, NID_subject_key_identifier, "hash") ||
	    X509_sign(certificate, key, EVP_sha256()) == 0)
		return tls_fail(error, ST_INTERNAL, "making a certificate authority");
	ret_ca->certificate = pem_of_certificate(arena, certificate);
	ret_ca->key = pem_of_key(arena, key);
	return ST_OK;
}

static i64 seconds_of(const ASN1_TIME *time)
{
	struct tm parts;

	return ASN1_TIME_to_tm(time, &parts) == 1 ? (i64)timegm(&parts) : 0;
}

static bool leaf_extensions(X509 *certificate, X509 *issuer, const struct leaf_spec *spec)
{
	int use = spec->uses & (PKI_SERVER | PKI_CLIENT);
	const char *uses = use == (PKI_SERVER | PKI_CLIENT) ? "serverAuth,clientAuth"
			   : use == PKI_SERVER		    ? "serverAuth"
							    : "clientAuth";
	const char *key = spec->uses & PKI_SIGNS_ONLY ? "critical,digitalSignature"
						      : "critical,digitalSignature,keyEncipherment";

	return extension_add(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
	       extension_add(certificate, issuer, NID_key_usage, key) &&
	       extension_add(certificate, issuer, NID_ext_key_usage, uses) &&
	       extension_add(certificate, issuer, NID_authority_key_identifier, "keyid") &&
	       (!spec->names[0] ||
		extension_add(certificate, issuer, NID_subject_alt_name, spec->names));
}

enum status leaf_sign(struct arena *arena, const struct pki_pair *ca, const struct leaf_spec *spec,
		      struct str *ret_certificate, struct error *error)
{
	X509 *issuer FREE_X509 = pem_certificate(ca->certificate);
	EVP_PKEY *key FREE_KEY = pem_private_key(ca->key);

	if (!issuer || !key || X509_check_private_key(issuer, key) != 1)
		return tls_fail(error, ST_INTERNAL, "reading the certificate authority");
	i64 last_s = seconds_of(X509_get0_notAfter(issuer));
	X509 *certificate FREE_X509 =
		certificate_new(spec->not_before_s, MIN(spec->not_after_s, last_s));

	if (X509_set_subject_name(certificate, spec->subject) != 1 ||
	    X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) != 1 ||
	    X509_set_pubkey(certificate, spec->public_key) != 1 ||
	    !leaf_extensions(certificate, issuer, spec) ||
	    X509_sign(certificate, key, EVP_sha256()) == 0)
		return tls_fail(error, ST_BAD_REQUEST, "signing a certificate");
	*ret_certificate = pem_of_certificate(arena, certificate);
	return ST_OK;
}

enum status pki_issue(struct arena *arena, const struct pki_pair *ca,
		      const struct pki_subject *subject, int uses, int days, i64 now_s,
		      struct pki_pair *ret_pair, struct error *error)
{
	EVP_PKEY *key FREE_KEY = EVP_EC_gen("P-256");
	X509_NAME *name = X509_NAME_new();
	struct leaf_spec spec = { .subject = name,
				  .public_key = key,
				  .uses = uses,
				  .not_before_s = now_s - SKEW_S,
				  .not_after_s = now_s + (i64)days * DAY_S };
	struct str certificate;

	CHECK(key && name);
	enum status status = name_fill(name, subject, error);

	if (status == ST_OK)
		status = names_text(arena, subject, &spec.names, error);
	if (status == ST_OK)
		status = leaf_sign(arena, ca, &spec, &certificate, error);
	X509_NAME_free(name);
	if (status != ST_OK)
		return status;
	ret_pair->certificate = certificate;
	ret_pair->key = pem_of_key(arena, key);
	return ST_OK;
}

/* ---- files */

static const char *path_of(struct arena *arena, const char *dir, const char *name,
			   const char *ending)
{
	return str_format(arena, "%s/%s.%s", dir, name, ending).at;
}

enum status pki_save(const char *dir, const char *name, const struct pki_pair *pair,
		     struct error *error)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(1024);
	/* The key first: a certificate never stands there without its key. */
	enum status status = file_write(path_of(arena, dir, name, "key"), pair->key, 0600, error);

	if (status == ST_OK)
		status = file_write(path_of(arena, dir, name, "crt"), pair->certificate, 0644,
				    error);
	return status;
}

enum status pki_load(struct arena *arena, const char *dir, const char *name,
		     struct pki_pair *ret_pair, struct error *error)
{
	const char *key_path = path_of(arena, dir, name, "key");
	struct pki_pair pair;
	struct stat entry;
	enum status status = file_read(arena, path_of(arena, dir, name, "crt"), PEM_BYTES_MAX,
				       &pair.certificate, error);

	if (status == ST_OK)
		status = file_read(arena, key_path, PEM_BYTES_MAX, &pair.key, error);
	if (status != ST_OK)
		return status;
	if (stat(key_path, &entry) == 0 && (entry.st_mode & 077))
		return fail(error, ST_FORBIDDEN, "%s can be read by others; chmod 600 it",
			    key_path);
	*ret_pair = pair;
	return ST_OK;
}
