/* Versions, walks, indexes, and the two revisions over a log that does as it is told. */
#include "store_unit.h"

#include "store/history.h"

static void keeps_json_and_document_in_one_block(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	const struct doc *doc;
	struct error error = ERROR_INIT;
	struct version *version;
	static const char text[] =
		"{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\",\"namespace\":\"n\","
		"\"uid\":\"u-1\",\"resourceVersion\":\"7\","
		"\"labels\":{}},\"list\":[1,-2.5e3,true,false,null,[],"
		"{\"x\\n\":\"tab\\tquote\\\"\",\"y\":\"\"}],\"last\":\"\\u0001\"}";

	assert_int_equal(json_parse(arena, str_of(text), &doc, &error), ST_OK);
	assert_int_equal(version_new(PODS, doc, 123, false, &version, &error), ST_OK);
	struct buffer printed = BUFFER_INIT(4096);

	json_print(&printed, version->doc);
	arena_free(arena);
	assert_true(str_eq(buffer_str(&printed), version->json));
	assert_str(version->json,
		   "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\",\"namespace\":\"n\","
		   "\"uid\":\"u-1\",\"resourceVersion\":\"123\",\"labels\":{}},"
		   "\"list\":[1,-2.5e3,true,false,null,[],{\"x\\n\":\"tab\\tquote\\\"\","
		   "\"y\":\"\"}],\"last\":\"\\u0001\"}");
	assert_str(version->namespace, "n");
	assert_str(version->name, "a");
	assert_str(version->uid, "u-1");
	assert_str(doc_at_str(version->doc, "list.6.y"), "");
	assert_str(doc_at_str(version->doc, "last"), "\001");
	assert_int_equal(doc_at_int(version->doc, "list.1", 0), -2500);
	for (u32 i = 0; i < JSON_PADDING; i++)
		assert_int_equal(version->json.at[version->json.len + i], 0);
	/* Everything points into the one block. */
	const char *start = (const char *)version, *end = start + version->size;

	assert_true(version->name.at > start && version->name.at < end);
	assert_true(doc_at(version->doc, "last")->text > start);
	assert_true(doc_at(version->doc, "last")->text < end);
	buffer_release(&printed);
	version_unref(version);
}

static void refuses_objects_that_are_too_large(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	struct store *store = test_store(NULL);
	struct error error = ERROR_INIT;
	char *huge = arena_alloc(arena, OBJECT_BYTES_MAX + 1);

	memset(huge, 'x', OBJECT_BYTES_MAX);
	huge[OBJECT_BYTES_MAX] = 0;
	assert_int_equal(store_put(store, CONFIGS, STR("n"), STR("a"),
				   test_object(arena, "n", "a", huge), NULL, &error),
			 ST_TOO_LARGE);
	assert_int_equal(store_revision(store), 0);
	assert_null(store_get(store, CONFIGS, STR("n"), STR("a")));
	store_free(store);
	arena_free(arena);
}

static void gives_each_write_the_next_revision(void **state)
{
	(void)state;
	struct store *store = test_store(NULL);
	struct version *first = test_put(store, CONFIGS, "n", "a", "1");

	assert_int_equal(first->revision, 1);
	assert_str(doc_at_str(first->doc, "metadata.resourceVersion"), "1");
	assert_int_equal(test_put(store, CONFIGS, "n", "a", "2")->revision, 2);
	assert_int_equal(store_count(store, CONFIGS), 1);
	test_remove(store, CONFIGS, "n", "a");
	assert_int_equal(store_revision(store), 3);
	assert_int_equal(store_durable(store), 3);
	assert_int_equal(store_count(store, CONFIGS), 0);
	struct error error = ERROR_INIT;

	assert_int_equal(store_remove(store, CONFIGS, STR("n"), STR("a"), NULL, NULL, &error),
			 ST_NOT_FOUND);
	assert_str(str_of(error.message), "configmaps \"a\" not found");
	store_free(store);
}

/* Names of a walk, joined: "n/a n/b". */
static struct str walk(struct arena *arena, struct store_iter *iter)
{
	struct str all = STR("");

	for (struct version *v; (v = store_iter_next(iter));)
		all = str_format(arena, STR_FMT "%s" STR_FMT "/" STR_FMT "=" STR_FMT, STR_ARG(all),
				 all.len ? " " : "", STR_ARG(v->namespace), STR_ARG(v->name),
				 STR_ARG(doc_at_str(v->doc, "data")));
	return all;
}

