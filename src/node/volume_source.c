/* From a pod's volume to what has to be mounted: claims are followed, foreign types refused. */
#include "node/volume_source.h"

struct str volume_claim(struct arena *arena, const struct doc *pod, const struct doc *volume)
{
	if (!doc_key(volume, "ephemeral"))
		return doc_at_str(volume, "persistentVolumeClaim.claimName");
	return str_format(arena, STR_FMT "-" STR_FMT, STR_ARG(doc_at_str(pod, "metadata.name")),
			  STR_ARG(doc_at_str(volume, "name")));
}

/* ---- what nobody mounts here */

static enum status refuse(struct str type, struct error *error)
{
	if (str_is(type, "gitRepo"))
		return fail(error, ST_INVALID,
			    "gitRepo volumes are not supported: they let whoever writes a "
			    "repository run programs on the node; clone into an emptyDir in an "
			    "init container instead");
	if (str_is(type, "csi"))
		return fail(error, ST_INVALID,
			    "CSI drivers are not supported: use local-path, hostPath, local or "
			    "nfs");
	return fail(error, ST_INVALID,
		    "volumes of type " STR_FMT
		    " are not supported: this node mounts emptyDir, hostPath, configMap, secret, "
		    "downwardAPI, projected, persistentVolumeClaim (hostPath, local and nfs), nfs, "
		    "image and ephemeral",
		    STR_ARG(type));
}

/* ---- claims */

static bool owned_by(const struct doc *claim, struct str uid)
{
	doc_each_item(doc_at(claim, "metadata.ownerReferences"), owner)
		if (doc_at_bool(owner, "controller", false) &&
		    str_eq(doc_at_str(owner, "uid"), uid))
			return true;
	return false;
}

static enum status check_claim(const struct doc *pod, const struct doc *volume, struct str name,
			       const struct doc *claim, struct volume_source *ret,
			       struct error *error)
{
	struct str ns = doc_at_str(pod, "metadata.namespace");
	struct str own = doc_at_str(volume, "name");

	ret->waits = true;
	if (!claim)
		return fail(error, ST_NOT_FOUND,
			    "error processing PVC " STR_FMT "/" STR_FMT
			    ": failed to fetch PVC from API server: persistentvolumeclaims "
			    "\"" STR_FMT "\" not found",
			    STR_ARG(ns), STR_ARG(name), STR_ARG(name));
	if (doc_key(volume, "ephemeral") && !owned_by(claim, doc_at_str(pod, "metadata.uid")))
		return fail(error, ST_INVALID,
			    "error processing ephemeral volume " STR_FMT ": PVC \"" STR_FMT
			    "/" STR_FMT "\" was not created for pod \"" STR_FMT "/" STR_FMT
			    "\" (pod is not the owner)",
			    STR_ARG(own), STR_ARG(ns), STR_ARG(name), STR_ARG(ns),
			    STR_ARG(doc_at_str(pod, "metadata.name")));
	if (doc_at(claim, "metadata.deletionTimestamp"))
		return fail(error, ST_CONFLICT,
			    "error processing PVC " STR_FMT "/" STR_FMT ": PVC is being deleted",
			    STR_ARG(ns), STR_ARG(name));
	if (!str_is(doc_at_str(claim, "status.phase"), "Bound") ||
	    !doc_at_str(claim, "spec.volumeName").len)
		return fail(error, ST_CONFLICT,
			    "error processing PVC " STR_FMT "/" STR_FMT ": PVC is not bound",
			    STR_ARG(ns), STR_ARG(name));
	ret->waits = false;
	return ST_OK;
}

/* Whether a term allows this node, as far as its name says; other labels are the scheduler's. */
static bool term_allows(const struct doc *term, struct str node)
{
	doc_each_item(doc_key(term, "matchExpressions"), e) {
		bool found = false;

		if (!str_is(doc_at_str(e, "key"), "kubernetes.io/hostname") ||
		    !str_is(doc_at_str(e, "operator"), "In"))
			continue;
		doc_each_item(doc_key(e, "values"), value)
			found = found || str_eq(doc_str(value), node);
		if (!found)
			return false;
	}
	return true;
}

