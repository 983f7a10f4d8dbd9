/*
 * A strict recursive-descent parser over NUL-padded text. Strings and numbers become slices of the
 * text; only a string with escapes is decoded into the arena. SSE2 finds the end of a string
 * sixteen bytes at a time where the machine has it; elsewhere plain C does the same.
 */
#include "base/check.h"
#include "doc/json.h"
#include "doc/object.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { SCAN_MAX = 16 }; /* up to here a scan of keys beats hashing them */

struct parser {
	const char *p, *start, *end;
	struct arena *arena;
	VEC(struct doc) stack; /* nodes of the levels that are still open */
	u32 depth;
	bool strict; /* collect duplicate keys */
	struct str *duplicates;
	u32 duplicates_len, duplicates_max;
	VEC(struct str) trail; /* where we are, for the duplicates' paths; only when strict */
	struct error *error;
};

static bool wrong(struct parser *j, const char *what)
{
	fail(j->error, ST_BAD_REQUEST, "invalid JSON at byte %zu: %s", (size_t)(j->p - j->start),
	     what);
	return false;
}

/* ---- UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF) */

static u32 utf8_len(const u8 *p, const u8 *end)
{
	size_t left = (size_t)(end - p);
	u8 c = p[0];

	if (c < 0x80)
		return 1;
	if (c >= 0xC2 && c < 0xE0 && left >= 2 && (p[1] & 0xC0) == 0x80)
		return 2;
	if ((c & 0xF0) == 0xE0 && left >= 3 && (p[1] & 0xC0) == 0x80 && (p[2] & 0xC0) == 0x80 &&
	    !(c == 0xE0 && p[1] < 0xA0) && !(c == 0xED && p[1] > 0x9F))
		return 3;
	if (c >= 0xF0 && c <= 0xF4 && left >= 4 && (p[1] & 0xC0) == 0x80 && (p[2] & 0xC0) == 0x80 &&
	    (p[3] & 0xC0) == 0x80 && !(c == 0xF0 && p[1] < 0x90) && !(c == 0xF4 && p[1] > 0x8F))
		return 4;
	return 0;
}

static bool utf8_valid(struct str text)
{
	const u8 *p = (const u8 *)text.at, *end = p + text.len;

	while (p < end) {
#ifdef __SSE2__
		if (end - p >= 16 && !_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)p))) {
			p += 16;
			continue;
		}
#endif
		u32 len = utf8_len(p, end);

		if (!len)
			return false;
		p += len;
	}
	return true;
}

static char *utf8_put(char *p, u32 c)
{
	if (c < 0x80) {
		*p++ = (char)c;
	} else if (c < 0x800) {
		*p++ = (char)(0xC0 | c >> 6);
		*p++ = (char)(0x80 | (c & 0x3F));
	} else if (c < 0x10000) {
		*p++ = (char)(0xE0 | c >> 12);
		*p++ = (char)(0x80 | (c >> 6 & 0x3F));
		*p++ = (char)(0x80 | (c & 0x3F));
	} else {
		*p++ = (char)(0xF0 | c >> 18);
		*p++ = (char)(0x80 | (c >> 12 & 0x3F));
		*p++ = (char)(0x80 | (c >> 6 & 0x3F));
		*p++ = (char)(0x80 | (c & 0x3F));
	}
	return p;
}

/* ---- strings */

static i32 hex4(const char *p) /* stops at the first bad digit, so never passes the padding */
{
	i32 value = 0;

	for (int i = 0; i < 4; i++) {
		int c = p[i], lower = c | 0x20;

		if (c >= '0' && c <= '9')
			value = value << 4 | (c - '0');
		else if (lower >= 'a' && lower <= 'f')
			value = value << 4 | (lower - 'a' + 10);
		else
			return -1;
	}
	return value;
}

