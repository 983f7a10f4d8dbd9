/*
 * The phase of a volume, and what becomes of it when its claim has gone: kept (Retain), deleted by
 * whoever made it (Delete), or marked as failed when nobody can. Follows
 * pkg/controller/volume/persistentvolume.
 */
#include "base/timestamp.h"
#include "controllers/volume_binder.h"

struct reclaim {
	const struct view *view;
	struct plan *plan;
	struct version *volume;
};

static void volume_phase(struct reclaim *r, const struct doc *changed, const char *phase,
			 const char *message)
{
	struct arena *arena = r->view->arena;
	const struct doc *status = doc_key(changed, "status");

	if (str_is(doc_str(doc_key(status, "phase")), phase) &&
	    str_is(doc_str(doc_key(status, "message")), message ? message : ""))
		return;
	if (!str_is(doc_str(doc_key(status, "phase")), phase))
		status = doc_with(arena, status, STR("lastPhaseTransitionTime"),
				  doc_new_str(arena, timestamp_print(arena, r->view->now_ns)));
	status = doc_with(arena, status, STR("phase"), doc_ref_str(arena, str_of(phase)));
	status = doc_with(arena, status, STR("message"),
			  message ? doc_new_str(arena, str_of(message)) : NULL);
	plan_status(r->plan, r->volume, doc_with(arena, changed, STR("status"), status));
}

static void fail_volume(struct reclaim *r, const char *reason, const char *message)
{
	if (!str_is(doc_at_str(r->volume->doc, "status.phase"), "Failed"))
		plan_event(r->plan, r->volume, EVENT_WARNING, reason, "%s", message);
	volume_phase(r, r->volume->doc, "Failed", message);
}

static void release(struct reclaim *r)
{
	struct str policy = doc_at_str(r->volume->doc, "spec.persistentVolumeReclaimPolicy");
	struct str phase = doc_at_str(r->volume->doc, "status.phase");
	struct str made_by = object_note(r->volume, PROVISIONED_BY);

	if (!str_is(phase, "Released") && !str_is(phase, "Failed"))
		volume_phase(r, r->volume->doc, "Released", NULL);
	else if (str_is(policy, "Recycle"))
		fail_volume(r, "VolumeFailedRecycle", "No recycler plugin found for the volume!");
	else if (str_is(policy, "Delete") && !made_by.len)
		fail_volume(r, "VolumeFailedDelete",
			    str_format(r->view->arena,
				       "error getting deleter volume plugin for volume \"" STR_FMT
				       "\": no deletable volume plugin matched",
				       STR_ARG(r->volume->name))
				    .at);
	/* Others that have made a volume delete it: the node, or a provisioner people run. */
}

/* The claim has got another volume: ours is free again, or kept for the claim by its name. */
static void unbind(struct reclaim *r)
{
	struct arena *arena = r->view->arena;
	const struct doc *changed = r->volume->doc;

	if (object_note(r->volume, BOUND_BY_CONTROLLER).len) {
		changed = doc_set(arena, changed, "spec.claimRef", NULL);
		changed = object_with_note(arena, changed, BOUND_BY_CONTROLLER, NULL);
	} else {
		changed = doc_set(arena, changed, "spec.claimRef.uid", NULL);
		changed = doc_set(arena, changed, "spec.claimRef.resourceVersion", NULL);
	}
	plan_update(r->plan, r->volume, changed, NULL);
}

static void mind_claimed(struct reclaim *r, const struct doc *ref)
{
	struct version *claim =
		view_get(r->view, KIND_PersistentVolumeClaim, doc_str(doc_key(ref, "namespace")),
			 doc_str(doc_key(ref, "name")));
	bool dynamic =
		object_note(r->volume, PROVISIONED_BY).len &&
		str_is(doc_at_str(r->volume->doc, "spec.persistentVolumeReclaimPolicy"), "Delete");

	if (!claim || !str_eq(claim->uid, doc_str(doc_key(ref, "uid")))) {
		release(r);
		return;
	}
	struct str named = doc_at_str(claim->doc, "spec.volumeName");

	if (str_eq(named, r->volume->name)) {
		volume_phase(r, r->volume->doc, "Bound", NULL);
		return;
	}
	if (!named.len) {
		const char *misfit = volume_misfit(r->volume, claim);

		if (misfit && !strcmp(misfit, "incompatible volumeMode"))
			plan_event(r->plan, r->volume, EVENT_WARNING, "VolumeMismatch",
				   "Cannot bind PersistentVolume to requested "
				   "PersistentVolumeClaim \"" STR_FMT
				   "\" due to incompatible volumeMode.",
				   STR_ARG(claim->name));
		return; /* the claim is about to name us */
	}
	if (dynamic)
		release(r);
	else
		unbind(r);
}

static void reclaim_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	struct reclaim r = { .view = view, .plan = plan, .volume = view_key(view, key) };
	const struct doc *ref = r.volume ? doc_at(r.volume->doc, "spec.claimRef") : NULL;

	if (!r.volume)
		return;
	if (!ref || !doc_str(doc_key(ref, "uid")).len)
		volume_phase(&r, r.volume->doc, "Available", NULL);
	else
		mind_claimed(&r, ref);
}

/* A claim concerns the volume it names, and those that were kept for it when it goes. */
static void volumes_of_claim(const struct view *view, const struct change *change,
			     struct keys *keys)
{
	struct str name = doc_at_str(change->now->doc, "spec.volumeName");
	struct store_iter iter;

	if (name.len)
		keys_add(keys, (struct key){ KIND_PersistentVolume, STR_NONE, name });
	if (!change->gone)
		return;
	store_iter_start(&iter, view->store, KIND_PersistentVolume, STR_NONE, STR_NONE, STR_NONE);
	for (struct version *volume; (volume = store_iter_next(&iter));)
		if (volume_is_for(volume, change->now))
			keys_add(keys,
				 (struct key){ KIND_PersistentVolume, STR_NONE, volume->name });
}

const struct controller controller_volume_reclaim = {
	.name = "persistentvolume-controller",
	.watch = { { KIND_PersistentVolume, key_self },
		   { KIND_PersistentVolumeClaim, volumes_of_claim } },
	.reconcile = reclaim_reconcile,
};
