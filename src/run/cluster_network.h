/* Services on this machine: rules for their addresses, answers for their names, and the ways to
 * pods on other machines. */
#ifndef RUN_CLUSTER_NETWORK_H
#define RUN_CLUSTER_NETWORK_H

#include "network/node_range.h"
#include "run/server_options.h"

struct client;
struct cluster_network;
struct loop;
struct server;

#define CLUSTER_DOMAIN "cluster.local"

struct cluster_network_config {
	struct loop *loop;
	struct server *server; /* NULL: of another machine, which also has the name server */
	struct client *client; /* then; else one of the server's own is made */
	const struct node_range *range;
	struct str node_name, node_ip;
	bool masquerade;
};

/* The bridge must be there and up. */
MUST_USE enum status cluster_network_start(const struct cluster_network_config *config,
					   struct cluster_network **ret_network,
					   struct error *error);
void cluster_network_free(struct cluster_network *network); /* rules stay; NULL is fine */

#endif
