/* Rules of where pods may go: tolerations, taints, affinity, spreading, label selectors. */
#include "schema/check.h"
#include "schema/rules.h"

RULE_CHECK(toleration_check)
{
	const struct doc *key = doc_key(value, "key"), *effect = doc_key(value, "effect");
	const struct doc *operator_word = doc_key(value, "operator");
	struct str verb = doc_str(operator_word), text = doc_str(doc_key(value, "value"));

	(void)old;
	if (doc_str(key).len)
		check_format(c, "key", API_FORMAT_LABEL_KEY, key);
	else if (!str_is(verb, "Exists"))
		check_invalid_str(
			c, "operator", verb,
			"operator must be Exists when `key` is empty, which means \"match "
			"all values and all keys\"");
	if (doc_key(value, "tolerationSeconds") && !str_is(doc_str(effect), "NoExecute"))
		check_invalid_str(c, "effect", doc_str(effect),
				  "effect must be 'NoExecute' when `tolerationSeconds` is set");
	if (str_is(verb, "Exists") && text.len)
		check_invalid(c, "operator", value,
			      "value must be empty when `operator` is 'Exists'");
	else if (verb.len == 0 || str_is(verb, "Equal"))
		check_format_str(c, "operator", API_FORMAT_LABEL_VALUE, text);
}

/* One expression of any kind of selector: how many values the operator wants. */
static void check_expression(struct check *c, const struct doc *e, bool node)
{
	struct str verb = doc_str(doc_key(e, "operator"));
	u32 values = doc_len(doc_key(e, "values"));

	if (str_is(verb, "In") || str_is(verb, "NotIn")) {
		if (values == 0)
			check_required(c, "values",
				       "must be specified when `operator` is 'In' or 'NotIn'");
	} else if (str_is(verb, "Exists") || str_is(verb, "DoesNotExist")) {
		if (values)
			check_forbidden(c, "values",
					"may not be specified when `operator` is 'Exists' or "
					"'DoesNotExist'");
	} else if (node && (str_is(verb, "Gt") || str_is(verb, "Lt"))) {
		if (values != 1)
			check_required(c, "values",
				       "must be specified single value when `operator` is 'Lt' or "
				       "'Gt'");
	} else if (!node) {
		check_invalid_str(c, "operator", verb, "not a valid selector operator");
	}
}

static void check_expressions(struct check *c, const struct doc *list, bool node)
{
	check_enter(c, "matchExpressions");
	for (u32 i = 0; i < doc_len(list); i++) {
		const struct doc *e = &list->items[i];

		check_enter_item(c, i);
		check_expression(c, e, node);
		check_format_str(c, "key", API_FORMAT_LABEL_KEY, doc_str(doc_key(e, "key")));
		if (!node) {
			const struct doc *values = doc_key(e, "values");

			for (u32 j = 0; j < doc_len(values); j++) {
				check_enter(c, "values");
				check_enter_item(c, j);
				check_format(c, NULL, API_FORMAT_LABEL_VALUE, &values->items[j]);
				check_leave(c);
				check_leave(c);
			}
		}
		check_leave(c);
	}
	check_leave(c);
}

RULE_CHECK(label_selector_check)
{
	(void)old;
	check_labels(c, "matchLabels", doc_key(value, "matchLabels"));
	check_expressions(c, doc_key(value, "matchExpressions"), false);
}

/* ---- nodes */

static void check_node_field(struct check *c, const struct doc *e)
{
	struct str key = doc_str(doc_key(e, "key")), verb = doc_str(doc_key(e, "operator"));

	if (!str_is(key, "metadata.name"))
		check_invalid_str(c, "key", key, "not a valid field selector key");
	if (!str_is(verb, "In") && !str_is(verb, "NotIn"))
		check_invalid_str(c, "operator", verb, "not a valid selector operator");
	else if (doc_len(doc_key(e, "values")) != 1)
		check_required(c, "values",
			       "must be only one value when `operator` is 'In' or 'NotIn' for node "
			       "field selector");
}

RULE_CHECK(node_selector_term_check)
{
	const struct doc *fields = doc_key(value, "matchFields");

	(void)old;
	check_expressions(c, doc_key(value, "matchExpressions"), true);
	check_enter(c, "matchFields");
	for (u32 i = 0; i < doc_len(fields); i++) {
		check_enter_item(c, i);
		check_node_field(c, &fields->items[i]);
		check_leave(c);
	}
	check_leave(c);
}

/* ---- other pods */

RULE_CHECK(pod_affinity_term_check)
{
	const struct doc *namespaces = doc_key(value, "namespaces");

	(void)old;
	for (u32 i = 0; i < doc_len(namespaces); i++)
		check_format(c, "namespace", API_FORMAT_DNS_LABEL, &namespaces->items[i]);
}

RULE_CHECK(topology_spread_check)
{
	const struct doc *domains = doc_key(value, "minDomains"), *skew = doc_key(value, "maxSkew");
	struct str when = doc_str(doc_key(value, "whenUnsatisfiable"));

	(void)old;
	if (skew && doc_int_or(skew, 1) < 1)
		check_invalid(c, "maxSkew", skew, "must be greater than zero");
	if (domains && doc_int_or(domains, 1) < 1)
		check_invalid(c, "minDomains", domains, "must be greater than zero");
	if (domains && str_is(when, "ScheduleAnyway"))
		check_invalid(c, "minDomains", domains,
			      "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not "
			      "ScheduleAnyway");
}
