/* go-yaml v2's resolve.go as rules: words first, then dates, then numbers in all their writings. */
#include "doc/yaml_scalar.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_BYTES_MAX = 128 }; /* what is longer is a string to us */

static bool one_of(struct str text, const char *const *words, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (str_is(text, words[i]))
			return true;
	return false;
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ---- dates: 2006-1-2, optionally with a time after T, t or a blank */

/* Reads a number of `least` to `most` digits within bounds. */
static bool date_part(struct str *s, u32 least, u32 most, u32 low, u32 high, u32 *ret_value)
{
	u32 len = 0, value = 0;

	while (len < most && len < s->len && digit(s->at[len]))
		value = value * 10 + (u32)(s->at[len++] - '0');
	*s = str_from(*s, len);
	*ret_value = value;
	return len >= least && value >= low && value <= high;
}

static bool date_char(struct str *s, char c)
{
	if (!s->len || s->at[0] != c)
		return false;
	*s = str_from(*s, 1);
	return true;
}

static bool is_clock(struct str s, bool zone)
{
	u32 unused;

	if (!date_part(&s, 1, 2, 0, 23, &unused) || !date_char(&s, ':') ||
	    !date_part(&s, 1, 2, 0, 59, &unused) || !date_char(&s, ':') ||
	    !date_part(&s, 1, 2, 0, 59, &unused))
		return false;
	if (date_char(&s, '.')) {
		if (!s.len || !digit(s.at[0]))
			return false;
		while (s.len && digit(s.at[0]))
			s = str_from(s, 1);
	}
	if (!zone)
		return s.len == 0;
	if (date_char(&s, 'Z'))
		return s.len == 0;
	return (date_char(&s, '+') || date_char(&s, '-')) && date_part(&s, 2, 2, 0, 24, &unused) &&
	       date_char(&s, ':') && date_part(&s, 2, 2, 0, 60, &unused) && s.len == 0;
}

static bool is_timestamp(struct str s)
{
	static const u8 days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	u32 year, month, day;

	if (!date_part(&s, 4, 4, 0, 9999, &year) || !date_char(&s, '-') ||
	    !date_part(&s, 1, 2, 1, 12, &month) || !date_char(&s, '-') ||
	    !date_part(&s, 1, 2, 1, 31, &day))
		return false;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (day > days[month - 1] + (u32)(month == 2 && leap))
		return false;
	if (!s.len)
		return true;
	if (date_char(&s, 'T') || date_char(&s, 't'))
		return is_clock(s, true);
	return date_char(&s, ' ') && is_clock(s, false);
}

bool yaml_base_sixty(struct str s)
{
	bool colons = false;

	if (s.len && (s.at[0] == '+' || s.at[0] == '-'))
		s = str_from(s, 1);
	if (!s.len || !digit(s.at[0]))
		return false;
	while (s.len && (digit(s.at[0]) || s.at[0] == '_'))
		s = str_from(s, 1);
	while (date_char(&s, ':')) {
		u32 unused;

		if (!date_part(&s, 1, 2, 0, 59, &unused))
			return false;
		colons = true;
	}
	if (colons && date_char(&s, '.'))
		while (s.len && (digit(s.at[0]) || s.at[0] == '_'))
			s = str_from(s, 1);
	return colons && s.len == 0;
}

/* ---- numbers */

/* Go's ParseInt and ParseUint with base 0: 0x, 0o, 0b, a leading 0 for octal, else decimal. */
static bool whole_number(const char *text, bool *ret_negative, u64 *ret_value)
{
	const char *p = text + (*text == '-' || *text == '+');
	u32 base = 10;
	u64 value = 0;

	if (p[0] == '0' && p[1]) {
		int letter = p[1] | 0x20;

		base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
		p += letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1;
	}
	if (!*p)
		return false;
	for (; *p; p++) {
		int lower = *p | 0x20;
		u32 value_of = digit(*p)		      ? (u32)(*p - '0')
			       : lower >= 'a' && lower <= 'f' ? (u32)(lower - 'a' + 10)
							      : 99;

		if (value_of >= base || __builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, value_of, &value))
			return false;
	}
	*ret_negative = *text == '-';
	*ret_value = value;
	/* Only without a sign may it need the 64th bit. */
	return !*ret_negative ? *text != '+' || value <= INT64_MAX : value <= 1ull << 63;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool float_shape(const char *p)
{
	u32 before = 0, after = 0, exponent = 0;

	p += *p == '-' || *p == '+';
	for (; digit(*p); p++)
		before++;
	if (*p == '.')
		for (p++; digit(*p); p++)
			after++;
	if (!before && !after)
		return false;
	if (*p == 'e' || *p == 'E') {
		p += 1 + (p[1] == '-' || p[1] == '+');
		for (; digit(*p); p++)
			exponent++;
		if (!exponent)
			return false;
	}
	return *p == 0;
}

struct str yaml_float_text(struct arena *arena, double value, bool json)
{
	char text[40], plain[400];
	int digits = 1;

	if (value == 0)
		return signbit(value) ? STR("-0") : STR("0");
	while (snprintf(text, sizeof text, "%.*e", digits - 1, value), strtod(text, NULL) != value)
		digits++; /* at most 17 */
	int exponent = atoi(strchr(text, 'e') + 1);
	bool tiny = exponent < (json ? -6 : -4), huge = exponent >= (json ? 21 : 6);
	if (!tiny && !huge && exponent < digits) {
		snprintf(plain, sizeof plain, "%.*f", digits - 1 - exponent, value);
		return str_copy(arena, str_of(plain));
	}
	if (!tiny && !huge) { /* "%f" would show digits the shortest form has not */
		snprintf(plain, sizeof plain, "%.*e", digits - 1, value);
		char *point = strchr(plain, '.'), *end = strchr(plain, 'e');

		if (point) {
			memmove(point, point + 1, (size_t)(end - point - 1));
			end--;
		}
		memset(end, '0', (size_t)(exponent - digits + 1));
		end[exponent - digits + 1] = 0;
		return str_copy(arena, str_of(plain));
	}
	if (json && text[strlen(text) - 3] == '-' && text[strlen(text) - 2] == '0') {
		size_t len = strlen(text); /* encoding/json writes e-7, not e-07 */

		text[len - 2] = text[len - 1];
		text[len - 1] = 0;
	}
	return str_copy(arena, str_of(text));
}

static struct doc *number(struct arena *arena, struct str text, bool fraction)
{
	struct doc *d = ARENA_NEW(arena, struct doc);

	*d = (struct doc){ .type = DOC_NUMBER,
			   .flags = fraction ? DOC_FLOAT : 0,
			   .len = (u32)text.len,
			   .text = text.at };
	return d;
}

static bool resolve_number(struct arena *arena, struct str text, const struct doc **ret_doc)
{
	char plain[NUMBER_BYTES_MAX];
	size_t len = 0;
	bool negative;
	u64 value;

	if (text.len >= sizeof plain)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] != '_')
			plain[len++] = text.at[i];
	plain[len] = 0;
	if (whole_number(plain, &negative, &value)) {
		if (arena)
			*ret_doc = number(arena,
					  str_format(arena, "%s%llu", negative && value ? "-" : "",
						     (unsigned long long)value),
					  false);
		return true;
	}
	if (!float_shape(plain))
		return false;
	double parsed = strtod(plain, NULL);

	if (!isfinite(parsed))
		return false; /* past what a float holds: go-yaml leaves it a string */
	if (arena) {
		struct str printed = yaml_float_text(arena, parsed, true);
		i64 whole;
		bool fraction = !str_to_i64(printed, &whole);

		*ret_doc = number(arena, printed, fraction);
	}
	return true;
}

