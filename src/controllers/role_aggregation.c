/* A ClusterRole with an aggregationRule has the rules of all roles its selectors match, in order of
 * their names, each once. Follows pkg/controller/clusterroleaggregation. */
#include "controllers/controller.h"
#include "doc/build.h"

static bool rules_have(const struct doc *rules, const struct doc *rule)
{
	doc_each_item(rules, there)
		if (doc_eq(there, rule))
			return true;
	return false;
}

static void aggregation_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	const struct version *role = view_key(view, key);
	const struct doc *rules = &doc_empty_array;
	if (!role || object_deleting(role->doc) || !doc_key(role->doc, "aggregationRule"))
		return;
	doc_each_item(doc_at(role->doc, AT(ClusterRole, aggregationRule.clusterRoleSelectors)),
		      selector) {
		struct list list = view_selected(view, KIND_ClusterRole, STR(""), selector);
		for (u32 i = 0; i < list.len; i++) {
			if (list.at[i] == role)
				continue;
			doc_each_item(doc_key(list.at[i]->doc, "rules"), rule)
				if (!rules_have(rules, rule))
					rules = doc_append(view->arena, rules, rule);
		}
	}
	plan_update(plan, role, doc_with(view->arena, role->doc, STR("rules"), rules), NULL);
}

/* Whoever gathers may gather this one: there are few, and each is asked. */
static void key_gatherers(const struct view *view, const struct change *change, struct keys *keys)
{
	struct list list = view_list(view, KIND_ClusterRole, STR(""));
	(void)change;
	for (u32 i = 0; i < list.len; i++)
		if (doc_key(list.at[i]->doc, "aggregationRule"))
			keys_add(keys,
				 (struct key){ KIND_ClusterRole, STR_NONE, list.at[i]->name });
}

const struct controller controller_role_aggregation = {
	.name = "clusterrole-aggregation-controller",
	.watch = { { KIND_ClusterRole, key_self }, { KIND_ClusterRole, key_gatherers } },
	.reconcile = aggregation_reconcile,
};
