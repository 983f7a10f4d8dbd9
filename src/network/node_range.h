/*
 * Which bridge and which address range belong to this data directory. Several servers run side by
 * side on one machine: each takes a number N nobody else has, the bridge minkeN and the range
 * 10.244.N.0/24. Whose a bridge is stands in the bridge itself (its alias names the data
 * directory), so nothing can be out of step after a crash or a reboot.
 */
#ifndef NETWORK_NODE_RANGE_H
#define NETWORK_NODE_RANGE_H

#include "base/cluster_range.h"
#include "base/error.h"
#include "base/str.h"

struct node_range {
	char bridge[16];  /* "minke0" */
	char cidr[24];	  /* "10.244.0.0/24" */
	char gateway[16]; /* "10.244.0.1", the bridge's own address, where pods find the node */
};

#define UNREACHABLE_SERVICES_CIDR "10.96.0.0/12"

/* Finds the bridge of `data` (an absolute path) or makes one. Blocking, of a few netlink messages.
 * ST_NO_SPACE when all 256 are taken. */
MUST_USE enum status node_range_take(struct str data, struct node_range *ret_range,
				     struct error *error);
/* The same with the range the cluster has given this node, "10.244.3.0/24". A bridge of another
 * number that `data` had before goes. ST_CONFLICT when somebody else's bridge has the number;
 * ST_BAD_REQUEST: it is no such range. */
MUST_USE enum status node_range_take_given(struct str data, struct str cidr,
					   struct node_range *ret_range, struct error *error);
/* Removes the bridge of `data` and, with the last bridge, the routes that go with them. None
 * there: fine. */
MUST_USE enum status node_range_release(struct str data, struct error *error);

#endif
