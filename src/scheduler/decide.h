/*
 * Where a pod should run: filters say where it can, scores where it is best. Pure: a picture of the
 * cluster and a pod in, a node or the reasons why not out.
 */
#ifndef SCHEDULER_DECIDE_H
#define SCHEDULER_DECIDE_H

#include "scheduler/shape.h"

struct claims;

/* Why a node cannot take a pod, in the order in which upstream's plugins ask. */
enum refusal {
	FITS,
	REFUSED_UNSCHEDULABLE,
	REFUSED_TAINT,
	REFUSED_UNMATCHED, /* node selector, required node affinity */
	REFUSED_PORTS,
	REFUSED_ROOM,
	REFUSED_CLAIM_TAKEN, /* ReadWriteOncePod */
	REFUSED_VOLUME_GONE,
	REFUSED_VOLUME_ELSEWHERE,
	REFUSED_NO_VOLUME,
	REFUSED_SPREAD_LABEL, /* the node lacks a topology key */
	REFUSED_SPREAD,
	REFUSED_NEAR,
	REFUSED_APART,
	REFUSED_KEPT_OUT, /* by the anti-affinity of pods that are there */
	REFUSALS,
};

/* What kinds of change may help a pod that found no place; a set of bits. */
enum help {
	HELP_NODE = 1,	     /* a node came, or changed for the better */
	HELP_POD_GONE = 2,   /* a pod went, or takes less */
	HELP_POD_PLACED = 4, /* a pod was placed, or changed its labels */
	HELP_VOLUME = 8,     /* claims, volumes, classes */
	HELP_ANY = 15,
};

/* One pod that asks for a node. */
struct ask {
	struct picture *picture;
	struct shape *shape;
	const struct version *pod;
	const struct claims *claims; /* NULL: it has none */
	struct arena *arena;
	VEC(struct bond *) keep_out, weigh; /* placed pods' terms that match it */
	struct verdict scratch;
};

struct decision {
	struct node *node;  /* NULL: nowhere */
	struct str for_all; /* why no node was even looked at, or empty */
	u32 nodes, looked_at, feasible;
	u32 refused[REFUSALS], short_of[AMOUNTS_MAX];
	u32 elsewhere;		    /* nodes its matchFields leave out */
	u32 no_victims, unhelpful;  /* of a preemption: nodes without lesser pods, not tried */
	VEC(struct node *) hopeful; /* nodes where evicting others might help */
	u32 helped_by;		    /* enum help */
};

/* Reads the pod; `error` for everybody goes into decision->for_all. Shapes must not be tidied away
 * while the ask is in use. */
void ask_init(struct ask *ask, struct picture *picture, const struct version *pod,
	      struct arena *arena);

/* Decides for one pod. Moves picture->next_start on. */
void decide(struct ask *ask, struct decision *ret_decision);

/* "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't match Pod's node
 * affinity/selector." and, when it is not empty, what preemption said behind it. */
struct str decision_sentence(const struct ask *ask, const struct decision *decision,
			     struct str preemption);
/* The words of a refusal; REFUSED_ROOM has words of its own for each resource. */
struct str refusal_text(enum refusal refusal);

/* ---- filter.c: can this node take it? With the pods that wait for room there counted in. */
enum refusal filter(struct ask *ask, struct node *node);
/* The same without them. */
enum refusal filter_now(struct ask *ask, struct node *node);
/* Would no eviction help? */
bool refusal_is_final(const struct ask *ask, const struct node *node, enum refusal refusal);
/* Enters a refusal into the decision's counts. */
void refusal_note(const struct ask *ask, struct node *node, enum refusal refusal,
		  struct decision *decision);
/* What is known of a node for this shape, brought up to date. */
struct verdict *verdict_of(struct ask *ask, const struct node *node);

/* ---- score.c: gives each feasible node its score; higher is better. */
void score(struct ask *ask, struct node *const *feasible, u32 len, i64 *ret_scores);
/* The parts of a verdict that are scores. */
void score_itself(const struct ask *ask, const struct node *node, struct verdict *verdict);
void score_free(const struct ask *ask, const struct node *node, struct verdict *verdict);

#endif
