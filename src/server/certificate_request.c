/*
 * CertificateSigningRequests: who asked is written by the server; approving and signing need rights
 * over the signer. Follows plugin/pkg/admission/certificates.
 */
#include "server/admission.h"
#include "server/authorize.h"
#include "server/certificates.h"
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

/* What is asked for must be readable, and nobody becomes an administrator this way. */
static enum status check_request(struct call *call, const struct api_kind *kind,
				 const struct doc *doc, struct error *error)
{
	struct str request = doc_at_str(doc, "spec.request");
	struct certificate_wish wish;
	struct error why = ERROR_INIT;

	if (certificate_read(call->arena, request, &wish, &why) != ST_OK)
		return fail_invalid(call, kind, object_name(doc), error, "FieldValueInvalid",
				    "spec.request", "Invalid value: \"" STR_FMT "\": %s",
				    STR_ARG(request), why.message);
	if (!str_is(doc_at_str(doc, "spec.signerName"), client_signer))
		return ST_OK;
	for (u32 i = 0; i < wish.organizations_len; i++)
		if (str_is(wish.organizations[i], "system:masters"))
			return fail_forbidden(call, kind, object_name(doc), error,
					      "use of kubernetes.io/kube-apiserver-client signer "
					      "with system:masters group is not allowed");
	return ST_OK;
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

	if (old && subresource && str_is(STR("approval"), subresource))
		return may_sign(call, kind, doc, "approve", error);
	if (old && subresource && str_is(STR("status"), subresource))
		return is && !(was && doc_eq(is, was)) ? may_sign(call, kind, doc, "sign", error)
						       : ST_OK;
	return old ? ST_OK : check_request(call, kind, doc, error);
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
