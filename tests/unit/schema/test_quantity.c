/* Quantities: upstream's canonical forms, exact sums, rounding away from zero. */
#include "../unit.h"

#include "schema/quantity.h"
#include "schema/scalar.h"

static void prints_the_canonical_form(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "0", "0" },		{ "1", "1" },
		{ "100m", "100m" },	{ "1000m", "1" },
		{ "1500m", "1500m" },	{ "1.5", "1500m" },
		{ "0.5", "500m" },	{ "1000", "1k" },
		{ "12000", "12k" },	{ "1234", "1234" },
		{ "1024", "1024" },	{ "1Ki", "1Ki" },
		{ "1024Ki", "1Mi" },	{ "1.5Gi", "1536Mi" },
		{ "0.5Ki", "512" },	{ "1e3", "1e3" },
		{ "1E6", "1e6" },	{ "1E", "1E" },
		{ "100e-3", "100e-3" }, { "-1500m", "-1500m" },
		{ "+2", "2" },		{ "0.0000000001", "1n" },
		{ "300Mi", "300Mi" },	{ "1u", "1u" },
		{ ".5", "500m" },	{ "5.", "5" },
		{ "010", "10" },	{ "100E", "9223372036854775807" },
		{ "0Mi", "0" },		{ "1000Ki", "1000Ki" },
	};
	struct arena *arena = arena_new(0);

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct quantity q;

		assert_true(quantity_parse(str_of(cases[i][0]), &q));
		assert_str(quantity_print(arena, q), cases[i][1]);
	}
	arena_free(arena);
}

static void refuses_what_is_no_quantity(void **state)
{
	(void)state;
	static const char *const cases[] = { "",  "x",	"1x",  "1 Gi", "1Mib", "--1",  "1..2",
					     ".", "Gi", "1kk", "e3",   "1ee3", "0x10", "1e" };
	struct quantity q;

	for (u32 i = 0; i < ARRAY_LEN(cases); i++)
		assert_false(quantity_parse(str_of(cases[i]), &q));
}

static struct quantity of(const char *text)
{
	struct quantity q;

	assert_true(quantity_parse(str_of(text), &q));
	return q;
}

static void counts_exactly(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);

	assert_str(quantity_print(arena, quantity_add(of("100m"), of("0.9"))), "1");
	assert_str(quantity_print(arena, quantity_add(of("0"), of("1Gi"))), "1Gi");
	assert_str(quantity_print(arena, quantity_subtract(of("1Gi"), of("512Mi"))), "512Mi");
	assert_int_equal(quantity_value(of("1500m")), 2);
	assert_int_equal(quantity_value(of("-1500m")), -2);
	assert_int_equal(quantity_value(of("1Gi")), 1 << 30);
	assert_int_equal(quantity_milli(of("0.1")), 100);
	assert_int_equal(quantity_milli(of("1n")), 1);
	assert_int_equal(quantity_compare(of("1000m"), of("1")), 0);
	assert_true(quantity_compare(of("1Mi"), of("1M")) > 0);
	assert_str(quantity_print(arena, quantity_from_milli(250, QUANTITY_DECIMAL)), "250m");
	assert_str(quantity_print(arena, quantity_from_int(2048, QUANTITY_BINARY)), "2Ki");
	arena_free(arena);
}

static void durations_print_as_in_go(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "1h", "1h0m0s" },
		{ "90s", "1m30s" },
		{ "1.5s", "1.5s" },
		{ "0", "0s" },
		{ "100ms", "100ms" },
		{ "-2m", "-2m0s" },
		{ "1h15m30.5s", "1h15m30.5s" },
	};
	struct arena *arena = arena_new(0);
	i64 ns;

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		assert_true(duration_parse(str_of(cases[i][0]), &ns));
		assert_str(duration_print(arena, ns), cases[i][1]);
	}
	assert_false(duration_parse(STR("1"), &ns));
	assert_false(duration_parse(STR("h"), &ns));
	arena_free(arena);
}

static void base64_goes_there_and_back(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	static const char *const cases[][2] = {
		{ "", "" },	   { "f", "Zg==" },	   { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
	};
	struct str bytes;

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		assert_str(base64_encode(arena, str_of(cases[i][0])), cases[i][1]);
		assert_true(base64_decode(arena, str_of(cases[i][1]), &bytes));
		assert_str(bytes, cases[i][0]);
	}
	assert_false(base64_decode(arena, STR("Zg="), &bytes));
	assert_false(base64_decode(arena, STR("Z===Zg=="), &bytes));
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_the_canonical_form),
		cmocka_unit_test(refuses_what_is_no_quantity),
		cmocka_unit_test(counts_exactly),
		cmocka_unit_test(durations_print_as_in_go),
		cmocka_unit_test(base64_goes_there_and_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
