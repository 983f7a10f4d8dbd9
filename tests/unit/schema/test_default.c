/* Defaults, and that defaulting twice changes nothing. */
#include "../unit.h"

#include <stdio.h>

#include "doc/json.h"
#include "schema/decode.h"
#include "schema/default.h"

static struct arena *arena;

static const struct doc *defaulted(const char *api_version, const char *kind, const char *text)
{
	struct schema *schema = schema_new();
	const struct api_kind *k = schema_find_kind(schema, str_of(api_version), str_of(kind));
	const struct doc *in, *out;

	assert_non_null(k);
	assert_int_equal(json_parse(arena, str_of(text), &in, NULL), ST_OK);
	assert_int_equal(schema_decode(arena, schema, k, in, &out, NULL, NULL), ST_OK);
	out = schema_default(arena, schema, k, out);
	assert_ptr_equal(out, schema_default(arena, schema, k, out));
	schema_free(schema);
	return out;
}

static void a_pod_gets_kubernetes_defaults(void **state)
{
	(void)state;
	const struct doc *pod =
		defaulted("v1", "Pod",
			  "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"volumes\":[{\"name\":\"v\"}],"
			  "\"containers\":[{\"name\":\"c\",\"image\":\"nginx\",\"ports\":[{"
			  "\"containerPort\":80}],"
			  "\"resources\":{\"limits\":{\"cpu\":\"1\"}},\"livenessProbe\":{"
			  "\"httpGet\":{\"port\":80},"
			  "\"timeoutSeconds\":0}}]}}");

	assert_str(doc_at_str(pod, "spec.restartPolicy"), "Always");
	assert_str(doc_at_str(pod, "spec.dnsPolicy"), "ClusterFirst");
	assert_str(doc_at_str(pod, "spec.schedulerName"), "default-scheduler");
	assert_int_equal(doc_at_int(pod, "spec.terminationGracePeriodSeconds", 0), 30);
	assert_true(doc_is(doc_at(pod, "spec.securityContext"), DOC_OBJECT));
	assert_true(doc_is(doc_at(pod, "spec.volumes.0.emptyDir"), DOC_OBJECT));
	assert_true(doc_at_bool(pod, "spec.enableServiceLinks", false));
	assert_str(doc_at_str(pod, "status.phase"), "Pending");
	const struct doc *c = doc_at(pod, "spec.containers.0");
	assert_str(doc_at_str(c, "imagePullPolicy"), "Always");
	assert_str(doc_at_str(c, "terminationMessagePath"), "/dev/termination-log");
	assert_str(doc_at_str(c, "ports.0.protocol"), "TCP");
	assert_str(doc_at_str(c, "resources.requests.cpu"), "1");
	assert_str(doc_at_str(c, "livenessProbe.httpGet.path"), "/");
	assert_str(doc_at_str(c, "livenessProbe.httpGet.scheme"), "HTTP");
	assert_int_equal(doc_at_int(c, "livenessProbe.timeoutSeconds", 0), 1);
	assert_int_equal(doc_at_int(c, "livenessProbe.failureThreshold", 0), 3);
}

static void the_pull_policy_follows_the_tag(void **state)
{
	(void)state;
	static const struct {
		const char *image, *policy;
	} cases[] = {
		{ "nginx", "Always" },
		{ "nginx:latest", "Always" },
		{ "nginx:1.25", "IfNotPresent" },
		{ "localhost:5000/nginx", "Always" },
		{ "localhost:5000/nginx:1", "IfNotPresent" },
		{ "nginx@sha256:0123", "IfNotPresent" },
	};

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		char text[200];

		snprintf(text, sizeof text, "{\"spec\":{\"containers\":[{\"image\":\"%s\"}]}}",
			 cases[i].image);
		assert_str(doc_at_str(defaulted("v1", "Pod", text),
				      "spec.containers.0.imagePullPolicy"),
			   cases[i].policy);
	}
}

