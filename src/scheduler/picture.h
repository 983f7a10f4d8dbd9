/*
 * The scheduler's picture of the cluster: what each node has, what its pods take, how many pods of
 * each sort there are in every domain. Kept up to date by each change of the store, so that
 * placing a pod never looks at the pods already placed. Nothing in it writes.
 */
#ifndef SCHEDULER_PICTURE_H
#define SCHEDULER_PICTURE_H

#include "base/map.h"
#include "scheduler/amounts.h"
#include "scheduler/tally.h"
#include "store/store.h"

struct shape;

struct host_port {
	u16 port;
	u8 protocol; /* its first letter: T, U or S */
	u32 ip;	     /* a number for the address; 0: every address of the node */
};

struct node {
	char *name;
	struct version *version; /* NULL: pods name this node, but it is not there */
	u32 slot;		 /* while there is a version */
	u32 changed, used;	 /* picture.generation of the last change of itself, its pods */
	bool unschedulable;
	struct amounts has, taken;
	struct wishes wished; /* for scoring */
	u32 pods;
	struct nominee *nominees; /* pods that wait for their victims to leave this node */
	const struct doc *labels, *taints, *images; /* of the version */
	struct host_port *ports;
	u32 ports_len, ports_cap;
};

/* Pods that have made room on a node and wait for it. */
struct nominee {
	struct str uid, namespace, name;
	struct node *node;
	struct nominee *next; /* on the same node */
	i64 priority;
	char text[];
};

struct remembered { /* the shape of one version of a pod */
	u64 revision;
	struct shape *shape;
};

struct priority_count { /* placed pods of one priority */
	i64 priority;
	u32 count;
};

struct picture {
	struct store *store;
	struct resource_names names;
	struct map by_name;  /* struct node */
	struct node **slots; /* by slot; NULL: free */
	u32 slots_len, slots_cap;
	struct node **list; /* nodes that are there, the zones taking turns */
	u32 len;	    /* of the list */
	bool list_stale;
	u32 next_start; /* where the next pod begins to look */
	u32 generation;

	struct map topologies;	 /* struct topology */
	struct map tally_by_key; /* struct tally */
	struct tally **tallies;
	u32 tallies_len, tallies_cap;
	struct map bond_by_key; /* struct bond */
	struct bond **bonds;
	u32 bonds_len, bonds_cap;
	struct map shapes, sorts; /* struct shape, struct sort */
	size_t shapes_bytes;
	struct remembered *remembered; /* by revision; only once somebody is evicted */
	u32 remembered_cap;
	u32 pods;	   /* placed */
	bool shapes_stale; /* something all of them read has changed */

	struct map nominees;		   /* struct nominee, by uid */
	struct priority_count *priorities; /* lowest first */
	u32 priorities_len, priorities_cap;
	struct buffer key; /* scratch */
};

void picture_init(struct picture *picture, struct store *store);
void picture_release(struct picture *picture);

/* A node came, changed or went (NULL). True when it might now take a pod it could not before. */
bool picture_set_node(struct picture *picture, struct str name, struct version *version);

/* A pod that takes room on a node came (+1) or went (-1). */
void picture_count_pod(struct picture *picture, const struct doc *pod, int sign);
/* The same as if the pod were on that node: what would be if. */
void picture_count_on(struct picture *picture, struct node *node, struct shape *shape,
		      bool deleting, int sign);

/* Forgets what is kept only to be quick, when it has become too much or is stale. Shapes handed
 * out before are gone then; never called while a decision is being made. */
void picture_tidy(struct picture *picture);
/* Services, owners or namespaces changed in a way shapes have read. */
void picture_stale(struct picture *picture);

/* Brings picture->list into order; before it is walked. */
void picture_order(struct picture *picture);
struct node *picture_node(const struct picture *picture, struct str name); /* NULL: not there */

/* The topology of a key, made when nobody has asked for it before. */
struct topology *picture_topology(struct picture *picture, struct str key);
/* The tally or bond like `wish`, made and counted when it is not there yet. */
struct tally *picture_tally(struct picture *picture, const struct tally *wish);
struct bond *picture_bond(struct picture *picture, const struct bond *wish);

/* Does it take room: bound and not finished. */
bool pod_takes_room(const struct doc *pod);
i64 pod_priority(const struct doc *pod);

/* ---- nominees */

/* A pod waits for room on a node, or (node empty) no longer does. */
void picture_nominate(struct picture *picture, const struct version *pod, struct str node);
void picture_forget_nominee(struct picture *picture, struct str uid);

/* The lowest priority among placed pods; INT64_MAX when there are none. */
i64 picture_lowest_priority(const struct picture *picture);

#endif
