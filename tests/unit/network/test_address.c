/* Addresses and ranges: strict to read, exact to count. */
#include "../unit.h"

#include "network/address.h"

static void addresses_are_read_strictly(void **state)
{
	(void)state;
	static const char *const wrong[] = { "",	 "1.2.3",    "1.2.3.4.5", "256.1.1.1",
					     "01.2.3.4", "1.2.3.-4", "+1.2.3.4",  "1.2.3.4 ",
					     "a.b.c.d",	 "1..2.3" };
	u32 address = 0;

	assert_true(address_parse(STR("10.244.0.1"), &address));
	assert_int_equal(address, 0x0af40001);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(address_parse(str_of(wrong[i]), &address));
}

static void ranges_know_who_is_inside(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	struct address_range range;

	assert_true(address_parse_range(STR("10.244.3.7/24"), &range));
	assert_str(address_text(arena, range.first), "10.244.3.0");
	assert_int_equal(address_count(&range), 256);
	assert_true(address_in(&range, 0x0af403ff));
	assert_false(address_in(&range, 0x0af40400));
	assert_false(address_in(&range, 0x0af402ff));
	assert_false(address_parse_range(STR("10.244.3.7"), &range));
	assert_false(address_parse_range(STR("10.244.3.7/33"), &range));
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_strictly),
		cmocka_unit_test(ranges_know_who_is_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
