/* Schedules and the clocks they go by: the tables are written here as the tz compiler writes them.
 */
#include "../unit.h"
#include "base/timestamp.h"
#include "schema/cron.h"

/* Central European time by its rule alone. */
static const struct time_zone *europe(struct arena *arena)
{
	static const char head[] = "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
				   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4";
	static const char type[] = "\0\0\x0e\x10\0\0CET";
	static const char rule[] = "\nCET-1CEST,M3.5.0,M10.5.0/3\n";
	char bytes[200];
	size_t len = 0;
	for (int i = 0; i < 2; i++) {
		memcpy(bytes + len, head, 44);
		memcpy(bytes + len + 44, type, 10);
		len += 54;
	}
	memcpy(bytes + len, rule, sizeof rule - 1);
	const struct time_zone *zone =
		time_zone_parse(arena, (struct str){ bytes, len + sizeof rule - 1 });
	assert_non_null(zone);
	return zone;
}

static i64 seconds(const char *when)
{
	i64 ns = timestamp_or(str_of(when), -1);
	assert_int_not_equal(ns, -1);
	return ns / NS_PER_S;
}

static void next_is(struct arena *arena, const struct time_zone *zone, const char *schedule,
		    const char *after, const char *expected)
{
	struct error error = ERROR_INIT;
	struct cron cron;
	if (cron_parse(arena, str_of(schedule), &cron, &error) != ST_OK)
		fail_msg("%s: %s", schedule, error.message);
	i64 next = cron_next(&cron, zone, seconds(after));
	struct str text =
		next == INT64_MAX ? STR("never") : timestamp_print(arena, next * NS_PER_S);
	if (!str_is(text, expected))
		fail_msg("%s after %s: %s, not %s", schedule, after, text.at, expected);
}

static void finds_the_next_run(void **state)
{
	(void)state;
	static const char *const cases[][3] = {
		{ "* * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z" },
		{ "* * * * *", "2026-01-01T00:00:59Z", "2026-01-01T00:01:00Z" },
		{ "*/15 * * * *", "2026-01-01T00:50:00Z", "2026-01-01T01:00:00Z" },
		{ "5/20 * * * *", "2026-01-01T00:26:00Z", "2026-01-01T00:45:00Z" },
		{ "0,30 8-10 * * *", "2026-01-01T10:30:00Z", "2026-01-02T08:00:00Z" },
		{ "0 9 * * mon-fri", "2026-01-02T09:00:00Z", "2026-01-05T09:00:00Z" },
		{ "0 0 31 * *", "2026-01-31T00:00:00Z", "2026-03-31T00:00:00Z" },
		{ "0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z" },
		{ "0 0 13 * 5", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z" },
		{ "0 0 1 JAN,jul ?", "2026-01-01T00:00:00Z", "2026-07-01T00:00:00Z" },
		{ "@hourly", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z" },
		{ "@weekly", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z" },
		{ "@yearly", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z" },
		{ "@every 1h30m", "2026-01-01T00:10:00Z", "2026-01-01T01:40:00Z" },
		{ "0 0 30 2 *", "2026-01-01T00:00:00Z", "never" },
	};
	struct arena *arena = arena_new(0);
	for (u32 i = 0; i < ARRAY_LEN(cases); i++)
		next_is(arena, NULL, cases[i][0], cases[i][1], cases[i][2]);
	arena_free(arena);
}

static void goes_by_the_clocks_of_a_zone(void **state)
{
	(void)state;
	static const char *const cases[][3] = {
		{ "0 9 * * *", "2026-01-01T00:00:00Z", "2026-01-01T08:00:00Z" },
		{ "0 9 * * *", "2026-07-01T00:00:00Z", "2026-07-01T07:00:00Z" },
		/* The night of 29 March has no 02:30. */
		{ "30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z" },
		{ "0 0 * * *", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z" },
		/* The night of 25 October has it twice. */
		{ "30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z" },
		{ "30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z" },
		{ "0 0 1 * *", "2026-10-15T00:00:00Z", "2026-10-31T23:00:00Z" },
	};
	struct arena *arena = arena_new(0);
	const struct time_zone *zone = europe(arena);
	assert_int_equal(time_zone_offset(zone, seconds("2026-03-29T00:59:59Z")), 3600);
	assert_int_equal(time_zone_offset(zone, seconds("2026-03-29T01:00:00Z")), 7200);
	assert_int_equal(time_zone_offset(zone, seconds("2026-10-25T01:00:00Z")), 3600);
	for (u32 i = 0; i < ARRAY_LEN(cases); i++)
		next_is(arena, zone, cases[i][0], cases[i][1], cases[i][2]);
	arena_free(arena);
}

static void finds_the_newest_of_many_missed_runs(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	struct error error = ERROR_INIT;
	struct cron cron;
	assert_int_equal(cron_parse(arena, STR("0 * * * *"), &cron, &error), ST_OK);
	i64 now = seconds("2026-06-01T10:59:59Z");
	assert_int_equal(cron_newest(&cron, NULL, seconds("2020-01-01T00:00:00Z"), now),
			 seconds("2026-06-01T10:00:00Z"));
	assert_int_equal(cron_newest(&cron, NULL, seconds("2026-06-01T10:00:00Z"), now), INT64_MIN);
	assert_int_equal(cron_newest(&cron, NULL, seconds("2026-06-01T09:59:59Z"), now),
			 seconds("2026-06-01T10:00:00Z"));
	arena_free(arena);
}

static void refuses_what_is_no_schedule(void **state)
{
	(void)state;
	static const char *const bad[][2] = {
		{ "* * * *", "expected exactly 5 fields, found 4: [* * * *]" },
		{ "60 * * * *", "end of range (60) above maximum (59): 60" },
		{ "* * 0 * *", "beginning of range (0) below minimum (1): 0" },
		{ "* * * * 7", "end of range (7) above maximum (6): 7" },
		{ "5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1" },
		{ "*/0 * * * *", "step of range should be a positive number: */0" },
		{ "@often", "unrecognized descriptor: @often" },
		{ "", "empty spec string" },
	};
	struct arena *arena = arena_new(0);
	for (u32 i = 0; i < ARRAY_LEN(bad); i++) {
		struct error error = ERROR_INIT;
		struct cron cron;
		assert_int_equal(cron_parse(arena, str_of(bad[i][0]), &cron, &error), ST_INVALID);
		assert_string_equal(error.message, bad[i][1]);
	}
	assert_null(time_zone_parse(arena, STR("TZif2")));
	assert_false(time_zone_name_valid(STR("../etc/passwd")));
	assert_true(time_zone_name_valid(STR("America/Argentina/Buenos_Aires")));
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_next_run),
		cmocka_unit_test(goes_by_the_clocks_of_a_zone),
		cmocka_unit_test(finds_the_newest_of_many_missed_runs),
		cmocka_unit_test(refuses_what_is_no_schedule),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