static void host_network_makes_ports_the_nodes(void **state)
{
	(void)state;
	const struct doc *pod = defaulted("v1", "Pod",
					  "{\"spec\":{\"hostNetwork\":true,\"containers\":[{"
					  "\"ports\":[{\"containerPort\":80}]}]}}");

	assert_int_equal(doc_at_int(pod, "spec.containers.0.ports.0.hostPort", 0), 80);
}

static void a_deployment_rolls_by_quarters(void **state)
{
	(void)state;
	const struct doc *d = defaulted("apps/v1", "Deployment",
					"{\"spec\":{\"template\":{\"spec\":{\"containers\":[{"
					"\"name\":\"a\"}]}}}}");

	assert_int_equal(doc_at_int(d, "spec.replicas", 0), 1);
	assert_str(doc_at_str(d, "spec.strategy.type"), "RollingUpdate");
	assert_str(doc_at_str(d, "spec.strategy.rollingUpdate.maxSurge"), "25%");
	assert_int_equal(doc_at_int(d, "spec.progressDeadlineSeconds", 0), 600);
	assert_str(doc_at_str(d, "spec.template.spec.restartPolicy"), "Always");
	assert_null(doc_at(d, "spec.template.spec.enableServiceLinks"));
	d = defaulted("apps/v1", "Deployment", "{\"spec\":{\"strategy\":{\"type\":\"Recreate\"}}}");
	assert_null(doc_at(d, "spec.strategy.rollingUpdate"));
}

static void a_replication_controller_selects_its_template(void **state)
{
	(void)state;
	const struct doc *rc = defaulted("v1", "ReplicationController",
					 "{\"spec\":{\"template\":{\"metadata\":{\"labels\":{"
					 "\"app\":\"x\"}}}}}");

	assert_str(doc_at_str(rc, "spec.selector.app"), "x");
	assert_str(doc_at_str(rc, "metadata.labels.app"), "x");
}

static void services_secrets_and_namespaces(void **state)
{
	(void)state;
	const struct doc *d = defaulted("v1", "Service", "{\"spec\":{\"ports\":[{\"port\":80}]}}");

	assert_str(doc_at_str(d, "spec.type"), "ClusterIP");
	assert_int_equal(doc_at_int(d, "spec.ports.0.targetPort", 0), 80);
	assert_str(doc_at_str(d, "spec.ports.0.protocol"), "TCP");
	assert_str(doc_at_str(d, "spec.internalTrafficPolicy"), "Cluster");
	assert_null(doc_at(d, "spec.externalTrafficPolicy"));
	d = defaulted("v1", "Secret", "{\"stringData\":{\"a\":\"foo\"},\"data\":{\"b\":\"Zg==\"}}");
	assert_str(doc_at_str(d, "data.a"), "Zm9v");
	assert_str(doc_at_str(d, "data.b"), "Zg==");
	assert_null(doc_at(d, "stringData"));
	assert_str(doc_at_str(d, "type"), "Opaque");
	d = defaulted("v1", "Namespace", "{\"metadata\":{\"name\":\"n\"}}");
	assert_str(doc_get(doc_at(d, "metadata.labels"), STR("kubernetes.io/metadata.name"))
			   ? STR("there")
			   : STR("missing"),
		   "there");
	assert_str(doc_at_str(d, "status.phase"), "Active");
}

static int arena_up(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int arena_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pod_gets_kubernetes_defaults),
		cmocka_unit_test(the_pull_policy_follows_the_tag),
		cmocka_unit_test(host_network_makes_ports_the_nodes),
		cmocka_unit_test(a_deployment_rolls_by_quarters),
		cmocka_unit_test(a_replication_controller_selects_its_template),
		cmocka_unit_test(services_secrets_and_namespaces),
	};
	return cmocka_run_group_tests(tests, arena_up, arena_down);
}
