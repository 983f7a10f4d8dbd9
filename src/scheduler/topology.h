/*
 * Topologies: which domain of a key (a zone, a rack, the node itself) each node lies in, as small
 * numbers, so that counters per domain are plain arrays. Nodes are known by their slot, a number a
 * node keeps as long as it is there.
 */
#ifndef SCHEDULER_TOPOLOGY_H
#define SCHEDULER_TOPOLOGY_H

#include "base/map.h"
#include "doc/doc.h"

#define TOPOLOGY_HOSTNAME "kubernetes.io/hostname"
#define TOPOLOGY_ZONE "topology.kubernetes.io/zone"
#define TOPOLOGY_REGION "topology.kubernetes.io/region"

struct domain {
	u32 at;	   /* its number */
	u32 nodes; /* how many lie in it; a domain without nodes is forgotten, its number reused */
	size_t len;
	char value[];
};

struct topology {
	struct str key;	     /* owned */
	struct map by_value; /* struct domain */
	u32 len;	     /* numbers given so far: domains are 0 … len-1 */
	u32 *free_numbers, free_len, free_cap;
	u32 *of_slot, slots_cap; /* number + 1 of each slot's domain; 0: in none */
};

struct topology *topology_new(struct str key);
void topology_free(struct topology *topology);

/* A node in `slot` now has these labels (NULL: it is gone). */
void topology_set(struct topology *topology, u32 slot, const struct doc *labels);

/* Number + 1 of the domain, 0 for none. */
static inline u32 topology_of(const struct topology *topology, u32 slot)
{
	return slot < topology->slots_cap ? topology->of_slot[slot] : 0;
}

#endif
