/*
 * A shape is all of a pod that matters to placing it, read once. Pods made from one template share
 * it, so that what was found out about a node for one of them still holds for the next.
 */
#ifndef SCHEDULER_SHAPE_H
#define SCHEDULER_SHAPE_H

#include "scheduler/picture.h"

/* A namespace and a set of labels: which tallies and bonds pods of that sort concern. */
struct sort {
	struct str key, namespace;
	struct arena *arena;
	const struct doc *labels;
	u32 tallies_seen, bonds_seen; /* how many of the picture's have been compared */
	VEC(struct tally *) tallies;
	VEC(struct bond *) bonds;
};

struct spread { /* one topologySpreadConstraint */
	struct tally *tally;
	i64 skew_max;
	u32 domains_min;
	bool counts_itself;
};

struct fondness { /* one preferred term; weight below 0: would rather not */
	struct tally *tally;
	i32 weight;
};

/* What was found out about a node for this shape, while the node stays as it is. */
struct verdict {
	u32 changed, used; /* of the node, when it was looked at; 0: never */
	u8 refusal;	   /* by what the node is: enum refusal */
	u8 room;	   /* by what its pods leave free: enum refusal */
	u16 taints;	   /* PreferNoSchedule, not tolerated */
	i32 affinity;	   /* weights of the preferred node affinities that match */
	i32 image, free;   /* scores */
};

struct shape {
	struct str key;
	struct arena *arena;
	struct sort *sort;
	struct amounts amounts;
	u32 asked[AMOUNTS_MAX], asked_len; /* which amounts are not 0 */
	struct wishes wishes;
	bool best_effort; /* asks for neither cpu nor memory */
	i64 priority;
	bool never_preempts;
	VEC(struct host_port) ports;
	VEC(struct bond *) bonds; /* terms it bears itself */

	/* from here on only read when such a pod is to be placed */
	bool read;
	const struct doc *tolerations, *selector, *affinity, *spec;
	bool tolerates_unschedulable;
	VEC(struct str) images;
	VEC(struct str) only; /* names its matchFields allow; only_some: others never */
	bool only_some;
	VEC(struct spread) hard, soft;
	bool soft_needs_all; /* nodes without every key of `soft` score nothing */
	VEC(struct tally *) near, apart;
	bool near_itself; /* it matches its own required affinity */
	VEC(struct fondness) fond;
	struct verdict *verdicts;
	u32 verdicts_cap;
};

/* The shape of a pod; lives until picture_tidy(). */
struct shape *shape_of(struct picture *picture, const struct doc *pod);
/* The same, remembered for as long as the version lasts. */
struct shape *shape_of_version(struct picture *picture, const struct version *pod);
/* The same, ready for placing the pod. */
struct shape *shape_to_place(struct picture *picture, const struct doc *pod);

/* Brings a sort's lists up to date. */
void sort_refresh(struct picture *picture, struct sort *sort);
void shape_free(struct shape *shape);
void sort_free(struct sort *sort);

/* shape_terms.c: reads spread constraints and affinity terms into tallies. */
void shape_read_terms(struct picture *picture, struct shape *shape, const struct doc *pod);
/* Which bonds a placed pod of this shape bears. */
void shape_read_bonds(struct picture *picture, struct shape *shape, const struct doc *pod);

/* spread_default.c: the selector that pods without constraints are spread by; NULL: none. */
const struct doc *spread_default_selector(struct store *store, struct arena *arena,
					  const struct doc *pod);

/* Does a node match a nodeSelector and a required node affinity? */
bool node_matches(const struct node *node, const struct doc *selector, const struct doc *affinity);
/* One term of node affinity. */
bool node_matches_term(const struct node *node, const struct doc *term);
/* The first taint that keeps pods out and is not tolerated, or NULL. */
const struct doc *node_untolerated(const struct node *node, const struct doc *tolerations);
bool node_eligible(const struct node *node, const struct eligibility *eligibility);

#endif
