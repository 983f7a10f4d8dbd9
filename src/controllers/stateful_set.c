/*
 * StatefulSet: pods that are somebody, one an ordinal, made and replaced in order. Follows
 * pkg/controller/statefulset, with one difference: a pod that never got ready does not hold up the
 * template that would mend it; it is replaced as soon as its template is outdated.
 */
#include "controllers/stateful_set.h"

#include "base/clock.h"
#include "controllers/claim.h"
#include "controllers/deployment.h"
#include "controllers/pod.h"
#include "doc/build.h"

enum { BURST_MAX = 200, REPLICAS_MAX = 100000 };

static struct str revision_of(const struct version *pod)
{
	return doc_str(doc_get(doc_at(pod->doc, AT(Pod, metadata.labels)),
			       STR("controller-revision-hash")));
}

static bool is_running_and_ready(const struct version *pod)
{
	return str_is(doc_at_str(pod->doc, AT(Pod, status.phase)), "Running") &&
	       pod_ready(pod->doc);
}

static bool is_healthy(struct stateful *s, const struct version *pod)
{
	return pod && pod_active(pod) && is_running_and_ready(pod) &&
	       pod_available(pod->doc, s->settle_s, s->view->now_ns, &s->wake_ns);
}

static bool is_outdated(const struct stateful *s, const struct version *pod)
{
	i64 ordinal = stateful_ordinal(s->owner, pod->name);
	return s->rolling && ordinal >= s->start + s->partition &&
	       !str_eq(revision_of(pod), s->revisions.name);
}

static void drop(const struct stateful *s, const struct version *pod)
{
	struct str set = s->owner->name;
	struct saying saying = {
		.about = s->owner,
		.reason = "SuccessfulDelete",
		.text = str_format(s->arena, "delete Pod %%s in StatefulSet " STR_FMT " successful",
				   STR_ARG(set))
				.at,
		.failed_reason = "FailedDelete",
		.failed_text = str_format(s->arena,
					  "delete Pod " STR_FMT " in StatefulSet " STR_FMT
					  " failed error: %%s",
					  STR_ARG(pod->name), STR_ARG(set))
				       .at,
	};
	struct plan_delete options = { .grace_s = GRACE_DEFAULT, .saying = &saying };
	if (!object_deleting(pod->doc))
		plan_delete(s->plan, pod, &options);
}

/* ---- reading */

static bool has_ordinal(const struct version *pod)
{
	i64 dash = str_find_last(pod->name, '-'), ordinal;
	return dash > 0 && str_to_i64(str_from(pod->name, (size_t)dash + 1), &ordinal);
}

static void read_spec(struct stateful *s)
{
	const struct doc *spec = s->spec;
	s->replicas = MIN(doc_int_or(doc_key(spec, "replicas"), 1), (i64)REPLICAS_MAX);
	s->start = doc_at_int(spec, "ordinals.start", 0);
	s->settle_s = doc_int_or(doc_key(spec, "minReadySeconds"), 0);
	s->ordered = !str_is(doc_str(doc_key(spec, "podManagementPolicy")), "Parallel");
	s->rolling = !str_is(doc_at_str(spec, "updateStrategy.type"), "OnDelete");
	s->partition = doc_at_int(spec, "updateStrategy.rollingUpdate.partition", 0);
}

static void read_pods(struct stateful *s, struct list pods)
{
	s->places = ARENA_ARRAY(s->arena, struct version *, s->replicas + 1);
	s->condemned.at = ARENA_ARRAY(s->arena, struct version *, pods.len);
	for (u32 i = 0; i < pods.len; i++) {
		i64 ordinal = stateful_ordinal(s->owner, pods.at[i]->name);
		if (ordinal < 0)
			continue;
		if (ordinal >= s->start && ordinal < s->start + s->replicas) {
			s->places[ordinal - s->start] = pods.at[i];
			continue;
		}
		u32 at = s->condemned.len++;
		for (; at > 0; at--) { /* few, mostly in order already */
			struct version *other = s->condemned.at[at - 1];
			if (stateful_ordinal(s->owner, other->name) > ordinal)
				break;
			s->condemned.at[at] = other;
		}
		s->condemned.at[at] = pods.at[i];
	}
}

