/* CertificateSigningRequests from the asking to the certificate, and to their end. */
#include "cluster.h"

#include "base/base64.h"
#include "net/pki.h"

static struct cluster *c;
static struct arena *keys;
static struct pki_pair authority;

static enum status sign(void *self, struct arena *arena, const struct certificate_order *order,
			struct str *ret_certificate, struct error *error)
{
	int uses = (order->server ? PKI_SERVER : 0) | (order->client ? PKI_CLIENT : 0) |
		   (order->encipherment ? 0 : PKI_SIGNS_ONLY);

	(void)self;
	return pki_request_sign(arena, &authority, order->request, uses, order->seconds,
				order->now_s, ret_certificate, error);
}

static int up(void **state)
{
	(void)state;
	keys = arena_new(0);
	assert_int_equal(pki_ca_create(keys, STR("test"), 1767225600, &authority, NULL), ST_OK);
	c = cluster_new((struct cluster_wish){ .certificates = { sign, NULL } });
	return 0;
}

static int down(void **state)
{
	(void)state;
	cluster_free(c);
	arena_free(keys);
	return 0;
}

struct asking {
	const char *user, *name, *organization, *alternative, *signer, *usages;
	i64 seconds;
};

static void ask(const char *csr, struct asking a)
{
	struct str organizations[] = { str_of(a.organization) },
		   names[] = { str_of(a.alternative) };
	struct pki_subject subject = { .common_name = str_of(a.name),
				       .organizations = organizations,
				       .organizations_len = a.organization ? 1 : 0,
				       .names = names,
				       .names_len = a.alternative ? 1 : 0 };
	struct str request, key, groups[] = { STR("system:nodes"), STR("system:authenticated") };
	struct user user = { .name = str_of(a.user), .groups = groups, .groups_len = 2 };
	struct call call = cluster_call(c);
	struct outcome outcome;
	struct error error = ERROR_INIT;

	assert_int_equal(pki_request_create(c->arena, &subject, &request, &key, NULL), ST_OK);
	call.user = &user;
	const char *json =
		str_format(c->arena,
			   "{'metadata':{'name':'%s'},'spec':{'signerName':'kubernetes.io/%s',"
			   "'expirationSeconds':%lld,'usages':[%s],'request':'" STR_FMT "'}}",
			   csr, a.signer, (long long)(a.seconds ? a.seconds : 3600), a.usages,
			   STR_ARG(base64_encode(c->arena, request)))
			.at;

	if (verb_create(&call, schema_kind(c->schema, KIND_CertificateSigningRequest), STR_NONE,
			STR_NONE, STR_NONE, cluster_doc(c, json), &outcome, &error) != ST_OK)
		fail_msg("%s", error.message);
	cluster_run(c, 1);
}

static void decide(const char *csr, const char *type)
{
	cluster_patch_sub(c, KIND_CertificateSigningRequest, csr, "approval",
			  str_format(c->arena,
				     "{'status':{'conditions':[{'type':'%s','status':'True',"
				     "'reason':'Fine','message':''}]}}",
				     type)
				  .at);
	cluster_run(c, 1);
}

static bool issued(const char *csr, struct pki_info *ret_info)
{
	struct version *v = cluster_get(c, KIND_CertificateSigningRequest, csr);
	struct str pem;

	assert_non_null(v);
	return base64_decode(c->arena, doc_at_str(v->doc, "status.certificate"), &pem) && pem.len &&
	       pki_read(c->arena, pem, ret_info, NULL) == ST_OK &&
	       pki_verify(authority.certificate, pem, PKI_CLIENT, c->now_ns / NS_PER_S, NULL) ==
		       ST_OK;
}

static const char *condition(const char *csr, const char *type)
{
	return cluster_condition(c, KIND_CertificateSigningRequest, csr, type);
}

#define CLIENT_USES "'client auth','digital signature'"

static void a_user_gets_a_certificate_once_somebody_approves(void **state)
{
	struct pki_info info;

	(void)state;
	ask("jane", (struct asking){ "jane", "jane", "developers", NULL, "kube-apiserver-client",
				     CLIENT_USES, 7200 });
	assert_false(issued("jane", &info));
	decide("jane", "Approved");
	assert_true(issued("jane", &info));
	assert_true(str_is(info.subject.common_name, "jane"));
	assert_true(str_is(info.subject.organizations[0], "developers"));
	assert_int_equal(info.not_after_s, c->now_ns / NS_PER_S + 7200 - 1);
}

static void what_is_denied_stays_unsigned(void **state)
{
	struct pki_info info;

	(void)state;
	ask("jane",
	    (struct asking){ "jane", "jane", NULL, NULL, "kube-apiserver-client", CLIENT_USES, 0 });
	decide("jane", "Denied");
	assert_false(issued("jane", &info));
}

/* Nodes may renew their own by default; asking for others must be allowed. */
static void let_nodes_ask(const char *role)
{
	cluster_create(c, KIND_ClusterRoleBinding,
		       str_format(c->arena,
				  "{'metadata':{'name':'%s'},'roleRef':{'apiGroup':"
				  "'rbac.authorization.k8s.io','kind':'ClusterRole','name':"
				  "'system:certificates.k8s.io:certificatesigningrequests:%s'},"
				  "'subjects':[{'kind':'Group','apiGroup':"
				  "'rbac.authorization.k8s.io','name':'system:nodes'}]}",
				  role, role)
			       .at);
}

