/*
 * HorizontalPodAutoscaler: looks at what the pods of a target use, every fifteen seconds, and sets
 * how many there should be. Follows pkg/controller/podautoscaler/horizontal.go; what it decides
 * from its numbers stands in autoscale.h, where the numbers come from in autoscaler_metrics.c.
 *
 * A target's use changes without any write, so nothing but time and the spec wakes it.
 */
#include "controllers/autoscaler.h"

#include "base/timestamp.h"
#include "controllers/labels.h"
#include "controllers/pod.h"
#include "doc/build.h"
#include "schema/selector.h"

enum { SOON_MS = 1000, NAMES_MAX = 16, AMBIGUOUS_PODS = 50 };

/* ---- conditions and events */

void autoscaler_condition(struct autoscaler *a, const char *type, bool value, const char *reason,
			  struct str message)
{
	a->status = status_with_condition(a->arena, a->status, type, value ? "True" : "False",
					  reason, message, a->view->now_ns);
}

static void write_status(struct autoscaler *a)
{
	const struct doc *before = doc_key(a->owner->doc, "status");

	if (!before || !doc_eq(before, a->status))
		plan_status(a->plan, a->owner,
			    doc_with(a->arena, a->owner->doc, STR("status"), a->status));
}

static void set_counts(struct autoscaler *a, i64 current, i64 wanted)
{
	a->status = doc_set_int(a->arena, a->status, "currentReplicas", current);
	a->status = doc_set_int(a->arena, a->status, "desiredReplicas", wanted);
	a->status = doc_set(a->arena, a->status, "currentMetrics", a->measured);
}

/* ---- the target and its scale */

static bool fail_target(struct autoscaler *a, struct str why)
{
	plan_event(a->plan, a->owner, EVENT_WARNING, "FailedGetScale", STR_FMT, STR_ARG(why));
	autoscaler_condition(a, "AbleToScale", false, "FailedGetScale",
			     str_format(a->arena,
					"the HPA controller was unable to get the target's current "
					"scale: " STR_FMT,
					STR_ARG(why)));
	return false;
}

/* A kind by group and name, in whatever version. */
static const struct api_kind *kind_of_group(const struct view *view, struct str api_version,
					    struct str name)
{
	const struct api_kind *kind = schema_find_kind(view->schema, api_version, name);
	i64 slash = str_find_char(api_version, '/');
	struct str group = slash < 0 ? STR("") : str_part(api_version, 0, (size_t)slash);

	for (u32 i = 0; !kind; i++) {
		const struct api_kind *one = schema_at(view->schema, i);

		if (!one)
			return NULL;
		if (one->plural.len && str_eq(one->group, group) && str_eq(one->kind, name))
			kind = one;
	}
	return kind->stored;
}

static bool find_target(struct autoscaler *a)
{
	const struct doc *ref =
		doc_at(a->owner->doc, AT(HorizontalPodAutoscaler, spec.scaleTargetRef));
	struct str version = doc_at_str(ref, "apiVersion"), kind = doc_at_str(ref, "kind");
	struct str name = doc_at_str(ref, "name");
	i64 slash = str_find_char(version, '/');
	struct str group = slash < 0 ? STR("") : str_part(version, 0, (size_t)slash);

	a->target_kind = kind_of_group(a->view, version, kind);
	if (!a->target_kind || !a->target_kind->plural.len)
		return fail_target(a, str_format(a->arena,
						 "no matches for kind \"" STR_FMT
						 "\" in group \"" STR_FMT "\"",
						 STR_ARG(kind), STR_ARG(group)));
	if (!a->target_kind->has_scale || !a->target_kind->namespaced)
		return fail_target(a, STR("the server could not find the requested resource"));
	a->target = view_get(a->view, a->target_kind->id, a->owner->namespace, name);
	if (!a->target)
		return fail_target(a, str_format(a->arena,
						 STR_FMT "%s" STR_FMT " \"" STR_FMT "\" not found",
						 STR_ARG(a->target_kind->plural),
						 a->target_kind->group.len ? "." : "",
						 STR_ARG(a->target_kind->group), STR_ARG(name)));
	a->current = doc_at_int(a->target->doc, a->target_kind->scale_replicas, 0);
	autoscaler_condition(a, "AbleToScale", true, "SucceededGetScale",
			     STR("the HPA controller was able to get the target's current scale"));
	return true;
}

