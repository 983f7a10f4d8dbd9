/* AdmissionReview, both ways: admission.k8s.io/v1 and v1beta1. */
#include "doc/build.h"
#include "doc/json.h"
#include "server/object.h"
#include "server/state.h"
#include "server/webhook_inside.h"

static void build_kind(struct build *b, const char *key, const struct api_kind *kind)
{
	build_open_object(b, key);
	build_str(b, "group", kind->group);
	build_str(b, "version", kind->version);
	build_str(b, "kind", kind->kind);
	build_close(b);
}

static void build_resource(struct build *b, const char *key, const struct api_kind *kind)
{
	build_open_object(b, key);
	build_str(b, "group", kind->group);
	build_str(b, "version", kind->version);
	build_str(b, "resource", kind->plural);
	build_close(b);
}

static void build_user(struct build *b, const struct user *user)
{
	build_open_object(b, "userInfo");
	build_str(b, "username", user->name);
	build_str_if(b, "uid", user->uid);
	build_open_array(b, "groups");
	for (u32 i = 0; i < user->groups_len; i++)
		build_str(b, NULL, user->groups[i]);
	build_close(b);
	build_doc(b, "extra", user->extra);
	build_close(b);
}

static void build_object_as(struct build *b, const char *key, struct arena *arena,
			    const struct webhook *hook, const struct doc *doc)
{
	build_doc(b, key, doc ? object_show(arena, hook->kind, doc) : &doc_null);
}

const struct doc *webhook_question(struct call *call, const struct webhook_subject *s,
				   const struct webhook *hook)
{
	static const char *const words[] = { "CREATE", "UPDATE", "DELETE" };
	static const char *const options[] = { "CreateOptions", "UpdateOptions", "DeleteOptions" };
	struct build b = build_object(call->arena);

	build_kind(&b, "kind", hook->kind);
	build_resource(&b, "resource", hook->kind);
	build_str_if(&b, "subResource", s->subresource);
	build_kind(&b, "requestKind", s->kind);
	build_resource(&b, "requestResource", s->kind);
	build_str_if(&b, "requestSubResource", s->subresource);
	build_str_if(&b, "name", s->name);
	build_str_if(&b, "namespace", s->kind->id == KIND_Namespace ? s->name : s->ns);
	build_str(&b, "operation", str_of(words[s->operation]));
	build_user(&b, call->user ? call->user : &user_server);
	build_object_as(&b, "object", call->arena, hook, s->object);
	build_object_as(&b, "oldObject", call->arena, hook, s->old);
	build_bool(&b, "dryRun", call->dry_run);
	build_open_object(&b, "options");
	build_str(&b, "kind", str_of(options[s->operation]));
	build_str(&b, "apiVersion", STR("meta.k8s.io/v1"));
	if (s->operation != WEBHOOK_DELETE)
		build_str_if(&b, "fieldManager", call->field_manager);
	build_close(&b);
	return build_done(&b);
}

/* ---- answers */

static void invalid(struct webhook_answer *answer, struct arena *arena, struct str what)
{
	answer->failed = true;
	answer->why =
		str_format(arena, "received invalid webhook response: " STR_FMT, STR_ARG(what));
}

void webhook_read(struct webhook_answer *answer, struct arena *arena, bool beta, int code,
		  struct str body)
{
	const char *version = beta ? "admission.k8s.io/v1beta1" : "admission.k8s.io/v1";
	const struct doc *review, *response;
	struct str patch;

	if (code < 200 || code > 299) {
		answer->failed = true;
		answer->why =
			str_format(arena,
				   "failed to call webhook: an error on the server (\"" STR_FMT
				   "\") has prevented the request from succeeding",
				   STR_ARG(str_part(str_trim(body), 0, 200)));
		return;
	}
	if (json_parse(arena, str_copy(arena, body), &review, NULL) != ST_OK ||
	    !doc_is(review, DOC_OBJECT)) {
		invalid(answer, arena, STR("it is no JSON object"));
		return;
	}
	response = doc_key(review, "response");
	patch = doc_at_str(response, "patch");
	if (!beta && (!str_is(doc_at_str(review, "kind"), "AdmissionReview") ||
		      !str_is(doc_at_str(review, "apiVersion"), version)))
		invalid(answer, arena,
			str_format(arena,
				   "expected webhook response of %s, Kind=AdmissionReview, "
				   "got " STR_FMT ", Kind=" STR_FMT,
				   version, STR_ARG(doc_at_str(review, "apiVersion")),
				   STR_ARG(doc_at_str(review, "kind"))));
	else if (!doc_is(response, DOC_OBJECT))
		invalid(answer, arena, STR("webhook response was absent"));
	else if (!beta && !str_eq(doc_at_str(response, "uid"), answer->uid))
		invalid(answer, arena,
			str_format(arena,
				   "expected response.uid=\"" STR_FMT "\", got \"" STR_FMT "\"",
				   STR_ARG(answer->uid), STR_ARG(doc_at_str(response, "uid"))));
	else if (!beta && patch.len && !doc_at_str(response, "patchType").len)
		invalid(answer, arena,
			STR("webhook returned response.patch but not response.patchType"));
	answer->response = response;
	answer->allowed = doc_at_bool(response, "allowed", false);
}
