/*
 * ReplicaSet and ReplicationController: never a pod made where enough are, never one lost where
 * none is too many; whose labels do not match is let go, who matches and has nobody is taken in.
 */
#include "controllers/labels.h"
#include "controllers/pod.h"
#include "sim/check.h"

static const struct {
	kind_id kind;
	const char *controller;
} coats[] = { { KIND_ReplicaSet, "replicaset-controller" },
	      { KIND_ReplicationController, "replication-controller" } };

static const struct doc *selector_of(struct world *world, const struct version *set)
{
	const struct doc *selector = doc_at(set->doc, "spec.selector");
	return set->kind == KIND_ReplicaSet ? selector
					    : label_selector_of_map(world->arena, selector);
}

static bool matches(struct world *world, const struct version *set, const struct version *pod)
{
	return label_selector_matches(selector_of(world, set), doc_at(pod->doc, "metadata.labels"));
}

static i64 count_active(struct world *world, const struct version *set)
{
	struct version_list pods = check_pods(world, set);
	i64 active = 0;
	for (u32 i = 0; i < pods.len; i++)
		active += pod_active(pods.at[i]) && matches(world, set, pods.at[i]);
	return active;
}

static void before_one(struct world *world, u32 coat, const char *user, const struct intent *intent)
{
	struct version *set = NULL, *pod = NULL;
	bool makes = check_creates_pod(user, coats[coat].controller, intent);
	if (makes)
		set = check_owner(world, intent->doc, intent->namespace, coats[coat].kind);
	if (check_deletes_pod(user, coats[coat].controller, intent))
		pod = store_get(world->store, KIND_Pod, intent->namespace, intent->name);
	if (pod && pod_active(pod))
		set = check_owner(world, pod->doc, pod->namespace, coats[coat].kind);
	if (!set)
		return;
	i64 active = count_active(world, set), wanted = doc_at_int(set->doc, "spec.replicas", 1);
	if (makes && active >= wanted)
		world_broken(world, STR_FMT " makes a pod, it has %lld of %lld", STR_ARG(set->name),
			     (long long)active, (long long)wanted);
	if (pod && active <= wanted)
		world_broken(world, STR_FMT " loses a pod, it has %lld of %lld", STR_ARG(set->name),
			     (long long)active, (long long)wanted);
}

static void before(struct world *world, void *state, const char *user, const struct intent *intent)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(coats); i++)
		before_one(world, i, user, intent);
}

/* ---- at rest */

static void judge_counts(struct world *world, const struct version *set)
{
	struct version_list pods = check_pods(world, set);
	i64 active = 0, ready = 0, wanted = check_number(set, "spec.replicas");
	for (u32 i = 0; i < pods.len; i++) {
		active += pod_active(pods.at[i]);
		ready += pod_active(pods.at[i]) && pod_ready(pods.at[i]->doc);
		if (!matches(world, set, pods.at[i]))
			world_broken(world, "set " STR_FMT " holds on to " STR_FMT,
				     STR_ARG(set->name), STR_ARG(pods.at[i]->name));
	}
	if (active != wanted || check_number(set, "status.replicas") != wanted ||
	    check_number(set, "status.readyReplicas") != ready ||
	    check_number(set, "status.availableReplicas") != ready)
		world_broken(world,
			     "set " STR_FMT " has %lld pods of %lld, says %lld, ready %lld of %lld",
			     STR_ARG(set->name), (long long)active, (long long)wanted,
			     (long long)check_number(set, "status.replicas"),
			     (long long)check_number(set, "status.readyReplicas"),
			     (long long)ready);
}

static void judge_strays(struct world *world, const struct version *set)
{
	EACH_IN(world, KIND_Pod, set->namespace, pod)
	{
		if (pod_active(pod) && !object_controller(pod->doc) && matches(world, set, pod))
			world_broken(world, "set " STR_FMT " does not adopt " STR_FMT,
				     STR_ARG(set->name), STR_ARG(pod->name));
	}
}

static void rest(struct world *world, void *state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(coats); i++) {
		EACH(world, coats[i].kind, set)
		{
			/* Of a tight cluster's Deployments the roll-out may be stuck half-way. */
			if (!world->tight || !object_controller(set->doc))
				judge_counts(world, set);
			judge_strays(world, set);
		}
	}
}

const struct check check_replicas = { .name = "replicas", .before = before, .rest = rest };
