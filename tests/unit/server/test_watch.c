/* Watches: what they tell, in which order, and that nobody hears of what is not durable. */
#include "harness.h"

#define CONFIG_MAPS "/api/v1/namespaces/default/configmaps"

static const struct doc *events[64];
static struct answer *watching;

static void make(const char *name, const char *label)
{
	ask_ok(201, "POST", CONFIG_MAPS,
	       str_format(arena, "{\"metadata\":{\"name\":\"%s\",\"labels\":{\"l\":\"%s\"}}}", name,
			  label)
		       .at);
}

static void label(const char *name, const char *value)
{
	sends = "application/merge-patch+json";
	ask_ok(200, "PATCH", str_format(arena, CONFIG_MAPS "/%s", name).at,
	       str_format(arena, "{\"metadata\":{\"labels\":{\"l\":\"%s\"}}}", value).at);
	sends = NULL;
}

static void assert_event(u32 at, const char *type, const char *name)
{
	assert_str(doc_at_str(events[at], "type"), type);
	assert_str(doc_at_str(events[at], "object.metadata.name"), name);
}

static void tells_what_is_there_and_what_follows(void **state)
{
	(void)state;
	make("a", "1");
	watching = ask_open("GET", CONFIG_MAPS "?watch=true", NULL);
	assert_int_equal(take_events(watching, events, 64), 1);
	assert_event(0, "ADDED", "a");
	make("b", "1");
	label("a", "2");
	ask_ok(200, "DELETE", CONFIG_MAPS "/b", NULL);
	assert_int_equal(take_events(watching, events, 64), 3);
	assert_event(0, "ADDED", "b");
	assert_event(1, "MODIFIED", "a");
	assert_event(2, "DELETED", "b");
	answer_free(watching);
}

static void goes_on_from_a_list(void **state)
{
	(void)state;
	const struct doc *list;
	const char *target;

	make("a", "1");
	list = ask_ok(200, "GET", CONFIG_MAPS, NULL);
	make("b", "1");
	target = str_format(arena, CONFIG_MAPS "?watch=1&resourceVersion=" STR_FMT,
			    STR_ARG(doc_at_str(list, "metadata.resourceVersion")))
			 .at;
	watching = ask_open("GET", target, NULL);
	assert_int_equal(take_events(watching, events, 64), 1);
	assert_event(0, "ADDED", "b");
	answer_free(watching);
}

static void selectors_make_objects_come_and_go(void **state)
{
	(void)state;
	make("a", "1");
	make("b", "2");
	watching = ask_open("GET", CONFIG_MAPS "?watch=true&labelSelector=l%3D1", NULL);
	assert_int_equal(take_events(watching, events, 64), 1);
	label("b", "1");
	label("a", "2");
	label("a", "3");
	assert_int_equal(take_events(watching, events, 64), 2);
	assert_event(0, "ADDED", "b");
	assert_event(1, "DELETED", "a");
	assert_str(doc_at_str(events[1], "object.metadata.labels.l"), "1"); /* as it last matched */
	ask_ok(200, "DELETE", CONFIG_MAPS "/a", NULL);
	ask_ok(200, "DELETE", CONFIG_MAPS "/b", NULL);
	assert_int_equal(take_events(watching, events, 64), 1);
	assert_event(0, "DELETED", "b");
	answer_free(watching);
}

static void one_object_by_name(void **state)
{
	(void)state;
	make("a", "1");
	make("b", "1");
	watching = ask_open(
		"GET", CONFIG_MAPS "?watch=true&resourceVersion=0&fieldSelector=metadata.name%3Da",
		NULL);
	label("b", "2");
	label("a", "2");
	assert_int_equal(take_events(watching, events, 64), 2);
	assert_event(0, "ADDED", "a");
	assert_event(1, "MODIFIED", "a");
	answer_free(watching);
}