/* The first byte at or after p that ends a plain run: quote, backslash or a control character. */
static const char *plain_end(const char *p)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'),
		      control = _mm_set1_epi8(0x1f);

	for (;; p += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)p);
		__m128i hit = _mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, slash));
		int mask = _mm_movemask_epi8(
			_mm_or_si128(hit, _mm_cmpeq_epi8(_mm_min_epu8(x, control), x)));

		if (mask)
			return p + __builtin_ctz((unsigned)mask);
	}
#else
	while ((u8)*p >= 0x20 && *p != '"' && *p != '\\')
		p++;
	return p;
#endif
}

/* Decodes \uXXXX at p (after the u), pairing surrogates; a lone one becomes U+FFFD, as in Go. */
static const char *decode_unicode(const char *p, char **out)
{
	i32 c = hex4(p), low;

	if (c < 0)
		return NULL;
	p += 4;
	if (c >= 0xD800 && c < 0xDC00 && p[0] == '\\' && p[1] == 'u' && (low = hex4(p + 2)) >= 0 &&
	    low >= 0xDC00 && low < 0xE000) {
		c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
		p += 6;
	} else if (c >= 0xD800 && c < 0xE000) {
		c = 0xFFFD;
	}
	*out = utf8_put(*out, (u32)c);
	return p;
}

static const char *string_close(const char *p) /* the closing quote, or NULL on a control byte */
{
	for (p = plain_end(p); *p == '\\'; p = plain_end(p + 2))
		if (!p[1])
			return NULL;
	return *p == '"' ? p : NULL;
}

static bool parse_escaped(struct parser *j, struct doc *out)
{
	const char *close = string_close(j->p);

	if (!close)
		return wrong(j, "a control character or the end inside a string");
	/* Decoded text is never longer than its escapes, but for U+FFFD, which is shorter still. */
	char *text = arena_alloc(j->arena, (size_t)(close - j->p) + 1), *to = text;
	const char *p = j->p;

	while (p < close) {
		static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
		const char *plain = plain_end(p), *letter;

		to = mempcpy(to, p, (size_t)(plain - p));
		p = plain;
		if (p == close)
			break;
		if (p[1] == 'u') {
			p = decode_unicode(p + 2, &to);
		} else if ((letter = p[1] ? strchr(from, p[1]) : NULL)) {
			*to++ = into[letter - from];
			p += 2;
		} else {
			p = NULL;
		}
		if (!p)
			return wrong(j, "a bad escape in a string");
	}
	*out = (struct doc){ .type = DOC_STRING, .len = (u32)(to - text), .text = text };
	for (const char *c = text; c < to; c++)
		if ((u8)*c < 0x20 || *c == '"' || *c == '\\')
			out->flags = DOC_ESCAPE;
	j->p = close + 1;
	return true;
}

static bool parse_string(struct parser *j, struct doc *out) /* p stands after the opening quote */
{
	const char *close = plain_end(j->p);

	if (*close == '\\')
		return parse_escaped(j, out);
	if (*close != '"')
		return wrong(j, "a control character or the end inside a string");
	*out = (struct doc){ .type = DOC_STRING, .len = (u32)(close - j->p), .text = j->p };
	j->p = close + 1;
	return true;
}

/* ---- numbers */

static const char *digits(const char *p)
{
	while (*p >= '0' && *p <= '9')
		p++;
	return p;
}

static bool parse_number(struct parser *j, struct doc *out)
{
	const char *start = j->p, *p = start + (*start == '-'), *before;
	u8 flags = 0;

	if (*p == '0')
		p++;
	else if (p = digits(before = p), p == before)
		return wrong(j, "a value was expected");
	if (*p == '.') {
		flags = DOC_FLOAT;
		p = digits(before = p + 1);
		if (p == before)
			return wrong(j, "a digit was expected after the point");
	}
	if (*p == 'e' || *p == 'E') {
		flags = DOC_FLOAT;
		p += 1 + (p[1] == '+' || p[1] == '-');
		p = digits(before = p);
		if (p == before)
			return wrong(j, "a digit was expected in the exponent");
	}
	*out = (struct doc){
		.type = DOC_NUMBER, .flags = flags, .len = (u32)(p - start), .text = start
	};
	j->p = p;
	return true;
}

