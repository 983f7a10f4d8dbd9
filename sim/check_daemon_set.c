/*
 * DaemonSet: on a node never two of one set (with surge: never two of one template), nothing made
 * where it does not belong, no more nodes without a daemon than maxUnavailable says; at rest
 * exactly one on every eligible node and none elsewhere.
 */
#include "controllers/daemon_set.h"
#include "controllers/deployment.h"
#include "controllers/labels.h"
#include "controllers/pod.h"
#include "sim/check.h"

static const char name_of_controller[] = "daemonset-controller";

/* Said anew and simpler than the controller does: the users know only these few ways. */
static bool belongs(const struct version *set, const struct version *node, bool running)
{
	const struct doc *labels = doc_at(node->doc, "metadata.labels");
	const struct doc *spec = doc_at(set->doc, "spec.template.spec");
	bool tolerant = doc_len(doc_at(spec, "tolerations")) > 0;
	if (doc_at(spec, "nodeSelector") && !str_is(doc_str(doc_get(labels, STR("disk"))), "fast"))
		return false;
	if (doc_at(spec, "affinity") && str_is(doc_str(doc_get(labels, STR("disk"))), "slow"))
		return false;
	doc_each_item(doc_at(node->doc, "spec.taints"), taint) {
		bool leaves = str_is(doc_str(doc_key(taint, "effect")), "NoExecute");
		bool team = str_is(doc_str(doc_key(taint, "key")), "team");
		struct str key = doc_str(doc_key(taint, "key"));
		bool silent = str_is(key, "node.kubernetes.io/not-ready") ||
			      str_is(key, "node.kubernetes.io/unreachable");
		if (str_ends(key, STR("/out-of-service")))
			return false;
		if (team && !tolerant && (leaves || !running))
			return false;
		if (silent && !leaves && !running)
			return false; /* nothing new on a node that does not say it is well */
	}
	return true;
}

static struct str hash_of(const struct doc *pod)
{
	return doc_str(doc_get(doc_at(pod, "metadata.labels"), STR("controller-revision-hash")));
}

static i64 strategy(const struct version *set, const char *which, i64 nodes, i64 missing)
{
	const struct doc *limits = doc_at(set->doc, "spec.updateStrategy.rollingUpdate");
	const struct doc *limit = doc_get(limits, str_of(which));
	return limit ? count_or_percent(limit, nodes, true) : missing;
}

static void judge_new(struct world *world, const struct version *set, const struct doc *made)
{
	struct str node_name = daemon_pod_node(made);
	struct version *node = store_get(world->store, KIND_Node, STR_NONE, node_name);
	struct version_list pods = check_pods(world, set);
	bool surge = strategy(set, "maxSurge", 1, 0) > 0;
	if (!node || !belongs(set, node, false))
		return world_broken(world,
				    STR_FMT " makes a pod on " STR_FMT ", where it does not belong",
				    STR_ARG(set->name), STR_ARG(node_name));
	for (u32 i = 0; i < pods.len; i++) {
		const struct doc *pod = pods.at[i]->doc;
		if (!label_selector_matches(doc_at(set->doc, "spec.selector"),
					    doc_at(pod, "metadata.labels")))
			continue; /* about to be let go */
		bool there = surge ? pod_active(pods.at[i]) && str_eq(hash_of(pod), hash_of(made))
				   : !pod_finished(pod);
		if (there && str_eq(daemon_pod_node(pod), node_name))
			world_broken(world, STR_FMT " makes a second pod on " STR_FMT,
				     STR_ARG(set->name), STR_ARG(node_name));
	}
}

static bool available(struct world *world, const struct version *set, const struct doc *pod)
{
	return pod_available(pod, check_number(set, "spec.minReadySeconds"),
			     clock_wall_ns(&world->clock), NULL);
}

/* The ready pod of a set on a node; *ret_count: its active pods there. */
static const struct version *on_node(struct version_list pods, struct str node, u32 *ret_count)
{
	const struct version *ready = NULL;
	*ret_count = 0;
	for (u32 i = 0; i < pods.len; i++) {
		if (!str_eq(daemon_pod_node(pods.at[i]->doc), node) || !pod_active(pods.at[i]))
			continue;
		(*ret_count)++;
		ready = pod_ready(pods.at[i]->doc) ? pods.at[i] : ready;
	}
	return ready;
}

