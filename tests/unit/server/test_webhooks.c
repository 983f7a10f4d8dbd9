/* Admission webhooks: who is asked, what their answers do, and what happens when none comes. */
#include "harness.h"

#include "base/base64.h"
#include "server/verbs.h"
#include "server/webhook.h"

#define MAPS "/api/v1/namespaces/default/configmaps"
#define MUTATING "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
#define VALIDATING "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
#define MAP "{\"metadata\":{\"name\":\"m\"},\"data\":{\"a\":\"b\"}}"

/* ---- a door that waits for the test to answer */

static struct asked {
	struct webhook_request request;
	const struct doc *review;
	void (*done)(void *asker, enum status status, const char *why, int code, struct str body);
	void *asker;
} asked[32];
static u32 asked_len;

static void door_call(void *self, const struct webhook_request *request,
		      void (*done)(void *asker, enum status status, const char *why, int code,
				   struct str body),
		      void *asker)
{
	struct asked *a = &asked[asked_len++];

	(void)self;
	assert_true(asked_len <= ARRAY_LEN(asked));
	a->request = *request;
	a->request.url = str_copy(arena, request->url);
	a->request.server_name = str_copy(arena, request->server_name);
	a->request.target = str_copy(arena, request->target);
	assert_int_equal(json_parse(arena, str_copy(arena, request->body), &a->review, NULL),
			 ST_OK);
	a->done = done;
	a->asker = asker;
}

static const struct webhook_door test_door = { door_call, NULL };

static int webhooks_up(void **state)
{
	static const struct server_config config = { .webhooks = &test_door };

	(void)state;
	asked_len = 0;
	make_cluster(&config);
	ask_ok(201, "POST", "/api/v1/namespaces/default/serviceaccounts",
	       "{\"metadata\":{\"name\":\"default\"}}");
	return 0;
}

/* Answers the oldest question with `response`, the JSON behind the uid. */
static void answer(const char *response)
{
	struct asked a = asked[0];
	const char *uid = str_c(arena, doc_at_str(a.review, "request.uid"));

	assert_true(asked_len > 0);
	memmove(asked, asked + 1, sizeof *asked * --asked_len);
	a.done(a.asker, ST_OK, NULL, 200,
	       str_format(arena,
			  "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\","
			  "\"response\":{\"uid\":\"%s\",%s}}",
			  uid, response));
}

static void answer_nothing(enum status status, const char *why)
{
	struct asked a = asked[0];

	memmove(asked, asked + 1, sizeof *asked * --asked_len);
	a.done(a.asker, status, why, 0, STR(""));
}

static void answer_patch(const char *patch)
{
	answer(str_format(arena,
			  "\"allowed\":true,\"patchType\":\"JSONPatch\",\"patch\":\"" STR_FMT "\"",
			  STR_ARG(base64_encode(arena, str_of(patch))))
		       .at);
}

static void hook(const char *where, const char *name, const char *more)
{
	ask_ok(201, "POST", where,
	       str_format(
		       arena,
		       "{\"metadata\":{\"name\":\"%s\"},\"webhooks\":[{\"name\":\"%s.example.com\","
		       "\"clientConfig\":{\"url\":\"https://127.0.0.1:9443/%s\"},"
		       "\"sideEffects\":\"None\",\"admissionReviewVersions\":[\"v1\"],"
		       "\"rules\":[{\"operations\":[\"*\"],\"apiGroups\":[\"\"],\"apiVersions\":["
		       "\"*\"],\"resources\":[\"configmaps\"]}]%s}]}",
		       name, name, name, more)
		       .at);
}

static const struct doc *done(struct answer *a, int code)
{
	const struct doc *doc;

	assert_true(a->done);
	if (a->code != code)
		fail_msg("%d instead of %d: " STR_FMT, a->code, code,
			 STR_ARG(buffer_str(&a->body)));
	assert_int_equal(json_parse(arena, str_copy(arena, buffer_str(&a->body)), &doc, NULL),
			 ST_OK);
	answer_free(a);
	return doc;
}

/* ---- */

