/*
 * A Deployment keeps within maxSurge and maxUnavailable by what it does itself, at every instant;
 * revisions only grow; at rest one set has all the pods and history is no longer than asked for.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "controllers/deployment.h"
#include "controllers/pod.h"
#include "sim/check.h"

/* How long after something outside their reach the controllers may still act on older news. */
static const i64 disturbance_ns = 60 * NS_PER_S;

static const char revision_annotation[] = "deployment.kubernetes.io/revision";

struct limit {	      /* of one Deployment, by its uid */
	i64 pods_max; /* the highest that may still be in force */
	size_t len;
	char uid[];
};

static bool is_rolling(const struct doc *d)
{
	return !str_is(doc_at_str(d, AT(Deployment, spec.strategy.type)), "Recreate");
}

static i64 wanted_of(const struct doc *d)
{
	return doc_at_int(d, AT(Deployment, spec.replicas), 1);
}

static i64 limit_of(const struct doc *d, const char *which, bool up)
{
	const struct doc *limits = doc_at(d, AT(Deployment, spec.strategy.rollingUpdate));
	return is_rolling(d) ? count_or_percent(doc_get(limits, str_of(which)), wanted_of(d), up)
			     : 0;
}

static struct version *deployment_of(struct world *world, const struct version *pod)
{
	struct version *set = check_owner(world, pod->doc, pod->namespace, KIND_ReplicaSet);
	return set ? check_owner(world, set->doc, set->namespace, KIND_Deployment) : NULL;
}

struct tally {
	i64 active, ready, sizes;
	bool settled; /* all sets have heard of their size and have it */
};

static struct tally tally(struct world *world, const struct version *d)
{
	struct tally t = { .settled = true };
	struct version_list sets = store_owned(world->store, world->arena, d->uid, KIND_ReplicaSet);
	for (u32 i = 0; i < sets.len; i++) {
		struct version_list pods = check_pods(world, sets.at[i]);
		i64 active = 0, size = doc_at_int(sets.at[i]->doc, "spec.replicas", 1);
		for (u32 k = 0; k < pods.len; k++) {
			active += pod_active(pods.at[k]);
			t.ready += pod_active(pods.at[k]) && pod_ready(pods.at[k]->doc);
		}
		t.active += active;
		t.sizes += size;
		t.settled &= active >= size;
	}
	t.settled &= check_number(d, "status.observedGeneration") ==
		     check_number(d, "metadata.generation");
	return t;
}

/* ---- maxSurge */

static i64 pods_max(const struct version *d)
{
	return wanted_of(d->doc) + limit_of(d->doc, "maxSurge", true);
}

static struct limit *limit_get(struct map *limits, const struct version *d)
{
	struct limit *limit = map_get(limits, d->uid);
	if (!limit) {
		limit = calloc(1, sizeof *limit + d->uid.len);
		CHECK(limit);
		memcpy(limit->uid, d->uid.at, d->uid.len);
		limit->len = d->uid.len;
		limit->pods_max = pods_max(d);
		map_put(limits, (struct str){ limit->uid, limit->len }, limit);
	}
	return limit;
}

/* A limit that was lowered is in force once every set has heard of it. */
static void raise_limit(struct world *world, struct map *limits, const struct version *d)
{
	struct limit *limit = limit_get(limits, d);
	i64 now = pods_max(d);
	struct tally t = tally(world, d);
	if (t.settled && t.active <= now)
		limit->pods_max = now;
	limit->pods_max = MAX(limit->pods_max, now);
}

/* What the older state has is allowed. */
static void returned(struct world *world, void *state)
{
	EACH(world, KIND_Deployment, d)
	{
		struct limit *limit = limit_get(state, d);
		struct tally t = tally(world, d);
		i64 there = MAX(t.active, t.sizes);
		there = MAX(there, pods_max(d));
		limit->pods_max = MAX(limit->pods_max, there);
	}
}

static void judge_surge(struct world *world, struct map *limits, const struct version *pod)
{
	struct version *d = deployment_of(world, pod);
	if (!d || !is_rolling(d->doc) || object_deleting(d->doc))
		return;
	struct tally t = tally(world, d);
	struct limit *limit = limit_get(limits, d);
	if (t.active > limit->pods_max)
		world_broken(world, STR_FMT " has %lld pods, %lld are allowed", STR_ARG(d->name),
			     (long long)t.active, (long long)limit->pods_max);
}

/* Recreate: a new pod never stands beside one of an earlier template. */
static void judge_recreate(struct world *world, const struct version *pod)
{
	struct version *d = deployment_of(world, pod);
	if (!d || is_rolling(d->doc) || world->mono_ns - world->disturbed_ns < disturbance_ns)
		return;
	struct version_list sets = store_owned(world->store, world->arena, d->uid, KIND_ReplicaSet);
	for (u32 i = 0; i < sets.len; i++) {
		struct version_list pods = check_pods(world, sets.at[i]);
		if (object_controlled_by(pod->doc, sets.at[i]->uid) ||
		    check_number(sets.at[i], "spec.replicas"))
			continue;
		for (u32 k = 0; k < pods.len; k++)
			if (!pod_finished(pods.at[k]->doc))
				world_broken(world, "new " STR_FMT " stands beside old " STR_FMT,
					     STR_ARG(pod->name), STR_ARG(pods.at[k]->name));
	}
}

/* ---- revisions */

