/* Crontab schedules: fields become sets of bits, and time is walked by month, day, hour, minute. */
#include "schema/cron.h"

enum { DAY_S = 86400, HOUR_S = 3600, MINUTE_S = 60, YEARS_MAX = 5 };

struct field {
	u32 low, high;
	const char *const *names; /* from `low` on, or NULL */
};

static const char *const months[] = { "jan", "feb", "mar", "apr", "may", "jun", "jul",
				      "aug", "sep", "oct", "nov", "dec", NULL };
static const char *const weekdays[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL };

static const struct field fields[5] = {
	{ 0, 59, NULL }, { 0, 23, NULL }, { 1, 31, NULL }, { 1, 12, months }, { 0, 6, weekdays },
};

static enum status parse_value(struct arena *arena, struct str text, const struct field *field,
			       i64 *ret, struct error *error)
{
	struct str lower = str_lower(arena, text);
	for (u32 i = 0; field->names && field->names[i]; i++) {
		if (!str_is(lower, field->names[i]))
			continue;
		*ret = field->low + i;
		return ST_OK;
	}
	if (!str_to_i64(text, ret))
		return fail(error, ST_INVALID,
			    "failed to parse int from " STR_FMT ": strconv.Atoi: parsing \"" STR_FMT
			    "\": invalid syntax",
			    STR_ARG(text), STR_ARG(text));
	if (*ret < 0)
		return fail(error, ST_INVALID, "negative number (%lld) not allowed: " STR_FMT,
			    (long long)*ret, STR_ARG(text));
	return ST_OK;
}

/* "*", "5", "1-5", "mon-fri", each perhaps with a step behind a slash. */
static enum status parse_range(struct arena *arena, struct str text, const struct field *field,
			       u64 *bits, bool *any, struct error *error)
{
	struct str step_text = text, range = str_cut(&step_text, '/');
	struct str high_text = range, low_text = str_cut(&high_text, '-');
	bool single = !high_text.at, star = str_is(low_text, "*") || str_is(low_text, "?");
	i64 low = field->low, high = field->high, step = 1;
	enum status status = ST_OK;
	if (!star) {
		status = parse_value(arena, low_text, field, &low, error);
		high = low;
		if (status == ST_OK && !single)
			status = parse_value(arena, high_text, field, &high, error);
	}
	if (status == ST_OK && step_text.at) {
		status = parse_value(arena, step_text, &(struct field){ 0 }, &step, error);
		if (single && !star)
			high = field->high; /* "5/15": from 5 on */
	}
	if (status != ST_OK)
		return status;
	if (low < field->low)
		return fail(error, ST_INVALID,
			    "beginning of range (%lld) below minimum (%u): " STR_FMT,
			    (long long)low, field->low, STR_ARG(text));
	if (high > field->high)
		return fail(error, ST_INVALID, "end of range (%lld) above maximum (%u): " STR_FMT,
			    (long long)high, field->high, STR_ARG(text));
	if (low > high)
		return fail(error, ST_INVALID,
			    "beginning of range (%lld) beyond end of range (%lld): " STR_FMT,
			    (long long)low, (long long)high, STR_ARG(text));
	if (!step)
		return fail(error, ST_INVALID,
			    "step of range should be a positive number: " STR_FMT, STR_ARG(text));
	for (i64 i = low; i <= high; i += step)
		*bits |= 1ull << i;
	*any = *any || (star && step == 1);
	return ST_OK;
}

static enum status parse_field(struct arena *arena, struct str text, const struct field *field,
			       u64 *bits, bool *any, struct error *error)
{
	while (text.at) {
		struct str range = str_cut(&text, ',');
		enum status status = parse_range(arena, range, field, bits, any, error);
		if (status != ST_OK)
			return status;
	}
	return ST_OK;
}

/* ---- @hourly and @every */

static bool parse_duration(struct str text, i64 *ret_s)
{
	static const struct {
		char unit;
		i64 seconds;
	} units[] = { { 'h', HOUR_S }, { 'm', MINUTE_S }, { 's', 1 } };
	i64 total = 0;
	while (text.len) {
		size_t len = 0;
		i64 value, seconds = 0;
		while (len < text.len && text.at[len] >= '0' && text.at[len] <= '9')
			len++;
		if (len == text.len || len > 9 || !str_to_i64(str_part(text, 0, len), &value))
			return false;
		for (u32 i = 0; i < ARRAY_LEN(units); i++)
			if (text.at[len] == units[i].unit)
				seconds = units[i].seconds;
		if (!seconds)
			return false;
		total += value * seconds;
		text = str_from(text, len + 1);
	}
	*ret_s = MAX(total, 1);
	return total > 0;
}

