/* Adoption and release, shared by everything that owns by selector. */
#include "controllers/claim.h"

#include "controllers/labels.h"

static const struct doc *labels_of(const struct version *object)
{
	return doc_at(object->doc, "metadata.labels");
}

static void release(const struct view *view, struct plan *plan, const struct version *owner,
		    const struct version *object)
{
	const struct doc *refs = doc_at(object->doc, "metadata.ownerReferences");
	for (u32 i = 0; i < doc_len(refs); i++) {
		struct str uid = doc_str(doc_key(doc_item(refs, i), "uid"));
		if (!str_eq(uid, owner->uid))
			continue;
		refs = doc_with_item(view->arena, refs, i, NULL);
		break;
	}
	plan_update(plan, object,
		    doc_set(view->arena, object->doc, "metadata.ownerReferences",
			    doc_len(refs) ? refs : NULL),
		    NULL);
}

static void adopt_one(const struct view *view, struct plan *plan, const struct version *owner,
		      const struct version *object)
{
	const struct doc *refs = doc_at(object->doc, "metadata.ownerReferences");
	const struct doc *ref = object_owner_ref(view->arena, view, owner);
	plan_update(plan, object,
		    doc_set(view->arena, object->doc, "metadata.ownerReferences",
			    doc_append(view->arena, refs, ref)),
		    NULL);
}

/* Could anything but the `mine` that we own already match? The index of labels knows at a glance
 * how many have the selector's first label: each of ours has. */
static bool may_be_others(const struct view *view, const struct version *owner, kind_id kind,
			  const struct doc *selector, u32 mine)
{
	const struct doc *labels = doc_key(selector, "matchLabels");
	if (kind != KIND_Pod || !doc_len(labels))
		return true;
	return store_labelled(view->store, view->arena, owner->namespace, doc_pair_key(labels, 0),
			      doc_str(doc_pair_value(labels, 0)))
		       .len != mine;
}

struct list claim(const struct view *view, struct plan *plan, const struct version *owner,
		  kind_id kind, const struct doc *selector,
		  bool (*adopt)(const struct version *object))
{
	bool deleting = object_deleting(owner->doc);
	u32 room = plan_room(plan);
	struct list owned = view_owned(view, owner->uid, kind), others = { 0 };
	struct list mine = { ARENA_ARRAY(view->arena, struct version *, owned.len), 0 };

	for (u32 i = 0; i < owned.len; i++) {
		if (!object_controlled_by(owned.at[i]->doc, owner->uid))
			continue;
		if (label_selector_matches(selector, labels_of(owned.at[i])))
			mine.at[mine.len++] = owned.at[i];
		else if (!deleting && plan_room(plan) > PLAN_MAX / 2)
			release(view, plan, owner, owned.at[i]);
	}
	if (!deleting && may_be_others(view, owner, kind, selector, mine.len)) {
		others = view_selected(view, kind, owner->namespace, selector);
		mine.at = arena_grow(view->arena, mine.at, owned.len * sizeof *mine.at,
				     (owned.len + others.len) * sizeof *mine.at);
	}
	for (u32 i = 0; i < others.len; i++) {
		struct version *object = others.at[i];
		if (object_controller(object->doc) || object_deleting(object->doc) ||
		    (adopt && !adopt(object)) || plan_room(plan) <= PLAN_MAX / 2)
			continue;
		adopt_one(view, plan, owner, object);
		mine.at[mine.len++] = object;
	}
	/* What follows counts on who is ours and who is not. */
	if (plan_room(plan) != room)
		plan_barrier(plan);
	return mine;
}

static bool has_labels_of(const struct doc *selector, bool plain_map, const struct version *object)
{
	if (plain_map)
		return doc_len(selector) && labels_contain(labels_of(object), selector);
	return label_selector_matches(selector, labels_of(object));
}

void claim_keys(const struct view *view, const struct change *change, kind_id owner_kind,
		const char *path, bool plain_map, struct keys *keys)
{
	bool fresh = !change->before || object_controller(change->before->doc) ||
		     !doc_eq(labels_of(change->now), labels_of(change->before));
	if (change->gone || !fresh || object_controller(change->now->doc))
		return;
	struct store_iter iter;
	store_iter_start(&iter, view->store, owner_kind, change->now->namespace, STR_NONE,
			 STR_NONE);
	for (struct version *owner; (owner = store_iter_next(&iter));) {
		if (has_labels_of(doc_at(owner->doc, path), plain_map, change->now))
			keys_add(keys, (struct key){ owner_kind, owner->namespace, owner->name });
	}
}
