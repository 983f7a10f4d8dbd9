/* SHA-256, and comparisons that keep secrets. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "base/check.h"
#include "net/jwt.h"

void sha256(struct str bytes, u8 ret_digest[32])
{
	SHA256((const unsigned char *)(bytes.at ? bytes.at : ""), bytes.len, ret_digest);
}

struct str sha256_hex(struct arena *arena, struct str bytes)
{
	char *out = arena_alloc(arena, 65);
	u8 digest[32];

	sha256(bytes, digest);
	for (int i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
	return (struct str){ out, 64 };
}

void hmac_sha256(struct str key, struct str bytes, u8 ret_digest[32])
{
	CHECK(HMAC(EVP_sha256(), key.at, (int)key.len, (const unsigned char *)bytes.at, bytes.len,
		   ret_digest, NULL));
}

bool secret_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.at, b.at, a.len) == 0);
}
