/* HorizontalPodAutoscalers as clients see them: rules, versions, columns. */
#include "harness.h"

#define HPAS "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
#define OLD "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
#define TARGET                                                                                     \
	"\"scaleTargetRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"web\"}"

static const struct doc *make(int code, const char *spec)
{
	return ask_ok(
		code, "POST", HPAS,
		str_format(arena, "{\"metadata\":{\"name\":\"web\"},\"spec\":{" TARGET "%s}}", spec)
			.at);
}

static const char *refusal(const char *spec)
{
	return doc_at_str(make(422, spec), "message").at;
}

#define IS_INVALID "HorizontalPodAutoscaler.autoscaling \"web\" is invalid: "

static void limits_and_metrics_must_fit(void **state)
{
	(void)state;
	assert_non_null(strstr(refusal(",\"minReplicas\":0,\"maxReplicas\":3"),
			       "spec.minReplicas: Invalid value: 0: must be greater than or equal "
			       "to 1"));
	assert_non_null(strstr(refusal(",\"minReplicas\":5,\"maxReplicas\":3"),
			       IS_INVALID "spec.maxReplicas: Invalid value: 3: must be greater "
					  "than or equal to `minReplicas`"));
	assert_non_null(strstr(refusal(",\"maxReplicas\":3,\"metrics\":[{\"type\":\"Resource\","
				       "\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":"
				       "\"Utilization\"}}}]"),
			       IS_INVALID
			       "spec.metrics[0].resource.target.averageUtilization: Required "
			       "value: must set either a target raw value or a target "
			       "utilization"));
	assert_non_null(
		strstr(refusal(",\"maxReplicas\":3,\"metrics\":[{\"type\":\"Resource\"}]"),
		       "spec.metrics[0].resource: Required value: must populate information for "
		       "the given metric source"));
	assert_non_null(
		strstr(refusal(",\"maxReplicas\":3,\"metrics\":[{\"type\":\"Pods\",\"pods\":{"
			       "\"metric\":{\"name\":\"m\"},\"target\":{\"type\":\"Value\","
			       "\"averageValue\":\"0\"}},\"resource\":{\"name\":\"cpu\","
			       "\"target\":{\"type\":\"Value\",\"averageValue\":\"1\"}}}]"),
		       "spec.metrics[0].resource: Forbidden: must populate the given metric source "
		       "only"));
	assert_non_null(strstr(refusal(",\"maxReplicas\":3,\"behavior\":{\"scaleDown\":{"
				       "\"stabilizationWindowSeconds\":7200}}"),
			       "spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: "
			       "7200: must be between 0 and 3600, inclusive"));
}

static void rules_get_their_defaults(void **state)
{
	(void)state;
	const struct doc *d = make(201, ",\"maxReplicas\":3,\"behavior\":{\"scaleUp\":{}}");

	assert_str(doc_at_str(d, "spec.behavior.scaleUp.selectPolicy"), "Max");
	assert_int_equal(doc_at_int(d, "spec.behavior.scaleUp.policies.0.value", 0), 4);
	assert_str(doc_at_str(d, "spec.behavior.scaleUp.policies.1.type"), "Percent");
	assert_int_equal(doc_len(doc_at(d, "spec.behavior.scaleDown.policies")), 1);
	assert_null(doc_at(d, "spec.behavior.scaleDown.stabilizationWindowSeconds"));
	assert_int_equal(doc_at_int(d, "spec.behavior.scaleUp.stabilizationWindowSeconds", 9), 0);
	assert_int_equal(doc_at_int(d, "spec.metrics.0.resource.target.averageUtilization", 0), 80);
}