static i64 revision_of(const struct version *object)
{
	i64 number = 0;
	struct str text = doc_str(
		doc_get(doc_at(object->doc, "metadata.annotations"), str_of(revision_annotation)));
	return str_to_i64(text, &number) ? number : 0;
}

static void hear(struct world *world, void *state, const struct store_event *event)
{
	const struct version *now = event->version;
	if (now->kind == KIND_Pod && event->type == EVENT_ADDED) {
		judge_surge(world, state, now);
		judge_recreate(world, now);
	} else if (now->kind == KIND_Deployment && event->type != EVENT_DELETED) {
		raise_limit(world, state, now);
	} else if (now->kind == KIND_ReplicaSet && event->type == EVENT_MODIFIED) {
		if (revision_of(now) < revision_of(event->previous))
			world_broken(world, "the revision of " STR_FMT " went back",
				     STR_ARG(now->name));
	}
}

/* ---- maxUnavailable: a set's controller is about to delete a pod; enough must stay */

static void before(struct world *world, void *state, const char *user, const struct intent *intent)
{
	(void)state;
	if (!check_deletes_pod(user, "replicaset-controller", intent))
		return;
	struct version *pod = store_get(world->store, KIND_Pod, intent->namespace, intent->name);
	struct version *d = pod ? deployment_of(world, pod) : NULL;
	if (!d || !is_rolling(d->doc) || !pod_active(pod) || !pod_ready(pod->doc) ||
	    object_deleting(d->doc) || world->mono_ns - world->disturbed_ns < disturbance_ns)
		return;
	i64 unavailable = MAX(limit_of(d->doc, "maxUnavailable", false),
			      limit_of(d->doc, "maxSurge", true) ? 0 : 1);
	i64 least = wanted_of(d->doc) - unavailable;
	i64 left = tally(world, d).ready - 1;
	if (left < least)
		world_broken(world, STR_FMT " is left with %lld ready pods of at least %lld",
			     STR_ARG(d->name), (long long)left, (long long)least);
}

static void after(struct world *world, void *state, const char *user, const struct intent *intent)
{
	(void)user;
	if (intent->kind != KIND_ReplicaSet && intent->kind != KIND_Deployment)
		return;
	EACH_IN(world, KIND_Deployment, intent->namespace, d)
	{
		raise_limit(world, state, d);
	}
}

/* ---- at rest */

static void judge_history(struct world *world, const struct version *d)
{
	struct version_list sets = store_owned(world->store, world->arena, d->uid, KIND_ReplicaSet);
	i64 old = 0, newest = 0, limit = doc_at_int(d->doc, "spec.revisionHistoryLimit", 10);
	for (u32 i = 0; i < sets.len; i++) {
		bool current = check_number(sets.at[i], "spec.replicas") > 0;
		newest = MAX(newest, revision_of(sets.at[i]));
		if (wanted_of(d->doc) && current && revision_of(sets.at[i]) != revision_of(d))
			world_broken(world, STR_FMT " of an old revision still has pods",
				     STR_ARG(sets.at[i]->name));
		old += revision_of(sets.at[i]) != revision_of(d);
		for (u32 k = 0; k < i; k++)
			if (revision_of(sets.at[i]) == revision_of(sets.at[k]))
				world_broken(world, STR_FMT " and " STR_FMT " share a revision",
					     STR_ARG(sets.at[i]->name), STR_ARG(sets.at[k]->name));
	}
	if (newest != revision_of(d))
		world_broken(world, STR_FMT " says revision %lld, its newest set is %lld",
			     STR_ARG(d->name), (long long)revision_of(d), (long long)newest);
	if (old > limit)
		world_broken(world, STR_FMT " keeps %lld old sets of at most %lld",
			     STR_ARG(d->name), (long long)old, (long long)limit);
}

static void rest(struct world *world, void *state)
{
	(void)state;
	if (world->tight)
		return;
	EACH(world, KIND_Deployment, d)
	{
		i64 wanted = wanted_of(d->doc);
		if (check_number(d, "status.updatedReplicas") != wanted ||
		    check_number(d, "status.replicas") != wanted ||
		    check_number(d, "status.availableReplicas") != wanted)
			world_broken(world,
				     "deployment " STR_FMT " rests at %lld replicas, %lld updated, "
				     "%lld available of %lld",
				     STR_ARG(d->name),
				     (long long)check_number(d, "status.replicas"),
				     (long long)check_number(d, "status.updatedReplicas"),
				     (long long)check_number(d, "status.availableReplicas"),
				     (long long)wanted);
		if (check_number(d, "status.observedGeneration") !=
		    check_number(d, "metadata.generation"))
			world_broken(world, "deployment " STR_FMT " has not been looked at",
				     STR_ARG(d->name));
		if (!condition_is(d->doc, "Available", "True") ||
		    !condition_is(d->doc, "Progressing", "True"))
			world_broken(world, "deployment " STR_FMT " does not say that all is well",
				     STR_ARG(d->name));
		judge_history(world, d);
	}
}

static void *open(struct world *world)
{
	(void)world;
	struct map *limits = calloc(1, sizeof *limits);
	CHECK(limits);
	return limits;
}

static void close(void *state)
{
	for (struct map_entry *e = NULL; (e = map_next(state, e));)
		free(e->value);
	map_release(state);
	free(state);
}

const struct check check_deployment = {
	.name = "deployment",
	.open = open,
	.close = close,
	.hear = hear,
	.returned = returned,
	.before = before,
	.after = after,
	.rest = rest,
};
