/* TZif files: a table of changes for the past, and a rule as in POSIX' TZ for what lies beyond. */
#include "base/time_zone.h"

#include "base/timestamp.h"

enum { DAY_S = 86400, HOUR_S = 3600, HEADER_BYTES = 44 };

struct change {	   /* when within a year the clocks change */
	char type; /* 'M' month.week.day, 'J' day without 29 February, '0' plain day */
	i64 month, week, day, time_s;
};

struct rule {
	bool known, summer;
	i64 standard_s, summer_s;
	struct change start, end;
};

struct time_zone {
	u32 len;
	const i64 *at_s;     /* changes, in order */
	const i32 *offset_s; /* the offset from each on */
	i64 first_s;	     /* before all changes */
	struct rule rule;    /* after all changes */
};

/* ---- the calendar */

static i64 days_of_year(i64 year)
{
	i64 y = year - 1;
	return 365 * (year - 1970) + (y / 4 - 1969 / 4) - (y / 100 - 1969 / 100) +
	       (y / 400 - 1969 / 400);
}

static bool is_leap(i64 year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static i64 days_of_month(i64 year, i64 month)
{
	static const u8 days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	return days[month - 1] + (month == 2 && is_leap(year));
}

struct calendar calendar_of(i64 local_s)
{
	i64 days = local_s / DAY_S, second = local_s % DAY_S;
	if (second < 0) {
		second += DAY_S;
		days--;
	}
	i64 year = 1970 + days / 366;
	while (days_of_year(year + 1) <= days)
		year++;
	while (days_of_year(year) > days)
		year--;
	i64 day = days - days_of_year(year), month = 1;
	for (; day >= days_of_month(year, month); month++)
		day -= days_of_month(year, month);
	return (struct calendar){
		.year = year,
		.month = (i32)month,
		.day = (i32)day + 1,
		.hour = (i32)(second / HOUR_S),
		.minute = (i32)(second / 60 % 60),
		.second = (i32)(second % 60),
		.weekday = (i32)(((days + 4) % 7 + 7) % 7),
	};
}

/* ---- the rule: "CET-1CEST,M3.5.0,M10.5.0/3" */

static bool eat(struct str *s, char c)
{
	if (!s->len || s->at[0] != c)
		return false;
	*s = str_from(*s, 1);
	return true;
}

static bool number(struct str *s, i64 *ret)
{
	size_t len = 0;
	while (len < s->len && s->at[len] >= '0' && s->at[len] <= '9')
		len++;
	if (!str_to_i64(str_part(*s, 0, len), ret))
		return false;
	*s = str_from(*s, len);
	return true;
}

static bool zone_name(struct str *s)
{
	size_t len = 0;
	if (eat(s, '<')) {
		while (len < s->len && s->at[len] != '>')
			len++;
		*s = str_from(*s, len);
		return eat(s, '>');
	}
	while (len < s->len && ((s->at[len] | 32) >= 'a' && (s->at[len] | 32) <= 'z'))
		len++;
	*s = str_from(*s, len);
	return len >= 3;
}

/* [+-]hours[:minutes[:seconds]] */
static bool clock_time(struct str *s, i64 *ret_s)
{
	i64 sign = eat(s, '-') ? -1 : 1, part, total = 0;
	if (sign > 0)
		eat(s, '+');
	for (i64 unit = HOUR_S; unit; unit /= 60) {
		if (!number(s, &part))
			return false;
		total += part * unit;
		if (!eat(s, ':'))
			break;
	}
	*ret_s = sign * total;
	return true;
}

static bool change_parse(struct str *s, struct change *c)
{
	*c = (struct change){ .type = '0', .time_s = 2 * HOUR_S };
	if (eat(s, 'M')) {
		c->type = 'M';
		if (!number(s, &c->month) || !eat(s, '.') || !number(s, &c->week) || !eat(s, '.'))
			return false;
	} else if (eat(s, 'J')) {
		c->type = 'J';
	}
	if (!number(s, &c->day))
		return false;
	if (c->type == 'M' && (c->month < 1 || c->month > 12))
		return false;
	return !eat(s, '/') || clock_time(s, &c->time_s);
}

static struct rule rule_parse(struct str s)
{
	struct rule rule = { 0 };
	i64 west;
	if (!zone_name(&s) || !clock_time(&s, &west))
		return rule;
	rule.standard_s = -west; /* POSIX counts westwards */
	rule.known = true;
	if (!s.len || !zone_name(&s))
		return rule;
	rule.summer_s = rule.standard_s + HOUR_S;
	if (s.len && s.at[0] != ',') {
		if (!clock_time(&s, &west))
			return rule;
		rule.summer_s = -west;
	}
	rule.summer = eat(&s, ',') && change_parse(&s, &rule.start) && eat(&s, ',') &&
		      change_parse(&s, &rule.end);
	return rule;
}

/* The change's local time in a year, as if offset were 0. */
static i64 change_in(const struct change *c, i64 year)
{
	i64 day = days_of_year(year);
	if (c->type == 'J') {
		day += c->day - 1 + (is_leap(year) && c->day >= 60);
	} else if (c->type == '0') {
		day += c->day;
	} else {
		for (i64 month = 1; month < c->month; month++)
			day += days_of_month(year, month);
		i64 ahead = c->day - calendar_of(day * DAY_S).weekday, weeks = c->week - 1;
		i64 in_month = (ahead < 0 ? ahead + 7 : ahead) + 7 * weeks;
		while (in_month >= days_of_month(year, c->month)) /* week 5: the last there is */
			in_month -= 7;
		day += in_month;
	}
	return day * DAY_S + c->time_s;
}

static i64 rule_offset(const struct rule *rule, i64 at_s)
{
	if (!rule->summer)
		return rule->standard_s;
	i64 year = calendar_of(at_s + rule->standard_s).year;
	i64 start = change_in(&rule->start, year) - rule->standard_s;
	i64 end = change_in(&rule->end, year) - rule->summer_s;
	bool summer = start < end ? at_s >= start && at_s < end : at_s >= start || at_s < end;
	return summer ? rule->summer_s : rule->standard_s;
}

/* ---- the file */

static i64 big_endian(const char *at, u32 bytes)
{
	u64 value = (i8)at[0] < 0 ? ~0ull : 0;
	for (u32 i = 0; i < bytes; i++)
		value = value << 8 | (u8)at[i];
	return (i64)value;
}

struct header {
	i64 isut, isstd, leaps, changes, types, chars;
};

static bool header_read(struct str bytes, struct header *h)
{
	if (bytes.len < HEADER_BYTES || memcmp(bytes.at, "TZif", 4) != 0)
		return false;
	i64 *const counts[] = { &h->isut, &h->isstd, &h->leaps, &h->changes, &h->types, &h->chars };
	for (u32 i = 0; i < ARRAY_LEN(counts); i++) {
		*counts[i] = big_endian(bytes.at + 20 + 4 * i, 4);
		if (*counts[i] < 0 || *counts[i] > 100000)
			return false;
	}
	return h->types > 0;
}

static size_t body_bytes(const struct header *h, u32 time_bytes)
{
	return (size_t)(h->changes * (time_bytes + 1) + h->types * 6 + h->chars +
			h->leaps * (time_bytes + 4) + h->isstd + h->isut);
}

static struct time_zone *read_body(struct arena *arena, struct str body, const struct header *h,
				   u32 time_bytes)
{
	const char *indexes = body.at + h->changes * time_bytes;
	const char *types = indexes + h->changes;
	struct time_zone *zone = ARENA_NEW(arena, struct time_zone);
	i64 *at = ARENA_ARRAY(arena, i64, h->changes);
	i32 *offsets = ARENA_ARRAY(arena, i32, h->changes);
	for (i64 i = 0; i < h->changes; i++) {
		u8 type = (u8)indexes[i];
		if (type >= h->types)
			return NULL;
		at[i] = big_endian(body.at + i * time_bytes, time_bytes);
		offsets[i] = (i32)big_endian(types + 6 * type, 4);
	}
	zone->len = (u32)h->changes;
	zone->at_s = at;
	zone->offset_s = offsets;
	zone->first_s = big_endian(types, 4);
	return zone;
}

const struct time_zone *time_zone_parse(struct arena *arena, struct str bytes)
{
	struct header h;
	u32 time_bytes = 4;
	if (!header_read(bytes, &h))
		return NULL;
	bool wide = bytes.at[4] >= '2'; /* the same again with 64 bits, and a rule behind */
	if (wide) {
		bytes = str_from(bytes, HEADER_BYTES + body_bytes(&h, 4));
		time_bytes = 8;
		if (!header_read(bytes, &h))
			return NULL;
	}
	struct str body = str_from(bytes, HEADER_BYTES);
	if (body.len < body_bytes(&h, time_bytes))
		return NULL;
	struct time_zone *zone = read_body(arena, body, &h, time_bytes);
	struct str rest = str_from(body, body_bytes(&h, time_bytes));
	if (zone && wide && eat(&rest, '\n'))
		zone->rule = rule_parse(str_cut(&rest, '\n'));
	return zone;
}

i64 time_zone_offset(const struct time_zone *zone, i64 at_s)
{
	if (!zone)
		return 0;
	if (zone->rule.known && (!zone->len || at_s >= zone->at_s[zone->len - 1]))
		return rule_offset(&zone->rule, at_s);
	u32 low = 0, high = zone->len; /* changes at or before at_s */
	while (low < high) {
		u32 middle = low + (high - low) / 2;
		if (zone->at_s[middle] <= at_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? zone->offset_s[low - 1] : zone->first_s;
}

bool time_zone_name_valid(struct str name)
{
	bool piece = false; /* no piece may be empty or begin with a dot or a slash */
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];
		bool letter = ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') ||
			      c == '_' || c == '-' || c == '+';
		if (!letter && (c != '/' || !piece))
			return false;
		piece = c != '/';
	}
	return name.len && piece && name.len < 64;
}
