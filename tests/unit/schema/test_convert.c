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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processor_time_is_the_only_metric_of_v1),
		cmocka_unit_test(what_v1_cannot_say_travels_in_annotations),
		cmocka_unit_test(measured_time_is_shown_to_v1),
		cmocka_unit_test(broken_annotations_are_dropped),
	};

	return cmocka_run_group_tests(tests, arena_up, arena_down);
}