static enum status parse_word(struct arena *arena, struct str text, struct cron *ret,
			      struct error *error)
{
	static const char *const words[][2] = {
		{ "@yearly", "0 0 1 1 *" },  { "@annually", "0 0 1 1 *" },
		{ "@monthly", "0 0 1 * *" }, { "@weekly", "0 0 * * 0" },
		{ "@daily", "0 0 * * *" },   { "@midnight", "0 0 * * *" },
		{ "@hourly", "0 * * * *" },
	};
	for (u32 i = 0; i < ARRAY_LEN(words); i++)
		if (str_is(text, words[i][0]))
			return cron_parse(arena, str_of(words[i][1]), ret, error);
	if (!str_starts(text, STR("@every ")))
		return fail(error, ST_INVALID, "unrecognized descriptor: " STR_FMT, STR_ARG(text));
	*ret = (struct cron){ 0 };
	if (parse_duration(str_from(text, 7), &ret->every_s))
		return ST_OK;
	return fail(error, ST_INVALID,
		    "failed to parse duration " STR_FMT ": time: invalid duration \"" STR_FMT "\"",
		    STR_ARG(text), STR_ARG(str_from(text, 7)));
}

enum status cron_parse(struct arena *arena, struct str text, struct cron *ret_cron,
		       struct error *error)
{
	struct str words[5], rest = text;
	u32 len = 0;
	u64 bits[5] = { 0 };
	bool any[5] = { 0 };
	if (!str_trim(text).len)
		return fail(error, ST_INVALID, "empty spec string");
	if (text.at[0] == '@')
		return parse_word(arena, text, ret_cron, error);
	while (rest.at) {
		struct str word = str_cut(&rest, ' ');
		if (word.len && len < ARRAY_LEN(words))
			words[len] = word;
		len += word.len != 0;
	}
	if (len != ARRAY_LEN(words))
		return fail(error, ST_INVALID, "expected exactly 5 fields, found %u: [" STR_FMT "]",
			    len, STR_ARG(str_trim(text)));
	for (u32 i = 0; i < ARRAY_LEN(words); i++) {
		enum status status =
			parse_field(arena, words[i], &fields[i], &bits[i], &any[i], error);
		if (status != ST_OK)
			return status;
	}
	*ret_cron = (struct cron){
		.minutes = bits[0],
		.hours = (u32)bits[1],
		.days = (u32)bits[2],
		.months = (u32)bits[3],
		.weekdays = (u32)bits[4],
		.any_day = any[2],
		.any_weekday = any[4],
	};
	return ST_OK;
}

/* ---- walking */

/* Day of month and day of week: both must fit when one of them is *, else either. */
static bool day_fits(const struct cron *cron, const struct calendar *at)
{
	bool day = cron->days >> at->day & 1, weekday = cron->weekdays >> at->weekday & 1;
	return cron->any_day || cron->any_weekday ? day && weekday : day || weekday;
}

/* The next local midnight. Where the clocks change in between, the earlier guess is taken, so that
 * nothing is jumped over. */
static i64 next_day(const struct time_zone *zone, i64 at_s, i64 local_s)
{
	i64 left = DAY_S - (local_s % DAY_S + DAY_S) % DAY_S;
	i64 guess = at_s + left;
	i64 other = guess + time_zone_offset(zone, at_s) - time_zone_offset(zone, guess);
	return other < guess && other > at_s ? other : guess;
}

i64 cron_next(const struct cron *cron, const struct time_zone *zone, i64 after_s)
{
	if (cron->every_s)
		return after_s + cron->every_s;
	i64 at = after_s - (after_s % MINUTE_S + MINUTE_S) % MINUTE_S + MINUTE_S;
	i64 end = at + (i64)YEARS_MAX * 366 * DAY_S;
	while (at < end) {
		i64 local = at + time_zone_offset(zone, at);
		struct calendar c = calendar_of(local);
		if (!(cron->months >> c.month & 1) || !day_fits(cron, &c))
			at = next_day(zone, at, local);
		else if (!(cron->hours >> c.hour & 1))
			at += HOUR_S - (local % HOUR_S + HOUR_S) % HOUR_S;
		else if (!(cron->minutes >> c.minute & 1))
			at += MINUTE_S;
		else
			return at;
	}
	return INT64_MAX;
}

/* Looks back twice as far each time, so that a long silence costs no more than its last part. */
i64 cron_newest(const struct cron *cron, const struct time_zone *zone, i64 after_s, i64 until_s)
{
	i64 newest = INT64_MIN;
	if (cron->every_s) {
		i64 times = (until_s - after_s) / cron->every_s;
		return times > 0 ? after_s + times * cron->every_s : INT64_MIN;
	}
	for (i64 back = MINUTE_S; newest == INT64_MIN; back *= 2) {
		i64 from = MAX(until_s - back, after_s);
		for (i64 at = from; (at = cron_next(cron, zone, at)) <= until_s;)
			newest = at;
		if (from == after_s)
			break;
	}
	return newest;
}
