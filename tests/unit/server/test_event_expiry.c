/* Events go an hour after they were last seen, whatever times they carry. */
#include "harness.h"

#include "base/timestamp.h"

#define EVENTS "/api/v1/namespaces/default/events"
#define SERIES "/apis/events.k8s.io/v1/namespaces/default/events"

static void pass(i64 seconds)
{
	for (i64 i = 0; i < seconds; i += 10) {
		wall_ns += 10 * NS_PER_S;
		mono_ns += 10 * NS_PER_S;
		server_tick(server);
	}
}

static void tell(const char *name)
{
	const char *now = timestamp_print(arena, wall_ns).at;

	ask_ok(201, "POST", EVENTS,
	       str_format(arena,
			  "{\"metadata\":{\"name\":\"%s\"},\"involvedObject\":{\"namespace\":"
			  "\"default\"},\"firstTimestamp\":\"%s\",\"lastTimestamp\":\"%s\","
			  "\"count\":1}",
			  name, now, now)
		       .at);
}

static void events_go_after_an_hour(void **state)
{
	(void)state;
	tell("old");
	pass(3000);
	tell("young");
	pass(1000);
	ask_ok(404, "GET", EVENTS "/old", NULL);
	ask_ok(200, "GET", EVENTS "/young", NULL);
	pass(3600);
	ask_ok(404, "GET", EVENTS "/young", NULL);
}

static void what_is_seen_again_stays(void **state)
{
	(void)state;
	tell("again");
	pass(3000);
	sends = "application/merge-patch+json";
	ask_ok(200, "PATCH", EVENTS "/again",
	       str_format(arena, "{\"count\":2,\"lastTimestamp\":\"" STR_FMT "\"}",
			  STR_ARG(timestamp_print(arena, wall_ns)))
		       .at);
	sends = NULL;
	pass(3000);
	ask_ok(200, "GET", EVENTS "/again", NULL);
	pass(1000);
	ask_ok(404, "GET", EVENTS "/again", NULL);
}

static void series_of_the_newer_api_count_too(void **state)
{
	const char *now = timestamp_print_micro(arena, wall_ns).at;

	(void)state;
	ask_ok(201, "POST", SERIES,
	       str_format(arena,
			  "{\"metadata\":{\"name\":\"s\"},\"eventTime\":\"%s\",\"action\":\"A\","
			  "\"reason\":\"R\",\"type\":\"Normal\",\"reportingController\":"
			  "\"example.com/c\",\"reportingInstance\":\"i\",\"regarding\":{"
			  "\"namespace\":\"default\",\"kind\":\"Pod\",\"name\":\"p\"}}",
			  now)
		       .at);
	pass(3000);
	sends = "application/merge-patch+json";
	ask_ok(200, "PATCH", SERIES "/s",
	       str_format(arena, "{\"series\":{\"count\":5,\"lastObservedTime\":\"" STR_FMT "\"}}",
			  STR_ARG(timestamp_print_micro(arena, wall_ns)))
		       .at);
	sends = NULL;
	pass(3000);
	const struct doc *event = ask_ok(200, "GET", EVENTS "/s", NULL);

	assert_int_equal(doc_at_int(event, "series.count", 0), 5);
	assert_str(doc_at_str(event, "involvedObject.name"), "p");
	pass(1000);
	ask_ok(404, "GET", EVENTS "/s", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cluster_test(events_go_after_an_hour),
		cluster_test(what_is_seen_again_stays),
		cluster_test(series_of_the_newer_api_count_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
