/*
 * Counters per domain, kept up to date with every pod that comes or goes, so that a decision reads
 * a number instead of looking at pods. A tally counts the pods a waiting pod's term speaks of; a
 * bond counts the placed pods that bear a term themselves and so have a say about others.
 */
#ifndef SCHEDULER_TALLY_H
#define SCHEDULER_TALLY_H

#include "scheduler/scope.h"
#include "scheduler/topology.h"

/* Which nodes a tally looks at. Spread constraints leave out nodes the pod could not use anyway. */
struct eligibility {
	const struct doc *selector, *affinity; /* nodeSelector, nodeAffinity; NULL: any node */
	const struct doc *tolerations;	       /* when taints are honoured */
	bool honours_taints;
	struct topology *needs[8]; /* labels a node must have */
	u32 needs_len;
};

struct tally {
	struct str key; /* owned, as all below */
	struct arena *arena;
	struct topology *topology;
	struct scope *scopes; /* a pod counts when all of them match */
	u32 scopes_len;
	bool skips_deleting; /* pods on their way out do not count */
	struct eligibility eligible;
	bool picky; /* not every node is eligible */
	u8 *ok;	    /* by slot, when picky */
	u32 ok_cap, cap;
	u32 *counts; /* pods, by domain */
	u32 *nodes;  /* eligible nodes, by domain */
	u32 domains; /* with at least one eligible node */
	u64 total;
	u32 *how_many; /* how_many[n]: domains that count n pods */
	u32 how_many_cap, least;
};

/* A tally that has counted nothing yet. `wish` is copied. */
struct tally *tally_new(struct str key, const struct tally *wish);
void tally_free(struct tally *tally);

/* The node in `slot` is there with this verdict (+1), or goes (-1). All its pods must be taken out
 * before and put in after. */
void tally_node(struct tally *tally, u32 slot, bool eligible, int sign);
/* A matching pod on the node in `slot` came or went. */
void tally_pod(struct tally *tally, u32 slot, int sign);

static inline bool tally_looks_at(const struct tally *tally, u32 slot)
{
	return !tally->picky || (slot < tally->ok_cap && tally->ok[slot]);
}

/* Pods in the domain of `slot`; 0 when it is in none. */
static inline u32 tally_count(const struct tally *tally, u32 slot)
{
	u32 domain = topology_of(tally->topology, slot);
	return domain && domain <= tally->cap ? tally->counts[domain - 1] : 0;
}

/* What a placed pod's term does to others. */
enum bond_type {
	BOND_KEEPS_OUT, /* required anti-affinity: whoever matches may not come */
	BOND_WEIGHS,	/* a preference, or required affinity: likes or dislikes whoever matches */
};

struct bond {
	struct str key;
	struct arena *arena;
	u8 type; /* enum bond_type */
	i32 weight;
	struct topology *topology;
	struct scope scope;
	u32 *counts, cap; /* placed pods that bear it, by domain */
	u64 total;
};

struct bond *bond_new(struct str key, const struct bond *wish);
void bond_free(struct bond *bond);
void bond_pod(struct bond *bond, u32 slot, int sign);

static inline u32 bond_count(const struct bond *bond, u32 slot)
{
	u32 domain = topology_of(bond->topology, slot);
	return domain && domain <= bond->cap ? bond->counts[domain - 1] : 0;
}

#endif
