/*
 * Every write ends here. Order as in k8s.io/apiserver's registry: what may not change is put back,
 * preconditions are checked, admission has its say, the schema validates, the store takes it.
 */
#include "server/write.h"

#include "base/check.h"
#include "schema/default.h"
#include "schema/validate.h"
#include "server/admission.h"
#include "server/managed_fields.h"
#include "server/object.h"
#include "server/quota.h"
#include "server/state.h"
#include "server/webhook.h"

void outcome_of_doc(struct call *call, const struct api_kind *kind, const struct doc *doc,
		    struct outcome *ret_outcome)
{
	*ret_outcome = (struct outcome){ .doc = object_show(call->arena, kind, doc) };
}

static enum status validate(struct call *call, const struct api_kind *kind, const struct doc *doc,
			    const struct doc *old, const char *subresource, struct error *error)
{
	struct violations violations = { 0 };

	schema_validate(call->arena, call->server->schema, kind, doc, old, subresource,
			&violations);
	return violations_fail(&violations, kind, object_name(doc), error);
}

static enum status store_it(struct call *call, const struct api_kind *kind, struct str ns,
			    struct str name, const struct doc *doc, struct outcome *ret_outcome,
			    struct error *error)
{
	struct version *version;
	enum status status;

	if (call->dry_run) {
		outcome_of_doc(call, kind, doc, ret_outcome);
		return ST_OK;
	}
	status = store_put(call->server->store, kind->id, ns, name, doc, &version, error);
	if (status == ST_OK)
		outcome_of_version(call, kind, version, ret_outcome);
	return status;
}

/* What admission adds is nobody's: the entries are made of what was asked for. */
static const struct doc *track_created(struct call *call, const struct api_kind *kind,
				       const struct doc *doc, const struct doc *asked)
{
	if (asked != doc)
		asked = schema_default(call->arena, call->server->schema, kind->stored, asked);
	asked = managed_fields_track(call, kind, asked, NULL, NULL);
	return doc_set(call->arena, doc, "metadata.managedFields",
		       doc_at(asked, "metadata.managedFields"));
}

/* Webhooks change it; then what the server itself adds is looked at again: a container brought in
 * from outside needs defaults, limits and a token as well. */
static enum status mutate(struct call *call, const struct webhook_subject *subject,
			  const struct doc **doc, struct error *error)
{
	const struct api_kind *stored = subject->kind->stored;
	const struct doc *changed;
	enum status status = webhook_mutate(call, subject, &changed, error);

	if (status != ST_OK || changed == *doc)
		return status;
	if (stored->id == KIND_Pod && !subject->old)
		status = admit_create(call, stored, subject->ns, changed, &changed, error);
	if (status != ST_OK)
		return status;
	*doc = schema_default(call->arena, call->server->schema, stored, changed);
	if (stored->id == KIND_Pod && !subject->old)
		status = admit_finish(call, stored, subject->ns, *doc, NULL, doc, error);
	return status;
}

enum status write_create(struct call *call, const struct api_kind *kind, struct str ns,
			 struct str name, const struct doc *doc, struct outcome *ret_outcome,
			 struct error *error)
{
	const struct api_kind *stored = kind->stored;
	const struct doc *asked = doc;
	enum status status = admit_create(call, stored, ns, doc, &doc, error);

	if (status == ST_OK) {
		bool changed = doc != asked;

		doc = schema_default(call->arena, call->server->schema, stored, doc);
		if (call->tracked)
			doc = track_created(call, kind, doc, changed ? asked : doc);
		status = admit_finish(call, stored, ns, doc, NULL, &doc, error);
	}
	struct webhook_subject subject = { .kind = kind, .ns = ns, .name = name, .object = doc };

	if (status == ST_OK)
		status = mutate(call, &subject, &doc, error);
	subject.object = doc;
	if (status == ST_OK)
		status = validate(call, stored, doc, NULL, NULL, error);
	if (status == ST_OK)
		status = admit_check(call, stored, ns, doc, NULL, NULL, error);
	if (status == ST_OK)
		status = webhook_validate(call, &subject, error);
	if (status == ST_OK && stored->namespaced)
		status = admit_quota(call, stored, ns, doc, NULL, error);
	if (status == ST_OK)
		status = store_it(call, kind, ns, name, doc, ret_outcome, error);
	if (status == ST_OK)
		ret_outcome->created = true;
	return status;
}

