/* Which admission step a kind gets, and the small ones: namespaces and secrets. */
#include "server/admission.h"

#include "doc/build.h"
#include "net/jwt.h"
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

/* The label every namespace carries, so that selectors can name one. */
static const struct doc *name_namespace(struct arena *arena, const struct doc *doc)
{
	const struct doc *meta = doc_key(doc, "metadata"), *labels = doc_key(meta, "labels");
	struct str name = object_name(doc);

	if (str_eq(doc_str(doc_key(labels, "kubernetes.io/metadata.name")), name))
		return doc;
	labels = doc_with(arena, labels, STR("kubernetes.io/metadata.name"),
			  doc_ref_str(arena, name));
	return doc_with(arena, doc, STR("metadata"), doc_with(arena, meta, STR("labels"), labels));
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

/* stringData is only a way to write data without base64; it is never stored. */
static const struct doc *encode_secret(struct arena *arena, const struct doc *doc)
{
	const struct doc *plain = doc_key(doc, "stringData"), *data = doc_key(doc, "data");

	if (!plain)
		return doc;
	doc_each_pair(plain, key, value)
		data = doc_with(arena, data, key,
				doc_ref_str(arena, base64_encode(arena, doc_str(value))));
	return doc_with(arena, doc_with(arena, doc, STR("stringData"), NULL), STR("data"), data);
}

enum status admit_create(struct call *call, const struct api_kind *kind, struct str ns,
			 const struct doc *doc, const struct doc **ret_doc, struct error *error)
{
	*ret_doc = doc;
	switch (kind->id) {
	case KIND_Namespace:
		*ret_doc = new_namespace(call->arena, doc);
		return ST_OK;
	case KIND_Pod:
		return admit_pod(call, kind, ns, doc, ret_doc, error);
	default:
		return ST_OK;
	}
}

enum status admit_finish(struct call *call, const struct api_kind *kind, struct str ns,
			 const struct doc *doc, const struct doc *old, const struct doc **ret_doc,
			 struct error *error)
{
	(void)ns;
	*ret_doc = doc;
	switch (kind->id) {
	case KIND_Namespace:
		*ret_doc = name_namespace(call->arena, doc);
		return ST_OK;
	case KIND_Secret:
		*ret_doc = encode_secret(call->arena, doc);
		return ST_OK;
	case KIND_Service:
		return admit_service(call, kind, doc, old, ret_doc, error);
	default:
		return ST_OK;
	}
}
