/* Patches of every sort, status and scale, and what a generation counts. */
#include "harness.h"

#define CONFIG_MAPS "/api/v1/namespaces/default/configmaps"
#define DEPLOYMENTS "/apis/apps/v1/namespaces/default/deployments"

static const char deployment[] =
	"{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\"},"
	"\"spec\":{\"replicas\":2,\"selector\":{\"matchLabels\":{\"app\":\"web\"}},\"template\":"
	"{\"metadata\":{\"labels\":{\"app\":\"web\"}},\"spec\":{\"containers\":[{\"name\":\"c1\","
	"\"image\":\"i:1\"},{\"name\":\"c2\",\"image\":\"side:1\"}]}}},\"status\":{\"replicas\":9}"
	"}";

static const struct doc *patch(int code, const char *type, const char *target, const char *body)
{
	sends = type;
	const struct doc *result = ask_ok(code, "PATCH", target, body);
	sends = NULL;
	return result;
}

#define MERGE "application/merge-patch+json"
#define STRATEGIC "application/strategic-merge-patch+json"
#define JSON "application/json-patch+json"

static void merge_patches(void **state)
{
	(void)state;
	const struct doc *d;

	ask_ok(201, "POST", CONFIG_MAPS,
	       "{\"metadata\":{\"name\":\"c\",\"labels\":{\"a\":\"1\",\"b\":\"2\"}}}");
	d = patch(200, MERGE, CONFIG_MAPS "/c",
		  "{\"metadata\":{\"labels\":{\"a\":null,\"c\":\"3\"}},\"data\":{\"x\":\"y\"}}");
	assert_string_equal(text_of(doc_at(d, "metadata.labels")), "{\"b\":\"2\",\"c\":\"3\"}");
	assert_str(doc_at_str(d, "data.x"), "y");
	/* Immutable metadata stays what it was. */
	d = patch(200, MERGE, CONFIG_MAPS "/c",
		  "{\"metadata\":{\"creationTimestamp\":\"2001-01-01T00:00:00Z\",\"selfLink\":"
		  "\"/x\"}}");
	assert_str(doc_at_str(d, "metadata.creationTimestamp"), "2023-11-14T22:13:20Z");
	assert_null(doc_at(d, "metadata.selfLink"));
	patch(409, MERGE, CONFIG_MAPS "/c", "{\"metadata\":{\"resourceVersion\":\"1\"}}");
	patch(409, MERGE, CONFIG_MAPS "/c", "{\"metadata\":{\"uid\":\"other\"}}");
	patch(400, MERGE, CONFIG_MAPS "/c", "{\"metadata\":{\"name\":\"other\"}}");
	patch(404, MERGE, CONFIG_MAPS "/none", "{}");
	patch(400, MERGE, CONFIG_MAPS "/c", "[]");
	patch(415, "application/json", CONFIG_MAPS "/c", "{}");
}

static void strategic_patches_merge_containers_by_name(void **state)
{
	(void)state;
	const struct doc *d;

	d = ask_ok(201, "POST", DEPLOYMENTS, deployment);
	assert_int_equal(doc_at_int(d, "metadata.generation", 0), 1);
	assert_int_equal(doc_at_int(d, "status.replicas", 0), 0); /* not the client's to say */
	d = patch(200, STRATEGIC, DEPLOYMENTS "/web",
		  "{\"spec\":{\"template\":{\"spec\":{\"$setElementOrder/containers\":[{\"name\":"
		  "\"c1\"},{\"name\":\"c2\"}],\"containers\":[{\"image\":\"i:3\",\"name\":\"c1\"}]}"
		  "}}}");
	assert_str(doc_at_str(d, "spec.template.spec.containers.0.image"), "i:3");
	assert_str(doc_at_str(d, "spec.template.spec.containers.1.image"), "side:1");
	assert_int_equal(doc_at_int(d, "metadata.generation", 0), 2);
	d = patch(200, STRATEGIC, DEPLOYMENTS "/web",
		  "{\"metadata\":{\"annotations\":{\"x\":\"y\"}}}");
	assert_int_equal(doc_at_int(d, "metadata.generation", 0), 2); /* the spec is the same */
	d = patch(200, STRATEGIC, DEPLOYMENTS "/web", "{\"spec\":{\"paused\":true}}");
	assert_true(doc_at_bool(d, "spec.paused", false));
	d = patch(200, STRATEGIC, DEPLOYMENTS "/web", "{\"spec\":{\"paused\":null}}");
	assert_false(doc_at_bool(d, "spec.paused", false));
}

