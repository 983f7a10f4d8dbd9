/* RuntimeClass admission: a pod gets its class's overhead, node selector and tolerations. Follows
 * plugin/pkg/admission/runtimeclass. */
#include "schema/quantity.h"
#include "server/admission.h"
#include "server/object.h"
#include "server/state.h"

static bool same_amounts(const struct doc *a, const struct doc *b)
{
	if (doc_len(a) != doc_len(b))
		return false;
	doc_each_pair(a, name, value) {
		const struct doc *other = doc_get(b, name);

		if (!other || quantity_compare(quantity_of(value), quantity_of(other)) != 0)
			return false;
	}
	return true;
}

static enum status set_overhead(struct call *call, const struct api_kind *kind, struct str name,
				const struct doc *class, const struct doc **spec,
				struct error *error)
{
	const struct doc *fixed = doc_at(class, "overhead.podFixed"),
			 *said = doc_key(*spec, "overhead");

	if (said && doc_len(said) && !fixed)
		return fail_forbidden(call, kind, name, error,
				      "pod rejected: Pod Overhead set without corresponding "
				      "RuntimeClass defined Overhead");
	if (said && fixed && !same_amounts(said, fixed))
		return fail_forbidden(call, kind, name, error,
				      "pod rejected: Pod's Overhead doesn't match RuntimeClass's "
				      "defined Overhead");
	if (fixed && !said)
		*spec = doc_with(call->arena, *spec, STR("overhead"), doc_copy(call->arena, fixed));
	return ST_OK;
}

static enum status set_place(struct call *call, const struct api_kind *kind, struct str name,
			     const struct doc *class, const struct doc **spec, struct error *error)
{
	const struct doc *place = doc_key(class, "scheduling");
	const struct doc *selector = doc_key(*spec, "nodeSelector");
	const struct doc *tolerations = doc_key(*spec, "tolerations");

	doc_each_pair(doc_key(place, "nodeSelector"), key, value) {
		const struct doc *other = doc_get(selector, key);

		if (other && !doc_eq(other, value))
			return fail_forbidden(call, kind, name, error,
					      "pod rejected: conflict: "
					      "runtimeClass.scheduling.nodeSelector[" STR_FMT
					      "] = " STR_FMT "; pod.spec.nodeSelector[" STR_FMT
					      "] = " STR_FMT,
					      STR_ARG(key), STR_ARG(doc_str(value)), STR_ARG(key),
					      STR_ARG(doc_str(other)));
		selector =
			doc_with(call->arena, selector ? selector : &doc_empty_object, key, value);
	}
	doc_each_item(doc_key(place, "tolerations"), toleration) {
		bool there = false;

		doc_each_item(tolerations, other)
			there = there || doc_eq(other, toleration);
		if (!there)
			tolerations = doc_append(call->arena, tolerations, toleration);
	}
	*spec = doc_with(call->arena, *spec, STR("nodeSelector"), selector);
	*spec = doc_with(call->arena, *spec, STR("tolerations"), tolerations);
	return ST_OK;
}

enum status admit_runtime_class(struct call *call, const struct api_kind *kind,
				const struct doc *pod, const struct doc **spec, struct error *error)
{
	struct str class_name = doc_str(doc_key(*spec, "runtimeClassName")),
		   name = object_name(pod);
	struct version *class;
	enum status status;

	if (!class_name.len)
		return set_overhead(call, kind, name, NULL, spec, error);
	class = store_get(call->server->store, KIND_RuntimeClass, STR(""), class_name);
	if (!class)
		return fail_forbidden(call, kind, name, error,
				      "pod rejected: RuntimeClass \"" STR_FMT "\" not found",
				      STR_ARG(class_name));
	version_hold(call->arena, class);
	status = set_overhead(call, kind, name, class->doc, spec, error);
	if (status != ST_OK)
		return status;
	return set_place(call, kind, name, class->doc, spec, error);
}