enum status write_remove(struct call *call, const struct api_kind *kind, struct version *old,
			 const struct doc *last, struct outcome *ret_outcome, struct error *error)
{
	struct version *tombstone;
	enum status status;

	if (call->dry_run) {
		outcome_of_doc(call, kind, last, ret_outcome);
		ret_outcome->gone = true;
		return ST_OK;
	}
	version_hold(call->arena, old); /* its names are read while it goes */
	status = store_remove(call->server->store, kind->id, old->namespace, old->name, last,
			      &tombstone, error);
	if (status != ST_OK)
		return status;
	outcome_of_version(call, kind, tombstone, ret_outcome);
	ret_outcome->gone = true;
	return ST_OK;
}

/* ---- update */

static enum status check_preconditions(struct call *call, const struct api_kind *kind,
				       const struct version *old, const struct doc *meta,
				       struct error *error)
{
	struct str revision = doc_str(doc_key(meta, "resourceVersion"));
	struct str uid = doc_str(doc_key(meta, "uid"));

	if (uid.len && !str_eq(uid, old->uid))
		return fail_conflict(call, kind, old->name, error,
				     "Precondition failed: UID in precondition: " STR_FMT
				     ", UID in object meta: " STR_FMT,
				     STR_ARG(uid), STR_ARG(old->uid));
	if (revision.len == 0 || str_is(revision, "0"))
		return ST_OK;

	i64 number;

	if (!str_to_i64(revision, &number) || number < 0)
		return fail_invalid(call, kind, old->name, error, "FieldValueInvalid",
				    "metadata.resourceVersion",
				    "Invalid value: \"" STR_FMT
				    "\": strconv.ParseUint: parsing \"" STR_FMT
				    "\": invalid syntax",
				    STR_ARG(revision), STR_ARG(revision));
	if ((u64)number != old->revision)
		return fail_conflict(call, kind, old->name, error,
				     "the object has been modified; please apply your changes to "
				     "the latest version and try again");
	return ST_OK;
}

/* Metadata only the server writes is taken over from `old`, whatever the client sent. */
static const struct doc *keep_metadata(struct arena *arena, const struct doc *meta,
				       const struct doc *old)
{
	static const char *const kept[] = {
		"namespace",	     "name",
		"generateName",	     "uid",
		"creationTimestamp", "deletionTimestamp",
		"generation",	     "deletionGracePeriodSeconds",
		"selfLink",	     "resourceVersion",
	};

	for (u32 i = 0; i < ARRAY_LEN(kept); i++) {
		struct str key = str_of(kept[i]);
		const struct doc *was = doc_get(old, key), *is = doc_get(meta, key);

		if (was != is && !(was && is && doc_eq(was, is)))
			meta = doc_with(arena, meta, key, was);
	}
	/* Whose field is whose outlives a body that does not know of it. */
	if (!doc_key(meta, "managedFields") && doc_key(old, "managedFields"))
		meta = doc_with(arena, meta, STR("managedFields"), doc_key(old, "managedFields"));
	return meta;
}

/* The status is written through its own address only, and nothing else is written there. */
static const struct doc *keep_parts(struct arena *arena, const struct api_kind *kind,
				    const struct doc *doc, const struct doc *old,
				    const char *subresource)
{
	if (subresource && str_is(STR("status"), subresource)) {
		const struct doc *meta = doc_key(old, "metadata"), *new = doc_key(doc, "metadata");
		const struct doc *status = doc_key(doc, "status");

		meta = doc_with(arena, meta, STR("annotations"), doc_key(new, "annotations"));
		meta = doc_with(arena, meta, STR("managedFields"), doc_key(new, "managedFields"));
		if (str_is(kind->kind, "Pod") || str_is(kind->kind, "Node"))
			meta = doc_with(arena, meta, STR("labels"), doc_key(new, "labels"));
		doc = doc_with(arena, old, STR("status"), status);
		return doc_with(arena, doc, STR("metadata"), meta);
	}
	if (kind->has_status && !subresource)
		doc = doc_with(arena, doc, STR("status"), doc_key(old, "status"));
	return doc;
}

static enum status check_finalizers(struct call *call, const struct api_kind *kind,
				    const struct doc *doc, const struct doc *old,
				    struct error *error)
{
	const struct doc *was = doc_at(old, "metadata.finalizers");

