/* binding, ephemeralcontainers and resize: what may be done to a pod besides writing it. */
#include "doc/build.h"
#include "server/object.h"
#include "server/state.h"
#include "server/subresource.h"
#include "server/write.h"

static const struct doc *status_success(struct arena *arena, int code)
{
	struct build b = build_object(arena);

	build_str(&b, "kind", STR("Status"));
	build_str(&b, "apiVersion", STR("v1"));
	build_doc(&b, "metadata", &doc_empty_object);
	build_str(&b, "status", STR("Success"));
	build_int(&b, "code", code);
	return build_done(&b);
}

/* ---- binding */

static enum status check_binding(struct call *call, const struct api_kind *kind,
				 struct version *pod, const struct doc *body, struct error *error)
{
	struct str node = doc_at_str(body, "target.name"), what = doc_at_str(body, "target.kind");
	struct str uid = doc_at_str(body, "metadata.uid");
	struct str bound = doc_at_str(pod->doc, "spec.nodeName");

	if (node.len == 0)
		return fail_invalid(call, kind, pod->name, error, "FieldValueRequired",
				    "target.name", "Required value");
	if (what.len && !str_is(what, "Node") && !str_is(what, "Minion"))
		return fail_invalid(call, kind, pod->name, error, "FieldValueNotSupported",
				    "target.kind",
				    "Unsupported value: \"" STR_FMT
				    "\": supported values: \"Node\", \"<empty>\"",
				    STR_ARG(what));
	if (uid.len && !str_eq(uid, pod->uid))
		return fail_conflict(call, kind, pod->name, error,
				     "Precondition failed: UID in precondition: " STR_FMT
				     ", UID in object meta: " STR_FMT,
				     STR_ARG(uid), STR_ARG(pod->uid));
	if (object_deleting(pod->doc))
		return fail_conflict(call, kind, pod->name, error,
				     "pod " STR_FMT
				     " is being deleted, cannot be assigned to a host",
				     STR_ARG(pod->name));
	if (bound.len)
		return fail_conflict(call, kind, pod->name, error,
				     "pod " STR_FMT " is already assigned to node \"" STR_FMT "\"",
				     STR_ARG(pod->name), STR_ARG(bound));
	if (doc_len(doc_at(pod->doc, "spec.schedulingGates")))
		return fail_conflict(call, kind, pod->name, error,
				     "pod " STR_FMT " has non-empty .spec.schedulingGates",
				     STR_ARG(pod->name));
	return ST_OK;
}

/* The condition PodScheduled, now true, in the place of an earlier one. */
static const struct doc *with_scheduled(struct call *call, const struct doc *pod)
{
	const struct doc *list = doc_at(pod, "status.conditions");
	struct build b = build_object(call->arena);
	u32 at = 0;

	build_str(&b, "type", STR("PodScheduled"));
	build_str(&b, "status", STR("True"));
	build_doc(&b, "lastProbeTime", &doc_null);
	build_str(&b, "lastTransitionTime", call_now(call));
	while (at < doc_len(list) &&
	       !str_is(doc_str(doc_key(doc_item(list, at), "type")), "PodScheduled"))
		at++;
	list = at < doc_len(list) ? doc_with_item(call->arena, list, at, build_done(&b))
				  : doc_append(call->arena, list, build_done(&b));
	return doc_set(call->arena, pod, "status.conditions", list);
}

enum status binding_create(struct call *call, const struct api_kind *kind, struct version *pod,
			   const struct doc *body, struct outcome *ret_outcome, struct error *error)
{
	const struct doc *doc = pod->doc, *annotations = doc_at(doc, "metadata.annotations");
	enum status status = check_binding(call, kind, pod, body, error);

	if (status != ST_OK)
		return status;
	doc = doc_set_str(call->arena, doc, "spec.nodeName", doc_at_str(body, "target.name"));
	doc_each_pair(doc_at(body, "metadata.annotations"), key, value)
		annotations = doc_with(call->arena, annotations, key, value);
	if (annotations)
		doc = doc_set(call->arena, doc, "metadata.annotations", annotations);
	doc = with_scheduled(call, doc);
	status = write_update(call, kind, pod, doc, "binding", ret_outcome, error);
	if (status != ST_OK)
		return status;
	ret_outcome->doc = status_success(call->arena, 201);
	ret_outcome->created = true;
	return ST_OK;
}

/* ---- ephemeralcontainers: only these may be added to a running pod */

enum status ephemeral_update(struct call *call, const struct api_kind *kind, struct version *pod,
			     const struct doc *body, struct outcome *ret_outcome,
			     struct error *error)
{
	const struct doc *doc, *list;
	enum status status = object_decode(call, kind, body, &doc, error);

	if (status != ST_OK)
		return status;
	list = doc_at(doc, "spec.ephemeralContainers");
	doc_each_item(doc_at(pod->doc, "spec.ephemeralContainers"), before) {
		bool kept = false;

		doc_each_item(list, now)
			kept = kept || str_eq(doc_str(doc_key(now, "name")),
					      doc_str(doc_key(before, "name")));
		if (!kept)
			return fail_invalid(call, kind, pod->name, error, "FieldValueForbidden",
					    "spec.ephemeralContainers",
					    "Forbidden: existing ephemeral containers \"" STR_FMT
					    "\" may not be removed",
					    STR_ARG(doc_str(doc_key(before, "name"))));
	}
	doc = doc_set(call->arena, pod->doc, "spec.ephemeralContainers", list);
	return write_update(call, kind, pod, doc, "ephemeralcontainers", ret_outcome, error);
}

/* ---- resize: processor and memory of containers, and nothing else */

static const struct doc *named(const struct doc *list, struct str name)
{
	doc_each_item(list, container)
		if (str_eq(doc_str(doc_key(container, "name")), name))
			return container;
	return NULL;
}

static const struct doc *with_resources(struct arena *arena, const struct doc *old,
					const struct doc *wanted)
{
	const struct doc *list = &doc_empty_array;

	doc_each_item(old, container) {
		const struct doc *now = named(wanted, doc_str(doc_key(container, "name")));
		const struct doc *resources = doc_key(now, "resources");

		list = doc_append(arena, list,
				  resources ? doc_set(arena, container, "resources", resources)
					    : container);
	}
	return list;
}

enum status resize_update(struct call *call, const struct api_kind *kind, struct version *pod,
			  const struct doc *body, struct outcome *ret_outcome, struct error *error)
{
	static const char *const lists[] = { "spec.containers", "spec.initContainers" };
	const struct doc *wanted, *doc = pod->doc;
	enum status status = object_decode(call, kind, body, &wanted, error);

	for (u32 i = 0; status == ST_OK && i < ARRAY_LEN(lists); i++)
		if (doc_len(doc_at(doc, lists[i])))
			doc = doc_set(call->arena, doc, lists[i],
				      with_resources(call->arena, doc_at(doc, lists[i]),
						     doc_at(wanted, lists[i])));
	return status == ST_OK ? write_update(call, kind, pod, doc, "resize", ret_outcome, error)
			       : status;
}
