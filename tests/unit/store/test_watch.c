/* Watches and observers: what is told, when, and what becomes of those who are too slow. */
#include "store_unit.h"

#include <stdio.h>

#include "store/history.h"

static struct watch *open_watch(struct store *store, const char *namespace, u64 from)
{
	struct watch *watch;
	struct error error = ERROR_INIT;

	assert_int_equal(watch_open(store, CONFIGS, str_of(namespace), from, &watch, &error),
			 ST_OK);
	return watch;
}

static void expect(struct watch *watch, enum event_type type, const char *name, const char *data)
{
	struct store_event event;

	assert_true(watch_next(watch, &event));
	assert_int_equal(event.type, type);
	assert_str(event.version->name, name);
	assert_str(doc_at_str(event.version->doc, "data"), data);
}

static void expect_nothing(struct watch *watch)
{
	struct store_event event;

	assert_false(watch_next(watch, &event));
}

static void tells_each_durable_change_once_and_in_order(void **state)
{
	(void)state;
	struct log *log = log_memory_new();
	struct store *store = test_store(log);
	struct watch *all = open_watch(store, "", 0), *one = open_watch(store, "n", 0);

	log_memory_hold(log, true);
	test_put(store, CONFIGS, "m", "a", "1");
	test_put(store, CONFIGS, "n", "b", "2");
	test_put(store, CONFIGS, "n", "b", "3");
	test_remove(store, CONFIGS, "m", "a");
	expect_nothing(all);
	assert_int_equal(watch_revision(all), 0);
	log_memory_commit(log, 2);
	expect(all, EVENT_ADDED, "a", "1");
	expect(all, EVENT_ADDED, "b", "2");
	expect_nothing(all);
	assert_int_equal(watch_revision(all), 2);
	log_memory_commit(log, 2);
	expect(one, EVENT_ADDED, "b", "2");
	expect(one, EVENT_MODIFIED, "b", "3");
	expect_nothing(one);
	assert_int_equal(watch_revision(one), 4);
	expect(all, EVENT_MODIFIED, "b", "3");
	expect(all, EVENT_DELETED, "a", "1");
	expect_nothing(all);
	/* Other kinds move the bookmark on. */
	test_put(store, PODS, "n", "p", "1");
	log_memory_commit(log, 1);
	assert_int_equal(watch_revision(one), 5);
	watch_close(all);
	watch_close(one);
	/* A watch may begin anywhere in what is kept. */
	one = open_watch(store, "", 3);
	expect(one, EVENT_DELETED, "a", "1");
	expect_nothing(one);
	watch_close(one);
	store_free(store);
	log_memory_free(log);
}

static void never_tells_of_what_was_taken_back(void **state)
{
	(void)state;
	struct log *log = log_memory_new();
	struct store *store = test_store(log);
	struct watch *watch = open_watch(store, "", 0);

	log_memory_hold(log, true);
	test_put(store, CONFIGS, "n", "a", "1");
	log_memory_commit(log, 1);
	test_put(store, CONFIGS, "n", "a", "2");
	test_put(store, CONFIGS, "n", "b", "2");
	log_memory_fail(log, ST_NO_SPACE);
	test_now_ns += 2 * NS_PER_S;
	test_put(store, CONFIGS, "n", "a", "3");
	log_memory_commit(log, UINT32_MAX);
	expect(watch, EVENT_ADDED, "a", "1");
	expect(watch, EVENT_MODIFIED, "a", "3");
	expect_nothing(watch);
	watch_close(watch);
	store_free(store);
	log_memory_free(log);
}

static void refuses_to_begin_where_nothing_is_known(void **state)
{
	(void)state;
	struct log *log = log_memory_new();
	struct store *store = test_store(log);
	struct error error = ERROR_INIT;
	struct watch *watch;

	test_put(store, CONFIGS, "n", "a", "1");
	test_put(store, CONFIGS, "n", "a", "2");
	assert_int_equal(store_flush(store, &error), ST_OK);
	store_free(store);
	log_close(log);
	store = test_store(log);
	assert_int_equal(watch_open(store, CONFIGS, STR("n"), 1, &watch, &error), ST_EXPIRED);
	assert_str(str_of(error.message), "too old resource version: 1 (2)");
	watch = open_watch(store, "n", 2);
	test_put(store, CONFIGS, "n", "a", "3");
	expect(watch, EVENT_MODIFIED, "a", "3");
	watch_close(watch);
	store_free(store);
	log_memory_free(log);
}