/* The roll-out takes a pod that is well: not one node too many may be without. */
static void judge_loss(struct world *world, const struct version *set, const struct version *lost)
{
	struct version_list pods = check_pods(world, set);
	struct version *home =
		store_get(world->store, KIND_Node, STR_NONE, daemon_pod_node(lost->doc));
	i64 nodes = 0, without = 0;
	u32 count;
	if (!home || !belongs(set, home, true) || !pod_active(lost) ||
	    !available(world, set, lost->doc))
		return;
	on_node(pods, home->name, &count);
	if (count != 1 || strategy(set, "maxSurge", 1, 0))
		return;
	EACH(world, KIND_Node, node)
	{
		if (!belongs(set, node, false))
			continue;
		const struct version *there = on_node(pods, node->name, &count);
		nodes++;
		without += !there || !available(world, set, there->doc);
	}
	if (without + 1 > strategy(set, "maxUnavailable", nodes, 1))
		world_broken(world, STR_FMT " takes a pod, %lld nodes are without already",
			     STR_ARG(set->name), (long long)without);
}

static void before(struct world *world, void *state, const char *user, const struct intent *intent)
{
	(void)state;
	struct version *set = NULL, *pod;
	if (check_creates_pod(user, name_of_controller, intent)) {
		set = check_owner(world, intent->doc, intent->namespace, KIND_DaemonSet);
		if (set)
			judge_new(world, set, intent->doc);
	} else if (check_deletes_pod(user, name_of_controller, intent)) {
		pod = store_get(world->store, KIND_Pod, intent->namespace, intent->name);
		if (pod)
			set = check_owner(world, pod->doc, pod->namespace, KIND_DaemonSet);
		if (set)
			judge_loss(world, set, pod);
	}
}

/* ---- at rest */

static void judge_node(struct world *world, const struct version *set, const struct version *node,
		       struct version_list pods)
{
	bool wanted = belongs(set, node, false), on_delete;
	u32 count;
	const struct version *ready = on_node(pods, node->name, &count);
	on_delete = str_is(doc_at_str(set->doc, "spec.updateStrategy.type"), "OnDelete");
	if (count != wanted || (wanted && !ready && !on_delete))
		world_broken(world, STR_FMT " has %u pods on " STR_FMT ", wanted %u",
			     STR_ARG(set->name), count, STR_ARG(node->name), wanted);
	if (!ready || on_delete || !wanted)
		return;
	if (!str_starts(doc_at_str(ready->doc, "spec.containers.0.image"), STR("web:9")))
		world_broken(world, STR_FMT " has an old pod on " STR_FMT, STR_ARG(set->name),
			     STR_ARG(node->name));
}

static void rest(struct world *world, void *state)
{
	(void)state;
	EACH(world, KIND_DaemonSet, set)
	{
		struct version_list pods = check_pods(world, set);
		struct version_list revisions =
			store_owned(world->store, world->arena, set->uid, KIND_ControllerRevision);
		i64 limit = doc_at_int(set->doc, "spec.revisionHistoryLimit", 10), wanted = 0;
		EACH(world, KIND_Node, node)
		{
			wanted += belongs(set, node, false);
			if (!world->tight)
				judge_node(world, set, node, pods);
		}
		if (check_number(set, "status.desiredNumberScheduled") != wanted)
			world_broken(world, STR_FMT " wants %lld pods, %lld nodes are eligible",
				     STR_ARG(set->name),
				     (long long)check_number(set, "status.desiredNumberScheduled"),
				     (long long)wanted);
		if (!world->tight && revisions.len > limit + 1 + pods.len)
			world_broken(world, STR_FMT " keeps %u revisions", STR_ARG(set->name),
				     revisions.len);
	}
}

const struct check check_daemon_set = { .name = "daemon_set", .before = before, .rest = rest };