static void watch_lists_end_with_a_bookmark(void **state)
{
	(void)state;
	make("a", "1");
	watching = ask_open("GET",
			    CONFIG_MAPS "?watch=true&allowWatchBookmarks=true&sendInitialEvents="
					"true&resourceVersionMatch=NotOlderThan",
			    NULL);
	assert_int_equal(take_events(watching, events, 64), 2);
	assert_event(0, "ADDED", "a");
	assert_str(doc_at_str(events[1], "type"), "BOOKMARK");
	assert_str(doc_str(doc_key(doc_at(events[1], "object.metadata.annotations"),
				   "k8s.io/initial-events-end")),
		   "true");
	assert_true(doc_at_str(events[1], "object.metadata.resourceVersion").len > 0);
	answer_free(watching);
	ask_fails(422, "Invalid",
		  "resourceVersionMatch: Forbidden: sendInitialEvents requires setting "
		  "resourceVersionMatch to NotOlderThan",
		  "GET", CONFIG_MAPS "?watch=true&sendInitialEvents=true", NULL);
}

static void bookmarks_and_ends_come_with_time(void **state)
{
	(void)state;
	watching = ask_open(
		"GET", CONFIG_MAPS "?watch=true&allowWatchBookmarks=1&timeoutSeconds=90", NULL);
	server_tick(server);
	make("a", "1");
	assert_int_equal(take_events(watching, events, 64), 1);
	mono_ns += 61 * NS_PER_S;
	assert_true(server_tick(server) <= mono_ns + 60 * NS_PER_S);
	assert_int_equal(take_events(watching, events, 64), 1);
	assert_str(doc_at_str(events[0], "type"), "BOOKMARK");
	assert_str(doc_at_str(events[0], "object.kind"), "ConfigMap");
	mono_ns += 60 * NS_PER_S;
	server_tick(server);
	assert_true(watching->ended);
	answer_free(watching);
}

static void waits_for_the_disk(void **state)
{
	(void)state;
	struct answer *post, *list;

	watching = ask_open("GET", CONFIG_MAPS "?watch=true", NULL);
	log_memory_hold(test_log, true);
	post = ask_open("POST", CONFIG_MAPS, "{\"metadata\":{\"name\":\"late\"}}");
	list = ask_open("GET", CONFIG_MAPS, NULL);
	assert_false(post->done);
	assert_false(list->done);
	assert_int_equal(take_events(watching, events, 64), 0);
	/* A watch that begins now must not tell of it either. */
	struct answer *second = ask_open("GET", CONFIG_MAPS "?watch=true", NULL);

	assert_int_equal(take_events(second, events, 64), 0);
	log_memory_commit(test_log, UINT32_MAX);
	assert_true(post->done);
	assert_int_equal(post->code, 201);
	assert_true(list->done);
	assert_int_equal(take_events(watching, events, 64), 1);
	assert_event(0, "ADDED", "late");
	assert_int_equal(take_events(second, events, 64), 1);
	answer_free(post);
	answer_free(list);
	answer_free(second);
	answer_free(watching);
}

static void a_full_disk_is_told_and_undone(void **state)
{
	(void)state;
	struct answer *post;

	log_memory_hold(test_log, true);
	post = ask_open("POST", CONFIG_MAPS, "{\"metadata\":{\"name\":\"lost\"}}");
	assert_false(post->done);
	log_memory_fail(test_log, ST_NO_SPACE);
	assert_true(post->done);
	assert_int_equal(post->code, 507);
	log_memory_hold(test_log, false);
	ask_ok(404, "GET", CONFIG_MAPS "/lost", NULL);
	answer_free(post);
}

static void a_client_may_leave_while_it_waits(void **state)
{
	(void)state;
	struct answer *post;

	log_memory_hold(test_log, true);
	post = ask_open("POST", CONFIG_MAPS, "{\"metadata\":{\"name\":\"left\"}}");
	answer_free(post);
	log_memory_commit(test_log, UINT32_MAX);
	log_memory_hold(test_log, false);
	ask_ok(200, "GET", CONFIG_MAPS "/left", NULL);
}

