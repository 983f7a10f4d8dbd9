/* NodeRestriction: after the authorizer has let a node in, what it writes is looked at. */
#include "doc/json.h"
#include "server/node_access.h"
#include "server/object.h"
#include "server/state.h"

struct writer {
	struct call *call;
	const struct api_kind *kind;
	struct str node, ns, name;
	enum node_deed deed;
	struct str sub;
	const struct doc *doc, *old;
	struct error *error;
};

#define refuse(w, ...) fail_forbidden((w)->call, (w)->kind, (w)->name, (w)->error, __VA_ARGS__)

/* ---- pods */

static bool is_own(const struct writer *w, const struct doc *pod)
{
	return str_eq(doc_at_str(pod, "spec.nodeName"), w->node);
}

/* A mirror stands for a pod the node runs by itself; it may bring no secrets in. */
static enum status check_mirror(const struct writer *w)
{
	static const struct {
		const char *key, *words;
	} refused[] = {
		{ "secretRef", "secrets" },
		{ "secretKeyRef", "secrets" },
		{ "secret", "secrets" },
		{ "imagePullSecrets", "secrets" },
		{ "configMap", "configmaps" },
		{ "configMapRef", "configmaps" },
		{ "configMapKeyRef", "configmaps" },
		{ "persistentVolumeClaim", "persistentvolumeclaims" },
		{ "projected", "projected volumes" },
	};
	const struct doc *spec = doc_key(w->doc, "spec");
	const struct doc *notes = doc_at(w->doc, "metadata.annotations");
	struct str text;

	if (!doc_key(notes, "kubernetes.io/config.mirror"))
		return refuse(w,
			      "pod does not have \"kubernetes.io/config.mirror\" annotation, node "
			      "\"" STR_FMT "\" can only create mirror pods",
			      STR_ARG(w->node));
	if (!is_own(w, w->doc))
		return refuse(w,
			      "node \"" STR_FMT
			      "\" can only create pods with spec.nodeName set to itself",
			      STR_ARG(w->node));
	doc_each_item(doc_at(w->doc, "metadata.ownerReferences"), owner)
		if (!str_is(doc_at_str(owner, "kind"), "Node") ||
		    !str_eq(doc_at_str(owner, "name"), w->node) ||
		    doc_at_bool(owner, "controller", false) == false)
			return refuse(
				w,
				"node \"" STR_FMT
				"\" can only create pods with an owner reference set to itself",
				STR_ARG(w->node));
	if (doc_at_str(spec, "serviceAccountName").len)
		return refuse(w,
			      "node \"" STR_FMT
			      "\" can not create pods that reference a service account",
			      STR_ARG(w->node));
	text = json_text(w->call->arena, spec);
	for (u32 i = 0; i < ARRAY_LEN(refused); i++)
		if (str_find(text, str_format(w->call->arena, "\"%s\":", refused[i].key)) >= 0)
			return refuse(w,
				      "node \"" STR_FMT "\" can not create pods that reference %s",
				      STR_ARG(w->node), refused[i].words);
	return ST_OK;
}

static enum status check_pod_status(const struct writer *w)
{
	const struct doc *is = doc_at(w->doc, "metadata.labels"),
			 *was = doc_at(w->old, "metadata.labels");

	if (!is_own(w, w->old))
		return refuse(w,
			      "node \"" STR_FMT
			      "\" can only update pod status for pods with spec.nodeName set to "
			      "itself",
			      STR_ARG(w->node));
	if (is != was && !(is && was && doc_eq(is, was)))
		return refuse(w, "node \"" STR_FMT "\" cannot update labels through pod status",
			      STR_ARG(w->node));
	return ST_OK;
}

static enum status check_pod(const struct writer *w)
{
	if (str_is(w->sub, "eviction")) {
		if (is_own(w, w->doc))
			return ST_OK;
		return refuse(
			w, "node " STR_FMT " can only evict pods with spec.nodeName set to itself",
			STR_ARG(w->node));
	}
	if (str_is(w->sub, "status"))
		return check_pod_status(w);
	if (w->sub.len)
		return refuse(w,
			      "unexpected pod subresource \"" STR_FMT
			      "\", only 'status' and 'eviction' are allowed",
			      STR_ARG(w->sub));
	if (w->deed == NODE_CREATES)
		return check_mirror(w);
	if (w->deed == NODE_DELETES && is_own(w, w->doc))
		return ST_OK;
	if (w->deed == NODE_DELETES)
		return refuse(w,
			      "node \"" STR_FMT
			      "\" can only delete pods with spec.nodeName set to itself",
			      STR_ARG(w->node));
	return refuse(w,
		      "unexpected operation \"UPDATE\", node \"" STR_FMT
		      "\" can only create and delete mirror pods",
		      STR_ARG(w->node));
}

/* ---- its Node */

static bool is_kubernetes_label(struct str domain)
{
	return str_is(domain, "kubernetes.io") || str_is(domain, "k8s.io") ||
	       str_ends(domain, STR(".kubernetes.io")) || str_ends(domain, STR(".k8s.io"));
}

/* Labels others rely on to keep pods away from a node are not the node's to set. */
static bool may_label(struct str key)
{
	static const char *const own[] = {
		"kubernetes.io/hostname",
		"kubernetes.io/arch",
		"kubernetes.io/os",
		"beta.kubernetes.io/arch",
		"beta.kubernetes.io/os",
		"beta.kubernetes.io/instance-type",
		"node.kubernetes.io/instance-type",
		"node.kubernetes.io/windows-build",
		"topology.kubernetes.io/region",
		"topology.kubernetes.io/zone",
		"failure-domain.beta.kubernetes.io/region",
		"failure-domain.beta.kubernetes.io/zone",
		"failure-domain.kubernetes.io/region",
		"failure-domain.kubernetes.io/zone",
	};
	i64 slash = str_find_char(key, '/');
	struct str domain = slash < 0 ? STR("") : str_part(key, 0, (size_t)slash);

	if (!is_kubernetes_label(domain) || str_ends(domain, STR("kubelet.kubernetes.io")) ||
	    (str_ends(domain, STR("node.kubernetes.io"))))
		return true;
	for (u32 i = 0; i < ARRAY_LEN(own); i++)
		if (str_is(key, own[i]))
			return true;
	return false;
}

