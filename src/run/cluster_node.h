/* The node side of a cluster in one process: the agent with its images, and simulated nodes. */
#ifndef RUN_CLUSTER_NODE_H
#define RUN_CLUSTER_NODE_H

#include "base/random.h"
#include "run/server_options.h"

struct cluster_node;
struct loop;
struct server;
struct tls_context;

struct cluster_node_config {
	const struct server_options *options;
	struct loop *loop;
	struct server *server;
	struct random *random;
	struct tls_context *tls; /* of the API server, to listen where pods can reach it */
	int api_port;
};

/* Starts what the options ask for; *ret_node is never NULL on success. */
MUST_USE enum status cluster_node_start(const struct cluster_node_config *config,
					struct cluster_node **ret_node, struct error *error);
void cluster_node_stop(struct cluster_node *node); /* no more watching; NULL is fine */
void cluster_node_free(struct cluster_node *node);

/* Takes what an earlier server with these options left of its pods off the machine. */
MUST_USE enum status cluster_node_purge(const struct server_options *options, struct error *error);

/* The bridge's own address, where pods find this node: the first of the pod range. */
struct str cluster_node_gateway(void);

#endif
