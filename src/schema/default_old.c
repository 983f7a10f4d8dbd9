/*
 * What authors could leave out in earlier group-versions, and what it meant there. These rules run
 * when such an object is decoded; for today's versions they do nothing.
 */
#include "schema/default.h"
#include "schema/rules.h"

#define NO_POD "pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match"

static bool is_of(const struct defaults *d, const char *group, const char *version)
{
	return d->kind->old && str_is(d->kind->group, group) &&
	       (!version || str_is(d->kind->version, version));
}

static const struct doc *fill(struct defaults *d, const struct doc *value, const char *path,
			      const struct doc *otherwise)
{
	return doc_is_null(doc_at(value, path)) ? doc_set(d->arena, value, path, otherwise) : value;
}

static const struct doc *fill_int(struct defaults *d, const struct doc *value, const char *path,
				  i64 number)
{
	return fill(d, value, path, doc_new_int(d->arena, number));
}

static const struct doc *fill_str(struct defaults *d, const struct doc *value, const char *path,
				  struct str text)
{
	return fill(d, value, path, doc_ref_str(d->arena, text));
}

/* Group-versions before apps/v1beta2 took the selector from the template's labels. */
static const struct doc *fill_selector(struct defaults *d, const struct doc *value)
{
	const struct doc *labels = doc_at(value, "spec.template.metadata.labels");

	if (!doc_len(labels) || !(is_of(d, "extensions", NULL) || is_of(d, "apps", "v1beta1")))
		return value;
	return doc_at(value, "spec.selector")
		       ? value
		       : doc_set(d->arena, value, "spec.selector.matchLabels", labels);
}

RULE_FINISH(replica_set_finish)
{
	return fill_selector(d, value);
}

RULE_FINISH(deployment_finish)
{
	struct str type = doc_at_str(value, "spec.strategy.type");

	value = fill_selector(d, value);
	if (is_of(d, "apps", "v1beta1"))
		value = fill_int(d, value, "spec.revisionHistoryLimit", 2);
	if (!is_of(d, "extensions", NULL))
		return value;
	if (!type.len || str_is(type, "RollingUpdate")) {
		value = fill_int(d, value, "spec.strategy.rollingUpdate.maxUnavailable", 1);
		value = fill_int(d, value, "spec.strategy.rollingUpdate.maxSurge", 1);
	}
	value = fill_int(d, value, "spec.revisionHistoryLimit", INT32_MAX);
	return fill_int(d, value, "spec.progressDeadlineSeconds", INT32_MAX);
}

RULE_FINISH(daemon_set_finish)
{
	value = fill_selector(d, value);
	return is_of(d, "extensions", NULL)
		       ? fill_str(d, value, "spec.updateStrategy.type", STR("OnDelete"))
		       : value;
}

RULE_FINISH(stateful_set_finish)
{
	value = fill_selector(d, value);
	return is_of(d, "apps", "v1beta1")
		       ? fill_str(d, value, "spec.updateStrategy.type", STR("OnDelete"))
		       : value;
}

/* An empty selector was none of the pods, and is all of them today. */
RULE_FINISH(disruption_budget_finish)
{
	const struct doc *selector = doc_at(value, "spec.selector");

	if (!d->kind->old || !doc_is(selector, DOC_OBJECT) ||
	    doc_len(doc_key(selector, "matchLabels")) ||
	    doc_len(doc_key(selector, "matchExpressions")))
		return value;
	selector = doc_set_str(d->arena, NULL, "key", STR(NO_POD));
	selector = doc_set_str(d->arena, selector, "operator", STR("DoesNotExist"));
	return doc_set(d->arena, value, "spec.selector.matchExpressions",
		       doc_append(d->arena, &doc_empty_array, selector));
}

RULE_FINISH(certificate_request_finish)
{
	const struct doc *usages = &doc_empty_array;

	if (!d->kind->old)
		return value;
	usages = doc_append(d->arena, usages, doc_ref_str(d->arena, STR("digital signature")));
	usages = doc_append(d->arena, usages, doc_ref_str(d->arena, STR("key encipherment")));
	value = fill_str(d, value, "spec.signerName", STR("kubernetes.io/legacy-unknown"));
	return fill(d, value, "spec.usages", usages);
}

static const struct doc *finish_webhook(struct defaults *d, const struct doc *webhook)
{
	struct str effects = doc_at_str(webhook, "sideEffects");

	webhook = fill_str(d, webhook, "failurePolicy", STR("Ignore"));
	webhook = fill_str(d, webhook, "matchPolicy", STR("Exact"));
	webhook = fill_int(d, webhook, "timeoutSeconds", 30);
	/* Nobody knew of side effects then; today one has to say that there are none. */
	if (!effects.len || str_is(effects, "Unknown"))
		webhook = doc_set_str(d->arena, webhook, "sideEffects", STR("None"));
	return fill(d, webhook, "admissionReviewVersions",
		    doc_append(d->arena, &doc_empty_array, doc_ref_str(d->arena, STR("v1beta1"))));
}

RULE_FINISH(webhook_configuration_finish)
{
	const struct doc *webhooks = doc_key(value, "webhooks");

	if (!is_of(d, "admissionregistration.k8s.io", NULL) || !doc_len(webhooks))
		return value;
	for (u32 i = 0; i < doc_len(webhooks); i++)
		webhooks = doc_with_item(d->arena, webhooks, i,
					 finish_webhook(d, doc_item(webhooks, i)));
	return doc_with(d->arena, value, STR("webhooks"), webhooks);
}
