/* SHA-256, base64url, and comparisons that keep secrets. */
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

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

struct str base64url_encode(struct arena *arena, struct str bytes)
{
	char *out = arena_alloc(arena, (bytes.len + 2) / 3 * 4 + 1), *to = out;

	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		u32 bits = (u32)(u8)bytes.at[i] << 16;

		bits |= left > 1 ? (u32)(u8)bytes.at[i + 1] << 8 : 0;
		bits |= left > 2 ? (u32)(u8)bytes.at[i + 2] : 0;
		*to++ = letters[bits >> 18];
		*to++ = letters[bits >> 12 & 63];
		if (left > 1)
			*to++ = letters[bits >> 6 & 63];
		if (left > 2)
			*to++ = letters[bits & 63];
	}
	*to = 0;
	return (struct str){ out, (size_t)(to - out) };
}

static int letter_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == letters[62] ? 62 : c == letters[63] ? 63 : -1;
}

/* Without padding; bits left over at the end must be zero, so that each value has one spelling. */
bool base64url_decode(struct arena *arena, struct str text, struct str *ret_bytes)
{
	char *out = arena_alloc(arena, text.len / 4 * 3 + 4), *to = out;
	u32 bits = 0, count = 0;

	if (text.len % 4 == 1)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		int value = letter_value(text.at[i]);

		if (value < 0)
			return false;
		bits = bits << 6 | (u32)value;
		count += 6;
		if (count >= 8) {
			count -= 8;
			*to++ = (char)(bits >> count);
			bits &= (1u << count) - 1;
		}
	}
	if (bits)
		return false;
	*to = 0;
	*ret_bytes = (struct str){ out, (size_t)(to - out) };
	return true;
}