/* ---- arrays and objects */

static void skip_blanks(struct parser *j)
{
	const char *p = j->p;

	while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')
		p++;
	j->p = p;
}

static bool parse_value(struct parser *j, struct doc *out);

static void close_level(struct parser *j, u32 first, enum doc_type type, struct doc *out)
{
	u32 count = j->stack.len - first;

	*out = (struct doc){ .type = (u8)type, .len = type == DOC_OBJECT ? count / 2 : count };
	if (count)
		out->items = arena_copy(j->arena, j->stack.at + first, count * sizeof *out);
	j->stack.len = first;
	j->depth--;
}

static bool parse_array(struct parser *j, struct doc *out)
{
	u32 first = j->stack.len;

	if (++j->depth > DOC_DEPTH_MAX)
		return wrong(j, "nested too deeply");
	j->p++;
	skip_blanks(j);
	if (*j->p == ']') {
		j->p++;
		close_level(j, first, DOC_ARRAY, out);
		return true;
	}
	for (;;) {
		struct doc item;

		if (j->strict)
			VEC_PUSH(j->arena, &j->trail,
				 str_format(j->arena, "[%u]", j->stack.len - first));
		if (!parse_value(j, &item))
			return false;
		if (j->strict)
			j->trail.len--;
		VEC_PUSH(j->arena, &j->stack, item);
		skip_blanks(j);
		if (*j->p != ',')
			break;
		j->p++;
	}
	if (*j->p != ']')
		return wrong(j, "expected , or ]");
	j->p++;
	close_level(j, first, DOC_ARRAY, out);
	return true;
}

/* Few keys are scanned; of many an index is kept, or a body of a hundred thousand keys would take
 * minutes. */
static bool key_seen(struct parser *j, u32 first, const struct doc *key, struct key_index *keys)
{
	struct str name = { key->text, key->len };

	if (!keys->cap && j->stack.len - first <= 2 * SCAN_MAX) {
		for (u32 i = first; i < j->stack.len; i += 2)
			if (str_eq((struct str){ j->stack.at[i].text, j->stack.at[i].len }, name))
				return true;
		return false;
	}
	if (!keys->cap)
		for (u32 i = first; i < j->stack.len; i += 2)
			key_index_set(keys, (struct str){ j->stack.at[i].text, j->stack.at[i].len },
				      i);
	bool seen = key_index_find(keys, name) != KEY_NOWHERE;

	key_index_set(keys, name, 0);
	return seen;
}

static void note_duplicate(struct parser *j, u32 first, const struct doc *key,
			   struct key_index *keys)
{
	bool seen = key_seen(j, first, key, keys);

	if (!seen || j->duplicates_len >= j->duplicates_max)
		return;
	struct buffer path = BUFFER_INIT(URL_BYTES_MAX);

	for (u32 i = 0; i < j->trail.len; i++) {
		if (i && j->trail.at[i].at[0] != '[')
			buffer_add_char(&path, '.');
		buffer_add_str(&path, j->trail.at[i]);
	}
	j->duplicates[j->duplicates_len++] = str_copy(j->arena, buffer_str(&path));
	buffer_release(&path);
}

static bool parse_pair(struct parser *j, u32 first, struct key_index *keys)
{
	struct doc key, value;

	skip_blanks(j);
	if (*j->p != '"')
		return wrong(j, "expected a key in quotes");
	j->p++;
	if (!parse_string(j, &key))
		return false;
	if (j->strict) {
		VEC_PUSH(j->arena, &j->trail, (struct str){ key.text, key.len });
		note_duplicate(j, first, &key, keys);
	}
	skip_blanks(j);
	if (*j->p != ':')
		return wrong(j, "expected :");
	j->p++;
	if (!parse_value(j, &value))
		return false;
	if (j->strict)
		j->trail.len--;
	VEC_PUSH(j->arena, &j->stack, key);
	VEC_PUSH(j->arena, &j->stack, value);
	return true;
}

