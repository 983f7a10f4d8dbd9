/*
 * Views read the store as it is at this moment; nothing is copied but the pointers of a list. The
 * store does not change while a controller thinks, so a view is one frozen instant.
 */
#include "base/check.h"
#include "controllers/controller.h"
#include "controllers/labels.h"
#include "doc/build.h"

typedef VEC(struct version *) versions;

static struct list list_of(const struct view *view, struct version **at, u32 len)
{
	if (view->seen)
		*view->seen += len;
	return (struct list){ at, len };
}

struct version *view_get(const struct view *view, kind_id kind, struct str namespace,
			 struct str name)
{
	return store_get(view->store, kind, namespace, name);
}

struct version *view_key(const struct view *view, struct key key)
{
	return store_get(view->store, key.kind, key.namespace, key.name);
}

struct list view_list(const struct view *view, kind_id kind, struct str namespace)
{
	versions found = { 0 };
	struct store_iter iter;
	store_iter_start(&iter, view->store, kind, namespace, STR_NONE, STR_NONE);
	for (struct version *v; (v = store_iter_next(&iter));)
		VEC_PUSH(view->arena, &found, v);
	return list_of(view, found.at, found.len);
}

struct list view_owned(const struct view *view, struct str uid, kind_id kind)
{
	struct version_list found =
		store_owned(view->store, view->arena, uid, kind == KIND_ANY ? 0 : kind);
	return list_of(view, found.at, found.len);
}

struct list view_on_node(const struct view *view, struct str node)
{
	struct version_list found = store_on_node(view->store, view->arena, node);
	return list_of(view, found.at, found.len);
}

/* The first matchLabels pair lets the store's label index narrow the search for pods. */
static struct list candidates(const struct view *view, kind_id kind, struct str namespace,
			      const struct doc *selector)
{
	const struct doc *labels = doc_key(selector, "matchLabels");
	if (kind != KIND_Pod || !doc_len(labels))
		return view_list(view, kind, namespace);
	struct version_list found =
		store_labelled(view->store, view->arena, namespace, doc_pair_key(labels, 0),
			       doc_str(doc_pair_value(labels, 0)));
	return list_of(view, found.at, found.len);
}

struct list view_selected(const struct view *view, kind_id kind, struct str namespace,
			  const struct doc *selector)
{
	if (!doc_is(selector, DOC_OBJECT))
		return (struct list){ 0 };
	struct list list = candidates(view, kind, namespace, selector);
	u32 kept = 0;
	for (u32 i = 0; i < list.len; i++)
		if (label_selector_matches(selector, doc_at(list.at[i]->doc, "metadata.labels")))
			list.at[kept++] = list.at[i];
	list.len = kept;
	return list;
}

/* Merge sort: stable, so that equal objects keep the store's order on every machine. */
static void sort_part(struct version **at, struct version **spare, u32 len,
		      int (*order)(const struct version *, const struct version *))
{
	if (len < 2)
		return;
	u32 half = len / 2, left = 0, right = half;
	sort_part(at, spare, half, order);
	sort_part(at + half, spare, len - half, order);
	memcpy(spare, at, len * sizeof *at);
	for (u32 i = 0; i < len; i++) {
		bool take_left =
			right == len || (left < half && order(spare[left], spare[right]) <= 0);
		at[i] = take_left ? spare[left++] : spare[right++];
	}
}

void list_sort(struct arena *arena, struct list list,
	       int (*order)(const struct version *a, const struct version *b))
{
	sort_part(list.at, ARENA_ARRAY(arena, struct version *, list.len), list.len, order);
}

void list_keep(struct list *list, bool (*keep)(const struct version *object))
{
	u32 kept = 0;
	for (u32 i = 0; i < list->len; i++)
		if (keep(list->at[i]))
			list->at[kept++] = list->at[i];
	list->len = kept;
}

void key_self(const struct view *view, const struct change *change, struct keys *keys)
{
	(void)view;
	struct version *v = change->now;
	keys_add(keys, (struct key){ v->kind, v->namespace, v->name });
}

struct key key_of_controller(const struct view *view, const struct version *object)
{
	const struct doc *ref = object_controller(object->doc);
	if (!ref)
		return (struct key){ 0 };
	const struct api_kind *kind = schema_find_kind(
		view->schema, doc_str(doc_key(ref, "apiVersion")), doc_str(doc_key(ref, "kind")));
	if (!kind)
		return (struct key){ 0 };
	return (struct key){ kind->id, kind->namespaced ? object->namespace : STR_NONE,
			     doc_str(doc_key(ref, "name")) };
}

void key_controller(const struct view *view, const struct change *change, struct keys *keys)
{
	struct key now = key_of_controller(view, change->now);
	if (now.kind)
		keys_add(keys, now);
	if (!change->before)
		return;
	struct key before = key_of_controller(view, change->before);
	if (before.kind && !key_eq(now, before))
		keys_add(keys, before);
}

const struct doc *object_controller(const struct doc *object)
{
	doc_each_item(doc_at(object, "metadata.ownerReferences"), ref) {
		if (doc_bool_or(doc_key(ref, "controller"), false))
			return ref;
	}
	return NULL;
}

bool object_controlled_by(const struct doc *object, struct str uid)
{
	const struct doc *ref = object_controller(object);
	return ref && str_eq(doc_str(doc_key(ref, "uid")), uid);
}

bool object_deleting(const struct doc *object)
{
	return doc_at(object, "metadata.deletionTimestamp") != NULL;
}

const struct doc *object_owner_ref(struct arena *arena, const struct view *view,
				   const struct version *owner)
{
	const struct api_kind *kind = schema_kind(view->schema, owner->kind);
	struct build b = build_object(arena);
	build_str(&b, "apiVersion", kind->api_version);
	build_str(&b, "kind", kind->kind);
	build_str(&b, "name", owner->name);
	build_str(&b, "uid", owner->uid);
	build_bool(&b, "controller", true);
	build_bool(&b, "blockOwnerDeletion", true);
	return build_done(&b);
}