static void walks_in_order_and_goes_on_after_a_key(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	struct store *store = test_store(NULL);
	struct store_iter iter;

	test_put(store, CONFIGS, "b", "y", "3");
	test_put(store, CONFIGS, "a", "z", "2");
	test_put(store, CONFIGS, "b", "x", "4");
	test_put(store, CONFIGS, "a-a", "m", "5");
	test_put(store, CONFIGS, "a", "b", "1");
	store_iter_start(&iter, store, CONFIGS, STR_NONE, STR_NONE, STR_NONE);
	assert_str(walk(arena, &iter), "a/b=1 a/z=2 a-a/m=5 b/x=4 b/y=3");
	store_iter_start(&iter, store, CONFIGS, STR("a"), STR_NONE, STR_NONE);
	assert_str(walk(arena, &iter), "a/b=1 a/z=2");
	store_iter_start(&iter, store, CONFIGS, STR_NONE, STR("a"), STR("b"));
	assert_str(walk(arena, &iter), "a/z=2 a-a/m=5 b/x=4 b/y=3");
	store_iter_start(&iter, store, CONFIGS, STR("a"), STR("a"), STR("bb"));
	assert_str(walk(arena, &iter), "a/z=2");
	store_iter_start(&iter, store, CONFIGS, STR("none"), STR_NONE, STR_NONE);
	assert_str(walk(arena, &iter), "");
	/* Writes in between: the walk goes on behind the last key it gave. */
	store_iter_start(&iter, store, CONFIGS, STR_NONE, STR_NONE, STR_NONE);
	assert_str(store_iter_next(&iter)->name, "b");
	test_remove(store, CONFIGS, "a", "b");
	test_put(store, CONFIGS, "a", "c", "6");
	assert_str(walk(arena, &iter), "a/c=6 a/z=2 a-a/m=5 b/x=4 b/y=3");
	store_free(store);
	arena_free(arena);
}

static void shows_a_list_as_it_was_at_an_older_revision(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	struct store *store = test_store(NULL);
	struct store_iter iter;
	struct error error = ERROR_INIT;

	test_put(store, CONFIGS, "n", "a", "1");
	test_put(store, CONFIGS, "n", "b", "2");
	test_put(store, CONFIGS, "m", "c", "3");
	u64 then = store_revision(store);

	test_put(store, CONFIGS, "n", "b", "20");
	test_put(store, CONFIGS, "n", "b", "21");
	test_remove(store, CONFIGS, "n", "a");
	test_put(store, CONFIGS, "n", "a", "10");
	test_put(store, CONFIGS, "n", "new", "5");
	test_remove(store, CONFIGS, "m", "c");
	assert_int_equal(store_iter_start_at(&iter, store, CONFIGS, STR_NONE, STR_NONE, STR_NONE,
					     then, arena, &error),
			 ST_OK);
	assert_str(walk(arena, &iter), "m/c=3 n/a=1 n/b=2");
	assert_int_equal(store_iter_start_at(&iter, store, CONFIGS, STR("n"), STR("n"), STR("a"),
					     then, arena, &error),
			 ST_OK);
	assert_str(walk(arena, &iter), "n/b=2");
	assert_int_equal(store_iter_start_at(&iter, store, CONFIGS, STR_NONE, STR_NONE, STR_NONE,
					     store_revision(store), arena, &error),
			 ST_OK);
	assert_str(walk(arena, &iter), "n/a=10 n/b=21 n/new=5");
	for (u32 i = 0; i <= HISTORY_EVENTS_MAX; i++)
		test_put(store, CONFIGS, "n", "b", "22");
	assert_int_equal(store_iter_start_at(&iter, store, CONFIGS, STR_NONE, STR_NONE, STR_NONE,
					     then, arena, &error),
			 ST_EXPIRED);
	assert_true(str_starts(str_of(error.message),
			       STR("The provided continue parameter is too old")));
	store_free(store);
	arena_free(arena);
}

static struct version *put_json(struct store *store, struct arena *arena, kind_id kind,
				const char *name, const char *text)
{
	const struct doc *doc;
	struct error error = ERROR_INIT;
	struct version *version;

	assert_int_equal(json_parse(arena, str_of(text), &doc, &error), ST_OK);
	doc = doc_set_str(arena, doc, "metadata.name", str_of(name));
	doc = doc_set_str(arena, doc, "metadata.namespace", STR("n"));
	assert_int_equal(store_put(store, kind, STR("n"), str_of(name), doc, &version, &error),
			 ST_OK);
	return version;
}

