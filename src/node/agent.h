/*
 * The node agent: registers this machine as a Node, keeps its lease fresh, and makes the pods bound
 * to it real. It decides nothing itself (pod_worker does); it observes, carries out, reports.
 * It sleeps unless a watch event, an exit, a probe or a timer wakes it.
 */
#ifndef NODE_AGENT_H
#define NODE_AGENT_H

#include "base/clock.h"
#include "base/error.h"
#include "node/pod_worker.h"

struct agent;
struct client;
struct image_source;
struct loop;
struct node_door;

struct agent_config {
	struct str data;      /* DATA/node is ours; DATA/images belongs to images */
	struct str node_name; /* as registered */
	struct str node_ip;   /* empty: found from the machine's interfaces, else 127.0.0.1 */
	struct str pod_cidr, cluster_cidr, service_cidr;
	struct str cluster_dns; /* address for pods' resolv.conf; empty: the node's own resolvers */
	struct str cluster_domain;
	struct str cgroup_parent; /* "minke": the directory of our control groups */
	struct str api_host; /* KUBERNETES_SERVICE_HOST where no Service says it; may be empty */
	bool masquerade;
	struct pod_settings pods;
	u32 pods_max; /* 110 */
};

void agent_config_default(struct agent_config *config);

/* `client`, `images` and `loop` stay the caller's and outlive the agent. */
MUST_USE enum status agent_new(const struct agent_config *config, struct loop *loop,
			       struct client *client, const struct image_source *images,
			       struct agent **ret_agent, struct error *error);
/* Takes up what still runs, registers the node, starts to watch. */
MUST_USE enum status agent_start(struct agent *agent, struct error *error);
/* Stops watching and reporting. Containers run on. */
void agent_stop(struct agent *agent);
void agent_free(struct agent *agent);

/* Takes away all that an agent with this configuration left on the machine: containers, sandboxes,
 * volumes, control groups, the bridge. Nobody may be running on that data. Blocking. */
MUST_USE enum status agent_purge(const struct agent_config *config, struct error *error);

/* The server's door to this node: logs, exec, attach, port-forward. */
const struct node_door *agent_door(struct agent *agent);

#endif
