/*
 * The metrics of a HorizontalPodAutoscaler, and what each asks for. Use of resources is measured
 * here (server/usage.h); Pods, Object and External metrics belong to APIs nobody serves, and say so
 * in upstream's words.
 */
#include "base/timestamp.h"
#include "controllers/autoscaler.h"
#include "controllers/pod.h"
#include "doc/build.h"
#include "doc/json.h"
#include "schema/quantity.h"
#include "server/usage.h"

enum {
	YOUNG_S = 300,	    /* a young pod's processor time counts only while it is ready */
	NEVER_READY_S = 30, /* unready since so shortly after its start: it never was ready */
};

struct metric {
	const struct doc *spec, *source; /* source: spec.resource, spec.pods … */
	struct str resource, container;	 /* container is empty for whole pods */
	struct aim aim;
	struct proposal proposal;
	struct str name; /* in sentences */
};

/* ---- samples */

static i64 milli_of_nano(i64 nano)
{
	return (nano + 999999) / 1000000;
}

/* False: that container, or the resource, is not in the report. */
static bool used(const struct metric *m, const struct usage_report *report, i64 *ret_milli)
{
	bool cpu = str_is(m->resource, "cpu"), found = false;

	*ret_milli = 0;
	if (!cpu && !str_is(m->resource, "memory"))
		return false;
	for (u32 i = 0; i < report->len; i++) {
		const struct usage_part *part = &report->parts[i];

		if (m->container.len && !str_eq(part->name, m->container))
			continue;
		*ret_milli += cpu ? milli_of_nano(part->cpu_nano) : (i64)part->memory_bytes * 1000;
		found = true;
	}
	return found;
}

/* What the containers that are meant ask for, sidecars included. */
static enum status requested(const struct metric *m, const struct version *pod, i64 *ret_milli,
			     struct error *error)
{
	static const char *const lists[] = { "spec.containers", "spec.initContainers" };

	*ret_milli = 0;
	for (u32 i = 0; i < ARRAY_LEN(lists); i++) {
		doc_each_item(doc_at(pod->doc, lists[i]), container) {
			struct str name = doc_str(doc_key(container, "name"));
			const struct doc *amount =
				doc_get(doc_at(container, "resources.requests"), m->resource);

			if (i && !str_is(doc_at_str(container, "restartPolicy"), "Always"))
				continue;
			if (m->container.len && !str_eq(name, m->container))
				continue;
			if (!amount)
				return fail(error, ST_INVALID,
					    "missing request for " STR_FMT " in container " STR_FMT
					    " of Pod " STR_FMT,
					    STR_ARG(m->resource), STR_ARG(name),
					    STR_ARG(pod->name));
			*ret_milli += quantity_milli(quantity_of(amount));
		}
	}
	return ST_OK;
}

/* A start burns processor time: what a young or unready pod uses says nothing about the load. */
static bool too_young(const struct version *pod, const struct usage_report *report, i64 now_ns)
{
	const struct doc *ready = condition_get(pod->doc, "Ready");
	i64 started = timestamp_or(doc_at_str(pod->doc, AT(Pod, status.startTime)), 0);
	i64 since = timestamp_or(doc_str(doc_key(ready, "lastTransitionTime")), 0);
	bool unready = !str_is(doc_str(doc_key(ready, "status")), "True");

	if (!ready || !started)
		return true;
	if (started + YOUNG_S * NS_PER_S > now_ns)
		return unready || report->wall_ns < since + report->window_ns;
	return unready && started + NEVER_READY_S * NS_PER_S > since;
}

static bool not_counted(const struct version *pod)
{
	return object_deleting(pod->doc) || pod_finished(pod->doc);
}

static enum status sample_pod(struct autoscaler *a, const struct metric *m,
			      const struct version *pod, struct sample *ret_sample,
			      struct error *error)
{
	struct usage_report report = { 0 };
	struct sample sample = { .state = SAMPLE_READY };
	enum usage_answer answer =
		a->view->usage ? usage_pod(a->view->usage, a->arena, pod, &report) : USAGE_NONE;

	a->early |= answer == USAGE_SOON;
	a->known += answer == USAGE_KNOWN;
	if (m->container.len && answer == USAGE_KNOWN && !used(m, &report, &sample.value))
		return fail(error, ST_NOT_FOUND,
			    "container " STR_FMT " not present in metrics for pod " STR_FMT
			    "/" STR_FMT,
			    STR_ARG(m->container), STR_ARG(pod->namespace), STR_ARG(pod->name));
	if (str_is(doc_at_str(pod->doc, AT(Pod, status.phase)), "Pending"))
		sample.state = SAMPLE_UNREADY;
	else if (answer != USAGE_KNOWN || !used(m, &report, &sample.value))
		sample.state = SAMPLE_MISSING;
	else if (str_is(m->resource, "cpu") && too_young(pod, &report, a->view->now_ns))
		sample.state = SAMPLE_UNREADY;
	*ret_sample = sample;
	return m->aim.percent ? requested(m, pod, &ret_sample->request, error) : ST_OK;
}

