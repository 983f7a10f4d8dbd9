/* Exact arithmetic in nanos on 128 bits: the largest quantity, 2^63 units, fits with room to spare.
 */
#include "schema/quantity.h"

#include "schema/quantity_text.h"

#define NANOS_PER_UNIT ((__int128)1000000000)
#define NANOS_MAX (NANOS_PER_UNIT * INT64_MAX)

enum { DIGITS_MAX = 37 }; /* that many always fit into 127 bits */

/* ---- parsing */

struct suffix {
	const char *text;
	i8 power; /* of ten, or of 1024 */
	bool binary;
};

static const struct suffix suffixes[] = {
	{ "", 0, false },   { "m", -3, false }, { "Mi", 2, true },  { "Gi", 3, true },
	{ "k", 3, false },  { "M", 6, false },	{ "G", 9, false },  { "Ki", 1, true },
	{ "u", -6, false }, { "n", -9, false }, { "T", 12, false }, { "P", 15, false },
	{ "E", 18, false }, { "Ti", 4, true },	{ "Pi", 5, true },  { "Ei", 6, true },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits with at most one dot: value × 10^-decimals; what does not fit only says it was there. */
struct mantissa {
	__int128 value;
	i32 decimals;
	bool more;  /* there were digits past the last one kept */
	bool valid; /* at least one digit, at most one dot */
};

static struct mantissa parse_mantissa(const char *p, const char *end)
{
	struct mantissa m = { 0 };
	bool dot = false;
	u32 digits = 0;

	for (; p < end; p++) {
		if (*p == '.') {
			if (dot)
				return (struct mantissa){ 0 };
			dot = true;
			continue;
		}
		m.valid = true;
		if (digits < DIGITS_MAX) {
			m.value = m.value * 10 + (*p - '0');
			digits += m.value != 0;
			m.decimals += dot;
		} else {
			m.more |= *p != '0';
			m.decimals -= !dot;
		}
	}
	return m;
}

static bool parse_suffix(struct str text, i32 *ret_power, bool *ret_binary,
			 enum quantity_format *ret_format)
{
	i64 exponent;

	for (u32 i = 0; i < ARRAY_LEN(suffixes); i++) {
		if (!str_is(text, suffixes[i].text))
			continue;
		*ret_power = suffixes[i].power;
		*ret_binary = suffixes[i].binary;
		*ret_format = suffixes[i].binary ? QUANTITY_BINARY : QUANTITY_DECIMAL;
		return true;
	}
	if ((text.at[0] != 'e' && text.at[0] != 'E') || !str_to_i64(str_from(text, 1), &exponent))
		return false;
	*ret_power = (i32)clamp_i64(exponent, -1000, 1000);
	*ret_binary = false;
	*ret_format = QUANTITY_EXPONENT;
	return true;
}

/* value × 10^power, capped; what falls off below rounds up. */
static __int128 scale(__int128 value, i32 power, bool more)
{
	for (; power > 0 && value != 0; power--)
		if (__builtin_mul_overflow(value, (__int128)10, &value))
			return NANOS_MAX;
	for (; power < 0 && (value != 0 || more); power++) {
		more |= value % 10 != 0;
		value /= 10;
		if (value == 0)
			break;
	}
	return MIN(value + more, NANOS_MAX);
}

enum quantity_fault quantity_read(struct str text, struct quantity *ret_quantity)
{
	const char *p = text.at, *end = p + text.len, *number;
	bool negative = false, binary;
	i32 power;
	struct quantity q;

	if (text.len == 0)
		return QUANTITY_NO_FORMAT;
	if (*p == '+' || *p == '-')
		negative = *p++ == '-';
	for (number = p; p < end && (is_digit(*p) || *p == '.'); p++)
		;
	struct str suffix = { p, (size_t)(end - p) };
	struct mantissa m = parse_mantissa(number, p);

	while (p < end && memchr("eEinumkKMGTP", *p, 12))
		p++;
	if (p < end && (*p == '+' || *p == '-'))
		p++;
	while (p < end && is_digit(*p))
		p++;
	if (p != end || number == suffix.at)
		return QUANTITY_NO_FORMAT;
	if (!m.valid)
		return QUANTITY_NO_NUMBER;
	if (!parse_suffix(suffix, &power, &binary, &q.format))
		return QUANTITY_NO_SUFFIX;
	for (; binary && power > 0; power--)
		if (__builtin_mul_overflow(m.value, (__int128)1024, &m.value))
			m.value = NANOS_MAX;
	q.nanos = scale(m.value, 9 - m.decimals + power, m.more);
	if (negative)
		q.nanos = -q.nanos;
	*ret_quantity = q;
	return QUANTITY_FINE;
}

bool quantity_parse(struct str text, struct quantity *ret_quantity)
{
	return quantity_read(text, ret_quantity) == QUANTITY_FINE;
}

struct quantity quantity_of(const struct doc *d)
{
	struct quantity q = { 0 };

	if (!doc_is(d, DOC_STRING) && !doc_is(d, DOC_NUMBER))
		return q;
	if (!quantity_parse((struct str){ d->text, d->len }, &q))
		return (struct quantity){ 0 };
	return q;
}

/* ---- printing */

enum { QUANTITY_BYTES_MAX = 64 };

static u32 put_number(char *out, __int128 value)
{
	char digits[48];
	u32 len = 0, at = 0;
	bool negative = value < 0;

	if (negative)
		value = -value;
	do {
		digits[len++] = (char)('0' + (int)(value % 10));
		value /= 10;
	} while (value);
	if (negative)
		out[at++] = '-';
	while (len)
		out[at++] = digits[--len];
	return at;
}

u32 quantity_put(char *out, struct quantity q)
{
	static const char *const decimal[] = { "n", "u", "m", "", "k", "M", "G", "T", "P", "E" };
	static const char *const binary[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" };
	__int128 value = q.nanos;
	u32 len, power = 0;

	if (value == 0) {
		out[0] = '0';
		return 1;
	}
	/* Small binary ones are printed as decimals, so that halves are not lost. */
	if (q.format == QUANTITY_BINARY &&
	    (value >= 1024 * NANOS_PER_UNIT || value <= -1024 * NANOS_PER_UNIT)) {
		__int128 rest = value % NANOS_PER_UNIT;

		value = value / NANOS_PER_UNIT + (rest > 0) - (rest < 0);
		for (; value % 1024 == 0 && power < ARRAY_LEN(binary) - 1; power++)
			value /= 1024;
		len = put_number(out, value);
		memcpy(out + len, binary[power], strlen(binary[power]));
		return len + (u32)strlen(binary[power]);
	}
	for (; value % 1000 == 0 && power < ARRAY_LEN(decimal) - 1; power++)
		value /= 1000;
	len = put_number(out, value);
	if (q.format != QUANTITY_EXPONENT) {
		memcpy(out + len, decimal[power], strlen(decimal[power]));
		return len + (u32)strlen(decimal[power]);
	}
	if (power != 3) {
		out[len++] = 'e';
		len += put_number(out + len, 3 * (__int128)power - 9);
	}
	return len;
}

struct str quantity_print(struct arena *arena, struct quantity quantity)
{
	char text[QUANTITY_BYTES_MAX];
	u32 len = quantity_put(text, quantity);

	return str_copy(arena, (struct str){ text, len });
}

/* ---- arithmetic */

static __int128 cap(__int128 nanos)
{
	return nanos > NANOS_MAX ? NANOS_MAX : nanos < -NANOS_MAX ? -NANOS_MAX : nanos;
}

int quantity_compare(struct quantity a, struct quantity b)
{
	return a.nanos < b.nanos ? -1 : a.nanos > b.nanos;
}

struct quantity quantity_add(struct quantity a, struct quantity b)
{
	return (struct quantity){ cap(a.nanos + b.nanos), a.nanos ? a.format : b.format };
}

struct quantity quantity_subtract(struct quantity a, struct quantity b)
{
	return (struct quantity){ cap(a.nanos - b.nanos), a.nanos ? a.format : b.format };
}

static i64 divide_up(__int128 value, __int128 by)
{
	__int128 quotient = value / by, rest = value % by;

	quotient += (rest > 0) - (rest < 0); /* away from zero */
	return quotient > INT64_MAX ? INT64_MAX : quotient < INT64_MIN ? INT64_MIN : (i64)quotient;
}

i64 quantity_value(struct quantity quantity)
{
	return divide_up(quantity.nanos, NANOS_PER_UNIT);
}

i64 quantity_milli(struct quantity quantity)
{
	return divide_up(quantity.nanos, 1000000);
}

struct quantity quantity_from_int(i64 units, enum quantity_format format)
{
	return (struct quantity){ cap(units * NANOS_PER_UNIT), format };
}

struct quantity quantity_from_milli(i64 milli, enum quantity_format format)
{
	return (struct quantity){ (__int128)milli * 1000000, format };
}