static void objects_are_changed_before_they_are_stored(void **state)
{
	struct answer *a;
	const struct doc *request, *map;

	(void)state;
	hook(MUTATING, "change", "");
	a = ask_open("POST", MAPS, MAP);
	assert_false(a->done);
	assert_int_equal(asked_len, 1);
	assert_str(asked[0].request.url, "https://127.0.0.1:9443");
	assert_str(asked[0].request.target, "/change?timeout=10s");
	assert_int_equal(asked[0].request.timeout_ms, 10000);
	request = doc_key(asked[0].review, "request");
	assert_str(doc_at_str(asked[0].review, "apiVersion"), "admission.k8s.io/v1");
	assert_str(doc_at_str(request, "operation"), "CREATE");
	assert_str(doc_at_str(request, "resource.resource"), "configmaps");
	assert_str(doc_at_str(request, "namespace"), "default");
	assert_str(doc_at_str(request, "userInfo.username"), "kubernetes-admin");
	assert_str(doc_at_str(request, "object.kind"), "ConfigMap");
	assert_str(doc_at_str(request, "object.data.a"), "b");
	assert_str(doc_at_str(request, "options.kind"), "CreateOptions");
	/* Time goes on, the object keeps the one it was asked about with. */
	wall_ns += 5 * NS_PER_S;
	struct str uid = doc_at_str(request, "object.metadata.uid");

	answer_patch("[{\"op\":\"add\",\"path\":\"/data/seen\",\"value\":\"yes\"}]");
	map = done(a, 201);
	assert_str(doc_at_str(map, "data.seen"), "yes");
	assert_true(str_eq(doc_at_str(map, "metadata.uid"), uid));
	assert_str(doc_at_str(ask_ok(200, "GET", MAPS "/m", NULL), "data.seen"), "yes");
}

static void refusals_carry_their_words(void **state)
{
	struct answer *a;
	const struct doc *status;

	(void)state;
	hook(VALIDATING, "no", "");
	a = ask_open("POST", MAPS, MAP);
	answer("\"allowed\":false,\"status\":{\"code\":403,\"message\":\"not here\"}");
	status = done(a, 403);
	assert_str(doc_at_str(status, "message"),
		   "admission webhook \"no.example.com\" denied the request: not here");
	a = ask_open("POST", MAPS, MAP);
	answer("\"allowed\":false");
	assert_str(doc_at_str(done(a, 400), "message"),
		   "admission webhook \"no.example.com\" denied the request without explanation");
	a = ask_open("POST", MAPS, MAP);
	answer("\"allowed\":true,\"warnings\":[\"mind the gap\"]");
	assert_non_null(strstr(str_copy(arena, buffer_str(&a->headers)).at,
			       "Warning: 299 - \"mind the gap\""));
	done(a, 201);
	/* Deletes are asked about too, with what was there. */
	a = ask_open("DELETE", MAPS "/m", NULL);
	assert_str(doc_at_str(asked[0].review, "request.operation"), "DELETE");
	assert_str(doc_at_str(asked[0].review, "request.oldObject.data.a"), "b");
	answer("\"allowed\":false,\"status\":{\"code\":403,\"message\":\"stay\"}");
	done(a, 403);
	ask_ok(200, "GET", MAPS "/m", NULL);
	a = ask_open("DELETE", MAPS, NULL);
	answer("\"allowed\":true");
	done(a, 200);
	ask_ok(404, "GET", MAPS "/m", NULL);
}

static void no_answer_is_held_against_the_write_or_not(void **state)
{
	struct answer *a;

	(void)state;
	hook(VALIDATING, "fails", "");
	a = ask_open("POST", MAPS, MAP);
	answer_nothing(ST_TIMEOUT, "too late");
	assert_str(
		doc_at_str(done(a, 500), "message"),
		"Internal error occurred: failed calling webhook \"fails.example.com\": failed to "
		"call webhook: Post \"https://127.0.0.1:9443/fails?timeout=10s\": context "
		"deadline exceeded");
	a = ask_open("POST", MAPS, MAP);
	answer("\"allowed\":true,\"uid\":\"another\"");
	assert_non_null(strstr(doc_at_str(done(a, 500), "message").at, "expected response.uid="));
	ask_ok(200, "DELETE", VALIDATING "/fails", NULL);
	hook(VALIDATING, "ignored", ",\"failurePolicy\":\"Ignore\",\"timeoutSeconds\":1");
	a = ask_open("POST", MAPS, MAP);
	assert_int_equal(asked[0].request.timeout_ms, 1000);
	answer_nothing(ST_UNAVAILABLE, "connection refused");
	done(a, 201);
}

