/*
 * delete and deletecollection, following k8s.io/apiserver's registry/generic/registry/store.go and
 * rest/delete.go: some objects go at once, others get a deletionTimestamp and wait: pods for their
 * node, namespaces to be emptied, anything with finalizers for whoever set them.
 */
#include "base/timestamp.h"
#include "doc/build.h"
#include "schema/selector.h"
#include "server/custom.h"
#include "server/admission.h"
#include "server/node_access.h"
#include "server/object.h"
#include "server/state.h"
#include "server/webhook.h"
#include "server/write.h"

enum { POD_GRACE_DEFAULT_S = 30 };

static enum status check_options(struct call *call, const struct api_kind *kind,
				 const struct version *object, const struct delete_options *options,
				 struct error *error)
{
	struct str revision = options->resource_version;
	i64 number;

	if (options->uid.len && !str_eq(options->uid, object->uid))
		return fail_conflict(call, kind, object->name, error,
				     "Precondition failed: UID in precondition: " STR_FMT
				     ", UID in object meta: " STR_FMT,
				     STR_ARG(options->uid), STR_ARG(object->uid));
	if (revision.len && (!str_to_i64(revision, &number) || (u64)number != object->revision))
		return fail_conflict(
			call, kind, object->name, error,
			"Precondition failed: ResourceVersion in precondition: " STR_FMT
			", ResourceVersion in object meta: %llu",
			STR_ARG(revision), (unsigned long long)object->revision);
	return ST_OK;
}

/* The finalizers an object has once this deletion's propagation is written into them. */
static const struct doc *wanted_finalizers(struct arena *arena, const struct doc *object,
					   enum propagation propagation)
{
	static const struct {
		enum propagation propagation;
		struct str finalizer;
	} known[] = {
		{ PROPAGATION_ORPHAN, STR_INIT("orphan") },
		{ PROPAGATION_FOREGROUND, STR_INIT("foregroundDeletion") },
	};
	const struct doc *list = doc_at(object, "metadata.finalizers");

	if (propagation == PROPAGATION_DEFAULT)
		return list;
	for (u32 i = 0; i < ARRAY_LEN(known); i++) {
		bool wanted = known[i].propagation == propagation, there = false;

		for (u32 at = doc_len(list); at-- > 0;) {
			if (!str_eq(doc_str(doc_item(list, at)), known[i].finalizer))
				continue;
			there = true;
			if (!wanted)
				list = doc_with_item(arena, list, at, NULL);
		}
		if (wanted && !there)
			list = doc_append(arena, list, doc_ref_str(arena, known[i].finalizer));
	}
	return list;
}

/* How long the object may still live, seconds; 0: not at all. Only pods have such a time. */
static i64 grace_of(const struct api_kind *kind, const struct doc *object,
		    const struct delete_options *options)
{
	struct str phase = doc_at_str(object, "status.phase");
	i64 grace = options->grace_s;

	if (kind->id != KIND_Pod)
		return 0;
	if (grace < 0)
		grace = doc_at_int(object, "spec.terminationGracePeriodSeconds",
				   POD_GRACE_DEFAULT_S);
	if (grace < 0)
		grace = 1;
	/* No node knows it, or everything in it has ended: nobody to wait for. */
	if (doc_at_str(object, "spec.nodeName").len == 0 || str_is(phase, "Succeeded") ||
	    str_is(phase, "Failed"))
		grace = 0;
	return grace;
}

static const struct doc *mark_deleting(struct call *call, const struct api_kind *kind,
				       const struct doc *object, i64 grace_s)
{
	struct arena *arena = call->arena;
	const struct doc *meta = doc_key(object, "metadata");
	i64 generation = doc_at_int(object, "metadata.generation", 0);
	struct str when = timestamp_print(arena, call_now_ns(call) + grace_s * NS_PER_S);

	meta = doc_with(arena, meta, STR("deletionTimestamp"), doc_ref_str(arena, when));
	meta = doc_with(arena, meta, STR("deletionGracePeriodSeconds"),
			doc_new_int(arena, grace_s));
	if (generation > 0)
		meta = doc_with(arena, meta, STR("generation"), doc_new_int(arena, generation + 1));
	object = doc_with(arena, object, STR("metadata"), meta);
	if (kind->id == KIND_Namespace)
		object = doc_set_str(arena, object, "status.phase", STR("Terminating"));
	else if (kind->id == KIND_CustomResourceDefinition)
		object = custom_definition(call, object, object);
	return object;
}

/* A second delete may only shorten what the first one granted. */
static const struct doc *shorten_grace(struct call *call, const struct api_kind *kind,
				       const struct doc *object, i64 grace_s)
{
	i64 granted = doc_at_int(object, "metadata.deletionGracePeriodSeconds", 0), start;

	if (kind->id != KIND_Pod || grace_s >= granted)
		return object;
	/* The time stands at begin + granted; it moves to begin + grace, but never before now. */
	start = timestamp_or(doc_at_str(object, "metadata.deletionTimestamp"), call_now_ns(call)) -
		granted * NS_PER_S;
	object = doc_set_int(call->arena, object, "metadata.deletionGracePeriodSeconds", grace_s);
	start = MAX(start + grace_s * NS_PER_S, call_now_ns(call));
	return doc_set_str(call->arena, object, "metadata.deletionTimestamp",
			   timestamp_print(call->arena, start));
}

static bool goes_at_once(const struct api_kind *kind, const struct doc *object, i64 grace_s)
{
	if (object_has_finalizers(object))
		return false;
	if (kind->id == KIND_Namespace)
		return doc_len(doc_at(object, "spec.finalizers")) == 0;
	return grace_s == 0;
}

