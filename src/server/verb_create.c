/* create: names, metadata, and the two kinds of create that store nothing. */
#include "doc/build.h"
#include "server/admission.h"
#include "server/object.h"
#include "server/state.h"
#include "server/webhook.h"
#include "server/subresource.h"
#include "server/write.h"

enum {
	GENERATED_CHARACTERS = 5,
	GENERATED_BASE_MAX = 63 - GENERATED_CHARACTERS,
	GENERATE_TRIES = 8,
};

static enum status check_body_place(const struct api_kind *kind, struct str ns, struct str name,
				    const struct doc *meta, struct error *error)
{
	struct str body_ns = doc_str(doc_key(meta, "namespace"));
	struct str body_name = doc_str(doc_key(meta, "name"));

	if (!doc_is_null(meta) && !doc_is(meta, DOC_OBJECT))
		return fail(error, ST_BAD_REQUEST, "metadata is no object");
	if (kind->namespaced && body_ns.len && !str_eq(body_ns, ns))
		return fail(error, ST_BAD_REQUEST,
			    "the namespace of the provided object does not match the namespace "
			    "sent on the request");
	if (name.len && body_name.len && !str_eq(body_name, name))
		return fail(error, ST_BAD_REQUEST,
			    "the name of the object (" STR_FMT
			    ") does not match the name on the URL (" STR_FMT ")",
			    STR_ARG(body_name), STR_ARG(name));
	return ST_OK;
}

/* A name of base + five random characters, cut so that it fits a DNS label. */
static struct str generate_name(struct call *call, struct str base)
{
	char tail[GENERATED_CHARACTERS];

	random_name(webhook_dice(call), tail, GENERATED_CHARACTERS);
	return str_format(call->arena, STR_FMT "%.*s",
			  STR_ARG(str_part(base, 0, GENERATED_BASE_MAX)), GENERATED_CHARACTERS,
			  tail);
}

/* The name to take: the body's own, or a generated one nobody has. */
static enum status choose_name(struct call *call, const struct api_kind *kind, struct str ns,
			       const struct doc *meta, struct str *ret_name, struct error *error)
{
	struct str base = doc_str(doc_key(meta, "generateName"));
	struct version *there;

	*ret_name = doc_str(doc_key(meta, "name"));
	if (ret_name->len == 0 && base.len == 0)
		return fail_invalid(call, kind, STR(""), error, "FieldValueRequired",
				    "metadata.name",
				    "Required value: name or generateName is required");
	if (ret_name->len == 0) {
		for (u32 i = 0; i < GENERATE_TRIES; i++) {
			*ret_name = generate_name(call, base);
			if (!store_get(call->server->store, kind->id, ns, *ret_name))
				return ST_OK;
		}
		return fail_exists(call, kind, *ret_name, false, error);
	}
	there = store_get(call->server->store, kind->id, ns, *ret_name);
	if (there)
		return fail_exists(call, kind, *ret_name, object_deleting(there->doc), error);
	return ST_OK;
}

/* What the server writes into the metadata of something new. */
static const struct doc *new_metadata(struct call *call, const struct api_kind *kind, struct str ns,
				      struct str name, const struct doc *meta)
{
	struct build b = build_object(call->arena);

	build_str(&b, "name", name);
	build_str_if(&b, "generateName", doc_str(doc_key(meta, "generateName")));
	if (kind->namespaced)
		build_str(&b, "namespace", ns);
	build_str(&b, "uid", call_uuid(call));
	if (kind_has_generation(kind))
		build_int(&b, "generation", 1);
	build_str(&b, "creationTimestamp", call_now(call));
	build_doc(&b, "labels", doc_key(meta, "labels"));
	build_doc(&b, "annotations", doc_key(meta, "annotations"));
	build_doc(&b, "ownerReferences", doc_key(meta, "ownerReferences"));
	build_doc(&b, "finalizers", doc_key(meta, "finalizers"));
	build_doc(&b, "managedFields", doc_key(meta, "managedFields"));
	return build_done(&b);
}

static enum status create_object(struct call *call, const struct api_kind *kind, struct str ns,
				 const struct doc *body, struct outcome *ret_outcome,
				 struct error *error)
{
	const struct api_kind *stored = kind->stored;
	const struct doc *doc, *meta;
	struct str name;
	enum status status = object_decode(call, kind, body, &doc, error);

	if (status != ST_OK)
		return status;
	meta = doc_key(doc, "metadata");
	status = check_body_place(kind, ns, STR(""), meta, error);
	if (status == ST_OK && doc_str(doc_key(meta, "resourceVersion")).len &&
	    !str_is(doc_str(doc_key(meta, "resourceVersion")), "0"))
		status = fail(error, ST_BAD_REQUEST,
			      "resourceVersion should not be set on objects to be created");
	if (status == ST_OK && kind->namespaced)
		status = admit_namespace(call, kind, ns, doc_str(doc_key(meta, "name")), error);
	if (status == ST_OK)
		status = choose_name(call, kind, ns, meta, &name, error);
	if (status != ST_OK)
		return status;
	if (!kind->namespaced)
		ns = STR("");
	meta = new_metadata(call, stored, ns, name, meta);
	doc = doc_with(call->arena, doc, STR("metadata"), meta);
	if (stored->has_status)
		doc = doc_with(call->arena, doc, STR("status"), NULL);
	return write_create(call, kind, ns, name, doc, ret_outcome, error);
}

/* bindings: the old way to say pods/NAME/binding. */
static enum status create_bindings(struct call *call, struct str ns, const struct doc *body,
				   struct outcome *ret_outcome, struct error *error)
{
	const struct api_kind *pods = schema_kind(call->server->schema, KIND_Pod);

	return verb_create(call, pods, ns, object_name(body), STR("binding"), body, ret_outcome,
			   error);
}

static enum status create(struct call *call, const struct api_kind *kind, struct str ns,
			  struct str name, struct str subresource, const struct doc *body,
			  struct outcome *ret_outcome, struct error *error)
{
	const struct subresource *sub;
	struct version *object;

	if (subresource.len == 0) {
		if (str_is(kind->plural, "bindings"))
			return create_bindings(call, ns, body, ret_outcome, error);
		if (!(kind->verbs & API_VERB_GET))
			return review_create(call, kind, ns, body, ret_outcome, error);
		return create_object(call, kind, ns, body, ret_outcome, error);
	}
	sub = subresource_find(kind, subresource);
	if (!sub || !sub->create)
		return fail(error, sub ? ST_METHOD_NOT_ALLOWED : ST_NOT_FOUND,
			    sub ? "the server does not allow this method on the requested resource"
				: "the server could not find the requested resource");
	enum status status = check_body_place(kind, ns, name, doc_key(body, "metadata"), error);

	if (status != ST_OK)
		return status;
	object = store_get(call->server->store, kind->id, ns, name);
	if (!object)
		return fail_not_found(call, kind, name, error);
	version_hold(call->arena, object);
	return sub->create(call, kind, object, body, ret_outcome, error);
}

enum status verb_create(struct call *call, const struct api_kind *kind, struct str ns,
			struct str name, struct str subresource, const struct doc *body,
			struct outcome *ret_outcome, struct error *error)
{
	struct webhook_scope scope = webhook_open(call, 'c', kind, ns, name, subresource, body);

	return webhook_close(call, scope,
			     create(call, kind, ns, name, subresource, body, ret_outcome, error),
			     error);
}