static void services_are_found_by_their_endpoints(void **state)
{
	struct answer *a;

	(void)state;
	ask_ok(201, "POST", VALIDATING,
	       "{\"metadata\":{\"name\":\"s\"},\"webhooks\":[{\"name\":\"s.example.com\","
	       "\"clientConfig\":{\"service\":{\"namespace\":\"default\",\"name\":\"hook\","
	       "\"path\":"
	       "\"/"
	       "check\"}},\"sideEffects\":\"None\",\"admissionReviewVersions\":[\"v1\"],\"rules\":"
	       "[{\"operations\":[\"CREATE\"],\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],"
	       "\"resources\":[\"configmaps\"]}]}]}");
	assert_str(
		doc_at_str(ask_ok(500, "POST", MAPS, MAP), "message"),
		"Internal error occurred: failed calling webhook \"s.example.com\": failed to call "
		"webhook: Post \"https://hook.default.svc:443/check?timeout=10s\": service "
		"\"hook\" not found");
	ask_ok(201, "POST", "/api/v1/namespaces/default/services",
	       "{\"metadata\":{\"name\":\"hook\"},\"spec\":{\"ports\":[{\"port\":443}]}}");
	assert_non_null(strstr(ask("POST", MAPS, MAP).body,
			       "no endpoints available for service \\\"hook\\\""));
	ask_ok(201, "POST", "/api/v1/namespaces/default/endpoints",
	       "{\"metadata\":{\"name\":\"hook\"},\"subsets\":[{\"addresses\":[{\"ip\":\"10.1.2."
	       "3\"}],"
	       "\"ports\":[{\"port\":8443}]}]}");
	a = ask_open("POST", MAPS, MAP);
	assert_str(asked[0].request.url, "https://10.1.2.3:8443");
	assert_str(asked[0].request.server_name, "hook.default.svc");
	answer("\"allowed\":true");
	done(a, 201);
}

static void only_what_is_selected_is_asked_about(void **state)
{
	(void)state;
	hook(VALIDATING, "picky",
	     ",\"objectSelector\":{\"matchLabels\":{\"a\":\"b\"}},\"namespaceSelector\":{"
	     "\"matchLabels\":{\"asked\":\"yes\"}}");
	ask_ok(201, "POST", MAPS, MAP);
	ask_ok(201, "POST", "/api/v1/namespaces/default/secrets",
	       "{\"metadata\":{\"name\":\"s\"}}");
	ask_ok(201, "POST", "/api/v1/namespaces",
	       "{\"metadata\":{\"name\":\"asked\",\"labels\":{\"asked\":\"yes\"}}}");
	ask_ok(201, "POST", "/api/v1/namespaces/asked/configmaps", MAP);
	assert_int_equal(asked_len, 0);
	struct answer *a = ask_open("POST", "/api/v1/namespaces/asked/configmaps?dryRun=All",
				    "{\"metadata\":{\"name\":\"n\",\"labels\":{\"a\":\"b\"}}}");

	assert_int_equal(asked_len, 1);
	assert_true(doc_at_bool(asked[0].review, "request.dryRun", false));
	answer("\"allowed\":true");
	done(a, 201);
	ask_ok(404, "GET", "/api/v1/namespaces/asked/configmaps/n", NULL);
	ask_ok(422, "POST", VALIDATING,
	       "{\"metadata\":{\"name\":\"cel\"},\"webhooks\":[{\"name\":\"cel.example.com\","
	       "\"clientConfig\":{\"url\":\"https://x\"},\"sideEffects\":\"None\","
	       "\"admissionReviewVersions\":[\"v1\"],\"matchConditions\":[{\"name\":\"n\","
	       "\"expression\":\"true\"}]}]}");
}

