/*
 * ResourceQuota: counts what a namespace uses. Admission adds what comes; this controller counts
 * anew when a limit changes and when something goes, so that room is given back. Follows
 * pkg/controller/resourcequota.
 */
#include "controllers/controller.h"
#include "controllers/pod.h"
#include "doc/build.h"
#include "server/quota.h"

static void resource_quota_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	struct version *quota = view_key(view, key);
	if (!quota || object_deleting(quota->doc))
		return;
	struct amounts used = quota_count(view->arena, view->schema, view->store, quota);
	const struct doc *hard = doc_at(quota->doc, AT(ResourceQuota, spec.hard));
	struct build b = build_object(view->arena);
	build_doc(&b, "hard", hard);
	build_open_object(&b, "used");
	doc_each_pair(hard, name, limit) {
		const struct quantity *amount = amounts_get(&used, name);
		struct quantity none = quantity_of(limit);
		none.nanos = 0;
		build_pair(&b, name,
			   doc_ref_str(view->arena,
				       quantity_print(view->arena, amount ? *amount : none)));
	}
	build_close(&b);
	const struct doc *status = build_done(&b);
	const struct doc *before = doc_key(quota->doc, "status");
	if (!before || !doc_eq(before, status))
		plan_status(plan, quota, doc_with(view->arena, quota->doc, STR("status"), status));
}

/* What a new object uses has been charged when it was let in. */
static void quotas_of_object(const struct view *view, const struct change *change,
			     struct keys *keys)
{
	const struct api_kind *kind = schema_kind(view->schema, change->kind);
	bool ended = change->kind == KIND_Pod && change->before && pod_finished(change->now->doc) &&
		     !pod_finished(change->before->doc);
	bool shrunk =
		(change->kind == KIND_Service || change->kind == KIND_PersistentVolumeClaim) &&
		change->before;
	if (!kind || !kind->namespaced || change->kind == KIND_Event ||
	    change->kind == KIND_ResourceQuota || !(change->gone || ended || shrunk))
		return;
	struct store_iter iter;
	store_iter_start(&iter, view->store, KIND_ResourceQuota, change->now->namespace, STR_NONE,
			 STR_NONE);
	for (struct version *quota; (quota = store_iter_next(&iter));)
		if (quota_concerns(doc_at(quota->doc, AT(ResourceQuota, spec.hard)), kind))
			keys_add(keys,
				 (struct key){ KIND_ResourceQuota, quota->namespace, quota->name });
}

const struct controller controller_resource_quota = {
	.name = "resourcequota-controller",
	.watch = { { KIND_ResourceQuota, key_self }, { KIND_ANY, quotas_of_object } },
	.reconcile = resource_quota_reconcile,
};
