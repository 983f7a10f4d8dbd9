/*
 * Limits on what may be used or taken away: quotas, limit ranges, disruption budgets, priorities.
 * Follows upstream's pkg/apis/core, policy and scheduling validation.
 */
#include "schema/check.h"
#include "schema/quantity.h"
#include "schema/rules.h"

/* ---- ResourceQuota */

static bool is_word(struct str word, const char *const *words)
{
	for (u32 i = 0; words[i]; i++)
		if (str_is(word, words[i]))
			return true;
	return false;
}

static void check_hard(struct check *c, const struct doc *hard)
{
	static const char *const standard[] = { "cpu",
						"memory",
						"ephemeral-storage",
						"requests.cpu",
						"requests.memory",
						"requests.storage",
						"requests.ephemeral-storage",
						"limits.cpu",
						"limits.memory",
						"limits.ephemeral-storage",
						"pods",
						"resourcequotas",
						"services",
						"replicationcontrollers",
						"secrets",
						"persistentvolumeclaims",
						"configmaps",
						"services.nodeports",
						"services.loadbalancers",
						NULL };

	doc_each_pair(hard, key, amount) {
		struct quantity q = quantity_of(amount);

		check_enter_key(c, key);
		check_format_str(c, NULL, API_FORMAT_QUALIFIED_NAME, key);
		if (str_find_char(key, '/') < 0 && !is_word(key, standard))
			check_invalid_str(c, NULL, key, "must be a standard resource for quota");
		if (q.nanos < 0)
			check_invalid(c, NULL, amount, "must be greater than or equal to 0");
		check_leave(c);
	}
}

static void check_scopes(struct check *c, const struct doc *scopes)
{
	static const char *const known[] = { "Terminating",
					     "NotTerminating",
					     "BestEffort",
					     "NotBestEffort",
					     "PriorityClass",
					     "CrossNamespacePodAffinity",
					     "VolumeAttributesClass",
					     NULL };
	static const char *const pairs[][2] = { { "BestEffort", "NotBestEffort" },
						{ "Terminating", "NotTerminating" } };
	bool unknown = false;

	doc_each_item(scopes, scope)
		unknown = unknown || !is_word(doc_str(scope), known);
	if (unknown)
		check_invalid(c, "scopes", scopes, "unsupported scope");
	for (u32 i = 0; i < ARRAY_LEN(pairs); i++) {
		u32 both = 0;

		doc_each_item(scopes, scope)
			both |= str_is(doc_str(scope), pairs[i][0]) |
				(u32)str_is(doc_str(scope), pairs[i][1]) << 1;
		if (both == 3)
			check_invalid(c, "scopes", scopes, "conflicting scopes");
	}
}

RULE_CHECK(resource_quota_check)
{
	const struct doc *scopes = doc_at(value, "spec.scopes");

	check_enter(c, "spec");
	check_enter(c, "hard");
	check_hard(c, doc_at(value, "spec.hard"));
	check_leave(c);
	check_scopes(c, scopes);
	check_leave(c);
	if (old &&
	    !doc_eq(scopes ? scopes : &doc_empty_array,
		    doc_at(old, "spec.scopes") ? doc_at(old, "spec.scopes") : &doc_empty_array))
		check_invalid(c, "spec.scopes", scopes ? scopes : &doc_null, "field is immutable");
}

/* ---- LimitRange */

struct bounds {
	struct check *c;
	const struct doc *item;
	struct str resource;
};

/* `low` of the item must not be above `high`; told at `at`, whose value is shown. */
static void check_order(const struct bounds *b, const char *low, const char *high, const char *at,
			const char *low_word, const char *high_word)
{
	const struct doc *l = doc_get(doc_get(b->item, str_of(low)), b->resource);
	const struct doc *h = doc_get(doc_get(b->item, str_of(high)), b->resource);

	if (!l || !h || quantity_compare(quantity_of(l), quantity_of(h)) <= 0)
		return;
	check_enter(b->c, at);
	check_enter_key(b->c, b->resource);
	check_invalid(b->c, NULL, strcmp(at, low) == 0 ? l : h,
		      "%s value " STR_FMT " is greater than %s value " STR_FMT, low_word,
		      STR_ARG(doc_str(l)), high_word, STR_ARG(doc_str(h)));
	check_leave(b->c);
	check_leave(b->c);
}

static void check_ratio(const struct bounds *b)
{
	const struct doc *ratio = doc_get(doc_key(b->item, "maxLimitRequestRatio"), b->resource);

	if (!ratio ||
	    quantity_compare(quantity_of(ratio), quantity_from_int(1, QUANTITY_DECIMAL)) >= 0)
		return;
	check_enter(b->c, "maxLimitRequestRatio");
	check_enter_key(b->c, b->resource);
	check_invalid(b->c, NULL, ratio, "ratio " STR_FMT " is less than 1",
		      STR_ARG(doc_str(ratio)));
	check_leave(b->c);
	check_leave(b->c);
}

