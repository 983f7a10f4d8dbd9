/* Bearer tokens: the administrator's, and service accounts' that die with their account or pod. */
#include "harness.h"

#include "base/base64.h"
#include "doc/build.h"
#include "server/certificates.h"

#define PODS "/api/v1/namespaces/default/pods"
#define TOKEN "/api/v1/namespaces/default/serviceaccounts/default/token"

/* A signer that signs nothing: the token is "signed:" and the claims. */
static enum status sign(void *self, struct arena *into, const struct doc *claims,
			struct str *ret_token, struct error *error)
{
	(void)self;
	(void)error;
	*ret_token = str_format(into, "signed:" STR_FMT, STR_ARG(json_text(into, claims)));
	return ST_OK;
}

static enum status verify(void *self, struct arena *into, struct str token,
			  const struct doc **ret_claims, struct error *error)
{
	(void)self;
	if (!str_starts(token, STR("signed:")))
		return fail(error, ST_UNAUTHORIZED, "no signature");
	return json_parse(into, str_from(token, 7), ret_claims, error);
}

static struct str public_keys(void *self, struct arena *into)
{
	(void)self;
	return str_copy(into, STR("[{\"kty\":\"RSA\",\"alg\":\"RS256\"}]"));
}

static const struct http_peer stranger = { .secure = true };

static int up(void **state)
{
	static const struct server_config config = {
		.admin_token = STR_INIT("secret-token"),
		.tokens = { .sign = sign, .verify = verify, .public_keys = public_keys },
	};

	(void)state;
	make_cluster(&config);
	ask_ok(201, "POST", "/api/v1/namespaces/default/serviceaccounts",
	       "{\"metadata\":{\"name\":\"default\"}}");
	return 0;
}

static void use_token(struct str token)
{
	peer = &stranger;
	authorization = str_format(arena, "Bearer " STR_FMT, STR_ARG(token)).at;
}

static void use_certificate(void)
{
	peer = &admin_peer;
	authorization = NULL;
}

static const struct doc *who(int code)
{
	return ask_ok(code, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}");
}

static void the_administrators_token(void **state)
{
	(void)state;
	use_token(STR("secret-token"));
	ask_ok(200, "GET", PODS, NULL);
	use_token(STR("wrong"));
	ask_fails(401, "Unauthorized", "Unauthorized", "GET", PODS, NULL);
	authorization = "Basic YTpi";
	ask_fails(401, "Unauthorized", "Unauthorized", "GET", PODS, NULL);
}

static void accounts_get_tokens_that_expire(void **state)
{
	(void)state;
	const struct doc *made = ask_ok(201, "POST", TOKEN, "{\"spec\":{}}");

	assert_str(doc_at_str(made, "kind"), "TokenRequest");
	assert_str(doc_at_str(made, "status.expirationTimestamp"), "2023-11-14T23:13:20Z");
	use_token(doc_at_str(made, "status.token"));
	assert_str(doc_at_str(who(201), "status.userInfo.username"),
		   "system:serviceaccount:default:default");
	assert_str(doc_at_str(who(201), "status.userInfo.groups.1"),
		   "system:serviceaccounts:default");
	ask_ok(403, "GET", PODS, NULL);
	wall_ns += 3601 * NS_PER_S;
	who(401);
	wall_ns -= 3601 * NS_PER_S;
	use_certificate();
	ask_ok(200, "DELETE", "/api/v1/namespaces/default/serviceaccounts/default", NULL);
	use_token(doc_at_str(made, "status.token"));
	who(401);
}

static void short_lives_are_refused(void **state)
{
	(void)state;
	const struct doc *status =
		ask_ok(422, "POST", TOKEN, "{\"spec\":{\"expirationSeconds\":5}}");

	assert_str(doc_at_str(status, "details.causes.0.field"), "spec.expirationSeconds");
}

static void tokens_for_others_are_not_ours(void **state)
{
	(void)state;
	const struct doc *made =
		ask_ok(201, "POST", TOKEN, "{\"spec\":{\"audiences\":[\"vault\"]}}");

	use_token(doc_at_str(made, "status.token"));
	who(401);
}

static void tokens_die_with_their_pod(void **state)
{
	(void)state;
	const struct doc *made;

	ask_ok(201, "POST", PODS,
	       "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":"
	       "\"i\"}]}}");
	made = ask_ok(201, "POST", TOKEN,
		      "{\"spec\":{\"expirationSeconds\":3607,\"boundObjectRef\":{\"kind\":\"Pod\","
		      "\"apiVersion\":\"v1\",\"name\":\"p\"}}}");
	use_token(doc_at_str(made, "status.token"));
	who(201);
	wall_ns += 7200 * NS_PER_S; /* mounted ones live on, for programs that read them once */
	who(201);
	use_certificate();
	const struct doc *review = ask_ok(
		201, "POST", "/apis/authentication.k8s.io/v1/tokenreviews",
		text_of(doc_set_str(arena, NULL, "spec.token", doc_at_str(made, "status.token"))));

	assert_true(doc_at_bool(review, "status.authenticated", false));
	ask_ok(200, "DELETE", PODS "/p", NULL);
	use_token(doc_at_str(made, "status.token"));
	who(401);
	use_certificate();
	ask_ok(404, "POST", TOKEN,
	       "{\"spec\":{\"boundObjectRef\":{\"kind\":\"Pod\",\"name\":\"p\"}}}");
}

