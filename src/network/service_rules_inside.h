/* What a rule item is; for service_rules.c, which makes them, and service_change.c. */
#ifndef NETWORK_SERVICE_RULES_INSIDE_H
#define NETWORK_SERVICE_RULES_INSIDE_H

#include "network/service_rules.h"

enum service_rule_type {
	RULE_SET,	/* clients an endpoint remembers */
	RULE_CHAIN,	/* body: its rules, a line each */
	RULE_SERVICE,	/* address . protocol . port → chain: cluster addresses */
	RULE_EXTERNAL,	/* likewise: addresses the world knows */
	RULE_NODE_PORT, /* protocol . port → chain */
	RULE_REFUSED,	/* address . protocol . port nobody serves */
	RULE_HAIRPIN,	/* address . address */
	RULE_UDP,	/* not a rule: an address UDP may go to */
};

struct service_rule {
	enum service_rule_type type;
	struct str name, body;
};

int service_rule_order(const struct service_rule *a, const struct service_rule *b);

#endif
