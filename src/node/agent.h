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
	struct str bridge;    /* "minke0" */
	struct str pod_cidr, cluster_cidr, service_cidr;
	struct str cluster_dns; /* address for pods' resolv.conf; empty: the node's own resolvers */
	struct str cluster_domain;
	struct str cgroup_parent; /* "minke": the directory of our control groups */
	struct str api_host; /* KUBERNETES_SERVICE_HOST instead of the Service's; may be empty */
	struct str api_port; /* KUBERNETES_SERVICE_PORT, likewise */
	bool masquerade;
	struct pod_settings pods;
	u32 pods_max; /* 110 */
	u16 port;     /* of node/node_server.h, as the Node tells it: 10250 */
};

void agent_config_default(struct agent_config *config);
/* "/minke/1a2b3c4d": the control group of everything this data directory (an absolute path) runs.
 * Several agents on one machine, each with its own data, keep apart by the number. */
struct str agent_cgroup(struct arena *arena, struct str cgroup_parent, struct str data);

/* `client`, `images` and `loop` stay the caller's and outlive the agent. */
MUST_USE enum status agent_new(const struct agent_config *config, struct loop *loop,
			       struct client *client, const struct image_source *images,
			       struct agent **ret_agent, struct error *error);
/* Takes up what still runs, registers the node, starts to watch. */
MUST_USE enum status agent_start(struct agent *agent, struct error *error);
/* Stops watching and reporting. Containers run on. */
void agent_stop(struct agent *agent);
void agent_free(struct agent *agent);

/* The node's own address, as it is registered; lives as long as the agent. */
struct str agent_node_ip(const struct agent *agent);

/* The server's door to this node: logs, exec, attach, port-forward. */
const struct node_door *agent_door(struct agent *agent);

/* For node/node_server.h: the uid of a pod that is here (empty: none), and all of them as a
 * PodList. `self` is the agent. */
struct str agent_pod_uid(void *self, struct str ns, struct str name);
const struct doc *agent_pod_list(void *self, struct arena *arena);

/* What its containers and the machine use; lives as long as the agent. */
struct usage_source;
const struct usage_source *agent_usage(struct agent *agent);

#endif