static void tokens_die_with_a_secret_or_a_node(void **state)
{
	static const struct {
		const char *kind, *path, *body;
	} bound[] = {
		{ "Secret", "/api/v1/namespaces/default/secrets",
		  "{\"metadata\":{\"name\":\"b\"}}" },
		{ "Node", "/api/v1/nodes", "{\"metadata\":{\"name\":\"b\"}}" },
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(bound); i++) {
		const char *path = str_format(arena, "%s/b", bound[i].path).at;

		ask_ok(201, "POST", bound[i].path, bound[i].body);
		const struct doc *made =
			ask_ok(201, "POST", TOKEN,
			       str_format(arena,
					  "{\"spec\":{\"boundObjectRef\":{\"kind\":\"%s\",\"name\":"
					  "\"b\"}}}",
					  bound[i].kind)
				       .at);

		use_token(doc_at_str(made, "status.token"));
		who(201);
		use_certificate();
		ask_ok(200, "DELETE", path, NULL);
		ask_ok(201, "POST", bound[i].path, bound[i].body); /* the same name, not the same */
		use_token(doc_at_str(made, "status.token"));
		who(401);
		use_certificate();
	}
	ask_fails(422, "Invalid",
		  "cannot bind token for serviceaccount \"default\" to object type ConfigMap",
		  "POST", TOKEN,
		  "{\"spec\":{\"boundObjectRef\":{\"kind\":\"ConfigMap\",\"name\":\"b\"}}}");
}

static void a_token_without_end_lives_in_its_secret(void **state)
{
	(void)state;
	const struct version *account =
		store_get(store, KIND_ServiceAccount, STR("default"), STR("default"));
	struct str token, wrong;

	assert_int_equal(token_for_secret(server_certificates(server), arena, account, STR("t"),
					  &token, NULL),
			 ST_OK);
	use_token(token);
	who(401);
	use_certificate();
	ask_ok(201, "POST", "/api/v1/namespaces/default/secrets",
	       str_format(arena,
			  "{\"metadata\":{\"name\":\"t\",\"annotations\":{"
			  "\"kubernetes.io/service-account.name\":\"default\"}},\"type\":"
			  "\"kubernetes.io/service-account-token\",\"data\":{\"token\":\"" STR_FMT
			  "\"}}",
			  STR_ARG(base64_encode(arena, token)))
		       .at);
	use_token(token);
	wall_ns += 10LL * 365 * 86400 * NS_PER_S;
	assert_str(doc_at_str(who(201), "status.userInfo.username"),
		   "system:serviceaccount:default:default");
	wrong = str_format(arena, STR_FMT " ", STR_ARG(token));
	authorization = str_format(arena, "Bearer " STR_FMT "{}", STR_ARG(wrong)).at;
	who(401);
	use_certificate();
	ask_ok(200, "DELETE", "/api/v1/namespaces/default/secrets/t", NULL);
	use_token(token);
	who(401);
}

static void others_can_check_our_tokens(void **state)
{
	(void)state;
	const struct doc *d = ask_ok(200, "GET", "/.well-known/openid-configuration", NULL);

	assert_str(doc_at_str(d, "issuer"), "https://kubernetes.default.svc.cluster.local");
	assert_str(doc_at_str(d, "jwks_uri"), "https://127.0.0.1:6443/openid/v1/jwks");
	assert_str(doc_at_str(d, "id_token_signing_alg_values_supported.0"), "RS256");
	d = ask_ok(200, "GET", "/openid/v1/jwks", NULL);
	assert_str(doc_at_str(d, "keys.0.kty"), "RSA");
	/* Service accounts may read it, strangers may not. */
	const struct doc *made = ask_ok(201, "POST", TOKEN, "{\"spec\":{}}");

	use_token(doc_at_str(made, "status.token"));
	ask_ok(200, "GET", "/openid/v1/jwks", NULL);
	authorization = NULL;
	ask_ok(403, "GET", "/openid/v1/jwks", NULL);
	use_certificate();
}

#define token_test(f) cmocka_unit_test_setup_teardown(f, up, cluster_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		token_test(the_administrators_token),
		token_test(accounts_get_tokens_that_expire),
		token_test(short_lives_are_refused),
		token_test(tokens_for_others_are_not_ours),
		token_test(tokens_die_with_their_pod),
		token_test(others_can_check_our_tokens),
		token_test(tokens_die_with_a_secret_or_a_node),
		token_test(a_token_without_end_lives_in_its_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
