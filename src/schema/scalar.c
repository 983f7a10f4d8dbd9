/* Checking and normalising of single values; the fast path is always "already canonical". */
#include "schema/scalar.h"

#include <stdio.h>

#include "base/timestamp.h"
#include "schema/quantity_text.h"

struct str scalar_go_value(struct arena *arena, const struct doc *d, bool wants_number)
{
	switch (d ? d->type : DOC_NULL) {
	case DOC_NULL:
		return STR("null");
	case DOC_FALSE:
	case DOC_TRUE:
		return STR("bool");
	case DOC_NUMBER:
		return wants_number ? str_format(arena, "number %.*s", (int)d->len, d->text)
				    : STR("number");
	case DOC_STRING:
		return STR("string");
	case DOC_ARRAY:
		return STR("array");
	default:
		return STR("object");
	}
}

/* ---- durations: Go's "1h2m3.5s" */

struct unit {
	const char *text;
	i64 ns;
};

static const struct unit units[] = {
	{ "ns", 1 },	     { "us", 1000 },	{ "µs", 1000 },		{ "μs", 1000 },
	{ "ms", NS_PER_MS }, { "s", NS_PER_S }, { "m", 60 * NS_PER_S }, { "h", 3600 * NS_PER_S },
};

static const struct unit *unit_of(struct str text)
{
	for (u32 i = 0; i < ARRAY_LEN(units); i++)
		if (str_is(text, units[i].text))
			return &units[i];
	return NULL;
}

/* One "1.5h" of a duration; moves *text behind it. */
static bool parse_part(struct str *text, double *ret_ns)
{
	double value = 0, place = 1;
	size_t i = 0, digits = 0;

	for (; i < text->len && text->at[i] >= '0' && text->at[i] <= '9'; i++, digits++)
		value = value * 10 + (text->at[i] - '0');
	if (i < text->len && text->at[i] == '.')
		for (i++; i < text->len && text->at[i] >= '0' && text->at[i] <= '9'; i++, digits++)
			value += (text->at[i] - '0') * (place /= 10);
	size_t start = i;

	while (i < text->len && text->at[i] != '.' && (text->at[i] < '0' || text->at[i] > '9'))
		i++;
	const struct unit *unit = unit_of(str_part(*text, start, i - start));

	if (!unit || !digits)
		return false;
	*ret_ns = value * (double)unit->ns;
	*text = str_from(*text, i);
	return true;
}

bool duration_parse(struct str text, i64 *ret_ns)
{
	double total = 0, part;
	bool negative = text.len && text.at[0] == '-';

	if (text.len && (text.at[0] == '-' || text.at[0] == '+'))
		text = str_from(text, 1);
	if (str_is(text, "0")) {
		*ret_ns = 0;
		return true;
	}
	if (text.len == 0)
		return false;
	while (text.len) {
		if (!parse_part(&text, &part))
			return false;
		total += part;
	}
	if (total > 9.2e18)
		return false;
	*ret_ns = (i64)(negative ? -total : total);
	return true;
}

/* `value`/`whole` without trailing zeros: 1500000000 ns as "1.5" of a second. */
static struct str print_fraction(struct arena *arena, i64 value, i64 whole)
{
	char text[40];
	int len = snprintf(text, sizeof text, "%lld", (long long)(value / whole));

	if (value % whole) {
		text[len++] = '.';
		for (i64 rest = value % whole; rest; rest = rest % whole) {
			whole /= 10;
			text[len++] = (char)('0' + rest / whole);
		}
	}
	return str_copy(arena, (struct str){ text, (size_t)len });
}

struct str duration_print(struct arena *arena, i64 ns)
{
	const char *sign = ns < 0 ? "-" : "";
	struct str part;

	ns = ns < 0 ? -ns : ns;
	if (ns == 0)
		return STR("0s");
	if (ns < NS_PER_S) {
		i64 whole = ns < 1000 ? 1 : ns < NS_PER_MS ? 1000 : NS_PER_MS;
		const char *unit = ns < 1000 ? "ns" : ns < NS_PER_MS ? "µs" : "ms";

		part = print_fraction(arena, ns, whole);
		return str_format(arena, "%s" STR_FMT "%s", sign, STR_ARG(part), unit);
	}
	i64 hours = ns / (3600 * NS_PER_S), minutes = ns / (60 * NS_PER_S) % 60;

	part = print_fraction(arena, ns % (60 * NS_PER_S), NS_PER_S);
	if (hours)
		return str_format(arena, "%s%lldh%lldm" STR_FMT "s", sign, (long long)hours,
				  (long long)minutes, STR_ARG(part));
	if (minutes)
		return str_format(arena, "%s%lldm" STR_FMT "s", sign, (long long)minutes,
				  STR_ARG(part));
	return str_format(arena, "%s" STR_FMT "s", sign, STR_ARG(part));
}

/* ---- by type */

static void set_text(struct doc *ret, struct str text)
{
	*ret = (struct doc){ .type = DOC_STRING, .len = (u32)text.len, .text = text.at };
}

