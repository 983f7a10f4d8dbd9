/*
 * CustomResourceDefinitions that are being deleted: their objects go first, then the finalizer.
 * Follows apiextensions-apiserver's controller/finalizer.
 */
#include "controllers/controller.h"

static const char cleanup[] = "customresourcecleanup.apiextensions.k8s.io";

static void let_go(const struct view *view, struct plan *plan, const struct version *definition)
{
	const struct doc *finalizers = doc_at(definition->doc, "metadata.finalizers");
	for (u32 i = 0; i < doc_len(finalizers); i++) {
		if (!str_is(doc_str(doc_item(finalizers, i)), cleanup))
			continue;
		finalizers = doc_with_item(view->arena, finalizers, i, NULL);
		plan_update(plan, definition,
			    doc_set(view->arena, definition->doc, "metadata.finalizers",
				    doc_len(finalizers) ? finalizers : NULL),
			    NULL);
		return;
	}
}

static const struct api_kind *kind_of_definition(const struct view *view,
						 const struct version *definition)
{
	struct str group = doc_at_str(definition->doc, "spec.group");
	struct str plural = doc_at_str(definition->doc, "spec.names.plural");
	for (kind_id id = KIND_COUNT; id < schema_kinds_end(view->schema); id++) {
		const struct api_kind *kind = schema_kind(view->schema, id);
		if (str_eq(kind->group, group) && str_eq(kind->plural, plural))
			return kind;
	}
	return NULL;
}

static void custom_resource_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	const struct version *definition = view_key(view, key);
	if (!definition || !object_deleting(definition->doc))
		return;
	const struct api_kind *kind = kind_of_definition(view, definition);
	struct plan_delete options = { .grace_s = GRACE_DEFAULT, .propagation = "Background" };
	struct list list = kind ? view_list(view, kind->id, STR_NONE) : (struct list){ 0 };
	for (u32 i = 0; i < list.len; i++) {
		if (object_deleting(list.at[i]->doc))
			continue; /* its finalizers' owners will let it go, which wakes us */
		if (plan_room(plan) <= 4)
			return plan_wake(plan, view->now_ns);
		plan_delete(plan, list.at[i], &options);
	}
	if (!list.len)
		let_go(view, plan, definition);
}

static void definition_of(const struct view *view, const struct change *change, struct keys *keys)
{
	if (change->kind < KIND_COUNT || !change->gone)
		return;
	const struct api_kind *kind = schema_kind(view->schema, change->kind);
	keys_add(keys, (struct key){ KIND_CustomResourceDefinition, STR_NONE,
				     str_format(view->arena, STR_FMT "." STR_FMT,
						STR_ARG(kind->plural), STR_ARG(kind->group)) });
}

const struct controller controller_custom_resource = {
	.name = "customresourcedefinition-controller",
	.watch = { { KIND_CustomResourceDefinition, key_self }, { KIND_ANY, definition_of } },
	.reconcile = custom_resource_reconcile,
};