static void check_resource(const struct bounds *b)
{
	check_order(b, "min", "max", "min", "min", "max");
	check_order(b, "min", "defaultRequest", "defaultRequest", "min", "default request");
	check_order(b, "defaultRequest", "max", "defaultRequest", "default request", "max");
	check_order(b, "defaultRequest", "default", "defaultRequest", "default request",
		    "default limit");
	check_order(b, "min", "default", "default", "min", "default");
	check_order(b, "default", "max", "default", "default", "max");
	check_ratio(b);
}

static void check_limits(struct check *c, const struct doc *item)
{
	static const char *const lists[] = { "min", "max", "default", "defaultRequest",
					     "maxLimitRequestRatio" };
	struct str type = doc_at_str(item, "type");

	if (str_is(type, "Pod") && doc_len(doc_key(item, "default")))
		check_forbidden(c, "default", "may not be specified when `type` is 'Pod'");
	if (str_is(type, "Pod") && doc_len(doc_key(item, "defaultRequest")))
		check_forbidden(c, "defaultRequest", "may not be specified when `type` is 'Pod'");
	if (str_is(type, "PersistentVolumeClaim") &&
	    !doc_get(doc_key(item, "min"), STR("storage")) &&
	    !doc_get(doc_key(item, "max"), STR("storage")))
		check_required(c, "limits",
			       "either minimum or maximum storage value is required, but neither "
			       "was provided");
	for (u32 i = 0; i < ARRAY_LEN(lists); i++) {
		doc_each_pair(doc_get(item, str_of(lists[i])), key, amount) {
			struct bounds b = { c, item, key };
			bool seen = false;

			(void)amount;
			for (u32 j = 0; j < i; j++)
				seen = seen || doc_get(doc_get(item, str_of(lists[j])), key);
			if (!seen)
				check_resource(&b);
		}
	}
}

RULE_CHECK(limit_range_check)
{
	const struct doc *limits = doc_at(value, "spec.limits");

	(void)old;
	check_enter(c, "spec.limits");
	for (u32 i = 0; i < doc_len(limits); i++) {
		const struct doc *type = doc_key(doc_item(limits, i), "type");

		check_enter_item(c, i);
		for (u32 j = 0; j < i; j++)
			if (type && doc_eq(type, doc_key(doc_item(limits, j), "type")))
				check_duplicate(c, "type", type);
		check_limits(c, doc_item(limits, i));
		check_leave(c);
	}
	check_leave(c);
}

/* ---- PodDisruptionBudget */

static void check_percent(struct check *c, const char *field, const struct doc *amount)
{
	struct str text = doc_str(amount);
	i64 percent;

	if (text.len > 1 && str_ends(text, STR("%")) &&
	    str_to_i64(str_part(text, 0, text.len - 1), &percent) && percent > 100)
		check_invalid(c, field, amount, "must not be greater than 100%%");
}

RULE_CHECK(disruption_budget_check)
{
	const struct doc *least = doc_at(value, "spec.minAvailable");
	const struct doc *most = doc_at(value, "spec.maxUnavailable");

	(void)old;
	if (least && most)
		check_invalid(c, "spec", doc_key(value, "spec"),
			      "minAvailable and maxUnavailable cannot be both set");
	check_percent(c, "spec.minAvailable", least);
	check_percent(c, "spec.maxUnavailable", most);
}

/* ---- PriorityClass */

RULE_CHECK(priority_class_check)
{
	struct str name = doc_at_str(value, "metadata.name");
	i64 amount = doc_at_int(value, "value", 0);
	bool system =
		str_is(name, "system-cluster-critical") || str_is(name, "system-node-critical");

	if (old && amount != doc_at_int(old, "value", 0))
		check_forbidden(c, "value", "may not be changed in an update.");
	if (old || system)
		return;
	if (str_starts(name, STR("system-")))
		check_forbidden(c, "metadata.name",
				"priority class names with 'system-' prefix are reserved for "
				"system use only. error: " STR_FMT
				" is not a known system priority "
				"class",
				STR_ARG(name));
	if (amount > 1000000000)
		check_forbidden(c, "value",
				"maximum allowed value of a user defined priority is 1000000000");
}

/* ---- RuntimeClass */

RULE_CHECK(runtime_class_check)
{
	const struct doc *fixed = doc_at(value, "overhead.podFixed");

	(void)old;
	check_enter(c, "overhead.podFixed");
	doc_each_pair(fixed, key, amount) {
		check_enter_key(c, key);
		if (quantity_of(amount).nanos < 0)
			check_invalid(c, NULL, amount, "must be greater than or equal to 0");
		check_leave(c);
	}
	check_leave(c);
}
