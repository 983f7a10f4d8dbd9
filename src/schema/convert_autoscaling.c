/*
 * autoscaling/v1 HorizontalPodAutoscaler, shown as a view of autoscaling/v2: v1 knows processor
 * time only. What it cannot say travels in annotations, as upstream does, so that an update through
 * v1 loses nothing.
 */
#include "doc/build.h"
#include "doc/json.h"
#include "schema/rules.h"

#define METRICS_KEY "autoscaling.alpha.kubernetes.io/metrics"
#define BEHAVIOR_KEY "autoscaling.alpha.kubernetes.io/behavior"
#define CURRENT_KEY "autoscaling.alpha.kubernetes.io/current-metrics"
#define CONDITIONS_KEY "autoscaling.alpha.kubernetes.io/conditions"

static bool is_cpu_utilization(const struct doc *metric)
{
	return str_is(doc_at_str(metric, "type"), "Resource") &&
	       str_is(doc_at_str(metric, "resource.name"), "cpu") &&
	       doc_at(metric, "resource.target.averageUtilization");
}

static const struct doc *cpu_metric(struct arena *arena, const struct doc *percent)
{
	struct build b = build_object(arena);

	build_str(&b, "type", STR("Resource"));
	build_open_object(&b, "resource");
	build_str(&b, "name", STR("cpu"));
	build_open_object(&b, "target");
	build_str(&b, "type", STR("Utilization"));
	build_doc(&b, "averageUtilization", percent);
	build_close(&b);
	build_close(&b);
	return build_done(&b);
}

/* Sets (or with NULL removes) an annotation; its key holds dots, so paths cannot reach it. */
static const struct doc *with_annotation(struct arena *arena, const struct doc *object,
					 struct str key, const struct doc *value)
{
	const struct doc *annotations = doc_at(object, "metadata.annotations");

	if (!value && !doc_get(annotations, key))
		return object;
	annotations = doc_with(arena, annotations, key, value);
	return doc_set(arena, object, "metadata.annotations",
		       doc_len(annotations) ? annotations : NULL);
}

static const struct doc *text_of(struct arena *arena, const struct doc *value)
{
	return value ? doc_ref_str(arena, json_text(arena, value)) : NULL;
}

/* The document inside an annotation; NULL when there is none or it is broken. */
static const struct doc *annotated(struct arena *arena, const struct doc *object, struct str key)
{
	struct str text = doc_str(doc_get(doc_at(object, "metadata.annotations"), key));
	const struct doc *value = NULL;
	struct error error = ERROR_INIT;

	if (text.len == 0 || json_parse(arena, text, &value, &error) != ST_OK)
		return NULL;
	return value;
}

static const struct doc *to_v2(struct arena *arena, const struct doc *v1)
{
	const struct doc *percent = doc_at(v1, "spec.targetCPUUtilizationPercentage");
	const struct doc *metrics = annotated(arena, v1, STR(METRICS_KEY));
	const struct doc *behavior = annotated(arena, v1, STR(BEHAVIOR_KEY));
	const struct doc *object = doc_remove(arena, v1, "spec.targetCPUUtilizationPercentage");

	object = doc_remove(arena, object, "status.currentCPUUtilizationPercentage");
	if (!doc_is(metrics, DOC_ARRAY))
		metrics = NULL;
	if (!doc_is_null(percent))
		metrics = doc_append(arena, metrics ? metrics : &doc_empty_array,
				     cpu_metric(arena, percent));
	if (metrics)
		object = doc_set(arena, object, "spec.metrics", metrics);
	if (doc_is(behavior, DOC_OBJECT))
		object = doc_set(arena, object, "spec.behavior", behavior);
	object = with_annotation(arena, object, STR(METRICS_KEY), NULL);
	object = with_annotation(arena, object, STR(BEHAVIOR_KEY), NULL);
	object = with_annotation(arena, object, STR(CURRENT_KEY), NULL);
	object = with_annotation(arena, object, STR(CONDITIONS_KEY), NULL);
	return doc_set_str(arena, object, "apiVersion", STR("autoscaling/v2"));
}

