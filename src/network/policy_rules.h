/*
 * NetworkPolicies as a table of nftables rules for the pods of one node. Pure: what is known of
 * policies, pods and namespaces in, text out.
 * https://kubernetes.io/docs/concepts/services-networking/network-policies
 */
#ifndef NETWORK_POLICY_RULES_H
#define NETWORK_POLICY_RULES_H

#include "doc/doc.h"

struct policy_pod {
	const struct doc *doc;
	u32 address;
	bool here; /* runs on this node */
};

struct policy_view {
	struct str table;	/* "minke0-policy" */
	struct str dns_address; /* of the Service kube-dns, behind which stands no pod */
	const struct doc **policies;
	u32 policies_len;
	const struct policy_pod *pods; /* with an address of their own */
	u32 pods_len;
	const struct doc **namespaces;
	u32 namespaces_len;
};

/* One transaction: the table as it is to be, or that there is none when nothing is asked for. */
struct str policy_rules(struct arena *arena, const struct policy_view *view);

#endif
