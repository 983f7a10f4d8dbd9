/* get, update and patch: of objects and of the parts that have their own address. */
#include "doc/patch_json.h"
#include "doc/patch_merge.h"
#include "doc/patch_strategic.h"
#include "server/apply.h"
#include "server/object.h"
#include "schema/patch_schema.h"
#include "server/state.h"
#include "server/subresource.h"
#include "server/webhook.h"
#include "server/write.h"

static const struct subresource subresources[] = {
	{ "status", NULL, status_get, NULL, status_update },
	{ "scale", NULL, scale_get, NULL, scale_update },
	{ "finalize", "Namespace", NULL, NULL, finalize_update },
	{ "approval", "CertificateSigningRequest", status_get, NULL, approval_update },
	{ "binding", "Pod", NULL, binding_create, NULL },
	{ "eviction", "Pod", NULL, eviction_create, NULL },
	{ "ephemeralcontainers", "Pod", status_get, NULL, ephemeral_update },
	{ "resize", "Pod", status_get, NULL, resize_update },
	{ "why", "Pod", why_get, NULL, NULL },
	{ "token", "ServiceAccount", NULL, token_create, NULL },
};

const struct subresource *subresource_find(const struct api_kind *kind, struct str name)
{
	for (u32 i = 0; i < ARRAY_LEN(subresources); i++) {
		const struct subresource *s = &subresources[i];

		if (!str_is(name, s->name) || (s->kind && !str_is(kind->kind, s->kind)))
			continue;
		if (str_is(name, "status") && !kind->has_status)
			return NULL;
		if (str_is(name, "scale") && !kind->has_scale)
			return NULL;
		return s;
	}
	return NULL;
}

/* The stored object, and the subresource's table entry when one is named. */
static enum status find(struct call *call, const struct api_kind *kind, struct str ns,
			struct str name, struct str subresource, struct version **ret_object,
			const struct subresource **ret_sub, struct error *error)
{
	*ret_sub = NULL;
	if (subresource.len) {
		*ret_sub = subresource_find(kind, subresource);
		if (!*ret_sub)
			return fail(error, ST_NOT_FOUND,
				    "the server could not find the requested resource");
	}
	*ret_object = store_get(call->server->store, kind->id, ns, name);
	if (!*ret_object)
		return fail_not_found(call, kind, name, error);
	version_hold(call->arena, *ret_object);
	return ST_OK;
}

static enum status not_allowed(struct error *error)
{
	return fail(error, ST_METHOD_NOT_ALLOWED,
		    "the server does not allow this method on the requested resource");
}

enum status verb_get(struct call *call, const struct api_kind *kind, struct str ns, struct str name,
		     struct str subresource, struct outcome *ret_outcome, struct error *error)
{
	const struct subresource *sub;
	struct version *object;
	enum status status = find(call, kind, ns, name, subresource, &object, &sub, error);

	if (status != ST_OK)
		return status;
	if (sub)
		return sub->get ? sub->get(call, kind, object, ret_outcome, error)
				: not_allowed(error);
	outcome_of_version(call, kind, object, ret_outcome);
	return ST_OK;
}

/* ---- update */

static enum status check_place(const struct api_kind *kind, const struct version *old,
			       const struct doc *body, struct error *error)
{
	const struct doc *meta = doc_key(body, "metadata");
	struct str ns = doc_str(doc_key(meta, "namespace")), name = doc_str(doc_key(meta, "name"));

	if (kind->namespaced && ns.len && !str_eq(ns, old->namespace))
		return fail(error, ST_BAD_REQUEST,
			    "the namespace of the provided object does not match the namespace "
			    "sent on the request");
	if (name.len && !str_eq(name, old->name))
		return fail(error, ST_BAD_REQUEST,
			    "the name of the object (" STR_FMT
			    ") does not match the name on the URL (" STR_FMT ")",
			    STR_ARG(name), STR_ARG(old->name));
	return ST_OK;
}

/* An update of the object or of its status from a body in the shape the client asked for. */
static enum status update_whole(struct call *call, const struct api_kind *kind, struct version *old,
				const struct doc *body, const char *subresource,
				struct outcome *ret_outcome, struct error *error)
{
	const struct doc *doc;
	enum status status = object_decode(call, kind, body, &doc, error);

	if (status == ST_OK)
		status = check_place(kind, old, doc, error);
	if (status != ST_OK)
		return status;
	return write_update(call, kind, old, doc, subresource, ret_outcome, error);
}

enum status status_get(struct call *call, const struct api_kind *kind, struct version *object,
		       struct outcome *ret_outcome, struct error *error)
{
	(void)error;
	outcome_of_version(call, kind, object, ret_outcome);
	return ST_OK;
}

enum status status_update(struct call *call, const struct api_kind *kind, struct version *object,
			  const struct doc *body, struct outcome *ret_outcome, struct error *error)
{
	return update_whole(call, kind, object, body, "status", ret_outcome, error);
}

/* Namespaces go when their own finalizers, which stand in the spec, are gone. */
enum status finalize_update(struct call *call, const struct api_kind *kind, struct version *object,
			    const struct doc *body, struct outcome *ret_outcome,
			    struct error *error)
{
	const struct doc *finalizers = doc_at(body, "spec.finalizers");
	const struct doc *doc = doc_set(call->arena, object->doc, "spec.finalizers", finalizers);
	struct str revision = doc_at_str(body, "metadata.resourceVersion");

