/* Fair shares under overload, health in words, and what /metrics tells. */
#include "harness.h"

#include "server/flow.h"

#define PODS "/api/v1/namespaces/default/pods"

static const struct http_peer greedy = { .secure = true, .common_name = STR_INIT("greedy") };
static const struct http_peer modest = { .secure = true, .common_name = STR_INIT("modest") };

static int up(void **state)
{
	cluster_up(state);
	ask_ok(201, "POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
	       "{\"metadata\":{\"name\":\"all\"},\"roleRef\":{\"apiGroup\":"
	       "\"rbac.authorization.k8s.io\",\"kind\":\"ClusterRole\",\"name\":\"system:aggregate-"
	       "to-view\"},"
	       "\"subjects\":[{\"kind\":\"User\",\"apiGroup\":\"rbac.authorization.k8s.io\","
	       "\"name\":\"greedy\"},{\"kind\":\"User\",\"apiGroup\":"
	       "\"rbac.authorization.k8s.io\",\"name\":\"modest\"}]}");
	return 0;
}

static u32 refused_of(const struct http_peer *who, u32 requests)
{
	u32 refused = 0;

	peer = who;
	for (u32 i = 0; i < requests; i++) {
		struct reply_seen seen = ask("GET", PODS, NULL);

		if (seen.code == 429) {
			refused++;
			assert_non_null(strstr(seen.headers, "Retry-After: 1"));
			assert_str(doc_at_str(seen.doc, "reason"), "TooManyRequests");
		} else {
			assert_int_equal(seen.code, 200);
		}
	}
	peer = &admin_peer;
	return refused;
}

static void whoever_takes_too_much_waits_and_others_do_not(void **state)
{
	u32 refused = 0;

	(void)state;
	mono_step_ns =
		NS_PER_MS; /* a busy server: a request costs milliseconds, and there is no pause */
	for (u32 round = 0; round < 200; round++) {
		refused += refused_of(&greedy, 8);
		assert_int_equal(refused_of(&modest, 1), 0);
		ask_ok(200, "GET", PODS, NULL); /* administrators are never refused */
		peer = &modest;
		assert_int_equal(ask("GET", "/healthz", NULL).code, 200);
		peer = &admin_peer;
	}
	assert_true(refused > 100);
}

static void alone_nobody_is_refused(void **state)
{
	(void)state;
	mono_step_ns = NS_PER_MS;
	assert_int_equal(refused_of(&greedy, 2000), 0);
}

static void an_idle_server_refuses_nobody(void **state)
{
	(void)state;
	mono_step_ns = NS_PER_MS;
	for (u32 round = 0; round < 100; round++) {
		assert_int_equal(refused_of(&greedy, 8) + refused_of(&modest, 1), 0);
		mono_ns += 200 * NS_PER_MS;
	}
}

static void health_is_told_in_words(void **state)
{
	(void)state;
	assert_string_equal(ask("GET", "/livez", NULL).body, "ok");
	assert_string_equal(ask("GET", "/readyz/etcd", NULL).body, "ok");
	assert_string_equal(ask("GET", "/healthz?verbose", NULL).body,
			    "[+]ping ok\n[+]log ok\n[+]etcd ok\n[+]started ok\nhealthz check "
			    "passed\n");
	assert_string_equal(ask("GET", "/readyz?verbose&exclude=etcd&exclude=x", NULL).body,
			    "[+]ping ok\n[+]log ok\n[+]etcd excluded: ok\n[+]started ok\nwarn: "
			    "some health checks cannot be excluded: no matches for \"x\"\nreadyz "
			    "check passed\n");
	server_set_ready(server, false);
	struct reply_seen seen = ask("GET", "/readyz", NULL);

	assert_int_equal(seen.code, 500);
	assert_non_null(
		strstr(seen.body, "[-]started failed: reason withheld\nreadyz check failed"));
	assert_int_equal(ask("GET", "/readyz?exclude=started", NULL).code, 200);
	assert_int_equal(ask("GET", "/livez", NULL).code, 200);
	assert_int_equal(ask("GET", "/readyz/nothing", NULL).code, 404);
}

static void tell_more(void *self, struct buffer *out)
{
	buffer_add_format(out, "more_total %d\n", *(int *)self);
}

static void metrics_count_requests_by_what_they_were(void **state)
{
	int seven = 7;

	(void)state;
	server_add_metrics(server, &(struct metrics_source){ tell_more, &seven });
	ask_ok(404, "GET", PODS "/none", NULL);
	ask_ok(200, "GET", PODS, NULL);
	ask_ok(200, "GET", PODS, NULL);
	ask("GET", "/api/v1/namespaces/default/widgets", NULL);
	const char *text = ask("GET", "/metrics", NULL).body;

	assert_non_null(strstr(text, "apiserver_request_total{verb=\"LIST\",group=\"\",version="
				     "\"v1\",resource=\"pods\",subresource=\"\",scope=\"namespace\""
				     ",component=\"apiserver\",dry_run=\"\",code=\"200\"} 2\n"));
	assert_non_null(strstr(text, "resource=\"pods\",subresource=\"\",scope=\"resource\","
				     "component=\"apiserver\",dry_run=\"\",code=\"404\"} 1\n"));
	assert_non_null(strstr(text, "apiserver_request_duration_seconds_bucket{verb=\"LIST\""));
	assert_non_null(strstr(text, "le=\"+Inf\"} 2\n"));
	assert_non_null(strstr(text, "more_total 7\n"));
	assert_non_null(strstr(text, "apiserver_storage_objects{resource=\"pods\"} 0\n"));
	assert_null(strstr(text, "widgets")); /* strangers' words make no series */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, cluster_down)
		TEST(whoever_takes_too_much_waits_and_others_do_not),
		TEST(alone_nobody_is_refused),
		TEST(an_idle_server_refuses_nobody),
		TEST(health_is_told_in_words),
		TEST(metrics_count_requests_by_what_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