static void a_moved_object_is_asked_about_again(void **state)
{
	struct answer *a, *b;

	(void)state;
	ask_ok(201, "POST", MAPS, MAP);
	hook(VALIDATING, "v", "");
	sends = "application/merge-patch+json";
	a = ask_open("PATCH", MAPS "/m", "{\"data\":{\"one\":\"1\"}}");
	b = ask_open("PATCH", MAPS "/m", "{\"data\":{\"two\":\"2\"}}");
	assert_int_equal(asked_len, 2);
	answer("\"allowed\":true");
	done(a, 200);
	/* The second patch was judged on an object that is no more. */
	answer("\"allowed\":true");
	assert_false(b->done);
	assert_int_equal(asked_len, 1);
	assert_str(doc_at_str(asked[0].review, "request.object.data.one"), "1");
	answer("\"allowed\":true");
	assert_str(doc_at_str(done(b, 200), "data.one"), "1");
}

static void a_client_that_goes_is_forgotten(void **state)
{
	struct answer *a;

	(void)state;
	hook(VALIDATING, "v", "");
	a = ask_open("POST", MAPS, MAP);
	answer_free(a);
	answer("\"allowed\":true");
	ask_ok(404, "GET", MAPS "/m", NULL);
}

static void mutators_run_in_turn_and_again_if_they_want(void **state)
{
	struct answer *a;

	(void)state;
	hook(MUTATING, "a-first", ",\"reinvocationPolicy\":\"IfNeeded\"");
	hook(MUTATING, "b-second", "");
	a = ask_open("POST", MAPS, MAP);
	answer_patch("[{\"op\":\"add\",\"path\":\"/data/first\",\"value\":\"1\"}]");
	assert_str(doc_at_str(asked[0].review, "request.object.data.first"), "1");
	answer_patch("[{\"op\":\"add\",\"path\":\"/data/second\",\"value\":\"2\"}]");
	assert_int_equal(asked_len, 1);
	assert_str(asked[0].request.target, "/a-first?timeout=10s");
	assert_str(doc_at_str(asked[0].review, "request.object.data.second"), "2");
	answer("\"allowed\":true");
	done(a, 201);
}

static void callers_who_do_not_wait_try_again(void **state)
{
	const struct api_kind *kind = schema_kind(schema, KIND_ConfigMap);
	struct call call = { .server = server, .arena = arena };
	struct error error = ERROR_INIT;
	struct outcome outcome;
	const struct doc *body;
	struct str name;

	(void)state;
	hook(MUTATING, "m", "");
	assert_int_equal(
		json_parse(arena, STR("{\"metadata\":{\"generateName\":\"g-\"}}"), &body, NULL),
		ST_OK);
	assert_int_equal(
		verb_create(&call, kind, STR("default"), STR(""), STR(""), body, &outcome, &error),
		ST_CONFLICT);
	assert_int_equal(asked_len, 1);
	name = str_copy(arena, doc_at_str(asked[0].review, "request.object.metadata.name"));
	error_clear(&error);
	assert_int_equal(
		verb_create(&call, kind, STR("default"), STR(""), STR(""), body, &outcome, &error),
		ST_CONFLICT);
	assert_int_equal(asked_len, 1); /* still the same question */
	answer_patch("[{\"op\":\"add\",\"path\":\"/data\",\"value\":{\"a\":\"b\"}}]");
	assert_int_equal(
		verb_create(&call, kind, STR("default"), STR(""), STR(""), body, &outcome, NULL),
		ST_OK);
	assert_true(str_eq(outcome.version->name, name));
	assert_str(doc_at_str(outcome.doc, "data.a"), "b");
	/* The next one is another object. */
	(void)!verb_create(&call, kind, STR("default"), STR(""), STR(""), body, &outcome, NULL);
	assert_false(str_eq(doc_at_str(asked[0].review, "request.object.metadata.name"), name));
	answer("\"allowed\":true");
}

#define webhook_test(f) cmocka_unit_test_setup_teardown(f, webhooks_up, cluster_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		webhook_test(objects_are_changed_before_they_are_stored),
		webhook_test(refusals_carry_their_words),
		webhook_test(no_answer_is_held_against_the_write_or_not),
		webhook_test(services_are_found_by_their_endpoints),
		webhook_test(only_what_is_selected_is_asked_about),
		webhook_test(a_moved_object_is_asked_about_again),
		webhook_test(a_client_that_goes_is_forgotten),
		webhook_test(mutators_run_in_turn_and_again_if_they_want),
		webhook_test(callers_who_do_not_wait_try_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