	if (!object_deleting(old))
		return ST_OK;
	doc_each_item(doc_at(doc, "metadata.finalizers"), finalizer) {
		bool known = false;

		doc_each_item(was, before)
			known = known || str_eq(doc_str(before), doc_str(finalizer));
		if (!known)
			return fail_invalid(call, kind, object_name(doc), error,
					    "FieldValueForbidden", "metadata.finalizers",
					    "Forbidden: no new finalizers can be added if the "
					    "object is being deleted, found new finalizers "
					    "[]string{\"" STR_FMT "\"}",
					    STR_ARG(doc_str(finalizer)));
	}
	return ST_OK;
}

/* Kinds without a spec count any change outside metadata and status. */
static bool spec_changed(const struct doc *doc, const struct doc *old)
{
	if (doc_key(doc, "spec") || doc_key(old, "spec")) {
		const struct doc *a = doc_key(doc, "spec"), *b = doc_key(old, "spec");

		return !a || !b || !doc_eq(a, b);
	}
	doc_each_pair(doc, key, value) {
		const struct doc *was = doc_get(old, key);

		if (str_is(key, "metadata") || str_is(key, "status"))
			continue;
		if (!was || !doc_eq(value, was))
			return true;
	}
	return doc_len(doc) != doc_len(old);
}

/* Nothing keeps a deleted object any more: no finalizer, no grace, no namespace's own. */
static bool may_go(const struct api_kind *kind, const struct doc *doc)
{
	if (!object_deleting(doc) || object_has_finalizers(doc))
		return false;
	if (kind->id == KIND_Namespace)
		return doc_len(doc_at(doc, "spec.finalizers")) == 0;
	return doc_at_int(doc, "metadata.deletionGracePeriodSeconds", 0) == 0;
}

enum status write_update(struct call *call, const struct api_kind *kind, struct version *old,
			 const struct doc *doc, const char *subresource,
			 struct outcome *ret_outcome, struct error *error)
{
	const struct api_kind *stored = kind->stored;
	struct arena *arena = call->arena;
	const struct doc *meta = doc_key(doc, "metadata"),
			 *old_meta = doc_key(old->doc, "metadata");
	enum status status = check_preconditions(call, kind, old, meta, error);

	if (status != ST_OK)
		return status;
	version_hold(arena, old);
	doc = doc_with(arena, doc, STR("metadata"), keep_metadata(arena, meta, old_meta));
	doc = keep_parts(arena, stored, doc, old->doc, subresource);
	doc = schema_default(arena, call->server->schema, stored, doc);
	doc = managed_fields_track(call, kind, doc, old->doc, subresource);
	status = admit_finish(call, stored, old->namespace, doc, old->doc, &doc, error);
	struct webhook_subject subject = {
		.kind = kind,
		.ns = old->namespace,
		.name = old->name,
		.subresource = str_of(subresource),
		.operation = WEBHOOK_UPDATE,
		.object = doc,
		.old = old->doc,
	};

	if (status == ST_OK)
		status = mutate(call, &subject, &doc, error);
	subject.object = doc;
	if (status == ST_OK)
		status = check_finalizers(call, stored, doc, old->doc, error);
	if (status == ST_OK)
		status = validate(call, stored, doc, old->doc, subresource, error);
	if (status == ST_OK)
		status = admit_check(call, stored, old->namespace, doc, old->doc, subresource,
				     error);
	if (status == ST_OK)
		status = webhook_validate(call, &subject, error);
	if (status != ST_OK)
		return status;
	if (may_go(stored, doc))
		return write_remove(call, kind, old, doc, ret_outcome, error);
	if (doc_eq(doc, old->doc)) { /* nothing to write: the revision stays */
		outcome_of_version(call, kind, old, ret_outcome);
		return ST_OK;
	}
	if (kind_has_generation(stored) && spec_changed(doc, old->doc))
		doc = doc_set_int(arena, doc, "metadata.generation",
				  doc_at_int(old->doc, "metadata.generation", 0) + 1);
	/* Other kinds use no more after a change than before. */
	if (stored->id == KIND_Service || stored->id == KIND_PersistentVolumeClaim)
		status = admit_quota(call, stored, old->namespace, doc, old->doc, error);
	if (status != ST_OK)
		return status;
	return store_it(call, kind, old->namespace, old->name, doc, ret_outcome, error);
}
