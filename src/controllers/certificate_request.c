/*
 * CertificateSigningRequests: those of kubelets for their own client certificates are approved when
 * RBAC lets them be, approved ones of Kubernetes' own signers are signed, old ones go. Follows
 * pkg/controller/certificates (approver, signer, cleaner).
 */
#include "base/timestamp.h"
#include "controllers/controller.h"
#include "server/certificates.h"

#define CLIENT "kubernetes.io/kube-apiserver-client"
#define KUBELET_CLIENT "kubernetes.io/kube-apiserver-client-kubelet"
#define KUBELET_SERVING "kubernetes.io/kubelet-serving"

enum {
	HOUR_S = 3600,
	DECIDED_S = HOUR_S,	 /* how long what is approved, denied or failed stays */
	PENDING_S = 24 * HOUR_S, /* and what nobody decides */
	LIFE_S = 365 * 24 * HOUR_S,
	SHORTEST_S = 600,
	ASK_AGAIN_S = 60,    /* whether RBAC lets a node in by now */
	SERVING_AGAIN_S = 2, /* whether a node says by now what it is called */
};

struct request { /* one pass */
	const struct view *view;
	struct plan *plan;
	struct version *object;
	const struct doc *spec;
	struct str signer;
	struct certificate_wish wish;
};

static const struct doc *condition(const struct version *object, const char *type)
{
	doc_each_item(doc_at(object->doc, "status.conditions"), one)
		if (str_is(doc_at_str(one, "type"), type))
			return one;
	return NULL;
}

/* ---- what each signer takes */

/* Every usage is among the allowed ones, and the one that matters is there. */
static bool usages_are(const struct doc *usages, const char *needed)
{
	bool found = false;

	doc_each_item(usages, usage) {
		struct str word = doc_str(usage);

		found |= str_is(word, needed);
		if (!str_is(word, needed) && !str_is(word, "digital signature") &&
		    !str_is(word, "key encipherment"))
			return false;
	}
	return found;
}

static bool has_usage(const struct doc *usages, const char *word)
{
	doc_each_item(usages, usage)
		if (str_is(doc_str(usage), word))
			return true;
	return false;
}

static bool is_of_node(const struct certificate_wish *wish)
{
	return wish->organizations_len == 1 && str_is(wish->organizations[0], "system:nodes");
}

/* NULL: fine. Otherwise why this signer does not sign it. */
static const char *fault(const struct request *r)
{
	const struct certificate_wish *w = &r->wish;
	const struct doc *usages = doc_key(r->spec, "usages");
	bool serving = str_is(r->signer, KUBELET_SERVING);

	if (str_is(r->signer, CLIENT))
		return usages_are(usages, "client auth")
			       ? NULL
			       : "invalid usages for client certificate: must include \"client "
				 "auth\" and may include \"digital signature\" and \"key "
				 "encipherment\"";
	if (!is_of_node(w))
		return "subject organization is not system:nodes";
	if (w->emails)
		return "email subjectAltNames are not allowed";
	if (w->uris)
		return "URI subjectAltNames are not allowed";
	if (serving && !w->names && !w->addresses)
		return "DNS or IP subjectAltName is required";
	if (!serving && w->names)
		return "DNS subjectAltNames are not allowed";
	if (!serving && w->addresses)
		return "IP subjectAltNames are not allowed";
	if (!str_starts(w->common_name, STR("system:node:")))
		return "subject common name does not begin with system:node:";
	if (!has_usage(usages, "digital signature") ||
	    !usages_are(usages, serving ? "server auth" : "client auth"))
		return "usages did not match expected values";
	return NULL;
}

/* ---- deciding */

static void decide(struct request *r, const char *type, const char *reason, struct str message,
		   const char *part)
{
	struct arena *arena = r->view->arena;
	struct str now = timestamp_print(arena, r->view->now_ns);
	const struct doc *one = doc_set_str(arena, NULL, "type", str_of(type));
	const struct doc *list = doc_at(r->object->doc, "status.conditions");

	one = doc_set_str(arena, one, "status", STR("True"));
	one = doc_set_str(arena, one, "reason", str_of(reason));
	one = doc_set_str(arena, one, "message", message);
	one = doc_set_str(arena, one, "lastUpdateTime", now);
	one = doc_set_str(arena, one, "lastTransitionTime", now);
	plan_part(
		r->plan, r->object, part,
		doc_set(arena, r->object->doc, "status.conditions", doc_append(arena, list, one)));
}

/* Every name and address it wants to serve by is one the Node says it has. */
static bool serves_as_itself(const struct request *r)
{
	struct str name = str_from(r->wish.common_name, strlen("system:node:"));
	const struct version *node = view_get(r->view, KIND_Node, STR_NONE, name);

	for (u32 i = 0; node && i < r->wish.names + r->wish.addresses; i++) {
		bool has = str_eq(r->wish.alternatives[i], name);

		doc_each_item(doc_at(node->doc, AT(Node, status.addresses)), address)
			has |= str_eq(doc_at_str(address, "address"), r->wish.alternatives[i]);
		if (!has)
			return false;
	}
	return node != NULL;
}