static enum status decode_quantity(struct arena *arena, const struct doc *in, struct doc *ret,
				   struct error *error)
{
	char canonical[64];
	struct quantity q;
	bool text = in->type == DOC_STRING || in->type == DOC_NUMBER;
	struct str s = text ? str_trim((struct str){ in->text, in->len }) : STR("x");

	switch (quantity_read(s, &q)) {
	case QUANTITY_FINE:
		break;
	case QUANTITY_NO_NUMBER:
		return fail(error, ST_BAD_REQUEST, "unable to parse numeric part of quantity");
	case QUANTITY_NO_SUFFIX:
		return fail(error, ST_BAD_REQUEST, "unable to parse quantity's suffix");
	default:
		return fail(error, ST_BAD_REQUEST,
			    "quantities must match the regular expression "
			    "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
	}
	u32 len = quantity_put(canonical, q);

	if (in->type == DOC_STRING && len == in->len && !memcmp(canonical, in->text, len))
		*ret = *in;
	else
		set_text(ret, str_copy(arena, (struct str){ canonical, len }));
	return ST_OK;
}

static enum status decode_time(struct arena *arena, enum api_type type, const struct doc *in,
			       struct doc *ret, struct error *error)
{
	struct str text = { in->text, in->len };
	i64 ns;

	if (in->type != DOC_STRING) {
		text = scalar_go_value(arena, in, false);
		return fail(error, ST_BAD_REQUEST,
			    "json: cannot unmarshal " STR_FMT " into Go value of type string",
			    STR_ARG(text));
	}
	if (!timestamp_parse(text, &ns))
		return fail(error, ST_BAD_REQUEST,
			    "parsing time \"" STR_FMT "\" as \"2006-01-02T15:04:05%sZ07:00\": "
			    "cannot parse \"" STR_FMT "\" as \"2006\"",
			    STR_ARG(text), type == API_TIME ? "" : ".000000", STR_ARG(text));
	*ret = *in;
	if (text.at[text.len - 1] != 'Z' || text.len != (type == API_TIME ? 20 : 27))
		set_text(ret, type == API_TIME ? timestamp_print(arena, ns)
					       : timestamp_print_micro(arena, ns));
	return ST_OK;
}

static bool is_int(const struct doc *in, bool narrow)
{
	i64 value;

	return in->type == DOC_NUMBER && !(in->flags & DOC_FLOAT) &&
	       str_to_i64((struct str){ in->text, in->len }, &value) &&
	       (!narrow || (value >= INT32_MIN && value <= INT32_MAX));
}

static enum status decode_int_or_string(struct arena *arena, const struct doc *in, struct doc *ret,
					struct error *error)
{
	*ret = *in;
	if (in->type == DOC_STRING || is_int(in, true))
		return ST_OK;
	struct str value = scalar_go_value(arena, in, true);

	return fail(error, ST_BAD_REQUEST,
		    "json: cannot unmarshal " STR_FMT " into Go value of type int32",
		    STR_ARG(value));
}

static enum status decode_bytes(const struct doc *in, struct doc *ret, struct error *error)
{
	size_t len, at;

	*ret = *in;
	if (base64_check((struct str){ in->text, in->len }, &len, &at))
		return ST_OK;
	return fail(error, ST_BAD_REQUEST, "illegal base64 data at input byte %zu", at);
}

static enum status decode_duration(struct arena *arena, const struct doc *in, struct doc *ret,
				   struct error *error)
{
	struct str text = { in->text, in->len };
	i64 ns;

	if (!duration_parse(text, &ns))
		return fail(error, ST_BAD_REQUEST, "time: invalid duration \"" STR_FMT "\"",
			    STR_ARG(text));
	set_text(ret, duration_print(arena, ns));
	if (str_eq((struct str){ ret->text, ret->len }, text))
		*ret = *in;
	return ST_OK;
}

enum status scalar_decode(struct arena *arena, enum api_type type, const struct doc *in,
			  struct doc *ret, bool *ret_wrong_type, struct error *error)
{
	bool right;

	switch (type) {
	case API_QUANTITY:
		return decode_quantity(arena, in, ret, error);
	case API_INT_OR_STRING:
		return decode_int_or_string(arena, in, ret, error);
	case API_TIME:
	case API_MICRO_TIME:
		return decode_time(arena, type, in, ret, error);
	case API_BYTES:
		if (in->type == DOC_STRING)
			return decode_bytes(in, ret, error);
		right = false;
		break;
	case API_DURATION:
		if (in->type == DOC_STRING)
			return decode_duration(arena, in, ret, error);
		right = false;
		break;
	case API_STRING:
		right = in->type == DOC_STRING;
		break;
	case API_BOOL:
		right = doc_is_bool(in);
		break;
	case API_INT32:
	case API_INT64:
		right = is_int(in, type == API_INT32);
		break;
	case API_DOUBLE:
		right = in->type == DOC_NUMBER;
		break;
	case API_RAW:
	case API_FIELDS_V1:
		right = in->type == DOC_OBJECT;
		break;
	default:
		right = true;
	}
	*ret = *in;
	*ret_wrong_type = !right;
	return ST_OK;
}
