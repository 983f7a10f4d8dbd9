/* What webhooks' answers do to a write: patches, refusals, warnings, notes for the audit log. */
#include "server/webhook.h"

#include "base/base64.h"
#include "doc/json.h"
#include "doc/patch_json.h"
#include "server/object.h"
#include "server/state.h"
#include "server/webhook_inside.h"

enum { QUESTIONS_MAX = 256 }; /* of one write: something moves faster than it can be asked about */

static enum status pending(struct error *error)
{
	return fail(error, ST_PENDING, "admission webhooks are being asked");
}

static enum status refused(const struct webhook *hook, const struct doc *response,
			   struct error *error)
{
	const struct doc *said = doc_key(response, "status");
	struct str name = doc_at_str(hook->hook, "name"), message = doc_at_str(said, "message"),
		   reason = doc_at_str(said, "reason");
	i64 code = doc_at_int(said, "code", 400);
	enum status status = ST_BAD_REQUEST;

	for (u32 i = ST_BAD_REQUEST; i < ST_PENDING; i++)
		if (status_code((enum status)i) == code &&
		    (status == ST_BAD_REQUEST || str_is(reason, status_reason((enum status)i))))
			status = (enum status)i;
	if (!message.len)
		message = reason;
	if (!message.len)
		return fail(error, status,
			    "admission webhook \"" STR_FMT
			    "\" denied the request without explanation",
			    STR_ARG(name));
	return fail(error, status, "admission webhook \"" STR_FMT "\" denied the request: " STR_FMT,
		    STR_ARG(name), STR_ARG(message));
}

/* What an answer means, apart from a patch. `ret_go_on`: false when nobody answered and that is
 * not held against the write. */
static enum status judge(struct call *call, const struct webhook *hook,
			 const struct webhook_answer *answer, bool *ret_heard, struct error *error)
{
	*ret_heard = !answer->failed;
	if (answer->failed) {
		if (str_is(doc_at_str(hook->hook, "failurePolicy"), "Ignore"))
			return ST_OK;
		return fail(error, ST_INTERNAL,
			    "Internal error occurred: failed calling webhook \"" STR_FMT
			    "\": " STR_FMT,
			    STR_ARG(doc_at_str(hook->hook, "name")), STR_ARG(answer->why));
	}
	doc_each_item(doc_key(answer->response, "warnings"), warning)
		call_warn(call, STR_FMT, STR_ARG(doc_str(warning)));
	doc_each_pair(doc_key(answer->response, "auditAnnotations"), key, value)
		call_annotate(call,
			      str_format(call->arena, STR_FMT "/" STR_FMT,
					 STR_ARG(doc_at_str(hook->hook, "name")), STR_ARG(key))
				      .at,
			      str_copy(call->arena, doc_str(value)));
	return answer->allowed ? ST_OK : refused(hook, answer->response, error);
}

/* ---- mutating */

static enum status patch_failed(const struct webhook *hook, const char *why, struct error *error)
{
	if (error)
		error_clear(error);
	return fail(error, ST_INTERNAL,
		    "Internal error occurred: failed calling webhook \"" STR_FMT
		    "\": the patch cannot be applied: %s",
		    STR_ARG(doc_at_str(hook->hook, "name")), why);
}

/* Names and what only the server writes stay as they were. */
static const struct doc *keep_identity(struct arena *arena, const struct doc *doc,
				       const struct doc *old)
{
	static const char *const kept[] = { "name",	    "namespace",	 "uid",
					    "generation",   "creationTimestamp", "resourceVersion",
					    "managedFields" };
	const struct doc *meta = doc_key(doc, "metadata"), *was = doc_key(old, "metadata");

	for (u32 i = 0; i < ARRAY_LEN(kept); i++)
		meta = doc_with(arena, meta, str_of(kept[i]), doc_get(was, str_of(kept[i])));
	return doc_with(arena, doc, STR("metadata"), meta);
}

static enum status apply(struct call *call, const struct webhook *hook, struct str patch64,
			 const struct doc **object, struct error *error)
{
	const struct doc *shown = object_show(call->arena, hook->kind, *object), *patch, *decoded;
	struct error why = ERROR_INIT;
	struct str text;

	if (!base64_decode(call->arena, patch64, &text) ||
	    json_parse(call->arena, text, &patch, NULL) != ST_OK)
		return patch_failed(hook, "it is no JSON", error);
	if (patch_json(call->arena, shown, patch, &shown, &why) != ST_OK ||
	    object_decode(call, hook->kind, shown, &decoded, &why) != ST_OK)
		return patch_failed(hook, why.message, error);
	*object = keep_identity(call->arena, decoded, *object);
	return ST_OK;
}

static enum status mutate_one(struct call *call, const struct webhook_subject *subject,
			      const struct webhook *hook, const struct doc **object,
			      struct error *error)
{
	struct webhook_subject now = *subject;
	const struct webhook_answer *answer;
	enum status status;
	struct str patch;
	bool heard;

	now.object = *object;
	answer = webhook_ask(call, hook, webhook_question(call, &now, hook));
	if (!answer->done)
		return pending(error);
	status = judge(call, hook, answer, &heard, error);
	patch = doc_at_str(answer->response, "patch");
	if (status != ST_OK || !heard || !patch.len || !*object)
		return status;
	return apply(call, hook, patch, object, error);
}

enum status webhook_mutate(struct call *call, const struct webhook_subject *subject,
			   const struct doc **ret_object, struct error *error)
{
	struct webhooks hooks = { 0 };
	const struct doc *object = subject->object, **seen;
	enum status status;

	*ret_object = object;
	if (!call->webhooks)
		return ST_OK;
	if (call->webhooks->answers.len > QUESTIONS_MAX)
		return fail(error, ST_TOO_MANY, "the object changes too fast for its webhooks");
	status = webhooks_matching(call, subject, true, &hooks, error);
	seen = ARENA_ARRAY(call->arena, const struct doc *, hooks.list.len + 1);
	/* Whoever wants to sees the object again if others have changed it after them. */
	for (u32 round = 0; round < 2; round++)
		for (u32 i = 0; i < hooks.list.len && status == ST_OK; i++) {
			const struct webhook *hook = &hooks.list.at[i];
			bool again =
				str_is(doc_at_str(hook->hook, "reinvocationPolicy"), "IfNeeded");

			if (round && (!again || !object || doc_eq(seen[i], object)))
				continue;
			status = mutate_one(call, subject, hook, &object, error);
			seen[i] = object;
		}
	if (status == ST_OK)
		*ret_object = object;
	return status;
}

/* ---- validating */

enum status webhook_validate(struct call *call, const struct webhook_subject *subject,
			     struct error *error)
{
	const struct webhook_answer **answers;
	struct webhooks hooks = { 0 };
	enum status status;
	bool missing = false, heard;

	if (!call->webhooks)
		return ST_OK;
	status = webhooks_matching(call, subject, false, &hooks, error);
	answers = ARENA_ARRAY(call->arena, const struct webhook_answer *, hooks.list.len + 1);
	for (u32 i = 0; i < hooks.list.len && status == ST_OK; i++) {
		struct webhook *hook = &hooks.list.at[i];

		answers[i] = webhook_ask(call, hook, webhook_question(call, subject, hook));
		missing = missing || !answers[i]->done;
	}
	if (status == ST_OK && missing)
		return pending(error);
	for (u32 i = 0; i < hooks.list.len && status == ST_OK; i++)
		status = judge(call, &hooks.list.at[i], answers[i], &heard, error);
	return status;
}
