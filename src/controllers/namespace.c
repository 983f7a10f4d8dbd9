/*
 * Namespaces: one that is being deleted is emptied, kind by kind, and then let go. Follows
 * pkg/controller/namespace/deletion.
 */
#include "base/clock.h"
#include "controllers/controller.h"
#include "controllers/pod.h"

static bool deletable(const struct api_kind *kind)
{
	return kind->namespaced && kind->plural.len && (kind->verbs & API_VERB_LIST) &&
	       (kind->verbs & API_VERB_DELETE) && kind->id != KIND_Event && kind->stored == kind;
}

struct remains { /* what is still there */
	u32 objects, kinds, finalizers;
	struct str first_kind, first_group;
};

/* Plans the end of one kind's objects and counts what stays for a while. */
static void empty_kind(const struct view *view, struct plan *plan, const struct api_kind *kind,
		       struct str namespace, struct remains *remains)
{
	struct list list = view_list(view, kind->id, namespace);
	if (!list.len)
		return;
	struct plan_delete options = { .grace_s = GRACE_DEFAULT, .propagation = "Background" };
	remains->objects += list.len;
	remains->kinds++;
	if (!remains->first_kind.len) {
		remains->first_kind = kind->plural;
		remains->first_group = kind->group;
	}
	for (u32 i = 0; i < list.len; i++) {
		if (object_deleting(list.at[i]->doc)) {
			remains->finalizers +=
				doc_len(doc_at(list.at[i]->doc, "metadata.finalizers")) != 0;
			continue;
		}
		if (plan_room(plan) <= 4)
			return plan_wake(plan, view->now_ns);
		plan_delete(plan, list.at[i], &options);
	}
}

static const struct doc *say_what_remains(const struct view *view, const struct doc *status,
					  const struct remains *remains)
{
	struct arena *arena = view->arena;
	i64 now_ns = view->now_ns;
	struct str content = STR("All content successfully removed");
	if (remains->objects)
		content = str_format(
			arena,
			"Some resources are remaining: " STR_FMT "%s" STR_FMT
			" and %u others have %u resource instances",
			STR_ARG(remains->first_kind), remains->first_group.len ? "." : "",
			STR_ARG(remains->first_group), remains->kinds - 1, remains->objects);
	status = status_with_condition(arena, status, "NamespaceDeletionDiscoveryFailure", "False",
				       "ResourcesDiscovered",
				       STR("All resources successfully discovered"), now_ns);
	status = status_with_condition(arena, status, "NamespaceDeletionGroupVersionParsingFailure",
				       "False", "ParsedGroupVersions",
				       STR("All legacy kube types successfully parsed"), now_ns);
	status = status_with_condition(
		arena, status, "NamespaceDeletionContentFailure", "False", "ContentDeleted",
		STR("All content successfully deleted, may be waiting on finalization"), now_ns);
	status = status_with_condition(
		arena, status, "NamespaceContentRemaining", remains->objects ? "True" : "False",
		remains->objects ? "SomeResourcesRemain" : "ContentRemoved", content, now_ns);
	return status_with_condition(
		arena, status, "NamespaceFinalizersRemaining",
		remains->finalizers ? "True" : "False",
		remains->finalizers ? "SomeFinalizersRemain" : "ContentHasNoFinalizers",
		remains->finalizers ? str_format(arena,
						 "Some content in the namespace has finalizers "
						 "remaining: %u resource instances",
						 remains->finalizers)
				    : STR("All content-preserving finalizers finished"),
		now_ns);
}

static void let_go(const struct view *view, struct plan *plan, const struct version *namespace)
{
	const struct doc *finalizers = doc_at(namespace->doc, AT(Namespace, spec.finalizers));
	for (u32 i = 0; i < doc_len(finalizers); i++) {
		if (!str_is(doc_str(doc_item(finalizers, i)), "kubernetes"))
			continue;
		finalizers = doc_with_item(view->arena, finalizers, i, NULL);
		plan_finalize(plan, namespace,
			      doc_set(view->arena, namespace->doc, "spec.finalizers", finalizers));
		return;
	}
}

static void namespace_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	const struct version *namespace = view_key(view, key);
	if (!namespace || !object_deleting(namespace->doc))
		return;
	struct remains remains = { 0 };
	for (kind_id id = 1; id < schema_kinds_end(view->schema); id++) {
		const struct api_kind *kind = schema_kind(view->schema, id);
		if (deletable(kind))
			empty_kind(view, plan, kind, key.name, &remains);
	}
	if (!remains.objects) {
		/* Events are no content anybody waits for; they go last, in one sweep. */
		empty_kind(view, plan, schema_kind(view->schema, KIND_Event), key.name, &remains);
		/* One that could not be deleted keeps the namespace: nobody would find it again. */
		plan_barrier(plan);
		if (plan_room(plan) > 4)
			let_go(view, plan, namespace);
		return;
	}
	const struct doc *old = doc_key(namespace->doc, "status");
	const struct doc *status = say_what_remains(view, old, &remains);
	plan_status(plan, namespace, doc_with(view->arena, namespace->doc, STR("status"), status));
}

/* Whatever goes, or comes late, in a namespace that is going. */
static void namespace_of(const struct view *view, const struct change *change, struct keys *keys)
{
	struct str name = change->now->namespace;
	if (!name.len || change->kind == KIND_Event)
		return;
	bool news = change->gone || !change->before;
	struct version *namespace = news ? view_get(view, KIND_Namespace, STR_NONE, name) : NULL;
	if (namespace && object_deleting(namespace->doc))
		keys_add(keys, (struct key){ KIND_Namespace, STR_NONE, name });
}

const struct controller controller_namespace = {
	.name = "namespace-controller",
	.watch = { { KIND_Namespace, key_self }, { KIND_ANY, namespace_of } },
	.reconcile = namespace_reconcile,
};
