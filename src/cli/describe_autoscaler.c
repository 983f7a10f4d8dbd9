/* describe horizontalpodautoscaler */
#include "cli/describe.h"

struct metric_line {
	const struct doc *source, *target, *current;
};

static struct str amount(const struct metric_line *m, const char *key)
{
	return doc_str_or(doc_get(m->current, str_of(key)), STR("<unknown>"));
}

static void end_with(struct describe *d, const struct metric_line *m, const char *key)
{
	buffer_add_format(d->out, ":\t" STR_FMT " / " STR_FMT "\n", STR_ARG(amount(m, key)),
			  STR_ARG(doc_str(doc_get(m->target, str_of(key)))));
}

/* "resource cpu on pods  (as a percentage of request):  12% (12m) / 50%" */
static void describe_resource(struct describe *d, const struct metric_line *m)
{
	const struct doc *now = doc_key(m->current, "averageUtilization");
	const struct doc *aim = doc_key(m->target, "averageUtilization");
	struct str container = doc_str(doc_key(m->source, "container"));

	buffer_add_format(d->out, "  resource " STR_FMT,
			  STR_ARG(doc_str(doc_key(m->source, "name"))));
	if (container.len)
		buffer_add_format(d->out, " of container \"" STR_FMT "\"", STR_ARG(container));
	buffer_add_str(d->out, STR(" on pods"));
	if (doc_key(m->target, "averageValue")) {
		end_with(d, m, "averageValue");
		return;
	}
	buffer_add_str(d->out, STR("  (as a percentage of request):\t"));
	if (now)
		buffer_add_format(d->out, "%lld%% (" STR_FMT ")", (long long)doc_int_or(now, 0),
				  STR_ARG(amount(m, "averageValue")));
	else
		buffer_add_str(d->out, STR("<unknown>"));
	if (aim)
		buffer_add_format(d->out, " / %lld%%\n", (long long)doc_int_or(aim, 0));
	else
		buffer_add_str(d->out, STR(" / <auto>\n"));
}

static void describe_other_metric(struct describe *d, struct str type, const struct metric_line *m)
{
	bool average = doc_key(m->target, "averageValue") != NULL;

	buffer_add_format(d->out, "  \"" STR_FMT "\"",
			  STR_ARG(doc_at_str(m->source, "metric.name")));
	if (str_is(type, "Pods")) {
		buffer_add_str(d->out, STR(" on pods"));
	} else {
		if (str_is(type, "Object"))
			buffer_add_format(d->out, " on " STR_FMT "/" STR_FMT,
					  STR_ARG(doc_at_str(m->source, "describedObject.kind")),
					  STR_ARG(doc_at_str(m->source, "describedObject.name")));
		buffer_add_format(d->out, " (target %svalue)", average ? "average " : "");
	}
	end_with(d, m, average || str_is(type, "Pods") ? "averageValue" : "value");
}

static void describe_metrics(struct describe *d)
{
	static const char *const sources[] = { "resource", "containerResource", "pods", "object",
					       "external" };
	const struct doc *status = doc_at(d->object, "status.currentMetrics");
	u32 at = 0;

	describe_line(d, 0, "Metrics:\t( current / target )");
	doc_each_item(doc_at(d->object, "spec.metrics"), metric) {
		const struct doc *now = doc_item(status, at++);

		for (u32 i = 0; i < ARRAY_LEN(sources); i++) {
			struct metric_line m = { .source = doc_get(metric, str_of(sources[i])) };

			if (!m.source)
				continue;
			m.target = doc_key(m.source, "target");
			m.current = doc_key(doc_get(now, str_of(sources[i])), "current");
			if (i < 2)
				describe_resource(d, &m);
			else
				describe_other_metric(d, doc_str(doc_key(metric, "type")), &m);
		}
	}
}

static void describe_rules(struct describe *d, const char *title, const struct doc *rules)
{
	const struct doc *window = doc_key(rules, "stabilizationWindowSeconds");

	if (!rules)
		return;
	describe_line(d, 1, "%s:", title);
	if (window)
		describe_line(d, 2, "Stabilization Window: %lld seconds",
			      (long long)doc_int_or(window, 0));
	if (!doc_len(doc_key(rules, "policies")))
		return;
	describe_line(d, 2, "Select Policy: " STR_FMT,
		      STR_ARG(doc_str_or(doc_key(rules, "selectPolicy"), STR("Max"))));
	describe_line(d, 2, "Policies:");
	doc_each_item(doc_key(rules, "policies"), policy)
		describe_line(d, 3, "- Type: " STR_FMT "\tValue: %lld\tPeriod: %lld seconds",
			      STR_ARG(doc_at_str(policy, "type")),
			      (long long)doc_at_int(policy, "value", 0),
			      (long long)doc_at_int(policy, "periodSeconds", 0));
}

static void describe_conditions(struct describe *d)
{
	const struct doc *conditions = doc_at(d->object, "status.conditions");

	if (!doc_len(conditions))
		return;
	describe_line(d, 0, "Conditions:");
	describe_line(d, 1, "Type\tStatus\tReason\tMessage");
	describe_line(d, 1, "----\t------\t------\t-------");
	doc_each_item(conditions, c)
		describe_line(d, 1, STR_FMT "\t" STR_FMT "\t" STR_FMT "\t" STR_FMT,
			      STR_ARG(doc_at_str(c, "type")), STR_ARG(doc_at_str(c, "status")),
			      STR_ARG(doc_at_str(c, "reason")), STR_ARG(doc_at_str(c, "message")));
}

void describe_autoscaler(struct describe *d)
{
	const struct doc *o = d->object, *behavior = doc_at(o, "spec.behavior");
	const struct doc *least = doc_at(o, "spec.minReplicas");
	struct arena *arena = d->cli->arena;

	describe_line(d, 0, "Name:\t" STR_FMT, STR_ARG(doc_at_str(o, "metadata.name")));
	describe_line(d, 0, "Namespace:\t" STR_FMT, STR_ARG(doc_at_str(o, "metadata.namespace")));
	describe_map(d, 0, "Labels", doc_at(o, "metadata.labels"));
	describe_annotations(d, 0, doc_at(o, "metadata.annotations"));
	describe_line(d, 0, "CreationTimestamp:\t" STR_FMT,
		      STR_ARG(describe_time(arena, doc_at_str(o, "metadata.creationTimestamp"))));
	describe_line(d, 0, "Reference:\t" STR_FMT "/" STR_FMT,
		      STR_ARG(doc_at_str(o, "spec.scaleTargetRef.kind")),
		      STR_ARG(doc_at_str(o, "spec.scaleTargetRef.name")));
	describe_metrics(d);
	if (least)
		describe_line(d, 0, "Min replicas:\t%lld", (long long)doc_int_or(least, 0));
	else
		describe_line(d, 0, "Min replicas:\t<unset>");
	describe_line(d, 0, "Max replicas:\t%lld", (long long)doc_at_int(o, "spec.maxReplicas", 0));
	if (behavior) {
		describe_line(d, 0, "Behavior:");
		describe_rules(d, "Scale Up", doc_key(behavior, "scaleUp"));
		describe_rules(d, "Scale Down", doc_key(behavior, "scaleDown"));
	}
	describe_line(d, 0, STR_FMT " pods:\t%lld current / %lld desired",
		      STR_ARG(doc_at_str(o, "spec.scaleTargetRef.kind")),
		      (long long)doc_at_int(o, "status.currentReplicas", 0),
		      (long long)doc_at_int(o, "status.desiredReplicas", 0));
	describe_conditions(d);
	describe_events(d);
}