/* ---- everything */

static enum yaml_kind resolve_word(struct str text, const struct doc **ret_doc)
{
	static const char *const yes[] = { "y",	   "Y",	   "yes", "Yes", "YES", "true",
					   "True", "TRUE", "on",  "On",	 "ON" };
	static const char *const no[] = { "n",	   "N",	    "no",  "No",  "NO", "false",
					  "False", "FALSE", "off", "Off", "OFF" };
	static const char *const null[] = { "", "~", "null", "Null", "NULL" };
	static const char *const wild[] = { ".nan",  ".NaN",  ".NAN",  ".inf",	".Inf",	 ".INF",
					    "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF" };

	if (text.len > 5)
		return YAML_STRING;
	if (one_of(text, yes, ARRAY_LEN(yes))) {
		*ret_doc = &doc_true;
		return YAML_BOOL;
	}
	if (one_of(text, no, ARRAY_LEN(no))) {
		*ret_doc = &doc_false;
		return YAML_BOOL;
	}
	if (one_of(text, null, ARRAY_LEN(null))) {
		*ret_doc = &doc_null;
		return YAML_NULL;
	}
	if (one_of(text, wild, ARRAY_LEN(wild)))
		return YAML_NOT_JSON;
	return str_is(text, "<<") ? YAML_MERGE : YAML_STRING;
}

enum yaml_kind yaml_resolve(struct arena *arena, struct str text, const struct doc **ret_doc)
{
	const struct doc *unread;
	enum yaml_kind kind = resolve_word(text, ret_doc ? ret_doc : &unread);
	char first = text.len ? text.at[0] : 0;

	if (kind != YAML_STRING)
		return kind;
	if (is_timestamp(text))
		kind = YAML_TIMESTAMP;
	else if ((digit(first) || first == '.' || first == '+' || first == '-') &&
		 resolve_number(arena, text, ret_doc))
		return YAML_NUMBER;
	if (arena)
		*ret_doc = doc_new_str(arena, text);
	return kind;
}
