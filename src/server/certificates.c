/* Between base64 in objects and PEM in net/pki. */
#include "server/certificates.h"

#include "base/base64.h"
#include "net/pki.h"
#include "server/authorize.h"
#include "server/state.h"
#include "server/token.h"

/* The server in the one role its controllers know it in. */
struct certificates *server_certificates(struct server *server)
{
	return (struct certificates *)server;
}

static struct server *server_of(struct certificates *certificates)
{
	return (struct server *)certificates;
}

enum status certificate_read(struct arena *arena, struct str request,
			     struct certificate_wish *ret_wish, struct error *error)
{
	struct pki_subject subject;
	struct str pem;

	if (!base64_decode(arena, request, &pem) ||
	    str_find(pem, STR("-----BEGIN CERTIFICATE REQUEST-----")) < 0)
		return fail(error, ST_BAD_REQUEST, "PEM block type must be CERTIFICATE REQUEST");
	if (pki_request_read(arena, pem, &subject, NULL) != ST_OK)
		return fail(error, ST_BAD_REQUEST, "asn1: structure error: malformed request");
	*ret_wish = (struct certificate_wish){
		.common_name = subject.common_name,
		.organizations = subject.organizations,
		.organizations_len = subject.organizations_len,
		.names = subject.names_len - subject.addresses_len,
		.addresses = subject.addresses_len,
		.emails = subject.emails_len,
		.uris = subject.uris_len,
		.alternatives = subject.names,
	};
	return ST_OK;
}

i64 certificate_end_s(struct arena *arena, struct str certificate)
{
	struct pki_info info;
	struct str pem;

	if (!base64_decode(arena, certificate, &pem) || pki_read(arena, pem, &info, NULL) != ST_OK)
		return 0;
	return info.not_after_s;
}

bool certificate_requestor_may(struct certificates *certificates, struct arena *arena,
			       const struct doc *spec, const char *subresource)
{
	const struct doc *list = doc_key(spec, "groups");
	struct str *groups = ARENA_ARRAY(arena, struct str, doc_len(list) + 1);
	u32 len = 0;

	doc_each_item(list, group)
		groups[len++] = doc_str(group);
	struct user user = { .name = doc_at_str(spec, "username"),
			     .uid = doc_at_str(spec, "uid"),
			     .groups = groups,
			     .groups_len = len };
	struct access access = {
		.user = &user,
		.is_resource = true,
		.verb = STR("create"),
		.group = STR("certificates.k8s.io"),
		.version = STR("*"),
		.resource = STR("certificatesigningrequests"),
		.subresource = str_of(subresource),
	};

	return access_allowed(server_of(certificates), arena, &access, NULL);
}

enum status certificate_sign(struct certificates *certificates, struct arena *arena,
			     const struct certificate_order *order, struct str *ret_certificate,
			     struct error *error)
{
	const struct certificate_signer *signer = &server_of(certificates)->config.certificates;
	struct certificate_order decoded = *order;
	struct str pem;

	if (!signer->sign)
		return fail(error, ST_UNAVAILABLE, "this server has no authority to sign with");
	if (!base64_decode(arena, order->request, &decoded.request))
		return fail(error, ST_BAD_REQUEST, "the request is no base64");
	enum status status = signer->sign(signer->self, arena, &decoded, &pem, error);

	if (status == ST_OK)
		*ret_certificate = base64_encode(arena, pem);
	return status;
}

enum status token_for_secret(struct certificates *certificates, struct arena *arena,
			     const struct version *account, struct str secret,
			     struct str *ret_token, struct error *error)
{
	const struct token_signer *tokens = &server_of(certificates)->config.tokens;

	if (!tokens->sign)
		return fail(error, ST_UNAVAILABLE,
			    "this server has no key to sign service-account tokens with");
	return tokens->sign(tokens->self, arena, token_legacy_claims(arena, account, secret),
			    ret_token, error);
}
