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

/* NULL: there is no key, or it does not read. */
static const struct doc *public_key(struct request *r)
{
	const struct token_signer *tokens = &r->server->config.tokens;
	const struct doc *key;

	if (!tokens->public_key)
		return NULL;
	return json_parse(r->x->arena, tokens->public_key(tokens->self, r->x->arena), &key, NULL) ==
			       ST_OK
		       ? key
		       : NULL;
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
	build_words(&b, "id_token_signing_alg_values_supported",
		    doc_str_or(doc_key(public_key(r), "alg"), STR("ES256")));
	return json_text(r->x->arena, build_done(&b));
}

static struct str key_set(struct request *r)
{
	struct build b = build_object(r->x->arena);

	build_open_array(&b, "keys");
	build_doc(&b, NULL, public_key(r));
	build_close(&b);
	return json_text(r->x->arena, build_done(&b));
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
