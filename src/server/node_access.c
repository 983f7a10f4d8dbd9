/* The node authorizer: a table of what every node may, and for the rest the question whether one of
 * its pods refers to the object. */
#include "server/node_access.h"

#include "base/check.h"
#include "server/authenticate.h"
#include "server/state.h"

enum { DEPTH_MAX = 12 };

struct str node_of_user(const struct user *user)
{
	static const char prefix[] = "system:node:";

	if (!user || !user_in_group(user, "system:nodes") ||
	    !str_starts(user->name, str_of(prefix)))
		return STR("");
	return str_from(user->name, sizeof prefix - 1);
}

/* ---- what pods refer to */

/* Where in a pod a name of that kind stands: under `key`, in the field `field`. */
static const struct reference {
	kind_id kind;
	const char *key, *field;
} references[] = {
	{ KIND_Secret, "secret", "secretName" },	 /* a volume */
	{ KIND_Secret, "secret", "name" },		 /* a projected one */
	{ KIND_Secret, "secretRef", "name" },		 /* envFrom, and old volumes' secrets */
	{ KIND_Secret, "secretKeyRef", "name" },	 /* env */
	{ KIND_Secret, "imagePullSecrets", "name" },	 /* a list */
	{ KIND_Secret, "nodePublishSecretRef", "name" }, /* csi */
	{ KIND_Secret, "azureFile", "secretName" },
	{ KIND_ConfigMap, "configMap", "name" },
	{ KIND_ConfigMap, "configMapRef", "name" },
	{ KIND_ConfigMap, "configMapKeyRef", "name" },
	{ KIND_PersistentVolumeClaim, "persistentVolumeClaim", "claimName" },
};

static bool names_it(const struct doc *value, const struct reference *r, struct str name)
{
	if (doc_is(value, DOC_OBJECT))
		return str_eq(doc_at_str(value, r->field), name);
	doc_each_item(value, item)
		if (str_eq(doc_at_str(item, r->field), name))
			return true;
	return false;
}

static bool mentions(const struct doc *d, kind_id kind, struct str name, u32 depth)
{
	if (depth > DEPTH_MAX)
		return false;
	doc_each_item(d, item)
		if (mentions(item, kind, name, depth + 1))
			return true;
	doc_each_pair(d, key, value) {
		for (u32 i = 0; i < ARRAY_LEN(references); i++)
			if (references[i].kind == kind && str_is(key, references[i].key) &&
			    names_it(value, &references[i], name))
				return true;
		if (mentions(value, kind, name, depth + 1))
			return true;
	}
	return false;
}

/* The claim made for an ephemeral volume is called after pod and volume. */
static bool has_ephemeral(struct arena *arena, const struct version *pod, struct str claim)
{
	doc_each_item(doc_at(pod->doc, "spec.volumes"), volume)
		if (doc_key(volume, "ephemeral") &&
		    str_eq(claim, str_format(arena, STR_FMT "-" STR_FMT, STR_ARG(pod->name),
					     STR_ARG(doc_at_str(volume, "name")))))
			return true;
	return false;
}

static bool pod_refers(struct arena *arena, const struct version *pod, kind_id kind,
		       struct str name)
{
	const struct doc *spec = doc_key(pod->doc, "spec");

	if (kind == KIND_ServiceAccount)
		return str_eq(doc_at_str(spec, "serviceAccountName"), name);
	if (kind == KIND_PersistentVolumeClaim && has_ephemeral(arena, pod, name))
		return true;
	return mentions(spec, kind, name, 0);
}

/* A volume is the node's when a claim of one of its pods is bound to it. */
static bool refers_to_volume(struct server *server, struct arena *arena, struct str node,
			     struct str name)
{
	const struct version *volume =
		store_get(server->store, KIND_PersistentVolume, STR(""), name);
	const struct doc *claim = volume ? doc_at(volume->doc, "spec.claimRef") : NULL;

	return claim && node_refers(server, arena, node, KIND_PersistentVolumeClaim,
				    doc_at_str(claim, "namespace"), doc_at_str(claim, "name"));
}

/* The secrets a volume's driver needs stand in the volume. */
static bool volumes_mention(struct server *server, struct arena *arena, struct str node,
			    struct str ns, struct str name)
{
	static const char *const fields[] = { "nodePublishSecretRef", "nodeStageSecretRef",
					      "secretRef", "nodeExpandSecretRef" };
	struct store_iter iter;

	store_iter_start(&iter, server->store, KIND_PersistentVolume, STR(""), STR_NONE, STR_NONE);
	for (struct version *v; (v = store_iter_next(&iter));)
		doc_each_pair(doc_key(v->doc, "spec"), source, value) {
			(void)source;
			for (u32 i = 0; i < ARRAY_LEN(fields); i++) {
				const struct doc *ref = doc_get(value, str_of(fields[i]));

				if (ref && str_eq(doc_at_str(ref, "name"), name) &&
				    str_eq(doc_at_str(ref, "namespace"), ns) &&
				    refers_to_volume(server, arena, node, v->name))
					return true;
			}
		}
	return false;
}

bool node_refers(struct server *server, struct arena *arena, struct str node, kind_id kind,
		 struct str ns, struct str name)
{
	struct version_list pods;

	if (kind == KIND_PersistentVolume)
		return refers_to_volume(server, arena, node, name);
	pods = store_on_node(server->store, arena, node);
	for (u32 i = 0; i < pods.len; i++)
		if (str_eq(pods.at[i]->namespace, ns) && pod_refers(arena, pods.at[i], kind, name))
			return true;
	return kind == KIND_Secret && volumes_mention(server, arena, node, ns, name);
}

/* ---- the rules */

struct node_rule {
	const char *resource, *verbs; /* "pods/status": with its subresource */
};

