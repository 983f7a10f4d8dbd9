/* Defaults of jobs, autoscalers, limit ranges and network policies. */
#include "schema/default.h"
#include "schema/rules.h"

/* One pod once, unless the author says how many or how many at a time. */
RULE_FINISH(job_finish)
{
	const struct doc *labels = doc_at(value, "spec.template.metadata.labels");

	if (!doc_at(d->object, "spec.completions") && !doc_at(d->object, "spec.parallelism") &&
	    !doc_at(value, "spec.completions") && doc_at(value, "spec"))
		value = doc_set_int(d->arena, value, "spec.completions", 1);
	if (doc_at(d->object, "spec.backoffLimitPerIndex") &&
	    !doc_at(d->object, "spec.backoffLimit"))
		value = doc_set_int(d->arena, value, "spec.backoffLimit", INT32_MAX);
	if (doc_at(value, "spec") && !doc_at(value, "spec.podReplacementPolicy"))
		value = doc_set_str(d->arena, value, "spec.podReplacementPolicy",
				    doc_at(value, "spec.podFailurePolicy")
					    ? STR("Failed")
					    : STR("TerminatingOrFailed"));
	if (doc_len(doc_at(value, "metadata.labels")) == 0 && doc_len(labels))
		value = doc_set(d->arena, value, "metadata.labels", labels);
	return value;
}

static const struct doc *scaling_policy(struct arena *arena, const char *type, i64 value)
{
	const struct doc *policy = doc_set_str(arena, NULL, "type", str_of(type));

	policy = doc_set_int(arena, policy, "value", value);
	return doc_set_int(arena, policy, "periodSeconds", 15);
}

/* Twice as many or four more, and down to the smallest, each within fifteen seconds. */
static const struct doc *scaling_rules(struct arena *arena, const struct doc *rules, bool up)
{
	const struct doc *policies[2] = { scaling_policy(arena, "Percent", 100) };

	if (up) {
		policies[1] = policies[0];
		policies[0] = scaling_policy(arena, "Pods", 4);
	}
	if (!doc_key(rules, "selectPolicy"))
		rules = doc_set_str(arena, rules, "selectPolicy", STR("Max"));
	if (!doc_key(rules, "policies"))
		rules = doc_set(arena, rules, "policies",
				doc_new_array(arena, policies, up ? 2 : 1));
	if (up && !doc_key(rules, "stabilizationWindowSeconds"))
		rules = doc_set_int(arena, rules, "stabilizationWindowSeconds", 0);
	return rules;
}

/* Without a metric, processor time at 80 % of what was asked for. */
RULE_FINISH(horizontal_pod_autoscaler_finish)
{
	if (!doc_at(value, "spec"))
		return value;
	if (!doc_at(value, "spec.minReplicas"))
		value = doc_set_int(d->arena, value, "spec.minReplicas", 1);
	const struct doc *behavior = doc_at(value, "spec.behavior");

	if (behavior) {
		value = doc_set(d->arena, value, "spec.behavior.scaleUp",
				scaling_rules(d->arena, doc_key(behavior, "scaleUp"), true));
		value = doc_set(d->arena, value, "spec.behavior.scaleDown",
				scaling_rules(d->arena, doc_key(behavior, "scaleDown"), false));
	}
	if (doc_len(doc_at(value, "spec.metrics")))
		return value;
	const struct doc *metric = doc_set_str(d->arena, NULL, "type", STR("Resource"));

	metric = doc_set_str(d->arena, metric, "resource.name", STR("cpu"));
	metric = doc_set_str(d->arena, metric, "resource.target.type", STR("Utilization"));
	metric = doc_set_int(d->arena, metric, "resource.target.averageUtilization", 80);
	return doc_set(d->arena, value, "spec.metrics", doc_new_array(d->arena, &metric, 1));
}

/* Copies what `from` has and `to` has not. */
static const struct doc *fill_from(struct defaults *d, const struct doc *value, const char *to,
				   const char *from)
{
	const struct doc *target = doc_get(value, str_of(to)), *made = target;

	doc_each_pair(doc_get(value, str_of(from)), key, amount) {
		if (!doc_get(target, key))
			made = doc_with(d->arena, made, key, amount);
	}
	return made == target ? value : doc_with(d->arena, value, str_of(to), made);
}

RULE_FINISH(limit_range_item_finish)
{
	if (!str_is(doc_str(doc_key(value, "type")), "Container"))
		return value;
	value = fill_from(d, value, "default", "max");
	value = fill_from(d, value, "defaultRequest", "default");
	return fill_from(d, value, "defaultRequest", "min");
}

RULE_FINISH(network_policy_spec_finish)
{
	const struct doc *types[2];
	u32 len = 1;

	if (doc_len(doc_key(value, "policyTypes")))
		return value;
	types[0] = doc_ref_str(d->arena, STR("Ingress"));
	if (doc_len(doc_key(value, "egress")))
		types[len++] = doc_ref_str(d->arena, STR("Egress"));
	return doc_with(d->arena, value, STR("policyTypes"), doc_new_array(d->arena, types, len));
}
