/*
 * One decision. With many nodes only some are looked at, as upstream does: enough feasible ones to
 * choose well among, beginning where the last pod stopped.
 */
#include "scheduler/decide.h"

#include "controllers/controller.h"
#include "controllers/toleration.h"

enum { FEASIBLE_LEAST = 100, PERCENT_LEAST = 5 };

static void add_wished_port(void *self, struct host_port port)
{
	struct wish *wish = self;
	VEC_PUSH(wish->arena, &wish->ports, port);
}

static bool tolerates_unschedulable(const struct doc *tolerations)
{
	static const struct doc taint_items[] = {
		{ .type = DOC_STRING, .len = 3, .text = "key" },
		{ .type = DOC_STRING, .len = 32, .text = "node.kubernetes.io/unschedulable" },
		{ .type = DOC_STRING, .len = 6, .text = "effect" },
		{ .type = DOC_STRING, .len = 10, .text = "NoSchedule" },
	};
	static const struct doc taint = { .type = DOC_OBJECT, .len = 2, .items = taint_items };
	return tolerations && tolerations_tolerate(tolerations, &taint);
}

void wish_read(struct wish *wish, struct nodes *nodes, const struct doc *pod, struct arena *arena)
{
	*wish = (struct wish){
		.pod = pod,
		.arena = arena,
		.tolerations = doc_at(pod, AT(Pod, spec.tolerations)),
		.selector = doc_at(pod, AT(Pod, spec.nodeSelector)),
		.affinity = doc_at(pod, AT(Pod, spec.affinity.nodeAffinity)),
		.owner = pod_owner(pod),
	};
	wish->tolerates_unschedulable = tolerates_unschedulable(wish->tolerations);
	amounts_of_pod(&wish->amounts, &nodes->names, pod);
	wish->wishes = wishes_of_pod(pod, &wish->amounts);
	pod_each_port(pod, add_wished_port, wish);
}

/* How many feasible nodes are enough: 50 % of a hundred, less and less of more. */
static u32 enough(u32 nodes)
{
	if (nodes < FEASIBLE_LEAST)
		return nodes;
	u32 percent = nodes / 125 < 50 - PERCENT_LEAST ? 50 - nodes / 125 : PERCENT_LEAST;
	return MAX(nodes * percent / 100, (u32)FEASIBLE_LEAST);
}

void decide(struct nodes *nodes, const struct doc *pod, struct arena *arena,
	    struct decision *decision)
{
	struct wish wish;
	*decision = (struct decision){ .nodes = nodes->len };
	if (!nodes->len)
		return;
	wish_read(&wish, nodes, pod, arena);
	u32 wanted = enough(nodes->len), start = nodes->next_start % nodes->len;
	struct node **feasible = ARENA_ARRAY(arena, struct node *, wanted);
	for (u32 i = 0; i < nodes->len && decision->feasible < wanted; i++) {
		struct node *node = nodes->list[(start + i) % nodes->len];
		decision->looked_at++;
		if (filter(nodes, node, &wish, decision))
			feasible[decision->feasible++] = node;
	}
	nodes->next_start = (start + decision->looked_at) % nodes->len;
	if (nodes->len < FEASIBLE_LEAST) /* else equal nodes would be taken in one order always */
		nodes->next_start = (start + 1) % nodes->len;
	if (!decision->feasible)
		return;

	i64 *scores = ARENA_ARRAY(arena, i64, decision->feasible);
	score(feasible, decision->feasible, &wish, scores);
	u32 best = 0;
	for (u32 i = 1; i < decision->feasible; i++)
		if (scores[i] > scores[best])
			best = i;
	decision->node = feasible[best];
}

/* ---- the sentence */

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

static struct str counted(struct arena *arena, u32 count, struct str text)
{
	return str_format(arena, "%u " STR_FMT, count, STR_ARG(text));
}

struct str decision_sentence(struct arena *arena, const struct decision *decision)
{
	struct str texts[REASONS_MAX], after[2];
	u32 len = decision->reasons_len, after_len = 0;
	if (!decision->nodes)
		return STR("no nodes available to schedule pods");
	for (u32 i = 0; i < len; i++)
		texts[i] = counted(arena, decision->reasons[i].count, decision->reasons[i].text);
	sort_texts(texts, len);
	u32 hopeful = decision->nodes - MIN(decision->hopeless, decision->nodes);
	if (hopeful)
		after[after_len++] = counted(arena, hopeful,
					     STR("No preemption victims found for incoming pod"));
	if (decision->hopeless)
		after[after_len++] = counted(arena, decision->hopeless,
					     STR("Preemption is not helpful for scheduling"));
	sort_texts(after, after_len);
	struct str why = str_join(arena, texts, len, STR(", "));
	struct str preemption = str_join(arena, after, after_len, STR(", "));
	return str_format(arena,
			  "0/%u nodes are available: " STR_FMT
			  ". preemption: 0/%u nodes are available: " STR_FMT ".",
			  decision->nodes, STR_ARG(why), decision->nodes, STR_ARG(preemption));
}
