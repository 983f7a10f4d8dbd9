/*
 * A volume of a pod that is a claim of its own: made with the pod, owned by it, gone with it.
 * Follows pkg/controller/volume/ephemeral.
 */
#include "controllers/controller.h"
#include "doc/build.h"

static void make_claim(const struct view *view, struct plan *plan, const struct version *pod,
		       const struct doc *volume, struct str name)
{
	const struct doc *template = doc_at(volume, "ephemeral.volumeClaimTemplate");
	struct build b = build_object(view->arena);

	build_open_object(&b, "metadata");
	build_str(&b, "name", name);
	build_doc(&b, "labels", doc_at(template, "metadata.labels"));
	build_doc(&b, "annotations", doc_at(template, "metadata.annotations"));
	build_open_array(&b, "ownerReferences");
	build_doc(&b, NULL, object_owner_ref(view->arena, view, pod));
	build_close(&b);
	build_close(&b);
	build_doc(&b, "spec", doc_key(template, "spec"));
	plan_create(plan, KIND_PersistentVolumeClaim, pod->namespace, build_done(&b), NULL);
}

static void ephemeral_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	/* A claim's owner may be of another kind: a StatefulSet's pods come here, it does not. */
	struct version *pod = key.kind == KIND_Pod ? view_key(view, key) : NULL;

	if (!pod || object_deleting(pod->doc))
		return;
	doc_each_item(doc_at(pod->doc, AT(Pod, spec.volumes)), volume) {
		struct str own = doc_at_str(volume, "name");
		struct str name = str_format(view->arena, STR_FMT "-" STR_FMT, STR_ARG(pod->name),
					     STR_ARG(own));
		struct version *claim;

		if (!doc_key(volume, "ephemeral"))
			continue;
		claim = view_get(view, KIND_PersistentVolumeClaim, pod->namespace, name);
		if (!claim)
			make_claim(view, plan, pod, volume, name);
		else if (!object_controlled_by(claim->doc, pod->uid))
			plan_event(plan, pod, EVENT_WARNING, "FailedBinding",
				   "ephemeral volume " STR_FMT ": PVC \"" STR_FMT "/" STR_FMT
				   "\" was not created for pod \"" STR_FMT "/" STR_FMT
				   "\" (pod is not the owner)",
				   STR_ARG(own), STR_ARG(pod->namespace), STR_ARG(name),
				   STR_ARG(pod->namespace), STR_ARG(pod->name));
	}
}

/* Most pods have none: they never become a key. */
static void pod_with_ephemeral(const struct view *view, const struct change *change,
			       struct keys *keys)
{
	doc_each_item(doc_at(change->now->doc, AT(Pod, spec.volumes)), volume)
		if (doc_key(volume, "ephemeral")) {
			key_self(view, change, keys);
			return;
		}
}

/* A claim that was deleted under its pod is made again. */
static void pod_of_claim(const struct view *view, const struct change *change, struct keys *keys)
{
	if (change->gone)
		key_controller(view, change, keys);
}

const struct controller controller_ephemeral_volume = {
	.name = "ephemeral-volume-controller",
	.watch = { { KIND_Pod, pod_with_ephemeral }, { KIND_PersistentVolumeClaim, pod_of_claim } },
	.reconcile = ephemeral_reconcile,
	.many_kinds = true,
};
