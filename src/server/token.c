/* serviceaccounts/NAME/token (authentication.k8s.io/v1 TokenRequest): a signed, expiring token that
 * may be bound to a pod, a secret or a node. */
#include "server/token.h"

#include "base/timestamp.h"
#include "doc/build.h"
#include "server/node_access.h"
#include "server/object.h"
#include "server/state.h"
#include "server/subresource.h"

enum {
	LIFE_DEFAULT_S = 3600,
	LIFE_MIN_S = 600,
	LIFE_MAX_S = 1 << 30,
	/* Tokens mounted into pods live longer than they say, for programs that read them once. */
	MOUNTED_LIFE_S = 3607,
	MOUNTED_REAL_LIFE_S = 365 * 24 * 3600,
};

struct str token_issuer(const struct server *server)
{
	return server->config.issuer;
}

struct token_wish {
	i64 life_s, real_life_s, now_s;
	const struct doc *audiences;
	const struct version *pod, *secret; /* bound to; NULL: not to one */
	struct str node_name, node_uid;
};

/* The object a token shall die with, by kind and name. */
static enum status find_bound(struct call *call, const struct version *account,
			      const struct doc *bound, kind_id *ret_kind,
			      struct version **ret_object, struct error *error)
{
	static const kind_id kinds[] = { KIND_Pod, KIND_Secret, KIND_Node };
	struct str word = doc_str(doc_key(bound, "kind")), name = doc_str(doc_key(bound, "name"));
	struct str uid = doc_str(doc_key(bound, "uid"));
	const struct api_kind *kind = NULL;

	for (u32 i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq(schema_kind(call->server->schema, kinds[i])->kind, word))
			kind = schema_kind(call->server->schema, kinds[i]);
	if (!kind)
		return fail(error, ST_INVALID,
			    "cannot bind token for serviceaccount \"" STR_FMT
			    "\" to object type " STR_FMT,
			    STR_ARG(account->name), STR_ARG(word));
	*ret_kind = kind->id;
	*ret_object = store_get(call->server->store, kind->id,
				kind->namespaced ? account->namespace : STR(""), name);
	if (!*ret_object)
		return fail_not_found(call, kind, name, error);
	if (uid.len && !str_eq(uid, (*ret_object)->uid))
		return fail_conflict(call, kind, name, error,
				     "the UID in the bound object reference (" STR_FMT
				     ") does not match the UID in record. The object might have "
				     "been deleted and then recreated",
				     STR_ARG(uid));
	version_hold(call->arena, *ret_object);
	return ST_OK;
}

static enum status bind(struct call *call, const struct version *account, const struct doc *bound,
			struct token_wish *wish, struct error *error)
{
	struct version *object = NULL;
	kind_id kind = KIND_NONE;
	enum status status = find_bound(call, account, bound, &kind, &object, error);

	if (status != ST_OK)
		return status;
	if (kind == KIND_Secret) {
		wish->secret = object;
		return ST_OK;
	}
	if (kind == KIND_Node) {
		wish->node_name = object->name;
		wish->node_uid = object->uid;
		return ST_OK;
	}
	if (!str_eq(doc_at_str(object->doc, "spec.serviceAccountName"), account->name))
		return fail(error, ST_BAD_REQUEST,
			    "cannot bind token for serviceaccount \"" STR_FMT
			    "\" to pod running with different serviceaccount name.",
			    STR_ARG(account->name));
	wish->pod = object;
	wish->node_name = doc_at_str(object->doc, "spec.nodeName");
	const struct version *node =
		store_get(call->server->store, KIND_Node, STR(""), wish->node_name);

	if (node)
		wish->node_uid = str_copy(call->arena, node->uid);
	return ST_OK;
}

