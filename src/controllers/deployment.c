/*
 * Deployment: replaces the pods of one template by those of another, a few at a time. It only sizes
 * ReplicaSets; they make and delete the pods. Follows pkg/controller/deployment of Kubernetes, with
 * one stricter rule: where upstream trusts the sizes it asked for, pods that may still be alive
 * count as alive, so that maxSurge holds at every instant.
 */
#include "controllers/deployment.h"

#include "base/timestamp.h"
#include "controllers/claim.h"
#include "controllers/pod.h"

static bool grow_new(struct rollout *r)
{
	struct set *current = r->current;
	if (current->replicas == r->wanted)
		return false;
	i64 size =
		current->replicas > r->wanted ? r->wanted : rollout_new_size(r, current->replicas);
	bool changed = size != current->replicas;
	rollout_scale(r, current, size);
	return changed;
}

/* Old pods that are not available go first: they would only hold the roll-out up. */
static i64 drop_unhealthy(struct rollout *r, i64 most)
{
	i64 dropped = 0;
	for (u32 i = 0; i < r->sets_len && dropped < most; i++) {
		struct set *set = &r->sets[i];
		i64 unhealthy = set->replicas - set->available;
		if (set->current || unhealthy <= 0)
			continue;
		i64 drop = MIN(most - dropped, unhealthy);
		rollout_scale(r, set, set->replicas - drop);
		dropped += drop;
	}
	return dropped;
}

static i64 drop_old(struct rollout *r)
{
	i64 least = r->wanted - r->unavailable;
	i64 most = sets_sum(r, set_available, false) - least, dropped = 0;
	for (u32 i = 0; i < r->sets_len && dropped < most; i++) {
		struct set *set = &r->sets[i];
		if (set->current || !set->replicas)
			continue;
		i64 drop = MIN(set->replicas, most - dropped);
		rollout_scale(r, set, set->replicas - drop);
		dropped += drop;
	}
	return dropped;
}

static bool shrink_old(struct rollout *r)
{
	if (!sets_sum(r, set_size, true))
		return false;
	i64 least = r->wanted - r->unavailable;
	i64 new_unavailable = r->current->replicas - r->current->available;
	i64 most = sets_sum(r, set_size, false) - least - new_unavailable;
	if (most <= 0)
		return false;
	i64 dropped = drop_unhealthy(r, most);
	return dropped + drop_old(r) > 0;
}

static void roll(struct rollout *r)
{
	rollout_sync_revision(r, true);
	if (!r->current) /* its name is taken; next pass under another */
		return rollout_count(r, true);
	if (!grow_new(r) && !shrink_old(r) && rollout_complete(r))
		rollout_clean_up(r);
	rollout_count(r, true);
}

/* Any pod of an old set that has not finished, even one that is terminating. */
static bool old_pods_running(const struct rollout *r)
{
	for (u32 i = 0; i < r->sets_len; i++) {
		const struct set *set = &r->sets[i];
		if (set->current || !set->version)
			continue;
		if (set->counted)
			return true;
		struct list pods = view_owned(r->view, set->version->uid, KIND_Pod);
		for (u32 k = 0; k < pods.len; k++)
			if (!pod_finished(pods.at[k]->doc))
				return true;
	}
	return false;
}

static void recreate(struct rollout *r)
{
	rollout_sync_revision(r, false);
	bool scaled = false;
	for (u32 i = 0; i < r->sets_len; i++) {
		if (r->sets[i].current || !r->sets[i].replicas)
			continue;
		rollout_scale(r, &r->sets[i], 0);
		scaled = true;
	}
	if (scaled || old_pods_running(r))
		return rollout_count(r, true);
	rollout_sync_revision(r, true);
	if (r->current)
		rollout_scale(r, r->current, r->wanted);
	if (rollout_complete(r))
		rollout_clean_up(r);
	rollout_count(r, true);
}

/* ---- scaling in the middle of it all */

