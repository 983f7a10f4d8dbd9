/* Rules of autoscalers: limits that fit, metrics whose source and target belong together. Follows
 * pkg/apis/autoscaling/validation. */
#include "schema/check.h"
#include "schema/quantity.h"
#include "schema/rules.h"

struct metric_type {
	const char *name, *source;
	void (*check)(struct check *c, const struct doc *target);
};

/* ---- targets */

static void check_positive(struct check *c, const struct doc *target, const char *name)
{
	const struct doc *value = doc_get(target, str_of(name));

	if (value && quantity_of(value).nanos <= 0)
		check_invalid(c, name, value, "must be positive");
}

static void check_resource_target(struct check *c, const struct doc *target)
{
	const struct doc *percent = doc_key(target, "averageUtilization");
	const struct doc *average = doc_key(target, "averageValue");

	if (!percent && !average)
		check_required(c, "averageUtilization",
			       "must set either a target raw value or a target utilization");
	if (percent && average)
		check_forbidden(c, "averageValue",
				"may not set both a target raw value and a target utilization");
}

static void check_pods_target(struct check *c, const struct doc *target)
{
	const struct doc *average = doc_key(target, "averageValue");

	if (!average || quantity_of(average).nanos <= 0)
		check_required(c, "averageValue", "must specify a positive target averageValue");
}

static void check_object_target(struct check *c, const struct doc *target)
{
	if (!doc_key(target, "value") && !doc_key(target, "averageValue"))
		check_required(c, "averageValue", "must set either a target value or averageValue");
}

static void check_external_target(struct check *c, const struct doc *target)
{
	const struct doc *value = doc_key(target, "value");
	const struct doc *average = doc_key(target, "averageValue");

	if (!value && !average)
		check_required(c, "averageValue",
			       "must set either a target value for metric or a per-pod target");
	if (value && average)
		check_forbidden(c, "value",
				"may not set both a target value for metric and a per-pod target");
}

static const struct metric_type types[] = {
	{ "Object", "object", check_object_target },
	{ "Pods", "pods", check_pods_target },
	{ "Resource", "resource", check_resource_target },
	{ "ContainerResource", "containerResource", check_resource_target },
	{ "External", "external", check_external_target },
};

RULE_CHECK(metric_spec_check)
{
	struct str type = doc_str(doc_key(value, "type"));

	(void)old;
	for (u32 i = 0; i < ARRAY_LEN(types); i++) {
		const struct doc *source = doc_get(value, str_of(types[i].source));
		bool meant = str_is(type, types[i].name);

		if (source && !meant && type.len)
			check_forbidden(c, types[i].source,
					"must populate the given metric source only");
		if (!source && meant)
			check_required(c, types[i].source,
				       "must populate information for the given metric source");
		if (!source || !meant)
			continue;
		const struct doc *target = doc_key(source, "target");

		check_enter(c, types[i].source);
		check_enter(c, "target");
		check_positive(c, target, "value");
		check_positive(c, target, "averageValue");
		types[i].check(c, target);
		check_leave(c);
		check_leave(c);
	}
}

/* ---- behavior */

RULE_CHECK(scaling_rules_check)
{
	const struct doc *tolerance = doc_key(value, "tolerance");

	(void)old;
	if (doc_is(doc_key(value, "policies"), DOC_ARRAY) && !doc_len(doc_key(value, "policies")))
		check_required(c, "policies", "must specify at least one Policy");
	if (tolerance && quantity_of(tolerance).nanos < 0)
		check_invalid(c, "tolerance", tolerance, "must be greater or equal to zero");
}

/* ---- the whole */

RULE_CHECK(horizontal_pod_autoscaler_check)
{
	const struct doc *spec = doc_key(value, "spec");
	const struct doc *most = doc_key(spec, "maxReplicas");

	(void)old;
	if (!most)
		return;
	if (doc_int_or(most, 0) < doc_at_int(spec, "minReplicas", 1))
		check_invalid(c, "spec.maxReplicas", most,
			      "must be greater than or equal to `minReplicas`");
}
