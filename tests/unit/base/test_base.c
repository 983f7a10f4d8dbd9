/* Arena, slices, buffer, map, random, error: the ground floor keeps its promises. */
#include "../unit.h"

#include "base/buffer.h"
#include "base/map.h"
#include "base/random.h"

static void count_up(void *argument)
{
	(*(int *)argument)++;
}

static void arena_grows_resets_and_defers(void **state)
{
	(void)state;
	struct arena *arena = arena_new(64);
	int calls = 0;
	VEC(u32) numbers = { 0 };

	arena_defer(arena, count_up, &calls);
	for (u32 i = 0; i < 1000; i++)
		VEC_PUSH(arena, &numbers, i);
	for (u32 i = 0; i < 1000; i++)
		assert_int_equal(numbers.at[i], i);
	assert_true(arena_used(arena) >= 4000);
	arena_reset(arena);
	assert_int_equal(calls, 1);
	assert_int_equal(arena_used(arena), 0);
	arena_free(arena);
	assert_int_equal(calls, 1);
}

static void slices_cut_find_and_parse(void **state)
{
	(void)state;
	struct str rest = STR("a,b,,c"), piece;
	int pieces = 0;

	while (rest.at) {
		piece = str_cut(&rest, ',');
		pieces++;
	}
	assert_int_equal(pieces, 4);
	assert_str(piece, "c");
	assert_int_equal(str_find(STR("hello world"), STR("o w")), 4);
	assert_int_equal(str_find_last(STR("a/b/c"), '/'), 3);
	assert_true(str_cmp(STR("a"), STR("ab")) < 0);
	assert_str(str_trim(STR("  x y ")), "x y");

	i64 value = 7;

	assert_true(str_to_i64(STR("-9223372036854775808"), &value));
	assert_true(value == INT64_MIN);
	assert_false(str_to_i64(STR("9223372036854775808"), &value));
	assert_false(str_to_i64(STR("12x"), &value));
	assert_false(str_to_i64(STR("-"), &value));
}

static void buffer_stops_at_its_limit(void **state)
{
	(void)state;
	struct buffer buffer = BUFFER_INIT(10);

	assert_true(buffer_add_str(&buffer, STR("12345")));
	assert_false(buffer_add_str(&buffer, STR("123456")));
	assert_true(buffer.full);
	assert_str(buffer_str(&buffer), "12345");
	buffer_release(&buffer);
}

static void map_keeps_what_was_put_through_removals(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	struct map map = { 0 };
	struct random random;
	bool there[500] = { 0 };
	struct str keys[500];

	random_seed(&random, 1);
	for (u32 i = 0; i < 500; i++)
		keys[i] = str_format(arena, "key-%u", i);
	for (int step = 0; step < 20000; step++) {
		u32 i = random_below(&random, 500);

		if (random_chance(&random, 500)) {
			assert_int_equal(map_put(&map, keys[i], &there[i]) != NULL, there[i]);
			there[i] = true;
		} else {
			assert_int_equal(map_remove(&map, keys[i]) != NULL, there[i]);
			there[i] = false;
		}
	}
	u32 len = 0;

	for (u32 i = 0; i < 500; i++) {
		assert_ptr_equal(map_get(&map, keys[i]), there[i] ? &there[i] : NULL);
		len += there[i];
	}
	assert_int_equal(map.len, len);
	map_release(&map);
	arena_free(arena);
}

static void the_first_failure_wins(void **state)
{
	(void)state;
	struct error error = ERROR_INIT;

	assert_int_equal(fail(&error, ST_NOT_FOUND, "pods \"%s\" not found", "x"), ST_NOT_FOUND);
	assert_int_equal(fail(&error, ST_INTERNAL, "later"), ST_INTERNAL);
	assert_int_equal(error.status, ST_NOT_FOUND);
	assert_int_equal(fail_within(&error, "deleting"), ST_NOT_FOUND);
	assert_string_equal(error.message, "deleting: pods \"x\" not found");
	assert_int_equal(status_code(ST_EXPIRED), 410);
}

static void the_same_seed_throws_the_same_dice(void **state)
{
	(void)state;
	struct random a, b;
	char name[5];

	random_seed(&a, 42);
	random_seed(&b, 42);
	for (int i = 0; i < 100; i++)
		assert_true(random_u64(&a) == random_u64(&b));
	random_name(&a, name, 5);
	for (int i = 0; i < 5; i++)
		assert_non_null(strchr("bcdfghjklmnpqrstvwxz2456789", name[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_grows_resets_and_defers),
		cmocka_unit_test(slices_cut_find_and_parse),
		cmocka_unit_test(buffer_stops_at_its_limit),
		cmocka_unit_test(map_keeps_what_was_put_through_removals),
		cmocka_unit_test(the_first_failure_wins),
		cmocka_unit_test(the_same_seed_throws_the_same_dice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
