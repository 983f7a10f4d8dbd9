/* What pods and nodes use: rates from looks that are taken only when somebody asks. */
#include <stdio.h>

#include "harness.h"
#include "server/usage.h"

static struct usage_look now_used[2];
static u32 now_len;
static u32 looked;

static i32 look_at_pod(void *self, const struct version *pod, struct usage_look *looks, u32 max)
{
	(void)self;
	(void)pod;
	looked++;
	for (u32 i = 0; i < now_len && i < max; i++)
		looks[i] = now_used[i];
	return (i32)MIN(now_len, max);
}

static bool look_at_node(void *self, const struct version *node, struct usage_look *look)
{
	(void)self;
	*look = now_used[0];
	return str_is(node->name, "n1");
}

static const struct usage_source source = { look_at_pod, look_at_node, NULL };

/* A container that has used so much since it started, long ago. */
static void used(u32 at, const char *name, i64 cpu_ms, u64 memory_mib)
{
	now_used[at] = (struct usage_look){ .name = str_of(name),
					    .started_wall_ns = NS_PER_S,
					    .cpu_ns = (u64)(cpu_ms * NS_PER_MS),
					    .cpu_nano = -1,
					    .memory_bytes = memory_mib << 20 };
	now_len = MAX(now_len, at + 1);
}

static const struct doc *answer_doc(struct answer *a)
{
	const struct doc *doc = NULL;

	assert_true(a->done);
	assert_int_equal(json_parse(arena, str_copy(arena, buffer_str(&a->body)), &doc, NULL),
			 ST_OK);
	return doc;
}

static void pass(i64 ms)
{
	wall_ns += ms * NS_PER_MS;
	mono_ns += ms * NS_PER_MS;
	server_tick(server);
}

#define POD(name, labels)                                                                          \
	"{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"" name                   \
	"\",\"labels\":{" labels "}},\"spec\":{\"nodeName\":\"n1\",\"containers\":[{\"name\":"     \
	"\"a\",\"image\":\"i\"},{\"name\":\"b\",\"image\":\"i\"}]}}"

static void a_pod(const char *name, const char *body)
{
	char path[128];

	ask_ok(201, "POST", "/api/v1/namespaces/default/pods", body);
	snprintf(path, sizeof path, "/api/v1/namespaces/default/pods/%s/status", name);
	sends = "application/merge-patch+json";
	ask_ok(200, "PATCH", path, "{\"status\":{\"phase\":\"Running\"}}");
	sends = NULL;
}

#define METRICS "/apis/metrics.k8s.io/v1beta1"

static int begin(void **state)
{
	cluster_up(state);
	now_len = 0;
	looked = 0;
	usage_add_source(server_usage(server), &source);
	a_pod("one", POD("one", "\"app\":\"one\""));
	return 0;
}

static void the_first_answer_waits_for_a_second_look(void **state)
{
	(void)state;
	used(0, "a", 5000, 10);
	used(1, "b", 100, 20);
	struct answer *a = ask_open("GET", METRICS "/namespaces/default/pods/one", NULL);

	assert_false(a->done);
	pass(500);
	assert_false(a->done);
	used(0, "a", 5250, 11);
	used(1, "b", 100, 20);
	pass(500);
	assert_true(a->done);
	assert_int_equal(a->code, 200);
	const struct doc *doc = answer_doc(a);

	assert_str(doc_at_str(doc, "kind"), "PodMetrics");
	assert_str(doc_at_str(doc, "window"), "1.000s");
	assert_str(doc_at_str(doc, "containers.0.usage.cpu"), "250000000n");
	assert_str(doc_at_str(doc, "containers.0.usage.memory"), "11264Ki");
	assert_str(doc_at_str(doc, "containers.1.usage.cpu"), "0");
	answer_free(a);
	/* From now on there is something to compare with. */
	pass(2000);
	used(0, "a", 5550, 11);
	doc = ask_ok(200, "GET", METRICS "/namespaces/default/pods/one", NULL);
	assert_str(doc_at_str(doc, "containers.0.usage.cpu"), "183333333n");
	assert_str(doc_at_str(doc, "window"), "3.000s");
}

static void a_question_that_goes_away_leaves_nothing(void **state)
{
	(void)state;
	used(0, "a", 1, 1);
	answer_free(ask_open("GET", METRICS "/pods", NULL));
	pass(2000);
}