/* The target's selector, compiled; NULL when it has none. */
static struct selector *selector_of(struct autoscaler *a, const struct api_kind *kind,
				    const struct version *target)
{
	const struct doc *at =
		kind->scale_selector ? doc_at(target->doc, kind->scale_selector) : NULL;
	struct selector *selector = NULL;
	enum status status = ST_OK;

	if (!at)
		at = doc_at(target->doc, "spec.selector");
	if (doc_is(at, DOC_STRING)) /* custom resources keep it as text */
		status = selector_parse(a->arena, doc_str(at), &selector, NULL);
	else if (doc_key(at, "matchLabels") || doc_key(at, "matchExpressions"))
		status = selector_from_doc(a->arena, at, &selector, NULL);
	else if (doc_len(at))
		selector = selector_from_map(a->arena, at);
	return status == ST_OK && selector && selector->len ? selector : NULL;
}

static struct list pods_of(struct autoscaler *a, const struct selector *selector)
{
	struct list pods = { 0 };
	u32 kept = 0;

	/* A first requirement of one value lets the store's index narrow the search. */
	if (selector->at[0].op == SELECTOR_IN && selector->at[0].values_len == 1) {
		const struct doc *value = doc_ref_str(a->arena, selector->at[0].values[0]);
		const struct doc *labels = doc_with(a->arena, NULL, selector->at[0].key, value);

		pods = view_selected(a->view, KIND_Pod, a->owner->namespace,
				     doc_with(a->arena, NULL, STR("matchLabels"), labels));
	} else {
		pods = view_list(a->view, KIND_Pod, a->owner->namespace);
	}
	for (u32 i = 0; i < pods.len; i++)
		if (selector_matches(selector, doc_at(pods.at[i]->doc, "metadata.labels")))
			pods.at[kept++] = pods.at[i];
	pods.len = kept;
	return pods;
}

static bool shares_pods(struct autoscaler *a, const struct version *other)
{
	const struct doc *ref = doc_at(other->doc, "spec.scaleTargetRef");
	const struct api_kind *kind =
		kind_of_group(a->view, doc_at_str(ref, "apiVersion"), doc_at_str(ref, "kind"));
	const struct version *target =
		kind && kind->has_scale
			? view_get(a->view, kind->id, other->namespace, doc_at_str(ref, "name"))
			: NULL;
	const struct selector *selector = target ? selector_of(a, kind, target) : NULL;

	for (u32 i = 0; selector && i < MIN(a->pods.len, (u32)AMBIGUOUS_PODS); i++)
		if (selector_matches(selector, doc_at(a->pods.at[i]->doc, "metadata.labels")))
			return true;
	return false;
}

static enum status fail_selector(struct autoscaler *a, const char *event, const char *reason,
				 struct str said, struct str message, struct error *error)
{
	plan_event(a->plan, a->owner, EVENT_WARNING, event, STR_FMT, STR_ARG(said));
	autoscaler_condition(a, "ScalingActive", false, reason, message);
	return fail(error, ST_INVALID, STR_FMT, STR_ARG(said));
}

/* Two autoscalers over the same pods would fight. */
static enum status find_pods(struct autoscaler *a, struct error *error)
{
	struct selector *selector = selector_of(a, a->target_kind, a->target);
	struct str names[NAMES_MAX];
	u32 len = 0;

	if (!selector)
		return fail_selector(a, "SelectorRequired", "InvalidSelector",
				     STR("selector is required"),
				     STR("the HPA target's scale is missing a selector"), error);
	a->pods = pods_of(a, selector);
	struct list others = view_list(a->view, KIND_HorizontalPodAutoscaler, a->owner->namespace);