static enum status sample_all(struct autoscaler *a, struct metric *m, struct error *error)
{
	struct sample *samples = ARENA_ARRAY(a->arena, struct sample, a->pods.len);
	u32 len = 0;

	a->known = 0;
	for (u32 i = 0; i < a->pods.len; i++) {
		if (not_counted(a->pods.at[i]))
			continue;
		enum status status = sample_pod(a, m, a->pods.at[i], &samples[len++], error);

		if (status != ST_OK)
			return status;
	}
	if (!a->known)
		return fail(error, ST_UNAVAILABLE,
			    "unable to get metrics for resource " STR_FMT
			    ": no metrics returned from resource metrics API",
			    STR_ARG(m->resource));
	return autoscale_by_samples(samples, len, a->current, &m->aim, &m->proposal, error);
}

/* ---- resources */

static double tolerance_of(const struct autoscaler *a, const char *path)
{
	const struct doc *own = doc_at(a->owner->doc, path);
	struct quantity quantity = quantity_of(own);

	return own ? (double)quantity.nanos / (double)NS_PER_S : 0.1;
}

static struct aim aim_of(const struct autoscaler *a, const struct doc *target)
{
	const struct doc *average = doc_key(target, "averageValue");

	return (struct aim){
		.percent = !average,
		.target = average ? quantity_milli(quantity_of(average))
				  : doc_at_int(target, "averageUtilization", 0),
		.tolerance = { tolerance_of(a, "spec.behavior.scaleUp.tolerance"),
			       tolerance_of(a, "spec.behavior.scaleDown.tolerance") },
	};
}

static enum status by_resource(struct autoscaler *a, struct metric *m, struct error *error)
{
	const struct doc *target = doc_key(m->source, "target");
	struct error why = ERROR_INIT;

	m->resource = doc_str(doc_key(m->source, "name"));
	m->container = doc_str(doc_key(m->source, "container"));
	m->aim = aim_of(a, target);
	m->name = str_format(a->arena, STR_FMT "%s resource%s", STR_ARG(m->resource),
			     m->container.len && m->aim.percent ? " container" : "",
			     m->aim.percent ? " utilization (percentage of request)" : "");
	if (m->aim.target <= 0)
		return fail(error, ST_INVALID,
			    "invalid resource metric source: neither an average utilization "
			    "target nor an average value (usage) target was set");
	if (sample_all(a, m, &why) == ST_OK)
		return ST_OK;
	return fail(error, why.status, "failed to get " STR_FMT " %s: %s", STR_ARG(m->resource),
		    m->aim.percent ? "utilization" : "usage", why.message);
}

static void build_measured(struct build *b, const struct metric *m)
{
	const char *source = m->container.len ? "containerResource" : "resource";
	struct quantity average = quantity_from_milli(m->proposal.average_milli, QUANTITY_DECIMAL);

	build_str(b, "type", m->container.len ? STR("ContainerResource") : STR("Resource"));
	build_open_object(b, source);
	build_str(b, "name", m->resource);
	build_open_object(b, "current");
	build_str(b, "averageValue", quantity_print(b->arena, average));
	if (m->aim.percent)
		build_int(b, "averageUtilization", m->proposal.percent);
	build_close(b);
	build_str_if(b, "container", m->container);
	build_close(b);
}

/* ---- metrics of APIs that nobody serves here */

static enum status by_pods(struct autoscaler *a, struct metric *m, struct error *error)
{
	(void)a;
	return fail(error, ST_UNAVAILABLE,
		    "unable to get metric " STR_FMT ": unable to fetch metrics from custom metrics "
		    "API: no custom metrics API (custom.metrics.k8s.io) registered",
		    STR_ARG(doc_at_str(m->source, "metric.name")));
}

static enum status by_object(struct autoscaler *a, struct metric *m, struct error *error)
{
	return fail(error, ST_UNAVAILABLE,
		    "unable to get metric " STR_FMT ": " STR_FMT " on " STR_FMT " " STR_FMT
		    "/unable to fetch metrics from custom metrics API: no custom metrics API "
		    "(custom.metrics.k8s.io) registered",
		    STR_ARG(doc_at_str(m->source, "metric.name")),
		    STR_ARG(doc_at_str(m->source, "describedObject.kind")),
		    STR_ARG(a->owner->namespace),
		    STR_ARG(doc_at_str(m->source, "describedObject.name")));
}

/* Go's print of a *LabelSelector. */
static struct str selector_in_go(struct arena *arena, const struct doc *selector)
{
	struct buffer out = BUFFER_INIT(4096);
	bool first = true;

	if (!selector)
		return STR("nil");
	buffer_add_str(&out, STR("&LabelSelector{MatchLabels:map[string]string{"));
	doc_each_pair(doc_key(selector, "matchLabels"), key, value) {
		buffer_add_format(&out, "%s" STR_FMT ": " STR_FMT, first ? "" : ", ", STR_ARG(key),
				  STR_ARG(doc_str(value)));
		first = false;
	}
	buffer_add_format(&out, "%s},MatchExpressions:[]LabelSelectorRequirement{},}",
			  first ? "" : ",");
	struct str text = str_copy(arena, buffer_str(&out));

