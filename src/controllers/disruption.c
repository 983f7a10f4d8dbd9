/*
 * PodDisruptionBudget: how many pods of a set may be taken away now. Follows
 * pkg/controller/disruption; the eviction subresource spends what the status grants.
 */
#include "base/clock.h"
#include "base/timestamp.h"
#include "controllers/controller.h"
#include "controllers/deployment.h"
#include "controllers/labels.h"
#include "controllers/pod.h"
#include "doc/build.h"

enum { GRANTED_S = 120 }; /* an eviction granted and not seen so long has failed */

struct budget {
	const struct view *view;
	struct arena *arena;
	struct plan *plan;
	struct version *owner;
	struct list pods;
	const struct doc *disrupted; /* status.disruptedPods that still count */
	i64 expected, desired, healthy;
	struct str failure; /* why it cannot be counted, or empty */
	bool unmanaged;	    /* pods without a controller were left out */
};

/* ---- how many pods there should be */

/* The replicas of what controls the pods; a ReplicaSet's Deployment speaks for it. */
static const struct version *scaled_owner(const struct budget *b, const struct version *pod)
{
	struct key key = key_of_controller(b->view, pod);
	const struct version *owner = key.kind ? view_key(b->view, key) : NULL;
	if (!owner || owner->kind != KIND_ReplicaSet)
		return owner;
	struct key above = key_of_controller(b->view, owner);
	const struct version *deployment =
		above.kind == KIND_Deployment ? view_key(b->view, above) : NULL;
	return deployment ? deployment : owner;
}

static bool has_scale(const struct version *owner)
{
	return owner->kind == KIND_ReplicaSet || owner->kind == KIND_Deployment ||
	       owner->kind == KIND_StatefulSet || owner->kind == KIND_ReplicationController;
}

/* The sum over all controllers of the pods; fails on a controller without a size. */
static i64 expected_scale(struct budget *b)
{
	VEC(const struct version *) seen = { 0 };
	i64 expected = 0;
	for (u32 i = 0; i < b->pods.len; i++) {
		const struct version *pod = b->pods.at[i];
		const struct doc *ref = object_controller(pod->doc);
		const struct version *owner = scaled_owner(b, pod);
		bool known = false;
		if (!ref) {
			b->unmanaged = true;
			continue;
		}
		if (owner && !has_scale(owner)) {
			const struct api_kind *kind = schema_kind(b->view->schema, owner->kind);
			b->failure = str_format(b->arena,
						STR_FMT "." STR_FMT
							" does not implement the scale subresource",
						STR_ARG(kind->plural), STR_ARG(kind->group));
			return 0;
		}
		for (u32 k = 0; k < seen.len; k++)
			known = known || seen.at[k] == owner;
		if (!owner || known)
			continue;
		VEC_PUSH(b->arena, &seen, owner);
		expected += doc_at_int(owner->doc, "spec.replicas", 1);
	}
	return expected;
}

static void read_limits(struct budget *b)
{
	const struct doc *most =
		doc_at(b->owner->doc, AT(PodDisruptionBudget, spec.maxUnavailable));
	const struct doc *least = doc_at(b->owner->doc, AT(PodDisruptionBudget, spec.minAvailable));
	if (most) {
		b->expected = expected_scale(b);
		i64 away = count_or_percent(most, b->expected, true);
		b->desired = MAX(b->expected - away, 0);
	} else if (doc_is(least, DOC_STRING)) {
		b->expected = expected_scale(b);
		b->desired = count_or_percent(least, b->expected, true);
	} else if (least) {
		b->expected = b->pods.len;
		b->desired = doc_int_or(least, 0);
	}
}

/* ---- who is healthy, and who has been promised to go */

static void read_disrupted(struct budget *b)
{
	const struct doc *before =
		doc_at(b->owner->doc, AT(PodDisruptionBudget, status.disruptedPods));
	b->disrupted = NULL;
	doc_each_pair(before, name, when) {
		i64 until = timestamp_or(doc_str(when), 0) + GRANTED_S * NS_PER_S;
		const struct version *pod = view_get(b->view, KIND_Pod, b->owner->namespace, name);
		if (!pod || object_deleting(pod->doc))
			continue;
		if (until <= b->view->now_ns) {
			plan_event(b->plan, pod, EVENT_WARNING, "NotDeleted",
				   "Pod was expected by PDB " STR_FMT "/" STR_FMT
				   " to be deleted but it wasn't",
				   STR_ARG(b->owner->namespace), STR_ARG(b->owner->name));
			continue;
		}
		plan_wake(b->plan, until);
		b->disrupted = doc_with(b->arena, b->disrupted, name, when);
	}
}

static void count_healthy(struct budget *b)
{
	for (u32 i = 0; i < b->pods.len; i++) {
		const struct version *pod = b->pods.at[i];
		if (pod_active(pod) && pod_ready(pod->doc) && !doc_get(b->disrupted, pod->name))
			b->healthy++;
	}
}

static bool pod_counts(const struct version *pod)
{
	return !pod_finished(pod->doc);
}

/* ---- the status */

