/*
 * ReplicaSet and ReplicationController: keep as many pods as wanted. They are one controller in two
 * coats; a ReplicationController's selector is a plain map and its conditions are of its own kind.
 */
#include "controllers/claim.h"
#include "controllers/labels.h"
#include "controllers/pod.h"
#include "doc/build.h"

enum { BURST_MAX = 500 }; /* One pass stays short; its own writes bring the next pass. */

struct replicas { /* one pass */
	const struct view *view;
	struct plan *plan;
	const struct version *owner;
	const struct doc *selector, *template;
	struct list pods; /* ours, finished ones included */
	struct list active;
	i64 wanted;
};

static bool pod_not_finished(const struct version *pod)
{
	return !pod_finished(pod->doc);
}

/* Pods of all ReplicaSets with our ReplicaSet's own controller: they are one application. */
static struct list related_pods(const struct replicas *r)
{
	const struct doc *ref = object_controller(r->owner->doc);
	if (!ref)
		return r->active;
	struct list sets = view_owned(r->view, doc_str(doc_key(ref, "uid")), r->owner->kind);
	VEC(struct version *) all = { 0 };
	for (u32 i = 0; i < sets.len; i++) {
		struct list pods = view_owned(r->view, sets.at[i]->uid, KIND_Pod);
		for (u32 k = 0; k < pods.len; k++)
			VEC_PUSH(r->view->arena, &all, pods.at[k]);
	}
	return (struct list){ all.at, all.len };
}

static void make_pods(const struct replicas *r, i64 missing)
{
	struct arena *arena = r->view->arena;
	struct saying saying = { r->owner, "SuccessfulCreate", "Created pod: %s", "FailedCreate",
				 "Error creating: %s" };
	struct str prefix = str_format(arena, STR_FMT "-", STR_ARG(r->owner->name));
	if (prefix.len > LABEL_BYTES_MAX - 5) /* a pod's name is its host name */
		prefix = str_part(prefix, 0, LABEL_BYTES_MAX - 5);
	const struct doc *pod = pod_from_template(arena, r->template, prefix,
						  object_owner_ref(arena, r->view, r->owner));
	for (i64 i = 0; i < MIN(missing, (i64)BURST_MAX) && plan_room(r->plan) > 1; i++)
		plan_create(r->plan, KIND_Pod, r->owner->namespace, pod, &saying);
}

static void drop_pods(const struct replicas *r, i64 surplus)
{
	struct saying saying = { r->owner, "SuccessfulDelete", "Deleted pod: %s", "FailedDelete",
				 "Error deleting: %s" };
	struct plan_delete options = { .grace_s = GRACE_DEFAULT, .saying = &saying };
	if (surplus < r->active.len)
		pods_sort_by_loss(r->view, r->active, related_pods(r));
	for (i64 i = 0; i < MIN(surplus, (i64)BURST_MAX) && plan_room(r->plan) > 1; i++)
		plan_delete(r->plan, r->active.at[i], &options);
}

static const struct doc *with_failure(const struct replicas *r, const struct doc *status)
{
	struct arena *arena = r->view->arena;
	const struct failure *failure = r->view->failure;
	i64 difference = (i64)r->active.len - r->wanted;
	if (!failure || failure->status == ST_CONFLICT || failure->status == ST_NOT_FOUND ||
	    !difference)
		return status_without_condition(arena, status, "ReplicaFailure");
	/* The message names a pod that never was, another one each time: the first stands. */
	const char *reason = difference < 0 ? "FailedCreate" : "FailedDelete";
	const struct doc *old = condition_get(r->owner->doc, "ReplicaFailure");
	if (str_is(doc_str(doc_key(old, "reason")), reason))
		return status;
	return status_with_condition(arena, status, "ReplicaFailure", "True", reason,
				     failure->message, r->view->now_ns);
}

