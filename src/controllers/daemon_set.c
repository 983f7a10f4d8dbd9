/*
 * DaemonSet: one pod on every node that fits. Follows pkg/controller/daemon. Nodes without a pod
 * that should have one count as unavailable, so that maxUnavailable holds at every instant.
 */
#include "controllers/daemon_set.h"

#include "base/clock.h"
#include "base/timestamp.h"
#include "controllers/claim.h"
#include "controllers/deployment.h"
#include "controllers/pod.h"
#include "doc/build.h"

enum {
	BURST_MAX = 250,
	FAILED_REST_S = 10, /* a pod that failed is replaced no sooner after it was made */
};

static bool is_present(const struct daemons *d, const struct version *pod)
{
	struct str hash =
		doc_str(doc_get(doc_at(pod->doc, AT(Pod, metadata.labels)), STR(DAEMON_HASH)));
	return str_eq(hash, d->revisions.hash);
}

static bool is_available(struct daemons *d, const struct version *pod)
{
	return pod_available(pod->doc, d->settle_s, d->view->now_ns, &d->wake_ns);
}

static void make(const struct daemons *d, const struct daemon_node *node)
{
	struct saying saying = { d->owner, "SuccessfulCreate", "Created pod: %s", "FailedCreate",
				 "Error creating: %s" };
	if (plan_room(d->plan) > PLAN_MAX - BURST_MAX)
		plan_create(d->plan, KIND_Pod, d->owner->namespace, daemon_pod_for(d, node->name),
			    &saying);
	else
		plan_wake(d->plan, d->view->now_ns);
}

static void drop(const struct daemons *d, const struct version *pod)
{
	struct saying saying = { d->owner, "SuccessfulDelete", "Deleted pod: %s", "FailedDelete",
				 "Error deleting: %s" };
	struct plan_delete options = { .grace_s = GRACE_DEFAULT, .saying = &saying };
	if (!object_deleting(pod->doc) && plan_room(d->plan) > 8)
		plan_delete(d->plan, pod, &options);
}

/* ---- one pod a node */

/* A finished pod makes room for its successor, a failed one not in a hot loop. */
static void replace_finished(struct daemons *d, const struct daemon_node *node,
			     const struct version *pod)
{
	bool failed = str_is(doc_at_str(pod->doc, AT(Pod, status.phase)), "Failed");
	i64 created = timestamp_or(doc_at_str(pod->doc, AT(Pod, metadata.creationTimestamp)), 0);
	i64 at = failed ? created + FAILED_REST_S * NS_PER_S : 0;
	if (at > d->view->now_ns)
		return plan_wake(d->plan, at);
	plan_event(d->plan, d->owner, failed ? EVENT_WARNING : EVENT_NORMAL,
		   failed ? "FailedDaemonPod" : "SucceededDaemonPod",
		   "Found %s daemon pod " STR_FMT "/" STR_FMT " on node " STR_FMT
		   ", will try to %s it",
		   failed ? "failed" : "succeeded", STR_ARG(pod->namespace), STR_ARG(pod->name),
		   STR_ARG(node->name), failed ? "kill" : "delete");
	drop(d, pod);
}

/* With surge there may be one pod of the present and one of an earlier template. */
static void prune_surged(struct daemons *d, struct list running)
{
	struct version *young = NULL, *old = NULL;
	for (u32 i = 0; i < running.len; i++) {
		struct version **kept = is_present(d, running.at[i]) ? &young : &old;
		if (*kept)
			drop(d, running.at[i]);
		else
			*kept = running.at[i];
	}
	if (young && old && (!pod_ready(old->doc) || is_available(d, young)))
		drop(d, old);
}

static void manage_node(struct daemons *d, const struct daemon_node *node)
{
	struct list running = { ARENA_ARRAY(d->arena, struct version *, node->pods.len), 0 };
	if (!node->tolerated) {
		for (u32 i = 0; i < node->pods.len; i++)
			drop(d, node->pods.at[i]);
		return;
	}
	for (u32 i = 0; i < node->pods.len; i++) {
		struct version *pod = node->pods.at[i];
		if (pod_active(pod))
			running.at[running.len++] = pod;
		else if (pod_finished(pod->doc) && !object_deleting(pod->doc))
			replace_finished(d, node, pod);
	}
	/* Without surge a pod that is still ending keeps its place. */
	if (node->wanted && (!node->pods.len || (d->surge && !running.len)))
		make(d, node);
	else if (d->surge)
		prune_surged(d, running);
	else
		for (u32 i = 1; i < running.len; i++)
			drop(d, running.at[i]);
}

