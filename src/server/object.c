/* Bodies to documents and back, metadata, and the sentences of failures about objects. */
#include "server/object.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/timestamp.h"
#include "schema/rules.h"
#include "schema/decode.h"
#include "server/state.h"
#include "server/webhook.h"

static const struct str masters[] = { STR_INIT("system:masters"),
				      STR_INIT("system:authenticated") };
const struct user user_server = {
	.name = STR_INIT("system:apiserver"),
	.groups = masters,
	.groups_len = ARRAY_LEN(masters),
};

void call_warn(struct call *call, const char *format, ...)
{
	char text[2048];
	va_list args;

	if (!call->warnings || call->warnings->list.len >= 32)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	VEC_PUSH(call->arena, &call->warnings->list, str_copy(call->arena, str_of(text)));
}

void call_annotate(struct call *call, const char *key, struct str value)
{
	if (call->audit && call->audit->list.len < 32)
		VEC_PUSH(call->arena, &call->audit->list, (struct audit_note){ key, value });
}

struct str kind_resource(struct arena *arena, const struct api_kind *kind)
{
	if (kind->group.len == 0)
		return kind->plural;
	return str_format(arena, STR_FMT "." STR_FMT, STR_ARG(kind->plural), STR_ARG(kind->group));
}

/* Details of a Status speak of the resource, "pods"; only Invalid speaks of the kind, "Pod". */
static enum status details(struct error *error, const struct api_kind *kind, struct str name,
			   enum status status)
{
	if (error) {
		error->group = kind->group;
		error->kind = kind->plural;
		error->name = name;
	}
	return status;
}

enum status fail_not_found(struct call *call, const struct api_kind *kind, struct str name,
			   struct error *error)
{
	fail(error, ST_NOT_FOUND, STR_FMT " \"" STR_FMT "\" not found",
	     STR_ARG(kind_resource(call->arena, kind)), STR_ARG(name));
	return details(error, kind, name, ST_NOT_FOUND);
}

enum status fail_exists(struct call *call, const struct api_kind *kind, struct str name,
			bool being_deleted, struct error *error)
{
	fail(error, ST_EXISTS, "%s" STR_FMT " \"" STR_FMT "\" already exists",
	     being_deleted ? "object is being deleted: " : "",
	     STR_ARG(kind_resource(call->arena, kind)), STR_ARG(name));
	return details(error, kind, name, ST_EXISTS);
}

enum status fail_conflict(struct call *call, const struct api_kind *kind, struct str name,
			  struct error *error, const char *format, ...)
{
	char text[ERROR_MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	fail(error, ST_CONFLICT, "Operation cannot be fulfilled on " STR_FMT " \"" STR_FMT "\": %s",
	     STR_ARG(kind_resource(call->arena, kind)), STR_ARG(name), text);
	return details(error, kind, name, ST_CONFLICT);
}

enum status fail_forbidden(struct call *call, const struct api_kind *kind, struct str name,
			   struct error *error, const char *format, ...)
{
	char text[ERROR_MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	fail(error, ST_FORBIDDEN, STR_FMT " \"" STR_FMT "\" is forbidden: %s",
	     STR_ARG(kind_resource(call->arena, kind)), STR_ARG(name), text);
	return details(error, kind, name, ST_FORBIDDEN);
}

enum status fail_invalid(struct call *call, const struct api_kind *kind, struct str name,
			 struct error *error, const char *reason, const char *field,
			 const char *format, ...)
{
	char text[ERROR_MESSAGE_MAX];
	va_list args;
	struct str qualified = kind->kind;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (kind->group.len)
		qualified = str_format(call->arena, STR_FMT "." STR_FMT, STR_ARG(kind->kind),
				       STR_ARG(kind->group));
	fail(error, ST_INVALID, STR_FMT " \"" STR_FMT "\" is invalid: %s: %s", STR_ARG(qualified),
	     STR_ARG(name), field, text);
	if (error) {
		error->causes = ARENA_NEW(call->arena, struct cause);
		error->causes_len = 1;
		error->causes->reason = str_of(reason);
		error->causes->message = str_copy(call->arena, str_of(text));
		error->causes->field = str_copy(call->arena, str_of(field));
		details(error, kind, name, ST_INVALID);
		error->kind = kind->kind;
	}
	return ST_INVALID;
}

/* ---- bodies */

static enum status check_type(const struct api_kind *kind, const struct doc *body,
			      struct error *error)
{
	struct str version = doc_str(doc_key(body, "apiVersion"));
	struct str name = doc_str(doc_key(body, "kind"));

