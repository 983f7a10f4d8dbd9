/* RFC 3339 by hand: the C library's calendar depends on the locale and the zone of the machine. */
#include "base/timestamp.h"

#include <stdio.h>

/* Days since 1970-01-01 of a proleptic Gregorian date, and back (Howard Hinnant's algorithms). */
static i64 days_from_date(i64 year, i64 month, i64 day)
{
	year -= month <= 2;
	i64 era = (year >= 0 ? year : year - 399) / 400;
	i64 of_era = year - era * 400;
	i64 of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_from_days(i64 days, i64 *year, i64 *month, i64 *day)
{
	days += 719468;
	i64 era = (days >= 0 ? days : days - 146096) / 146097;
	i64 of_era = days - era * 146097;
	i64 y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	i64 of_year = of_era - (365 * y + y / 4 - y / 100);
	i64 m = (5 * of_year + 2) / 153;
	*day = of_year - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = y + era * 400 + (*month <= 2);
}

/* Exactly `count` digits at the front of *s, which moves on; -1 otherwise. */
static i64 digits(struct str *s, u32 count)
{
	i64 value = 0;
	if (s->len < count)
		return -1;
	for (u32 i = 0; i < count; i++) {
		char c = s->at[i];
		if (c < '0' || c > '9')
			return -1;
		value = value * 10 + (c - '0');
	}
	*s = str_from(*s, count);
	return value;
}

static bool eat(struct str *s, const char *any_of)
{
	if (!s->len || !strchr(any_of, s->at[0]))
		return false;
	*s = str_from(*s, 1);
	return true;
}

static bool parse_fraction(struct str *s, i64 *ns)
{
	i64 unit = NS_PER_S / 10;
	if (!eat(s, "."))
		return true;
	if (!s->len || s->at[0] < '0' || s->at[0] > '9')
		return false;
	while (s->len && s->at[0] >= '0' && s->at[0] <= '9') {
		*ns += (s->at[0] - '0') * unit; /* past nine digits the unit is 0 */
		unit /= 10;
		*s = str_from(*s, 1);
	}
	return true;
}

static bool parse_zone(struct str *s, i64 *offset_s)
{
	*offset_s = 0;
	if (eat(s, "Zz"))
		return true;
	if (!s->len)
		return false;
	char sign = s->at[0];
	if (!eat(s, "+-"))
		return false;
	i64 hours = digits(s, 2);
	if (hours < 0 || hours > 23 || !eat(s, ":"))
		return false;
	i64 minutes = digits(s, 2);
	if (minutes < 0 || minutes > 59)
		return false;
	*offset_s = (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
	return true;
}

bool timestamp_parse(struct str text, i64 *ret_ns)
{
	struct str s = text;
	i64 year = digits(&s, 4);
	if (year < 0 || !eat(&s, "-"))
		return false;
	i64 month = digits(&s, 2);
	if (month < 1 || month > 12 || !eat(&s, "-"))
		return false;
	i64 day = digits(&s, 2);
	if (day < 1 || day > 31 || !eat(&s, "Tt"))
		return false;
	i64 hour = digits(&s, 2);
	if (hour < 0 || hour > 23 || !eat(&s, ":"))
		return false;
	i64 minute = digits(&s, 2);
	if (minute < 0 || minute > 59 || !eat(&s, ":"))
		return false;
	i64 second = digits(&s, 2), ns = 0, offset_s;
	if (second < 0 || second > 60 || !parse_fraction(&s, &ns) || !parse_zone(&s, &offset_s))
		return false;
	if (s.len || year < 1678 || year > 2261) /* outside, nanoseconds do not fit */
		return false;
	i64 whole = days_from_date(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
	*ret_ns = (whole - offset_s) * NS_PER_S + ns;
	return true;
}

i64 timestamp_or(struct str text, i64 otherwise)
{
	i64 ns;
	return timestamp_parse(text, &ns) ? ns : otherwise;
}

static struct str print(struct arena *arena, i64 wall_ns, bool micro)
{
	i64 second = wall_ns / NS_PER_S, ns = wall_ns % NS_PER_S;
	if (ns < 0) {
		second--;
		ns += NS_PER_S;
	}
	i64 days = second / 86400, rest = second % 86400, year, month, day;
	if (rest < 0) {
		days--;
		rest += 86400;
	}
	date_from_days(days, &year, &month, &day);
	char fraction[16] = "";
	if (micro)
		snprintf(fraction, sizeof fraction, ".%06d", (int)(ns / 1000));
	return str_format(arena, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", (int)year, (int)month,
			  (int)day, (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60),
			  fraction);
}

struct str timestamp_print(struct arena *arena, i64 wall_ns)
{
	return print(arena, wall_ns, false);
}

struct str timestamp_print_micro(struct arena *arena, i64 wall_ns)
{
	return print(arena, wall_ns, true);
}