static const struct doc *to_v1(struct arena *arena, const struct doc *v2)
{
	const struct doc *percent = NULL, *current = NULL, *others = NULL;
	const struct doc *object = doc_remove(arena, v2, "spec.metrics");

	doc_each_item(doc_at(v2, "spec.metrics"), metric) {
		if (!percent && is_cpu_utilization(metric))
			percent = doc_at(metric, "resource.target.averageUtilization");
		else
			others = doc_append(arena, others ? others : &doc_empty_array, metric);
	}
	doc_each_item(doc_at(v2, "status.currentMetrics"), metric) {
		if (str_is(doc_at_str(metric, "resource.name"), "cpu"))
			current = doc_at(metric, "resource.current.averageUtilization");
	}
	object = with_annotation(arena, object, STR(METRICS_KEY), text_of(arena, others));
	object = with_annotation(arena, object, STR(BEHAVIOR_KEY),
				 text_of(arena, doc_at(v2, "spec.behavior")));
	object = with_annotation(arena, object, STR(CURRENT_KEY),
				 text_of(arena, doc_at(v2, "status.currentMetrics")));
	object = with_annotation(arena, object, STR(CONDITIONS_KEY),
				 text_of(arena, doc_at(v2, "status.conditions")));
	object = doc_remove(arena, object, "spec.behavior");
	object = doc_remove(arena, object, "status.currentMetrics");
	object = doc_remove(arena, object, "status.conditions");
	if (percent)
		object = doc_set(arena, object, "spec.targetCPUUtilizationPercentage", percent);
	if (current)
		object = doc_set(arena, object, "status.currentCPUUtilizationPercentage", current);
	/* v1 always says how many there are, v2 only when there are some. */
	if (!doc_at(object, "status.currentReplicas") && doc_at(object, "status"))
		object = doc_set_int(arena, object, "status.currentReplicas", 0);
	return doc_set_str(arena, object, "apiVersion", STR("autoscaling/v1"));
}

RULE_CONVERT(horizontal_pod_autoscaler_v1_convert)
{
	return to_stored ? to_v2(arena, object) : to_v1(arena, object);
}

/* ---- fields of v2beta1 in v2 */

static const struct doc *with_old_target(struct arena *arena, const struct doc *resource)
{
	static const struct {
		const char *old, *type, *name;
	} fields[] = {
		{ "targetAverageUtilization", "Utilization", "averageUtilization" },
		{ "targetAverageValue", "AverageValue", "averageValue" },
	};

	for (u32 i = 0; i < ARRAY_LEN(fields); i++) {
		const struct doc *value = doc_get(resource, str_of(fields[i].old));

		if (!value || doc_key(resource, "target"))
			continue;
		const struct doc *target = doc_set_str(arena, NULL, "type", str_of(fields[i].type));

		target = doc_with(arena, target, str_of(fields[i].name), value);
		resource = doc_with(arena, resource, str_of(fields[i].old), NULL);
		return doc_with(arena, resource, STR("target"), target);
	}
	return resource;
}

const struct doc *autoscaler_old_fields(struct arena *arena, const struct doc *object)
{
	const struct doc *metrics = doc_at(object, "spec.metrics"), *made = metrics;

	for (u32 i = 0; i < doc_len(metrics) && doc_is(metrics, DOC_ARRAY); i++) {
		const struct doc *resource = doc_key(&metrics->items[i], "resource");
		const struct doc *read = with_old_target(arena, resource);

		if (read != resource)
			made = doc_with_item(
				arena, made, i,
				doc_with(arena, &metrics->items[i], STR("resource"), read));
	}
	return made == metrics ? object : doc_set(arena, object, "spec.metrics", made);
}

/* ---- autoscaling/v2beta1: targets stand beside names */

static void put_metric(struct build *b, const struct doc *old, const char *selector)
{
	build_open_object(b, "metric");
	build_str(b, "name", doc_at_str(old, "metricName"));
	build_doc(b, "selector", doc_get(old, str_of(selector)));
	build_close(b);
}

static void put_target(struct build *b, const char *type, const char *field,
		       const struct doc *amount)
{
	build_open_object(b, "target");
	build_str(b, "type", str_of(type));
	build_doc(b, field, amount);
	build_close(b);
}

