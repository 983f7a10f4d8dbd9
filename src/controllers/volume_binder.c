/*
 * Binds claims to volumes, one step a pass: first the volume is kept for the claim (claimRef), then
 * the claim names the volume, then both say so in their status. Each pass sees what the one before
 * has written, so that a crash between two steps is only a pause. Follows
 * pkg/controller/volume/persistentvolume.
 */
#include "controllers/volume_binder.h"

#include "doc/build.h"
#include "schema/quantity.h"
#include "server/storage_class.h"

struct binding {
	const struct view *view;
	struct arena *arena;
	struct plan *plan;
	struct version *claim;
};

/* ---- status of a claim */

static void claim_phase(struct binding *b, const char *phase)
{
	if (str_is(doc_at_str(b->claim->doc, "status.phase"), phase))
		return;
	plan_status(b->plan, b->claim,
		    doc_set_str(b->arena, b->claim->doc, "status.phase", str_of(phase)));
}

/* Bound, with the size and the modes the volume has. */
static void claim_bound(struct binding *b, const struct version *volume)
{
	const struct doc *status = doc_key(b->claim->doc, "status");
	const struct doc *spec = doc_key(volume->doc, "spec");

	status = doc_with(b->arena, status, STR("phase"), doc_ref_str(b->arena, STR("Bound")));
	status = doc_with(b->arena, status, STR("accessModes"), doc_key(spec, "accessModes"));
	status = doc_set(b->arena, status, "capacity.storage", doc_at(spec, "capacity.storage"));
	plan_status(b->plan, b->claim, doc_with(b->arena, b->claim->doc, STR("status"), status));
}

static void claim_lost(struct binding *b, const char *reason, const char *text)
{
	if (!str_is(doc_at_str(b->claim->doc, "status.phase"), "Lost"))
		plan_event(b->plan, b->claim, EVENT_WARNING, reason, "%s", text);
	const struct doc *changed =
		doc_set_str(b->arena, b->claim->doc, "status.phase", STR("Lost"));
	changed = doc_set(b->arena, changed, "status.accessModes", NULL);
	plan_status(b->plan, b->claim, doc_set(b->arena, changed, "status.capacity", NULL));
}

/* ---- binding */

/* The first step: the volume is kept for this claim and nobody else. */
static void take(struct binding *b, struct version *volume)
{
	const struct doc *there = doc_at(volume->doc, "spec.claimRef");
	struct build ref = build_object(b->arena);

	build_str(&ref, "kind", STR("PersistentVolumeClaim"));
	build_str(&ref, "namespace", b->claim->namespace);
	build_str(&ref, "name", b->claim->name);
	build_str(&ref, "uid", b->claim->uid);
	build_str(&ref, "apiVersion", STR("v1"));
	build_str(&ref, "resourceVersion", doc_at_str(b->claim->doc, "metadata.resourceVersion"));
	const struct doc *changed =
		doc_set(b->arena, volume->doc, "spec.claimRef", build_done(&ref));
	/* Whoever kept it for the claim will want it kept when the claim goes. */
	if (!there)
		changed = object_with_note(b->arena, changed, BOUND_BY_CONTROLLER, "yes");
	plan_update(b->plan, volume, changed, NULL);
}

/* The second: the claim names the volume. What its status says is the next pass's: if this write
 * failed, the annotation must not slip in with the status. */
static void name_volume(struct binding *b, struct version *volume)
{
	const struct doc *changed = b->claim->doc;

	if (!str_eq(doc_at_str(changed, "spec.volumeName"), volume->name)) {
		changed = doc_set_str(b->arena, changed, "spec.volumeName", volume->name);
		changed = object_with_note(b->arena, changed, BOUND_BY_CONTROLLER, "yes");
	}
	changed = object_with_note(b->arena, changed, BIND_COMPLETED, "yes");
	plan_update(b->plan, b->claim, changed, NULL);
}

static void bind(struct binding *b, struct version *volume)
{
	if (str_eq(doc_at_str(volume->doc, "spec.claimRef.uid"), b->claim->uid))
		name_volume(b, volume);
	else
		take(b, volume);
}

/* ---- a claim nothing fits */

static const struct version *waiting_pod(struct binding *b)
{
	struct version_list pods = store_on_node(b->view->store, b->arena, STR_NONE);

	for (u32 i = 0; i < pods.len; i++)
		if (str_eq(pods.at[i]->namespace, b->claim->namespace) &&
		    pod_uses_claim(pods.at[i], b->claim->name))
			return pods.at[i];
	return NULL;
}

static void say_waiting(struct binding *b)
{
	const struct version *pod = waiting_pod(b);

	if (pod)
		plan_event(b->plan, b->claim, EVENT_NORMAL, "WaitForPodScheduled",
			   "waiting for pod " STR_FMT " to be scheduled", STR_ARG(pod->name));
	else
		plan_event(b->plan, b->claim, EVENT_NORMAL, "WaitForFirstConsumer",
			   "waiting for first consumer to be created before binding");
}