	if (!doc_is(body, DOC_OBJECT))
		return fail(error, ST_BAD_REQUEST,
			    "couldn't get version/kind; json parse error: json: cannot unmarshal "
			    "%s into Go value of type struct { APIVersion string; Kind string }",
			    doc_is(body, DOC_ARRAY)    ? "array"
			    : doc_is(body, DOC_STRING) ? "string"
						       : "value");
	/* Python leaves both out: then the path says what it is. */
	if (version.len && !str_eq(version, kind->api_version)) {
		/* The group's other versions hold the same things. */
		return fail(error, ST_BAD_REQUEST,
			    "the API version in the data (" STR_FMT
			    ") does not match the expected API version (" STR_FMT ")",
			    STR_ARG(version), STR_ARG(kind->api_version));
	}
	if (name.len && !str_eq(name, kind->kind))
		return fail(error, ST_BAD_REQUEST,
			    STR_FMT " in version \"" STR_FMT "\" cannot be handled as a " STR_FMT
				    ": converting (" STR_FMT ") to (" STR_FMT
				    "): unknown conversion",
			    STR_ARG(name), STR_ARG(kind->version), STR_ARG(kind->kind),
			    STR_ARG(name), STR_ARG(kind->kind));
	return ST_OK;
}

/* Unknown and duplicate fields: refuse, warn or say nothing. */
static enum status report_problems(struct call *call, const struct api_kind *kind,
				   const struct field_problems *problems, struct error *error)
{
	u32 total = problems->len + call->duplicates_len;

	if (total == 0 || call->validation == VALIDATION_IGNORE)
		return ST_OK;

	struct str *all = ARENA_ARRAY(call->arena, struct str, total);

	for (u32 i = 0; i < call->duplicates_len; i++)
		all[i] = str_format(call->arena, "duplicate field \"" STR_FMT "\"",
				    STR_ARG(call->duplicates[i]));
	for (u32 i = 0; i < problems->len; i++)
		all[call->duplicates_len + i] = problems->at[i];
	if (call->validation == VALIDATION_STRICT) {
		struct str joined = str_join(call->arena, all, total, STR(", "));

		return fail(error, ST_BAD_REQUEST,
			    STR_FMT " in version \"" STR_FMT "\" cannot be handled as a " STR_FMT
				    ": strict decoding error: " STR_FMT,
			    STR_ARG(kind->kind), STR_ARG(kind->version), STR_ARG(kind->kind),
			    STR_ARG(joined));
	}
	for (u32 i = 0; i < total; i++)
		call_warn(call, STR_FMT, STR_ARG(all[i]));
	return ST_OK;
}

/* apiVersion and kind first, as everybody writes them, and always those of the stored kind. */
static const struct doc *with_type(struct arena *arena, const struct api_kind *kind,
				   const struct doc *doc)
{
	u32 len = doc_len(doc), used = 2;
	struct doc *pairs = arena_alloc(arena, sizeof *pairs * 2 * (len + 2));
	struct doc *object = ARENA_NEW(arena, struct doc);

	pairs[0] = *doc_ref_str(arena, STR("apiVersion"));
	pairs[1] = *doc_ref_str(arena, kind->api_version);
	pairs[2] = *doc_ref_str(arena, STR("kind"));
	pairs[3] = *doc_ref_str(arena, kind->kind);
	for (u32 i = 0; i < len; i++) {
		struct str key = doc_pair_key(doc, i);

		if (str_is(key, "apiVersion") || str_is(key, "kind"))
			continue;
		pairs[2 * used] = doc->items[2 * i];
		pairs[2 * used++ + 1] = doc->items[2 * i + 1];
	}
	*object = (struct doc){ .type = DOC_OBJECT, .len = used, .items = pairs };
	return object;
}

static const struct doc *read_old_fields(struct call *call, const struct api_kind *kind,
					 const struct doc *body)
{
	if (kind->id != KIND_HorizontalPodAutoscaler || kind->stored != kind)
		return body;
	const struct doc *read = autoscaler_old_fields(call->arena, body);

	if (read != body)
		call_warn(call, "spec.metrics: resource.targetAverageUtilization and "
				"resource.targetAverageValue are of autoscaling/v2beta1; use "
				"resource.target");
	return read;
}

enum status object_decode(struct call *call, const struct api_kind *kind, const struct doc *body,
			  const struct doc **ret_doc, struct error *error)
{
	struct field_problems problems = { 0 };
	enum status status = check_type(kind, body, error);

	if (status == ST_OK)
		body = read_old_fields(call, kind, body);
	if (status == ST_OK)
		status = schema_decode(call->arena, call->server->schema, kind, body, &body,
				       &problems, error);
	if (status == ST_OK)
		status = report_problems(call, kind, &problems, error);
	if (status != ST_OK)
		return status;
	if (kind->convert)
		body = kind->convert(call->arena, body, true);
	*ret_doc = with_type(call->arena, kind->stored, body);
	return ST_OK;
}

const struct doc *object_show(struct arena *arena, const struct api_kind *kind,
			      const struct doc *doc)
{
	if (kind->stored == kind)
		return doc;
	if (kind->convert)
		doc = kind->convert(arena, doc, false);
	return with_type(arena, kind, doc);
}

void outcome_of_version(struct call *call, const struct api_kind *kind, struct version *version,
			struct outcome *ret_outcome)
{
	version_hold(call->arena, version);
	*ret_outcome = (struct outcome){
		.version = version,
		.doc = object_show(call->arena, kind, version->doc),
		.revision = version->revision,
	};
}

/* ---- metadata */

i64 call_now_ns(struct call *call)
{
	return webhook_now_ns(call);
}

struct str call_now(struct call *call)
{
	return timestamp_print(call->arena, call_now_ns(call));
}

static struct str uuid_of(struct arena *arena, struct random *random)
{
	u64 a = random_u64(random), b = random_u64(random);

