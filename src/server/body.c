/* From bytes and a Content-Type to a document; Kubernetes' words for what cannot be read. */
#include "server/body.h"

#include "doc/json.h"
#include "doc/yaml.h"
#include "schema/protobuf.h"
#include "server/state.h"

enum { DUPLICATES_MAX = 32 };

static enum status parse_json(struct request *r, struct str body, const struct doc **ret)
{
	struct str *found = ARENA_ARRAY(r->x->arena, struct str, DUPLICATES_MAX);
	struct error why = ERROR_INIT;
	u32 len = 0;

	if (str_trim(body).len == 0)
		return fail(&r->error, ST_BAD_REQUEST,
			    "couldn't get version/kind; json parse error: unexpected end of JSON "
			    "input");
	if (json_parse_strict(r->x->arena, body, ret, found, DUPLICATES_MAX, &len, &why) != ST_OK)
		return fail(&r->error, why.status,
			    "couldn't get version/kind; json parse error: %s", why.message);
	r->call.duplicates = found;
	r->call.duplicates_len = len;
	return ST_OK;
}

static enum status parse_yaml(struct request *r, struct str body, const struct doc **ret)
{
	struct str *found = ARENA_ARRAY(r->x->arena, struct str, DUPLICATES_MAX);
	u32 len = 0;

	if (yaml_parse(r->x->arena, body, ret, found, DUPLICATES_MAX, &len, &r->error) != ST_OK)
		return r->error.status;
	r->call.duplicates = found;
	r->call.duplicates_len = len;
	return ST_OK;
}

static struct str body_type(struct request *r)
{
	return media_parse(http_header_get(r->x, "Content-Type")).type;
}

enum status body_parse(struct request *r, const struct doc **ret_doc)
{
	struct str type = body_type(r);

	if (r->x->body.len > BODY_BYTES_MAX)
		return fail(&r->error, ST_TOO_LARGE, "Request entity too large: limit is %d",
			    BODY_BYTES_MAX);
	/* kubectl puts a Scale without saying what it is: JSON. */
	if (type.len == 0 || str_is(type, "application/json") || str_is(type, "*/*"))
		return parse_json(r, r->x->body, ret_doc);
	if (str_is(type, "application/vnd.kubernetes.protobuf"))
		return protobuf_decode(r->x->arena, r->server->schema, r->x->body, ret_doc,
				       &r->error);
	if (str_is(type, "application/yaml"))
		return parse_yaml(r, r->x->body, ret_doc);
	return fail(&r->error, ST_UNSUPPORTED_MEDIA,
		    "the body of the request was in an unknown format - accepted media types "
		    "include: application/json, application/yaml, "
		    "application/vnd.kubernetes.protobuf");
}

enum status body_parse_patch(struct request *r, enum patch_type *ret_type,
			     const struct doc **ret_doc)
{
	static const struct {
		const char *media;
		enum patch_type type;
	} known[] = {
		{ "application/json-patch+json", PATCH_JSON },
		{ "application/merge-patch+json", PATCH_MERGE },
		{ "application/strategic-merge-patch+json", PATCH_STRATEGIC },
		{ "application/apply-patch+yaml", PATCH_APPLY },
	};
	struct str type = body_type(r);

	for (u32 i = 0; i < ARRAY_LEN(known); i++) {
		if (!str_is(type, known[i].media))
			continue;
		*ret_type = known[i].type;
		return known[i].type == PATCH_APPLY ? parse_yaml(r, r->x->body, ret_doc)
						    : parse_json(r, r->x->body, ret_doc);
	}
	return fail(&r->error, ST_UNSUPPORTED_MEDIA,
		    "the body of the request was in an unknown format - accepted media types "
		    "include: application/json-patch+json, application/merge-patch+json, "
		    "application/strategic-merge-patch+json, application/apply-patch+yaml");
}

static enum status parse_propagation(struct request *r, struct str word, bool has_orphan,
				     bool orphan, enum propagation *ret)
{
	static const struct {
		const char *word;
		enum propagation propagation;
	} known[] = {
		{ "", PROPAGATION_DEFAULT },
		{ "Background", PROPAGATION_BACKGROUND },
		{ "Foreground", PROPAGATION_FOREGROUND },
		{ "Orphan", PROPAGATION_ORPHAN },
	};

	if (has_orphan && word.len)
		return fail(&r->error, ST_INVALID,
			    "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Invalid "
			    "value: \"" STR_FMT
			    "\": orphanDependents and deletionPropagation cannot be both set",
			    STR_ARG(word));
	if (has_orphan) {
		*ret = orphan ? PROPAGATION_ORPHAN : PROPAGATION_BACKGROUND;
		return ST_OK;
	}
	for (u32 i = 0; i < ARRAY_LEN(known); i++)
		if (str_is(word, known[i].word)) {
			*ret = known[i].propagation;
			return ST_OK;
		}
	return fail(&r->error, ST_INVALID,
		    "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported "
		    "value: \"" STR_FMT
		    "\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"",
		    STR_ARG(word));
}

static enum status body_dry_run(struct request *r, const struct doc *options)
{
	doc_each_item(doc_key(options, "dryRun"), one) {
		if (!str_is(doc_str(one), "All"))
			return fail(
				&r->error, ST_INVALID,
				"DeleteOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported "
				"value: \"" STR_FMT "\": supported values: \"All\"",
				STR_ARG(doc_str(one)));
		r->call.dry_run = true;
	}
	return ST_OK;
}

enum status body_parse_delete(struct request *r, struct delete_options *ret_options)
{
	const struct doc *options = NULL, *orphan;
	struct str word = http_query_get(r->x, "propagationPolicy");
	struct str orphan_word = http_query_get(r->x, "orphanDependents");
	i64 grace_s;
	enum status status = query_i64(r->x, "gracePeriodSeconds", -1, &grace_s, &r->error);

	if (status == ST_OK && str_trim(r->x->body).len)
		status = body_parse(r, &options);
	if (status == ST_OK && !doc_is_null(options) && !doc_is(options, DOC_OBJECT))
		status = fail(&r->error, ST_BAD_REQUEST, "DeleteOptions must be an object");
	if (status == ST_OK)
		status = body_dry_run(r, options);
	if (status != ST_OK)
		return status;
	if (doc_key(options, "propagationPolicy"))
		word = doc_str(doc_key(options, "propagationPolicy"));
	orphan = doc_key(options, "orphanDependents");
	*ret_options = (struct delete_options){
		.grace_s = doc_int_or(doc_key(options, "gracePeriodSeconds"), grace_s),
		.uid = doc_at_str(options, "preconditions.uid"),
		.resource_version = doc_at_str(options, "preconditions.resourceVersion"),
	};
	return parse_propagation(r, word, doc_is_bool(orphan) || orphan_word.len,
				 doc_bool_or(orphan, query_bool(r->x, "orphanDependents")),
				 &ret_options->propagation);
}
