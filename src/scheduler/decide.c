/*
 * One decision. With many nodes only some are looked at, as upstream does: enough feasible ones to
 * choose well among, beginning where the last pod stopped.
 */
#include "scheduler/decide.h"

#include "controllers/controller.h"
#include "scheduler/claims.h"

enum { FEASIBLE_LEAST = 100, PERCENT_LEAST = 5 };

void ask_init(struct ask *ask, struct picture *picture, const struct version *pod,
	      struct arena *arena)
{
	*ask = (struct ask){
		.picture = picture,
		.shape = shape_to_place(picture, pod->doc),
		.pod = pod,
		.arena = arena,
	};
	struct sort *sort = ask->shape->sort;
	sort_refresh(picture, sort);
	for (u32 i = 0; i < sort->bonds.len; i++) {
		struct bond *bond = sort->bonds.at[i];
		if (bond->type == BOND_KEEPS_OUT)
			VEC_PUSH(arena, &ask->keep_out, bond);
		else if (bond->total)
			VEC_PUSH(arena, &ask->weigh, bond);
	}
	ask->claims = claims_read(picture, pod->doc, arena);
}

/* How many feasible nodes are enough: 50 % of a hundred, less and less of more. */
static u32 enough(u32 nodes)
{
	if (nodes < FEASIBLE_LEAST)
		return nodes;
	u32 percent = nodes / 125 < 50 - PERCENT_LEAST ? 50 - nodes / 125 : PERCENT_LEAST;
	return MAX(nodes * percent / 100, (u32)FEASIBLE_LEAST);
}

/* The nodes to look at: all, or those that the pod's matchFields name. */
static struct node **candidates(struct ask *ask, u32 *ret_len)
{
	struct picture *picture = ask->picture;
	const struct shape *shape = ask->shape;
	u32 len = 0;
	if (!shape->only_some) {
		*ret_len = picture->len;
		return picture->list;
	}
	struct node **some = ARENA_ARRAY(ask->arena, struct node *, shape->only.len + 1);
	for (u32 i = 0; i < shape->only.len; i++) {
		struct node *node = picture_node(picture, shape->only.at[i]);
		bool twice = false;
		for (u32 k = 0; k < len; k++)
			twice |= some[k] == node;
		if (node && !twice)
			some[len++] = node;
	}
	*ret_len = len;
	return some;
}

/* Where it waits for victims to leave, if it fits there by now. */
static struct node *nominated(struct ask *ask)
{
	struct str name = doc_at_str(ask->pod->doc, AT(Pod, status.nominatedNodeName));
	struct node *node = name.len ? picture_node(ask->picture, name) : NULL;
	return node && !filter(ask, node) ? node : NULL;
}

static void choose(struct ask *ask, struct node *const *feasible, struct decision *decision)
{
	i64 *scores = ARENA_ARRAY(ask->arena, i64, decision->feasible);
	u32 best = 0;
	if (decision->feasible > 1)
		score(ask, feasible, decision->feasible, scores);
	for (u32 i = 1; i < decision->feasible; i++)
		if (scores[i] > scores[best])
			best = i;
	decision->node = feasible[best];
}

void decide(struct ask *ask, struct decision *decision)
{
	struct picture *picture = ask->picture;
	picture_order(picture);
	*decision = (struct decision){ .nodes = picture->len, .helped_by = HELP_NODE };
	if (ask->claims && claims_refuse_all(ask->claims).len) {
		decision->for_all = claims_refuse_all(ask->claims);
		decision->helped_by |= HELP_VOLUME;
		return;
	}
	if (!picture->len || (decision->node = nominated(ask)))
		return;
	u32 len, wanted = enough(picture->len), start;
	struct node **nodes = candidates(ask, &len);
	struct node **feasible = ARENA_ARRAY(ask->arena, struct node *, MIN(wanted, len) + 1);
	start = ask->shape->only_some ? 0 : picture->next_start % len;
	for (u32 i = 0, at = start; i < len && decision->feasible < wanted; i++) {
		decision->looked_at++;
		if (!filter(ask, nodes[at]))
			feasible[decision->feasible++] = nodes[at];
		if (++at == len)
			at = 0;
	}
	if (!ask->shape->only_some)
		picture->next_start = (start + decision->looked_at) % len;
	if (decision->feasible)
		return choose(ask, feasible, decision);
	/* Only now is it worth the time to say why. */
	for (u32 i = 0; i < len; i++)
		refusal_note(ask, nodes[i], filter(ask, nodes[i]), decision);
	decision->elsewhere = picture->len - len;
}