	buffer_release(&out);
	return text;
}

static enum status by_external(struct autoscaler *a, struct metric *m, struct error *error)
{
	struct str name = doc_at_str(m->source, "metric.name");

	return fail(error, ST_UNAVAILABLE,
		    "unable to get external metric " STR_FMT "/" STR_FMT "/" STR_FMT
		    ": unable to fetch metrics from external metrics API: the server could not "
		    "find the requested resource (get " STR_FMT ".external.metrics.k8s.io)",
		    STR_ARG(a->owner->namespace), STR_ARG(name),
		    STR_ARG(selector_in_go(a->arena, doc_at(m->source, "metric.selector"))),
		    STR_ARG(name));
}

/* ---- all of them */

static const struct {
	const char *type, *source, *failed;
	enum status (*ask)(struct autoscaler *a, struct metric *m, struct error *error);
} sources[] = {
	{ "Resource", "resource", "FailedGetResourceMetric", by_resource },
	{ "ContainerResource", "containerResource", "FailedGetContainerResourceMetric",
	  by_resource },
	{ "Pods", "pods", "FailedGetPodsMetric", by_pods },
	{ "Object", "object", "FailedGetObjectMetric", by_object },
	{ "External", "external", "FailedGetExternalMetric", by_external },
};

/* How the failure reads when it is told as that of the whole. */
static struct str within(struct arena *arena, const struct metric *m, u32 source, const char *why)
{
	struct str name = doc_at_str(m->source, "metric.name");
	const char *kind = m->container.len ? " container" : " resource";

	if (source < 2)
		return str_format(arena, "failed to get " STR_FMT "%s metric value: %s",
				  STR_ARG(m->container.len ? m->container : m->resource), kind,
				  why);
	if (source == 4)
		return str_format(arena, "failed to get " STR_FMT " external metric value: %s",
				  STR_ARG(name), why);
	return str_format(arena, "failed to get %s metric value: %s", sources[source].source, why);
}

static enum status ask(struct autoscaler *a, struct metric *m, const char **ret_reason,
		       struct error *error)
{
	struct str type = doc_at_str(m->spec, "type");
	struct error why = ERROR_INIT;

	for (u32 i = 0; i < ARRAY_LEN(sources); i++) {
		if (!str_is(type, sources[i].type))
			continue;
		m->source = doc_get(m->spec, str_of(sources[i].source));
		if (sources[i].ask(a, m, &why) == ST_OK)
			return ST_OK;
		*ret_reason = sources[i].failed;
		if (!autoscaler_patient(a))
			plan_event(a->plan, a->owner, EVENT_WARNING, *ret_reason, "%s",
				   why.message);
		a->first_failure = str_copy(a->arena, str_of(why.message));
		return fail(error, why.status, STR_FMT,
			    STR_ARG(within(a->arena, m, i, why.message)));
	}
	*ret_reason = "InvalidMetricSourceType";
	a->first_failure =
		str_format(a->arena, "unknown metric source type \"" STR_FMT "\"", STR_ARG(type));
	return fail(error, ST_INVALID, STR_FMT, STR_ARG(a->first_failure));
}

static enum status none_valid(struct autoscaler *a, u32 invalid, u32 len, const char *reason,
			      const struct error *first, struct error *error)
{
	autoscaler_condition(a, "ScalingActive", false, reason,
			     str_format(a->arena,
					"the HPA was unable to compute the replica "
					"count: " STR_FMT,
					STR_ARG(a->first_failure)));
	return fail(error, first->status,
		    "invalid metrics (%u invalid out of %u), first error is: %s", invalid, len,
		    first->message);
}

enum status autoscaler_measure(struct autoscaler *a, struct autoscaler_wish *wish,
			       struct error *error)
{
	const struct doc *specs = doc_at(a->owner->doc, AT(HorizontalPodAutoscaler, spec.metrics));
	struct error first = ERROR_INIT;
	struct str first_failure = STR_NONE;
	const char *first_reason = NULL;
	struct build b = build_array(a->arena);
	u32 invalid = 0;

	doc_each_item(specs, spec) {
		struct metric m = { .spec = spec };
		const char *reason = NULL;
		struct error why = ERROR_INIT;

		build_open_object(&b, NULL);
		if (ask(a, &m, &reason, &why) != ST_OK) {
			build_str(&b, "type", STR(""));
			if (!invalid++) {
				first = why;
				first_reason = reason;
				first_failure = a->first_failure;
			}
		} else {
			build_measured(&b, &m);
			if (!wish->metric.len || m.proposal.replicas > wish->replicas) {
				wish->replicas = m.proposal.replicas;
				wish->metric = m.name;
			}
		}
		build_close(&b);
	}
	a->first_failure = first_failure;
	if (invalid < doc_len(specs))
		a->measured = build_done(&b);
	if (invalid && (invalid == doc_len(specs) || wish->replicas < a->current))
		return none_valid(a, invalid, doc_len(specs), first_reason, &first, error);
	return ST_OK;
}
