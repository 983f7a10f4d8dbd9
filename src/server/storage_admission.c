/*
 * Volumes and claims on their way in: a claim without a class gets the default one
 * (DefaultStorageClass), both get the finalizer that keeps them while they are in use
 * (StorageObjectInUseProtection), and only what can grow may grow (PersistentVolumeClaimResize).
 */
#include "schema/quantity.h"
#include "server/admission.h"
#include "server/object.h"
#include "server/state.h"
#include "server/storage_class.h"

bool claim_class(const struct doc *claim, struct str *ret_name)
{
	const struct doc *notes = doc_at(claim, "metadata.annotations");
	const struct doc *name = doc_get(notes, STR("volume.beta.kubernetes.io/storage-class"));

	if (!name)
		name = doc_at(claim, "spec.storageClassName");
	*ret_name = doc_str(name);
	return !doc_is_null(name);
}

static bool is_default(const struct version *class)
{
	static const char *const marks[] = { "storageclass.kubernetes.io/is-default-class",
					     "storageclass.beta.kubernetes.io/is-default-class" };
	const struct doc *notes = doc_at(class->doc, "metadata.annotations");

	for (u32 i = 0; i < ARRAY_LEN(marks); i++)
		if (str_is(doc_str(doc_get(notes, str_of(marks[i]))), "true"))
			return true;
	return false;
}

struct version *storage_class_default(struct store *store)
{
	struct version *class, *newest = NULL;
	struct store_iter iter;

	store_iter_start(&iter, store, KIND_StorageClass, STR(""), STR(""), STR(""));
	while ((class = store_iter_next(&iter))) {
		if (!is_default(class))
			continue;
		/* RFC 3339 in UTC sorts as text; the walk is by name, so the first one stays. */
		if (!newest || str_cmp(doc_at_str(class->doc, "metadata.creationTimestamp"),
				       doc_at_str(newest->doc, "metadata.creationTimestamp")) > 0)
			newest = class;
	}
	return newest;
}

static const struct doc *protect(struct arena *arena, const struct doc *doc, struct str finalizer)
{
	const struct doc *list = doc_at(doc, "metadata.finalizers");

	doc_each_item(list, there)
		if (str_eq(doc_str(there), finalizer))
			return doc;
	list = doc_append(arena, list ? list : &doc_empty_array, doc_ref_str(arena, finalizer));
	return doc_set(arena, doc, "metadata.finalizers", list);
}

/* What a claim is filled from can be said in two ways; each is told by the other. */
static const struct doc *pair_sources(struct arena *arena, const struct doc *doc)
{
	const struct doc *old = doc_at(doc, "spec.dataSource");
	const struct doc *any = doc_at(doc, "spec.dataSourceRef");

	if (old && !any)
		return doc_set(arena, doc, "spec.dataSourceRef", old);
	if (any && !old && !doc_key(any, "namespace"))
		return doc_set(arena, doc, "spec.dataSource", any);
	return doc;
}

const struct doc *admit_storage(struct call *call, const struct api_kind *kind,
				const struct doc *doc)
{
	struct str named;
	struct version *class;

	if (kind->id == KIND_PersistentVolume) {
		doc = doc_set_str(call->arena, doc, "status.phase", STR("Pending"));
		return protect(call->arena, doc, STR("kubernetes.io/pv-protection"));
	}
	doc = protect(call->arena, doc, STR("kubernetes.io/pvc-protection"));
	doc = pair_sources(call->arena, doc);
	class = claim_class(doc, &named) ? NULL : storage_class_default(call->server->store);
	if (class)
		doc = doc_set(call->arena, doc, "spec.storageClassName",
			      doc_new_str(call->arena, class->name));
	return doc;
}

enum status admit_resize(struct call *call, const struct api_kind *kind, const struct doc *doc,
			 const struct doc *old, struct error *error)
{
	struct quantity now = quantity_of(doc_at(doc, "spec.resources.requests.storage"));
	struct quantity was = quantity_of(doc_at(old, "spec.resources.requests.storage"));
	struct version *class;
	struct str name;

	/* What is not bound may not change at all: validation says so. */
	if (quantity_compare(now, was) <= 0 || !str_is(doc_at_str(old, "status.phase"), "Bound"))
		return ST_OK;
	class = claim_class(doc, &name) && name.len
			? store_get(call->server->store, KIND_StorageClass, STR(""), name)
			: NULL;
	if (class && doc_at_bool(class->doc, "allowVolumeExpansion", false))
		return ST_OK;
	return fail_forbidden(
		call, kind, object_name(doc), error,
		"only dynamically provisioned pvc can be resized and the storageclass "
		"that provisions the pvc must support resize");
}

/* Types that no node of ours mounts are said when the pod, or what makes pods, is written. */
void warn_of_volumes(struct call *call, const struct doc *doc)
{
	static const char *const specs[] = { "spec", "spec.template.spec",
					     "spec.jobTemplate.spec.template.spec" };
	static const char *const known[] = { "name",
					     "emptyDir",
					     "hostPath",
					     "configMap",
					     "secret",
					     "downwardAPI",
					     "projected",
					     "nfs",
					     "image",
					     "ephemeral",
					     "persistentVolumeClaim" };

	for (u32 i = 0; i < ARRAY_LEN(specs); i++) {
		const struct doc *volumes = doc_key(doc_at(doc, specs[i]), "volumes");

		for (u32 k = 0; k < doc_len(volumes); k++)
			doc_each_pair(doc_item(volumes, k), key, source) {
				bool found = !doc_is(source, DOC_OBJECT);

				for (u32 n = 0; n < ARRAY_LEN(known); n++)
					found = found || str_is(key, known[n]);
				if (!found)
					call_warn(call,
						  "%s.volumes[%u]." STR_FMT
						  ": not supported, a pod with it will not start",
						  specs[i], k, STR_ARG(key));
			}
	}
}