/* ---- rolling */

struct node_pair { /* the active pods of a node by template */
	struct version *young, *old;
	bool odd; /* more than one of a sort */
};

static struct node_pair pair_of(const struct daemons *d, const struct daemon_node *node)
{
	struct node_pair pair = { 0 };
	for (u32 i = 0; i < node->pods.len; i++) {
		struct version *pod = node->pods.at[i];
		if (!pod_active(pod))
			continue;
		struct version **place = is_present(d, pod) ? &pair.young : &pair.old;
		pair.odd = pair.odd || *place;
		*place = pod;
	}
	return pair;
}

static void roll_by_deleting(struct daemons *d)
{
	struct list candidates = { ARENA_ARRAY(d->arena, struct version *, d->nodes.len), 0 };
	i64 unavailable = 0;
	for (u32 i = 0; i < d->nodes.len; i++) {
		struct daemon_node *node = &d->nodes.at[i];
		struct node_pair pair = pair_of(d, node);
		if (!node->wanted && !node->pods.len)
			continue;
		if (pair.odd || (pair.young != NULL) == (pair.old != NULL)) {
			unavailable++;
		} else if (pair.young) {
			unavailable += !is_available(d, pair.young);
		} else if (!is_available(d, pair.old)) {
			unavailable++;
			drop(d, pair.old); /* nothing is lost */
		} else {
			candidates.at[candidates.len++] = pair.old;
		}
	}
	for (u32 i = 0; i < candidates.len && unavailable < d->unavailable; i++, unavailable++)
		drop(d, candidates.at[i]);
}

static void roll_by_surging(struct daemons *d)
{
	VEC(const struct daemon_node *) candidates = { 0 };
	i64 surged = 0;
	for (u32 i = 0; i < d->nodes.len; i++) {
		const struct daemon_node *node = &d->nodes.at[i];
		struct node_pair pair = pair_of(d, node);
		if (pair.odd) {
			surged++;
		} else if (pair.old && pair.young) {
			surged += !is_available(d, pair.young);
		} else if (pair.old && node->wanted) {
			if (is_available(d, pair.old))
				VEC_PUSH(d->arena, &candidates, node);
			else
				make(d, node);
		}
	}
	for (u32 i = 0; i < candidates.len && surged < d->surge; i++, surged++)
		make(d, candidates.at[i]);
}

static i64 desired(const struct daemons *d)
{
	i64 wanted = 0;
	for (u32 i = 0; i < d->nodes.len; i++)
		wanted += d->nodes.at[i].wanted;
	return wanted;
}

static void read_strategy(struct daemons *d)
{
	const struct doc *limits = doc_at(d->spec, "updateStrategy.rollingUpdate");
	bool on_delete = str_is(doc_at_str(d->spec, "updateStrategy.type"), "OnDelete");
	i64 total = desired(d);
	if (on_delete)
		return;
	d->surge = count_or_percent(doc_key(limits, "maxSurge"), total, true);
	d->unavailable = count_or_percent(doc_key(limits, "maxUnavailable"), total, true);
	if (!d->surge && !d->unavailable)
		d->unavailable = 1;
}

/* ---- status */

static void count(struct daemons *d)
{
	i64 current = 0, misplaced = 0, ready = 0, available = 0, updated = 0;
	for (u32 i = 0; i < d->nodes.len; i++) {
		const struct daemon_node *node = &d->nodes.at[i];
		if (!node->pods.len || !node->node)
			continue;
		if (!node->wanted) {
			misplaced++;
			continue;
		}
		const struct version *pod = node->pods.at[0];
		bool is_ready = pod_ready(pod->doc);
		current++;
		ready += is_ready;
		available += is_ready && is_available(d, pod);
		updated += is_present(d, pod);
	}
	const struct doc *before = doc_key(d->owner->doc, "status");
	i64 wanted = desired(d), collisions = doc_at_int(before, "collisionCount", 0);
	struct build b = build_object(d->arena);
	build_int(&b, "currentNumberScheduled", current);
	build_int(&b, "numberMisscheduled", misplaced);
	build_int(&b, "desiredNumberScheduled", wanted);
	build_int(&b, "numberReady", ready);
	build_int(&b, "observedGeneration",
		  doc_at_int(d->owner->doc, AT(DaemonSet, metadata.generation), 0));
	if (updated)
		build_int(&b, "updatedNumberScheduled", updated);
	if (available)
		build_int(&b, "numberAvailable", available);
	if (wanted > available)
		build_int(&b, "numberUnavailable", wanted - available);
	if (collisions + d->revisions.collided)
		build_int(&b, "collisionCount", collisions + d->revisions.collided);
	const struct doc *status = build_done(&b);
	if (!before || !doc_eq(before, status))
		plan_status(d->plan, d->owner,
			    doc_with(d->arena, d->owner->doc, STR("status"), status));
}

