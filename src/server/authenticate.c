/*
 * A verified client certificate says common name and organizations; a bearer token is the admin's
 * own or a service account's JWT, which counts only as long as its account (and pod) lives.
 */
#include "server/authenticate.h"

#include "doc/build.h"
#include "net/jwt.h"
#include "server/bootstrap_token.h"
#include "server/state.h"
#include "server/token.h"

bool user_in_group(const struct user *user, const char *group)
{
	for (u32 i = 0; i < user->groups_len; i++)
		if (str_is(user->groups[i], group))
			return true;
	return false;
}

static enum status unauthorized(struct error *error)
{
	return fail(error, ST_UNAUTHORIZED, "Unauthorized");
}

static bool has_audience(const struct doc *claims, struct str wanted)
{
	const struct doc *audiences = doc_key(claims, "aud");

	if (doc_is(audiences, DOC_STRING))
		return str_eq(doc_str(audiences), wanted);
	doc_each_item(audiences, one)
		if (str_eq(doc_str(one), wanted))
			return true;
	return false;
}

/* The account, and the pod if the token is bound to one, are still those it was made for. */
static bool still_there(struct server *server, const struct doc *claims)
{
	const struct doc *ours = doc_key(claims, "kubernetes.io");
	struct str ns = doc_str(doc_key(ours, "namespace"));
	const struct doc *account = doc_key(ours, "serviceaccount"), *pod = doc_key(ours, "pod");
	const struct version *there = store_get(server->store, KIND_ServiceAccount, ns,
						doc_str(doc_key(account, "name")));

	if (!there || !str_eq(there->uid, doc_str(doc_key(account, "uid"))))
		return false;
	if (!pod)
		return true;
	there = store_get(server->store, KIND_Pod, ns, doc_str(doc_key(pod, "name")));
	return there && str_eq(there->uid, doc_str(doc_key(pod, "uid")));
}

/* Which token it was, and of which pod on which node. */
static const struct doc *token_facts(struct arena *arena, const struct doc *claims,
				     const struct doc *ours)
{
	const struct {
		const char *key;
		struct str value;
	} facts[] = {
		{ "authentication.kubernetes.io/credential-id",
		  str_format(arena, "JTI=" STR_FMT, STR_ARG(doc_at_str(claims, "jti"))) },
		{ "authentication.kubernetes.io/node-name", doc_at_str(ours, "node.name") },
		{ "authentication.kubernetes.io/node-uid", doc_at_str(ours, "node.uid") },
		{ "authentication.kubernetes.io/pod-name", doc_at_str(ours, "pod.name") },
		{ "authentication.kubernetes.io/pod-uid", doc_at_str(ours, "pod.uid") },
	};
	const struct doc *extra = &doc_empty_object;

	for (u32 i = 0; i < ARRAY_LEN(facts); i++)
		if (facts[i].value.len)
			extra = doc_with(
				arena, extra, str_of(facts[i].key),
				doc_append(arena, NULL, doc_ref_str(arena, facts[i].value)));
	return extra;
}

static void account_user(struct arena *arena, const struct doc *claims, struct user *ret)
{
	const struct doc *ours = doc_key(claims, "kubernetes.io");
	struct str ns = doc_str(doc_key(ours, "namespace"));
	struct str *groups = ARENA_ARRAY(arena, struct str, 3);

	groups[0] = STR("system:serviceaccounts");
	groups[1] = str_format(arena, "system:serviceaccounts:" STR_FMT, STR_ARG(ns));
	groups[2] = STR("system:authenticated");
	*ret = (struct user){
		.name = doc_str(doc_key(claims, "sub")),
		.uid = doc_at_str(ours, "serviceaccount.uid"),
		.groups = groups,
		.groups_len = 3,
		.extra = token_facts(arena, claims, ours),
	};
}

enum status token_user(struct server *server, struct arena *arena, struct str token,
		       struct str audience, struct user *ret_user, struct error *error)
{
	const struct token_signer *tokens = &server->config.tokens;
	i64 now_s = clock_wall_ns(server->clock) / NS_PER_S;
	const struct doc *claims;

	if (server->config.admin_token.len && secret_eq(token, server->config.admin_token)) {
		*ret_user = server->admin;
		return ST_OK;
	}
	if (bootstrap_token_is(token))
		return bootstrap_token_user(server, arena, token, ret_user) ? ST_OK
									    : unauthorized(error);
	if (!tokens->verify || tokens->verify(tokens->self, arena, token, &claims, NULL) != ST_OK)
		return unauthorized(error);
	if (!str_eq(doc_str(doc_key(claims, "iss")), token_issuer(server)) ||
	    !has_audience(claims, audience.len ? audience : token_issuer(server)) ||
	    doc_int_or(doc_key(claims, "exp"), 0) <= now_s ||
	    doc_int_or(doc_key(claims, "nbf"), 0) > now_s + TOKEN_SKEW_S ||
	    !still_there(server, claims))
		return unauthorized(error);
	account_user(arena, claims, ret_user);
	return ST_OK;
}

static struct user certificate_user(struct arena *arena, const struct http_peer *peer)
{
	struct str *groups = ARENA_ARRAY(arena, struct str, peer->organizations_len + 1);

	for (u32 i = 0; i < peer->organizations_len; i++)
		groups[i] = peer->organizations[i];
	groups[peer->organizations_len] = STR("system:authenticated");
	return (struct user){
		.name = peer->common_name,
		.groups = groups,
		.groups_len = peer->organizations_len + 1,
	};
}

enum status authenticate(struct request *r)
{
	static const struct str nobody[] = { STR_INIT("system:unauthenticated") };
	struct str header = http_header_get(r->x, "Authorization");
	const struct http_peer *peer = r->x->peer;

	if (peer && peer->common_name.len) {
		r->user = certificate_user(r->x->arena, peer);
		return ST_OK;
	}
	if (header.len > 7 &&
	    str_eq(str_lower(r->x->arena, str_part(header, 0, 7)), STR("bearer ")))
		return token_user(r->server, r->x->arena, str_trim(str_from(header, 7)), STR(""),
				  &r->user, &r->error);
	if (header.len)
		return unauthorized(&r->error);
	r->user = (struct user){
		.name = STR("system:anonymous"),
		.groups = nobody,
		.groups_len = 1,
	};
	return ST_OK;
}
