/* A pod without a node: what each node is short of, and what would make it take the pod. */
#include "controllers/controller.h"
#include "controllers/labels.h"
#include "controllers/toleration.h"
#include "scheduler/claims.h"
#include "scheduler/decide.h"
#include "scheduler/why.h"

/* "500m", "1.5", "1.2Gi": an amount as people write it. */
static struct str amount_text(struct why *why, u32 index, i64 value)
{
	static const char *const units[] = { "", "Ki", "Mi", "Gi", "Ti" };
	u32 unit = 0;
	if (index == AMOUNT_CPU && value % 1000 == 0)
		return WHY(why, "%lld", (long long)value / 1000);
	if (index == AMOUNT_CPU)
		return WHY(why, "%lldm", (long long)value);
	if (index != AMOUNT_MEMORY && index != AMOUNT_STORAGE)
		return WHY(why, "%lld", (long long)value);
	i64 tenths = value * 10;
	while (unit + 1 < ARRAY_LEN(units) && tenths >= 10240) {
		tenths /= 1024;
		unit++;
	}
	if (tenths % 10 == 0)
		return WHY(why, "%lld%s", (long long)tenths / 10, units[unit]);
	return WHY(why, "%lld.%lld%s", (long long)tenths / 10, (long long)tenths % 10, units[unit]);
}

static void say_room(struct why *why, const struct ask *ask, const struct node *node, u32 index)
{
	struct str name = ask->picture->names.at[index];
	i64 asks = ask->shape->amounts.at[index], has = node->has.at[index];
	i64 free = MAX(has - node->taken.at[index], 0);
	if (asks <= free)
		return;
	if (index == AMOUNT_PODS) {
		why_add(why, "scheduling", str_of(node->name),
			WHY(why, "the node is full: it takes %lld pods and has them",
			    (long long)has),
			STR("Move pods away, or add a node."));
		return;
	}
	struct str help =
		asks > has
			? WHY(why,
			      "No node like this can ever take it: ask for at most "
			      "%s of " STR_FMT ", or add a bigger node.",
			      str_c(why->arena, amount_text(why, index, has)), STR_ARG(name))
			: WHY(why, "Ask for at most %s of " STR_FMT ", make room, or add a node.",
			      str_c(why->arena, amount_text(why, index, free)), STR_ARG(name));
	why_add(why, "scheduling", str_of(node->name),
		WHY(why, "short of " STR_FMT " by %s: it asks for %s, and %s of %s is free",
		    STR_ARG(name), str_c(why->arena, amount_text(why, index, asks - free)),
		    str_c(why->arena, amount_text(why, index, asks)),
		    str_c(why->arena, amount_text(why, index, free)),
		    str_c(why->arena, amount_text(why, index, has))),
		help);
}

static void say_taints(struct why *why, const struct ask *ask, const struct node *node)
{
	doc_each_item(node->taints, taint) {
		if (taint_has_effect(taint, "PreferNoSchedule") ||
		    tolerations_tolerate(ask->shape->tolerations, taint))
			continue;
		struct str value = doc_str(doc_key(taint, "value"));
		struct str text = WHY(why, STR_FMT "%s" STR_FMT ":" STR_FMT,
				      STR_ARG(doc_str(doc_key(taint, "key"))), value.len ? "=" : "",
				      STR_ARG(value), STR_ARG(doc_str(doc_key(taint, "effect"))));
		/* A cordon has a sentence of its own. */
		if (str_is(doc_str(doc_key(taint, "key")), "node.kubernetes.io/unschedulable"))
			continue;
		why_add(why, "scheduling", str_of(node->name),
			WHY(why,
			    "the node has the taint " STR_FMT ", which the pod does not tolerate",
			    STR_ARG(text)),
			WHY(why,
			    "Give the pod a toleration for it, or take the taint away: minke taint "
			    "node %s " STR_FMT "-",
			    node->name, STR_ARG(text)));
	}
}

static void say_labels(struct why *why, const struct ask *ask, const struct node *node)
{
	bool matched = true;
	doc_each_pair(ask->shape->selector, key, value) {
		const struct doc *have = doc_get(node->labels, key);
		if (have && str_eq(doc_str(have), doc_str(value)))
			continue;
		matched = false;
		struct str is = have ? WHY(why, "is \"" STR_FMT "\"", STR_ARG(doc_str(have)))
				     : STR("is not there");
		why_add(why, "scheduling", str_of(node->name),
			WHY(why,
			    "its nodeSelector wants the label " STR_FMT "=" STR_FMT
			    ", which " STR_FMT,
			    STR_ARG(key), STR_ARG(doc_str(value)), STR_ARG(is)),
			WHY(why, "minke label node %s " STR_FMT "=" STR_FMT, node->name,
			    STR_ARG(key), STR_ARG(doc_str(value))));
	}
	if (matched)
		why_add(why, "scheduling", str_of(node->name),
			STR("the node does not match the pod's required node affinity"),
			STR("Label a node as spec.affinity.nodeAffinity asks, or ask for less."));
}

static void say_ports(struct why *why, const struct ask *ask, const struct node *node)
{
	for (u32 i = 0; i < ask->shape->ports.len; i++) {
		const struct host_port *want = &ask->shape->ports.at[i];
		for (u32 k = 0; k < node->ports_len; k++) {
			const struct host_port *have = &node->ports[k];
			if (have->port != want->port || have->protocol != want->protocol ||
			    (have->ip && want->ip && have->ip != want->ip))
				continue;
			why_add(why, "scheduling", str_of(node->name),
				WHY(why, "host port %u is taken by another pod", want->port),
				STR("Use a Service instead of a host port, or another port."));
		}
	}
}