static void nodes_renew_their_own_certificate(void **state)
{
	struct asking node = { "system:node:n1",
			       "system:node:n1",
			       "system:nodes",
			       NULL,
			       "kube-apiserver-client-kubelet",
			       CLIENT_USES,
			       0 };
	struct pki_info info;

	(void)state;
	ask("early", node);
	assert_string_equal(condition("early", "Approved"),
			    "True AutoApproved: Auto approving self kubelet client certificate "
			    "after SubjectAccessReview.");
	assert_true(issued("early", &info));
	/* Another node's name is not its own. */
	node.user = "system:node:n2";
	ask("other", node);
	cluster_run(c, 61);
	assert_string_equal(condition("other", "Approved"), "");
	let_nodes_ask("nodeclient");
	cluster_run(c, 61);
	assert_string_equal(condition("other", "Approved"),
			    "True AutoApproved: Auto approving kubelet client certificate after "
			    "SubjectAccessReview.");
}

static void a_signer_refuses_what_is_not_its_own(void **state)
{
	struct pki_info info;

	(void)state;
	ask("jane", (struct asking){ "jane", "jane", "developers", NULL,
				     "kube-apiserver-client-kubelet", CLIENT_USES, 0 });
	decide("jane", "Approved");
	assert_string_equal(condition("jane", "Failed"),
			    "True SignerValidationFailure: subject organization is not "
			    "system:nodes");
	ask("uses", (struct asking){ "jane", "jane", NULL, NULL, "kube-apiserver-client",
				     "'server auth'", 0 });
	decide("uses", "Approved");
	assert_false(issued("uses", &info));
	ask("serving",
	    (struct asking){ "system:node:n1", "system:node:n1", "system:nodes", NULL,
			     "kubelet-serving", "'server auth','digital signature'", 0 });
	decide("serving", "Approved");
	assert_string_equal(condition("serving", "Failed"),
			    "True SignerValidationFailure: DNS or IP subjectAltName is required");
}

static void a_node_serves_by_the_names_it_has(void **state)
{
	struct asking node = { "system:node:n1",
			       "system:node:n1",
			       "system:nodes",
			       "10.0.0.7",
			       "kubelet-serving",
			       "'server auth','digital signature'",
			       0 };

	(void)state;
	cluster_create(c, KIND_Node, "{'metadata':{'name':'n1'}}");
	ask("early", node);
	assert_string_equal(condition("early", "Approved"), "");
	cluster_patch_sub(c, KIND_Node, "n1", "status",
			  "{'status':{'addresses':[{'type':'InternalIP','address':'10.0.0.7'}]}}");
	cluster_run(c, 3);
	assert_string_equal(condition("early", "Approved"),
			    "True AutoApproved: Auto approving kubelet serving certificate for the "
			    "node's own names.");
	assert_true(doc_at_str(cluster_get(c, KIND_CertificateSigningRequest, "early")->doc,
			       "status.certificate")
			    .len > 0);
	/* Neither by others' addresses nor for others. */
	node.alternative = "10.0.0.8";
	ask("more", node);
	node.alternative = "10.0.0.7";
	node.user = "system:node:n2";
	ask("other", node);
	cluster_run(c, 10);
	assert_string_equal(condition("more", "Approved"), "");
	assert_string_equal(condition("other", "Approved"), "");
}

static void a_serving_certificate_for_nobody_needs_a_person(void **state)
{
	struct version *v;

	(void)state;
	ask("serving",
	    (struct asking){ "system:node:n1", "system:node:n1", "system:nodes", "n1",
			     "kubelet-serving", "'server auth','digital signature'", 0 });
	assert_string_equal(condition("serving", "Approved"), "");
	decide("serving", "Approved");
	v = cluster_get(c, KIND_CertificateSigningRequest, "serving");
	assert_true(doc_at_str(v->doc, "status.certificate").len > 0);
}

static void old_requests_go(void **state)
{
	struct asking jane = {
		"jane", "jane", NULL, NULL, "kube-apiserver-client", CLIENT_USES, 0
	};

	(void)state;
	ask("pending", jane);
	ask("denied", jane);
	ask("short", (struct asking){ "jane", "jane", NULL, NULL, "kube-apiserver-client",
				      CLIENT_USES, 600 });
	ask("issued", (struct asking){ "jane", "jane", NULL, NULL, "kube-apiserver-client",
				       CLIENT_USES, 86400 });
	decide("denied", "Denied");
	decide("short", "Approved");
	decide("issued", "Approved");
	cluster_run(c, 590);
	assert_non_null(cluster_get(c, KIND_CertificateSigningRequest, "short"));
	cluster_run(c, 20);
	assert_null(cluster_get(c, KIND_CertificateSigningRequest, "short"));
	cluster_run(c, 3000);
	assert_null(cluster_get(c, KIND_CertificateSigningRequest, "denied"));
	assert_null(cluster_get(c, KIND_CertificateSigningRequest, "issued"));
	assert_non_null(cluster_get(c, KIND_CertificateSigningRequest, "pending"));
	cluster_run(c, 24 * 3600);
	assert_null(cluster_get(c, KIND_CertificateSigningRequest, "pending"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
		TEST(a_user_gets_a_certificate_once_somebody_approves),
		TEST(what_is_denied_stays_unsigned),
		TEST(nodes_renew_their_own_certificate),
		TEST(a_signer_refuses_what_is_not_its_own),
		TEST(a_node_serves_by_the_names_it_has),
		TEST(a_serving_certificate_for_nobody_needs_a_person),
		TEST(old_requests_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
