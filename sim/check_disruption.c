/*
 * PodDisruptionBudget: an eviction that is granted leaves as many pods as were promised (as far as
 * the budget's own numbers are true at that moment), and spends one allowance, no more; at rest the
 * numbers are true.
 */
#include <stdlib.h>

#include "base/check.h"
#include "controllers/labels.h"
#include "controllers/pod.h"
#include "sim/check.h"

struct moment {			/* just before an eviction */
	struct version *budget; /* held */
	i64 healthy, budgets;
	bool fresh, free, ready;
};

static bool covers(const struct version *budget, const struct version *pod)
{
	return str_eq(budget->namespace, pod->namespace) &&
	       label_selector_matches(doc_at(budget->doc, "spec.selector"),
				      doc_at(pod->doc, "metadata.labels"));
}

static i64 count_healthy(struct world *world, const struct version *budget, i64 *ret_all)
{
	i64 healthy = 0;
	const struct doc *promised = doc_at(budget->doc, "status.disruptedPods");
	*ret_all = 0;
	EACH_IN(world, KIND_Pod, budget->namespace, pod)
	{
		if (!covers(budget, pod) || pod_finished(pod->doc))
			continue;
		(*ret_all)++;
		healthy += pod_active(pod) && pod_ready(pod->doc) && !doc_get(promised, pod->name);
	}
	return healthy;
}

void checks_before_eviction(struct world *world, const struct version *pod)
{
	struct moment m = { 0 };
	i64 all;
	EACH_IN(world, KIND_PodDisruptionBudget, pod->namespace, budget)
	{
		if (!covers(budget, pod))
			continue;
		m.budgets++;
		m.budget = budget;
	}
	struct str phase = doc_at_str(pod->doc, "status.phase");
	m.free = pod_finished(pod->doc) || object_deleting(pod->doc) || !phase.len ||
		 str_is(phase, "Pending");
	m.ready = pod_ready(pod->doc);
	if (m.budget) {
		version_hold(world->arena, m.budget);
		m.healthy = count_healthy(world, m.budget, &all);
		m.fresh = check_number(m.budget, "status.currentHealthy") == m.healthy &&
			  check_number(m.budget, "status.observedGeneration") ==
				  check_number(m.budget, "metadata.generation");
	}
	world->eviction = ARENA_NEW(world->arena, struct moment);
	*world->eviction = m;
}

void checks_after_eviction(struct world *world, const struct version *pod, bool granted)
{
	struct moment m = *world->eviction;
	struct version *gone = store_get(world->store, KIND_Pod, pod->namespace, pod->name);
	if (!granted || m.free)
		return;
	if (gone && str_eq(gone->uid, pod->uid) && !object_deleting(gone->doc))
		world_broken(world, STR_FMT " was evicted and stays", STR_ARG(pod->name));
	if (m.budgets > 1)
		world_broken(world, STR_FMT " was evicted against two budgets", STR_ARG(pod->name));
	if (!m.budget)
		return;
	i64 desired = check_number(m.budget, "status.desiredHealthy");
	i64 allowed = check_number(m.budget, "status.disruptionsAllowed");
	struct version *now = store_get(world->store, KIND_PodDisruptionBudget, m.budget->namespace,
					m.budget->name);
	if (m.ready && allowed <= 0)
		world_broken(world, STR_FMT " was evicted, none was allowed", STR_ARG(pod->name));
	if (m.ready && m.fresh && m.healthy - 1 < desired)
		world_broken(world, STR_FMT " was evicted, %lld of %lld were healthy",
			     STR_ARG(pod->name), (long long)m.healthy, (long long)desired);
	if (m.ready && now && check_number(now, "status.disruptionsAllowed") >= allowed)
		world_broken(world, "the eviction of " STR_FMT " spent nothing",
			     STR_ARG(pod->name));
}

static void rest(struct world *world, void *state)
{
	(void)state;
	EACH(world, KIND_PodDisruptionBudget, budget)
	{
		i64 all, healthy = count_healthy(world, budget, &all);
		i64 desired = check_number(budget, "status.desiredHealthy");
		const struct doc *least = doc_at(budget->doc, "spec.minAvailable");
		i64 allowed =
			check_number(budget, "status.expectedPods") ? MAX(healthy - desired, 0) : 0;
		if (check_number(budget, "status.currentHealthy") != healthy ||
		    check_number(budget, "status.disruptionsAllowed") != allowed)
			world_broken(world,
				     "budget " STR_FMT " says %lld healthy, %lld allowed; "
				     "%lld are healthy",
				     STR_ARG(budget->name),
				     (long long)check_number(budget, "status.currentHealthy"),
				     (long long)check_number(budget, "status.disruptionsAllowed"),
				     (long long)healthy);
		if (doc_is(least, DOC_NUMBER) && desired != doc_int_or(least, 0))
			world_broken(world, "budget " STR_FMT " desires %lld",
				     STR_ARG(budget->name), (long long)desired);
	}
}

const struct check check_disruption = { .name = "disruption", .rest = rest };
