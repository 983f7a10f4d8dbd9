/* Defaults of controllers' kinds: selectors from templates, and how old pods give way to new ones.
 */
#include "schema/default.h"
#include "schema/rules.h"

static const struct doc *template_labels(const struct doc *object)
{
	return doc_at(object, "spec.template.metadata.labels");
}

/* A replication controller selects, and is itself labelled, as its template says. */
RULE_FINISH(replication_controller_finish)
{
	const struct doc *labels = template_labels(value);

	if (doc_len(labels) == 0)
		return value;
	if (doc_len(doc_at(value, "spec.selector")) == 0)
		value = doc_set(d->arena, value, "spec.selector", labels);
	if (doc_len(doc_at(value, "metadata.labels")) == 0)
		value = doc_set(d->arena, value, "metadata.labels", labels);
	return value;
}

static const struct doc *fill_int(struct defaults *d, const struct doc *value, const char *path,
				  i64 number)
{
	return doc_at(value, path) ? value : doc_set_int(d->arena, value, path, number);
}

static const struct doc *fill_str(struct defaults *d, const struct doc *value, const char *path,
				  struct str text)
{
	return doc_at(value, path) ? value : doc_set_str(d->arena, value, path, text);
}

static bool rolls(const struct doc *strategy)
{
	return str_is(doc_str(doc_key(strategy, "type")), "RollingUpdate");
}

RULE_FINISH(deployment_strategy_finish)
{
	if (!rolls(value))
		return value;
	value = fill_str(d, value, "rollingUpdate.maxUnavailable", STR("25%"));
	return fill_str(d, value, "rollingUpdate.maxSurge", STR("25%"));
}

RULE_FINISH(stateful_set_strategy_finish)
{
	return rolls(value) ? fill_int(d, value, "rollingUpdate.partition", 0) : value;
}

RULE_FINISH(daemon_set_strategy_finish)
{
	if (!rolls(value))
		return value;
	value = fill_int(d, value, "rollingUpdate.maxUnavailable", 1);
	return fill_int(d, value, "rollingUpdate.maxSurge", 0);
}