static void an_older_field_is_read_with_a_warning(void **state)
{
	(void)state;
	struct reply_seen seen =
		ask("POST", HPAS "?fieldValidation=Strict",
		    "{\"metadata\":{\"name\":\"web\"},\"spec\":{" TARGET ",\"maxReplicas\":3,"
		    "\"metrics\":[{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\","
		    "\"targetAverageUtilization\":50}}]}}");

	assert_int_equal(seen.code, 201);
	assert_non_null(strstr(seen.headers, "targetAverageUtilization"));
	assert_str(doc_at_str(seen.doc, "spec.metrics.0.resource.target.type"), "Utilization");
	assert_int_equal(
		doc_at_int(seen.doc, "spec.metrics.0.resource.target.averageUtilization", 0), 50);
}

static void version_one_loses_nothing(void **state)
{
	(void)state;
	make(201, ",\"maxReplicas\":3,\"metrics\":[{\"type\":\"Resource\",\"resource\":{\"name\":"
		  "\"memory\",\"target\":{\"type\":\"AverageValue\",\"averageValue\":\"50Mi\"}}},{"
		  "\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":"
		  "\"Utilization\",\"averageUtilization\":60}}}],\"behavior\":{\"scaleUp\":{"
		  "\"selectPolicy\":\"Min\"}}");
	sends = "application/merge-patch+json";
	ask_ok(200, "PATCH", HPAS "/web/status",
	       "{\"status\":{\"currentReplicas\":2,\"desiredReplicas\":2,\"currentMetrics\":[{"
	       "\"type\":\"Resource\",\"resource\":{\"name\":\"memory\",\"current\":{"
	       "\"averageValue\":\"10Mi\"}}},{\"type\":\"Resource\",\"resource\":{\"name\":"
	       "\"cpu\",\"current\":{\"averageUtilization\":12,\"averageValue\":\"12m\"}}}],"
	       "\"conditions\":[{\"type\":\"AbleToScale\",\"status\":\"True\"}]}}");
	sends = NULL;
	const struct doc *v1 = ask_ok(200, "GET", OLD "/web", NULL);

	assert_int_equal(doc_at_int(v1, "spec.targetCPUUtilizationPercentage", 0), 60);
	assert_int_equal(doc_at_int(v1, "status.currentCPUUtilizationPercentage", 0), 12);
	assert_non_null(doc_get(doc_at(v1, "metadata.annotations"),
				STR("autoscaling.alpha.kubernetes.io/conditions")));
	v1 = doc_set_int(arena, v1, "spec.maxReplicas", 7);
	ask_ok(200, "PUT", OLD "/web", json_text(arena, v1).at);
	const struct doc *v2 = ask_ok(200, "GET", HPAS "/web", NULL);

	assert_int_equal(doc_at_int(v2, "spec.maxReplicas", 0), 7);
	assert_int_equal(doc_len(doc_at(v2, "spec.metrics")), 2);
	assert_str(doc_at_str(v2, "spec.behavior.scaleUp.selectPolicy"), "Min");
	assert_null(doc_at(v2, "metadata.annotations"));
	assert_int_equal(doc_len(doc_at(v2, "status.conditions")), 1);
	accepts = "application/json;as=Table;v=v1;g=meta.k8s.io";
	v2 = ask_ok(200, "GET", HPAS, NULL);
	assert_str(doc_at_str(v2, "rows.0.cells.2"), "memory: 10Mi/50Mi, cpu: 12%/60%");
}

static void version_two_beta_two_is_the_same(void **state)
{
	(void)state;
	make(201, ",\"maxReplicas\":3");
	struct reply_seen seen = ask(
		"GET", "/apis/autoscaling/v2beta2/namespaces/default/horizontalpodautoscalers/web",
		NULL);

	assert_int_equal(seen.code, 200);
	assert_str(doc_at_str(seen.doc, "apiVersion"), "autoscaling/v2beta2");
	assert_non_null(strstr(seen.headers, "autoscaling/v2beta2 HorizontalPodAutoscaler is "
					     "deprecated in v1.23+, unavailable in v1.26+; use "
					     "autoscaling/v2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cluster_test(limits_and_metrics_must_fit),
		cluster_test(rules_get_their_defaults),
		cluster_test(an_older_field_is_read_with_a_warning),
		cluster_test(version_one_loses_nothing),
		cluster_test(version_two_beta_two_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
