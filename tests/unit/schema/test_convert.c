/* Older shapes of an object: there and back again without loss. */
#include "../unit.h"

#include "doc/json.h"
#include "schema/rules.h"
#include "schema/schema.h"

static struct arena *arena;

static const struct doc *parsed(const char *text)
{
	const struct doc *d;

	assert_int_equal(json_parse(arena, str_of(text), &d, NULL), ST_OK);
	return d;
}

static void processor_time_is_the_only_metric_of_v1(void **state)
{
	(void)state;
	const struct doc *v1 =
		parsed("{\"apiVersion\":\"autoscaling/v1\",\"spec\":{\"maxReplicas\":3,"
		       "\"targetCPUUtilizationPercentage\":70}}");
	const struct doc *v2 = horizontal_pod_autoscaler_v1_convert(arena, v1, true);

	assert_str(json_text(arena, v2),
		   "{\"apiVersion\":\"autoscaling/v2\",\"spec\":{\"maxReplicas\":3,\"metrics\":[{"
		   "\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":"
		   "\"Utilization\",\"averageUtilization\":70}}}]}}");
	assert_true(doc_eq(horizontal_pod_autoscaler_v1_convert(arena, v2, false), v1));
}

static void what_v1_cannot_say_travels_in_annotations(void **state)
{
	(void)state;
	const struct doc *v2 = parsed(
		"{\"apiVersion\":\"autoscaling/v2\",\"metadata\":{\"name\":\"h\"},\"spec\":{"
		"\"maxReplicas\":3,\"behavior\":{\"scaleDown\":{\"stabilizationWindowSeconds\":5}},"
		"\"metrics\":[{\"type\":\"Pods\",\"pods\":{\"metric\":{\"name\":\"q\"},\"target\":{"
		"\"type\":\"AverageValue\",\"averageValue\":\"1\"}}},{\"type\":\"Resource\","
		"\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":\"Utilization\","
		"\"averageUtilization\":50}}}]}}");
	const struct doc *v1 = horizontal_pod_autoscaler_v1_convert(arena, v2, false);

	assert_int_equal(doc_at_int(v1, "spec.targetCPUUtilizationPercentage", 0), 50);
	assert_null(doc_at(v1, "spec.metrics"));
	assert_null(doc_at(v1, "spec.behavior"));
	assert_true(doc_eq(horizontal_pod_autoscaler_v1_convert(arena, v1, true), v2));
}

static void measured_time_is_shown_to_v1(void **state)
{
	(void)state;
	const struct doc *v1 = horizontal_pod_autoscaler_v1_convert(
		arena,
		parsed("{\"spec\":{},\"status\":{\"desiredReplicas\":2,\"currentMetrics\":[{"
		       "\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"current\":{"
		       "\"averageUtilization\":12}}}]}}"),
		false);

	assert_int_equal(doc_at_int(v1, "status.currentCPUUtilizationPercentage", 0), 12);
	assert_int_equal(doc_at_int(v1, "status.currentReplicas", -1), 0);
	assert_null(doc_at(v1, "status.currentMetrics"));
}

