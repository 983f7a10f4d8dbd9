/* Slices: comparing, cutting, finding, printing. */
#include "base/str.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"

static u64 hash_seed = 0x9e3779b97f4a7c15u;

int str_cmp(struct str a, struct str b)
{
	size_t len = MIN(a.len, b.len);
	int order = len ? memcmp(a.at, b.at, len) : 0;

	if (order)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

bool str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && (!prefix.len || !memcmp(s.at, prefix.at, prefix.len));
}

bool str_ends(struct str s, struct str suffix)
{
	return s.len >= suffix.len &&
	       (!suffix.len || !memcmp(s.at + s.len - suffix.len, suffix.at, suffix.len));
}

struct str str_from(struct str s, size_t start)
{
	start = MIN(start, s.len);
	return (struct str){ s.at ? s.at + start : NULL, s.len - start };
}

struct str str_part(struct str s, size_t start, size_t len)
{
	s = str_from(s, start);
	s.len = MIN(s.len, len);
	return s;
}

struct str str_trim(struct str s)
{
	while (s.len && isspace((unsigned char)s.at[0]))
		s = str_from(s, 1);
	while (s.len && isspace((unsigned char)s.at[s.len - 1]))
		s.len--;
	return s;
}

i64 str_find(struct str s, struct str needle)
{
	if (!needle.len)
		return 0;
	if (!s.len)
		return -1;
	const char *at = memmem(s.at, s.len, needle.at, needle.len);

	return at ? at - s.at : -1;
}

i64 str_find_char(struct str s, char c)
{
	const char *at = s.len ? memchr(s.at, c, s.len) : NULL;

	return at ? at - s.at : -1;
}

i64 str_find_last(struct str s, char c)
{
	const char *at = s.len ? memrchr(s.at, c, s.len) : NULL;

	return at ? at - s.at : -1;
}

struct str str_cut(struct str *s, char separator)
{
	i64 place = str_find_char(*s, separator);
	struct str piece = *s;

	if (place < 0) {
		*s = STR_NONE;
		return piece;
	}
	piece.len = (size_t)place;
	*s = str_from(*s, (size_t)place + 1);
	return piece;
}

void str_hash_seed(u64 seed)
{
	hash_seed = seed | 1;
}

u64 str_hash(struct str s)
{
	u64 hash = hash_seed ^ (s.len * 0xff51afd7ed558ccdu);
	size_t i = 0;

	for (; i + 8 <= s.len; i += 8) {
		u64 word;

		memcpy(&word, s.at + i, 8);
		hash = (hash ^ word) * 0x9fb21c651e98df25u;
		hash ^= hash >> 29;
	}
	for (; i < s.len; i++)
		hash = (hash ^ (u8)s.at[i]) * 0x100000001b3u;
	hash ^= hash >> 32;
	hash *= hash_seed;
	return hash ^ hash >> 29;
}

bool str_to_i64(struct str s, i64 *ret_value)
{
	bool negative = s.len && s.at[0] == '-';
	size_t i = s.len && (s.at[0] == '-' || s.at[0] == '+');
	i64 value = 0;

	if (i == s.len)
		return false;
	for (; i < s.len; i++) {
		int digit = s.at[i] - '0';

		if (digit < 0 || digit > 9)
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, digit, &value))
			return false;
	}
	/* Summed downwards, because the lowest i64 has no positive twin. */
	if (!negative && __builtin_sub_overflow(0, value, &value))
		return false;
	*ret_value = value;
	return true;
}

struct str str_copy(struct arena *arena, struct str s)
{
	char *copy = arena_alloc(arena, s.len + 1);

	if (s.len)
		memcpy(copy, s.at, s.len);
	copy[s.len] = 0;
	return (struct str){ copy, s.len };
}

const char *str_c(struct arena *arena, struct str s)
{
	return str_copy(arena, s).at;
}

struct str str_format(struct arena *arena, const char *format, ...)
{
	va_list arguments;

	CHECK(format); /* a sanitized build warns of NULL otherwise */
	va_start(arguments, format);
	int len = vsnprintf(NULL, 0, format, arguments);

	va_end(arguments);
	CHECK(len >= 0);
	char *text = arena_alloc(arena, (size_t)len + 1);

	va_start(arguments, format);
	vsnprintf(text, (size_t)len + 1, format, arguments);
	va_end(arguments);
	return (struct str){ text, (size_t)len };
}

struct str str_lower(struct arena *arena, struct str s)
{
	char *copy = arena_alloc(arena, s.len + 1);

	for (size_t i = 0; i < s.len; i++)
		copy[i] = (char)tolower((unsigned char)s.at[i]);
	copy[s.len] = 0;
	return (struct str){ copy, s.len };
}

struct str str_join(struct arena *arena, const struct str *pieces, u32 count, struct str between)
{
	size_t len = 0;

	for (u32 i = 0; i < count; i++)
		len += pieces[i].len + (i ? between.len : 0);
	char *text = arena_alloc(arena, len + 1), *end = text;

	for (u32 i = 0; i < count; i++) {
		if (i)
			end = mempcpy(end, between.at, between.len);
		if (pieces[i].len)
			end = mempcpy(end, pieces[i].at, pieces[i].len);
	}
	*end = 0;
	return (struct str){ text, len };
}