static const struct node_rule node_rules[] = {
	{ "nodes", "get list watch create update patch" },
	{ "nodes/status", "update patch" },
	{ "services", "get list watch" },
	{ "endpoints", "get list watch" },
	{ "endpointslices", "get list watch" },
	{ "namespaces", "get list watch" },
	{ "runtimeclasses", "get list watch" },
	{ "pods", "create delete" },
	{ "pods/status", "update patch" },
	{ "pods/eviction", "create" },
	{ "persistentvolumeclaims/status", "get update patch" },
	{ "events", "create patch update" },
	{ "tokenreviews", "create" },
	{ "subjectaccessreviews", "create" },
	{ "localsubjectaccessreviews", "create" },
	{ "certificatesigningrequests", "get list watch create" },
	{ "csidrivers", "get list watch" },
	{ "volumeattachments", "get" },
	{ "csinodes", "get create update patch delete" },
};

/* Read only where a pod of the node refers to it. */
static const struct {
	const char *resource;
	kind_id kind;
} referred[] = {
	{ "secrets", KIND_Secret },
	{ "configmaps", KIND_ConfigMap },
	{ "persistentvolumeclaims", KIND_PersistentVolumeClaim },
	{ "persistentvolumes", KIND_PersistentVolume },
	{ "serviceaccounts", KIND_ServiceAccount },
};

static bool has_word(const char *list, struct str word)
{
	struct str rest = str_of(list);

	while (rest.at)
		if (str_eq(str_cut(&rest, ' '), word))
			return true;
	return false;
}

static bool is_read(const struct access *a)
{
	return str_is(a->verb, "get") || str_is(a->verb, "list") || str_is(a->verb, "watch");
}

static bool may_read_pods(struct server *server, const struct access *a, struct str node,
			  struct str *ret_reason)
{
	const struct version *pod;

	if (str_is(a->verb, "get")) {
		pod = store_get(server->store, KIND_Pod, a->ns, a->name);
		if (!pod || str_eq(doc_at_str(pod->doc, "spec.nodeName"), node))
			return true; /* that it is gone is no secret */
		*ret_reason = STR("node can only get pods assigned to itself");
		return false;
	}
	if (str_eq(a->field_node, node))
		return true;
	*ret_reason = STR("can only list/watch pods with spec.nodeName field selector");
	return false;
}

static bool may_use_lease(const struct access *a, struct str node, struct str *ret_reason)
{
	if (!has_word("get create update patch delete", a->verb)) {
		*ret_reason = STR("can only get, create, update, patch, or delete a node lease");
		return false;
	}
	if (!str_is(a->ns, "kube-node-lease")) {
		*ret_reason = STR("can only access leases in the \"kube-node-lease\" system "
				  "namespace");
		return false;
	}
	if (str_is(a->verb, "create") || str_eq(a->name, node))
		return true;
	*ret_reason = STR("can only access node lease with the same name as the requesting node");
	return false;
}

static bool may_read_referred(struct server *server, struct arena *arena, const struct access *a,
			      struct str node, kind_id kind, struct str *ret_reason)
{
	if (!is_read(a) || a->subresource.len) {
		*ret_reason = STR("can only read resources of this type");
		return false;
	}
	if (a->name.len && node_refers(server, arena, node, kind, a->ns, a->name))
		return true;
	*ret_reason = a->name.len ? str_format(arena,
					       "no relationship found between node '" STR_FMT
					       "' and this object",
					       STR_ARG(node))
				  : STR("No Object name found");
	return false;
}

/* Volumes of the built-in provisioner are their node's to empty; it lets go of them at the end. */
static bool is_own_volume(struct server *server, const struct access *a, struct str node)
{
	const struct version *volume;
	const struct doc *labels;

	if (str_is(a->verb, "list") || str_is(a->verb, "watch"))
		return str_eq(a->label_node, node);
	if (!str_is(a->verb, "patch") || a->subresource.len)
		return false;
	volume = store_get(server->store, KIND_PersistentVolume, STR(""), a->name);
	labels = volume ? doc_at(volume->doc, "metadata.labels") : NULL;
	return volume && str_eq(doc_str(doc_get(labels, STR("minke/node"))), node) &&
	       doc_at(volume->doc, "metadata.deletionTimestamp");
}

bool node_may(struct server *server, struct arena *arena, const struct access *a, struct str node,
	      struct str *ret_reason)
{
	struct str what = a->resource;

	if (!a->is_resource)
		return false;
	if (a->subresource.len)
		what = str_format(arena, STR_FMT "/" STR_FMT, STR_ARG(a->resource),
				  STR_ARG(a->subresource));
	if (str_is(what, "persistentvolumes") && is_own_volume(server, a, node))
		return true;
	for (u32 i = 0; i < ARRAY_LEN(referred); i++)
		if (str_is(what, referred[i].resource))
			return may_read_referred(server, arena, a, node, referred[i].kind,
						 ret_reason);
	if (str_is(what, "serviceaccounts/token")) {
		if (str_is(a->verb, "create") &&
		    node_refers(server, arena, node, KIND_ServiceAccount, a->ns, a->name))
			return true;
		*ret_reason = str_format(
			arena, "no relationship found between node '" STR_FMT "' and this object",
			STR_ARG(node));
		return false;
	}
	if (str_is(what, "pods") && is_read(a))
		return may_read_pods(server, a, node, ret_reason);
	if (str_is(what, "leases"))
		return may_use_lease(a, node, ret_reason);
	for (u32 i = 0; i < ARRAY_LEN(node_rules); i++)
		if (str_is(what, node_rules[i].resource))
			return has_word(node_rules[i].verbs, a->verb);
	return false;
}
