/*
 * Pods nobody will ever finish: bound to a node that is no more or that somebody has declared out
 * of service, deleted before they had a node, or finished and far too many. Follows
 * pkg/controller/podgc.
 */
#include "base/clock.h"
#include "base/timestamp.h"
#include "controllers/controller.h"
#include "controllers/pod.h"
#include "doc/build.h"

enum {
	FINISHED_MAX = 12500, /* upstream's --terminated-pod-gc-threshold */
	QUARANTINE_S = 40,    /* a node object may come back under its name */
};

static const struct plan_delete now = { .grace_s = 0 };

/* The pod is told failed before it goes, so that Jobs and people see why. */
static void fail_and_delete(const struct view *view, struct plan *plan, const struct version *pod,
			    bool node_gone)
{
	struct arena *arena = view->arena;
	if (!pod_finished(pod->doc)) {
		const struct doc *status = doc_key(pod->doc, "status");
		status = doc_with(arena, status, STR("phase"), doc_ref_str(arena, STR("Failed")));
		if (node_gone)
			status = status_with_condition(
				arena, status, "DisruptionTarget", "True", "DeletionByPodGC",
				STR("PodGC: node no longer exists"), view->now_ns);
		plan_status(plan, pod, doc_with(arena, pod->doc, STR("status"), status));
	}
	plan_delete(plan, pod, &now);
}

static void node_gone(const struct view *view, struct str node, struct plan *plan)
{
	struct list pods = view_on_node(view, node);
	for (u32 i = 0; i < pods.len && plan_room(plan) > 2; i++)
		fail_and_delete(view, plan, pods.at[i], true);
	if (pods.len && plan_room(plan) <= 2)
		plan_wake(plan, view->now_ns);
}

/* Somebody has seen to it that the machine is off: nothing can run there any more. */
static bool is_out_of_service(const struct doc *node)
{
	if (condition_is(node, "Ready", "True"))
		return false;
	doc_each_item(doc_at(node, AT(Node, spec.taints)), taint) {
		if (str_is(doc_str(doc_key(taint, "key")), "node.kubernetes.io/out-of-service"))
			return true;
	}
	return false;
}

/* Nobody there will say that pods which have to go are gone. */
static void drop_dying(const struct view *view, struct str node, struct plan *plan)
{
	struct list pods = view_on_node(view, node);
	for (u32 i = 0; i < pods.len; i++) {
		if (!object_deleting(pods.at[i]->doc))
			continue;
		if (plan_room(plan) <= 2)
			return plan_wake(plan, view->now_ns);
		fail_and_delete(view, plan, pods.at[i], false);
	}
}

/* The key is a node's; pods name their node, so nothing has to be searched. */
static void node_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	const struct version *node = view_key(view, key);
	if (node) {
		if (is_out_of_service(node->doc))
			drop_dying(view, key.name, plan);
		return;
	}
	/* Pods bound a moment ago to a node just gone: wait until it is sure. The youngest counts,
	 * since nothing is remembered of when the node went. */
	struct list pods = view_on_node(view, key.name);
	i64 youngest = 0;
	for (u32 i = 0; i < pods.len; i++) {
		i64 created = timestamp_or(
			doc_at_str(pods.at[i]->doc, AT(Pod, metadata.creationTimestamp)), 0);
		youngest = MAX(youngest, created);
	}
	i64 sure = MAX(youngest, view->started_ns) + QUARANTINE_S * NS_PER_S;
	if (!pods.len)
		return;
	if (sure > view->now_ns)
		plan_wake(plan, sure);
	else
		node_gone(view, key.name, plan);
}

static void pod_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	const struct version *pod = view_key(view, key);
	if (pod && object_deleting(pod->doc) && !doc_at_str(pod->doc, AT(Pod, spec.nodeName)).len)
		fail_and_delete(view, plan, pod, false);
}

static int by_creation(const struct version *a, const struct version *b)
{
	return str_cmp(doc_at_str(a->doc, AT(Pod, metadata.creationTimestamp)),
		       doc_at_str(b->doc, AT(Pod, metadata.creationTimestamp)));
}

static bool finished(const struct version *pod)
{
	return pod_finished(pod->doc);
}

/* The key of no pod in particular: the oldest finished ones beyond the limit go. */
static void finished_reconcile(const struct view *view, struct plan *plan)
{
	struct list pods = view_list(view, KIND_Pod, STR_NONE);
	list_keep(&pods, finished);
	if (pods.len <= FINISHED_MAX)
		return;
	list_sort(view->arena, pods, by_creation);
	for (u32 i = 0; i < pods.len - FINISHED_MAX && plan_room(plan) > 1; i++)
		plan_delete(plan, pods.at[i], &now);
}

static const struct key all_finished = { KIND_Pod, STR_INIT(""), STR_INIT("*") };

static void pod_garbage_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	if (key.kind == KIND_Node)
		node_reconcile(view, key, plan);
	else if (key_eq(key, all_finished))
		finished_reconcile(view, plan);
	else
		pod_reconcile(view, key, plan);
}

static void pod_garbage_keys(const struct view *view, const struct change *change,
			     struct keys *keys)
{
	if (change->gone)
		return;
	struct str node = doc_at_str(change->now->doc, AT(Pod, spec.nodeName));
	if (!node.len && object_deleting(change->now->doc))
		key_self(view, change, keys);
	const struct version *home = node.len ? view_get(view, KIND_Node, STR_NONE, node) : NULL;
	bool lost = home && object_deleting(change->now->doc) && is_out_of_service(home->doc);
	if (node.len && (!home || lost))
		keys_add(keys, (struct key){ KIND_Node, STR_NONE, node });
	if (pod_finished(change->now->doc) && store_count(view->store, KIND_Pod) > FINISHED_MAX)
		keys_add(keys, all_finished);
}

static void node_keys(const struct view *view, const struct change *change, struct keys *keys)
{
	if (change->gone || is_out_of_service(change->now->doc))
		key_self(view, change, keys);
}

const struct controller controller_pod_garbage = {
	.name = "pod-garbage-collector",
	.watch = { { KIND_Pod, pod_garbage_keys }, { KIND_Node, node_keys } },
	.reconcile = pod_garbage_reconcile,
	.many_kinds = true,
};
