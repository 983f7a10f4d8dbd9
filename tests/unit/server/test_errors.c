/* Failures, word for word as kubectl prints them. */
#include "harness.h"

#define CONFIG_MAPS "/api/v1/namespaces/default/configmaps"
#define PODS "/api/v1/namespaces/default/pods"
#define DEPLOYMENTS "/apis/apps/v1/namespaces/default/deployments"

static const char pod[] =
	"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"np\"},\"spec\":"
	"{\"containers\":[{\"name\":\"c\",\"image\":\"i:1\"}]}}";

static void names_what_is_missing(void **state)
{
	(void)state;
	const struct doc *status =
		ask_fails(404, "NotFound", "pods \"zz\" not found", "GET", PODS "/zz", NULL);

	assert_string_equal(
		text_of(status),
		"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":"
		"\"Failure\",\"message\":\"pods \\\"zz\\\" not found\",\"reason\":"
		"\"NotFound\",\"details\":{\"name\":\"zz\",\"kind\":\"pods\"},\"code\":404}");
	status = ask_fails(404, "NotFound", "deployments.apps \"web\" not found", "DELETE",
			   DEPLOYMENTS "/web", NULL);
	assert_str(doc_at_str(status, "details.group"), "apps");
	ask_fails(404, "NotFound", "namespaces \"none\" not found", "POST",
		  "/api/v1/namespaces/none/configmaps", "{\"metadata\":{\"name\":\"c\"}}");
	ask_fails(404, "NotFound", "the server could not find the requested resource", "GET",
		  "/apis/no.such/v1/things", NULL);
	ask_fails(404, "NotFound", "the server could not find the requested resource", "GET",
		  "/nothing/here", NULL);
	ask_fails(404, "NotFound", "the server could not find the requested resource", "GET",
		  CONFIG_MAPS "/c/scale", NULL);
}

static void names_what_exists(void **state)
{
	(void)state;
	ask_ok(201, "POST", PODS, pod);
	const struct doc *status =
		ask_fails(409, "AlreadyExists", "pods \"np\" already exists", "POST", PODS, pod);

	assert_str(doc_at_str(status, "details.name"), "np");
}

static void methods_that_make_no_sense(void **state)
{
	(void)state;
	static const char not_allowed[] =
		"the server does not allow this method on the requested resource";

	ask_fails(405, "MethodNotAllowed", not_allowed, "POST", CONFIG_MAPS "/c", "{}");
	ask_fails(405, "MethodNotAllowed", not_allowed, "POST", "/api/v1/pods", pod);
	ask_fails(405, "MethodNotAllowed", not_allowed, "BREW", PODS "/np", NULL);
	ask_fails(405, "MethodNotAllowed", not_allowed, "POST", "/version", NULL);
	/* Reviews and bindings are asked, never stored. */
	ask_ok(405, "GET", "/api/v1/namespaces/default/bindings", NULL);
	ask_ok(405, "GET", "/apis/authentication.k8s.io/v1/tokenreviews/x", NULL);
	ask_ok(404, "GET", "/apis/authentication.k8s.io/v1/tokenreviews/x/status", NULL);
	ask_ok(404, "PUT", "/apis/authorization.k8s.io/v1/subjectaccessreviews/x/status", "{}");
	ask_ok(405, "DELETE", "/apis/authentication.k8s.io/v1/tokenreviews", NULL);
}

