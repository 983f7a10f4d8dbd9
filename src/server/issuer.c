/* How others check our service-account tokens: the issuer's description and its public keys, as
 * OpenID Connect Discovery wants them. Follows pkg/serviceaccount/openidmetadata.go. */
#include "doc/build.h"
#include "doc/json.h"
#include "server/reply.h"
#include "server/route.h"
#include "server/state.h"
#include "server/token.h"

static void build_words(struct build *b, const char *key, struct str word)
{
	build_open_array(b, key);
	build_str(b, NULL, word);
	build_close(b);
}

/* NULL: there are no keys, or they do not read. */
static const struct doc *public_keys(struct request *r)
{
	const struct token_signer *tokens = &r->server->config.tokens;
	const struct doc *keys;

	if (!tokens->public_keys)
		return NULL;
	return json_parse(r->x->arena, tokens->public_keys(tokens->self, r->x->arena), &keys,
			  NULL) == ST_OK
		       ? keys
		       : NULL;
}

/* Each algorithm once. */
static void build_algorithms(struct build *b, const struct doc *keys)
{
	bool ecdsa = false, rsa = false;

	doc_each_item(keys, key) {
		ecdsa |= str_is(doc_at_str(key, "alg"), "ES256");
		rsa |= str_is(doc_at_str(key, "alg"), "RS256");
	}
	build_open_array(b, "id_token_signing_alg_values_supported");
	if (ecdsa || !rsa)
		build_str(b, NULL, STR("ES256"));
	if (rsa)
		build_str(b, NULL, STR("RS256"));
	build_close(b);
}

static struct str configuration(struct request *r)
{
	const struct server_config *config = &r->server->config;
	struct build b = build_object(r->x->arena);
	bool v6 = str_find_char(config->advertise_address, ':') >= 0;

	build_str(&b, "issuer", token_issuer(r->server));
	build_str(&b, "jwks_uri",
		  str_format(r->x->arena, "https://%s" STR_FMT "%s:%u/openid/v1/jwks",
			     v6 ? "[" : "", STR_ARG(config->advertise_address), v6 ? "]" : "",
			     (unsigned)config->advertise_port));
	build_words(&b, "response_types_supported", STR("id_token"));
	build_words(&b, "subject_types_supported", STR("public"));
	build_algorithms(&b, public_keys(r));
	return json_text(r->x->arena, build_done(&b));
}

static struct str key_set(struct request *r)
{
	const struct doc *keys = public_keys(r);

	return json_text(r->x->arena,
			 doc_with(r->x->arena, NULL, STR("keys"), keys ? keys : &doc_empty_array));
}

bool issuer_reply(struct request *r)
{
	if (str_is(r->path, "/.well-known/openid-configuration"))
		reply_text(r->x, 200, "application/json", configuration(r));
	else if (str_is(r->path, "/openid/v1/jwks"))
		reply_text(r->x, 200, "application/jwk-set+json", key_set(r));
	else
		return false;
	return true;
}
