/*
 * Nodes that fall silent: without a heartbeat for 40 s a node's conditions become Unknown, it is
 * tainted, its pods are no longer ready, and those that do not tolerate the taint are evicted when
 * their time is up. Follows pkg/controller/nodelifecycle and tainteviction. Nothing is remembered:
 * heartbeats stand in the Lease and the node's status, evictions count from the taint's timeAdded.
 */
#include "base/clock.h"
#include "base/timestamp.h"
#include "controllers/controller.h"
#include "controllers/pod.h"
#include "controllers/toleration.h"
#include "doc/build.h"

static const char not_ready[] = "node.kubernetes.io/not-ready";
static const char unreachable[] = "node.kubernetes.io/unreachable";

/* Conditions that taint, with the status that does. */
static const struct {
	const char *condition, *status, *key, *effect;
} condition_taints[] = {
	{ "Ready", "False", not_ready, "NoSchedule" },
	{ "Ready", "False", not_ready, "NoExecute" },
	{ "Ready", "Unknown", unreachable, "NoSchedule" },
	{ "Ready", "Unknown", unreachable, "NoExecute" },
	{ "MemoryPressure", "True", "node.kubernetes.io/memory-pressure", "NoSchedule" },
	{ "DiskPressure", "True", "node.kubernetes.io/disk-pressure", "NoSchedule" },
	{ "PIDPressure", "True", "node.kubernetes.io/pid-pressure", "NoSchedule" },
	{ "NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable", "NoSchedule" },
};

/* ---- heartbeats */

/* When we heard of it counts, not what the node's own clock said then: that may be off. */
static i64 last_heartbeat(const struct view *view, const struct version *node)
{
	i64 at = timestamp_or(doc_at_str(node->doc, AT(Node, metadata.creationTimestamp)), 0);
	struct version *lease = view_get(view, KIND_Lease, STR("kube-node-lease"), node->name);
	if (lease)
		at = MAX(at, lease->seen_ns);
	return MAX(at, view->started_ns); /* we were not there to hear it before */
}

static const struct doc *silent_status(const struct view *view, const struct version *node)
{
	static const char *const types[] = { "Ready", "MemoryPressure", "DiskPressure",
					     "PIDPressure" };
	const struct doc *status = doc_key(node->doc, "status");
	for (u32 i = 0; i < ARRAY_LEN(types); i++) {
		const struct doc *old = condition_get(node->doc, types[i]);
		if (str_is(doc_str(doc_key(old, "status")), "Unknown"))
			continue;
		status = status_with_condition(view->arena, status, types[i], "Unknown",
					       old ? "NodeStatusUnknown" : "NodeStatusNeverUpdated",
					       old ? STR("Kubelet stopped posting node status.")
						   : STR("Kubelet never posted node status."),
					       view->now_ns);
	}
	return status;
}

/* ---- taints */

static const struct doc *find_taint(const struct doc *taints, const char *key, const char *effect)
{
	doc_each_item(taints, taint) {
		if (str_is(doc_str(doc_key(taint, "key")), key) && taint_has_effect(taint, effect))
			return taint;
	}
	return NULL;
}

static const struct doc *taint_new(const struct view *view, const char *key, const char *effect)
{
	struct build b = build_object(view->arena);
	build_str(&b, "key", str_of(key));
	build_str(&b, "effect", str_of(effect));
	build_str(&b, "timeAdded", timestamp_print(view->arena, view->now_ns));
	return build_done(&b);
}

static const struct doc *set_taint(const struct view *view, const struct doc *taints,
				   const char *key, const char *effect, bool wanted)
{
	const struct doc *there = find_taint(taints, key, effect);
	if (wanted == (there != NULL))
		return taints;
	if (wanted)
		return doc_append(view->arena, taints, taint_new(view, key, effect));
	return doc_with_item(view->arena, taints, (u32)(there - taints->items), NULL);
}

/* Somebody's own NoExecute taint gets its time too: evictions count from it. */
static const struct doc *date_taints(const struct view *view, const struct doc *taints)
{
	for (u32 i = 0; i < doc_len(taints); i++) {
		const struct doc *taint = doc_item(taints, i);
		if (!taint_has_effect(taint, "NoExecute") || doc_key(taint, "timeAdded"))
			continue;
		struct str now = timestamp_print(view->arena, view->now_ns);
		taints = doc_with_item(view->arena, taints, i,
				       doc_with(view->arena, taint, STR("timeAdded"),
						doc_ref_str(view->arena, now)));
	}
	return taints;
}

static const struct doc *wanted_taints(const struct view *view, const struct doc *node)
{
	const struct doc *taints = doc_at(node, AT(Node, spec.taints));
	bool silent = condition_is(node, "Ready", "Unknown");
	for (u32 i = 0; i < ARRAY_LEN(condition_taints); i++) {
		const char *status = condition_taints[i].status;
		bool wanted = condition_is(node, condition_taints[i].condition, status);
		bool pressure = str_is(str_of(condition_taints[i].condition), "Ready") == false;
		if (pressure && silent)
			continue; /* what it last said about its pressure still stands */
		taints = set_taint(view, taints, condition_taints[i].key,
				   condition_taints[i].effect, wanted);
	}
	taints = set_taint(view, taints, "node.kubernetes.io/unschedulable", "NoSchedule",
			   doc_at_bool(node, AT(Node, spec.unschedulable), false));
	return date_taints(view, taints);
}

/* ---- pods of a node in trouble */