/* The revision roll-outs start from: what the status says, as long as it exists. */
static void read_current(struct stateful *s)
{
	struct str name = doc_at_str(s->owner->doc, AT(StatefulSet, status.currentRevision));
	s->current = name.len ? revisions_find(&s->revisions, name) : NULL;
	s->current_name = s->current ? name : s->revisions.name;
}

/* ---- filling places, in order */

/* True: everything behind must wait for this place. */
static bool fill(struct stateful *s, i64 place)
{
	struct version *pod = s->places[place];
	if (!pod) {
		stateful_make(s, s->start + place);
		return s->ordered;
	}
	if (pod_finished(pod->doc) && !object_deleting(pod->doc)) {
		bool failed = str_is(doc_at_str(pod->doc, AT(Pod, status.phase)), "Failed");
		plan_event(s->plan, s->owner, failed ? EVENT_WARNING : EVENT_NORMAL,
			   failed ? "RecreatingFailedPod" : "RecreatingTerminatedPod",
			   "StatefulSet " STR_FMT "/" STR_FMT " is recreating %s Pod " STR_FMT,
			   STR_ARG(s->owner->namespace), STR_ARG(s->owner->name),
			   failed ? "failed" : "terminated", STR_ARG(pod->name));
		drop(s, pod);
		return s->ordered;
	}
	if (str_is(doc_at_str(pod->doc, AT(Pod, status.phase)), "Pending"))
		stateful_make_claims(s, s->start + place);
	stateful_own_claims(s, pod, false);
	if (!s->ordered || is_healthy(s, pod))
		return false;
	/* It will not get better by waiting for it: the template has changed since. */
	if (pod_active(pod) && !is_running_and_ready(pod) && is_outdated(s, pod))
		drop(s, pod);
	return true;
}

/* The lowest place whose pod is not well: it may go before others get well. */
static const struct version *first_unhealthy(struct stateful *s)
{
	for (i64 i = 0; i < s->replicas; i++)
		if (s->places[i] && !is_healthy(s, s->places[i]))
			return s->places[i];
	for (u32 i = s->condemned.len; i-- > 0;)
		if (!is_healthy(s, s->condemned.at[i]))
			return s->condemned.at[i];
	return NULL;
}

/* True: the roll-out must wait. */
static bool shrink(struct stateful *s)
{
	const struct version *unhealthy = s->ordered ? first_unhealthy(s) : NULL;
	for (u32 i = 0; i < s->condemned.len && plan_room(s->plan) > 8; i++) {
		struct version *pod = s->condemned.at[i];
		stateful_own_claims(s, pod, true);
		if (s->ordered && (object_deleting(pod->doc) ||
				   (unhealthy && unhealthy != pod && !is_healthy(s, pod))))
			return true;
		drop(s, pod);
		if (s->ordered)
			return true;
	}
	return false;
}

/* ---- rolling, highest ordinal first */

static i64 most_unavailable(const struct stateful *s)
{
	const struct doc *limit = doc_at(s->spec, "updateStrategy.rollingUpdate.maxUnavailable");
	return limit ? MAX(count_or_percent(limit, s->replicas, false), 1) : 1;
}

static void roll(struct stateful *s)
{
	i64 unavailable = 0, most = most_unavailable(s);
	/* What is not well goes wherever it stands: nothing is lost, and those above may wait for
	 * it. */
	for (i64 i = s->replicas; i-- > 0;) {
		struct version *pod = s->places[i];
		if (is_healthy(s, pod))
			continue;
		unavailable++;
		if (pod && is_outdated(s, pod) && plan_room(s->plan) > 8)
			drop(s, pod);
	}
	for (i64 i = s->replicas; i-- > s->partition && plan_room(s->plan) > 8;) {
		struct version *pod = s->places[i];
		if (!pod || !is_outdated(s, pod) || !is_healthy(s, pod))
			continue;
		if (unavailable++ >= most)
			return;
		drop(s, pod);
	}
}

static void sync(struct stateful *s)
{
	u32 full = plan_room(s->plan);
	if (object_deleting(s->owner->doc) || s->revisions.collided)
		return;
	for (i64 i = 0; i < s->replicas; i++) {
		if (full - plan_room(s->plan) > BURST_MAX)
			return plan_wake(s->plan, s->view->now_ns);
		if (fill(s, i))
			return;
	}
	if (shrink(s) || !s->rolling)
		return;
	roll(s);
}

