/*
 * Amounts of resources as small vectors. Names are interned once; cpu counts in thousandths, all
 * else in whole units. Comparing a pod with a node is then a loop over a few integers.
 */
#ifndef SCHEDULER_AMOUNTS_H
#define SCHEDULER_AMOUNTS_H

#include "base/str.h"
#include "doc/doc.h"

enum {
	AMOUNT_CPU,
	AMOUNT_MEMORY,
	AMOUNT_STORAGE, /* ephemeral-storage */
	AMOUNT_PODS,
	AMOUNT_EXTENDED,  /* the first of the others, in the order they were met */
	AMOUNTS_MAX = 24, /* kinds of resources in one cluster; further ones are not counted */
};

struct amounts {
	i64 at[AMOUNTS_MAX];
};

struct resource_names {
	struct str at[AMOUNTS_MAX]; /* owned from AMOUNT_EXTENDED on */
	u32 len;
};

void resource_names_init(struct resource_names *names);
void resource_names_release(struct resource_names *names);

/* Adds a ResourceList ({"cpu": "500m", …}) to amounts. */
void amounts_add_list(struct amounts *amounts, struct resource_names *names,
		      const struct doc *list);

/* What a pod asks for: its containers together, or its hungriest init container if that is more,
 * with sidecars counted as upstream does, overhead, and one pod. */
void amounts_of_pod(struct amounts *amounts, struct resource_names *names, const struct doc *pod);

/* cpu and memory for scoring only: containers that ask for nothing count as 100m and 200 MB. */
struct wishes {
	i64 cpu, memory;
};
struct wishes wishes_of_pod(struct resource_names *names, const struct doc *pod);

#endif
