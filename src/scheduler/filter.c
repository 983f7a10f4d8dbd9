/* Where a pod can run; reasons in the words of Kubernetes' scheduler plugins. */
#include "controllers/labels.h"
#include "controllers/toleration.h"
#include "scheduler/decide.h"

static void refuse(struct decision *decision, struct str text)
{
	for (u32 i = 0; i < decision->reasons_len; i++) {
		if (!str_eq(decision->reasons[i].text, text))
			continue;
		decision->reasons[i].count++;
		return;
	}
	if (decision->reasons_len < REASONS_MAX)
		decision->reasons[decision->reasons_len++] = (struct reason){ text, 1 };
}

/* A refusal that no eviction could change. */
static bool refuse_for_good(struct decision *decision, struct str text)
{
	decision->hopeless++;
	refuse(decision, text);
	return false;
}

static const struct doc *untolerated(const struct node *node, const struct doc *tolerations)
{
	doc_each_item(node->taints, taint) {
		if (!taint_has_effect(taint, "PreferNoSchedule") &&
		    !tolerations_tolerate(tolerations, taint))
			return taint;
	}
	return NULL;
}

static bool matches_fields(const struct node *node, const struct doc *fields)
{
	doc_each_item(fields, field) {
		struct str operator= doc_str(doc_key(field, "operator"));
		bool is = false;
		doc_each_item(doc_key(field, "values"), value) {
			is |= str_is(doc_str(value), node->name);
		}
		if (!str_is(doc_str(doc_key(field, "key")), "metadata.name") ||
		    is != str_is(operator, "In"))
			return false;
	}
	return true;
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
	return matches_fields(node, fields);
}

bool node_matches(const struct node *node, const struct wish *wish)
{
	if (!labels_contain(node->labels, wish->selector))
		return false;
	const struct doc *required =
		doc_at(wish->affinity, "requiredDuringSchedulingIgnoredDuringExecution");
	if (!required)
		return true;
	doc_each_item(doc_key(required, "nodeSelectorTerms"), term) {
		if (node_matches_term(node, term))
			return true;
	}
	return false;
}

static bool ports_free(const struct node *node, const struct wish *wish)
{
	for (u32 i = 0; i < wish->ports.len; i++) {
		const struct host_port *want = &wish->ports.at[i];
		for (u32 k = 0; k < node->ports_len; k++) {
			const struct host_port *have = &node->ports[k];
			if (have->port == want->port && have->protocol == want->protocol &&
			    (!have->ip || !want->ip || have->ip == want->ip))
				return false;
		}
	}
	return true;
}

/* Each resource that is short counts as a reason of its own. */
static bool has_room(const struct nodes *nodes, const struct node *node, const struct wish *wish,
		     struct decision *decision)
{
	bool room = true, ever = true;
	for (u32 i = 0; i < nodes->names.len; i++) {
		i64 want = wish->amounts.at[i];
		if (!want || node->taken.at[i] + want <= node->has.at[i])
			continue;
		room = false;
		ever &= want <= node->has.at[i];
		refuse(decision, i == AMOUNT_PODS ? STR("Too many pods")
						  : str_format(wish->arena, "Insufficient " STR_FMT,
							       STR_ARG(nodes->names.at[i])));
	}
	decision->hopeless += !ever;
	return room;
}

bool filter(const struct nodes *nodes, const struct node *node, const struct wish *wish,
	    struct decision *decision)
{
	if (node->unschedulable && !wish->tolerates_unschedulable)
		return refuse_for_good(decision, STR("node(s) were unschedulable"));
	const struct doc *taint = node->taints ? untolerated(node, wish->tolerations) : NULL;
	if (taint)
		return refuse_for_good(decision,
				       str_format(wish->arena,
						  "node(s) had untolerated taint {" STR_FMT
						  ": " STR_FMT "}",
						  STR_ARG(doc_str(doc_key(taint, "key"))),
						  STR_ARG(doc_str(doc_key(taint, "value")))));
	if ((wish->selector || wish->affinity) && !node_matches(node, wish))
		return refuse_for_good(decision,
				       STR("node(s) didn't match Pod's node affinity/selector"));
	if (wish->ports.len && !ports_free(node, wish)) {
		refuse(decision, STR("node(s) didn't have free ports for the requested pod ports"));
		return false;
	}
	return has_room(nodes, node, wish, decision);
}
