/* Rows of what nodes and pods use, and of autoscalers. */
#include "schema/columns.h"
#include "schema/quantity.h"
#include "schema/rules.h"

static void add_usage(struct quantity total[2], const struct doc *usage)
{
	total[0] = quantity_add(total[0], quantity_of(doc_key(usage, "cpu")));
	total[1] = quantity_add(total[1], quantity_of(doc_key(usage, "memory")));
}

static void row_usage(struct row *row, const struct quantity total[2])
{
	row_str(row, quantity_print(row->arena, total[0]));
	row_str(row, quantity_print(row->arena, total[1]));
}

RULE_PRINT(node_metrics_row)
{
	struct quantity total[2] = { { 0, QUANTITY_DECIMAL }, { 0, QUANTITY_BINARY } };

	add_usage(total, doc_key(object, "usage"));
	row_usage(row, total);
}

RULE_PRINT(pod_metrics_row)
{
	struct quantity total[2] = { { 0, QUANTITY_DECIMAL }, { 0, QUANTITY_BINARY } };

	doc_each_item(doc_key(object, "containers"), container)
		add_usage(total, doc_key(container, "usage"));
	row_usage(row, total);
}

/* ---- autoscalers */

enum { METRICS_SHOWN = 2 };

/* "80m/100m", or "<unknown>/100m" while nothing is measured. */
static struct str amounts(struct arena *arena, const struct doc *target, const struct doc *current,
			  const char *key, const char *behind)
{
	return str_format(arena, STR_FMT "/" STR_FMT "%s",
			  STR_ARG(doc_str_or(doc_get(current, str_of(key)), STR("<unknown>"))),
			  STR_ARG(doc_str(doc_get(target, str_of(key)))), behind);
}

/* "cpu: 12%/50%" */
static struct str percents(struct arena *arena, const struct doc *target, const struct doc *current)
{
	const struct doc *now = doc_key(current, "averageUtilization");
	const struct doc *aim = doc_key(target, "averageUtilization");
	struct str left =
		now ? str_format(arena, "%lld%%", (long long)doc_int_or(now, 0)) : STR("<unknown>");
	struct str right =
		aim ? str_format(arena, "%lld%%", (long long)doc_int_or(aim, 0)) : STR("<auto>");

	return str_format(arena, STR_FMT "/" STR_FMT, STR_ARG(left), STR_ARG(right));
}

static struct str metric_text(struct arena *arena, const struct doc *spec, const struct doc *status)
{
	static const struct {
		const char *type, *source;
		bool resource, by_pod; /* "(avg)" stands only where a value could be meant too */
	} types[] = {
		{ "Resource", "resource", true, true },
		{ "ContainerResource", "containerResource", true, true },
		{ "Pods", "pods", false, true },
		{ "Object", "object", false, false },
		{ "External", "external", false, false },
	};
	struct str type = doc_str(doc_key(spec, "type"));

	for (u32 i = 0; i < ARRAY_LEN(types); i++) {
		if (!str_is(type, types[i].type))
			continue;
		const struct doc *source = doc_get(spec, str_of(types[i].source));
		const struct doc *now = doc_get(status, str_of(types[i].source));
		const struct doc *target = doc_key(source, "target");
		const struct doc *current = doc_key(now, "current");
		bool average = doc_key(target, "averageValue") != NULL;
		struct str text = average ? amounts(arena, target, current, "averageValue",
						    types[i].by_pod ? "" : " (avg)")
				  : types[i].resource
					  ? percents(arena, target, current)
					  : amounts(arena, target, current, "value", "");

		return types[i].resource ? str_format(arena, STR_FMT ": " STR_FMT,
						      STR_ARG(doc_str(doc_key(source, "name"))),
						      STR_ARG(text))
					 : text;
	}
	return STR("<unknown type>");
}

RULE_PRINT(horizontal_pod_autoscaler_row)
{
	const struct doc *metrics = doc_at(object, "spec.metrics");
	const struct doc *status = doc_at(object, "status.currentMetrics");
	struct str shown[METRICS_SHOWN];
	u32 len = MIN(doc_len(metrics), (u32)METRICS_SHOWN);

	for (u32 i = 0; i < len; i++)
		shown[i] = metric_text(row->arena, &metrics->items[i], doc_item(status, i));
	struct str text = str_join(row->arena, shown, len, STR(", "));

	if (doc_len(metrics) > len)
		text = str_format(row->arena, STR_FMT " + %u more...", STR_ARG(text),
				  doc_len(metrics) - len);
	row_or_none(row, text);
}