static struct str names(struct arena *arena, struct version_list list)
{
	struct str all = STR("");

	for (u32 i = 0; i < list.len; i++)
		all = str_format(arena, STR_FMT "%s" STR_FMT, STR_ARG(all), i ? " " : "",
				 STR_ARG(list.at[i]->name));
	return all;
}

static void finds_by_owner_node_and_label(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	struct store *store = test_store(NULL);

	put_json(store, arena, PODS, "a",
		 "{\"metadata\":{\"labels\":{\"app\":\"web\"},"
		 "\"ownerReferences\":[{\"uid\":\"u1\"},{\"uid\":\"u2\"}]}}");
	put_json(store, arena, PODS, "b",
		 "{\"metadata\":{\"labels\":{\"app\":\"web\",\"tier\":\"x\"}},"
		 "\"spec\":{\"nodeName\":\"node-1\"}}");
	put_json(store, arena, CONFIGS, "c",
		 "{\"metadata\":{\"ownerReferences\":[{\"uid\":\"u1\"}]}}");
	assert_str(names(arena, store_owned(store, arena, STR("u1"), 0)), "a c");
	assert_str(names(arena, store_owned(store, arena, STR("u1"), PODS)), "a");
	assert_str(names(arena, store_owned(store, arena, STR("u2"), 0)), "a");
	assert_str(names(arena, store_owned(store, arena, STR("u3"), 0)), "");
	assert_str(names(arena, store_on_node(store, arena, STR(""))), "a");
	assert_str(names(arena, store_on_node(store, arena, STR("node-1"))), "b");
	assert_str(names(arena, store_labelled(store, arena, STR("n"), STR("app"), STR("web"))),
		   "a b");
	assert_str(names(arena, store_labelled(store, arena, STR("m"), STR("app"), STR("web"))),
		   "");
	/* A change moves it; a removal takes it out. */
	put_json(store, arena, PODS, "a",
		 "{\"metadata\":{\"labels\":{\"app\":\"db\"}},\"spec\":{\"nodeName\":\"node-1\"}}");
	assert_str(names(arena, store_owned(store, arena, STR("u2"), 0)), "");
	assert_str(names(arena, store_on_node(store, arena, STR("node-1"))), "b a");
	test_remove(store, PODS, "n", "b");
	assert_str(names(arena, store_on_node(store, arena, STR("node-1"))), "a");
	assert_str(names(arena, store_labelled(store, arena, STR("n"), STR("tier"), STR("x"))),
		   "");
	store_free(store);
	arena_free(arena);
}

/* ---- two revisions */

struct told {
	struct store_wait wait;
	u32 times;
	enum status status;
};

static void note_done(struct store_wait *wait, enum status status, const struct error *error)
{
	struct told *told = CONTAINER_OF(wait, struct told, wait);

	(void)error;
	told->times++;
	told->status = status;
}

static void start_wait(struct store *store, struct told *told, u64 revision)
{
	*told = (struct told){ .wait = { .revision = revision, .done = note_done } };
	store_wait(store, &told->wait);
}

static void waits_for_what_is_durable(void **state)
{
	(void)state;
	struct log *log = log_memory_new();
	struct store *store = test_store(log);
	struct told first, second, third, cancelled;

	log_memory_hold(log, true);
	test_put(store, CONFIGS, "n", "a", "1");
	test_put(store, CONFIGS, "n", "b", "2");
	assert_int_equal(store_revision(store), 2);
	assert_int_equal(store_durable(store), 0);
	start_wait(store, &second, 2);
	start_wait(store, &first, 1);
	start_wait(store, &cancelled, 2);
	store_wait_cancel(&cancelled.wait);
	log_memory_commit(log, 1);
	assert_int_equal(store_durable(store), 1);
	assert_int_equal(first.times, 1);
	assert_int_equal(second.times, 0);
	log_memory_commit(log, 1);
	assert_int_equal(second.times, 1);
	assert_int_equal(second.status, ST_OK);
	start_wait(store, &third, 2);
	assert_int_equal(third.times, 1);
	assert_int_equal(cancelled.times, 0);
	store_free(store);
	log_memory_free(log);
}

