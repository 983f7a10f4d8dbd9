/*
 * Where a pod should run: filters say where it can, scores where it is best. Pure: a picture of the
 * nodes and a pod in, a node or the reasons why not out.
 */
#ifndef SCHEDULER_DECIDE_H
#define SCHEDULER_DECIDE_H

#include "scheduler/nodes.h"

enum { REASONS_MAX = 64 };

struct reason { /* why nodes were refused */
	struct str text;
	u32 count;
};

struct decision {
	struct node *node; /* NULL: nowhere */
	u32 nodes, looked_at, feasible;
	u32 hopeless; /* nodes where making room would not help */
	struct reason reasons[REASONS_MAX];
	u32 reasons_len;
};

/* Decides for one pod. Texts live in `arena`. Moves nodes->next_start on. */
void decide(struct nodes *nodes, const struct doc *pod, struct arena *arena,
	    struct decision *ret_decision);

/* "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't match Pod's node
 * affinity/selector. preemption: 0/3 nodes are available: …" */
struct str decision_sentence(struct arena *arena, const struct decision *decision);

/* ---- for decide.c: filter.c, score.c */

struct wish { /* a pod, read once */
	const struct doc *pod, *tolerations, *selector, *affinity;
	struct amounts amounts;
	struct wishes wishes;
	u64 owner;
	bool tolerates_unschedulable, has_ports;
	VEC(struct host_port) ports;
	struct arena *arena;
};

void wish_read(struct wish *wish, struct nodes *nodes, const struct doc *pod, struct arena *arena);

/* True when the node can take the pod; otherwise notes why. */
bool filter(const struct nodes *nodes, const struct node *node, const struct wish *wish,
	    struct decision *decision);

/* nodeSelector and required node affinity. */
bool node_matches(const struct node *node, const struct wish *wish);
/* One term of node affinity. */
bool node_matches_term(const struct node *node, const struct doc *term);

/* Gives each feasible node its score; higher is better. */
void score(struct node *const *feasible, u32 len, const struct wish *wish, i64 *ret_scores);

#endif
