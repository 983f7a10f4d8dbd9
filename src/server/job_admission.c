/*
 * A new Job gets labels that no other object has, and a selector for them, so that it never takes a
 * stranger's pods; unless its author says manualSelector. Follows pkg/registry/batch/job/strategy.
 */
#include "doc/build.h"
#include "server/admission.h"
#include "server/object.h"

static const char uid_label[] = "batch.kubernetes.io/controller-uid";

static enum status label_template(struct call *call, const struct api_kind *kind,
				  const struct doc *job, const struct doc **ret_labels,
				  struct error *error)
{
	struct str name = object_name(job), uid = doc_at_str(job, "metadata.uid");
	const struct {
		const char *key;
		struct str value;
	} wanted[] = {
		{ "controller-uid", uid },
		{ uid_label, uid },
		{ "batch.kubernetes.io/job-name", name },
		{ "job-name", name },
	};
	const struct doc *labels = doc_at(job, "spec.template.metadata.labels");

	for (u32 i = 0; i < ARRAY_LEN(wanted); i++) {
		const struct doc *there = doc_get(labels, str_of(wanted[i].key));

		if (there && !str_eq(doc_str(there), wanted[i].value))
			return fail_invalid(call, kind, name, error, "FieldValueInvalid",
					    "spec.template.metadata.labels",
					    "Invalid value: \"" STR_FMT "\": must be '" STR_FMT "'",
					    STR_ARG(doc_str(there)), STR_ARG(wanted[i].value));
		labels = doc_with(call->arena, labels, str_of(wanted[i].key),
				  doc_ref_str(call->arena, wanted[i].value));
	}
	*ret_labels = labels;
	return ST_OK;
}

enum status admit_job(struct call *call, const struct api_kind *kind, const struct doc *doc,
		      const struct doc **ret_doc, struct error *error)
{
	const struct doc *selector = doc_at(doc, "spec.selector"), *labels = NULL;
	enum status status;

	*ret_doc = doc;
	if (doc_at_bool(doc, "spec.manualSelector", false))
		return selector ? ST_OK
				: fail_invalid(call, kind, object_name(doc), error,
					       "FieldValueRequired", "spec.selector",
					       "Required value");
	if (selector)
		return fail_invalid(call, kind, object_name(doc), error, "FieldValueInvalid",
				    "spec.selector",
				    "Invalid value: `selector` not auto-generated");
	status = label_template(call, kind, doc, &labels, error);
	if (status != ST_OK)
		return status;
	doc = doc_set(call->arena, doc, "spec.template.metadata.labels", labels);

	struct build b = build_object(call->arena);

	build_open_object(&b, "matchLabels");
	build_str(&b, uid_label, doc_at_str(doc, "metadata.uid"));
	build_close(&b);
	*ret_doc = doc_set(call->arena, doc, "spec.selector", build_done(&b));
	return ST_OK;
}
