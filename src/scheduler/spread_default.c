/*
 * By what pods are spread that do not say: the selectors of the Services that reach them, together
 * with that of what owns them. Follows upstream's helper.DefaultSelector.
 */
#include "controllers/controller.h"
#include "controllers/labels.h"
#include "scheduler/shape.h"

static const struct doc *merged(struct arena *arena, const struct doc *to, const struct doc *from)
{
	doc_each_pair(from, key, value) {
		to = doc_with(arena, to, key, value);
	}
	return to;
}

static const struct doc *of_services(struct store *store, struct arena *arena,
				     const struct doc *pod)
{
	const struct doc *labels = doc_at(pod, "metadata.labels"), *all = NULL;
	struct store_iter iter;
	store_iter_start(&iter, store, KIND_Service, doc_at_str(pod, "metadata.namespace"),
			 STR_NONE, STR_NONE);
	for (struct version *service; (service = store_iter_next(&iter));) {
		const struct doc *selector = doc_at(service->doc, AT(Service, spec.selector));
		if (doc_len(selector) && labels_contain(labels, selector))
			all = merged(arena, all, selector);
	}
	return all;
}

static const struct doc *owner(struct store *store, const struct doc *pod, kind_id *ret_kind)
{
	static const struct {
		const char *kind;
		kind_id id;
	} kinds[] = { { "ReplicationController", KIND_ReplicationController },
		      { "ReplicaSet", KIND_ReplicaSet },
		      { "StatefulSet", KIND_StatefulSet } };
	const struct doc *ref = object_controller(pod);
	struct str kind = doc_str(doc_key(ref, "kind"));
	for (u32 i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!str_is(kind, kinds[i].kind))
			continue;
		struct version *found =
			store_get(store, kinds[i].id, doc_at_str(pod, "metadata.namespace"),
				  doc_str(doc_key(ref, "name")));
		*ret_kind = kinds[i].id;
		return found ? found->doc : NULL;
	}
	return NULL;
}

const struct doc *spread_default_selector(struct store *store, struct arena *arena,
					  const struct doc *pod)
{
	kind_id kind = 0;
	const struct doc *pairs = of_services(store, arena, pod), *expressions = NULL;
	const struct doc *of = owner(store, pod, &kind);
	const struct doc *selector = doc_at(of, "spec.selector");
	if (of && kind == KIND_ReplicationController) {
		pairs = merged(arena, pairs, selector);
	} else if (of) {
		pairs = merged(arena, pairs, doc_key(selector, "matchLabels"));
		expressions = doc_key(selector, "matchExpressions");
	}
	if (!doc_len(pairs) && !doc_len(expressions))
		return NULL;
	const struct doc *made = NULL;
	if (doc_len(pairs))
		made = doc_with(arena, made, STR("matchLabels"), pairs);
	if (doc_len(expressions))
		made = doc_with(arena, made, STR("matchExpressions"), expressions);
	return doc_copy(arena, made);
}