	for (u32 i = 0; i < others.len && others.len > 1 && len < NAMES_MAX; i++)
		if (shares_pods(a, others.at[i]))
			names[len++] = str_format(a->arena, STR_FMT "/" STR_FMT,
						  STR_ARG(others.at[i]->namespace),
						  STR_ARG(others.at[i]->name));
	if (len < 2)
		return ST_OK;
	struct str text = str_format(a->arena,
				     "pods by selector " STR_FMT
				     " are controlled by multiple HPAs: [" STR_FMT "]",
				     STR_ARG(selector_print(a->arena, selector)),
				     STR_ARG(str_join(a->arena, names, len, STR(" "))));

	return fail_selector(a, "AmbiguousSelector", "AmbiguousSelector", text, text, error);
}

/* ---- deciding */

/* What all metrics together want: the one that wants most counts. Metrics that cannot be read
 * never let the target shrink. */
static bool ask_metrics(struct autoscaler *a, struct autoscaler_wish *wish)
{
	struct error error = ERROR_INIT;

	enum status status = find_pods(a, &error);

	if (status == ST_OK)
		status = autoscaler_measure(a, wish, &error);
	if (autoscaler_patient(a))
		return false;
	if (status != ST_OK) {
		plan_event(a->plan, a->owner, EVENT_WARNING, "FailedComputeMetricsReplicas", "%s",
			   error.message);
		return false;
	}
	autoscaler_condition(a, "ScalingActive", true, "ValidMetricFound",
			     str_format(a->arena,
					"the HPA was able to successfully calculate a replica "
					"count from " STR_FMT,
					STR_ARG(wish->metric)));
	return true;
}

static i64 judge(struct autoscaler *a, const struct autoscaler_wish *wish, i64 min, i64 max)
{
	struct autoscale_limits limits = {
		.min = min,
		.max = max,
		.current = a->current,
		.now_ns = a->view->now_ns,
		.behavior = doc_at(a->owner->doc, AT(HorizontalPodAutoscaler, spec.behavior)),
	};
	struct verdict verdict = autoscale_judge(&a->memory, &limits, wish->replicas);

	autoscaler_condition(a, "AbleToScale", true, verdict.stable_reason,
			     str_of(verdict.stable_message));
	autoscaler_condition(a, "ScalingLimited", verdict.limited, verdict.limit_reason,
			     str_of(verdict.limit_message));
	return verdict.replicas;
}

/* The size to set and why; the current one when nothing is to be done. False: it cannot be told. */
static bool decide(struct autoscaler *a, i64 *ret_wanted, struct str *ret_reason)
{
	i64 min = doc_at_int(a->owner->doc, AT(HorizontalPodAutoscaler, spec.minReplicas), 1);
	i64 max = doc_at_int(a->owner->doc, AT(HorizontalPodAutoscaler, spec.maxReplicas), 1);
	struct autoscaler_wish wish = { 0 };

	*ret_wanted = a->current;
	if (a->current == 0 && min != 0) {
		autoscaler_condition(a, "ScalingActive", false, "ScalingDisabled",
				     STR("scaling is disabled since the replica count of the "
					 "target is zero"));
	} else if (a->current > max) {
		*ret_reason = STR("Current number of replicas above Spec.MaxReplicas");
		*ret_wanted = max;
	} else if (a->current < min) {
		*ret_reason = STR("Current number of replicas below Spec.MinReplicas");
		*ret_wanted = min;
	} else {
		if (!ask_metrics(a, &wish))
			return false;
		*ret_reason = wish.replicas > a->current
				      ? str_format(a->arena, STR_FMT " above target",
						   STR_ARG(wish.metric))
				      : STR("All metrics below target");
		*ret_wanted = judge(a, &wish, min, max);
	}
	return true;
}

