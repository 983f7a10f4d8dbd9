/* Choosing victims: on each hopeful node the fewest and least important, then the best node. */
#include "scheduler/preempt.h"

#include "controllers/controller.h"
#include "controllers/labels.h"
#include "controllers/pod.h"

enum { CANDIDATES_LEAST = 100, CANDIDATES_PERCENT = 10 };

struct budget {
	struct version *version;
	i64 allowed, left;
};

struct lesser { /* pods of one node that are less important, most important first */
	struct list list;
	struct shape **shapes; /* of each */
};

struct search {
	struct ask *ask;
	VEC(struct budget) budgets;
	struct decision tried; /* why nodes would not do even without their lesser pods */
};

/* ---- importance */

static struct str started(const struct version *pod)
{
	return doc_str_or(doc_at(pod->doc, AT(Pod, status.startTime)), STR("9999"));
}

/* Higher priority first, then the one that runs longer. */
static int by_importance(const struct version *a, const struct version *b)
{
	i64 pa = pod_priority(a->doc), pb = pod_priority(b->doc);
	if (pa != pb)
		return pa > pb ? -1 : 1;
	return str_cmp(started(a), started(b));
}

static struct lesser lesser_pods(struct search *search, const struct node *node)
{
	struct ask *ask = search->ask;
	struct version_list all =
		store_on_node(ask->picture->store, ask->arena, str_of(node->name));
	struct list list = { all.at, 0 };
	for (u32 i = 0; i < all.len; i++)
		if (shape_of_version(ask->picture, all.at[i])->priority < ask->shape->priority &&
		    !pod_finished(all.at[i]->doc))
			list.at[list.len++] = all.at[i];
	list_sort(ask->arena, list, by_importance);
	struct shape **shapes = ARENA_ARRAY(ask->arena, struct shape *, list.len);
	for (u32 i = 0; i < list.len; i++)
		shapes[i] = shape_of_version(ask->picture, list.at[i]);
	return (struct lesser){ list, shapes };
}

/* ---- disruption budgets */

static void read_budgets(struct search *search)
{
	struct ask *ask = search->ask;
	struct store_iter iter;
	store_iter_start(&iter, ask->picture->store, KIND_PodDisruptionBudget, STR_NONE, STR_NONE,
			 STR_NONE);
	for (struct version *v; (v = store_iter_next(&iter));) {
		i64 allowed = doc_at_int(v->doc, "status.disruptionsAllowed", 0);
		VEC_PUSH(ask->arena, &search->budgets, (struct budget){ v, allowed, allowed });
	}
}

/* Takes the pod from the budgets that speak of it; true when one of them had nothing left. */
static bool violates(struct search *search, const struct version *pod)
{
	const struct doc *labels = doc_at(pod->doc, "metadata.labels");
	bool over = false;
	for (u32 i = 0; i < search->budgets.len; i++) {
		struct budget *budget = &search->budgets.at[i];
		const struct doc *doc = budget->version->doc;
		const struct doc *selector = doc_at(doc, "spec.selector");
		if (!str_eq(budget->version->namespace, pod->namespace) || !doc_len(selector) ||
		    !label_selector_matches(selector, labels) ||
		    doc_get(doc_at(doc, "status.disruptedPods"), pod->name))
			continue;
		over |= --budget->left < 0;
	}
	return over;
}

/* ---- one node */

static void count_one(struct search *search, struct node *node, const struct lesser *pods, u32 i,
		      int sign)
{
	picture_count_on(search->ask->picture, node, pods->shapes[i],
			 object_deleting(pods->list.at[i]->doc), sign);
}

/* Lets back in whoever can stay; the others are victims. */
static void reprieve(struct search *search, struct node *node, const struct lesser *pods,
		     const bool *violating, bool now, bool *leaves)
{
	for (u32 i = 0; i < pods->list.len; i++) {
		if (violating[i] != now)
			continue;
		count_one(search, node, pods, i, 1);
		leaves[i] = filter(search->ask, node) != FITS;
		if (leaves[i])
			count_one(search, node, pods, i, -1);
	}
}

/* Which of a node's lesser pods have to leave, when the pod fits without all of them. */
static void choose_victims(struct search *search, struct node *node, const struct lesser *pods,
			   struct victims *victims)
{
	struct arena *arena = search->ask->arena;
	u32 len = pods->list.len;
	bool *violating = arena_zero(arena, len), *leaves = arena_zero(arena, len);
	for (u32 i = 0; i < search->budgets.len; i++)
		search->budgets.at[i].left = search->budgets.at[i].allowed;
	for (u32 i = 0; i < len && search->budgets.len; i++)
		violating[i] = violates(search, pods->list.at[i]);
	reprieve(search, node, pods, violating, true, leaves);
	reprieve(search, node, pods, violating, false, leaves);
	*victims =
		(struct victims){ .node = node, .at = ARENA_ARRAY(arena, struct version *, len) };
	for (u32 i = 0; i < len; i++) {
		if (!leaves[i])
			continue;
		count_one(search, node, pods, i, 1);
		victims->at[victims->len++] = pods->list.at[i];
		victims->violations += violating[i];
	}
}

