/*
 * JSON Web Tokens (RFC 7515, 7517, 7638) for service accounts: ES256 with our own keys, RS256 too
 * so that keys made by Kubernetes keep working; and the digests and encodings around them.
 */
#ifndef NET_JWT_H
#define NET_JWT_H

#include "base/base64.h"
#include "base/error.h"
#include "base/str.h"

struct jwt_key;

/* A new P-256 private key as PEM. */
MUST_USE enum status jwt_key_create(struct arena *arena, struct str *ret_pem, struct error *error);
/* From a PEM private key (signs and verifies) or public key (verifies): P-256 or RSA ≥ 2048. */
MUST_USE enum status jwt_key_load(struct str pem, struct jwt_key **ret_key, struct error *error);
void jwt_key_free(struct jwt_key *key);		  /* NULL is fine */
struct str jwt_key_id(const struct jwt_key *key); /* RFC 7638 thumbprint; lives with the key */
const char *jwt_key_algorithm(const struct jwt_key *key); /* "ES256" or "RS256" */
/* The public half as a JWK object's JSON, for /openid/v1/jwks. */
struct str jwt_key_jwk(struct arena *arena, const struct jwt_key *key);

/* `claims` is a JSON object's text. */
MUST_USE enum status jwt_sign(struct arena *arena, const struct jwt_key *key, struct str claims,
			      struct str *ret_token, struct error *error);
/* Checks form, algorithm and signature against any of the keys, and gives
 * the claims' text. What the claims say (exp, aud, …) is the caller's to judge. ST_UNAUTHORIZED. */
MUST_USE enum status jwt_verify(struct arena *arena, const struct jwt_key *const *keys,
				u32 keys_len, struct str token, struct str *ret_claims,
				struct error *error);

void sha256(struct str bytes, u8 ret_digest[32]);
struct str sha256_hex(struct arena *arena, struct str bytes);
void hmac_sha256(struct str key, struct str bytes, u8 ret_digest[32]);
/* Compares without telling by its time where they differ. */
bool secret_eq(struct str a, struct str b);

#endif
