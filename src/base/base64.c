/* Bytes as text (RFC 4648), in the standard alphabet and the one for URLs. */
#include "base/base64.h"

/* ---- with padding, as Go's StdEncoding (§4) */

static const char base64_letters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static i32 base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_check(struct str text, size_t *ret_len, size_t *ret_at)
{
	size_t pad = 0;

	if (text.len >= 4 && text.at[text.len - 1] == '=')
		pad = text.at[text.len - 2] == '=' ? 2 : 1;
	for (size_t i = 0; i < text.len - pad; i++) {
		if (base64_digit(text.at[i]) < 0) {
			*ret_at = i;
			return false;
		}
	}
	if (text.len % 4) {
		*ret_at = text.len - text.len % 4;
		return false;
	}
	*ret_len = text.len / 4 * 3 - pad;
	return true;
}

struct str base64_encode(struct arena *arena, struct str bytes)
{
	char *out = arena_alloc(arena, (bytes.len + 2) / 3 * 4 + 1), *p = out;
	const u8 *in = (const u8 *)bytes.at;

	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		u32 v = (u32)in[i] << 16 | (left > 1 ? (u32)in[i + 1] << 8 : 0) |
			(left > 2 ? in[i + 2] : 0);

		*p++ = base64_letters[v >> 18];
		*p++ = base64_letters[v >> 12 & 63];
		*p++ = left > 1 ? base64_letters[v >> 6 & 63] : '=';
		*p++ = left > 2 ? base64_letters[v & 63] : '=';
	}
	*p = 0;
	return (struct str){ out, (size_t)(p - out) };
}

bool base64_decode(struct arena *arena, struct str text, struct str *ret_bytes)
{
	size_t len, at;

	if (!base64_check(text, &len, &at))
		return false;
	char *out = arena_alloc(arena, len + 4), *p = out;

	for (size_t i = 0; i < text.len; i += 4) {
		u32 v = 0;

		for (u32 j = 0; j < 4; j++)
			v = v << 6 | (u32)MAX(base64_digit(text.at[i + j]), 0);
		*p++ = (char)(v >> 16);
		*p++ = (char)(v >> 8);
		*p++ = (char)v;
	}
	out[len] = 0;
	*ret_bytes = (struct str){ out, len };
	return true;
}

/* ---- for URLs, without padding (§5) */

static const char url_letters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

struct str base64url_encode(struct arena *arena, struct str bytes)
{
	char *out = arena_alloc(arena, (bytes.len + 2) / 3 * 4 + 1), *to = out;

	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		u32 bits = (u32)(u8)bytes.at[i] << 16;

		bits |= left > 1 ? (u32)(u8)bytes.at[i + 1] << 8 : 0;
		bits |= left > 2 ? (u32)(u8)bytes.at[i + 2] : 0;
		*to++ = url_letters[bits >> 18];
		*to++ = url_letters[bits >> 12 & 63];
		if (left > 1)
			*to++ = url_letters[bits >> 6 & 63];
		if (left > 2)
			*to++ = url_letters[bits & 63];
	}
	*to = 0;
	return (struct str){ out, (size_t)(to - out) };
}

static int url_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == url_letters[62] ? 62 : c == url_letters[63] ? 63 : -1;
}

/* Without padding; bits left over at the end must be zero, so that each value has one spelling. */
bool base64url_decode(struct arena *arena, struct str text, struct str *ret_bytes)
{
	char *out = arena_alloc(arena, text.len / 4 * 3 + 4), *to = out;
	u32 bits = 0, count = 0;

	if (text.len % 4 == 1)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		int value = url_digit(text.at[i]);

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
