/* Times read and written: calendar, fractions, offsets, and what is refused. */
#include "base/timestamp.h"
#include "../unit.h"

static void reads_what_it_writes(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	static const i64 seconds[] = { 0, 951782400, 1767366245, 4102444799, -1 };
	for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
		i64 ns = 1;
		assert_true(timestamp_parse(timestamp_print(arena, seconds[i] * NS_PER_S), &ns));
		assert_int_equal(ns, seconds[i] * NS_PER_S);
	}
	assert_str(timestamp_print(arena, 951782400 * NS_PER_S), "2000-02-29T00:00:00Z");
	assert_str(timestamp_print_micro(arena, 1500), "1970-01-01T00:00:00.000001Z");
	arena_free(arena);
}

static void understands_offsets_and_fractions(void **state)
{
	(void)state;
	assert_int_equal(timestamp_or(STR("1970-01-01T01:00:00.5+01:00"), -1), NS_PER_S / 2);
	assert_int_equal(timestamp_or(STR("1969-12-31T23:30:00-00:30"), -1), 0);
	assert_int_equal(timestamp_or(STR("1970-01-01T00:00:00.123456789Z"), -1), 123456789);
}

static void refuses_what_is_no_time(void **state)
{
	(void)state;
	static const char *const bad[] = { "",
					   "2026",
					   "2026-13-01T00:00:00Z",
					   "2026-01-01 00:00:00Z",
					   "2026-01-01T00:00:00",
					   "2026-01-01T00:00:00Zx",
					   "2026-01-01T00:00:00.Z",
					   "2026-01-01T24:00:00Z" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(timestamp_or(str_of(bad[i]), -7), -7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(understands_offsets_and_fractions),
		cmocka_unit_test(refuses_what_is_no_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