static void slow_readers_are_waited_for(void **state)
{
	(void)state;
	watching = ask_open("GET", CONFIG_MAPS "?watch=true", NULL);
	watching->queued = 64 << 20; /* nothing leaves */
	make("a", "1");
	make("b", "1");
	assert_int_equal(take_events(watching, events, 64), 1);
	watching->queued = 0;
	watching->x.on_writable(&watching->x);
	assert_int_equal(take_events(watching, events, 64), 1);
	assert_event(0, "ADDED", "b");
	answer_free(watching);
}

static void long_beginnings_come_in_parts(void **state)
{
	(void)state;
	accepts = NULL;
	make("a", "1");
	make("b", "1");
	make("c", "1");
	watching = ask_open("GET", CONFIG_MAPS "?watch=true", NULL);
	take_events(watching, events, 64);
	answer_free(watching);
	slow_from_the_start = true;
	watching = ask_open("GET",
			    CONFIG_MAPS "?watch=true&sendInitialEvents=true&allowWatchBookmarks=1&"
					"resourceVersionMatch=NotOlderThan",
			    NULL);
	slow_from_the_start = false;
	assert_int_equal(take_events(watching, events, 64), 1);
	assert_event(0, "ADDED", "a");
	ask_ok(200, "DELETE", CONFIG_MAPS "/b", NULL);
	watching->queued = 0;
	watching->x.on_writable(&watching->x);
	assert_int_equal(take_events(watching, events, 64), 4);
	assert_event(0, "ADDED", "b"); /* as it was when the watch began */
	assert_event(1, "ADDED", "c");
	assert_str(doc_at_str(events[2], "type"), "BOOKMARK");
	assert_event(3, "DELETED", "b");
	answer_free(watching);
}

static void old_revisions_end_with_410(void **state)
{
	(void)state;
	make("a", "1");
	for (u32 i = 0; i < 20000; i++)
		label("a", i % 2 ? "1" : "2");
	watching = ask_open("GET", CONFIG_MAPS "?watch=true&resourceVersion=1", NULL);
	assert_int_equal(take_events(watching, events, 64), 1);
	assert_str(doc_at_str(events[0], "type"), "ERROR");
	assert_int_equal(doc_at_int(events[0], "object.code", 0), 410);
	assert_str(doc_at_str(events[0], "object.reason"), "Expired");
	assert_true(watching->ended);
	answer_free(watching);
}

static void tables_are_watched_row_by_row(void **state)
{
	(void)state;
	accepts = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
	make("a", "1");
	watching = ask_open("GET", CONFIG_MAPS "?watch=true", NULL);
	make("b", "1");
	assert_int_equal(take_events(watching, events, 64), 2);
	assert_str(doc_at_str(events[0], "object.kind"), "Table");
	assert_str(doc_at_str(events[0], "object.rows.0.cells.0"), "a");
	assert_true(doc_len(doc_at(events[0], "object.columnDefinitions")) > 1);
	assert_true(doc_is_null(doc_at(events[1], "object.columnDefinitions")));
	assert_str(doc_at_str(events[1], "object.rows.0.object.metadata.name"), "b");
	answer_free(watching);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cluster_test(tells_what_is_there_and_what_follows),
		cluster_test(goes_on_from_a_list),
		cluster_test(selectors_make_objects_come_and_go),
		cluster_test(one_object_by_name),
		cluster_test(watch_lists_end_with_a_bookmark),
		cluster_test(bookmarks_and_ends_come_with_time),
		cluster_test(waits_for_the_disk),
		cluster_test(a_full_disk_is_told_and_undone),
		cluster_test(a_client_may_leave_while_it_waits),
		cluster_test(slow_readers_are_waited_for),
		cluster_test(long_beginnings_come_in_parts),
		cluster_test(old_revisions_end_with_410),
		cluster_test(tables_are_watched_row_by_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