/* Upstream leaves this to a person or a cloud's own approver; here the node's own word is asked
 * for, which only the node can give (NodeRestriction). */
static void approve_serving(struct request *r, bool self)
{
	if (self && serves_as_itself(r))
		decide(r, "Approved", "AutoApproved",
		       STR("Auto approving kubelet serving certificate for the node's own names."),
		       "approval");
	else if (self) /* the node may be about to say more */
		plan_wake(r->plan, r->view->now_ns + SERVING_AGAIN_S * NS_PER_S);
}

/* A node asks for what it is: first with a token of its own, later with its old certificate. */
static void approve(struct request *r)
{
	bool self = str_eq(doc_at_str(r->spec, "username"), r->wish.common_name);

	if (str_is(r->signer, KUBELET_SERVING) && !fault(r))
		approve_serving(r, self);
	if (!str_is(r->signer, KUBELET_CLIENT) || fault(r))
		return;
	if (self && certificate_requestor_may(r->view->certificates, r->view->arena, r->spec,
					      "selfnodeclient"))
		decide(r, "Approved", "AutoApproved",
		       STR("Auto approving self kubelet client certificate after "
			   "SubjectAccessReview."),
		       "approval");
	else if (certificate_requestor_may(r->view->certificates, r->view->arena, r->spec,
					   "nodeclient"))
		decide(r, "Approved", "AutoApproved",
		       STR("Auto approving kubelet client certificate after SubjectAccessReview."),
		       "approval");
	else
		plan_wake(r->plan, r->view->now_ns + ASK_AGAIN_S * NS_PER_S);
}

static void sign(struct request *r)
{
	const struct doc *usages = doc_key(r->spec, "usages");
	i64 wanted = doc_at_int(r->spec, "expirationSeconds", LIFE_S);
	struct certificate_order order = {
		.request = doc_at_str(r->spec, "request"),
		.server = has_usage(usages, "server auth"),
		.client = has_usage(usages, "client auth"),
		.encipherment = has_usage(usages, "key encipherment"),
		.seconds = clamp_i64(wanted, SHORTEST_S, LIFE_S),
		.now_s = r->view->now_ns / NS_PER_S,
	};
	struct arena *arena = r->view->arena;
	struct str certificate;
	struct error error = ERROR_INIT;

	if (!str_is(r->signer, CLIENT) && !str_is(r->signer, KUBELET_CLIENT) &&
	    !str_is(r->signer, KUBELET_SERVING))
		return; /* somebody else's signer */
	if (fault(r)) {
		decide(r, "Failed", "SignerValidationFailure", str_of(fault(r)), "status");
		return;
	}
	enum status status =
		certificate_sign(r->view->certificates, arena, &order, &certificate, &error);

	if (status == ST_OK)
		plan_part(r->plan, r->object, "status",
			  doc_set_str(arena, r->object->doc, "status.certificate", certificate));
	else if (status == ST_BAD_REQUEST)
		decide(r, "Failed", "SignerValidationFailure",
		       str_copy(arena, str_of(error.message)), "status");
}

/* ---- cleaning */

/* When it goes: a while after the decision, or with the certificate. */
static i64 deadline_ns(const struct view *view, const struct version *object)
{
	static const char *const decisions[] = { "Approved", "Denied", "Failed" };
	struct str made = doc_at_str(object->doc, "metadata.creationTimestamp");
	struct str certificate = doc_at_str(object->doc, "status.certificate");
	i64 at = timestamp_or(made, view->now_ns) + PENDING_S * NS_PER_S;
	bool decided = false;

	for (u32 i = 0; i < ARRAY_LEN(decisions); i++) {
		const struct doc *one = condition(object, decisions[i]);
		i64 since = timestamp_or(doc_at_str(one, "lastUpdateTime"), view->now_ns);

		if (!one)
			continue;
		at = decided ? MIN(at, since + DECIDED_S * NS_PER_S) : since + DECIDED_S * NS_PER_S;
		decided = true;
	}
	i64 end_s = certificate.len ? certificate_end_s(view->arena, certificate) : 0;

	return end_s ? MIN(at, end_s * NS_PER_S) : at;
}

static void request_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	struct version *object = view_key(view, key);
	struct request r = { .view = view, .plan = plan, .object = object };

	if (!object || object_deleting(object->doc))
		return;
	i64 deadline = deadline_ns(view, object);

	if (deadline <= view->now_ns) {
		plan_delete(plan, object, NULL);
		return;
	}
	plan_wake(plan, deadline);
	r.spec = doc_key(object->doc, "spec");
	r.signer = doc_at_str(r.spec, "signerName");
	if (!view->certificates || condition(object, "Denied") || condition(object, "Failed") ||
	    doc_at_str(object->doc, "status.certificate").len ||
	    certificate_read(view->arena, doc_at_str(r.spec, "request"), &r.wish, NULL) != ST_OK)
		return;
	if (condition(object, "Approved"))
		sign(&r);
	else
		approve(&r);
}

const struct controller controller_certificate_request = {
	.name = "certificate-controller",
	.watch = { { KIND_CertificateSigningRequest, key_self } },
	.reconcile = request_reconcile,
};
