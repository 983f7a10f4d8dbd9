/*
 * The garbage collector: what names owners that are all gone goes too. An owner deleted in the
 * foreground waits until its dependents are gone; one deleted with orphan lets go of them first.
 * Follows pkg/controller/garbagecollector, but asks the store's owner index instead of keeping a
 * graph.
 */
#include "base/clock.h"
#include "controllers/controller.h"
#include "doc/build.h"

static const char foreground[] = "foregroundDeletion", orphan[] = "orphan";

static bool has_finalizer(const struct doc *object, const char *name)
{
	doc_each_item(doc_at(object, "metadata.finalizers"), finalizer) {
		if (str_is(doc_str(finalizer), name))
			return true;
	}
	return false;
}

static const struct doc *without_finalizer(struct arena *arena, const struct doc *object,
					   const char *name)
{
	const struct doc *finalizers = doc_at(object, "metadata.finalizers");
	for (u32 i = 0; i < doc_len(finalizers); i++) {
		if (!str_is(doc_str(doc_item(finalizers, i)), name))
			continue;
		finalizers = doc_with_item(arena, finalizers, i, NULL);
		return doc_set(arena, object, "metadata.finalizers",
			       doc_len(finalizers) ? finalizers : NULL);
	}
	return object;
}

enum owner_state {
	OWNER_HERE,
	OWNER_GONE,
	OWNER_WAITS, /* it is being deleted and waits for its dependents */
};

/* An owner in another namespace cannot be: it counts as gone, as upstream treats it. A kind that
 * is not known may be served by somebody else one day: its objects are left alone. */
static enum owner_state owner_state(const struct view *view, const struct version *object,
				    const struct doc *ref)
{
	const struct api_kind *kind = schema_find_kind(
		view->schema, doc_str(doc_key(ref, "apiVersion")), doc_str(doc_key(ref, "kind")));
	if (!kind)
		return OWNER_HERE;
	struct str namespace = kind->namespaced ? object->namespace : STR_NONE;
	if (kind->namespaced && !object->namespace.len)
		return OWNER_HERE; /* a cluster-wide object cannot have an owner in a namespace */
	struct version *owner = view_get(view, kind->id, namespace, doc_str(doc_key(ref, "name")));
	if (!owner || !str_eq(owner->uid, doc_str(doc_key(ref, "uid"))))
		return OWNER_GONE;
	if (object_deleting(owner->doc) && has_finalizer(owner->doc, foreground))
		return OWNER_WAITS;
	return OWNER_HERE;
}

/* ---- which keys */

static void wake_dependents(const struct view *view, const struct version *owner, struct keys *keys)
{
	struct list list = view_owned(view, owner->uid, KIND_ANY);
	for (u32 i = 0; i < list.len; i++)
		keys_add(keys,
			 (struct key){ list.at[i]->kind, list.at[i]->namespace, list.at[i]->name });
}

/* Owners that wait for this object hear that it has gone or changed its owners. */
static void wake_waiting_owners(const struct view *view, const struct version *object,
				struct keys *keys)
{
	doc_each_item(doc_at(object->doc, "metadata.ownerReferences"), ref) {
		if (owner_state(view, object, ref) != OWNER_WAITS)
			continue;
		const struct api_kind *kind =
			schema_find_kind(view->schema, doc_str(doc_key(ref, "apiVersion")),
					 doc_str(doc_key(ref, "kind")));
		keys_add(keys,
			 (struct key){ kind->id, kind->namespaced ? object->namespace : STR_NONE,
				       doc_str(doc_key(ref, "name")) });
	}
}

static bool owners_changed(const struct change *change)
{
	const char *path = "metadata.ownerReferences";
	return !change->before ||
	       !doc_eq(doc_at(change->now->doc, path), doc_at(change->before->doc, path));
}

static bool has_work(const struct view *view, const struct version *object)
{
	if (object_deleting(object->doc) &&
	    (has_finalizer(object->doc, foreground) || has_finalizer(object->doc, orphan)))
		return true;
	doc_each_item(doc_at(object->doc, "metadata.ownerReferences"), ref) {
		if (owner_state(view, object, ref) != OWNER_HERE)
			return true;
	}
	return false;
}