static void an_old_load_is_forgotten_within_half_a_minute(void **state)
{
	i64 cpu_ms = 0;

	(void)state;
	used(0, "a", 0, 1);
	struct answer *first = ask_open("GET", METRICS "/pods", NULL);

	pass(1000);
	answer_free(first);
	for (u32 second = 0; second < 120; second++) {
		pass(1000);
		used(0, "a", cpu_ms += second < 60 ? 1000 : 0, 1);
		const struct doc *doc =
			ask_ok(200, "GET", METRICS "/namespaces/default/pods/one", NULL);
		struct str cpu = doc_at_str(doc, "containers.0.usage.cpu");

		if (second > 30 && second < 60)
			assert_str(cpu, "1000000000n");
		if (second > 90)
			assert_str(cpu, "0");
	}
}

static void nobody_looks_unless_somebody_asks(void **state)
{
	(void)state;
	used(0, "a", 1, 1);
	answer_free(ask_open("GET", METRICS "/pods", NULL));
	looked = 0;
	for (u32 i = 0; i < 600; i++)
		pass(1000);
	assert_int_equal(looked, 0);
}

static void a_container_that_starts_anew_is_measured_from_its_start(void **state)
{
	(void)state;
	used(0, "a", 9000, 1);
	struct answer *a = ask_open("GET", METRICS "/pods", NULL);

	pass(1000);
	answer_free(a);
	used(0, "a", 300, 1);
	now_used[0].started_wall_ns = wall_ns;
	pass(3000);
	const struct doc *doc = ask_ok(200, "GET", METRICS "/pods", NULL);

	assert_str(doc_at_str(doc, "items.0.containers.0.usage.cpu"), "100000000n");
}

static void lists_choose_by_label_and_show_a_table(void **state)
{
	(void)state;
	a_pod("two", POD("two", "\"app\":\"two\""));
	used(0, "a", 10, 3);
	now_used[0].cpu_nano = 5 * NS_PER_MS;
	const struct doc *doc = ask_ok(200, "GET", METRICS "/pods?labelSelector=app%3Dtwo", NULL);

	assert_int_equal(doc_len(doc_at(doc, "items")), 1);
	assert_str(doc_at_str(doc, "items.0.metadata.name"), "two");
	assert_str(doc_at_str(doc, "kind"), "PodMetricsList");
	accepts = "application/json;as=Table;v=v1;g=meta.k8s.io";
	doc = ask_ok(200, "GET", METRICS "/namespaces/default/pods", NULL);
	accepts = NULL;
	assert_str(doc_at_str(doc, "kind"), "Table");
	assert_int_equal(doc_len(doc_at(doc, "rows")), 2);
	assert_str(doc_at_str(doc, "rows.0.cells.1"), "5m");
	assert_str(doc_at_str(doc, "rows.0.cells.2"), "3Mi");
}

static void what_is_not_there_has_no_metrics(void **state)
{
	(void)state;
	ask_fails(404, "NotFound", "podmetrics.metrics.k8s.io \"default/none\" not found", "GET",
		  METRICS "/namespaces/default/pods/none", NULL);
	ask_ok(404, "GET", METRICS "/nodes/n1", NULL);
	ask_ok(405, "DELETE", METRICS "/nodes/n1", NULL);
}

static void nodes_are_measured_too(void **state)
{
	(void)state;
	ask_ok(201, "POST", "/api/v1/nodes",
	       "{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"n1\"}}");
	used(0, "", 10, 2048);
	now_used[0].cpu_nano = 1500 * NS_PER_MS;
	const struct doc *doc = ask_ok(200, "GET", METRICS "/nodes/n1", NULL);

	assert_str(doc_at_str(doc, "usage.cpu"), "1500000000n");
	assert_str(doc_at_str(doc, "usage.memory"), "2097152Ki");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, cluster_down)
		TEST(the_first_answer_waits_for_a_second_look),
		TEST(a_question_that_goes_away_leaves_nothing),
		TEST(an_old_load_is_forgotten_within_half_a_minute),
		TEST(nobody_looks_unless_somebody_asks),
		TEST(a_container_that_starts_anew_is_measured_from_its_start),
		TEST(lists_choose_by_label_and_show_a_table),
		TEST(what_is_not_there_has_no_metrics),
		TEST(nodes_are_measured_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
