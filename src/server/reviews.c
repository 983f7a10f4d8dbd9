/* Kinds that are asked and never stored: who am I, may I, whose token is this. */
#include "doc/build.h"
#include "server/authenticate.h"
#include "server/authorize.h"
#include "server/object.h"
#include "server/state.h"
#include "server/subresource.h"

static struct build open_review(struct call *call, const struct api_kind *kind,
				const struct doc *body)
{
	struct build b = build_object(call->arena);

	build_str(&b, "kind", kind->kind);
	build_str(&b, "apiVersion", kind->api_version);
	build_open_object(&b, "metadata");
	build_doc(&b, "creationTimestamp", &doc_null);
	build_close(&b);
	build_doc(&b, "spec", doc_key(body, "spec"));
	return b;
}

static void build_user(struct build *b, const char *key, const struct user *user)
{
	build_open_object(b, key);
	build_str(b, "username", user->name);
	build_str_if(b, "uid", user->uid);
	build_open_array(b, "groups");
	for (u32 i = 0; i < user->groups_len; i++)
		build_str(b, NULL, user->groups[i]);
	build_close(b);
	build_doc(b, "extra", user->extra);
	build_close(b);
}

/* The user a SubjectAccessReview names. */
static struct user named_user(struct arena *arena, const struct doc *spec)
{
	const struct doc *list = doc_key(spec, "groups");
	struct str *groups = ARENA_ARRAY(arena, struct str, doc_len(list) + 1);

	for (u32 i = 0; i < doc_len(list); i++)
		groups[i] = doc_str(doc_item(list, i));
	return (struct user){
		.name = doc_str(doc_key(spec, "user")),
		.uid = doc_str(doc_key(spec, "uid")),
		.groups = groups,
		.groups_len = doc_len(list),
		.extra = doc_key(spec, "extra"),
	};
}

static struct access asked_access(const struct doc *spec, const struct user *user)
{
	const struct doc *resource = doc_key(spec, "resourceAttributes");
	const struct doc *path = doc_key(spec, "nonResourceAttributes");

	return (struct access){
		.user = user,
		.is_resource = resource != NULL,
		.verb = doc_str(doc_key(resource ? resource : path, "verb")),
		.group = doc_str(doc_key(resource, "group")),
		.version = doc_str(doc_key(resource, "version")),
		.resource = doc_str(doc_key(resource, "resource")),
		.subresource = doc_str(doc_key(resource, "subresource")),
		.ns = doc_str(doc_key(resource, "namespace")),
		.name = doc_str(doc_key(resource, "name")),
		.path = doc_str(doc_key(path, "path")),
	};
}

static enum status review_access(struct call *call, const struct api_kind *kind,
				 const struct doc *body, struct build *b, struct error *error)
{
	const struct doc *spec = doc_key(body, "spec");
	bool self = str_starts(kind->kind, STR("Self"));
	struct user other = named_user(call->arena, spec);
	struct access access = asked_access(spec, self ? call->user : &other);
	struct str reason;
	bool allowed;

	if (!doc_key(spec, "resourceAttributes") == !doc_key(spec, "nonResourceAttributes"))
		return fail_invalid(call, kind, STR(""), error, "FieldValueInvalid", "spec",
				    "Invalid value: exactly one of nonResourceAttributes or "
				    "resourceAttributes must be specified");
	if (!self && other.name.len == 0 && other.groups_len == 0)
		return fail_invalid(call, kind, STR(""), error, "FieldValueInvalid", "spec.user",
				    "Invalid value: \"\": at least one of user or group must be "
				    "specified");
	allowed = access_allowed(call->server, call->arena, &access, &reason);
	build_open_object(b, "status");
	build_bool(b, "allowed", allowed);
	build_str_if(b, "reason", reason);
	build_close(b);
	return ST_OK;
}

/* `*` on everything for administrators, else what the roles say. */
static void review_rules(struct call *call, const struct doc *body, struct build *b)
{
	const struct doc *resources, *paths;

	rbac_rules(call->server, call->arena, call->user, doc_at_str(body, "spec.namespace"),
		   &resources, &paths);
	if (user_in_group(call->user, "system:masters")) {
		struct build rule = build_object(call->arena), url = build_object(call->arena);
		const struct doc *star = doc_ref_str(call->arena, STR("*"));
		const struct doc *any = doc_new_array(call->arena, &star, 1);

		build_doc(&rule, "verbs", any);
		build_doc(&rule, "apiGroups", any);
		build_doc(&rule, "resources", any);
		resources = doc_append(call->arena, resources, build_done(&rule));
		build_doc(&url, "verbs", any);
		build_doc(&url, "nonResourceURLs", any);
		paths = doc_append(call->arena, paths, build_done(&url));
	}
	build_open_object(b, "status");
	build_doc(b, "resourceRules", resources);
	build_doc(b, "nonResourceRules", paths);
	build_bool(b, "incomplete", false);
	build_close(b);
}

static void review_token(struct call *call, const struct doc *body, struct build *b)
{
	const struct doc *audiences = doc_at(body, "spec.audiences");
	struct str token = doc_at_str(body, "spec.token");
	struct user user;
	enum status status = token_user(call->server, call->arena, token,
					doc_str(doc_item(audiences, 0)), &user, NULL);

	build_open_object(b, "status");
	if (status == ST_OK) {
		build_bool(b, "authenticated", true);
		build_user(b, "user", &user);
		build_doc(b, "audiences", audiences);
	} else {
		build_bool(b, "authenticated", false);
		build_str(b, "error", STR("the token is not valid"));
	}
	build_close(b);
}

enum status review_create(struct call *call, const struct api_kind *kind, struct str ns,
			  const struct doc *body, struct outcome *ret_outcome, struct error *error)
{
	struct call asked = *call;
	const struct doc *doc;
	enum status status;

	(void)ns;
	if (!asked.user)
		asked.user = &user_server;
	status = object_decode(&asked, kind, body, &doc, error);
	if (status != ST_OK)
		return status;

	struct build b = open_review(&asked, kind, doc);

	if (str_ends(kind->kind, STR("SubjectAccessReview"))) {
		status = review_access(&asked, kind, doc, &b, error);
		if (status != ST_OK)
			return status;
	} else if (str_is(kind->kind, "SelfSubjectRulesReview")) {
		review_rules(&asked, doc, &b);
	} else if (str_is(kind->kind, "TokenReview")) {
		review_token(&asked, doc, &b);
	} else if (str_is(kind->kind, "SelfSubjectReview")) {
		build_open_object(&b, "status");
		build_user(&b, "userInfo", asked.user);
		build_close(&b);
	} else {
		return fail(error, ST_METHOD_NOT_ALLOWED,
			    "the server does not allow this method on the requested resource");
	}
	*ret_outcome = (struct outcome){ .doc = build_done(&b), .created = true };
	return ST_OK;
}
