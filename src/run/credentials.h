/*
 * The cluster's own certificates and keys, in DATA/pki: made on the first start, kept afterwards,
 * renewed long before they end.
 */
#ifndef RUN_CREDENTIALS_H
#define RUN_CREDENTIALS_H

#include "net/jwt.h"
#include "net/pki.h"
#include "run/server_options.h"
#include "server/server.h"

enum { VERIFIED_MAX = 128, CLAIMS_BYTES_MAX = 4096, TOKEN_KEYS_MAX = 16 };

/* A token whose signature was found good; that never changes while the key is the same. */
struct verified {
	u8 digest[32]; /* of the token; SHA-256 */
	u32 claims_len;
	char *claims;
};

struct credentials {
	struct pki_pair ca, server, admin;
	struct pki_pair nodes;	   /* what the server shows to nodes on other machines */
	/* The first signs, all are believed. Owned: credentials_release. */
	struct jwt_key *token_keys[TOKEN_KEYS_MAX];
	u32 token_keys_len;
	struct verified verified[VERIFIED_MAX]; /* a newer token takes an older one's place */
};

/* Loads what is there and makes what is missing or soon too old. All texts live in `arena`.
 * `names` are what the server's certificate must be good for. */
MUST_USE enum status credentials_load(struct arena *arena, struct str data, const struct str *names,
				      u32 names_len, i64 now_s, struct credentials *ret_credentials,
				      struct error *error);
void credentials_release(struct credentials *credentials);

/* From the next credentials_load() on, tokens are signed with a new key. The old one stays beside
 * it as service-account-TIME.key and is believed until that file is removed. */
MUST_USE enum status credentials_rotate_token_key(struct str data, i64 now_s, struct error *error);
/* Takes the token keys of `fresh` in place of its own. */
void credentials_take_keys(struct credentials *credentials, struct credentials *fresh);

/* Service-account tokens signed with our key. `credentials` must outlive it. */
struct token_signer credentials_signer(struct credentials *credentials);
/* Certificates signed by our authority. `credentials` must outlive it. */
struct certificate_signer credentials_certificates(struct credentials *credentials);

/* Writes the admin's kubeconfig, readable by its owner alone. `url`: https://127.0.0.1:6443 */
MUST_USE enum status credentials_write_kubeconfig(const struct credentials *credentials,
						  struct str url, struct str path,
						  struct error *error);

#endif
