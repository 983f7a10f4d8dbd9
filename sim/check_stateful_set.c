/*
 * StatefulSet: in order up and in order down, a partition is spared, what is well and up to date
 * stays; at rest every ordinal has its one pod. (Two pods of one ordinal would need one name.)
 */
#include "controllers/deployment.h"
#include "controllers/pod.h"
#include "controllers/stateful_set.h"
#include "sim/check.h"

static const char name_of_controller[] = "statefulset-controller";

struct places {
	i64 start, end; /* ordinals wanted: start … end-1 */
	i64 spared;	/* below this ordinal the roll-out does not go */
	bool ordered, rolling;
};

static struct places places_of(const struct version *set)
{
	i64 start = check_number(set, "spec.ordinals.start");
	return (struct places){
		.start = start,
		.end = start + doc_at_int(set->doc, "spec.replicas", 1),
		.spared = start + check_number(set, "spec.updateStrategy.rollingUpdate.partition"),
		.ordered = !str_is(doc_at_str(set->doc, "spec.podManagementPolicy"), "Parallel"),
		.rolling = !str_is(doc_at_str(set->doc, "spec.updateStrategy.type"), "OnDelete"),
	};
}

static struct version *pod_at(struct world *world, const struct version *set, i64 ordinal)
{
	struct str name =
		str_format(world->arena, STR_FMT "-%lld", STR_ARG(set->name), (long long)ordinal);
	struct version *pod = store_get(world->store, KIND_Pod, set->namespace, name);
	return pod && object_controlled_by(pod->doc, set->uid) ? pod : NULL;
}

static bool is_well(const struct version *pod)
{
	return pod && pod_active(pod) && pod_ready(pod->doc);
}

static struct str revision_of(const struct doc *pod)
{
	return doc_str(doc_get(doc_at(pod, "metadata.labels"), STR("controller-revision-hash")));
}

static void judge_new(struct world *world, const struct version *set, const struct intent *intent)
{
	struct places places = places_of(set);
	i64 ordinal = stateful_ordinal(set, doc_at_str(intent->doc, "metadata.name"));
	if (ordinal < places.start || ordinal >= places.end)
		return world_broken(world, STR_FMT " makes ordinal %lld", STR_ARG(set->name),
				    (long long)ordinal);
	for (i64 i = places.start; places.ordered && i < ordinal; i++)
		if (!is_well(pod_at(world, set, i)))
			world_broken(world, STR_FMT " makes ordinal %lld before %lld is ready",
				     STR_ARG(set->name), (long long)ordinal, (long long)i);
}

/* Too many are there: the highest goes first, and alone. */
static void judge_shrinking(struct world *world, const struct version *set, i64 ordinal)
{
	struct version_list pods = check_pods(world, set);
	for (u32 i = 0; i < pods.len; i++) {
		i64 other = stateful_ordinal(set, pods.at[i]->name);
		if (other > ordinal)
			world_broken(world, STR_FMT " takes ordinal %lld before %lld",
				     STR_ARG(set->name), (long long)ordinal, (long long)other);
	}
}

static void judge_rolling(struct world *world, const struct version *set, const struct version *pod)
{
	struct places places = places_of(set);
	i64 ordinal = stateful_ordinal(set, pod->name), unwell = 0;
	i64 most = doc_at_int(set->doc, "spec.updateStrategy.rollingUpdate.maxUnavailable", 1);
	struct str current = doc_at_str(set->doc, "status.updateRevision");
	if (!is_well(pod) || !pod_available(pod->doc, check_number(set, "spec.minReadySeconds"),
					    clock_wall_ns(&world->clock), NULL))
		return;
	for (i64 i = places.start; i < places.end; i++)
		unwell += !is_well(pod_at(world, set, i));
	if (ordinal < places.spared || !places.rolling)
		world_broken(world, STR_FMT " takes " STR_FMT ", which the partition spares",
			     STR_ARG(set->name), STR_ARG(pod->name));
	if (str_eq(revision_of(pod->doc), current) &&
	    check_number(set, "status.observedGeneration") ==
		    check_number(set, "metadata.generation"))
		world_broken(world, STR_FMT " takes " STR_FMT ", which is up to date",
			     STR_ARG(set->name), STR_ARG(pod->name));
	if (unwell >= most)
		world_broken(world, STR_FMT " takes " STR_FMT ", %lld are away already",
			     STR_ARG(set->name), STR_ARG(pod->name), (long long)unwell);
}

static void before(struct world *world, void *state, const char *user, const struct intent *intent)
{
	(void)state;
	struct version *set = NULL, *pod = NULL;
	if (check_creates_pod(user, name_of_controller, intent)) {
		set = check_owner(world, intent->doc, intent->namespace, KIND_StatefulSet);
		if (set)
			judge_new(world, set, intent);
		return;
	}
	if (check_deletes_pod(user, name_of_controller, intent))
		pod = store_get(world->store, KIND_Pod, intent->namespace, intent->name);
	if (pod)
		set = check_owner(world, pod->doc, pod->namespace, KIND_StatefulSet);
	if (!set || object_deleting(set->doc))
		return;
	struct places places = places_of(set);
	i64 ordinal = stateful_ordinal(set, pod->name);
	if (ordinal >= places.start && ordinal < places.end)
		judge_rolling(world, set, pod);
	else if (places.ordered && ordinal >= places.end)
		judge_shrinking(world, set, ordinal);
}

/* ---- at rest */

static void judge_rest(struct world *world, const struct version *set)
{
	struct places places = places_of(set);
	struct version_list pods = check_pods(world, set);
	struct str newest = doc_at_str(set->doc, "status.updateRevision");
	for (i64 i = places.start; i < places.end; i++) {
		struct version *pod = pod_at(world, set, i);
		if (!pod || !pod_active(pod))
			world_broken(world, STR_FMT " has no ordinal %lld", STR_ARG(set->name),
				     (long long)i);
		else if (places.rolling && !is_well(pod))
			world_broken(world, STR_FMT " is not ready: " STR_FMT, STR_ARG(pod->name),
				     STR_ARG(doc_at_str(condition_get(pod->doc, "PodScheduled"),
							"message")));
		else if (places.rolling && i >= places.spared &&
			 !str_eq(revision_of(pod->doc), newest))
			world_broken(world, STR_FMT " is of an old revision", STR_ARG(pod->name));
	}
	if (pods.len != places.end - places.start ||
	    check_number(set, "status.replicas") != places.end - places.start)
		world_broken(world, STR_FMT " has %u pods, says %lld, wants %lld",
			     STR_ARG(set->name), pods.len,
			     (long long)check_number(set, "status.replicas"),
			     (long long)(places.end - places.start));
}

static void rest(struct world *world, void *state)
{
	(void)state;
	EACH(world, KIND_StatefulSet, set)
	{
		/* OnDelete with a bad image waits for its user for ever. */
		if (!world->tight && places_of(set).rolling)
			judge_rest(world, set);
	}
}

const struct check check_stateful_set = { .name = "stateful_set", .before = before, .rest = rest };
