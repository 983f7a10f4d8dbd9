/*
 * The scheduler's promises at the moment it binds: nobody beside those it wants to be apart from,
 * or who want to be apart from it; constraints of spreading kept; and it evicts only pods that are
 * less important than one that waits. All worked out anew, pod by pod, from the store alone.
 */
#include "controllers/labels.h"
#include "controllers/pod.h"
#include "sim/check.h"

#define APART "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution"

static bool is_placed(const struct version *pod)
{
	return doc_at_str(pod->doc, AT(Pod, spec.nodeName)).len && !pod_finished(pod->doc);
}

/* The label of the node a pod is on; NULL when the node is gone or has none. */
static const struct doc *domain(struct world *world, const struct version *pod, struct str key)
{
	struct version *node = store_get(world->store, KIND_Node, STR_NONE,
					 doc_at_str(pod->doc, AT(Pod, spec.nodeName)));
	return node ? doc_get(doc_at(node->doc, "metadata.labels"), key) : NULL;
}

/* Do terms of `bearer` keep `other` out of where they both are? Terms here speak of the bearer's
 * own namespace. */
static bool keeps_out(struct world *world, const struct version *bearer,
		      const struct version *other)
{
	if (!str_eq(bearer->namespace, other->namespace))
		return false;
	doc_each_item(doc_at(bearer->doc, APART), term) {
		struct str key = doc_str(doc_key(term, "topologyKey"));
		const struct doc *here = domain(world, bearer, key);
		const struct doc *there = domain(world, other, key);
		if (here && there && str_eq(doc_str(here), doc_str(there)) &&
		    label_selector_matches(doc_key(term, "labelSelector"),
					   doc_at(other->doc, "metadata.labels")))
			return true;
	}
	return false;
}

static void judge_neighbours(struct world *world, const struct version *pod)
{
	EACH_IN(world, KIND_Pod, pod->namespace, other)
	{
		if (str_eq(other->uid, pod->uid) || !is_placed(other))
			continue;
		if (keeps_out(world, pod, other) || keeps_out(world, other, pod))
			world_broken(world,
				     STR_FMT " is placed beside " STR_FMT ", which must not be",
				     STR_ARG(pod->name), STR_ARG(other->name));
	}
}

/* Pods of a constraint in one domain, those on their way out left aside. */
static i64 count_in(struct world *world, const struct version *pod, const struct doc *constraint,
		    struct str value)
{
	struct str key = doc_str(doc_key(constraint, "topologyKey"));
	i64 count = 0;
	EACH_IN(world, KIND_Pod, pod->namespace, other)
	{
		const struct doc *there = is_placed(other) ? domain(world, other, key) : NULL;
		count += there && str_eq(doc_str(there), value) && !object_deleting(other->doc) &&
			 label_selector_matches(doc_key(constraint, "labelSelector"),
						doc_at(other->doc, "metadata.labels"));
	}
	return count;
}

static void judge_spread(struct world *world, const struct version *pod)
{
	doc_each_item(doc_at(pod->doc, AT(Pod, spec.topologySpreadConstraints)), constraint) {
		struct str key = doc_str(doc_key(constraint, "topologyKey"));
		const struct doc *here = domain(world, pod, key);
		i64 least = INT64_MAX;
		if (!str_is(doc_str(doc_key(constraint, "whenUnsatisfiable")), "DoNotSchedule"))
			continue;
		EACH(world, KIND_Node, node)
		{
			const struct doc *label =
				doc_get(doc_at(node->doc, "metadata.labels"), key);
			/* Its own coming does not raise what was least before. */
			bool same = label && here && str_eq(doc_str(label), doc_str(here));
			if (label)
				least = MIN(least,
					    count_in(world, pod, constraint, doc_str(label)) -
						    same);
		}
		i64 count = here ? count_in(world, pod, constraint, doc_str(here)) : 0;
		bool itself = label_selector_matches(doc_key(constraint, "labelSelector"),
						     doc_at(pod->doc, "metadata.labels"));
		if (!itself)
			continue;
		if (count - MAX(least, 0) > doc_int_or(doc_key(constraint, "maxSkew"), 1))
			world_broken(world,
				     STR_FMT " is the %lldth of its sort on its node, elsewhere "
					     "there are %lld",
				     STR_ARG(pod->name), (long long)count, (long long)least);
	}
}

static void hear(struct world *world, void *state, const struct store_event *event)
{
	const struct version *now = event->version, *before = event->previous;
	(void)state;
	if (now->kind != KIND_Pod || event->type == EVENT_DELETED || !before || !is_placed(now) ||
	    doc_at_str(before->doc, AT(Pod, spec.nodeName)).len)
		return;
	judge_neighbours(world, now);
	judge_spread(world, now);
}

static i64 importance(const struct version *pod)
{
	return doc_at_int(pod->doc, AT(Pod, spec.priority), 0);
}

static void before(struct world *world, void *state, const char *user, const struct intent *intent)
{
	(void)state;
	if (!check_deletes_pod(user, "system:kube-scheduler", intent))
		return;
	struct version *victim = store_get(world->store, KIND_Pod, intent->namespace, intent->name);
	bool for_somebody = !victim;
	EACH(world, KIND_Pod, pod)
	{
		for_somebody |= !for_somebody && importance(pod) > importance(victim) &&
				!doc_at_str(pod->doc, AT(Pod, spec.nodeName)).len;
	}
	if (!for_somebody)
		world_broken(world, STR_FMT " is evicted for nobody more important",
			     STR_ARG(victim->name));
}

const struct check check_schedule = {
	.name = "schedule",
	.hear = hear,
	.before = before,
};