static void json_patches(void **state)
{
	(void)state;
	const struct doc *d;

	ask_ok(201, "POST", DEPLOYMENTS, deployment);
	d = patch(200, JSON, DEPLOYMENTS "/web",
		  "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":4}]");
	assert_int_equal(doc_at_int(d, "spec.replicas", 0), 4);
	d = patch(422, JSON, DEPLOYMENTS "/web",
		  "[{\"op\":\"test\",\"path\":\"/spec/replicas\",\"value\":5}]");
	assert_true(str_starts(doc_at_str(d, "message"),
			       STR("the server rejected our request due to an error in our "
				   "request")));
	patch(400, JSON, DEPLOYMENTS "/web", "{}");
}

static void a_status_is_written_alone(void **state)
{
	(void)state;
	const struct doc *d;

	ask_ok(201, "POST", DEPLOYMENTS, deployment);
	d = patch(200, MERGE, DEPLOYMENTS "/web/status",
		  "{\"spec\":{\"replicas\":7},\"status\":{\"replicas\":2,\"updatedReplicas\":2}}");
	assert_int_equal(doc_at_int(d, "spec.replicas", 0), 2);
	assert_int_equal(doc_at_int(d, "status.updatedReplicas", 0), 2);
	assert_int_equal(doc_at_int(d, "metadata.generation", 0), 1);
	d = patch(200, MERGE, DEPLOYMENTS "/web",
		  "{\"spec\":{\"replicas\":3},\"status\":{\"replicas\":77}}");
	assert_int_equal(doc_at_int(d, "spec.replicas", 0), 3);
	assert_int_equal(doc_at_int(d, "status.replicas", 0), 2);
	d = ask_ok(200, "GET", DEPLOYMENTS "/web/status", NULL);
	assert_str(doc_at_str(d, "kind"), "Deployment");
}

static void scales(void **state)
{
	(void)state;
	const struct doc *d;

	ask_ok(201, "POST", DEPLOYMENTS, deployment);
	patch(200, MERGE, DEPLOYMENTS "/web/status", "{\"status\":{\"replicas\":2}}");
	d = ask_ok(200, "GET", DEPLOYMENTS "/web/scale", NULL);
	assert_str(doc_at_str(d, "kind"), "Scale");
	assert_str(doc_at_str(d, "apiVersion"), "autoscaling/v1");
	assert_int_equal(doc_at_int(d, "spec.replicas", 0), 2);
	assert_int_equal(doc_at_int(d, "status.replicas", 0), 2);
	assert_str(doc_at_str(d, "status.selector"), "app=web");
	/* kubectl puts it back without a Content-Type. */
	d = ask_ok(200, "PUT", DEPLOYMENTS "/web/scale",
		   text_of(doc_set_int(arena, d, "spec.replicas", 5)));
	assert_int_equal(doc_at_int(d, "spec.replicas", 0), 5);
	d = patch(200, MERGE, DEPLOYMENTS "/web/scale", "{\"spec\":{\"replicas\":3}}");
	assert_int_equal(doc_at_int(d, "spec.replicas", 0), 3);
	d = ask_ok(200, "GET", DEPLOYMENTS "/web", NULL);
	assert_int_equal(doc_at_int(d, "spec.replicas", 0), 3);
	assert_int_equal(doc_at_int(d, "metadata.generation", 0), 3);
	d = patch(422, MERGE, DEPLOYMENTS "/web/scale", "{\"spec\":{\"replicas\":-1}}");
	assert_str(
		doc_at_str(d, "message"),
		"Scale.autoscaling \"web\" is invalid: spec.replicas: Invalid value: -1: must be "
		"greater than or equal to 0");
	ask_ok(409, "PUT", DEPLOYMENTS "/web/scale",
	       "{\"metadata\":{\"name\":\"web\",\"resourceVersion\":\"2\"},\"spec\":{\"replicas\":"
	       "1}}");
}

