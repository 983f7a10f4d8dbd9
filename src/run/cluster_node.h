/* The node side: the agent of this machine with its images and its network, in the server's own
 * process or alone. */
#ifndef RUN_CLUSTER_NODE_H
#define RUN_CLUSTER_NODE_H

#include "base/random.h"
#include "network/node_range.h"
#include "run/server_options.h"

enum { NODE_API_PORT = 6443 }; /* at the bridge's own address, which nobody else has */

struct agent;
struct client;
struct cluster_door;
struct cluster_node;
struct loop;
struct server;
struct tls_context;

struct cluster_node_config {
	const struct server_options *options;
	struct str data; /* the data directory as an absolute path, the same to our children */
	struct loop *loop;
	struct server *server;	   /* NULL: it is on another machine … */
	struct client *client;	   /* … and this leads to it */
	struct cluster_door *door; /* of the server here */
	struct random *random;
	const struct node_range *range; /* with a real node */
	struct tls_context *tls;	/* of the API server, to listen where pods can reach it */
	bool listens_everywhere;	/* the API server does so already, at NODE_API_PORT */
};

/* Starts what the options ask for; *ret_node is never NULL on success. */
MUST_USE enum status cluster_node_start(const struct cluster_node_config *config,
					struct cluster_node **ret_node, struct error *error);
void cluster_node_stop(struct cluster_node *node); /* no more watching; NULL is fine */
void cluster_node_free(struct cluster_node *node);

/* The agent, or NULL without a real node; what this machine is called as a Node. */
struct agent *cluster_node_agent(const struct cluster_node *node);
struct str cluster_node_name(struct arena *arena, const struct server_options *options);

#endif