	return str_format(arena, "%08x-%04x-4%03x-%04x-%012llx", (u32)(a >> 32),
			  (u32)(a >> 16) & 0xffff, (u32)a & 0xfff,
			  0x8000 | ((u32)(b >> 48) & 0x3fff),
			  (unsigned long long)(b & 0xffffffffffffULL));
}

struct str call_uuid(struct call *call)
{
	return uuid_of(call->arena, webhook_dice(call));
}

struct str call_random_uuid(struct call *call)
{
	return uuid_of(call->arena, call->server->random);
}

bool kind_has_generation(const struct api_kind *kind)
{
	static const char *const without[] = {
		"Namespace",
		"Node",
		"Service",
		"PersistentVolume",
		"PersistentVolumeClaim",
		"Event",
		"ResourceQuota",
		"Lease",
		"Endpoints",
		"ServiceAccount",
		"CertificateSigningRequest",
	};

	if (kind->shape)
		return true;
	if (!kind->has_status && !str_is(kind->kind, "NetworkPolicy") &&
	    !str_is(kind->kind, "PriorityClass") && !str_is(kind->kind, "EndpointSlice"))
		return false;
	for (u32 i = 0; i < ARRAY_LEN(without); i++)
		if (str_is(kind->kind, without[i]))
			return false;
	return true;
}