/* True when the pod would fit on this node without some lesser ones. */
static bool select_victims(struct search *search, struct node *node, struct victims *victims)
{
	struct ask *ask = search->ask;
	struct lesser pods = lesser_pods(search, node);
	if (!pods.list.len) {
		search->tried.no_victims++;
		return false;
	}
	for (u32 i = 0; i < pods.list.len; i++)
		count_one(search, node, &pods, i, -1);
	enum refusal refusal = filter(ask, node);
	if (!refusal) {
		choose_victims(search, node, &pods, victims);
		return victims->len > 0;
	}
	refusal_note(ask, node, refusal, &search->tried);
	for (u32 i = 0; i < pods.list.len; i++)
		count_one(search, node, &pods, i, 1);
	return false;
}

/* ---- the best of several */

static i64 priority_sum(const struct victims *victims)
{
	i64 sum = 0;
	for (u32 i = 0; i < victims->len; i++)
		sum += pod_priority(victims->at[i]->doc) + (1LL << 31);
	return sum;
}

/* When the first of its most important victims began to run. */
static struct str first_start(const struct victims *victims)
{
	struct str first = started(victims->at[0]);
	i64 highest = pod_priority(victims->at[0]->doc);
	for (u32 i = 1; i < victims->len; i++)
		if (pod_priority(victims->at[i]->doc) == highest &&
		    str_cmp(started(victims->at[i]), first) < 0)
			first = started(victims->at[i]);
	return first;
}

static bool is_better(const struct victims *a, const struct victims *b)
{
	i64 highest_a = pod_priority(a->at[0]->doc), highest_b = pod_priority(b->at[0]->doc);
	i64 sum_a = priority_sum(a), sum_b = priority_sum(b);
	if (a->violations != b->violations)
		return a->violations < b->violations;
	if (highest_a != highest_b)
		return highest_a < highest_b;
	if (sum_a != sum_b)
		return sum_a < sum_b;
	if (a->len != b->len)
		return a->len < b->len;
	return str_cmp(first_start(a), first_start(b)) > 0;
}

/* ---- whether at all */

/* Victims of an earlier preemption may still be on their way out. */
static bool waits_for_victims(struct ask *ask)
{
	struct str name = doc_at_str(ask->pod->doc, AT(Pod, status.nominatedNodeName));
	struct node *node = name.len ? picture_node(ask->picture, name) : NULL;
	if (!node || refusal_is_final(ask, node, filter(ask, node)))
		return false;
	struct version_list pods = store_on_node(ask->picture->store, ask->arena, name);
	for (u32 i = 0; i < pods.len; i++) {
		const struct doc *pod = pods.at[i]->doc;
		const struct doc *condition = condition_get(pod, "DisruptionTarget");
		if (object_deleting(pod) && pod_priority(pod) < ask->shape->priority &&
		    str_is(doc_str(doc_key(condition, "reason")), "PreemptionByScheduler"))
			return true;
	}
	return false;
}

static bool search_nodes(struct search *search, const struct decision *decision,
			 struct victims *ret_victims)
{
	struct ask *ask = search->ask;
	u32 len = decision->hopeful.len, found = 0;
	u32 enough = MAX(len * CANDIDATES_PERCENT / 100, (u32)CANDIDATES_LEAST);
	u32 offset = len ? ask->picture->generation % len : 0;
	for (u32 i = 0; i < len && found < enough; i++) {
		struct victims victims;
		if (!select_victims(search, decision->hopeful.at[(offset + i) % len], &victims))
			continue;
		if (!found++ || is_better(&victims, ret_victims))
			*ret_victims = victims;
	}
	return found;
}

bool preempt(struct ask *ask, const struct decision *decision, struct victims *ret_victims,
	     struct str *ret_text)
{
	struct search search = { .ask = ask, .tried = { .nodes = decision->nodes } };
	if (ask->shape->never_preempts) {
		*ret_text = STR("not eligible due to preemptionPolicy=Never.");
		return false;
	}
	if (waits_for_victims(ask)) {
		*ret_text = STR("not eligible due to terminating pod on the nominated node.");
		return false;
	}
	search.tried.unhelpful = decision->nodes - decision->hopeful.len;
	if (picture_lowest_priority(ask->picture) >= ask->shape->priority) {
		search.tried.no_victims = decision->hopeful.len;
	} else {
		read_budgets(&search);
		if (search_nodes(&search, decision, ret_victims))
			return true;
	}
	*ret_text = decision_sentence(ask, &search.tried, STR_NONE);
	return false;
}