/* ---- the sentence */

struct str refusal_text(enum refusal refusal)
{
	static const struct str texts[REFUSALS] = {
		[REFUSED_UNSCHEDULABLE] = STR_INIT("node(s) were unschedulable"),
		[REFUSED_TAINT] = STR_INIT("node(s) had untolerated taint(s)"),
		[REFUSED_UNMATCHED] = STR_INIT("node(s) didn't match Pod's node affinity/selector"),
		[REFUSED_PORTS] =
			STR_INIT("node(s) didn't have free ports for the requested pod ports"),
		[REFUSED_CLAIM_TAKEN] =
			STR_INIT("node has pod using PersistentVolumeClaim with the same name and "
				 "ReadWriteOncePod access mode"),
		[REFUSED_VOLUME_GONE] = STR_INIT("node(s) unavailable due to one or more pvc(s) "
						 "bound to non-existent pv(s)"),
		[REFUSED_VOLUME_ELSEWHERE] =
			STR_INIT("node(s) didn't match PersistentVolume's node affinity"),
		[REFUSED_NO_VOLUME] =
			STR_INIT("node(s) didn't find available persistent volumes to bind"),
		[REFUSED_SPREAD_LABEL] = STR_INIT("node(s) didn't match pod topology spread "
						  "constraints (missing required label)"),
		[REFUSED_SPREAD] = STR_INIT("node(s) didn't match pod topology spread constraints"),
		[REFUSED_NEAR] = STR_INIT("node(s) didn't match pod affinity rules"),
		[REFUSED_APART] = STR_INIT("node(s) didn't match pod anti-affinity rules"),
		[REFUSED_KEPT_OUT] =
			STR_INIT("node(s) didn't satisfy existing pods anti-affinity rules"),
	};
	return texts[refusal];
}

static void sort_texts(struct str *texts, u32 len)
{
	for (u32 i = 1; i < len; i++) {
		struct str text = texts[i];
		u32 at = i;
		for (; at > 0 && str_cmp(text, texts[at - 1]) < 0; at--)
			texts[at] = texts[at - 1];
		texts[at] = text;
	}
}

static struct str reasons(const struct ask *ask, const struct decision *decision)
{
	struct arena *arena = ask->arena;
	struct str texts[REFUSALS + AMOUNTS_MAX + 3];
	u32 len = 0;
	for (u32 i = FITS + 1; i < REFUSALS; i++)
		if (decision->refused[i] && i != REFUSED_ROOM)
			texts[len++] = str_format(arena, "%u " STR_FMT, decision->refused[i],
						  STR_ARG(refusal_text(i)));
	for (u32 i = 0; i < ask->picture->names.len; i++) {
		if (decision->short_of[i] && i == AMOUNT_PODS)
			texts[len++] = str_format(arena, "%u Too many pods", decision->short_of[i]);
		else if (decision->short_of[i])
			texts[len++] =
				str_format(arena, "%u Insufficient " STR_FMT, decision->short_of[i],
					   STR_ARG(ask->picture->names.at[i]));
	}
	if (decision->elsewhere)
		texts[len++] =
			str_format(arena, "%u node(s) didn't satisfy plugin(s) [NodeAffinity]",
				   decision->elsewhere);
	if (decision->no_victims)
		texts[len++] = str_format(arena, "%u No preemption victims found for incoming pod",
					  decision->no_victims);
	if (decision->unhelpful)
		texts[len++] = str_format(arena, "%u Preemption is not helpful for scheduling",
					  decision->unhelpful);
	sort_texts(texts, len);
	return str_join(arena, texts, len, STR(", "));
}

struct str decision_sentence(const struct ask *ask, const struct decision *decision,
			     struct str preemption)
{
	if (!decision->nodes)
		return STR("no nodes available to schedule pods");
	struct str why = decision->for_all.len ? decision->for_all : reasons(ask, decision);
	return str_format(ask->arena, "0/%u nodes are available: " STR_FMT ".%s" STR_FMT,
			  decision->nodes, STR_ARG(why), preemption.len ? " preemption: " : "",
			  STR_ARG(preemption));
}