static void waits_for_the_slow_but_not_for_ever(void **state)
{
	(void)state;
	struct store *store = test_store(NULL);
	struct watch *slow = open_watch(store, "", 0), *quick = open_watch(store, "", 0);
	struct store_event event;

	for (u32 i = 0; i < HISTORY_EVENTS_MAX * 2; i++) {
		test_put(store, CONFIGS, "n", "a", "1");
		assert_true(watch_next(quick, &event));
	}
	assert_false(watch_expired(slow));
	assert_true(watch_next(slow, &event));
	assert_int_equal(event.version->revision, 1);
	for (u32 i = 0; i < HISTORY_EVENTS_HARD_MAX; i++) {
		test_put(store, CONFIGS, "n", "a", "1");
		assert_true(watch_next(quick, &event));
	}
	assert_true(watch_expired(slow));
	assert_false(watch_next(slow, &event));
	assert_int_equal(watch_revision(slow), 1);
	assert_false(watch_expired(quick));
	watch_close(slow);
	/* Without it, the history shrinks back at the next write. */
	struct error error = ERROR_INIT;

	test_put(store, CONFIGS, "n", "a", "1");
	expect(quick, EVENT_MODIFIED, "a", "1");
	test_put(store, CONFIGS, "n", "a", "1");
	assert_int_equal(watch_open(store, CONFIGS, STR_NONE,
				    store_revision(store) - HISTORY_EVENTS_MAX - 2, &slow, &error),
			 ST_EXPIRED);
	watch_close(quick);
	store_free(store);
}

struct waker {
	struct watch *watch, **other;
	u32 times;
};

static void count_ready(void *self)
{
	((struct waker *)self)->times++;
}

static void close_both(void *self)
{
	struct waker *waker = self;

	waker->times++;
	watch_close(*waker->other);
	*waker->other = NULL;
	watch_close(waker->watch);
	waker->watch = NULL;
}

static void wakes_when_there_is_something(void **state)
{
	(void)state;
	struct log *log = log_memory_new();
	struct store *store = test_store(log);
	struct waker a = { .watch = open_watch(store, "", 0) };
	struct waker b = { .watch = open_watch(store, "", 0), .other = &a.watch };

	watch_on_ready(a.watch, count_ready, &a);
	watch_on_ready(b.watch, count_ready, &b);
	test_put(store, CONFIGS, "n", "a", "1");
	assert_int_equal(a.times, 1);
	log_memory_hold(log, true);
	test_put(store, CONFIGS, "n", "a", "2");
	test_put(store, PODS, "n", "a", "2");
	assert_int_equal(a.times, 1);
	log_memory_commit(log, 1);
	assert_int_equal(a.times, 2);
	log_memory_commit(log, 1);
	assert_int_equal(a.times, 2);
	assert_int_equal(b.times, 2);
	/* The newest watch is woken first; here it ends the other one too. */
	watch_on_ready(b.watch, close_both, &b);
	test_put(store, CONFIGS, "n", "a", "3");
	log_memory_commit(log, 1);
	assert_int_equal(b.times, 3);
	assert_int_equal(a.times, 2);
	assert_null(a.watch);
	store_free(store);
	log_memory_free(log);
}

struct notes {
	struct store_event last;
	u32 changes, undone;
	u64 durable;
};

static void note_change(void *self, const struct store_event *event)
{
	struct notes *notes = self;

	notes->last = *event;
	notes->changes++;
	notes->undone += event->undone;
}

static void note_durable(void *self, u64 revision)
{
	((struct notes *)self)->durable = revision;
}

static void tells_observers_of_changes_and_of_their_undoing(void **state)
{
	(void)state;
	struct log *log = log_memory_new();
	struct store *store = test_store(log);
	struct notes notes = { .changes = 0 };

	store_on_change(store, note_change, &notes);
	store_on_durable(store, note_durable, &notes);
	log_memory_hold(log, true);
	test_put(store, CONFIGS, "n", "a", "1");
	assert_int_equal(notes.changes, 1);
	assert_int_equal(notes.last.type, EVENT_ADDED);
	assert_int_equal(notes.durable, 0);
	log_memory_commit(log, 1);
	assert_int_equal(notes.durable, 1);
	test_put(store, CONFIGS, "n", "a", "2");
	log_memory_fail(log, ST_NO_SPACE);
	assert_int_equal(notes.undone, 1);
	assert_int_equal(notes.last.type, EVENT_MODIFIED);
	assert_str(doc_at_str(notes.last.version->doc, "data"), "1");
	assert_str(test_data(store, CONFIGS, "n", "a"), "1");
	test_now_ns += 2 * NS_PER_S;
	test_remove(store, CONFIGS, "n", "a");
	log_memory_fail(log, ST_NO_SPACE);
	assert_int_equal(notes.undone, 2);
	assert_int_equal(notes.last.type, EVENT_ADDED);
	test_now_ns += 2 * NS_PER_S;
	test_put(store, CONFIGS, "n", "b", "1");
	log_memory_fail(log, ST_NO_SPACE);
	assert_int_equal(notes.last.type, EVENT_DELETED);
	store_forget(store, &notes);
	test_now_ns += 2 * NS_PER_S;
	test_put(store, CONFIGS, "n", "b", "1");
	assert_int_equal(notes.changes, 7);
	store_free(store);
	log_memory_free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_each_durable_change_once_and_in_order),
		cmocka_unit_test(never_tells_of_what_was_taken_back),
		cmocka_unit_test(refuses_to_begin_where_nothing_is_known),
		cmocka_unit_test(waits_for_the_slow_but_not_for_ever),
		cmocka_unit_test(wakes_when_there_is_something),
		cmocka_unit_test(tells_observers_of_changes_and_of_their_undoing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