/* An annotation that is no JSON is somebody's mistake, not a reason to fail. */
static void broken_annotations_are_dropped(void **state)
{
	(void)state;
	const struct doc *v2 = horizontal_pod_autoscaler_v1_convert(
		arena,
		parsed("{\"metadata\":{\"annotations\":{\"autoscaling.alpha.kubernetes.io/"
		       "metrics\":"
		       "\"[{\"}},\"spec\":{\"maxReplicas\":1}}"),
		true);

	assert_null(doc_at(v2, "spec.metrics"));
	assert_null(doc_at(v2, "metadata.annotations"));
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

static void ingresses_of_v1beta1_come_through(void **state)
{
	(void)state;
	const struct doc *old = parsed(
		"{\"spec\":{\"backend\":{\"serviceName\":\"a\",\"servicePort\":80},\"rules\":[{"
		"\"host\":\"h\",\"http\":{\"paths\":[{\"path\":\"/\",\"backend\":{\"serviceName\":"
		"\"b\",\"servicePort\":\"http\"}}]}},{\"host\":\"empty\"}]}}");
	const struct doc *v1 = ingress_beta_convert(arena, old, true), *back;

	assert_str(json_text(arena, doc_at(v1, "spec.defaultBackend")),
		   "{\"service\":{\"name\":\"a\",\"port\":{\"number\":80}}}");
	assert_str(json_text(arena, doc_at(v1, "spec.rules.0.http.paths.0")),
		   "{\"path\":\"/\",\"backend\":{\"service\":{\"name\":\"b\",\"port\":{\"name\":"
		   "\"http\"}}},\"pathType\":\"ImplementationSpecific\"}");
	back = ingress_beta_convert(arena, v1, false);
	assert_true(doc_eq(doc_at(back, "spec.backend"), doc_at(old, "spec.backend")));
	assert_true(doc_eq(ingress_beta_convert(arena, back, true), v1));
}

static void metrics_of_v2beta1_come_through(void **state)
{
	(void)state;
	const struct doc *old = parsed(
		"{\"spec\":{\"metrics\":[{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\","
		"\"targetAverageUtilization\":50}},{\"type\":\"External\",\"external\":{"
		"\"metricName\":\"q\",\"metricSelector\":{\"matchLabels\":{\"a\":\"b\"}},"
		"\"targetAverageValue\":\"30\"}},{\"type\":\"Object\",\"object\":{\"target\":{"
		"\"kind\":\"Service\",\"name\":\"s\"},\"metricName\":\"r\",\"targetValue\":\"1k\"}}"
		"]"
		"}}");
	const struct doc *v2 = horizontal_pod_autoscaler_v2beta1_convert(arena, old, true);

	assert_str(json_text(arena, doc_at(v2, "spec.metrics.1.external")),
		   "{\"metric\":{\"name\":\"q\",\"selector\":{\"matchLabels\":{\"a\":\"b\"}}},"
		   "\"target\":{\"type\":\"AverageValue\",\"averageValue\":\"30\"}}");
	assert_str(json_text(arena, doc_at(v2, "spec.metrics.2.object")),
		   "{\"describedObject\":{\"kind\":\"Service\",\"name\":\"s\"},\"metric\":{"
		   "\"name\":\"r\"},\"target\":{\"type\":\"Value\",\"value\":\"1k\"}}");
	assert_true(doc_eq(horizontal_pod_autoscaler_v2beta1_convert(arena, v2, false), old));
}

static void topology_of_endpoints_comes_through(void **state)
{
	(void)state;
	const struct doc *old = parsed(
		"{\"endpoints\":[{\"addresses\":[\"10.0.0.1\"],\"topology\":{"
		"\"kubernetes.io/hostname\":\"n\",\"topology.kubernetes.io/zone\":\"z\",\"x\":"
		"\"y\"}}]}");
	const struct doc *v1 = endpoint_slice_beta_convert(arena, old, true);

	assert_str(json_text(arena, doc_at(v1, "endpoints.0")),
		   "{\"addresses\":[\"10.0.0.1\"],\"zone\":\"z\",\"nodeName\":\"n\","
		   "\"deprecatedTopology\":{\"x\":\"y\"}}");
	assert_true(doc_eq(
		doc_at(endpoint_slice_beta_convert(arena, v1, false), "endpoints.0.topology"),
		doc_at(old, "endpoints.0.topology")));
}

static void definitions_of_v1beta1_come_through(void **state)
{
	(void)state;
	const struct doc *old = parsed(
		"{\"spec\":{\"group\":\"e.com\",\"version\":\"v1\",\"scope\":\"Namespaced\","
		"\"names\":"
		"{\"plural\":\"as\",\"kind\":\"A\"},\"preserveUnknownFields\":false,"
		"\"subresources\":"
		"{\"status\":{}},\"additionalPrinterColumns\":[{\"name\":\"X\",\"type\":\"string\","
		"\"JSONPath\":\".spec.x\"}],\"validation\":{\"openAPIV3Schema\":{\"type\":"
		"\"object\",\"properties\":{\"spec\":{\"type\":\"object\"}}}}}}");
	const struct doc *v1 = custom_resource_beta_convert(arena, old, true), *back;

	assert_str(doc_at_str(v1, "spec.versions.0.name"), "v1");
	assert_str(doc_at_str(v1, "spec.versions.0.additionalPrinterColumns.0.jsonPath"),
		   ".spec.x");
	assert_str(doc_at_str(v1, "spec.versions.0.schema.openAPIV3Schema.type"), "object");
	assert_null(doc_at(v1, "spec.validation"));
	back = custom_resource_beta_convert(arena, v1, false);
	assert_true(doc_eq(doc_at(back, "spec.validation"), doc_at(old, "spec.validation")));
	assert_true(doc_eq(doc_at(back, "spec.additionalPrinterColumns"),
			   doc_at(old, "spec.additionalPrinterColumns")));
	/* Nothing said: nothing is pruned. */
	v1 = custom_resource_beta_convert(arena, parsed("{\"spec\":{\"version\":\"v1\"}}"), true);
	assert_true(doc_at_bool(doc_at(v1, "spec.versions.0.schema.openAPIV3Schema"),
				"x-kubernetes-preserve-unknown-fields", false));
}

static void warnings_name_what_to_use(void **state)
{
	(void)state;
	struct schema *schema = schema_new();

	assert_str(schema_find_kind(schema, STR("extensions/v1beta1"), STR("Ingress"))->warning,
		   "extensions/v1beta1 Ingress is deprecated in v1.14+, unavailable in v1.22+; use "
		   "networking.k8s.io/v1 Ingress");
	assert_str(schema_find_kind(schema, STR("v1"), STR("ComponentStatus"))->warning,
		   "v1 ComponentStatus is deprecated in v1.19+");
	assert_str(schema_find_kind(schema, STR("apps/v1"), STR("Deployment"))->warning, "");
	assert_str(schema_find_kind(schema, STR("events.k8s.io/v1"), STR("Event"))->warning, "");
	schema_free(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processor_time_is_the_only_metric_of_v1),
		cmocka_unit_test(what_v1_cannot_say_travels_in_annotations),
		cmocka_unit_test(measured_time_is_shown_to_v1),
		cmocka_unit_test(broken_annotations_are_dropped),
		cmocka_unit_test(ingresses_of_v1beta1_come_through),
		cmocka_unit_test(metrics_of_v2beta1_come_through),
		cmocka_unit_test(topology_of_endpoints_comes_through),
		cmocka_unit_test(definitions_of_v1beta1_come_through),
		cmocka_unit_test(warnings_name_what_to_use),
	};

	return cmocka_run_group_tests(tests, arena_up, arena_down);
}
