/*
 * Services to nftables rules. Pure: a view in, items out; two lots of items give the text of the
 * one transaction that leads from the first to the second, so a change costs what it changes.
 * A packet costs one look into a map, however many Services there are.
 */
#ifndef NETWORK_SERVICE_RULES_H
#define NETWORK_SERVICE_RULES_H

#include "network/address.h"
#include "network/service_view.h"

struct service_facts {
	struct str table;  /* ours: nobody else's rules are touched */
	struct str bridge; /* pods sit on it */
	struct str node_name;
	struct address_range pods;     /* of this node */
	struct address_range cluster;  /* of all nodes */
	struct address_range services; /* an address of it nobody has is refused */
	bool bridge_filtered; /* the kernel shows bridged packets to netfilter (br_netfilter) */
	bool masquerade;      /* pods reach the world under the node's address */
};

struct service_rule;
struct service_rules {
	VEC(struct service_rule *) items; /* ordered */
};

/* All lives in `arena`. What makes no sense (an address that is none) is left out. */
struct service_rules *service_rules_make(struct arena *arena, const struct service_facts *facts,
					 const struct service_view *view);

/* What nft must be told; empty when nothing changes. `old` NULL: whatever is there is replaced. */
struct str service_rules_change(struct arena *arena, const struct service_facts *facts,
				const struct service_rules *old, const struct service_rules *now);

/* Takes the table away, whether it is there or not. */
struct str service_rules_none(struct arena *arena, const struct service_facts *facts);

/* Addresses that UDP went to before and no longer does: connections that must be forgotten. */
struct address_list {
	u32 *at;
	u32 len;
};
struct address_list service_rules_gone(struct arena *arena, const struct service_rules *old,
				       const struct service_rules *now);

#endif
