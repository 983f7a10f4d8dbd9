/*
 * What must hold at every instant: a pod is bound once and to a node with room, no two pods share
 * an address, and a Deployment keeps within maxSurge and maxUnavailable by what it does itself.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "controllers/deployment.h"
#include "controllers/plan.h"
#include "controllers/pod.h"
#include "scheduler/amounts.h"
#include "sim/world.h"

/* How long after something outside their reach the controllers may still act on older news. */
static const i64 disturbance_ns = 60 * NS_PER_S;

struct limit {	      /* of one Deployment */
	i64 pods_max; /* the highest that may still be in force */
	size_t len;
	char uid[];
};

struct bounds {
	struct map limits;
	struct resource_names names;
	bool past; /* an older state is in force again */
};

void bounds_new(struct world *world)
{
	world->bounds = calloc(1, sizeof *world->bounds);
	CHECK(world->bounds);
	resource_names_init(&world->bounds->names);
}

void bounds_free(struct world *world)
{
	for (struct map_entry *e = NULL; (e = map_next(&world->bounds->limits, e));)
		free(e->value);
	map_release(&world->bounds->limits);
	resource_names_release(&world->bounds->names);
	free(world->bounds);
}

/* ---- nodes */

static void check_room(struct world *world, struct str node_name)
{
	struct version *node = store_get(world->store, KIND_Node, STR_NONE, node_name);
	struct amounts has = { 0 }, taken = { 0 };
	if (!node)
		return;
	amounts_add_list(&has, &world->bounds->names,
			 doc_at(node->doc, AT(Node, status.allocatable)));
	struct version_list pods = store_on_node(world->store, world->arena, node_name);
	for (u32 i = 0; i < pods.len; i++) {
		struct amounts one;
		if (pod_finished(pods.at[i]->doc))
			continue;
		amounts_of_pod(&one, &world->bounds->names, pods.at[i]->doc);
		for (u32 k = 0; k < AMOUNTS_MAX; k++)
			taken.at[k] += one.at[k];
	}
	for (u32 k = 0; k < world->bounds->names.len; k++)
		if (taken.at[k] > has.at[k])
			world_broken(world, STR_FMT " has %lld of %lld " STR_FMT " taken",
				     STR_ARG(node_name), (long long)taken.at[k],
				     (long long)has.at[k], STR_ARG(world->bounds->names.at[k]));
}

static void check_address(struct world *world, const struct version *pod, struct str address)
{
	struct store_iter iter;
	store_iter_start(&iter, world->store, KIND_Pod, STR_NONE, STR_NONE, STR_NONE);
	for (struct version *other; (other = store_iter_next(&iter));)
		if (!str_eq(other->uid, pod->uid) && !pod_finished(other->doc) &&
		    str_eq(doc_at_str(other->doc, AT(Pod, status.podIP)), address))
			world_broken(world, STR_FMT " and " STR_FMT " share " STR_FMT,
				     STR_ARG(pod->name), STR_ARG(other->name), STR_ARG(address));
}

/* ---- Deployments */

static struct version *deployment_of(struct world *world, const struct doc *pod,
				     struct str namespace)
{
	const struct doc *ref = object_controller(pod);
	struct version *set = NULL;
	if (str_is(doc_str(doc_key(ref, "kind")), "ReplicaSet"))
		set = store_get(world->store, KIND_ReplicaSet, namespace,
				doc_str(doc_key(ref, "name")));
	ref = set ? object_controller(set->doc) : NULL;
	if (!str_is(doc_str(doc_key(ref, "kind")), "Deployment"))
		return NULL;
	struct version *d =
		store_get(world->store, KIND_Deployment, namespace, doc_str(doc_key(ref, "name")));
	return d && str_eq(d->uid, doc_str(doc_key(ref, "uid"))) ? d : NULL;
}

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

struct tally {
	i64 active, ready, sizes;
	bool settled; /* all sets have heard of their size and have it */
};

static struct tally tally(struct world *world, const struct version *d)
{
	struct tally t = { .settled = true };
	struct version_list sets = store_owned(world->store, world->arena, d->uid, KIND_ReplicaSet);
	for (u32 i = 0; i < sets.len; i++) {
		const struct doc *set = sets.at[i]->doc;
		struct version_list pods =
			store_owned(world->store, world->arena, sets.at[i]->uid, KIND_Pod);
		i64 active = 0;
		for (u32 k = 0; k < pods.len; k++) {
			active += pod_active(pods.at[k]);
			t.ready += pod_active(pods.at[k]) && pod_ready(pods.at[k]->doc);
		}
		t.active += active;
		i64 size = doc_at_int(set, AT(ReplicaSet, spec.replicas), 1);
		t.sizes += size;
		t.settled &= active >= size;
	}
	const struct doc *doc = d->doc;
	t.settled &= doc_at_int(doc, AT(Deployment, status.observedGeneration), 0) ==
		     doc_at_int(doc, AT(Deployment, metadata.generation), 0);
	return t;
}

