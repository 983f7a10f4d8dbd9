/*
 * Whom a bearer token names: the administrator, a machine that joins, or a service account. A
 * service account's token counts only as long as the account and what the token is bound to (a pod,
 * a secret, a node) are still those it was made for. Follows pkg/serviceaccount (claims.go,
 * legacy.go).
 */
#include "base/base64.h"
#include "base/timestamp.h"
#include "doc/build.h"
#include "net/jwt.h"
#include "server/authenticate.h"
#include "server/bootstrap_token.h"
#include "server/object.h"
#include "server/state.h"
#include "server/static_tokens.h"
#include "server/token.h"

enum { GONE_LEEWAY_S = 60 }; /* what is being deleted is still believed so long */

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

/* The object of that name is there, is the same one, and is not on its way out for long. */
static bool lives(struct server *server, kind_id kind, struct str ns, struct str name,
		  struct str uid)
{
	const struct version *there = store_get(server->store, kind, ns, name);
	i64 deleted, now_ns = clock_wall_ns(server->clock);

	if (!there || !str_eq(there->uid, uid))
		return false;
	deleted = timestamp_or(doc_at_str(there->doc, "metadata.deletionTimestamp"), 0);
	return !deleted || now_ns < deleted + GONE_LEEWAY_S * NS_PER_S;
}

static bool still_there(struct server *server, const struct doc *claims)
{
	static const struct {
		const char *claim;
		kind_id kind;
		bool namespaced;
	} bound[] = { { "serviceaccount", KIND_ServiceAccount, true },
		      { "pod", KIND_Pod, true },
		      { "secret", KIND_Secret, true },
		      { "node", KIND_Node, false } };
	const struct doc *ours = doc_key(claims, "kubernetes.io");
	struct str ns = doc_str(doc_key(ours, "namespace"));

	for (u32 i = 0; i < ARRAY_LEN(bound); i++) {
		const struct doc *to = doc_get(ours, str_of(bound[i].claim));

		/* A pod's token names its node for information only. */
		if (bound[i].kind == KIND_Node && doc_key(ours, "pod"))
			continue;
		if (!to && bound[i].kind != KIND_ServiceAccount)
			continue;
		if (!lives(server, bound[i].kind, bound[i].namespaced ? ns : STR(""),
			   doc_at_str(to, "name"), doc_at_str(to, "uid")))
			return false;
	}
	return true;
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

static void account_user(struct arena *arena, struct str ns, struct str name, struct str uid,
			 const struct doc *extra, struct user *ret)
{
	struct str *groups = ARENA_ARRAY(arena, struct str, 3);

	groups[0] = STR("system:serviceaccounts");
	groups[1] = str_format(arena, "system:serviceaccounts:" STR_FMT, STR_ARG(ns));
	groups[2] = STR("system:authenticated");
	*ret = (struct user){
		.name = str_format(arena, "system:serviceaccount:" STR_FMT ":" STR_FMT, STR_ARG(ns),
				   STR_ARG(name)),
		.uid = uid,
		.groups = groups,
		.groups_len = 3,
		.extra = extra,
	};
}

/* ---- tokens of old: kept in a Secret, without an end, good as long as the Secret holds them */

#define LEGACY(name) STR("kubernetes.io/serviceaccount/" name)

static enum status legacy_user(struct server *server, struct arena *arena, struct str token,
			       const struct doc *claims, struct user *ret_user, struct error *error)
{
	struct str ns = doc_str(doc_get(claims, LEGACY("namespace")));
	struct str account = doc_str(doc_get(claims, LEGACY("service-account.name")));
	struct str uid = doc_str(doc_get(claims, LEGACY("service-account.uid")));
	struct str secret = doc_str(doc_get(claims, LEGACY("secret.name"))), copy;
	const struct version *there = store_get(server->store, KIND_Secret, ns, secret);

	if (!there || object_deleting(there->doc) ||
	    !base64_decode(arena, doc_at_str(there->doc, "data.token"), &copy) ||
	    !secret_eq(copy, token) || !lives(server, KIND_ServiceAccount, ns, account, uid))
		return unauthorized(error);
	account_user(arena, ns, account, uid, NULL, ret_user);
	return ST_OK;
}

const struct doc *token_legacy_claims(struct arena *arena, const struct version *account,
				      struct str secret)
{
	const struct doc *claims = NULL;
	const struct {
		struct str key, value;
	} pairs[] = {
		{ STR("iss"), STR(TOKEN_LEGACY_ISSUER) },
		{ LEGACY("namespace"), account->namespace },
		{ LEGACY("secret.name"), secret },
		{ LEGACY("service-account.name"), account->name },
		{ LEGACY("service-account.uid"), account->uid },
		{ STR("sub"), str_format(arena, "system:serviceaccount:" STR_FMT ":" STR_FMT,
					 STR_ARG(account->namespace), STR_ARG(account->name)) },
	};

	for (u32 i = 0; i < ARRAY_LEN(pairs); i++)
		claims = doc_with(arena, claims, pairs[i].key, doc_ref_str(arena, pairs[i].value));
	return claims;
}

/* ---- all of them */

static bool in_time(struct server *server, const struct doc *claims)
{
	i64 now_s = clock_wall_ns(server->clock) / NS_PER_S;

	return doc_int_or(doc_key(claims, "exp"), 0) > now_s &&
	       doc_int_or(doc_key(claims, "nbf"), 0) <= now_s + TOKEN_SKEW_S;
}

enum status token_user(struct server *server, struct arena *arena, struct str token,
		       struct str audience, struct user *ret_user, struct error *error)
{
	const struct token_signer *tokens = &server->config.tokens;
	struct str own = token_issuer(server), issuer;
	const struct user *listed;
	const struct doc *claims, *ours;

	if (server->config.admin_token.len && secret_eq(token, server->config.admin_token)) {
		*ret_user = server->admin;
		return ST_OK;
	}
	if (bootstrap_token_is(token))
		return bootstrap_token_user(server, arena, token, ret_user) ? ST_OK
									    : unauthorized(error);
	if ((listed = static_tokens_find(server->config.tokens_file, token))) {
		*ret_user = *listed;
		return ST_OK;
	}
	if (!tokens->verify || tokens->verify(tokens->self, arena, token, &claims, NULL) != ST_OK)
		return unauthorized(error);
	issuer = doc_str(doc_key(claims, "iss"));
	if (str_is(issuer, TOKEN_LEGACY_ISSUER) && (!audience.len || str_eq(audience, own)))
		return legacy_user(server, arena, token, claims, ret_user, error);
	if (!str_eq(issuer, own) || !has_audience(claims, audience.len ? audience : own) ||
	    !in_time(server, claims) || !still_there(server, claims))
		return unauthorized(error);
	ours = doc_key(claims, "kubernetes.io");
	account_user(arena, doc_at_str(ours, "namespace"), doc_at_str(ours, "serviceaccount.name"),
		     doc_at_str(ours, "serviceaccount.uid"), token_facts(arena, claims, ours),
		     ret_user);
	return ST_OK;
}