static bool namespace_is_immortal(const struct api_kind *kind, struct str name)
{
	return kind->id == KIND_Namespace &&
	       (str_is(name, "default") || str_is(name, "kube-system") ||
		str_is(name, "kube-public"));
}

static enum status ask_webhooks(struct call *call, const struct api_kind *kind,
				const struct version *object, struct error *error)
{
	struct webhook_subject subject = {
		.kind = kind,
		.ns = object->namespace,
		.name = object->name,
		.operation = WEBHOOK_DELETE,
		.old = object->doc,
	};
	const struct doc *nothing;
	enum status status = webhook_mutate(call, &subject, &nothing, error);

	return status == ST_OK ? webhook_validate(call, &subject, error) : status;
}

static enum status delete_object(struct call *call, const struct api_kind *kind,
				 struct version *object, const struct delete_options *options,
				 struct outcome *ret_outcome, struct error *error)
{
	const struct doc *doc = object->doc, *finalizers;
	enum status status = check_options(call, kind, object, options, error);
	i64 grace_s = grace_of(kind->stored, doc, options);
	struct version *version;

	if (status != ST_OK)
		return status;
	if (namespace_is_immortal(kind, object->name))
		return fail_forbidden(call, kind, object->name, error,
				      "this namespace may not be deleted");
	if (priority_class_is_immortal(kind->stored, object->name))
		return fail_forbidden(call, kind, object->name, error,
				      "this is a system priority class and cannot be deleted");
	status = admit_node(call, kind->stored, object->namespace, object->name, NODE_DELETES, NULL,
			    doc, NULL, error);
	if (status == ST_OK)
		status = ask_webhooks(call, kind, object, error);
	if (status != ST_OK)
		return status;
	version_hold(call->arena, object);
	finalizers = wanted_finalizers(call->arena, doc, options->propagation);
	if (finalizers != doc_at(doc, "metadata.finalizers"))
		doc = doc_set(call->arena, doc, "metadata.finalizers",
			      doc_len(finalizers) ? finalizers : NULL);
	if (goes_at_once(kind->stored, doc, grace_s))
		return write_remove(call, kind, object, doc, ret_outcome, error);
	if (object_deleting(doc))
		doc = shorten_grace(call, kind->stored, doc, grace_s);
	else
		doc = mark_deleting(call, kind->stored, doc, grace_s);
	if (call->dry_run) {
		outcome_of_doc(call, kind, doc, ret_outcome);
		return ST_OK;
	}
	if (doc == object->doc) {
		outcome_of_version(call, kind, object, ret_outcome);
		return ST_OK;
	}
	status = store_put(call->server->store, kind->id, object->namespace, object->name, doc,
			   &version, error);
	if (status == ST_OK)
		outcome_of_version(call, kind, version, ret_outcome);
	return status;
}

enum status verb_delete(struct call *call, const struct api_kind *kind, struct str ns,
			struct str name, const struct delete_options *options,
			struct outcome *ret_outcome, struct error *error)
{
	struct version *object = store_get(call->server->store, kind->id, ns, name);

	if (!object)
		return fail_not_found(call, kind, name, error);
	struct webhook_scope scope = webhook_open(call, 'd', kind, ns, name, STR(""), NULL);

	return webhook_close(call, scope,
			     delete_object(call, kind, object,
					   options ? options : &DELETE_OPTIONS_NONE, ret_outcome,
					   error),
			     error);
}

enum status verb_delete_collection(struct call *call, const struct api_kind *kind, struct str ns,
				   struct str label_selector, struct str field_selector,
				   const struct delete_options *options,
				   const struct doc **ret_deleted, u64 *ret_revision,
				   struct error *error)
{
	struct build deleted = build_array(call->arena);
	struct selector *labels = NULL;
	struct field_selector *fields = NULL;
	struct store_iter iter;
	struct version *object;
	u64 revision = 0;
	enum status status = ST_OK;

	if (label_selector.len)
		status = selector_parse(call->arena, label_selector, &labels, error);
	if (status == ST_OK && field_selector.len)
		status = field_selector_parse(call->arena, kind, field_selector, &fields, error);
	if (status != ST_OK)
		return status;
	/* All are asked about before the first goes, so that a refusal leaves them all. */
	for (u32 pass = call->webhooks ? 0 : 1; pass < 2 && status == ST_OK; pass++) {
		bool waiting = false;

		store_iter_start(&iter, call->server->store, kind->id, ns, STR(""), STR(""));
		while (status == ST_OK && (object = store_iter_next(&iter))) {
			struct outcome outcome = { 0 };

			if ((labels &&
			     !selector_matches(labels, doc_at(object->doc, "metadata.labels"))) ||
			    (fields && !field_selector_matches(fields, object->doc)))
				continue;
			if (!pass) {
				version_hold(call->arena, object);
				status = ask_webhooks(call, kind, object, error);
				waiting = waiting || status == ST_PENDING;
				if (status == ST_PENDING)
					status = ST_OK;
				continue;
			}
			status = delete_object(call, kind, object,
					       options ? options : &DELETE_OPTIONS_NONE, &outcome,
					       error);
			if (status == ST_OK)
				build_doc(&deleted, NULL, outcome.doc);
			revision = MAX(revision, outcome.revision);
		}
		if (waiting && status == ST_OK)
			return ST_PENDING;
	}
	*ret_deleted = build_done(&deleted);
	*ret_revision = revision;
	return status;
}
