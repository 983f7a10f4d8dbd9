/*
 * The scheduler's picture of the nodes: what each has, and what its pods take. Kept up to date by
 * each change of the store, so that placing a pod never looks at the pods already placed.
 */
#ifndef SCHEDULER_NODES_H
#define SCHEDULER_NODES_H

#include "base/map.h"
#include "scheduler/amounts.h"
#include "store/store.h"

struct host_port {
	i64 port;
	u32 protocol, ip; /* hashes; ip 0: every address of the node */
};

struct owner_count { /* how many pods of one owner run here */
	u64 owner;
	u32 count;
};

struct node {
	char *name;
	struct version *version; /* NULL: pods name this node, but it is not there */
	u32 at;			 /* place in nodes.list, while there is a version */
	struct amounts has, taken;
	struct wishes wished; /* for scoring */
	u32 pods;
	bool unschedulable;
	const struct doc *labels, *taints, *images; /* of the version */
	struct host_port *ports;
	u32 ports_len, ports_cap;
	struct owner_count *owners;
	u32 owners_len, owners_cap;
};

struct nodes {
	struct resource_names names;
	struct map by_name; /* struct node */
	struct node **list; /* nodes that are there, in the order they came */
	u32 len, cap;
	u32 next_start; /* where the next pod begins to look */
};

void nodes_init(struct nodes *nodes);
void nodes_release(struct nodes *nodes);

/* A node came, changed or went (NULL). True when pods that found no place should try again. */
bool nodes_set(struct nodes *nodes, struct str name, struct version *version);

/* A pod that takes room on a node came (+1) or went (-1). */
void nodes_count_pod(struct nodes *nodes, const struct doc *pod, int sign);

/* Does it take room: bound and not finished. */
bool pod_takes_room(const struct doc *pod);

/* Who a pod belongs to, as a number: its controller, else its labels; 0: nobody. */
u64 pod_owner(const struct doc *pod);

/* Calls with every host port a pod wants. */
void pod_each_port(const struct doc *pod, void (*call)(void *self, struct host_port port),
		   void *self);

u32 node_owner_count(const struct node *node, u64 owner);

#endif