static bool parse_object(struct parser *j, struct doc *out)
{
	struct key_index keys = { .arena = j->arena };
	u32 first = j->stack.len;

	if (++j->depth > DOC_DEPTH_MAX)
		return wrong(j, "nested too deeply");
	j->p++;
	skip_blanks(j);
	if (*j->p == '}') {
		j->p++;
		close_level(j, first, DOC_OBJECT, out);
		return true;
	}
	for (;;) {
		if (!parse_pair(j, first, &keys))
			return false;
		skip_blanks(j);
		if (*j->p != ',')
			break;
		j->p++;
	}
	if (*j->p != '}')
		return wrong(j, "expected , or }");
	j->p++;
	close_level(j, first, DOC_OBJECT, out);
	return true;
}

static bool parse_literal(struct parser *j, struct doc *out, struct str word,
			  const struct doc *value)
{
	if (strncmp(j->p, word.at, word.len))
		return wrong(j, "a value was expected");
	j->p += word.len;
	*out = *value;
	return true;
}

static bool parse_value(struct parser *j, struct doc *out)
{
	skip_blanks(j);
	switch (*j->p) {
	case '"':
		j->p++;
		return parse_string(j, out);
	case '{':
		return parse_object(j, out);
	case '[':
		return parse_array(j, out);
	case 't':
		return parse_literal(j, out, STR("true"), &doc_true);
	case 'f':
		return parse_literal(j, out, STR("false"), &doc_false);
	case 'n':
		return parse_literal(j, out, STR("null"), &doc_null);
	default:
		return parse_number(j, out);
	}
}

static enum status parse(struct parser *j, struct str text, const struct doc **ret_doc)
{
	struct doc *root = arena_alloc(j->arena, sizeof *root);

	CHECK(text.len < UINT32_MAX);
	if (!utf8_valid(text))
		return fail(j->error, ST_BAD_REQUEST, "invalid JSON: not valid UTF-8");
	j->p = j->start = text.at;
	j->end = text.at + text.len;
	if (!parse_value(j, root))
		return ST_BAD_REQUEST;
	skip_blanks(j);
	if (j->p != j->end) {
		wrong(j, "something follows the value");
		return ST_BAD_REQUEST;
	}
	*ret_doc = root;
	return ST_OK;
}

enum status json_parse_in_place(struct arena *arena, struct str text, const struct doc **ret_doc,
				struct error *error)
{
	struct parser j = { .arena = arena, .error = error };

	return parse(&j, text, ret_doc);
}

static struct str padded_copy(struct arena *arena, struct str text)
{
	char *copy = arena_alloc(arena, text.len + JSON_PADDING);

	if (text.len)
		memcpy(copy, text.at, text.len);
	memset(copy + text.len, 0, JSON_PADDING);
	return (struct str){ copy, text.len };
}

enum status json_parse(struct arena *arena, struct str text, const struct doc **ret_doc,
		       struct error *error)
{
	return json_parse_in_place(arena, padded_copy(arena, text), ret_doc, error);
}

enum status json_parse_strict(struct arena *arena, struct str text, const struct doc **ret_doc,
			      struct str *duplicates, u32 max, u32 *ret_duplicates,
			      struct error *error)
{
	struct parser j = { .arena = arena,
			    .error = error,
			    .strict = true,
			    .duplicates = duplicates,
			    .duplicates_max = max };
	enum status status = parse(&j, padded_copy(arena, text), ret_doc);

	*ret_duplicates = j.duplicates_len;
	return status;
}