/* ---- the pass */

static bool revision_used(void *self, const struct version *revision)
{
	const struct daemons *d = self;
	struct str hash = revision_hash(revision, DAEMON_HASH);
	for (u32 i = 0; i < d->nodes.len; i++) {
		for (u32 k = 0; k < d->nodes.at[i].pods.len; k++) {
			const struct doc *pod = d->nodes.at[i].pods.at[k]->doc;
			if (str_eq(doc_str(doc_get(doc_at(pod, AT(Pod, metadata.labels)),
						   STR(DAEMON_HASH))),
				   hash))
				return true;
		}
	}
	return false;
}

static void sync(struct daemons *d)
{
	i64 limit = doc_int_or(doc_key(d->spec, "revisionHistoryLimit"), 10);
	if (object_deleting(d->owner->doc) || d->revisions.collided)
		return;
	for (u32 i = 0; i < d->nodes.len; i++)
		manage_node(d, &d->nodes.at[i]);
	if (d->surge)
		roll_by_surging(d);
	else if (d->unavailable)
		roll_by_deleting(d);
	revisions_clean_up(&d->revisions, d->plan, limit, revision_used, d);
}

static void daemon_set_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	struct version *owner = view_key(view, key);
	if (!owner)
		return;
	struct daemons d = {
		.view = view,
		.arena = view->arena,
		.plan = plan,
		.owner = owner,
		.spec = doc_key(owner->doc, "spec"),
		.template = doc_at(owner->doc, AT(DaemonSet, spec.template)),
		.settle_s = doc_at_int(owner->doc, AT(DaemonSet, spec.minReadySeconds), 0),
		.wake_ns = NEVER_NS,
	};
	const struct doc *selector = doc_key(d.spec, "selector");
	if (!doc_len(doc_key(selector, "matchLabels")) &&
	    !doc_len(doc_key(selector, "matchExpressions"))) {
		plan_event(plan, owner, EVENT_WARNING, "SelectingAll",
			   "This daemon set is selecting all pods. A non-empty selector is "
			   "required.");
		return;
	}
	struct list pods = claim(view, plan, owner, KIND_Pod, selector, NULL);
	d.revisions = revisions_sync(view, plan, owner,
				     doc_at(owner->doc, AT(DaemonSet, status.collisionCount)),
				     DAEMON_HASH);
	daemons_read_nodes(&d, pods);
	read_strategy(&d);
	sync(&d);
	count(&d);
	if (d.wake_ns != NEVER_NS)
		plan_wake(plan, d.wake_ns);
}

static void daemon_set_of_pod(const struct view *view, const struct change *change,
			      struct keys *keys)
{
	key_controller(view, change, keys);
	claim_keys(view, change, KIND_DaemonSet, AT(DaemonSet, spec.selector), false, keys);
}

/* Every DaemonSet may have to do with a node that is new, gone or differently labelled. */
static void daemon_sets_of_node(const struct view *view, const struct change *change,
				struct keys *keys)
{
	if (!change->gone && change->before &&
	    !daemon_node_differs(change->before->doc, change->now->doc))
		return;
	struct list sets = view_list(view, KIND_DaemonSet, STR_NONE);
	for (u32 i = 0; i < sets.len; i++)
		keys_add(keys,
			 (struct key){ KIND_DaemonSet, sets.at[i]->namespace, sets.at[i]->name });
}

const struct controller controller_daemon_set = {
	.name = "daemonset-controller",
	.watch = { { KIND_DaemonSet, key_self },
		   { KIND_Pod, daemon_set_of_pod },
		   { KIND_ControllerRevision, key_controller },
		   { KIND_Node, daemon_sets_of_node } },
	.reconcile = daemon_set_reconcile,
};