/* ---- status */

struct counts {
	i64 replicas, ready, available, current, updated;
};

static void count_pod(struct stateful *s, const struct version *pod, struct counts *c)
{
	struct str revision = revision_of(pod);
	c->replicas++;
	if (is_running_and_ready(pod)) {
		c->ready++;
		c->available += pod_available(pod->doc, s->settle_s, s->view->now_ns, &s->wake_ns);
	}
	if (object_deleting(pod->doc))
		return;
	c->current += str_eq(revision, s->current_name);
	c->updated += str_eq(revision, s->revisions.name);
}

static void count(struct stateful *s)
{
	struct counts c = { 0 };
	for (i64 i = 0; i < s->replicas; i++)
		if (s->places[i])
			count_pod(s, s->places[i], &c);
	for (u32 i = 0; i < s->condemned.len; i++)
		count_pod(s, s->condemned.at[i], &c);
	bool complete = s->rolling && c.updated == s->replicas && c.ready == s->replicas &&
			c.replicas == s->replicas;
	struct str current = complete ? s->revisions.name : s->current_name;
	const struct doc *before = doc_key(s->owner->doc, "status");
	struct build b = build_object(s->arena);
	build_int(&b, "observedGeneration",
		  doc_at_int(s->owner->doc, AT(StatefulSet, metadata.generation), 0));
	build_int(&b, "replicas", c.replicas);
	if (c.ready)
		build_int(&b, "readyReplicas", c.ready);
	i64 of_current = complete ? c.updated : c.current;
	if (of_current)
		build_int(&b, "currentReplicas", of_current);
	if (c.updated)
		build_int(&b, "updatedReplicas", c.updated);
	build_str(&b, "currentRevision", current);
	build_str(&b, "updateRevision", s->revisions.name);
	build_int(&b, "collisionCount",
		  doc_at_int(before, "collisionCount", 0) + s->revisions.collided);
	build_int(&b, "availableReplicas", c.available);
	const struct doc *status = build_done(&b);
	if (!before || !doc_eq(before, status))
		plan_status(s->plan, s->owner,
			    doc_with(s->arena, s->owner->doc, STR("status"), status));
}

/* ---- the pass */

static bool revision_used(void *self, const struct version *revision)
{
	const struct stateful *s = self;
	if (revision == s->current)
		return true;
	for (i64 i = 0; i < s->replicas; i++)
		if (s->places[i] && str_eq(revision_of(s->places[i]), revision->name))
			return true;
	for (u32 i = 0; i < s->condemned.len; i++)
		if (str_eq(revision_of(s->condemned.at[i]), revision->name))
			return true;
	return false;
}

static void stateful_set_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	struct version *owner = view_key(view, key);
	if (!owner)
		return;
	struct stateful s = {
		.view = view,
		.arena = view->arena,
		.plan = plan,
		.owner = owner,
		.spec = doc_key(owner->doc, "spec"),
		.wake_ns = NEVER_NS,
	};
	struct list pods =
		claim(view, plan, owner, KIND_Pod, doc_key(s.spec, "selector"), has_ordinal);
	s.revisions = revisions_sync(view, plan, owner,
				     doc_at(owner->doc, AT(StatefulSet, status.collisionCount)),
				     STATEFUL_HASH);
	read_spec(&s);
	read_pods(&s, pods);
	read_current(&s);
	sync(&s);
	count(&s);
	revisions_clean_up(&s.revisions, plan,
			   doc_int_or(doc_key(s.spec, "revisionHistoryLimit"), 10), revision_used,
			   &s);
	if (s.wake_ns != NEVER_NS)
		plan_wake(plan, s.wake_ns);
}

static void stateful_set_of_pod(const struct view *view, const struct change *change,
				struct keys *keys)
{
	key_controller(view, change, keys);
	claim_keys(view, change, KIND_StatefulSet, AT(StatefulSet, spec.selector), false, keys);
}

const struct controller controller_stateful_set = {
	.name = "statefulset-controller",
	.watch = { { KIND_StatefulSet, key_self },
		   { KIND_Pod, stateful_set_of_pod },
		   { KIND_ControllerRevision, key_controller } },
	.reconcile = stateful_set_reconcile,
};