static const struct doc *condition(struct budget *b, const struct doc *old, i64 allowed)
{
	const char *reason = b->failure.len ? "SyncFailed"
			     : allowed	    ? "SufficientPods"
					    : "InsufficientPods";
	struct str value = allowed ? STR("True") : STR("False");
	struct str since = timestamp_print(b->arena, b->view->now_ns);
	i64 generation = doc_at_int(b->owner->doc, AT(PodDisruptionBudget, metadata.generation), 0);
	doc_each_item(old, item) {
		if (str_is(doc_str(doc_key(item, "type")), "DisruptionAllowed") &&
		    str_eq(doc_str(doc_key(item, "status")), value))
			since = doc_str(doc_key(item, "lastTransitionTime"));
	}
	struct build c = build_array(b->arena);
	build_open_object(&c, NULL);
	build_str(&c, "type", STR("DisruptionAllowed"));
	build_str(&c, "status", value);
	build_int(&c, "observedGeneration", generation);
	build_str(&c, "lastTransitionTime", since);
	build_str(&c, "reason", str_of(reason));
	build_str(&c, "message", b->failure.len ? b->failure : STR(""));
	build_close(&c);
	return build_done(&c);
}

static void write_status(struct budget *b)
{
	const struct doc *before = doc_key(b->owner->doc, "status");
	i64 allowed = MAX(b->healthy - b->desired, 0);
	if (b->expected <= 0 || b->failure.len)
		allowed = 0;
	struct build s = build_object(b->arena);
	build_int(&s, "observedGeneration",
		  doc_at_int(b->owner->doc, AT(PodDisruptionBudget, metadata.generation), 0));
	build_doc(&s, "disruptedPods", b->disrupted);
	build_int(&s, "disruptionsAllowed", allowed);
	build_int(&s, "currentHealthy", b->healthy);
	build_int(&s, "desiredHealthy", b->desired);
	build_int(&s, "expectedPods", b->expected);
	build_doc(&s, "conditions", condition(b, doc_key(before, "conditions"), allowed));
	const struct doc *status = build_done(&s);
	if (!before || !doc_eq(before, status))
		plan_status(b->plan, b->owner,
			    doc_with(b->arena, b->owner->doc, STR("status"), status));
}

static void disruption_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	struct version *owner = view_key(view, key);
	if (!owner || object_deleting(owner->doc))
		return;
	struct budget b = { .view = view, .arena = view->arena, .plan = plan, .owner = owner };
	b.pods = view_selected(view, KIND_Pod, owner->namespace,
			       doc_at(owner->doc, AT(PodDisruptionBudget, spec.selector)));
	list_keep(&b.pods, pod_counts);
	read_limits(&b);
	read_disrupted(&b);
	count_healthy(&b);
	if (b.unmanaged)
		plan_event(
			plan, owner, EVENT_WARNING, "UnmanagedPods",
			"Pods selected by this PodDisruptionBudget were found to be unmanaged. "
			"As a result, the status of the PDB cannot be calculated correctly, which "
			"may result in undefined behavior. To account for these pods please set "
			"\".spec.minAvailable\" field of the PDB to an integer value.");
	if (b.failure.len)
		plan_event(plan, owner, EVENT_WARNING, "CalculateExpectedPodCountFailed",
			   "Failed to calculate the number of expected pods: " STR_FMT,
			   STR_ARG(b.failure));
	write_status(&b);
}

/* ---- who is concerned */

static void budgets_of_pod(const struct view *view, const struct change *change, struct keys *keys)
{
	struct list budgets = view_list(view, KIND_PodDisruptionBudget, change->now->namespace);
	for (u32 i = 0; i < budgets.len; i++) {
		const struct doc *selector =
			doc_at(budgets.at[i]->doc, AT(PodDisruptionBudget, spec.selector));
		const struct doc *now = doc_at(change->now->doc, AT(Pod, metadata.labels));
		const struct doc *before =
			change->before ? doc_at(change->before->doc, AT(Pod, metadata.labels))
				       : NULL;
		if (label_selector_matches(selector, now) ||
		    (change->before && label_selector_matches(selector, before)))
			keys_add(keys,
				 (struct key){ KIND_PodDisruptionBudget, budgets.at[i]->namespace,
					       budgets.at[i]->name });
	}
}

/* Percentages follow the size that is wanted. */
static void budgets_of_owner(const struct view *view, const struct change *change,
			     struct keys *keys)
{
	if (!change->gone && change->before &&
	    doc_at_int(change->before->doc, "spec.replicas", 1) ==
		    doc_at_int(change->now->doc, "spec.replicas", 1))
		return;
	struct list budgets = view_list(view, KIND_PodDisruptionBudget, change->now->namespace);
	for (u32 i = 0; i < budgets.len; i++)
		keys_add(keys, (struct key){ KIND_PodDisruptionBudget, budgets.at[i]->namespace,
					     budgets.at[i]->name });
}

const struct controller controller_disruption = {
	.name = "disruption-controller",
	.watch = { { KIND_PodDisruptionBudget, key_self },
		   { KIND_Pod, budgets_of_pod },
		   { KIND_Deployment, budgets_of_owner },
		   { KIND_ReplicaSet, budgets_of_owner },
		   { KIND_StatefulSet, budgets_of_owner },
		   { KIND_ReplicationController, budgets_of_owner } },
	.reconcile = disruption_reconcile,
};