static bool differs(const struct doc *a, const struct doc *b)
{
	return a != b && !(a && b && doc_eq(a, b));
}

static struct str forbidden_labels(const struct writer *w)
{
	const struct doc *is = doc_at(w->doc, "metadata.labels"),
			 *was = doc_at(w->old, "metadata.labels");
	struct arena *arena = w->call->arena;
	struct str found = STR("");

	for (u32 pass = 0; pass < 2; pass++)
		doc_each_pair(pass ? was : is, key, value) {
			const struct doc *other = doc_get(pass ? is : was, key);

			if ((pass && other) || !differs(value, other) || may_label(key))
				continue;
			found = str_format(arena, STR_FMT "%s" STR_FMT, STR_ARG(found),
					   found.len ? ", " : "", STR_ARG(key));
		}
	return found;
}

static enum status check_node(const struct writer *w)
{
	struct str labels;

	if (w->name.len && !str_eq(w->name, w->node))
		return refuse(w,
			      "node \"" STR_FMT "\" is not allowed to modify node \"" STR_FMT "\"",
			      STR_ARG(w->node), STR_ARG(w->name));
	if (w->deed == NODE_DELETES)
		return refuse(w, "node \"" STR_FMT "\" is not allowed to delete itself",
			      STR_ARG(w->node));
	labels = forbidden_labels(w);
	if (labels.len && w->deed == NODE_CREATES)
		return refuse(w,
			      "node \"" STR_FMT
			      "\" is not allowed to set the following labels: " STR_FMT,
			      STR_ARG(w->node), STR_ARG(labels));
	if (labels.len)
		return refuse(w, "node \"" STR_FMT "\" is not allowed to modify labels: " STR_FMT,
			      STR_ARG(w->node), STR_ARG(labels));
	if (w->deed == NODE_UPDATES &&
	    differs(doc_at(w->doc, "spec.taints"), doc_at(w->old, "spec.taints")))
		return refuse(w, "node \"" STR_FMT "\" is not allowed to modify taints",
			      STR_ARG(w->node));
	return ST_OK;
}

/* ---- tokens and leases */

static enum status check_token(const struct writer *w)
{
	const struct doc *bound = doc_at(w->doc, "spec.boundObjectRef");
	const struct version *pod;

	if (!str_is(doc_at_str(bound, "kind"), "Pod") || !doc_at_str(bound, "name").len)
		return refuse(w, "node requested token not bound to a pod");
	if (!doc_at_str(bound, "uid").len)
		return refuse(w, "node requested token with a pod binding without a uid");
	pod = store_get(w->call->server->store, KIND_Pod, w->ns, doc_at_str(bound, "name"));
	if (!pod || !str_eq(pod->uid, doc_at_str(bound, "uid")))
		return refuse(w,
			      "the UID in the bound object reference (" STR_FMT
			      ") does not match the UID in record. The object might have been "
			      "deleted and then recreated",
			      STR_ARG(doc_at_str(bound, "uid")));
	if (!is_own(w, pod->doc))
		return refuse(w,
			      "node requested token bound to a pod scheduled on a different node");
	return ST_OK;
}

static enum status check_lease(const struct writer *w)
{
	if (!str_is(w->ns, "kube-node-lease"))
		return refuse(w, "can only access leases in the \"kube-node-lease\" system "
				 "namespace");
	if (!str_eq(w->name, w->node))
		return refuse(w, "can only access node lease with the same name as the requesting "
				 "node");
	return ST_OK;
}

/* A node lets go of a volume it has emptied, and changes nothing else of it. */
static enum status check_volume(const struct writer *w)
{
	static const char *const kept[] = { "spec", "metadata.labels", "metadata.annotations",
					    "metadata.ownerReferences" };

	for (u32 i = 0; i < ARRAY_LEN(kept) && w->deed == NODE_UPDATES; i++) {
		const struct doc *is = doc_at(w->doc, kept[i]), *was = doc_at(w->old, kept[i]);

		if (is != was && !(is && was && doc_eq(is, was)))
			return refuse(w,
				      "node \"" STR_FMT
				      "\" can only update the finalizers of its local volumes",
				      STR_ARG(w->node));
	}
	return ST_OK;
}

enum status admit_node(struct call *call, const struct api_kind *kind, struct str ns,
		       struct str name, enum node_deed deed, const char *subresource,
		       const struct doc *doc, const struct doc *old, struct error *error)
{
	struct writer w = {
		.call = call,
		.kind = kind,
		.node = node_of_user(call->user),
		.ns = ns,
		.name = name,
		.deed = deed,
		.sub = str_of(subresource),
		.doc = doc,
		.old = old,
		.error = error,
	};

	if (!w.node.len)
		return ST_OK;
	switch (kind->id) {
	case KIND_Pod:
		return check_pod(&w);
	case KIND_Node:
		return check_node(&w);
	case KIND_Lease:
		return check_lease(&w);
	case KIND_PersistentVolume:
		return check_volume(&w);
	case KIND_ServiceAccount:
		return w.sub.len ? check_token(&w) : ST_OK;
	default:
		return ST_OK;
	}
}