/* The only set with pods, or, when none has any, the newest. */
static struct set *active_or_latest(struct rollout *r)
{
	struct set *only = NULL;
	u32 active = 0;
	for (u32 i = 0; i < r->sets_len; i++) {
		if (!r->sets[i].replicas)
			continue;
		only = &r->sets[i];
		active++;
	}
	if (active)
		return active == 1 ? only : NULL;
	if (r->current)
		return r->current;
	return r->sets_len ? &r->sets[r->sets_len - 1] : NULL;
}

static bool is_saturated(const struct rollout *r)
{
	i64 desired;
	return r->current && set_desired(r->current, "desired-replicas", &desired) &&
	       r->current->replicas == r->wanted && desired == r->wanted &&
	       r->current->available == r->wanted;
}

/* The share of a set: its size, grown or shrunk as the whole. */
static i64 share(const struct rollout *r, const struct set *set, i64 to_add, i64 added)
{
	if (!set->replicas || to_add == added)
		return 0;
	i64 share = -set->replicas;
	if (r->wanted) {
		i64 before;
		if (!set_desired(set, "max-replicas", &before) || !before)
			before = doc_at_int(r->owner->doc, AT(Deployment, status.replicas), 0);
		i64 grown = set->replicas * (r->wanted + r->surge);
		/* Rounded to the nearest, halves away from zero. */
		share = before ? (2 * grown + before) / (2 * before) - set->replicas : 0;
	}
	i64 left = to_add - added;
	return to_add > 0 ? MIN(share, left) : MAX(share, left);
}

/* Larger sets first; among equals newer ones grow first and older ones shrink first. */
static u32 by_size(struct rollout *r, bool growing, struct set **ret_sets)
{
	u32 len = 0;
	for (u32 i = 0; i < r->sets_len; i++) {
		struct set *set = &r->sets[i];
		if (!set->replicas)
			continue;
		u32 at = len++;
		for (; at > 0; at--) {
			const struct set *other = ret_sets[at - 1];
			if (other->replicas > set->replicas ||
			    (other->replicas == set->replicas && !growing))
				break;
			ret_sets[at] = ret_sets[at - 1];
		}
		ret_sets[at] = set;
	}
	return len;
}

/* A set may only grow into room that no pod, not even a dying one, still takes. */
static void grow_within(struct rollout *r, struct set *set, i64 size)
{
	i64 room = r->wanted + r->surge - sets_sum(r, set_live, false);
	if (size > set->replicas)
		size = set->replicas + clamp_i64(room, 0, size - set->replicas);
	rollout_scale(r, set, size);
}

static void scale_in_proportion(struct rollout *r)
{
	i64 allowed = r->wanted ? r->wanted + r->surge : 0;
	i64 to_add = allowed - sets_sum(r, set_size, false), added = 0;
	struct set **sets = ARENA_ARRAY(r->arena, struct set *, r->sets_len);
	u32 len = by_size(r, to_add > 0, sets);
	i64 *sizes = ARENA_ARRAY(r->arena, i64, len);
	for (u32 i = 0; i < len; i++) {
		i64 more = to_add ? share(r, sets[i], to_add, added) : 0;
		sizes[i] = sets[i]->replicas + more;
		added += more;
	}
	if (len && to_add)
		sizes[0] = MAX(sizes[0] + to_add - added, 0); /* leftovers of rounding */
	for (u32 i = 0; i < len; i++)
		grow_within(r, sets[i], sizes[i]);
}

static void scale_all(struct rollout *r)
{
	struct set *one = active_or_latest(r);
	if (one) {
		grow_within(r, one, r->wanted);
	} else if (is_saturated(r)) {
		for (u32 i = 0; i < r->sets_len; i++)
			if (!r->sets[i].current && r->sets[i].replicas)
				rollout_scale(r, &r->sets[i], 0);
	} else if (r->rolling) {
		scale_in_proportion(r);
	}
}