/* The counts of the pods as this pass saw them; its own writes bring the next. */
static void count_pods(const struct replicas *r)
{
	struct arena *arena = r->view->arena;
	i64 settle_s = doc_at_int(r->owner->doc, AT(ReplicaSet, spec.minReadySeconds), 0);
	const struct doc *labels = doc_at(r->template, "metadata.labels");
	i64 ready = 0, available = 0, labelled = 0, wake_ns = NEVER_NS;
	for (u32 i = 0; i < r->active.len; i++) {
		const struct doc *pod = r->active.at[i]->doc;
		labelled += labels_contain(doc_at(pod, AT(Pod, metadata.labels)), labels);
		ready += pod_ready(pod);
		available += pod_available(pod, settle_s, r->view->now_ns, &wake_ns);
	}
	const struct doc *old = doc_key(r->owner->doc, "status");
	struct build b = build_object(arena);
	build_int(&b, "replicas", r->active.len);
	if (labelled)
		build_int(&b, "fullyLabeledReplicas", labelled);
	if (ready)
		build_int(&b, "readyReplicas", ready);
	if (available)
		build_int(&b, "availableReplicas", available);
	build_int(&b, "observedGeneration",
		  doc_at_int(r->owner->doc, AT(ReplicaSet, metadata.generation), 0));
	build_doc(&b, "conditions", doc_key(old, "conditions"));
	const struct doc *status = with_failure(r, build_done(&b));
	if (!old || !doc_eq(old, status))
		plan_status(r->plan, r->owner,
			    doc_with(arena, r->owner->doc, STR("status"), status));
	if (wake_ns != NEVER_NS)
		plan_wake(r->plan, wake_ns);
}

static void replicas_reconcile(const struct view *view, struct key key, struct plan *plan,
			       bool plain_map)
{
	const struct version *owner = view_key(view, key);
	if (!owner)
		return; /* The garbage collector takes its pods. */
	const struct doc *selector = doc_at(owner->doc, AT(ReplicaSet, spec.selector));
	struct replicas r = {
		.view = view,
		.plan = plan,
		.owner = owner,
		.selector = plain_map ? label_selector_of_map(view->arena, selector) : selector,
		.template = doc_at(owner->doc, AT(ReplicaSet, spec.template)),
		.wanted = doc_at_int(owner->doc, AT(ReplicaSet, spec.replicas), 1),
	};
	r.pods = claim(view, plan, owner, KIND_Pod, r.selector, pod_not_finished);
	r.active = (struct list){ ARENA_ARRAY(view->arena, struct version *, r.pods.len), 0 };
	for (u32 i = 0; i < r.pods.len; i++)
		if (pod_active(r.pods.at[i]))
			r.active.at[r.active.len++] = r.pods.at[i];

	i64 missing = r.wanted - r.active.len;
	if (!object_deleting(owner->doc) && missing > 0)
		make_pods(&r, missing);
	count_pods(&r);
	if (!object_deleting(owner->doc) && missing < 0)
		drop_pods(&r, -missing);
}

/* ---- ReplicaSet */

static void replicaset_of_pod(const struct view *view, const struct change *change,
			      struct keys *keys)
{
	key_controller(view, change, keys);
	claim_keys(view, change, KIND_ReplicaSet, AT(ReplicaSet, spec.selector), false, keys);
}

static void replicaset_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	replicas_reconcile(view, key, plan, false);
}

const struct controller controller_replicaset = {
	.name = "replicaset-controller",
	.watch = { { KIND_ReplicaSet, key_self }, { KIND_Pod, replicaset_of_pod } },
	.reconcile = replicaset_reconcile,
};

/* ---- ReplicationController */

static void replication_of_pod(const struct view *view, const struct change *change,
			       struct keys *keys)
{
	key_controller(view, change, keys);
	claim_keys(view, change, KIND_ReplicationController,
		   AT(ReplicationController, spec.selector), true, keys);
}

static void replication_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	replicas_reconcile(view, key, plan, true);
}

const struct controller controller_replication = {
	.name = "replication-controller",
	.watch = { { KIND_ReplicationController, key_self }, { KIND_Pod, replication_of_pod } },
	.reconcile = replication_reconcile,
};