/* Most changes mean nothing here; only those that do wake a key. */
static void garbage_keys(const struct view *view, const struct change *change, struct keys *keys)
{
	if (change->kind == KIND_Event)
		return;
	if (change->gone) {
		wake_dependents(view, change->now, keys);
		wake_waiting_owners(view, change->now, keys);
		return;
	}
	bool began_to_go = object_deleting(change->now->doc) &&
			   (!change->before || !object_deleting(change->before->doc));
	if (began_to_go && has_finalizer(change->now->doc, foreground))
		wake_dependents(view, change->now, keys);
	if ((owners_changed(change) || object_deleting(change->now->doc)) &&
	    has_work(view, change->now))
		key_self(view, change, keys);
	if (change->before && owners_changed(change))
		wake_waiting_owners(view, change->before, keys);
}

/* ---- what to do */

static void drop_refs(const struct view *view, struct plan *plan, const struct version *object,
		      struct str only_uid)
{
	const struct doc *refs = doc_at(object->doc, "metadata.ownerReferences");
	for (u32 i = doc_len(refs); i-- > 0;) {
		const struct doc *ref = doc_item(refs, i);
		bool drop = only_uid.len ? str_eq(doc_str(doc_key(ref, "uid")), only_uid)
					 : owner_state(view, object, ref) != OWNER_HERE;
		if (drop)
			refs = doc_with_item(view->arena, refs, i, NULL);
	}
	plan_update(plan, object,
		    doc_set(view->arena, object->doc, "metadata.ownerReferences",
			    doc_len(refs) ? refs : NULL),
		    NULL);
}

static void let_go_of_dependents(const struct view *view, struct plan *plan,
				 const struct version *owner)
{
	struct list list = view_owned(view, owner->uid, KIND_ANY);
	for (u32 i = 0; i < list.len; i++) {
		if (plan_room(plan) <= 2)
			return plan_wake(plan, view->now_ns);
		drop_refs(view, plan, list.at[i], owner->uid);
	}
	plan_barrier(plan);
	plan_update(plan, owner, without_finalizer(view->arena, owner->doc, orphan), NULL);
}

static bool blocks(const struct version *dependent, struct str owner_uid)
{
	doc_each_item(doc_at(dependent->doc, "metadata.ownerReferences"), ref) {
		if (str_eq(doc_str(doc_key(ref, "uid")), owner_uid))
			return doc_bool_or(doc_key(ref, "blockOwnerDeletion"), false);
	}
	return false;
}

static void finish_foreground(const struct view *view, struct plan *plan,
			      const struct version *owner)
{
	struct list list = view_owned(view, owner->uid, KIND_ANY);
	for (u32 i = 0; i < list.len; i++)
		if (blocks(list.at[i], owner->uid))
			return; /* its going will wake us */
	plan_update(plan, owner, without_finalizer(view->arena, owner->doc, foreground), NULL);
}

static void judge_owners(const struct view *view, struct plan *plan, const struct version *object)
{
	u32 here = 0, gone = 0, waits = 0;
	doc_each_item(doc_at(object->doc, "metadata.ownerReferences"), ref) {
		enum owner_state state = owner_state(view, object, ref);
		here += state == OWNER_HERE;
		gone += state == OWNER_GONE;
		waits += state == OWNER_WAITS;
	}
	if (!gone && !waits)
		return;
	if (here)
		return drop_refs(view, plan, object, STR_NONE);
	if (object_deleting(object->doc))
		return;
	/* The last wish of an owner in the foreground holds for what depends on us as well. */
	struct plan_delete options = { .grace_s = GRACE_DEFAULT };
	if (waits && view_owned(view, object->uid, KIND_ANY).len)
		options.propagation = "Foreground";
	else if (!has_finalizer(object->doc, orphan) && !has_finalizer(object->doc, foreground))
		options.propagation = "Background";
	plan_delete(plan, object, &options);
}

static void garbage_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	const struct version *object = view_key(view, key);
	if (!object)
		return;
	if (object_deleting(object->doc)) {
		if (has_finalizer(object->doc, orphan))
			let_go_of_dependents(view, plan, object);
		else if (has_finalizer(object->doc, foreground))
			finish_foreground(view, plan, object);
	}
	judge_owners(view, plan, object);
}

const struct controller controller_garbage = {
	.name = "generic-garbage-collector",
	.watch = { { KIND_ANY, garbage_keys } },
	.reconcile = garbage_reconcile,
	.many_kinds = true,
};