/* One of percent, average and value; the first there is. */
static void put_any_target(struct build *b, const struct doc *percent, const struct doc *average,
			   const struct doc *value)
{
	if (!doc_is_null(percent))
		put_target(b, "Utilization", "averageUtilization", percent);
	else if (!doc_is_null(average))
		put_target(b, "AverageValue", "averageValue", average);
	else
		put_target(b, "Value", "value", value);
}

static const struct doc *modern_source(struct arena *arena, struct str type, const struct doc *old)
{
	const struct doc *percent = doc_key(old, "targetAverageUtilization");
	const struct doc *average = doc_key(old, "targetAverageValue");
	const struct doc *value = doc_key(old, "targetValue");
	struct build b = build_object(arena);

	build_doc(&b, "name", doc_key(old, "name"));
	build_doc(&b, "container", doc_key(old, "container"));
	if (str_is(type, "object")) {
		build_doc(&b, "describedObject", doc_key(old, "target"));
		average = doc_key(old, "averageValue");
	}
	if (doc_key(old, "metricName"))
		put_metric(&b, old, str_is(type, "external") ? "metricSelector" : "selector");
	put_any_target(&b, percent, average, value);
	return build_done(&b);
}

static const struct doc *old_source(struct arena *arena, struct str type, const struct doc *modern)
{
	const struct doc *target = doc_key(modern, "target"), *metric = doc_key(modern, "metric");
	bool object = str_is(type, "object");
	struct build b = build_object(arena);

	build_doc(&b, "name", doc_key(modern, "name"));
	build_doc(&b, "container", doc_key(modern, "container"));
	if (object)
		build_doc(&b, "target", doc_key(modern, "describedObject"));
	build_doc(&b, "metricName", doc_key(metric, "name"));
	build_doc(&b, str_is(type, "external") ? "metricSelector" : "selector",
		  doc_key(metric, "selector"));
	build_doc(&b, "targetAverageUtilization", doc_key(target, "averageUtilization"));
	build_doc(&b, object ? "averageValue" : "targetAverageValue",
		  doc_key(target, "averageValue"));
	build_doc(&b, "targetValue", doc_key(target, "value"));
	return build_done(&b);
}

static const struct doc *convert_metrics(struct arena *arena, const struct doc *metrics,
					 bool to_stored)
{
	static const struct str sources[] = { STR_INIT("resource"), STR_INIT("containerResource"),
					      STR_INIT("pods"), STR_INIT("object"),
					      STR_INIT("external") };

	for (u32 i = 0; i < doc_len(metrics); i++) {
		const struct doc *metric = doc_item(metrics, i);

		for (u32 j = 0; j < ARRAY_LEN(sources); j++) {
			const struct doc *source = doc_get(metric, sources[j]);

			if (source)
				metric = doc_with(arena, metric, sources[j],
						  to_stored
							  ? modern_source(arena, sources[j], source)
							  : old_source(arena, sources[j], source));
		}
		metrics = doc_with_item(arena, metrics, i, metric);
	}
	return metrics;
}

RULE_CONVERT(horizontal_pod_autoscaler_v2beta1_convert)
{
	const struct doc *metrics =
		convert_metrics(arena, doc_at(object, "spec.metrics"), to_stored);
	const struct doc *behavior = annotated(arena, object, STR(BEHAVIOR_KEY));

	if (metrics)
		object = doc_set(arena, object, "spec.metrics", metrics);
	if (to_stored) {
		if (doc_is(behavior, DOC_OBJECT))
			object = doc_set(arena, object, "spec.behavior", behavior);
		return with_annotation(arena, object, STR(BEHAVIOR_KEY), NULL);
	}
	object = with_annotation(arena, object, STR(BEHAVIOR_KEY),
				 text_of(arena, doc_at(object, "spec.behavior")));
	object = doc_remove(arena, object, "spec.behavior");
	if (!doc_at(object, "status.currentReplicas") && doc_at(object, "status"))
		object = doc_set_int(arena, object, "status.currentReplicas", 0);
	return object;
}