static void secrets_encode_plain_text(void **state)
{
	(void)state;
	const struct doc *d =
		ask_ok(201, "POST", "/api/v1/namespaces/default/secrets",
		       "{\"metadata\":{\"name\":\"s\"},\"stringData\":{\"k\":\"v\"}}");

	assert_str(doc_at_str(d, "data.k"), "dg==");
	assert_null(doc_at(d, "stringData"));
	assert_str(doc_at_str(d, "type"), "Opaque");
}

static void services_get_addresses(void **state)
{
	(void)state;
	static const char services[] = "/api/v1/namespaces/default/services";
	const struct doc *d,
		*kubernetes =
			ask_ok(200, "GET", "/api/v1/namespaces/default/services/kubernetes", NULL);

	assert_str(doc_at_str(kubernetes, "spec.clusterIP"), "10.96.0.1");
	d = ask_ok(201, "POST", services,
		   "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"type\":\"NodePort\",\"selector\":"
		   "{\"a\":\"b\"},\"ports\":[{\"port\":80}]}}");
	assert_true(str_starts(doc_at_str(d, "spec.clusterIP"), STR("10.96.")));
	assert_true(str_eq(doc_at_str(d, "spec.clusterIP"), doc_at_str(d, "spec.clusterIPs.0")));
	i64 port = doc_at_int(d, "spec.ports.0.nodePort", 0);

	assert_in_range(port, 30000, 32767);
	/* An update that names neither keeps both. */
	d = ask_ok(200, "PUT", "/api/v1/namespaces/default/services/a",
		   "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"type\":\"NodePort\",\"selector\":"
		   "{\"a\":\"c\"},\"ports\":[{\"port\":80}]}}");
	assert_int_equal(doc_at_int(d, "spec.ports.0.nodePort", 0), port);
	const struct doc *twice = ask_ok(
		422, "POST", services,
		str_format(arena,
			   "{\"metadata\":{\"name\":\"b\"},\"spec\":{\"clusterIP\":\"" STR_FMT
			   "\",\"ports\":[{\"port\":80}]}}",
			   STR_ARG(doc_at_str(d, "spec.clusterIP")))
			.at);
	assert_non_null(strstr(text_of(twice), "provided IP is already allocated"));
	twice = ask_ok(422, "POST", services,
		       str_format(arena,
				  "{\"metadata\":{\"name\":\"b\"},\"spec\":{\"type\":\"NodePort\","
				  "\"ports\":[{\"port\":80,\"nodePort\":%d}]}}",
				  (int)port)
			       .at);
	assert_str(doc_at_str(twice, "details.causes.0.field"), "spec.ports[0].nodePort");
	d = ask_ok(201, "POST", services,
		   "{\"metadata\":{\"name\":\"h\"},\"spec\":{\"clusterIP\":\"None\",\"ports\":"
		   "[{\"port\":80}]}}");
	assert_str(doc_at_str(d, "spec.clusterIPs.0"), "None");
	d = ask_ok(201, "POST", services,
		   "{\"metadata\":{\"name\":\"e\"},\"spec\":{\"type\":\"ExternalName\","
		   "\"externalName\":\"example.com\"}}");
	assert_null(doc_at(d, "spec.clusterIP"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cluster_test(merge_patches),
		cluster_test(strategic_patches_merge_containers_by_name),
		cluster_test(json_patches),
		cluster_test(a_status_is_written_alone),
		cluster_test(scales),
		cluster_test(secrets_encode_plain_text),
		cluster_test(services_get_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