/* A provisioner is told by annotations that it is its turn. */
static void ask_provisioner(struct binding *b, const struct version *class)
{
	struct str provisioner = doc_at_str(class->doc, AT(StorageClass, provisioner));
	const struct doc *changed = b->claim->doc;

	if (str_starts(provisioner, STR("kubernetes.io/"))) {
		plan_event(b->plan, b->claim, EVENT_WARNING, "ProvisioningFailed",
			   "no volume plugin matched name: " STR_FMT, STR_ARG(provisioner));
		return;
	}
	const char *name = str_c(b->arena, provisioner);

	changed = object_with_note(b->arena, changed, STORAGE_PROVISIONER_OLD, name);
	changed = object_with_note(b->arena, changed, STORAGE_PROVISIONER, name);
	plan_update(b->plan, b->claim, changed, NULL);
	plan_event(b->plan, b->claim, EVENT_NORMAL, "ExternalProvisioning",
		   "Waiting for a volume to be created either by the external provisioner '%s' or "
		   "manually by the system administrator. If volume creation is delayed, please "
		   "verify that the provisioner is running and correctly registered.",
		   name);
}

/* The default class may have come after the claim. */
static bool give_class(struct binding *b)
{
	struct version *class;
	struct str name;

	if (claim_class(b->claim->doc, &name) || object_deleting(b->claim->doc))
		return false;
	class = storage_class_default(b->view->store);
	if (!class)
		return false;
	plan_update(b->plan, b->claim,
		    doc_set_str(b->arena, b->claim->doc, "spec.storageClassName", class->name),
		    NULL);
	return true;
}

static void provision(struct binding *b, const struct version *class, bool waits)
{
	struct str name;

	if (object_deleting(b->claim->doc))
		return;
	if (waits)
		say_waiting(b);
	else if (class)
		ask_provisioner(b, class);
	else if (claim_class(b->claim->doc, &name) && name.len)
		plan_event(b->plan, b->claim, EVENT_WARNING, "ProvisioningFailed",
			   "storageclass.storage.k8s.io \"" STR_FMT "\" not found", STR_ARG(name));
	else
		plan_event(b->plan, b->claim, EVENT_NORMAL, "FailedBinding",
			   "no persistent volumes available for this claim and no storage class "
			   "is set");
	claim_phase(b, "Pending");
}

/* ---- a claim that is not bound yet */

static void find_any(struct binding *b)
{
	const struct version *class = volume_class(b->view, b->claim);
	bool delayed = volume_class_waits(class);
	struct version *volume = volume_match(b->view, b->claim, delayed);

	if (volume)
		bind(b, volume);
	else if (!give_class(b))
		provision(b, class, delayed && !object_note(b->claim, SELECTED_NODE).len);
}

static void find_named(struct binding *b, struct str name)
{
	struct version *volume = view_get(b->view, KIND_PersistentVolume, STR_NONE, name);
	const char *misfit = volume ? volume_misfit(volume, b->claim) : NULL;
	bool taken = volume && doc_at(volume->doc, "spec.claimRef");

	if (!volume || object_deleting(volume->doc)) {
		claim_phase(b, "Pending");
	} else if (!taken && misfit) {
		plan_event(b->plan, b->claim, EVENT_WARNING, "VolumeMismatch",
			   "Cannot bind to requested volume \"" STR_FMT "\": %s", STR_ARG(name),
			   misfit);
		claim_phase(b, "Pending");
	} else if (!taken || volume_is_for(volume, b->claim)) {
		bind(b, volume);
	} else {
		plan_event(b->plan, b->claim, EVENT_WARNING, "FailedBinding",
			   "volume \"" STR_FMT "\" already bound to a different claim.",
			   STR_ARG(name));
		claim_phase(b, "Pending");
	}
}

/* ---- a claim that is bound */

/* A bigger wish: what we made ourselves simply counts as bigger, a directory has no size. */
static void grow(struct binding *b, struct version *volume)
{
	const struct doc *wish = doc_at(b->claim->doc, "spec.resources.requests.storage");
	const struct doc *has = doc_at(b->claim->doc, "status.capacity.storage");
	const struct doc *size = doc_at(volume->doc, "spec.capacity.storage");

	if (quantity_compare(quantity_of(wish), quantity_of(has)) <= 0)
		return;
	if (!local_path_provisions(object_note(volume, PROVISIONED_BY))) {
		plan_event(b->plan, b->claim, EVENT_NORMAL, "ExternalExpanding",
			   "waiting for an external controller to expand this PVC");
		return;
	}
	if (quantity_compare(quantity_of(size), quantity_of(wish)) < 0) {
		plan_update(b->plan, volume,
			    doc_set(b->arena, volume->doc, "spec.capacity.storage", wish), NULL);
		return; /* the change of the volume brings us back */
	}
	plan_status(b->plan, b->claim,
		    doc_set(b->arena, b->claim->doc, "status.capacity.storage", size));
	plan_event(b->plan, b->claim, EVENT_NORMAL, "VolumeResizeSuccessful",
		   "Resize volume succeeded");
}