	if (revision.len)
		doc = doc_set_str(call->arena, doc, "metadata.resourceVersion", revision);
	return write_update(call, kind, object, doc, "finalize", ret_outcome, error);
}

static enum status update(struct call *call, const struct api_kind *kind, struct str ns,
			  struct str name, struct str subresource, const struct doc *body,
			  struct outcome *ret_outcome, struct error *error)
{
	const struct subresource *sub;
	struct version *object;
	enum status status = find(call, kind, ns, name, subresource, &object, &sub, error);

	if (status != ST_OK)
		return status;
	if (sub)
		return sub->update ? sub->update(call, kind, object, body, ret_outcome, error)
				   : not_allowed(error);
	return update_whole(call, kind, object, body, NULL, ret_outcome, error);
}

/* ---- patch */

static enum status apply_patch(struct call *call, const struct api_kind *kind, enum patch_type type,
			       const struct doc *target, const struct doc *patch,
			       const struct doc **ret_doc, struct error *error)
{
	struct patch_schema schema = patch_schema_of(kind);
	enum status status;

	if (type == PATCH_STRATEGIC && kind->shape)
		return fail(error, ST_UNSUPPORTED_MEDIA,
			    "the body of the request was in an unknown format - accepted media "
			    "types include: application/json-patch+json, "
			    "application/merge-patch+json, application/apply-patch+yaml");
	if (type == PATCH_JSON) {
		struct error why = ERROR_INIT;

		status = patch_json(call->arena, target, patch, ret_doc, &why);
		if (status == ST_INVALID)
			return fail(error, ST_INVALID,
				    "the server rejected our request due to an error in our "
				    "request: %s",
				    why.message);
		if (status != ST_OK)
			return fail(error, status, "%s", why.message);
		return ST_OK;
	}
	if (!doc_is(patch, DOC_OBJECT))
		return fail(error, ST_BAD_REQUEST,
			    "json: cannot unmarshal %s into Go value of type "
			    "map[string]interface {}",
			    doc_is(patch, DOC_ARRAY)				  ? "array"
			    : doc_is(patch, DOC_STRING)				  ? "string"
			    : doc_is(patch, DOC_TRUE) || doc_is(patch, DOC_FALSE) ? "bool"
										  : "number");
	if (type == PATCH_STRATEGIC)
		return patch_strategic(call->arena, &schema, target, patch, ret_doc, error);
	*ret_doc = patch_merge(call->arena, target, patch);
	return ST_OK;
}

static enum status apply(struct call *call, const struct api_kind *kind, struct str ns,
			 struct str name, struct str subresource, bool force,
			 const struct doc *body, struct outcome *ret_outcome, struct error *error)
{
	struct version *object = store_get(call->server->store, kind->id, ns, name);

	if (subresource.len && (!str_is(subresource, "status") || !kind->has_status))
		return fail(error, ST_UNSUPPORTED_MEDIA,
			    "server-side apply is served for objects and their status; use a merge "
			    "patch");
	if (!object && subresource.len)
		return fail_not_found(call, kind, name, error);
	if (object)
		version_hold(call->arena, object);
	return apply_patch_of(call, kind, ns, name, subresource, object, force, body, ret_outcome,
			      error);
}

static enum status patch_object(struct call *call, const struct api_kind *kind, struct str ns,
				struct str name, struct str subresource, enum patch_type type,
				bool force, const struct doc *patch, struct outcome *ret_outcome,
				struct error *error)
{
	const struct subresource *sub;
	struct version *object;
	struct outcome now;
	const struct doc *changed;
	enum status status;

	if (type == PATCH_APPLY)
		return apply(call, kind, ns, name, subresource, force, patch, ret_outcome, error);
	status = find(call, kind, ns, name, subresource, &object, &sub, error);
	if (status != ST_OK)
		return status;
	if (sub && (!sub->get || !sub->update))
		return not_allowed(error);
	/* What is patched is what a get shows, in the version of the API asked for. */
	if (sub)
		status = sub->get(call, kind, object, &now, error);
	else
		now.doc = object_show(call->arena, kind, object->doc);
	if (status == ST_OK)
		status = apply_patch(call, kind, type, now.doc, patch, &changed, error);
	if (status != ST_OK)
		return status;
	if (sub)
		return sub->update(call, kind, object, changed, ret_outcome, error);
	return update_whole(call, kind, object, changed, NULL, ret_outcome, error);
}

enum status verb_update(struct call *call, const struct api_kind *kind, struct str ns,
			struct str name, struct str subresource, const struct doc *body,
			struct outcome *ret_outcome, struct error *error)
{
	struct webhook_scope scope = webhook_open(call, 'u', kind, ns, name, subresource, body);

	return webhook_close(call, scope,
			     update(call, kind, ns, name, subresource, body, ret_outcome, error),
			     error);
}

enum status verb_patch(struct call *call, const struct api_kind *kind, struct str ns,
		       struct str name, struct str subresource, enum patch_type type, bool force,
		       const struct doc *patch, struct outcome *ret_outcome, struct error *error)
{
	struct webhook_scope scope = webhook_open(call, 'p', kind, ns, name, subresource, patch);

	return webhook_close(call, scope,
			     patch_object(call, kind, ns, name, subresource, type, force, patch,
					  ret_outcome, error),
			     error);
}