static bool reaches(const struct doc *pv, struct str node)
{
	const struct doc *terms = doc_at(pv, "spec.nodeAffinity.required.nodeSelectorTerms");

	doc_each_item(terms, term)
		if (term_allows(term, node))
			return true;
	return !terms;
}

static bool is_managed(const struct doc *pv)
{
	const struct doc *notes = doc_at(pv, "metadata.annotations");
	struct str by = doc_str(doc_get(notes, STR("pv.kubernetes.io/provisioned-by")));

	return str_is(by, "minke/local-path") || str_is(by, "rancher.io/local-path");
}

static enum status take_volume(const struct doc *pv, struct str node, struct volume_source *ret,
			       struct error *error)
{
	const struct doc *spec = doc_key(pv, "spec");

	ret->mount_options = doc_key(spec, "mountOptions");
	if (str_is(doc_at_str(spec, "volumeMode"), "Block"))
		return fail(error, ST_INVALID, "volumeMode Block is not supported");
	if (!reaches(pv, node))
		return fail(error, ST_INVALID,
			    "MountVolume.NodeAffinity check failed for volume \"" STR_FMT
			    "\": no matching NodeSelectorTerms",
			    STR_ARG(ret->volume));
	if ((ret->source = doc_key(spec, "nfs"))) {
		ret->sort = VOLUME_NFS;
		ret->read_only |= doc_at_bool(ret->source, "readOnly", false);
		return ST_OK;
	}
	ret->sort = VOLUME_BOUND;
	ret->managed = is_managed(pv);
	ret->grouped = ret->managed || doc_key(spec, "local");
	ret->source = doc_key(spec, "hostPath");
	if (!ret->source)
		ret->source = doc_key(spec, "local");
	if (ret->source)
		return ST_OK;
	doc_each_pair(spec, key, source)
		if (doc_is(source, DOC_OBJECT) && !str_is(key, "capacity") &&
		    !str_is(key, "claimRef") && !str_is(key, "nodeAffinity"))
			return refuse(key, error);
	return refuse(STR("unknown"), error);
}

static enum status follow_claim(struct arena *arena, const struct doc *pod,
				const struct doc *volume, const struct pod_sources *sources,
				struct volume_source *ret, struct error *error)
{
	struct str name = volume_claim(arena, pod, volume);
	const struct doc *claim = sources->find(sources->self, STR("PersistentVolumeClaim"), name);
	enum status status = check_claim(pod, volume, name, claim, ret, error);

	if (status != ST_OK)
		return status;
	ret->volume = doc_at_str(claim, "spec.volumeName");
	ret->read_only = doc_at_bool(volume, "persistentVolumeClaim.readOnly", false);
	const struct doc *pv = sources->find(sources->self, STR("PersistentVolume"), ret->volume);

	if (!pv)
		return fail(error, ST_NOT_FOUND, "persistentvolumes \"" STR_FMT "\" not found",
			    STR_ARG(ret->volume));
	return take_volume(pv, sources->node_name, ret, error);
}

enum status volume_resolve(struct arena *arena, const struct doc *pod, const struct doc *volume,
			   const struct pod_sources *sources, struct volume_source *ret_source,
			   struct error *error)
{
	static const struct {
		const char *key;
		enum volume_sort sort;
	} plain[] = {
		{ "emptyDir", VOLUME_EMPTY_DIR },
		{ "hostPath", VOLUME_HOST_PATH },
		{ "nfs", VOLUME_NFS },
		{ "image", VOLUME_IMAGE },
	};

	*ret_source = (struct volume_source){ .sort = VOLUME_FILES };
	if (volume_has_files(volume))
		return ST_OK;
	for (u32 i = 0; i < ARRAY_LEN(plain); i++) {
		ret_source->source = doc_get(volume, str_of(plain[i].key));
		if (!ret_source->source)
			continue;
		ret_source->sort = plain[i].sort;
		ret_source->read_only = plain[i].sort == VOLUME_IMAGE ||
					doc_at_bool(ret_source->source, "readOnly", false);
		return ST_OK;
	}
	if (doc_key(volume, "persistentVolumeClaim") || doc_key(volume, "ephemeral"))
		return follow_claim(arena, pod, volume, sources, ret_source, error);
	doc_each_pair(volume, key, source)
		if (doc_is(source, DOC_OBJECT))
			return refuse(key, error);
	return refuse(STR("unknown"), error);
}
