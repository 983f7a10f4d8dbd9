/*
 * Tokens: base64url(header).base64url(claims).base64url(signature). The algorithm is the key's own,
 * never the token's choice, so "none" and HS256-with-a-public-key have nothing to hold on to.
 */
#include "net/jwt.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "doc/build.h"
#include "doc/json.h"
#include "net/pki_inside.h"
#include "net/tls_inside.h"

enum { TOKEN_BYTES_MAX = 64 << 10, COORDINATE = 32, RSA_BITS_MIN = 2048 };

struct jwt_key {
	EVP_PKEY *key;
	bool ec, private;
	struct arena *arena; /* holds id and jwk */
	struct str id, jwk;
};

static struct str number_url(struct arena *arena, EVP_PKEY *key, const char *name, int width)
{
	BIGNUM *number = NULL;
	unsigned char bytes[1024];
	int len;

	CHECK(EVP_PKEY_get_bn_param(key, name, &number) == 1);
	len = width ? width : BN_num_bytes(number);
	CHECK(len <= (int)sizeof bytes && BN_bn2binpad(number, bytes, len) == len);
	BN_free(number);
	return base64url_encode(arena, (struct str){ (char *)bytes, (size_t)len });
}

/* RFC 7638: the required members alone, in order of their names, without blanks. */
static void describe(struct jwt_key *key)
{
	struct arena *arena = key->arena;
	struct str members, digest;
	u8 raw[32];

	if (key->ec)
		members = str_format(
			arena, "\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"",
			number_url(arena, key->key, OSSL_PKEY_PARAM_EC_PUB_X, COORDINATE).at,
			number_url(arena, key->key, OSSL_PKEY_PARAM_EC_PUB_Y, COORDINATE).at);
	else
		members = str_format(arena, "\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"",
				     number_url(arena, key->key, OSSL_PKEY_PARAM_RSA_E, 0).at,
				     number_url(arena, key->key, OSSL_PKEY_PARAM_RSA_N, 0).at);
	sha256(str_format(arena, "{" STR_FMT "}", STR_ARG(members)), raw);
	digest = (struct str){ (char *)raw, sizeof raw };
	key->id = base64url_encode(arena, digest);
	key->jwk = str_format(
		arena, "{" STR_FMT ",\"alg\":\"%s\",\"use\":\"sig\",\"kid\":\"" STR_FMT "\"}",
		STR_ARG(members), jwt_key_algorithm(key), STR_ARG(key->id));
}

enum status jwt_key_create(struct arena *arena, struct str *ret_pem, struct error *error)
{
	EVP_PKEY *key FREE_KEY = EVP_EC_gen("P-256");

	if (!key)
		return tls_fail(error, ST_INTERNAL, "making a signing key");
	*ret_pem = pem_of_key(arena, key);
	return ST_OK;
}

static bool is_p256(EVP_PKEY *key)
{
	char group[64];

	return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
	       EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
	       !strcmp(group, "prime256v1");
}

enum status jwt_key_load(struct str pem, struct jwt_key **ret_key, struct error *error)
{
	EVP_PKEY *pkey = pem_private_key(pem);
	bool private = pkey != NULL;

	if (!pkey) {
		BIO *bio FREE_BIO = pem_open(pem);

		pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	}
	if (!pkey)
		return tls_fail(error, ST_BAD_REQUEST, "reading a signing key");
	ERR_clear_error();
	bool ec = is_p256(pkey);

	if (!ec && (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA ||
		    EVP_PKEY_get_bits(pkey) < RSA_BITS_MIN)) {
		EVP_PKEY_free(pkey);
		return fail(error, ST_BAD_REQUEST,
			    "a signing key must be ECDSA P-256 or RSA of at least %d bits",
			    RSA_BITS_MIN);
	}
	struct jwt_key *key = calloc(1, sizeof *key);

	CHECK(key);
	key->key = pkey;
	key->ec = ec;
	key->private = private;
	key->arena = arena_new(2048);
	describe(key);
	*ret_key = key;
	return ST_OK;
}

void jwt_key_free(struct jwt_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->key);
	arena_free(key->arena);
	free(key);
}

struct str jwt_key_id(const struct jwt_key *key)
{
	return key->id;
}

const char *jwt_key_algorithm(const struct jwt_key *key)
{
	return key->ec ? "ES256" : "RS256";
}

struct str jwt_key_jwk(struct arena *arena, const struct jwt_key *key)
{
	return str_copy(arena, key->jwk);
}

/* ---- signatures: JOSE wants r and s side by side, OpenSSL speaks DER */

