/*
 * CertificateSigningRequests: who asked is written by the server; approving and signing need rights
 * over the signer. Follows plugin/pkg/admission/certificates.
 */
#include "base/base64.h"
#include "server/admission.h"
#include "server/authorize.h"
#include "server/object.h"
#include "server/state.h"
#include "server/subresource.h"
#include "server/write.h"

static const char client_signer[] = "kubernetes.io/kube-apiserver-client";

/* ---- new requests */

const struct doc *certificate_request_new(struct call *call, const struct doc *doc)
{
	const struct user *user = call->user ? call->user : &user_server;
	struct arena *arena = call->arena;
	const struct doc *groups = &doc_empty_array;

	for (u32 i = 0; i < user->groups_len; i++)
		groups = doc_append(arena, groups, doc_new_str(arena, user->groups[i]));
	doc = doc_set_str(arena, doc, "spec.username", user->name);
	doc = doc_set(arena, doc, "spec.uid", user->uid.len ? doc_ref_str(arena, user->uid) : NULL);
	doc = doc_set(arena, doc, "spec.groups", groups);
	return doc_set(arena, doc, "spec.extra", user->extra);
}

/*
 * Is "system:masters" an organization of the subject? The DER between the PEM lines is searched for
 * the attribute as it stands there: object identifier 2.5.4.10 and a string of that length.
 */
static bool names_masters(struct arena *arena, struct str pem)
{
	static const char oid[] = "\x06\x03\x55\x04\x0a", masters[] = "system:masters";
	i64 begin = str_find(pem, STR("-----\n")), end;
	struct str body, der, text = STR("");

	if (begin < 0)
		return false;
	body = str_from(pem, (size_t)begin + 6);
	end = str_find(body, STR("-----END"));
	if (end >= 0)
		body = str_part(body, 0, (size_t)end);
	while (body.at) {
		struct str line = str_trim(str_cut(&body, '\n'));

		text = str_format(arena, STR_FMT STR_FMT, STR_ARG(text), STR_ARG(line));
	}
	if (!base64_decode(arena, text, &der))
		return false;
	for (i64 at; (at = str_find(der, str_of(oid))) >= 0;) {
		der = str_from(der, (size_t)at + sizeof oid - 1);
		if (der.len > 2 && (u8)der.at[1] == sizeof masters - 1 &&
		    str_starts(str_from(der, 2), str_of(masters)))
			return true;
	}
	return false;
}

static enum status may_sign(struct call *call, const struct api_kind *kind, const struct doc *doc,
			    const char *verb, struct error *error)
{
	struct str signer = doc_at_str(doc, "spec.signerName");
	i64 slash = str_find_char(signer, '/');
	struct access access = {
		.user = call->user ? call->user : &user_server,
		.is_resource = true,
		.verb = str_of(verb),
		.group = STR("certificates.k8s.io"),
		.version = STR("v1"),
		.resource = STR("signers"),
		.name = signer,
	};

	if (access_allowed(call->server, call->arena, &access, NULL))
		return ST_OK;
	if (slash > 0) { /* all signers of a domain: "example.com/" and a star */
		access.name = str_format(call->arena, STR_FMT "/*",
					 STR_ARG(str_part(signer, 0, (size_t)slash)));
		if (access_allowed(call->server, call->arena, &access, NULL))
			return ST_OK;
	}
	return fail_forbidden(call, kind, object_name(doc), error,
			      "user not permitted to %s requests with signerName \"" STR_FMT "\"",
			      verb, STR_ARG(signer));
}

enum status admit_certificate_request(struct call *call, const struct api_kind *kind,
				      const struct doc *doc, const struct doc *old,
				      const char *subresource, struct error *error)
{
	const struct doc *is = doc_at(doc, "status.certificate"),
			 *was = doc_at(old, "status.certificate");
	struct str pem;

	if (old && subresource && str_is(STR("approval"), subresource))
		return may_sign(call, kind, doc, "approve", error);
	if (old && subresource && str_is(STR("status"), subresource))
		return is && !(was && doc_eq(is, was)) ? may_sign(call, kind, doc, "sign", error)
						       : ST_OK;
	if (old || !str_is(doc_at_str(doc, "spec.signerName"), client_signer) ||
	    !base64_decode(call->arena, doc_at_str(doc, "spec.request"), &pem) ||
	    !names_masters(call->arena, pem))
		return ST_OK;
	return fail_forbidden(call, kind, object_name(doc), error,
			      "use of kubernetes.io/kube-apiserver-client signer with "
			      "system:masters group is not allowed");
}

/* ---- certificatesigningrequests/NAME/approval */

enum status approval_update(struct call *call, const struct api_kind *kind, struct version *request,
			    const struct doc *body, struct outcome *ret_outcome,
			    struct error *error)
{
	const struct doc *doc = request->doc, *decoded;
	struct str revision = doc_at_str(body, "metadata.resourceVersion"), now = call_now(call);
	enum status status = object_decode(call, kind, body, &decoded, error);

	if (status != ST_OK)
		return status;
	const struct doc *list = doc_at(decoded, "status.conditions");

	for (u32 i = 0; i < doc_len(list); i++) {
		const struct doc *one = doc_item(list, i);

		if (!doc_at_str(one, "lastUpdateTime").len)
			one = doc_set_str(call->arena, one, "lastUpdateTime", now);
		if (!doc_at_str(one, "lastTransitionTime").len)
			one = doc_set_str(call->arena, one, "lastTransitionTime", now);
		list = doc_with_item(call->arena, list, i, one);
	}
	doc = doc_set(call->arena, doc, "status.conditions", list);
	if (revision.len)
		doc = doc_set_str(call->arena, doc, "metadata.resourceVersion", revision);
	return write_update(call, kind, request, doc, "approval", ret_outcome, error);
}
