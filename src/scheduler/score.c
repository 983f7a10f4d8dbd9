/*
 * Where a pod is best. Each score is 0 … 100 and weighs as in Kubernetes' default profile. Whole
 * numbers throughout: a seed gives the same cluster whatever compiled it.
 */
#include "controllers/toleration.h"
#include "scheduler/decide.h"

enum {
	FULL = 100,
	WEIGHT_SPREAD = 2,
	WEIGHT_AFFINITY = 2,
	WEIGHT_NEIGHBOURS = 2,
	WEIGHT_TAINT = 3,
	/* room, balance and images weigh 1 */
	MILLION = 1000000,
};

/* ---- what a node is */

static i32 preferred_affinity(const struct shape *shape, const struct node *node)
{
	i64 sum = 0;
	doc_each_item(doc_at(shape->affinity, "preferredDuringSchedulingIgnoredDuringExecution"),
		      preferred) {
		const struct doc *term = doc_key(preferred, "preference");
		bool empty = !doc_len(doc_key(term, "matchExpressions")) &&
			     !doc_len(doc_key(term, "matchFields"));
		if (!empty && node_matches_term(node, term))
			sum += doc_int_or(doc_key(preferred, "weight"), 0);
	}
	return (i32)sum;
}

static u16 disliked_taints(const struct shape *shape, const struct node *node)
{
	u16 count = 0;
	doc_each_item(node->taints, taint) {
		if (taint_has_effect(taint, "PreferNoSchedule") &&
		    !tolerations_tolerate(shape->tolerations, taint))
			count++;
	}
	return count;
}

static bool same_image(struct str on_node, struct str wanted)
{
	struct str last = str_from(wanted, (size_t)(str_find_last(wanted, '/') + 1));
	if (str_eq(on_node, wanted))
		return true;
	return str_find_char(last, ':') < 0 && on_node.len == wanted.len + 7 &&
	       str_starts(on_node, wanted) && str_ends(on_node, STR(":latest"));
}

static i64 image_bytes(const struct node *node, struct str image)
{
	doc_each_item(node->images, on_node) {
		doc_each_item(doc_key(on_node, "names"), name) {
			if (same_image(doc_str(name), image))
				return doc_int_or(doc_key(on_node, "sizeBytes"), 0);
		}
	}
	return 0;
}

/* Bytes of the pod's images that are on the node, between 23 MB and 1000 MB a container. */
static i32 image_locality(const struct shape *shape, const struct node *node)
{
	const i64 mib = 1 << 20, low = 23 * mib;
	i64 sum = 0;
	if (!node->images)
		return 0;
	for (u32 i = 0; i < shape->images.len; i++)
		sum += image_bytes(node, shape->images.at[i]);
	i64 high = 1000 * mib * MAX((i64)shape->images.len, 1);
	return (i32)((clamp_i64(sum, low, high) - low) / mib * FULL / ((high - low) / mib));
}

void score_itself(const struct ask *ask, const struct node *node, struct verdict *verdict)
{
	verdict->affinity = ask->shape->affinity ? preferred_affinity(ask->shape, node) : 0;
	verdict->taints = node->taints ? disliked_taints(ask->shape, node) : 0;
	verdict->image = image_locality(ask->shape, node);
}

/* ---- what its pods leave free */

static i64 left_over(i64 taken, i64 has)
{
	return taken > has ? 0 : (has - taken) * FULL / has;
}

static i64 share(i64 taken, i64 has)
{
	return clamp_i64(taken * MILLION / has, 0, MILLION);
}

void score_free(const struct ask *ask, const struct node *node, struct verdict *verdict)
{
	const struct shape *shape = ask->shape;
	/* Kibibytes, so that products stay within an i64. */
	i64 cpu = node->has.at[AMOUNT_CPU], memory = node->has.at[AMOUNT_MEMORY] >> 10;
	i64 sum = 0, kinds = 0, apart = 0;
	if (cpu > 0) {
		sum += left_over(node->wished.cpu + shape->wishes.cpu, cpu);
		kinds++;
	}
	if (memory > 0) {
		sum += left_over((node->wished.memory + shape->wishes.memory) >> 10, memory);
		kinds++;
	}
	verdict->free = kinds ? (i32)(sum / kinds) : 0;
	if (shape->best_effort)
		return;
	if (kinds == 2)
		apart = share(node->taken.at[AMOUNT_CPU] + shape->amounts.at[AMOUNT_CPU], cpu) -
			share((node->taken.at[AMOUNT_MEMORY] + shape->amounts.at[AMOUNT_MEMORY]) >>
				      10,
			      memory);
	/* The deviation of two values is half of what they lie apart. */
	i64 deviation = apart < 0 ? -apart : apart;
	verdict->free += (i32)((2 * MILLION - deviation) * FULL / (2 * MILLION));
}

/* ---- what it is compared with the others */

/* Raw counts become 0 … 100 by the largest among the feasible nodes. */
static i64 scaled(i64 value, i64 largest, bool fewer_is_better)
{
	if (!largest)
		return fewer_is_better ? FULL : 0;
	i64 part = value * FULL / largest;
	return fewer_is_better ? FULL - part : part;
}