static bool ec_to_jose(const unsigned char *der, size_t len, unsigned char out[2 * COORDINATE])
{
	ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)len);
	bool good = signature &&
		    BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, COORDINATE) == COORDINATE &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + COORDINATE, COORDINATE) ==
			    COORDINATE;

	ECDSA_SIG_free(signature);
	return good;
}

static int ec_from_jose(struct str raw, unsigned char **ret_der)
{
	const unsigned char *bytes = (const unsigned char *)raw.at;
	ECDSA_SIG *signature = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(bytes, COORDINATE, NULL);
	BIGNUM *s = BN_bin2bn(bytes + COORDINATE, COORDINATE, NULL);

	CHECK(signature && r && s && ECDSA_SIG_set0(signature, r, s) == 1);
	int len = i2d_ECDSA_SIG(signature, ret_der);

	ECDSA_SIG_free(signature);
	return len;
}

static bool sign(const struct jwt_key *key, struct str text, unsigned char *out, size_t *ret_len)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char der[1024];
	size_t len = sizeof der;
	bool good =
		context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->key) == 1 &&
		EVP_DigestSign(context, der, &len, (const unsigned char *)text.at, text.len) == 1;

	EVP_MD_CTX_free(context);
	if (!good)
		return false;
	if (key->ec) {
		*ret_len = 2 * COORDINATE;
		return ec_to_jose(der, len, out);
	}
	memcpy(out, der, len);
	*ret_len = len;
	return true;
}

enum status jwt_sign(struct arena *arena, const struct jwt_key *key, struct str claims,
		     struct str *ret_token, struct error *error)
{
	unsigned char signature[1024];
	size_t len;

	if (!key->private)
		return fail(error, ST_INTERNAL, "a public key cannot sign");
	struct str header = str_format(arena, "{\"alg\":\"%s\",\"kid\":\"" STR_FMT "\"}",
				       jwt_key_algorithm(key), STR_ARG(key->id));
	struct str text = str_format(arena, "%s.%s", base64url_encode(arena, header).at,
				     base64url_encode(arena, claims).at);

	if (!sign(key, text, signature, &len))
		return tls_fail(error, ST_INTERNAL, "signing a token");
	*ret_token = str_format(arena, "%s.%s", text.at,
				base64url_encode(arena, (struct str){ (char *)signature, len }).at);
	return ST_OK;
}

static bool verify(const struct jwt_key *key, struct str text, struct str signature)
{
	unsigned char *der = NULL;
	const unsigned char *bytes = (const unsigned char *)signature.at;
	size_t len = signature.len;
	EVP_MD_CTX *context;

	if (key->ec) {
		if (len != 2 * COORDINATE)
			return false;
		len = (size_t)ec_from_jose(signature, &der);
		bytes = der;
	}
	context = EVP_MD_CTX_new();
	bool good =
		context && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key->key) == 1 &&
		EVP_DigestVerify(context, bytes, len, (const unsigned char *)text.at, text.len) ==
			1;

	EVP_MD_CTX_free(context);
	OPENSSL_free(der);
	ERR_clear_error();
	return good;
}

enum status jwt_verify(struct arena *arena, const struct jwt_key *const *keys, u32 keys_len,
		       struct str token, struct str *ret_claims, struct error *error)
{
	struct str rest = token, header = str_cut(&rest, '.'), body = str_cut(&rest, '.');
	struct str raw_header, claims, signature;
	const struct doc *doc;

	if (token.len > TOKEN_BYTES_MAX || !body.at || !rest.at ||
	    !base64url_decode(arena, header, &raw_header) ||
	    !base64url_decode(arena, body, &claims) || !base64url_decode(arena, rest, &signature) ||
	    json_parse(arena, raw_header, &doc, NULL) != ST_OK)
		return fail(error, ST_UNAUTHORIZED, "the token is malformed");
	struct str algorithm = doc_str(doc_key(doc, "alg"));
	struct str signed_text = { token.at, header.len + 1 + body.len };

	/* "crit" names extensions one must understand; we know none. */
	if (doc_key(doc, "crit"))
		return fail(error, ST_UNAUTHORIZED, "the token wants an unknown extension");
	for (u32 i = 0; i < keys_len; i++) {
		/* A kid is no more than a hint: Kubernetes names the same keys otherwise. */
		if (!str_is(algorithm, jwt_key_algorithm(keys[i])))
			continue;
		if (verify(keys[i], signed_text, signature)) {
			*ret_claims = claims;
			return ST_OK;
		}
	}
	return fail(error, ST_UNAUTHORIZED, "the token's signature is not ours");
}
