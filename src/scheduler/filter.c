/* Where a pod can run. What a node says about one shape is kept until the node changes. */
#include <stdlib.h>

#include "base/check.h"
#include "controllers/controller.h"
#include "controllers/labels.h"
#include "controllers/toleration.h"
#include "scheduler/claims.h"
#include "scheduler/decide.h"

#define REQUIRED_TERMS "requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"

/* ---- by what the node is */

const struct doc *node_untolerated(const struct node *node, const struct doc *tolerations)
{
	doc_each_item(node->taints, taint) {
		if (!taint_has_effect(taint, "PreferNoSchedule") &&
		    !tolerations_tolerate(tolerations, taint))
			return taint;
	}
	return NULL;
}

static bool matches_field(const struct node *node, const struct doc *field)
{
	bool is = false;
	doc_each_item(doc_key(field, "values"), value) {
		is |= str_is(doc_str(value), node->name);
	}
	return str_is(doc_str(doc_key(field, "key")), "metadata.name") &&
	       is == str_is(doc_str(doc_key(field, "operator")), "In");
}

bool node_matches_term(const struct node *node, const struct doc *term)
{
	const struct doc *expressions = doc_key(term, "matchExpressions");
	const struct doc *fields = doc_key(term, "matchFields");
	if (!doc_len(expressions) && !doc_len(fields))
		return false; /* an empty term matches nothing */
	doc_each_item(expressions, requirement) {
		if (!requirement_matches(requirement, node->labels))
			return false;
	}
	doc_each_item(fields, field) {
		if (!matches_field(node, field))
			return false;
	}
	return true;
}

bool node_matches(const struct node *node, const struct doc *selector, const struct doc *affinity)
{
	if (!labels_contain(node->labels, selector))
		return false;
	const struct doc *terms = doc_at(affinity, REQUIRED_TERMS);
	if (!terms)
		return true;
	doc_each_item(terms, term) {
		if (node_matches_term(node, term))
			return true;
	}
	return false;
}

bool node_eligible(const struct node *node, const struct eligibility *eligibility)
{
	for (u32 i = 0; i < eligibility->needs_len; i++)
		if (!topology_of(eligibility->needs[i], node->slot))
			return false;
	if (eligibility->honours_taints && node_untolerated(node, eligibility->tolerations))
		return false;
	return node_matches(node, eligibility->selector, eligibility->affinity);
}

static enum refusal by_itself(const struct shape *shape, const struct node *node)
{
	if (node->unschedulable && !shape->tolerates_unschedulable)
		return REFUSED_UNSCHEDULABLE;
	if (node->taints && node_untolerated(node, shape->tolerations))
		return REFUSED_TAINT;
	if ((shape->selector || shape->affinity) &&
	    !node_matches(node, shape->selector, shape->affinity))
		return REFUSED_UNMATCHED;
	return FITS;
}

/* ---- by what its pods leave free */

static bool ports_free(const struct shape *shape, const struct node *node)
{
	for (u32 i = 0; i < shape->ports.len; i++) {
		const struct host_port *want = &shape->ports.at[i];
		for (u32 k = 0; k < node->ports_len; k++) {
			const struct host_port *have = &node->ports[k];
			if (have->port == want->port && have->protocol == want->protocol &&
			    (!have->ip || !want->ip || have->ip == want->ip))
				return false;
		}
	}
	return true;
}

static bool is_short(const struct shape *shape, const struct node *node, u32 amount)
{
	return node->taken.at[amount] + shape->amounts.at[amount] > node->has.at[amount];
}

static enum refusal by_room(const struct shape *shape, const struct node *node)
{
	if (shape->ports.len && !ports_free(shape, node))
		return REFUSED_PORTS;
	for (u32 i = 0; i < shape->asked_len; i++)
		if (is_short(shape, node, shape->asked[i]))
			return REFUSED_ROOM;
	return FITS;
}

static struct verdict *verdict_at(struct ask *ask, const struct node *node)
{
	struct shape *shape = ask->shape;
	if (shape->only_some) { /* never asked again about the same node */
		ask->scratch = (struct verdict){ 0 };
		return &ask->scratch;
	}
	if (node->slot >= shape->verdicts_cap) {
		u32 cap = MAX(ask->picture->slots_cap, node->slot + 1), had = shape->verdicts_cap;
		shape->verdicts = realloc(shape->verdicts, cap * sizeof *shape->verdicts);
		CHECK(shape->verdicts);
		memset(shape->verdicts + had, 0, (cap - had) * sizeof *shape->verdicts);
		ask->picture->shapes_bytes += (cap - had) * sizeof *shape->verdicts;
		shape->verdicts_cap = cap;
	}
	return &shape->verdicts[node->slot];
}

struct verdict *verdict_of(struct ask *ask, const struct node *node)
{
	struct verdict *verdict = verdict_at(ask, node);
	bool changed = verdict->changed != node->changed;
	if (changed) {
		verdict->changed = node->changed;
		verdict->refusal = (u8)by_itself(ask->shape, node);
		if (!verdict->refusal)
			score_itself(ask, node, verdict);
	}
	if (!verdict->refusal && (changed || verdict->used != node->used)) {
		verdict->used = node->used;
		verdict->room = (u8)by_room(ask->shape, node);
		if (!verdict->room)
			score_free(ask, node, verdict);
	}
	return verdict;
}

/* ---- by the pods in the same domains */

static enum refusal by_spread(const struct shape *shape, const struct node *node)
{
	for (u32 i = 0; i < shape->hard.len; i++) {
		const struct spread *spread = &shape->hard.at[i];
		const struct tally *tally = spread->tally;
		if (!topology_of(tally->topology, node->slot))
			return REFUSED_SPREAD_LABEL;
		i64 least = tally->domains < spread->domains_min ? 0 : tally->least;
		i64 count = tally_count(tally, node->slot) + spread->counts_itself;
		if (count - least > spread->skew_max)
			return REFUSED_SPREAD;
	}
	return FITS;
}

