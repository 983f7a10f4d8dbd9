/* Which admission step a kind gets, and the small ones. */
#include "server/admission.h"

#include "server/cluster_objects.h"
#include "server/custom.h"
#include "server/node_access.h"
#include "server/object.h"
#include "server/state.h"

enum status admit_namespace(struct call *call, const struct api_kind *kind, struct str ns,
			    struct str name, struct error *error)
{
	const struct api_kind *namespaces = schema_kind(call->server->schema, KIND_Namespace);
	const struct version *there = store_get(call->server->store, KIND_Namespace, STR(""), ns);

	if (!there)
		return fail_not_found(call, namespaces, ns, error);
	if (!object_deleting(there->doc))
		return ST_OK;
	fail_forbidden(call, kind, name, error,
		       "unable to create new content in namespace " STR_FMT
		       " because it is being terminated",
		       STR_ARG(ns));
	if (error) {
		error->causes = ARENA_NEW(call->arena, struct cause);
		error->causes_len = 1;
		error->causes->reason = STR("NamespaceTerminating");
		error->causes->message = str_format(
			call->arena, "namespace " STR_FMT " is being terminated", STR_ARG(ns));
		error->causes->field = STR("metadata.namespace");
	}
	return ST_FORBIDDEN;
}

/* A new namespace is active, and held by the finalizer its controller takes off at the end. */
static const struct doc *new_namespace(struct arena *arena, const struct doc *doc)
{
	const struct doc *finalizers = doc_at(doc, "spec.finalizers");
	bool held = false;

	doc_each_item(finalizers, finalizer)
		held = held || str_is(doc_str(finalizer), "kubernetes");
	if (!held)
		doc = doc_set(arena, doc, "spec.finalizers",
			      doc_append(arena, finalizers, doc_ref_str(arena, STR("kubernetes"))));
	return doc_set_str(arena, doc, "status.phase", STR("Active"));
}

/* DefaultIngressClass: the newest of the classes marked so. */
static const struct doc *with_ingress_class(struct call *call, const struct doc *doc)
{
	struct store_iter iter;
	struct version *found = NULL;

	if (doc_at(doc, "spec.ingressClassName") ||
	    doc_key(doc_at(doc, "metadata.annotations"), "kubernetes.io/ingress.class"))
		return doc;
	store_iter_start(&iter, call->server->store, KIND_IngressClass, STR(""), STR_NONE,
			 STR_NONE);
	for (struct version *class; (class = store_iter_next(&iter));)
		if (str_is(doc_str(doc_key(doc_at(class->doc, "metadata.annotations"),
					   "ingressclass.kubernetes.io/is-default-class")),
			   "true") &&
		    (!found || str_cmp(doc_at_str(class->doc, "metadata.creationTimestamp"),
				       doc_at_str(found->doc, "metadata.creationTimestamp")) > 0))
			found = class;
	if (!found)
		return doc;
	return doc_set_str(call->arena, doc, "spec.ingressClassName",
			   str_copy(call->arena, found->name));
}

enum status admit_create(struct call *call, const struct api_kind *kind, struct str ns,
			 const struct doc *doc, const struct doc **ret_doc, struct error *error)
{
	*ret_doc = doc;
	if (kind->shape)
		return custom_admit(call, kind, error);
	switch (kind->id) {
	case KIND_Namespace:
		*ret_doc = new_namespace(call->arena, doc);
		return ST_OK;
	case KIND_Pod:
		return admit_pod(call, kind, ns, doc, ret_doc, error);
	case KIND_CertificateSigningRequest:
		*ret_doc = certificate_request_new(call, doc);
		return ST_OK;
	case KIND_Ingress:
		*ret_doc = with_ingress_class(call, doc);
		return ST_OK;
	case KIND_PersistentVolume:
	case KIND_PersistentVolumeClaim:
		*ret_doc = admit_storage(call, kind, doc);
		return ST_OK;
	default:
		return ST_OK;
	}
}

enum status admit_finish(struct call *call, const struct api_kind *kind, struct str ns,
			 const struct doc *doc, const struct doc *old, const struct doc **ret_doc,
			 struct error *error)
{
	*ret_doc = doc;
	if (call->warnings && !kind->shape)
		warn_of_volumes(call, doc);
	switch (kind->id) {
	case KIND_Pod:
		return old ? ST_OK : admit_limits(call, kind, ns, doc, ret_doc, error);
	case KIND_PersistentVolumeClaim:
		return old ? admit_resize(call, kind, doc, old, error)
			   : admit_limits(call, kind, ns, doc, ret_doc, error);
	case KIND_Job:
		return old ? ST_OK : admit_job(call, kind, doc, ret_doc, error);
	case KIND_CustomResourceDefinition:
		*ret_doc = custom_definition(call, doc, old);
		return ST_OK;
	case KIND_ValidatingAdmissionPolicyBinding:
		/* Whoever relies on it must know. */
		call_warn(call, "this server does not evaluate expressions in CEL: the policy is "
				"stored, but refuses nothing");
		return ST_OK;
	case KIND_APIService:
		if (doc_is(doc_at(doc, "spec.service"), DOC_OBJECT))
			call_warn(call, "this server does not pass requests on to other API "
					"servers: the group-version is not served");
		*ret_doc = cluster_object_status(call, kind, doc, old);
		return ST_OK;
	case KIND_ServiceCIDR:
		*ret_doc = cluster_object_status(call, kind, doc, old);
		return ST_OK;
	case KIND_Service:
		return admit_service(call, kind, doc, old, ret_doc, error);
	case KIND_Role:
	case KIND_ClusterRole:
	case KIND_RoleBinding:
	case KIND_ClusterRoleBinding:
		return admit_rights(call, kind, ns, doc, old, error);
	default:
		return ST_OK;
	}
}

enum status admit_check(struct call *call, const struct api_kind *kind, struct str ns,
			const struct doc *doc, const struct doc *old, const char *subresource,
			struct error *error)
{
	enum status status =
		admit_node(call, kind, ns, object_name(doc), old ? NODE_UPDATES : NODE_CREATES,
			   subresource, doc, old, error);

	if (status == ST_OK && kind->id == KIND_CertificateSigningRequest)
		status = admit_certificate_request(call, kind, doc, old, subresource, error);
	if (status == ST_OK && (kind->id == KIND_MutatingWebhookConfiguration ||
				kind->id == KIND_ValidatingWebhookConfiguration))
		status = admit_webhooks(call, kind, doc, error);
	if (status == ST_OK && kind->id == KIND_PriorityClass)
		status = admit_priority_class(call, kind, doc, error);
	if (status == ST_OK)
		status = admit_pod_security(call, kind, ns, doc, old, subresource, error);
	return status;
}