static void add_affinity_and_taints(struct ask *ask, struct node *const *feasible, u32 len,
				    i64 *scores)
{
	i64 most_affinity = 0, most_taints = 0;
	for (u32 i = 0; i < len; i++) {
		const struct verdict *verdict = verdict_of(ask, feasible[i]);
		most_affinity = MAX(most_affinity, (i64)verdict->affinity);
		most_taints = MAX(most_taints, (i64)verdict->taints);
		scores[i] = verdict->image + verdict->free;
	}
	if (!most_affinity && !most_taints)
		return;
	for (u32 i = 0; i < len; i++) {
		const struct verdict *verdict = verdict_of(ask, feasible[i]);
		scores[i] += WEIGHT_AFFINITY * scaled(verdict->affinity, most_affinity, false) +
			     WEIGHT_TAINT * scaled(verdict->taints, most_taints, true);
	}
}

/* Thousandths of the natural logarithm: 1000 × ln 2 for each halving, squarings for the rest. */
static i64 ln_milli(u32 value)
{
	u32 bits = 31 - (u32)__builtin_clz(value);
	u64 rest = ((u64)value << 30) >> bits; /* 1 … 2, with 30 bits behind the point */
	i64 log = (i64)bits << 16;	       /* of base 2, 16 bits behind the point */
	for (i64 bit = 1 << 15; bit; bit >>= 1) {
		rest = rest * rest >> 30;
		if (rest >> 31) {
			rest >>= 1;
			log += bit;
		}
	}
	return (log * 693147 / 1000) >> 16;
}

static bool lacks_a_key(const struct shape *shape, const struct node *node)
{
	for (u32 i = 0; i < shape->soft.len; i++)
		if (!topology_of(shape->soft.at[i].tally->topology, node->slot))
			return true;
	return false;
}

/* How many domains of one constraint the feasible nodes lie in. */
static u32 domains_among(struct ask *ask, const struct tally *tally, struct node *const *feasible,
			 const bool *ignored, u32 len)
{
	bool hostname = str_is(tally->topology->key, TOPOLOGY_HOSTNAME);
	u8 *seen = hostname ? NULL : arena_zero(ask->arena, tally->topology->len + 1);
	u32 count = 0;
	for (u32 i = 0; i < len; i++) {
		if (ignored[i])
			continue;
		u32 domain = hostname ? 0 : topology_of(tally->topology, feasible[i]->slot);
		count += hostname || !seen[domain];
		if (!hostname)
			seen[domain] = 1;
	}
	return count;
}

/* Few pods of this sort in the node's domains are better; domains that are many weigh more. */
static void add_spread(struct ask *ask, struct node *const *feasible, u32 len, i64 *scores)
{
	const struct shape *shape = ask->shape;
	bool *ignored = arena_zero(ask->arena, len * sizeof *ignored);
	i64 *raw = arena_zero(ask->arena, len * sizeof *raw);
	i64 least = INT64_MAX, most = 0;
	for (u32 i = 0; i < len; i++)
		ignored[i] = shape->soft_needs_all && lacks_a_key(shape, feasible[i]);
	for (u32 k = 0; k < shape->soft.len; k++) {
		const struct spread *spread = &shape->soft.at[k];
		i64 weight =
			ln_milli(domains_among(ask, spread->tally, feasible, ignored, len) + 2);
		for (u32 i = 0; i < len; i++) {
			u32 slot = feasible[i]->slot;
			if (topology_of(spread->tally->topology, slot))
				raw[i] += tally_count(spread->tally, slot) * weight +
					  (spread->skew_max - 1) * 1000;
		}
	}
	for (u32 i = 0; i < len; i++) {
		raw[i] = (raw[i] + 500) / 1000;
		if (ignored[i])
			continue;
		least = MIN(least, raw[i]);
		most = MAX(most, raw[i]);
	}
	for (u32 i = 0; i < len; i++)
		if (!ignored[i])
			scores[i] += WEIGHT_SPREAD *
				     (most ? FULL * (most + least - raw[i]) / most : FULL);
}

/* What it likes near or far, and what those that are placed like or dislike about it. */
static void add_neighbours(struct ask *ask, struct node *const *feasible, u32 len, i64 *scores)
{
	const struct shape *shape = ask->shape;
	i64 *raw = arena_zero(ask->arena, len * sizeof *raw);
	i64 least = INT64_MAX, most = INT64_MIN;
	for (u32 i = 0; i < len; i++) {
		u32 slot = feasible[i]->slot;
		for (u32 k = 0; k < shape->fond.len; k++)
			raw[i] += (i64)shape->fond.at[k].weight *
				  tally_count(shape->fond.at[k].tally, slot);
		for (u32 k = 0; k < ask->weigh.len; k++)
			raw[i] +=
				(i64)ask->weigh.at[k]->weight * bond_count(ask->weigh.at[k], slot);
		least = MIN(least, raw[i]);
		most = MAX(most, raw[i]);
	}
	if (most == least)
		return;
	for (u32 i = 0; i < len; i++)
		scores[i] += WEIGHT_NEIGHBOURS * (FULL * (raw[i] - least) / (most - least));
}

void score(struct ask *ask, struct node *const *feasible, u32 len, i64 *ret_scores)
{
	add_affinity_and_taints(ask, feasible, len, ret_scores);
	if (ask->shape->soft.len)
		add_spread(ask, feasible, len, ret_scores);
	if (ask->shape->fond.len || ask->weigh.len)
		add_neighbours(ask, feasible, len, ret_scores);
}