static void takes_back_what_the_log_refused(void **state)
{
	(void)state;
	struct log *log = log_memory_new();
	struct store *store = test_store(log);
	struct error error = ERROR_INIT;
	struct arena *arena = arena_new(0);
	struct told told, read;
	struct store_iter iter;

	test_put(store, CONFIGS, "n", "changed", "1");
	test_put(store, CONFIGS, "n", "removed", "1");
	log_memory_hold(log, true);
	test_put(store, CONFIGS, "n", "changed", "2");
	test_remove(store, CONFIGS, "n", "removed");
	test_put(store, CONFIGS, "n", "made", "2");
	test_put(store, CONFIGS, "n", "changed", "3");
	test_remove(store, CONFIGS, "n", "made");
	test_put(store, LEASES, "n", "lease", "2");
	start_wait(store, &told, 3);
	start_wait(store, &read, store_revision(store));
	log_memory_fail(log, ST_NO_SPACE);
	assert_int_equal(told.status, ST_NO_SPACE);
	assert_int_equal(read.status, ST_NO_SPACE);
	store_iter_start(&iter, store, CONFIGS, STR_NONE, STR_NONE, STR_NONE);
	assert_str(walk(arena, &iter), "n/changed=1 n/removed=1");
	assert_int_equal(store_count(store, LEASES), 0);
	/* For a moment writes are refused at once, then tried again with revisions never seen. */
	assert_int_equal(store_put(store, CONFIGS, STR("n"), STR("x"),
				   test_object(arena, "n", "x", "4"), NULL, &error),
			 ST_NO_SPACE);
	test_now_ns += 2 * NS_PER_S;
	assert_int_equal(test_put(store, CONFIGS, "n", "x", "4")->revision, 9);
	log_memory_hold(log, false);
	assert_int_equal(store_durable(store), 9);
	store_free(store);
	log_close(log);
	store = test_store(log);
	store_iter_start(&iter, store, CONFIGS, STR_NONE, STR_NONE, STR_NONE);
	assert_str(walk(arena, &iter), "n/changed=1 n/removed=1 n/x=4");
	store_free(store);
	log_memory_free(log);
	arena_free(arena);
}

static void writes_lazy_kinds_only_along_with_others(void **state)
{
	(void)state;
	struct log *log = log_memory_new();
	struct store *store = test_store(log);
	struct error error = ERROR_INIT;

	log_memory_hold(log, true);
	for (u32 i = 0; i < 100; i++)
		test_put(store, LEASES, "n", "lease", "1");
	assert_int_equal(log_memory_waiting(log), 0);
	assert_int_equal(store_durable(store), 100);
	test_put(store, CONFIGS, "n", "a", "1");
	assert_int_equal(log_memory_waiting(log), 1);
	test_now_ns += 600 * NS_PER_S;
	test_put(store, CONFIGS, "n", "a", "2");
	assert_int_equal(log_memory_waiting(log), 3);
	log_memory_commit(log, UINT32_MAX);
	assert_int_equal(log_memory_rows(log), 2);
	test_put(store, LEASES, "n", "lease", "2");
	test_put(store, LEASES, "n", "short", "2");
	test_remove(store, LEASES, "n", "short");
	assert_int_equal(log_memory_waiting(log), 0);
	assert_int_equal(store_flush(store, &error), ST_OK);
	u64 revision = store_revision(store);

	store_free(store);
	log_close(log);
	store = test_store(log);
	assert_int_equal(store_revision(store), revision);
	assert_str(test_data(store, LEASES, "n", "lease"), "2");
	assert_str(test_data(store, LEASES, "n", "short"), "-");
	log_memory_hold(log, false);
	/* After a crash counting goes on behind whatever was given out. */
	test_put(store, LEASES, "n", "lease", "3");
	revision = store_revision(store);
	store_free(store);
	log_close(log);
	store = test_store(log);
	assert_true(store_revision(store) > revision);
	assert_str(test_data(store, LEASES, "n", "lease"), "2");
	store_free(store);
	log_memory_free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_json_and_document_in_one_block),
		cmocka_unit_test(refuses_objects_that_are_too_large),
		cmocka_unit_test(gives_each_write_the_next_revision),
		cmocka_unit_test(walks_in_order_and_goes_on_after_a_key),
		cmocka_unit_test(shows_a_list_as_it_was_at_an_older_revision),
		cmocka_unit_test(finds_by_owner_node_and_label),
		cmocka_unit_test(waits_for_what_is_durable),
		cmocka_unit_test(takes_back_what_the_log_refused),
		cmocka_unit_test(writes_lazy_kinds_only_along_with_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