static bool is_scaling(const struct rollout *r)
{
	for (u32 i = 0; i < r->sets_len; i++) {
		i64 desired;
		if (r->sets[i].replicas && set_desired(&r->sets[i], "desired-replicas", &desired) &&
		    desired != r->wanted)
			return true;
	}
	return false;
}

/* ---- the pass */

static void read_spec(struct rollout *r)
{
	const struct doc *d = r->owner->doc;
	const struct doc *limits = doc_at(d, AT(Deployment, spec.strategy.rollingUpdate));
	r->wanted = doc_at_int(d, AT(Deployment, spec.replicas), 1);
	r->deadline_s = doc_at_int(d, AT(Deployment, spec.progressDeadlineSeconds), NO_DEADLINE);
	r->rolling = !str_is(doc_at_str(d, AT(Deployment, spec.strategy.type)), "Recreate");
	if (!r->rolling)
		return;
	r->surge = count_or_percent(doc_key(limits, "maxSurge"), r->wanted, true);
	i64 unavailable = count_or_percent(doc_key(limits, "maxUnavailable"), r->wanted, false);
	if (!unavailable && !r->surge)
		unavailable = 1; /* percentages rounded to nothing: something must give */
	r->unavailable = r->wanted ? MIN(unavailable, r->wanted) : 0;
}

static void sync(struct rollout *r)
{
	const struct doc *d = r->owner->doc;
	bool paused = doc_at_bool(d, AT(Deployment, spec.paused), false);
	if (object_deleting(d))
		return rollout_count(r, false);
	rollout_pause_condition(r);
	if (paused || is_scaling(r)) {
		rollout_sync_revision(r, false);
		scale_all(r);
		if (paused)
			rollout_clean_up(r);
		rollout_count(r, false);
	} else {
		r->rolling ? roll(r) : recreate(r);
		rollout_roll_back(r);
	}
}

static bool selects_everything(const struct doc *selector)
{
	return doc_is(selector, DOC_OBJECT) && !doc_len(doc_key(selector, "matchLabels")) &&
	       !doc_len(doc_key(selector, "matchExpressions"));
}

static void deployment_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	struct version *owner = view_key(view, key);
	if (!owner)
		return;
	struct rollout r = {
		.view = view,
		.arena = view->arena,
		.plan = plan,
		.owner = owner,
		.doc = owner->doc,
		.status = doc_key(owner->doc, "status"),
	};
	if (selects_everything(doc_at(owner->doc, AT(Deployment, spec.selector)))) {
		plan_event(plan, owner, EVENT_WARNING, "SelectingAll",
			   "This deployment is selecting all pods. A non-empty selector is "
			   "required.");
		return;
	}
	read_spec(&r);
	rollout_find_sets(&r);
	sync(&r);
	rollout_flush(&r);
}

static void deployment_of_set(const struct view *view, const struct change *change,
			      struct keys *keys)
{
	key_controller(view, change, keys);
	claim_keys(view, change, KIND_Deployment, AT(Deployment, spec.selector), false, keys);
}

/* Recreate waits for the last old pod to go; nobody else cares for pods here. */
static void deployment_of_pod(const struct view *view, const struct change *change,
			      struct keys *keys)
{
	if (!change->gone && !pod_finished(change->now->doc))
		return;
	struct key set_key = key_of_controller(view, change->now);
	struct version *set = set_key.kind == KIND_ReplicaSet ? view_key(view, set_key) : NULL;
	if (!set)
		return;
	struct key key = key_of_controller(view, set);
	struct version *owner = key.kind == KIND_Deployment ? view_key(view, key) : NULL;
	if (owner && str_is(doc_at_str(owner->doc, AT(Deployment, spec.strategy.type)), "Recreate"))
		keys_add(keys, key);
}

const struct controller controller_deployment = {
	.name = "deployment-controller",
	.watch = { { KIND_Deployment, key_self },
		   { KIND_ReplicaSet, deployment_of_set },
		   { KIND_Pod, deployment_of_pod } },
	.reconcile = deployment_reconcile,
};
