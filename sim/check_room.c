/*
 * Nodes and pods: a pod is bound once and to a node with room, no two live pods share an address,
 * what has ended stays ended, and at rest a pod waits only where there is truly no room for it.
 */
#include <stdlib.h>

#include "base/check.h"
#include "controllers/pod.h"
#include "scheduler/amounts.h"
#include "scheduler/decide.h"
#include "sim/check.h"

static void judge_room(struct world *world, struct resource_names *names, struct str node_name)
{
	struct version *node = store_get(world->store, KIND_Node, STR_NONE, node_name);
	struct amounts has = { 0 }, taken = { 0 };
	if (!node)
		return;
	amounts_add_list(&has, names, doc_at(node->doc, AT(Node, status.allocatable)));
	struct version_list pods = store_on_node(world->store, world->arena, node_name);
	for (u32 i = 0; i < pods.len; i++) {
		struct amounts one;
		if (pod_finished(pods.at[i]->doc))
			continue;
		amounts_of_pod(&one, names, pods.at[i]->doc);
		for (u32 k = 0; k < AMOUNTS_MAX; k++)
			taken.at[k] += one.at[k];
	}
	for (u32 k = 0; k < names->len; k++)
		if (taken.at[k] > has.at[k])
			world_broken(world, STR_FMT " has %lld of %lld " STR_FMT " taken",
				     STR_ARG(node_name), (long long)taken.at[k],
				     (long long)has.at[k], STR_ARG(names->at[k]));
}

static void judge_address(struct world *world, const struct version *pod, struct str address)
{
	struct store_iter iter;
	store_iter_start(&iter, world->store, KIND_Pod, STR_NONE, STR_NONE, STR_NONE);
	for (struct version *other; (other = store_iter_next(&iter));)
		if (!str_eq(other->uid, pod->uid) && !pod_finished(other->doc) &&
		    str_eq(doc_at_str(other->doc, AT(Pod, status.podIP)), address))
			world_broken(world, STR_FMT " and " STR_FMT " share " STR_FMT,
				     STR_ARG(pod->name), STR_ARG(other->name), STR_ARG(address));
}

/* Who is placed on a node puts up with what the node is. */
static void judge_place(struct world *world, const struct version *pod, struct str node_name)
{
	struct version *node = store_get(world->store, KIND_Node, STR_NONE, node_name);
	const struct doc *tolerations = doc_at(pod->doc, AT(Pod, spec.tolerations));
	bool cordon = node && doc_at_bool(node->doc, AT(Node, spec.unschedulable), false);
	bool tolerates = false, team = false;
	doc_each_item(tolerations, toleration) {
		struct str key = doc_str(doc_key(toleration, "key"));
		tolerates |= str_is(key, "node.kubernetes.io/unschedulable");
		team |= str_is(key, "team");
	}
	if (cordon && !tolerates)
		world_broken(world, STR_FMT " is placed on cordoned " STR_FMT, STR_ARG(pod->name),
			     STR_ARG(node_name));
	doc_each_item(node ? doc_at(node->doc, AT(Node, spec.taints)) : NULL, taint) {
		if (str_is(doc_str(doc_key(taint, "key")), "team") && !team)
			world_broken(world, STR_FMT " is placed on tainted " STR_FMT,
				     STR_ARG(pod->name), STR_ARG(node_name));
	}
}

static void hear(struct world *world, void *state, const struct store_event *event)
{
	const struct version *now = event->version, *before = event->previous;
	if (now->kind != KIND_Pod || event->type == EVENT_DELETED)
		return;
	struct str node = doc_at_str(now->doc, AT(Pod, spec.nodeName));
	struct str node_before =
		before ? doc_at_str(before->doc, AT(Pod, spec.nodeName)) : STR_NONE;
	struct str address = doc_at_str(now->doc, AT(Pod, status.podIP));
	if (node_before.len && !str_eq(node, node_before))
		world_broken(world, STR_FMT " was bound twice", STR_ARG(now->name));
	if (before && pod_finished(before->doc) && !pod_finished(now->doc))
		world_broken(world, STR_FMT " has ended and runs again", STR_ARG(now->name));
	if (node.len && !node_before.len) {
		judge_room(world, state, node);
		judge_place(world, now, node);
	}
	if (address.len && !(before && doc_at_str(before->doc, AT(Pod, status.podIP)).len))
		judge_address(world, now, address);
}

static void *open(struct world *world)
{
	(void)world;
	struct resource_names *names = calloc(1, sizeof *names);
	CHECK(names);
	resource_names_init(names);
	return names;
}

static void close(void *state)
{
	resource_names_release(state);
	free(state);
}

/* A pod may only wait where there is truly no room for it. */
static void rest(struct world *world, void *state)
{
	(void)state;
	struct picture picture;
	picture_init(&picture, world->store);
	EACH(world, KIND_Node, node)
	{
		picture_set_node(&picture, node->name, node);
	}
	EACH(world, KIND_Pod, placed)
	{
		if (pod_takes_room(placed->doc))
			picture_count_pod(&picture, placed->doc, 1);
	}
	EACH(world, KIND_Pod, pod)
	{
		struct ask ask;
		struct decision decision;
		if (object_deleting(pod->doc) && !check_held_for_ever(world, pod))
			world_broken(world, "pod " STR_FMT " never goes", STR_ARG(pod->name));
		if (pod_takes_room(pod->doc) || pod_finished(pod->doc) ||
		    doc_len(doc_at(pod->doc, AT(Pod, spec.schedulingGates))))
			continue;
		ask_init(&ask, &picture, pod, world->arena);
		decide(&ask, &decision);
		if (decision.node)
			world_broken(world, "pod " STR_FMT " waits, but %s has room",
				     STR_ARG(pod->name), decision.node->name);
	}
	picture_release(&picture);
}

const struct check check_room = {
	.name = "room",
	.open = open,
	.close = close,
	.hear = hear,
	.rest = rest,
};
