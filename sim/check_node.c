/*
 * Nodes: one whose agent lives is never called silent, however wrong its clock; one that stays
 * dead is found out, loses all pods that do not tolerate it, and only those; one that is back is
 * as good as new.
 */
#include "controllers/pod.h"
#include "sim/check.h"

static bool tolerates_for_ever(const struct doc *pod)
{
	doc_each_item(doc_at(pod, "spec.tolerations"), toleration) {
		if (str_is(doc_str(doc_key(toleration, "key")), "node.kubernetes.io/unreachable") &&
		    !doc_key(toleration, "tolerationSeconds"))
			return true;
	}
	return false;
}

static void judge_dead(struct world *world, const struct version *node)
{
	struct version_list pods = store_on_node(world->store, world->arena, node->name);
	bool lost = false;
	doc_each_item(doc_at(node->doc, "spec.taints"), taint) {
		lost |= str_is(doc_str(doc_key(taint, "key")), "node.kubernetes.io/out-of-service");
	}
	if (!condition_is(node->doc, "Ready", "Unknown"))
		world_broken(world, "node " STR_FMT " is dead and nobody has noticed",
			     STR_ARG(node->name));
	for (u32 i = 0; i < pods.len; i++) {
		const struct doc *pod = pods.at[i]->doc;
		if (pod_finished(pod))
			continue;
		if (lost)
			world_broken(world, STR_FMT " stays on a node out of service",
				     STR_ARG(pods.at[i]->name));
		if (pod_ready(pod))
			world_broken(world, STR_FMT " is ready on a dead node",
				     STR_ARG(pods.at[i]->name));
		if (!tolerates_for_ever(pod) && !object_deleting(pod))
			world_broken(world, STR_FMT " stays on a dead node",
				     STR_ARG(pods.at[i]->name));
	}
}

/* The node's number, by its name. */
static bool is_dead(const struct world *world, struct str name)
{
	i64 number;
	return str_to_i64(str_from(name, str_find_last(name, '-') + 1), &number) &&
	       world->dead[number];
}

void check_dead_nodes(struct world *world)
{
	EACH(world, KIND_Node, node)
	{
		if (is_dead(world, node->name))
			judge_dead(world, node);
	}
	EACH(world, KIND_Pod, pod)
	{
		struct str node = doc_at_str(pod->doc, "spec.nodeName");
		if (node.len && !store_get(world->store, KIND_Node, STR_NONE, node) &&
		    !check_held_for_ever(world, pod))
			world_broken(world, STR_FMT " stays on a node that is no more",
				     STR_ARG(pod->name));
	}
}

static void hear(struct world *world, void *state, const struct store_event *event)
{
	(void)state;
	const struct version *node = event->version;
	if (node->kind != KIND_Node || event->type != EVENT_MODIFIED || !world->calm ||
	    is_dead(world, node->name) || world->mono_ns - world->disturbed_ns < 60 * NS_PER_S)
		return;
	if (condition_is(node->doc, "Ready", "Unknown") &&
	    !condition_is(event->previous->doc, "Ready", "Unknown"))
		world_broken(world, "node " STR_FMT " lives and is called silent",
			     STR_ARG(node->name));
}

/* Only the roll-out of a DaemonSet itself may take a daemon from a dead node. */
static void before(struct world *world, void *state, const char *user, const struct intent *intent)
{
	(void)state;
	bool evicts = check_deletes_pod(user, "node-controller", intent);
	bool collects = check_deletes_pod(user, "pod-garbage-collector", intent);
	if (!evicts && !collects)
		return;
	struct version *pod = store_get(world->store, KIND_Pod, intent->namespace, intent->name);
	struct version *node = NULL;
	if (pod)
		node = store_get(world->store, KIND_Node, STR_NONE,
				 doc_at_str(pod->doc, "spec.nodeName"));
	if (collects) {
		if (node && pod_active(pod))
			world_broken(world, STR_FMT " is collected, its node is there",
				     STR_ARG(pod->name));
		return;
	}
	doc_each_item(node ? doc_at(node->doc, "spec.taints") : NULL, taint) {
		struct str key = doc_str(doc_key(taint, "key"));
		if (str_is(key, "team") || str_ends(key, STR("out-of-service")))
			return; /* the user's own taint, which hardly anybody tolerates */
	}
	if (pod && tolerates_for_ever(pod->doc))
		world_broken(world, STR_FMT " is evicted, though it tolerates all",
			     STR_ARG(pod->name));
}

static void rest(struct world *world, void *state)
{
	(void)state;
	if (store_count(world->store, KIND_Node) != world->nodes_len)
		world_broken(world, "%u nodes of %u are there",
			     store_count(world->store, KIND_Node), world->nodes_len);
	EACH(world, KIND_Node, node)
	{
		if (!condition_is(node->doc, "Ready", "True") ||
		    doc_len(doc_at(node->doc, "spec.taints")))
			world_broken(world, "node " STR_FMT " has not recovered",
				     STR_ARG(node->name));
	}
}

const struct check check_node = { .name = "node", .hear = hear, .before = before, .rest = rest };
