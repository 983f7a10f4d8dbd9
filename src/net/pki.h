/*
 * Our own certificates: a CA (ECDSA P-256), what it signs, and reading what others show. All texts
 * are PEM in the caller's arena. Times are seconds since 1970 and always handed in, so that expiry
 * is tested without waiting.
 */
#ifndef NET_PKI_H
#define NET_PKI_H

#include "base/error.h"
#include "base/str.h"

enum { PKI_CA_DAYS = 3650, PKI_LEAF_DAYS = 365, PKI_NAMES_MAX = 64 };

struct pki_pair {
	struct str certificate, key;
};

struct pki_subject {
	struct str common_name;
	const struct str *organizations;
	u32 organizations_len;
	const struct str *names; /* DNS names and IP addresses, told apart by their looks */
	u32 names_len;
	/* Of what was read: how many of the names are addresses, and what stood beside them. */
	u32 addresses_len, emails_len, uris_len;
};

enum pki_use { /* may be or-ed */
	PKI_SERVER = 1,
	PKI_CLIENT = 2,
	PKI_SIGNS_ONLY = 4, /* the key enciphers nothing */
};

MUST_USE enum status pki_ca_create(struct arena *arena, struct str common_name, i64 now_s,
				   struct pki_pair *ret_ca, struct error *error);
/* Makes a new key and a certificate for it, valid from five minutes ago (skewed clocks) for `days`,
 * never beyond the CA's own end. */
MUST_USE enum status pki_issue(struct arena *arena, const struct pki_pair *ca,
			       const struct pki_subject *subject, int uses, int days, i64 now_s,
			       struct pki_pair *ret_pair, struct error *error);

/* Certificate requests (PKCS #10). ST_BAD_REQUEST when one is malformed or not signed by its key.
 */
MUST_USE enum status pki_request_create(struct arena *arena, const struct pki_subject *subject,
					struct str *ret_request, struct str *ret_key,
					struct error *error);
MUST_USE enum status pki_request_read(struct arena *arena, struct str request,
				      struct pki_subject *ret_subject, struct error *error);
MUST_USE enum status pki_request_sign(struct arena *arena, const struct pki_pair *ca,
				      struct str request, int uses, i64 seconds, i64 now_s,
				      struct str *ret_certificate, struct error *error);

struct pki_info {
	struct pki_subject subject;
	struct str issuer, serial_hex, sha256_hex; /* sha256 of the DER form */
	i64 not_before_s, not_after_s;
	bool is_ca;
};
/* Reads the first certificate of a PEM text. */
MUST_USE enum status pki_read(struct arena *arena, struct str certificate,
			      struct pki_info *ret_info, struct error *error);
/* ST_UNAUTHORIZED unless one of `authorities` signed it for that use and it is valid at now_s. */
MUST_USE enum status pki_verify(struct str authorities, struct str certificate, enum pki_use use,
				i64 now_s, struct error *error);
/* Whether the key is the certificate's own. */
bool pki_pair_fits(const struct pki_pair *pair);
/* True from two thirds of a certificate's life on. */
bool pki_wants_renewal(const struct pki_info *info, i64 now_s);
/* True when the certificate is good for every one of these names now. */
bool pki_has_names(const struct pki_info *info, const struct str *names, u32 names_len);

/* DIR/NAME.crt 0644 and DIR/NAME.key 0600. Load: ST_NOT_FOUND when either is missing, ST_FORBIDDEN
 * when the key is readable by others. */
MUST_USE enum status pki_save(const char *dir, const char *name, const struct pki_pair *pair,
			      struct error *error);
MUST_USE enum status pki_load(struct arena *arena, const char *dir, const char *name,
			      struct pki_pair *ret_pair, struct error *error);

#endif
