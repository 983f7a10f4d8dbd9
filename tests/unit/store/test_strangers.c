/* Objects whose kind becomes known only after they were loaded. */
#include "store_unit.h"

#include <stdio.h>

static void they_wait_until_their_kind_is_known(void **state)
{
	(void)state;
	static const struct store_kind known[] = { [1] = { .name = STR_INIT("pods") } };
	static const struct store_kind late = { .name = STR_INIT("configmaps") };
	struct log *log = log_memory_new();
	struct store *store = test_store(log);
	struct error error = ERROR_INIT;

	test_put(store, PODS, "n", "p", "pod");
	test_put(store, CONFIGS, "n", "a", "one");
	test_put(store, CONFIGS, "n", "b", "two");
	u64 revision;

	store_free(store);
	store = store_new_kinds(known, ARRAY_LEN(known), log, &test_clock);
	assert_int_equal(store_open(store, &error), ST_OK);
	assert_str(test_data(store, 1, "n", "p"), "pod");
	assert_false(store_has_kind(store, 2));
	revision = store_revision(store);
	store_add_kind(store, 2, &late);
	assert_true(store_has_kind(store, 2));
	assert_str(test_data(store, 2, "n", "a"), "one");
	assert_str(test_data(store, 2, "n", "b"), "two");
	assert_int_equal(store_count(store, 2), 2);
	assert_int_equal(store_revision(store), revision); /* nothing is written for it */
	/* They are rows like others: a change replaces, a removal removes. */
	test_put(store, 2, "n", "a", "three");
	test_remove(store, 2, "n", "b");
	assert_int_equal(log_memory_rows(log), 2);
	store_free(store);
	store = test_store(log);
	assert_str(test_data(store, CONFIGS, "n", "a"), "three");
	assert_str(test_data(store, CONFIGS, "n", "b"), "-");
	store_free(store);
	log_memory_free(log);
}

static void those_nobody_comes_for_stay_on_disk(void **state)
{
	(void)state;
	static const struct store_kind known[] = { [1] = { .name = STR_INIT("pods") } };
	struct log *log = log_memory_new();
	struct store *store = test_store(log);
	struct error error = ERROR_INIT;

	for (u32 i = 0; i < 200; i++) {
		char name[8];

		snprintf(name, sizeof name, "c%u", i);
		test_put(store, CONFIGS, "n", name, "kept");
	}
	store_free(store);
	store = store_new_kinds(known, ARRAY_LEN(known), log, &test_clock);
	assert_int_equal(store_open(store, &error), ST_OK);
	test_put(store, 1, "n", "p", "pod");
	store_free(store);
	assert_int_equal(log_memory_rows(log), 201);
	store = test_store(log);
	assert_str(test_data(store, CONFIGS, "n", "c199"), "kept");
	store_free(store);
	log_memory_free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_wait_until_their_kind_is_known),
		cmocka_unit_test(those_nobody_comes_for_stay_on_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
