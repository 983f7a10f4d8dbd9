/*
 * Which addresses a node's pods get: a node that joins without a range of its own is given the
 * first /24 of the cluster's range that no other node has, for ever. Follows
 * pkg/controller/nodeipam (RangeAllocator). Simulated nodes make addresses up themselves.
 */
#include "base/cluster_range.h"
#include "controllers/controller.h"
#include "doc/build.h"

static struct str range_text(struct arena *arena, u32 number)
{
	return str_format(arena, NODE_RANGE_FORMAT, number);
}

static void mark_taken(const struct view *view, const struct version *node, bool taken[NODE_RANGES])
{
	struct str range = doc_at_str(node->doc, AT(Node, spec.podCIDR));

	for (u32 number = 0; range.len && number < NODE_RANGES; number++)
		if (!taken[number] && str_eq(range, range_text(view->arena, number))) {
			taken[number] = true;
			return;
		}
}

static void node_range_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	const struct version *node = view_key(view, key);
	bool taken[NODE_RANGES] = { false };
	u32 number = 0;

	if (!node || doc_at_str(node->doc, AT(Node, spec.podCIDR)).len ||
	    doc_get(doc_at(node->doc, AT(Node, metadata.labels)), STR("minke/simulated")))
		return;
	struct list nodes = view_list(view, KIND_Node, STR_NONE);

	for (u32 i = 0; i < nodes.len; i++)
		mark_taken(view, nodes.at[i], taken);
	while (number < NODE_RANGES && taken[number])
		number++;
	if (number == NODE_RANGES) {
		plan_event(plan, node, EVENT_NORMAL, "CIDRNotAvailable",
			   "Node " STR_FMT " status is now: CIDRNotAvailable", STR_ARG(key.name));
		return;
	}
	struct build b = build_object(view->arena);

	build_open_object(&b, "spec");
	build_str(&b, "podCIDR", range_text(view->arena, number));
	build_open_array(&b, "podCIDRs");
	build_str(&b, NULL, range_text(view->arena, number));
	build_close(&b);
	build_close(&b);
	plan_patch(plan, node, build_done(&b), NULL);
}

const struct controller controller_node_range = {
	.name = "node-ipam-controller",
	.watch = { { KIND_Node, key_self } },
	.reconcile = node_range_reconcile,
};
