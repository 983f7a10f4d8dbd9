/*
 * A claim that a pod uses, and a volume that a claim uses, stay until nobody does: a finalizer
 * holds them, and goes here. Follows pkg/controller/volume/pvcprotection and pvprotection.
 */
#include "controllers/volume_binder.h"

/* Takes the finalizer off an object that is on its way out. */
static void let_go(const struct view *view, struct plan *plan, struct version *object,
		   const char *finalizer)
{
	const struct doc *list = doc_at(object->doc, "metadata.finalizers");
	const struct doc *left = &doc_empty_array;

	doc_each_item(list, item)
		if (!str_is(doc_str(item), finalizer))
			left = doc_append(view->arena, left, item);
	if (doc_len(left) == doc_len(list))
		return;
	plan_update(plan, object,
		    doc_set(view->arena, object->doc, "metadata.finalizers",
			    doc_len(left) ? left : NULL),
		    NULL);
}

/* A pod without a node does not count: no node starts it once the claim is being deleted. */
static bool is_used(const struct view *view, const struct version *claim)
{
	struct list pods = view_list(view, KIND_Pod, claim->namespace);

	for (u32 i = 0; i < pods.len; i++)
		if (doc_at_str(pods.at[i]->doc, AT(Pod, spec.nodeName)).len &&
		    pod_uses_claim(pods.at[i], claim->name))
			return true;
	return false;
}

static void claim_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	struct version *claim = view_key(view, key);

	if (claim && object_deleting(claim->doc) && !is_used(view, claim))
		let_go(view, plan, claim, "kubernetes.io/pvc-protection");
}

static void claims_of_gone_pod(const struct view *view, const struct change *change,
			       struct keys *keys)
{
	if (change->gone)
		claims_of_pod(view, change, keys);
}

const struct controller controller_claim_protection = {
	.name = "pvc-protection-controller",
	.watch = { { KIND_PersistentVolumeClaim, key_self }, { KIND_Pod, claims_of_gone_pod } },
	.reconcile = claim_reconcile,
};

static void volume_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	struct version *volume = view_key(view, key);

	if (volume && object_deleting(volume->doc) &&
	    !str_is(doc_at_str(volume->doc, "status.phase"), "Bound"))
		let_go(view, plan, volume, "kubernetes.io/pv-protection");
}

const struct controller controller_volume_protection = {
	.name = "pv-protection-controller",
	.watch = { { KIND_PersistentVolume, key_self } },
	.reconcile = volume_reconcile,
};