static void bodies_that_are_not_it(void **state)
{
	(void)state;
	ask_fails(400, "BadRequest",
		  "the API version in the data (apps/v1) does not match the expected API version "
		  "(v1)",
		  "POST", CONFIG_MAPS,
		  "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":"
		  "\"x\"}}");
	ask_ok(400, "POST", CONFIG_MAPS, "{\"kind\":\"Secret\",\"metadata\":{\"name\":\"x\"}}");
	ask_ok(400, "POST", CONFIG_MAPS, "{");
	ask_ok(400, "POST", CONFIG_MAPS, "");
	ask_ok(400, "POST", CONFIG_MAPS, "[1]");
	ask_ok(400, "POST", CONFIG_MAPS, "{\"metadata\":{\"name\":\"x\"},\"data\":3}");
	ask_fails(400, "BadRequest",
		  "the namespace of the provided object does not match the namespace sent on the "
		  "request",
		  "POST", CONFIG_MAPS,
		  "{\"metadata\":{\"name\":\"x\",\"namespace\":\"kube-system\"}}");
	sends = "text/xml";
	ask_fails(
		415, "UnsupportedMediaType",
		"the body of the request was in an unknown format - accepted media types include: "
		"application/json, application/yaml, application/vnd.kubernetes.protobuf",
		"POST", CONFIG_MAPS, "<x/>");
	sends = NULL;
	accepts = "text/csv";
	ask_ok(406, "GET", PODS, NULL);
	accepts = "application/vnd.kubernetes.protobuf,application/json";
	ask_ok(200, "GET", PODS, NULL);
}

static void strict_fields(void **state)
{
	(void)state;
	static const char odd[] = "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":"
				  "{\"name\":\"o\"},\"dota\":{},\"data\":{\"a\":\"1\",\"a\":"
				  "\"2\"}}";
	struct reply_seen seen;

	ask_fails(400, "BadRequest",
		  "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding "
		  "error: duplicate field \"data.a\", unknown field \"dota\"; did you mean "
		  "\"data\"?",
		  "POST", CONFIG_MAPS "?fieldValidation=Strict", odd);
	seen = ask("POST", CONFIG_MAPS "?fieldValidation=Warn&dryRun=All", odd);
	assert_int_equal(seen.code, 201);
	assert_non_null(
		strstr(seen.headers, "Warning: 299 - \"unknown field \\\"dota\\\"; did you mean"));
	assert_non_null(
		strstr(seen.headers, "Warning: 299 - \"duplicate field \\\"data.a\\\"\"\n"));
	seen = ask("POST", CONFIG_MAPS "?fieldValidation=Ignore", odd);
	assert_int_equal(seen.code, 201);
	assert_null(strstr(seen.headers, "Warning"));
	assert_str(doc_at_str(seen.doc, "data.a"), "2");
	assert_null(doc_at(seen.doc, "dota"));
}

static void invalid_objects_name_the_field(void **state)
{
	(void)state;
	const struct doc *status = ask_fails(
		422, "Invalid", "Pod \"np\" is invalid: spec.containers[0].image: Required value",
		"POST", PODS,
		"{\"metadata\":{\"name\":\"np\"},\"spec\":{\"containers\":[{\"name\":\"c\"}]}}");

	assert_str(doc_at_str(status, "details.kind"), "Pod");
	assert_str(doc_at_str(status, "details.name"), "np");
	assert_str(doc_at_str(status, "details.causes.0.field"), "spec.containers[0].image");
	assert_str(doc_at_str(status, "details.causes.0.reason"), "FieldValueRequired");
	assert_str(doc_at_str(status, "details.causes.0.message"), "Required value");
	status = ask_ok(422, "POST", DEPLOYMENTS, "{\"metadata\":{\"name\":\"nd\"},\"spec\":{}}");
	assert_str(doc_at_str(status, "details.kind"), "Deployment");
	assert_str(doc_at_str(status, "details.group"), "apps");
	assert_true(doc_len(doc_at(status, "details.causes")) > 1);
	status = ask_ok(422, "POST", CONFIG_MAPS, "{\"metadata\":{}}");
	assert_str(doc_at_str(status, "details.causes.0.field"), "metadata.name");
	ask_ok(422, "POST", CONFIG_MAPS, "{\"metadata\":{\"name\":\"Not_A_Name\"}}");
}