static void keep_bound(struct binding *b)
{
	struct str name = doc_at_str(b->claim->doc, "spec.volumeName");
	struct version *volume = view_get(b->view, KIND_PersistentVolume, STR_NONE, name);

	if (!name.len)
		claim_lost(b, "ClaimLost",
			   "Bound claim has lost reference to PersistentVolume. Data on the "
			   "volume is lost!");
	else if (!volume)
		claim_lost(b, "ClaimLost",
			   "Bound claim has lost its PersistentVolume. Data on the volume is "
			   "lost!");
	else if (!doc_at(volume->doc, "spec.claimRef"))
		take(b, volume);
	else if (!volume_is_for(volume, b->claim))
		claim_lost(b, "ClaimMisbound",
			   "Two claims are bound to the same volume, this one is bound "
			   "incorrectly");
	else if (!doc_at_str(volume->doc, "spec.claimRef.uid").len)
		take(b, volume);
	else if (!str_is(doc_at_str(b->claim->doc, "status.phase"), "Bound"))
		claim_bound(b, volume);
	else
		grow(b, volume);
}

static void binder_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	struct binding b = { .view = view, .arena = view->arena, .plan = plan };

	b.claim = view_key(view, key);
	if (!b.claim)
		return;
	struct str name = doc_at_str(b.claim->doc, "spec.volumeName");

	if (object_note(b.claim, BIND_COMPLETED).len)
		keep_bound(&b);
	else if (name.len)
		find_named(&b, name);
	else
		find_any(&b);
}

/* ---- whom a change concerns */

static void waiting_claims(const struct view *view, struct keys *keys)
{
	struct store_iter iter;

	store_iter_start(&iter, view->store, KIND_PersistentVolumeClaim, STR_NONE, STR_NONE,
			 STR_NONE);
	for (struct version *claim; (claim = store_iter_next(&iter));)
		if (!object_note(claim, BIND_COMPLETED).len)
			keys_add(keys, (struct key){ KIND_PersistentVolumeClaim, claim->namespace,
						     claim->name });
}

/* Claims that name a volume they may lose or win by a change of it. */
static void named_claims(const struct view *view, struct str volume, struct keys *keys)
{
	struct store_iter iter;

	store_iter_start(&iter, view->store, KIND_PersistentVolumeClaim, STR_NONE, STR_NONE,
			 STR_NONE);
	for (struct version *claim; (claim = store_iter_next(&iter));)
		if (str_eq(doc_at_str(claim->doc, "spec.volumeName"), volume))
			keys_add(keys, (struct key){ KIND_PersistentVolumeClaim, claim->namespace,
						     claim->name });
}

static bool is_offered(const struct version *volume)
{
	return !doc_at(volume->doc, "spec.claimRef") &&
	       str_is(doc_at_str(volume->doc, "status.phase"), "Available");
}

/* A volume concerns its claim; a free one, all that wait. */
static void claims_of_volume(const struct view *view, const struct change *change,
			     struct keys *keys)
{
	const struct version *versions[] = { change->now, change->before };

	for (u32 i = 0; i < ARRAY_LEN(versions); i++) {
		const struct doc *ref =
			versions[i] ? doc_at(versions[i]->doc, "spec.claimRef") : NULL;

		if (ref)
			keys_add(keys, (struct key){ KIND_PersistentVolumeClaim,
						     doc_at_str(ref, "namespace"),
						     doc_at_str(ref, "name") });
	}
	if (!change->gone && is_offered(change->now))
		waiting_claims(view, keys);
	if (change->gone && !doc_at(change->now->doc, "spec.claimRef"))
		named_claims(view, change->now->name, keys);
}

static void claims_of_class(const struct view *view, const struct change *change, struct keys *keys)
{
	if (!change->gone)
		waiting_claims(view, keys);
}

/* Only the claims of pods that have just come, or just got a node, may have waited for them. */
static void claims_of_new_pod(const struct view *view, const struct change *change,
			      struct keys *keys)
{
	if (change->gone || !change->before ||
	    !str_eq(doc_at_str(change->before->doc, "spec.nodeName"),
		    doc_at_str(change->now->doc, "spec.nodeName")))
		claims_of_pod(view, change, keys);
}

const struct controller controller_volume_binder = {
	.name = "persistentvolume-controller",
	.watch = { { KIND_PersistentVolumeClaim, key_self },
		   { KIND_PersistentVolume, claims_of_volume },
		   { KIND_StorageClass, claims_of_class },
		   { KIND_Pod, claims_of_new_pod } },
	.reconcile = binder_reconcile,
};