static i64 pods_max(const struct version *d)
{
	return wanted_of(d->doc) + limit_of(d->doc, "maxSurge", true);
}

static struct limit *limit_get(struct world *world, const struct version *d)
{
	struct map *limits = &world->bounds->limits;
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
static void raise_limit(struct world *world, const struct version *d)
{
	struct limit *limit = limit_get(world, d);
	i64 now = pods_max(d);
	struct tally t = tally(world, d);
	if (t.settled && t.active <= now)
		limit->pods_max = now;
	limit->pods_max = MAX(limit->pods_max, now);
}

/* After a crash or a failed log an older state is in force again: what it has is allowed. */
void bounds_return(struct world *world)
{
	struct store_iter iter;
	store_iter_start(&iter, world->store, KIND_Deployment, STR_NONE, STR_NONE, STR_NONE);
	for (struct version *d; (d = store_iter_next(&iter));) {
		struct limit *limit = limit_get(world, d);
		struct tally t = tally(world, d);
		i64 there = MAX(t.active, t.sizes);
		there = MAX(there, pods_max(d));
		limit->pods_max = MAX(limit->pods_max, there);
	}
	world->bounds->past = false;
}

static void check_surge(struct world *world, const struct version *pod)
{
	struct version *d = deployment_of(world, pod->doc, pod->namespace);
	if (!d || !is_rolling(d->doc) || object_deleting(d->doc))
		return;
	struct tally t = tally(world, d);
	struct limit *limit = limit_get(world, d);
	if (t.active > limit->pods_max)
		world_broken(world, STR_FMT " has %lld pods, %lld are allowed", STR_ARG(d->name),
			     (long long)t.active, (long long)limit->pods_max);
}

/* ---- hearing */

static void hear_pod(struct world *world, const struct store_event *event)
{
	const struct version *now = event->version, *before = event->previous;
	struct str node = doc_at_str(now->doc, AT(Pod, spec.nodeName));
	struct str node_before =
		before ? doc_at_str(before->doc, AT(Pod, spec.nodeName)) : STR_NONE;
	struct str address = doc_at_str(now->doc, AT(Pod, status.podIP));
	if (event->type == EVENT_DELETED)
		return;
	if (node_before.len && !str_eq(node, node_before))
		world_broken(world, STR_FMT " was bound twice", STR_ARG(now->name));
	if (node.len && !node_before.len)
		check_room(world, node);
	if (address.len && !(before && doc_at_str(before->doc, AT(Pod, status.podIP)).len))
		check_address(world, now, address);
	if (event->type == EVENT_ADDED)
		check_surge(world, now);
}

void bounds_hear(struct world *world, const struct store_event *event)
{
	if (event->undone) { /* the past comes back piece by piece; whole again at the end */
		world->bounds->past = true;
		return;
	}
	if (world->bounds->past)
		bounds_return(world);
	if (event->version->kind == KIND_Pod)
		hear_pod(world, event);
	else if (event->version->kind == KIND_Deployment && event->type != EVENT_DELETED)
		raise_limit(world, event->version);
}

/* A ReplicaSet's controller is about to delete a pod: enough must stay available. */
void bounds_before_write(struct world *world, const char *user, const struct intent *intent)
{
	if (!str_is(str_of(user), "replicaset-controller") || intent->type != INTENT_DELETE ||
	    intent->kind != KIND_Pod)
		return;
	struct version *pod = store_get(world->store, KIND_Pod, intent->namespace, intent->name);
	struct version *d = pod ? deployment_of(world, pod->doc, pod->namespace) : NULL;
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

void bounds_after_write(struct world *world, const char *user, const struct intent *intent)
{
	(void)user;
	if (intent->kind != KIND_ReplicaSet && intent->kind != KIND_Deployment)
		return;
	struct store_iter iter;
	store_iter_start(&iter, world->store, KIND_Deployment, intent->namespace, STR_NONE,
			 STR_NONE);
	for (struct version *d; (d = store_iter_next(&iter));)
		raise_limit(world, d);
}