static void say_spread(struct why *why, const struct ask *ask, const struct node *node)
{
	for (u32 i = 0; i < ask->shape->hard.len; i++) {
		const struct spread *spread = &ask->shape->hard.at[i];
		const struct tally *tally = spread->tally;
		struct str key = tally->topology->key;
		if (!topology_of(tally->topology, node->slot)) {
			why_add(why, "scheduling", str_of(node->name),
				WHY(why,
				    "the node lacks the label " STR_FMT
				    ", by which the pod is to be spread",
				    STR_ARG(key)),
				WHY(why, "minke label node %s " STR_FMT "=VALUE", node->name,
				    STR_ARG(key)));
			continue;
		}
		i64 least = tally->domains < spread->domains_min ? 0 : tally->least;
		i64 count = tally_count(tally, node->slot);
		if (count + spread->counts_itself - least <= spread->skew_max)
			continue;
		why_add(why, "scheduling", str_of(node->name),
			WHY(why,
			    "it would be spread unevenly over " STR_FMT
			    ": %lld such pods here, %lld where there are fewest, and maxSkew is "
			    "%lld",
			    STR_ARG(key), (long long)count, (long long)least,
			    (long long)spread->skew_max),
			STR("Make room where there are fewer, raise maxSkew, or spread with "
			    "ScheduleAnyway."));
	}
}

static struct str domain_name(const struct topology *topology, const struct node *node)
{
	return doc_str(doc_get(node->labels, topology->key));
}

static void say_neighbours(struct why *why, const struct ask *ask, const struct node *node,
			   enum refusal refusal)
{
	struct str name = str_of(node->name);
	if (refusal == REFUSED_NEAR)
		why_add(why, "scheduling", name,
			STR("no pod that its required affinity wants nearby is there"),
			STR("Start the pods it wants to be near to, or prefer instead of "
			    "require."));
	for (u32 i = 0; i < ask->shape->apart.len && refusal == REFUSED_APART; i++) {
		const struct tally *tally = ask->shape->apart.at[i];
		u32 count = tally_count(tally, node->slot);
		if (count)
			why_add(why, "scheduling", name,
				WHY(why,
				    "%u pod(s) that its anti-affinity keeps away from are "
				    "in " STR_FMT "=" STR_FMT,
				    count, STR_ARG(tally->topology->key),
				    STR_ARG(domain_name(tally->topology, node))),
				STR("Add a node elsewhere, or prefer instead of require."));
	}
	if (refusal == REFUSED_KEPT_OUT)
		why_add(why, "scheduling", name,
			STR("a pod that is there keeps it out by its own anti-affinity"),
			STR("Add a node, or move that pod."));
}

/* All that is wrong with one node, not only the first thing. */
static void say_node(struct why *why, struct ask *ask, struct node *node)
{
	const struct shape *shape = ask->shape;
	enum refusal refusal = filter(ask, node);
	struct str name = str_of(node->name);
	if (node->unschedulable && !shape->tolerates_unschedulable)
		why_add(why, "scheduling", name, STR("the node is cordoned"),
			WHY(why, "minke uncordon %s", node->name));
	say_taints(why, ask, node);
	if ((shape->selector || shape->affinity) &&
	    !node_matches(node, shape->selector, shape->affinity)) {
		say_labels(why, ask, node);
		return; /* it is not meant for this node: the rest would only distract */
	}
	say_ports(why, ask, node);
	for (u32 i = 0; i < shape->asked_len; i++)
		say_room(why, ask, node, shape->asked[i]);
	say_spread(why, ask, node);
	say_neighbours(why, ask, node, refusal);
	if (refusal >= REFUSED_CLAIM_TAKEN && refusal <= REFUSED_NO_VOLUME)
		why_add(why, "volume", name, refusal_text(refusal),
			STR("Look at the claim: minke describe pvc"));
}

void why_nodes(struct why *why)
{
	struct picture *picture = why->view->picture;
	struct ask ask;
	u32 fits = 0;
	picture_tidy(picture);
	ask_init(&ask, picture, why->pod, why->arena);
	picture_order(picture);
	if (!picture->len) {
		why_add(why, "scheduling", STR_NONE, STR("there are no nodes"),
			STR("Start a node: minke agent on another machine, or a server with a "
			    "node of its own."));
		return;
	}
	why->summary = STR("The pod has no node: none can take it.");
	if (ask.claims && claims_refuse_all(ask.claims).len) {
		why_add(why, "volume", STR_NONE, claims_refuse_all(ask.claims),
			STR("Make the claim, or wait until it is bound: minke get pvc"));
		return;
	}
	for (u32 i = 0; i < picture->len; i++) {
		if (!filter(&ask, picture->list[i]))
			fits++;
		else
			say_node(why, &ask, picture->list[i]);
	}
	struct str nominated = doc_at_str(why->doc, AT(Pod, status.nominatedNodeName));
	if (nominated.len)
		why->summary =
			WHY(why, "The pod waits for less important pods to leave node " STR_FMT ".",
			    STR_ARG(nominated));
	else if (fits)
		why->summary = WHY(why,
				   "The pod has no node yet, but %u of %u could take it: the "
				   "scheduler tries again in a moment.",
				   fits, picture->len);
}