/* The first of a group that wants to be together may go anywhere. */
static bool nobody_is_near(const struct shape *shape)
{
	for (u32 i = 0; i < shape->near.len; i++)
		if (shape->near.at[i]->total)
			return false;
	return true;
}

static enum refusal by_neighbours(const struct ask *ask, const struct node *node)
{
	const struct shape *shape = ask->shape;
	bool all_there = true;
	for (u32 i = 0; i < shape->near.len; i++) {
		if (!topology_of(shape->near.at[i]->topology, node->slot))
			return REFUSED_NEAR;
		all_there &= tally_count(shape->near.at[i], node->slot) > 0;
	}
	if (!all_there && !(shape->near_itself && nobody_is_near(shape)))
		return REFUSED_NEAR;
	for (u32 i = 0; i < shape->apart.len; i++)
		if (tally_count(shape->apart.at[i], node->slot))
			return REFUSED_APART;
	for (u32 i = 0; i < ask->keep_out.len; i++)
		if (bond_count(ask->keep_out.at[i], node->slot))
			return REFUSED_KEPT_OUT;
	return FITS;
}

enum refusal filter_now(struct ask *ask, struct node *node)
{
	const struct verdict *verdict = verdict_of(ask, node);
	enum refusal refusal = verdict->refusal;
	if (!refusal)
		refusal = verdict->room;
	if (!refusal && ask->claims)
		refusal = claims_filter(ask->claims, node);
	if (!refusal)
		refusal = by_spread(ask->shape, node);
	if (!refusal)
		refusal = by_neighbours(ask, node);
	return refusal;
}

/* Counts the more important pods that wait for room on this node in or out again. */
static bool count_nominees(struct ask *ask, struct node *node, int sign)
{
	struct picture *picture = ask->picture;
	bool any = false;
	for (const struct nominee *nominee = node->nominees; nominee; nominee = nominee->next) {
		if (nominee->priority < ask->shape->priority || str_eq(nominee->uid, ask->pod->uid))
			continue;
		struct version *pod =
			store_get(picture->store, KIND_Pod, nominee->namespace, nominee->name);
		if (!pod || !str_eq(pod->uid, nominee->uid))
			continue;
		picture_count_on(picture, node, shape_of_version(picture, pod),
				 object_deleting(pod->doc), sign);
		any = true;
	}
	return any;
}

enum refusal filter(struct ask *ask, struct node *node)
{
	/* It must fit without them too, since they may never come; and that is cheaper to ask. */
	enum refusal refusal = filter_now(ask, node);
	if (refusal || !node->nominees || !count_nominees(ask, node, 1))
		return refusal;
	refusal = filter_now(ask, node);
	count_nominees(ask, node, -1);
	return refusal;
}

/* ---- why not */

bool refusal_is_final(const struct ask *ask, const struct node *node, enum refusal refusal)
{
	const struct shape *shape = ask->shape;
	switch (refusal) {
	case REFUSED_UNSCHEDULABLE:
	case REFUSED_TAINT:
	case REFUSED_UNMATCHED:
	case REFUSED_VOLUME_GONE:
	case REFUSED_VOLUME_ELSEWHERE:
	case REFUSED_NO_VOLUME:
	case REFUSED_SPREAD_LABEL:
	case REFUSED_NEAR:
		return true;
	case REFUSED_ROOM:
		for (u32 i = 0; i < shape->asked_len; i++)
			if (shape->amounts.at[shape->asked[i]] > node->has.at[shape->asked[i]])
				return true;
		return false;
	default:
		return false;
	}
}

void refusal_note(const struct ask *ask, struct node *node, enum refusal refusal,
		  struct decision *decision)
{
	static const u32 helped_by[REFUSALS] = {
		[REFUSED_UNSCHEDULABLE] = HELP_NODE,
		[REFUSED_TAINT] = HELP_NODE,
		[REFUSED_UNMATCHED] = HELP_NODE,
		[REFUSED_PORTS] = HELP_NODE | HELP_POD_GONE,
		[REFUSED_ROOM] = HELP_NODE | HELP_POD_GONE,
		[REFUSED_CLAIM_TAKEN] = HELP_NODE | HELP_POD_GONE | HELP_VOLUME,
		[REFUSED_VOLUME_GONE] = HELP_VOLUME,
		[REFUSED_VOLUME_ELSEWHERE] = HELP_NODE | HELP_VOLUME,
		[REFUSED_NO_VOLUME] = HELP_NODE | HELP_VOLUME,
		[REFUSED_SPREAD_LABEL] = HELP_NODE,
		[REFUSED_SPREAD] = HELP_NODE | HELP_POD_GONE | HELP_POD_PLACED,
		[REFUSED_NEAR] = HELP_NODE | HELP_POD_PLACED,
		[REFUSED_APART] = HELP_NODE | HELP_POD_GONE | HELP_POD_PLACED,
		[REFUSED_KEPT_OUT] = HELP_NODE | HELP_POD_GONE | HELP_POD_PLACED,
	};
	decision->refused[refusal]++;
	decision->helped_by |= helped_by[refusal];
	if (refusal == REFUSED_ROOM)
		for (u32 i = 0; i < ask->shape->asked_len; i++)
			decision->short_of[ask->shape->asked[i]] +=
				is_short(ask->shape, node, ask->shape->asked[i]);
	if (!refusal_is_final(ask, node, refusal))
		VEC_PUSH(ask->arena, &decision->hopeful, node);
}
