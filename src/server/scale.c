/* scale: the replicas of anything that has some, as one small object (autoscaling/v1 Scale). */
#include "doc/build.h"
#include "schema/selector.h"
#include "server/object.h"
#include "server/state.h"
#include "server/subresource.h"
#include "server/write.h"

/* The selector as text; a ReplicationController's is a plain map. */
static struct str selector_text(struct arena *arena, const struct doc *selector)
{
	struct selector *parsed;

	if (!doc_is(selector, DOC_OBJECT))
		return doc_str(selector);
	if (!doc_key(selector, "matchLabels") && !doc_key(selector, "matchExpressions"))
		parsed = selector_from_map(arena, selector);
	else if (selector_from_doc(arena, selector, &parsed, NULL) != ST_OK)
		return STR("");
	return selector_print(arena, parsed);
}

static const struct doc *scale_of(struct arena *arena, const struct api_kind *kind,
				  const struct doc *object)
{
	const struct doc *meta = doc_key(object, "metadata");
	const struct api_kind *stored = kind->stored;
	struct build b = build_object(arena);

	build_str(&b, "kind", STR("Scale"));
	build_str(&b, "apiVersion", STR("autoscaling/v1"));
	build_open_object(&b, "metadata");
	build_doc(&b, "name", doc_key(meta, "name"));
	build_doc(&b, "namespace", doc_key(meta, "namespace"));
	build_doc(&b, "uid", doc_key(meta, "uid"));
	build_doc(&b, "resourceVersion", doc_key(meta, "resourceVersion"));
	build_doc(&b, "creationTimestamp", doc_key(meta, "creationTimestamp"));
	build_close(&b);
	build_open_object(&b, "spec");
	build_int(&b, "replicas", doc_at_int(object, stored->scale_replicas, 0));
	build_close(&b);
	build_open_object(&b, "status");
	build_int(&b, "replicas", doc_at_int(object, stored->scale_status_replicas, 0));
	if (stored->scale_selector) {
		/* The table names where it stands in the status of a Scale; objects hold it in
		 * spec. */
		const struct doc *selector = doc_at(object, stored->scale_selector);

		if (!selector)
			selector = doc_at(object, "spec.selector");
		build_str_if(&b, "selector", selector_text(arena, selector));
	}
	build_close(&b);
	return build_done(&b);
}

enum status scale_get(struct call *call, const struct api_kind *kind, struct version *object,
		      struct outcome *ret_outcome, struct error *error)
{
	(void)error;
	*ret_outcome = (struct outcome){
		.doc = scale_of(call->arena, kind, object->doc),
		.revision = object->revision,
	};
	return ST_OK;
}

enum status scale_update(struct call *call, const struct api_kind *kind, struct version *object,
			 const struct doc *body, struct outcome *ret_outcome, struct error *error)
{
	const struct doc *replicas = doc_at(body, "spec.replicas"), *doc = object->doc;
	struct str revision = doc_at_str(body, "metadata.resourceVersion");
	struct str uid = doc_at_str(body, "metadata.uid"), name = doc_at_str(body, "metadata.name");
	i64 wanted = doc_int_or(replicas, 0);
	enum status status;

	if (!doc_is(body, DOC_OBJECT) || (replicas && !doc_is(replicas, DOC_NUMBER)) ||
	    wanted > INT32_MAX)
		return fail(error, ST_BAD_REQUEST,
			    "Scale in version \"v1\" cannot be handled as a Scale: spec.replicas "
			    "must be a 32-bit integer");
	if (name.len && !str_eq(name, object->name))
		return fail(error, ST_BAD_REQUEST,
			    "the name of the object (" STR_FMT
			    ") does not match the name on the URL (" STR_FMT ")",
			    STR_ARG(name), STR_ARG(object->name));
	if (wanted < 0) {
		static const struct api_kind scale = { .group = STR_INIT("autoscaling"),
						       .kind = STR_INIT("Scale") };

		return fail_invalid(call, &scale, object->name, error, "FieldValueInvalid",
				    "spec.replicas",
				    "Invalid value: %lld: must be greater than or equal to 0",
				    (long long)wanted);
	}
	doc = doc_set_int(call->arena, doc, kind->stored->scale_replicas, wanted);
	/* What stands in the Scale's metadata are preconditions on the object. */
	if (revision.len)
		doc = doc_set_str(call->arena, doc, "metadata.resourceVersion", revision);
	if (uid.len)
		doc = doc_set_str(call->arena, doc, "metadata.uid", uid);
	status = write_update(call, kind->stored, object, doc, "scale", ret_outcome, error);
	if (status != ST_OK)
		return status;
	ret_outcome->doc = scale_of(call->arena, kind, ret_outcome->doc);
	ret_outcome->version = NULL;
	return ST_OK;
}
