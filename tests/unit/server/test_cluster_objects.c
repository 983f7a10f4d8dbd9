/* What the API server says of itself in objects. */
#include "harness.h"

#define API_SERVICES "/apis/apiregistration.k8s.io/v1/apiservices"

static void every_group_version_has_its_service(void **state)
{
	(void)state;
	const struct doc *list = ask_ok(200, "GET", API_SERVICES, NULL), *one;

	assert_true(doc_len(doc_key(list, "items")) > 15);
	one = ask_ok(200, "GET", API_SERVICES "/v1.apps", NULL);
	assert_str(doc_at_str(one, "spec.group"), "apps");
	assert_str(doc_at_str(one, "status.conditions.0.status"), "True");
	assert_str(doc_at_str(one, "status.conditions.0.message"),
		   "Local APIServices are always available");
	one = ask_ok(200, "GET", API_SERVICES "/v1.", NULL);
	assert_int_equal(doc_at_int(one, "spec.groupPriorityMinimum", 0), 18000);
}

static void definitions_bring_theirs_and_take_them_away(void **state)
{
	(void)state;
	static const char definition[] =
		"{\"metadata\":{\"name\":\"things.example.com\"},\"spec\":{\"group\":"
		"\"example.com\",\"scope\":\"Cluster\",\"names\":{\"plural\":\"things\",\"kind\":"
		"\"Thing\"},\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true,"
		"\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\"}}}]}}";
#define DEFINITIONS "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

	ask_ok(201, "POST", DEFINITIONS, definition);
	server_tick(server);
	ask_ok(200, "GET", API_SERVICES "/v1.example.com", NULL);
	ask_ok(200, "DELETE", DEFINITIONS "/things.example.com", NULL);
	sends = "application/merge-patch+json";
	ask_ok(200, "PATCH", DEFINITIONS "/things.example.com",
	       "{\"metadata\":{\"finalizers\":null}}");
	sends = NULL;
	server_tick(server);
	assert_int_equal(ask("GET", API_SERVICES "/v1.example.com", NULL).code, 404);
}

static void other_servers_are_not_asked(void **state)
{
	(void)state;
	const struct doc *made =
		ask_ok(201, "POST", API_SERVICES,
		       "{\"metadata\":{\"name\":\"v1.other.io\"},\"spec\":{\"group\":\"other.io\","
		       "\"version\":\"v1\",\"groupPriorityMinimum\":100,\"versionPriority\":10,"
		       "\"service\":{\"namespace\":\"a\",\"name\":\"b\"}}}");

	assert_str(doc_at_str(made, "status.conditions.0.status"), "False");
	assert_str(doc_at_str(made, "status.conditions.0.message"),
		   "this server does not pass requests on to other API servers");
	assert_int_equal(doc_at_int(made, "spec.service.port", 0), 443);
	ask_fails(422, "Invalid",
		  "APIService.apiregistration.k8s.io \"x\" is invalid: metadata.name: Invalid "
		  "value: \"x\": must be `spec.version+\".\"+spec.group`: \"v1.other.io\"",
		  "POST", API_SERVICES,
		  "{\"metadata\":{\"name\":\"x\"},\"spec\":{\"group\":\"other.io\",\"version\":"
		  "\"v1\",\"groupPriorityMinimum\":100,\"versionPriority\":10}}");
}

static void what_is_only_stored_comes_with_a_warning(void **state)
{
	(void)state;
	struct reply_seen seen = ask(
		"POST", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
		"{\"metadata\":{\"name\":\"b\"},\"spec\":{\"policyName\":\"p\","
		"\"validationActions\":["
		"\"Deny\"]}}");

	assert_int_equal(seen.code, 201);
	assert_non_null(strstr(seen.headers, "Warning: 299 - \"this server does not evaluate "
					     "expressions in CEL: the policy is stored, but "
					     "refuses nothing\""));
}

static void the_control_plane_is_well(void **state)
{
	(void)state;
	const struct doc *list = ask_ok(200, "GET", "/api/v1/componentstatuses", NULL);

	assert_int_equal(doc_len(doc_key(list, "items")), 3);
	assert_str(doc_at_str(list, "items.0.metadata.name"), "controller-manager");
	assert_str(doc_at_str(list, "items.0.conditions.0.status"), "True");
	assert_int_equal(ask("POST", "/api/v1/componentstatuses", "{}").code, 405);
	list = ask_ok(200, "GET", "/apis/networking.k8s.io/v1/servicecidrs/kubernetes", NULL);
	assert_str(doc_at_str(list, "status.conditions.0.type"), "Ready");
	assert_int_equal(doc_len(doc_at(list, "spec.cidrs")), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cluster_test(every_group_version_has_its_service),
		cluster_test(definitions_bring_theirs_and_take_them_away),
		cluster_test(other_servers_are_not_asked),
		cluster_test(what_is_only_stored_comes_with_a_warning),
		cluster_test(the_control_plane_is_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