/* The new size first: the status is only told when it could be set. */
static void rescale(struct autoscaler *a, i64 wanted, struct str reason)
{
	struct str text = str_format(a->arena, "New size: %lld; reason: " STR_FMT,
				     (long long)wanted, STR_ARG(reason));
	struct saying saying = {
		.about = a->owner,
		.reason = "SuccessfulRescale",
		.text = text.at,
		.failed_reason = "FailedRescale",
		.failed_text = str_format(a->arena, STR_FMT "; error: %%s", STR_ARG(text)).at,
	};

	plan_scale(a->plan, a->target, wanted, &saying);
	a->memory.scaling_to = wanted;
	if (doc_at(a->owner->doc, AT(HorizontalPodAutoscaler, spec.behavior)))
		autoscale_changed(&a->memory, a->view->now_ns, wanted - a->current);
	autoscaler_condition(a, "AbleToScale", true, "SucceededRescale",
			     str_format(a->arena,
					"the HPA controller was able to update the target scale "
					"to %lld",
					(long long)wanted));
	a->status = doc_set_str(a->arena, a->status, "lastScaleTime",
				timestamp_print(a->arena, a->view->now_ns));
}

/* The pass before could not set the size: this one says so, the next tries again. */
static bool told_failure(struct autoscaler *a)
{
	const struct failure *failure = a->view->failure;

	if (a->memory.scaling_to < 0)
		return false;
	a->memory.scaling_to = -1;
	if (!failure)
		return false;
	if (doc_at(a->owner->doc, AT(HorizontalPodAutoscaler, spec.behavior)) &&
	    a->memory.changes_len)
		a->memory.changes_len--; /* it never happened */
	autoscaler_condition(a, "AbleToScale", false, "FailedUpdateScale",
			     str_format(a->arena,
					"the HPA controller was unable to update the target "
					"scale: " STR_FMT,
					STR_ARG(failure->message)));
	set_counts(a, a->current, a->current);
	return true;
}

static void look(struct autoscaler *a)
{
	struct str reason = STR_NONE;
	i64 wanted;

	if (!find_target(a) || told_failure(a))
		return;
	if (!a->memory.recommendations_len)
		autoscale_recommend(&a->memory, a->view->now_ns, a->current);
	bool known = decide(a, &wanted, &reason);

	if (!known) {
		set_counts(a, a->current, a->current);
		return;
	}
	if (wanted != a->current)
		rescale(a, wanted, reason);
	set_counts(a, a->current, wanted);
}

/* ---- when */

static void autoscaler_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	const struct version *owner = view_key(view, key);
	struct autoscaler a = { .view = view, .plan = plan, .arena = view->arena };

	if (!owner || object_deleting(owner->doc))
		return;
	autoscale_memory_read(&a.memory, view->kept);
	i64 generation = doc_at_int(owner->doc, "metadata.generation", 0);

	/* Its own status, or somebody's label, is no reason to look again. */
	if (a.memory.generation == generation && a.memory.due_ns > view->now_ns && !view->failure) {
		plan_keep(plan, str_copy(view->arena, view->kept));
		plan_wake(plan, a.memory.due_ns);
		return;
	}
	a.owner = owner;
	a.status = doc_set_int(view->arena, doc_key(owner->doc, "status"), "observedGeneration",
			       generation);
	look(&a);
	bool patient = autoscaler_patient(&a);

	a.memory.generation = generation;
	a.memory.early = a.early ? a.memory.early + 1 : 0;
	a.memory.due_ns = view->now_ns + (patient ? SOON_MS * NS_PER_MS : view->autoscale_every_ns);
	if (!patient)
		write_status(&a);
	plan_keep(plan, autoscale_memory_print(view->arena, &a.memory));
	plan_wake(plan, a.memory.due_ns);
}

const struct controller controller_autoscaler = {
	.name = "horizontal-pod-autoscaler",
	.watch = { { KIND_HorizontalPodAutoscaler, key_self } },
	.reconcile = autoscaler_reconcile,
};