static void mark_not_ready(const struct view *view, struct plan *plan, struct list pods)
{
	for (u32 i = 0; i < pods.len && plan_room(plan) > 4; i++) {
		const struct version *pod = pods.at[i];
		if (!pod_ready(pod->doc) || pod_finished(pod->doc))
			continue;
		const struct doc *status =
			status_with_condition(view->arena, doc_key(pod->doc, "status"), "Ready",
					      "False", NULL, STR_NONE, view->now_ns);
		plan_status(plan, pod, doc_with(view->arena, pod->doc, STR("status"), status));
		plan_event(plan, pod, EVENT_WARNING, "NodeNotReady", "Node is not ready");
	}
}

/* When this pod has to leave: NEVER_NS when it may stay. */
static i64 leaves_at(const struct doc *pod, const struct doc *taints, i64 now_ns)
{
	const struct doc *tolerations = doc_at(pod, AT(Pod, spec.tolerations));
	i64 leaves = NEVER_NS;
	doc_each_item(taints, taint) {
		if (!taint_has_effect(taint, "NoExecute"))
			continue;
		i64 from = timestamp_or(doc_str(doc_key(taint, "timeAdded")), now_ns);
		bool tolerated = false;
		doc_each_item(tolerations, toleration) {
			if (!toleration_tolerates(toleration, taint))
				continue;
			tolerated = true;
			const struct doc *seconds = doc_key(toleration, "tolerationSeconds");
			if (seconds)
				leaves = MIN(leaves,
					     from + MAX(doc_int_or(seconds, 0), 0) * NS_PER_S);
		}
		if (!tolerated)
			return from;
	}
	return leaves;
}

static void evict(const struct view *view, struct plan *plan, const struct version *pod)
{
	const struct doc *status = status_with_condition(
		view->arena, doc_key(pod->doc, "status"), "DisruptionTarget", "True",
		"DeletionByTaintManager", STR("Taint manager: deleting due to NoExecute taint"),
		view->now_ns);
	plan_event(plan, pod, EVENT_NORMAL, "TaintManagerEviction",
		   "Marking for deletion Pod " STR_FMT "/" STR_FMT, STR_ARG(pod->namespace),
		   STR_ARG(pod->name));
	plan_status(plan, pod, doc_with(view->arena, pod->doc, STR("status"), status));
	plan_delete(plan, pod, NULL);
}

static void evict_pods(const struct view *view, struct plan *plan, struct list pods,
		       const struct doc *taints)
{
	for (u32 i = 0; i < pods.len; i++) {
		if (!pod_active(pods.at[i]))
			continue;
		i64 leaves = leaves_at(pods.at[i]->doc, taints, view->now_ns);
		if (leaves > view->now_ns) {
			if (leaves != NEVER_NS)
				plan_wake(plan, leaves);
			continue;
		}
		if (plan_room(plan) <= 6)
			return plan_wake(plan, view->now_ns);
		evict(view, plan, pods.at[i]);
	}
}

static bool has_no_execute(const struct doc *taints)
{
	doc_each_item(taints, taint) {
		if (taint_has_effect(taint, "NoExecute"))
			return true;
	}
	return false;
}

static void node_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	const struct version *node = view_key(view, key);
	if (!node || object_deleting(node->doc))
		return;
	const struct doc *doc = node->doc;
	i64 silent_at = last_heartbeat(view, node) + view->node_grace_ns;
	if (silent_at >= view->now_ns) {
		plan_wake(plan, silent_at + 1);
	} else if (!condition_is(doc, "Ready", "Unknown")) {
		doc = doc_with(view->arena, doc, STR("status"), silent_status(view, node));
		plan_event(plan, node, EVENT_NORMAL, "NodeNotReady",
			   "Node " STR_FMT " status is now: NodeNotReady", STR_ARG(node->name));
	}
	const struct doc *taints = wanted_taints(view, doc);
	const struct doc *spec =
		doc_set(view->arena, node->doc, "spec.taints", doc_len(taints) ? taints : NULL);
	if (!doc_eq(taints, doc_at(node->doc, AT(Node, spec.taints))) &&
	    doc_len(taints) + doc_len(doc_at(node->doc, AT(Node, spec.taints))))
		plan_update(plan, node, spec, NULL);
	if (doc != node->doc)
		plan_status(plan, node,
			    doc_with(view->arena, spec, STR("status"), doc_key(doc, "status")));

	bool ready = condition_is(doc, "Ready", "True");
	bool evicting = has_no_execute(taints);
	if (ready && !evicting)
		return;
	struct list pods = view_on_node(view, key.name);
	if (!ready)
		mark_not_ready(view, plan, pods);
	if (evicting)
		evict_pods(view, plan, pods, taints);
}

/* A pod that comes to a node in trouble, or whose tolerations changed. */
static void node_of_pod(const struct view *view, const struct change *change, struct keys *keys)
{
	struct str name = doc_at_str(change->now->doc, AT(Pod, spec.nodeName));
	bool news = !change->before || !doc_eq(doc_key(change->before->doc, "spec"),
					       doc_key(change->now->doc, "spec"));
	struct version *node = !change->gone && news && name.len
				       ? view_get(view, KIND_Node, STR_NONE, name)
				       : NULL;
	if (node && has_no_execute(doc_at(node->doc, AT(Node, spec.taints))))
		keys_add(keys, (struct key){ KIND_Node, STR_NONE, name });
}

const struct controller controller_node_lifecycle = {
	.name = "node-controller",
	.watch = { { KIND_Node, key_self }, { KIND_Pod, node_of_pod } },
	.reconcile = node_reconcile,
};