static void accounts_are_missed_by_name(void **state)
{
	(void)state;
	ask_fails(403, "Forbidden",
		  "pods \"np\" is forbidden: error looking up service account "
		  "kube-system/default: serviceaccount \"default\" not found",
		  "POST", "/api/v1/namespaces/kube-system/pods", pod);
}

static void namespaces_on_their_way_out(void **state)
{
	(void)state;
	const struct doc *status;

	ask_ok(201, "POST", "/api/v1/namespaces", "{\"metadata\":{\"name\":\"n\"}}");
	status = ask_ok(200, "DELETE", "/api/v1/namespaces/n", NULL);
	assert_str(doc_at_str(status, "status.phase"), "Terminating");
	status = ask_fails(403, "Forbidden",
			   "configmaps \"c\" is forbidden: unable to create new content in "
			   "namespace n because it is being terminated",
			   "POST", "/api/v1/namespaces/n/configmaps",
			   "{\"metadata\":{\"name\":\"c\"}}");
	assert_str(doc_at_str(status, "details.causes.0.reason"), "NamespaceTerminating");
	ask_ok(200, "PUT", "/api/v1/namespaces/n/finalize",
	       "{\"metadata\":{\"name\":\"n\"},\"spec\":{\"finalizers\":[]}}");
	ask_ok(404, "GET", "/api/v1/namespaces/n", NULL);
	ask_fails(403, "Forbidden",
		  "namespaces \"default\" is forbidden: this namespace may not be deleted",
		  "DELETE", "/api/v1/namespaces/default", NULL);
}

static void preconditions(void **state)
{
	(void)state;
	const struct doc *made =
		ask_ok(201, "POST", CONFIG_MAPS, "{\"metadata\":{\"name\":\"c\"}}");
	struct str uid = doc_at_str(made, "metadata.uid");

	ask_fails(409, "Conflict",
		  str_format(arena,
			     "Operation cannot be fulfilled on configmaps \"c\": Precondition "
			     "failed: UID in precondition: x, UID in object meta: " STR_FMT,
			     STR_ARG(uid))
			  .at,
		  "DELETE", CONFIG_MAPS "/c", "{\"preconditions\":{\"uid\":\"x\"}}");
	ask_ok(409, "DELETE", CONFIG_MAPS "/c", "{\"preconditions\":{\"resourceVersion\":\"1\"}}");
	ask_ok(422, "DELETE", CONFIG_MAPS "/c", "{\"propagationPolicy\":\"Sideways\"}");
	ask_ok(200, "DELETE", CONFIG_MAPS "/c",
	       str_format(arena, "{\"preconditions\":{\"uid\":\"" STR_FMT "\"}}", STR_ARG(uid)).at);
}

static void queries_that_make_no_sense(void **state)
{
	(void)state;
	ask_ok(400, "GET", PODS "?labelSelector=a%20b", NULL);
	ask_fails(400, "BadRequest", "field label not supported: spec.nothing", "GET",
		  PODS "?fieldSelector=spec.nothing%3Dx", NULL);
	ask_ok(400, "GET", PODS "?limit=many", NULL);
	ask_ok(400, "GET", PODS "?continue=%21%21", NULL);
	ask_ok(400, "GET", PODS "?resourceVersion=x", NULL);
	const struct doc *status = ask_ok(504, "GET", PODS "?resourceVersion=99999999", NULL);

	assert_str(doc_at_str(status, "details.causes.0.reason"), "ResourceVersionTooLarge");
	assert_int_equal(doc_at_int(status, "details.retryAfterSeconds", 0), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cluster_test(names_what_is_missing),
		cluster_test(names_what_exists),
		cluster_test(methods_that_make_no_sense),
		cluster_test(bodies_that_are_not_it),
		cluster_test(strict_fields),
		cluster_test(invalid_objects_name_the_field),
		cluster_test(accounts_are_missed_by_name),
		cluster_test(namespaces_on_their_way_out),
		cluster_test(preconditions),
		cluster_test(queries_that_make_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