static enum status wish_parse(struct call *call, const struct version *account,
			      const struct doc *body, struct token_wish *wish, struct error *error)
{
	const struct doc *spec = doc_key(body, "spec"), *bound = doc_key(spec, "boundObjectRef");
	const struct api_kind request = { .group = STR("authentication.k8s.io"),
					  .kind = STR("TokenRequest") };

	if (doc_is_null(bound)) /* some clients spell out that there is none */
		bound = NULL;
	wish->now_s = call_now_ns(call) / NS_PER_S;
	wish->life_s = doc_int_or(doc_key(spec, "expirationSeconds"), LIFE_DEFAULT_S);
	wish->audiences = doc_key(spec, "audiences");
	if (doc_len(wish->audiences) == 0) {
		const struct doc *own = doc_ref_str(call->arena, token_issuer(call->server));

		wish->audiences = doc_new_array(call->arena, &own, 1);
	}
	if (wish->life_s < LIFE_MIN_S)
		return fail_invalid(call, &request, STR(""), error, "FieldValueInvalid",
				    "spec.expirationSeconds",
				    "Invalid value: %lld: may not specify a duration less than 10 "
				    "minutes",
				    (long long)wish->life_s);
	wish->life_s = MIN(wish->life_s, (i64)LIFE_MAX_S);
	wish->real_life_s =
		wish->life_s == MOUNTED_LIFE_S && bound ? MOUNTED_REAL_LIFE_S : wish->life_s;
	return bound ? bind(call, account, bound, wish, error) : ST_OK;
}

static void build_named(struct build *b, const char *key, struct str name, struct str uid)
{
	if (name.len == 0)
		return;
	build_open_object(b, key);
	build_str(b, "name", name);
	build_str_if(b, "uid", uid);
	build_close(b);
}

static const struct doc *claims_of(struct call *call, const struct version *account,
				   const struct token_wish *wish)
{
	struct build b = build_object(call->arena);

	build_doc(&b, "aud", wish->audiences);
	build_int(&b, "exp", wish->now_s + wish->real_life_s);
	build_int(&b, "iat", wish->now_s);
	build_str(&b, "iss", token_issuer(call->server));
	build_str(&b, "jti", call_uuid(call));
	build_open_object(&b, "kubernetes.io");
	build_str(&b, "namespace", account->namespace);
	build_named(&b, "node", wish->node_name, wish->node_uid);
	if (wish->pod)
		build_named(&b, "pod", wish->pod->name, wish->pod->uid);
	if (wish->secret)
		build_named(&b, "secret", wish->secret->name, wish->secret->uid);
	build_named(&b, "serviceaccount", account->name, account->uid);
	if (wish->real_life_s != wish->life_s)
		build_int(&b, "warnafter", wish->now_s + wish->life_s);
	build_close(&b);
	build_int(&b, "nbf", wish->now_s);
	build_str(&b, "sub",
		  str_format(call->arena, "system:serviceaccount:" STR_FMT ":" STR_FMT,
			     STR_ARG(account->namespace), STR_ARG(account->name)));
	return build_done(&b);
}

enum status token_create(struct call *call, const struct api_kind *kind, struct version *account,
			 const struct doc *body, struct outcome *ret_outcome, struct error *error)
{
	const struct token_signer *tokens = &call->server->config.tokens;
	struct token_wish wish = { 0 };
	struct build b = build_object(call->arena);
	struct str token;
	enum status status;

	status = admit_node(call, kind, account->namespace, account->name, NODE_CREATES, "token",
			    body, NULL, error);
	if (status != ST_OK)
		return status;
	if (!tokens->sign)
		return fail(error, ST_NOT_FOUND,
			    "this server has no key to sign service-account tokens with");
	status = wish_parse(call, account, body, &wish, error);
	if (status == ST_OK)
		status = tokens->sign(tokens->self, call->arena, claims_of(call, account, &wish),
				      &token, error);
	if (status != ST_OK)
		return status;
	build_str(&b, "kind", STR("TokenRequest"));
	build_str(&b, "apiVersion", STR("authentication.k8s.io/v1"));
	build_open_object(&b, "metadata");
	build_str(&b, "name", account->name);
	build_str(&b, "namespace", account->namespace);
	build_str(&b, "creationTimestamp", call_now(call));
	build_close(&b);
	build_open_object(&b, "spec");
	build_doc(&b, "audiences", wish.audiences);
	build_int(&b, "expirationSeconds", wish.life_s);
	build_doc(&b, "boundObjectRef", doc_at(body, "spec.boundObjectRef"));
	build_close(&b);
	build_open_object(&b, "status");
	build_str(&b, "token", token);
	build_str(&b, "expirationTimestamp",
		  timestamp_print(call->arena, (wish.now_s + wish.life_s) * NS_PER_S));
	build_close(&b);
	*ret_outcome = (struct outcome){ .doc = build_done(&b), .created = true };
	return ST_OK;
}
