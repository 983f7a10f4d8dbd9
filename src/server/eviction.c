/*
 * eviction: a deletion that a PodDisruptionBudget may refuse. What it grants is written into the
 * budget's status in the same breath, so that two evictions never spend one allowance. Follows
 * pkg/registry/core/pod/storage/eviction.go.
 */
#include <stdarg.h>
#include <stdio.h>

#include "doc/build.h"
#include "schema/selector.h"
#include "server/node_access.h"
#include "server/object.h"
#include "server/state.h"
#include "server/subresource.h"
#include "server/write.h"

enum { DISRUPTED_MAX = 2000, PROCESSING_RETRY_S = 10 };

static const char refusal[] = "Cannot evict pod as it would violate the pod's disruption budget.";

static const struct doc *status_success(struct arena *arena)
{
	struct build b = build_object(arena);

	build_str(&b, "kind", STR("Status"));
	build_str(&b, "apiVersion", STR("v1"));
	build_doc(&b, "metadata", &doc_empty_object);
	build_str(&b, "status", STR("Success"));
	build_int(&b, "code", 201);
	return build_done(&b);
}

static bool condition_is_true(const struct doc *conditions, const char *type)
{
	doc_each_item(conditions, condition) {
		if (str_is(doc_str(doc_key(condition, "type")), type))
			return str_is(doc_str(doc_key(condition, "status")), "True");
	}
	return false;
}

/* What does not run, or is going anyway, needs nobody's leave. */
static bool is_free(const struct doc *pod)
{
	struct str phase = doc_at_str(pod, "status.phase");

	return object_deleting(pod) || str_is(phase, "Succeeded") || str_is(phase, "Failed") ||
	       str_is(phase, "Pending") || !phase.len;
}

static enum status find_budget(struct call *call, const struct version *pod,
			       struct version **ret_budget, struct error *error)
{
	struct store_iter iter;
	struct selector *selector;

	*ret_budget = NULL;
	store_iter_start(&iter, call->server->store, KIND_PodDisruptionBudget, pod->namespace,
			 STR_NONE, STR_NONE);
	for (struct version *budget; (budget = store_iter_next(&iter));) {
		if (selector_from_doc(call->arena, doc_at(budget->doc, "spec.selector"), &selector,
				      NULL) != ST_OK ||
		    !selector_matches(selector, doc_at(pod->doc, "metadata.labels")))
			continue;
		if (*ret_budget)
			return fail(error, ST_INTERNAL,
				    "This pod has more than one PodDisruptionBudget, which the "
				    "eviction subresource does not support.");
		*ret_budget = budget;
	}
	if (*ret_budget)
		version_hold(call->arena, *ret_budget);
	return ST_OK;
}

/* A pod that is not ready adds nothing to what the budget protects. */
static bool may_ignore(const struct doc *pod, const struct doc *budget)
{
	i64 healthy = doc_at_int(budget, "status.currentHealthy", 0);
	i64 desired = doc_at_int(budget, "status.desiredHealthy", 0);

	if (condition_is_true(doc_at(pod, "status.conditions"), "Ready"))
		return false;
	return str_is(doc_at_str(budget, "spec.unhealthyPodEvictionPolicy"), "AlwaysAllow") ||
	       (healthy >= desired && desired > 0);
}

PRINTF(4, 5)
static enum status refuse(struct call *call, struct error *error, u32 retry_s, const char *format,
			  ...)
{
	char text[512];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	if (error) {
		error->causes = ARENA_NEW(call->arena, struct cause);
		error->causes_len = 1;
		error->causes->reason = STR("DisruptionBudget");
		error->causes->message = str_copy(call->arena, str_of(text));
		error->retry_after_s = retry_s;
	}
	return fail(error, ST_TOO_MANY, "%s", refusal);
}

static enum status check_budget(struct call *call, const struct version *budget,
				struct error *error)
{
	const struct api_kind *kind = schema_kind(call->server->schema, KIND_PodDisruptionBudget);
	const struct doc *doc = budget->doc;
	i64 allowed = doc_at_int(doc, "status.disruptionsAllowed", 0);

	if (doc_at_int(doc, "status.observedGeneration", 0) <
	    doc_at_int(doc, "metadata.generation", 0))
		return refuse(call, error, PROCESSING_RETRY_S,
			      "The disruption budget " STR_FMT
			      " is still being processed by the server.",
			      STR_ARG(budget->name));
	if (allowed < 0)
		return fail_forbidden(call, kind, budget->name, error,
				      "pdb disruptions allowed is negative");
	if (doc_len(doc_at(doc, "status.disruptedPods")) > DISRUPTED_MAX)
		return fail_forbidden(call, kind, budget->name, error,
				      "DisruptedPods map too big - too many evictions not "
				      "confirmed by PDB controller");
	if (allowed)
		return ST_OK;
	return refuse(call, error, 0,
		      "The disruption budget " STR_FMT
		      " needs %lld healthy pods and has %lld currently",
		      STR_ARG(budget->name), (long long)doc_at_int(doc, "status.desiredHealthy", 0),
		      (long long)doc_at_int(doc, "status.currentHealthy", 0));
}

/* One disruption less, and the name of the pod, until the controller has seen it go. */
static enum status spend(struct call *call, const struct version *pod, struct version *budget,
			 struct error *error)
{
	const struct api_kind *kind = schema_kind(call->server->schema, KIND_PodDisruptionBudget);
	i64 allowed = doc_at_int(budget->doc, "status.disruptionsAllowed", 0);
	const struct doc *disrupted = doc_at(budget->doc, "status.disruptedPods");
	struct outcome outcome = { 0 };
	const struct doc *doc =
		doc_set_int(call->arena, budget->doc, "status.disruptionsAllowed", allowed - 1);

	doc = doc_set(call->arena, doc, "status.disruptedPods",
		      doc_with(call->arena, disrupted, pod->name,
			       doc_new_str(call->arena, call_now(call))));
	return write_update(call, kind, budget, doc, "status", &outcome, error);
}

enum status eviction_create(struct call *call, const struct api_kind *kind, struct version *pod,
			    const struct doc *body, struct outcome *ret_outcome,
			    struct error *error)
{
	const struct doc *wanted = doc_key(body, "deleteOptions");
	struct delete_options options = {
		.grace_s = doc_at_int(wanted, "gracePeriodSeconds", -1),
		.uid = doc_at_str(wanted, "preconditions.uid"),
		.resource_version = doc_at_str(wanted, "preconditions.resourceVersion"),
	};
	struct version *budget = NULL;
	enum status status = admit_node(call, kind, pod->namespace, pod->name, NODE_CREATES,
					"eviction", pod->doc, NULL, error);

	if (doc_len(doc_key(wanted, "dryRun")))
		call->dry_run = true;
	if (status == ST_OK && !is_free(pod->doc))
		status = find_budget(call, pod, &budget, error);
	if (status == ST_OK && budget && !may_ignore(pod->doc, budget->doc)) {
		status = check_budget(call, budget, error);
		if (status == ST_OK)
			status = spend(call, pod, budget, error);
	}
	if (status == ST_OK)
		status = verb_delete(call, kind, pod->namespace, pod->name, &options, ret_outcome,
				     error);
	if (status != ST_OK)
		return status;
	ret_outcome->doc = status_success(call->arena);
	ret_outcome->created = true;
	return ST_OK;
}
