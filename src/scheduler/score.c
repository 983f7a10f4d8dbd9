/*
 * Where a pod is best. Each score is 0 … 100 and weighs as in Kubernetes' default profile. Whole
 * numbers throughout: a seed gives the same cluster whatever compiled it.
 */
#include "controllers/toleration.h"
#include "scheduler/decide.h"

enum {
	FULL = 100,
	WEIGHT_LEAST = 1,
	WEIGHT_BALANCED = 1,
	WEIGHT_IMAGE = 1,
	WEIGHT_SPREAD = 2,
	WEIGHT_AFFINITY = 2,
	WEIGHT_TAINT = 3,
};

/* Thousandths of `has` that would be taken. */
static i64 fraction(i64 taken, i64 has)
{
	return has ? clamp_i64(taken * 1000 / has, 0, 1000) : 1000;
}

static i64 score_room(const struct node *node, const struct wish *wish)
{
	i64 cpu = fraction(node->wished.cpu + wish->wishes.cpu, node->has.at[AMOUNT_CPU]);
	/* Kibibytes, so that the product above stays within an i64. */
	i64 memory = fraction((node->wished.memory + wish->wishes.memory) >> 10,
			      node->has.at[AMOUNT_MEMORY] >> 10);
	i64 least = ((1000 - cpu) + (1000 - memory)) * FULL / 2000;
	i64 apart = cpu > memory ? cpu - memory : memory - cpu;
	i64 balanced = FULL - apart * FULL / 2000; /* the deviation of two values is half apart */
	return WEIGHT_LEAST * least + WEIGHT_BALANCED * balanced;
}

static i64 preferred_affinity(const struct node *node, const struct wish *wish)
{
	i64 sum = 0;
	doc_each_item(doc_at(wish->affinity, "preferredDuringSchedulingIgnoredDuringExecution"),
		      preferred) {
		if (node_matches_term(node, doc_key(preferred, "preference")))
			sum += doc_int_or(doc_key(preferred, "weight"), 0);
	}
	return sum;
}

static i64 disliked_taints(const struct node *node, const struct wish *wish)
{
	i64 count = 0;
	doc_each_item(node->taints, taint) {
		count += taint_has_effect(taint, "PreferNoSchedule") &&
			 !tolerations_tolerate(wish->tolerations, taint);
	}
	return count;
}

/* Bytes of the pod's images that are on the node, between 23 MB and 1000 MB a container. */
static i64 image_locality(const struct node *node, const struct wish *wish)
{
	const i64 mib = 1 << 20, low = 23 * mib;
	i64 sum = 0, containers = 0;
	if (!node->images)
		return 0;
	doc_each_item(doc_at(wish->pod, "spec.containers"), container) {
		struct str image = doc_str(doc_key(container, "image"));
		containers++;
		doc_each_item(node->images, on_node) {
			doc_each_item(doc_key(on_node, "names"), name) {
				if (str_eq(doc_str(name), image))
					sum += doc_int_or(doc_key(on_node, "sizeBytes"), 0);
			}
		}
	}
	i64 high = 1000 * mib * MAX(containers, 1);
	return (clamp_i64(sum, low, high) - low) / mib * FULL / ((high - low) / mib);
}

enum raw { RAW_SPREAD, RAW_AFFINITY, RAW_TAINT, RAWS };

/* Raw counts become 0 … 100 by the largest among the feasible nodes. */
static i64 scaled(i64 value, i64 largest, bool fewer_is_better)
{
	if (!largest)
		return fewer_is_better ? FULL : 0;
	i64 share = value * FULL / largest;
	return fewer_is_better ? FULL - share : share;
}

void score(struct node *const *feasible, u32 len, const struct wish *wish, i64 *ret_scores)
{
	i64(*raw)[RAWS] = arena_zero(wish->arena, len * sizeof *raw);
	i64 largest[RAWS] = { 0 };
	for (u32 i = 0; i < len; i++) {
		const struct node *node = feasible[i];
		if (wish->owner)
			raw[i][RAW_SPREAD] = node_owner_count(node, wish->owner);
		if (wish->affinity)
			raw[i][RAW_AFFINITY] = preferred_affinity(node, wish);
		if (node->taints)
			raw[i][RAW_TAINT] = disliked_taints(node, wish);
		for (u32 k = 0; k < RAWS; k++)
			largest[k] = MAX(largest[k], raw[i][k]);
	}
	for (u32 i = 0; i < len; i++)
		ret_scores[i] =
			score_room(feasible[i], wish) +
			WEIGHT_IMAGE * image_locality(feasible[i], wish) +
			WEIGHT_SPREAD * scaled(raw[i][RAW_SPREAD], largest[RAW_SPREAD], true) +
			WEIGHT_AFFINITY *
				scaled(raw[i][RAW_AFFINITY], largest[RAW_AFFINITY], false) +
			WEIGHT_TAINT * scaled(raw[i][RAW_TAINT], largest[RAW_TAINT], true);
}
