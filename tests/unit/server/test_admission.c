/* Smaller admission steps: classes of pods, certificates, default ingress class, impersonation. */
#include "harness.h"

#include "base/base64.h"
#include "net/pki.h"

#define PODS "/api/v1/namespaces/default/pods"
#define CLASSES "/apis/scheduling.k8s.io/v1/priorityclasses"
#define CSRS "/apis/certificates.k8s.io/v1/certificatesigningrequests"
#define RBAC "/apis/rbac.authorization.k8s.io/v1"

static const struct http_peer jane = { .secure = true, .common_name = STR_INIT("jane") };

static void priority_classes_have_rules(void **state)
{
	const struct doc *pod;

	(void)state;
	ask_fails(422, "Invalid",
		  "PriorityClass.scheduling.k8s.io \"system-mine\" is invalid: metadata.name: "
		  "Forbidden: priority class names with 'system-' prefix are reserved for system "
		  "use only. error: system-mine is not a known system priority class",
		  "POST", CLASSES, "{\"metadata\":{\"name\":\"system-mine\"},\"value\":1}");
	ask_fails(422, "Invalid",
		  "PriorityClass.scheduling.k8s.io \"big\" is invalid: value: Forbidden: maximum "
		  "allowed value of a user defined priority is 1000000000",
		  "POST", CLASSES, "{\"metadata\":{\"name\":\"big\"},\"value\":1000000001}");
	ask_ok(201, "POST", CLASSES,
	       "{\"metadata\":{\"name\":\"usual\"},\"value\":7,\"globalDefault\":true}");
	ask_fails(403, "Forbidden",
		  "priorityclasses.scheduling.k8s.io \"second\" is forbidden: PriorityClass usual "
		  "is already marked as default. Only one default can exist",
		  "POST", CLASSES,
		  "{\"metadata\":{\"name\":\"second\"},\"value\":8,\"globalDefault\":true}");
	pod = ask_ok(201, "POST", PODS,
		     "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"c\","
		     "\"image\":\"x\"}]}}");
	assert_str(doc_at_str(pod, "spec.priorityClassName"), "usual");
	assert_int_equal(doc_at_int(pod, "spec.priority", 0), 7);
	ask_fails(403, "Forbidden",
		  "priorityclasses.scheduling.k8s.io \"system-node-critical\" is forbidden: this "
		  "is a system priority class and cannot be deleted",
		  "DELETE", CLASSES "/system-node-critical", NULL);
}

static void runtime_classes_shape_pods(void **state)
{
	const struct doc *pod;

	(void)state;
	ask_fails(403, "Forbidden",
		  "pods \"p\" is forbidden: pod rejected: RuntimeClass \"none\" not found", "POST",
		  PODS,
		  "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"runtimeClassName\":\"none\","
		  "\"containers\":[{\"name\":\"c\",\"image\":\"x\"}]}}");
	ask_ok(201, "POST", "/apis/node.k8s.io/v1/runtimeclasses",
	       "{\"metadata\":{\"name\":\"box\"},\"handler\":\"box\",\"overhead\":{\"podFixed\":{"
	       "\"memory\":\"64Mi\"}},\"scheduling\":{\"nodeSelector\":{\"box\":\"yes\"},"
	       "\"tolerations\":[{\"key\":\"box\",\"operator\":\"Exists\"}]}}");
	pod = ask_ok(201, "POST", PODS,
		     "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"runtimeClassName\":\"box\","
		     "\"containers\":[{\"name\":\"c\",\"image\":\"x\"}]}}");
	assert_str(doc_at_str(pod, "spec.overhead.memory"), "64Mi");
	assert_str(doc_at_str(pod, "spec.nodeSelector.box"), "yes");
	assert_str(doc_at_str(pod, "spec.tolerations.0.key"), "box");
	ask_fails(
		403, "Forbidden",
		"pods \"q\" is forbidden: pod rejected: conflict: "
		"runtimeClass.scheduling.nodeSelector[box] = yes; pod.spec.nodeSelector[box] = no",
		"POST", PODS,
		"{\"metadata\":{\"name\":\"q\"},\"spec\":{\"runtimeClassName\":\"box\","
		"\"nodeSelector\":{\"box\":\"no\"},\"containers\":[{\"name\":\"c\",\"image\":"
		"\"x\"}]}}");
	ask_ok(403, "POST", PODS,
	       "{\"metadata\":{\"name\":\"q\"},\"spec\":{\"overhead\":{\"cpu\":\"1\"},"
	       "\"containers\":[{\"name\":\"c\",\"image\":\"x\"}]}}");
}

static void ingresses_get_the_default_class(void **state)
{
	static const char ingress[] =
		"{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"defaultBackend\":{\"service\":{"
		"\"name\":\"s\",\"port\":{\"number\":80}}}}}";
	const struct doc *doc;

	(void)state;
	doc = ask_ok(201, "POST", "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
		     str_format(arena, ingress, "a").at);
	assert_null(doc_at(doc, "spec.ingressClassName"));
	ask_ok(201, "POST", "/apis/networking.k8s.io/v1/ingressclasses",
	       "{\"metadata\":{\"name\":\"web\",\"annotations\":{"
	       "\"ingressclass.kubernetes.io/is-default-class\":\"true\"}},\"spec\":{"
	       "\"controller\":\"example.com/web\"}}");
	doc = ask_ok(201, "POST", "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
		     str_format(arena, ingress, "b").at);
	assert_str(doc_at_str(doc, "spec.ingressClassName"), "web");
}

/* jane may do everything with requests, but not approve or sign. */
static void let_jane_request(void)
{
	ask_ok(201, "POST", RBAC "/clusterroles",
	       "{\"metadata\":{\"name\":\"r\"},\"rules\":[{\"apiGroups\":[\"certificates.k8s.io\"],"
	       "\"resources\":[\"certificatesigningrequests\","
	       "\"certificatesigningrequests/approval\","
	       "\"certificatesigningrequests/status\"],\"verbs\":[\"*\"]}]}");
	ask_ok(201, "POST", RBAC "/clusterrolebindings",
	       "{\"metadata\":{\"name\":\"b\"},\"roleRef\":{\"apiGroup\":"
	       "\"rbac.authorization.k8s.io\",\"kind\":\"ClusterRole\",\"name\":\"r\"},"
	       "\"subjects\":[{\"kind\":\"User\",\"apiGroup\":\"rbac.authorization.k8s.io\","
	       "\"name\":\"jane\"}]}");
}

/* A certificate request, as spec.request holds it. */
static const char *request_of(const char *organization)
{
	struct str organizations[] = { str_of(organization) }, pem, key;
	struct pki_subject subject = { .common_name = STR("jane"),
				       .organizations = organizations,
				       .organizations_len = 1 };

	assert_int_equal(pki_request_create(arena, &subject, &pem, &key, NULL), ST_OK);
	return base64_encode(arena, pem).at;
}

static void certificates_need_rights_over_signers(void **state)
{
	static const char approved[] =
		"{\"kind\":\"CertificateSigningRequest\",\"apiVersion\":\"certificates.k8s.io/v1\","
		"\"metadata\":{\"name\":\"c\"},\"spec\":{\"signerName\":\"example.com/one\","
		"\"request\":\"eA==\"},\"status\":{\"conditions\":[{\"type\":\"Approved\","
		"\"status\":\"True\",\"reason\":\"Fine\"}]}}";
	const struct doc *doc;

	(void)state;
	let_jane_request();
	peer = &jane;
	doc = ask_ok(201, "POST", CSRS,
		     str_format(arena,
				"{\"metadata\":{\"name\":\"c\"},\"spec\":{\"signerName\":"
				"\"example.com/one\",\"request\":\"%s\",\"username\":\"somebody\","
				"\"usages\":[\"client auth\"]}}",
				request_of("developers"))
			     .at);
	assert_str(doc_at_str(doc, "spec.username"), "jane");
	assert_str(doc_at_str(doc, "spec.groups.0"), "system:authenticated");
	ask_fails(403, "Forbidden",
		  "certificatesigningrequests.certificates.k8s.io \"c\" is forbidden: user not "
		  "permitted to approve requests with signerName \"example.com/one\"",
		  "PUT", CSRS "/c/approval", approved);
	peer = &admin_peer;
	doc = ask_ok(200, "PUT", CSRS "/c/approval", approved);
	assert_str(doc_at_str(doc, "status.conditions.0.type"), "Approved");
	assert_true(doc_at_str(doc, "status.conditions.0.lastUpdateTime").len > 0);
	peer = &jane;
	sends = "application/merge-patch+json";
	ask_ok(403, "PATCH", CSRS "/c/status", "{\"status\":{\"certificate\":\"eA==\"}}");
	sends = NULL;
	ask_fails(403, "Forbidden",
		  "certificatesigningrequests.certificates.k8s.io \"m\" is forbidden: use of "
		  "kubernetes.io/kube-apiserver-client signer with system:masters group is not "
		  "allowed",
		  "POST", CSRS,
		  str_format(arena,
			     "{\"metadata\":{\"name\":\"m\"},\"spec\":{\"signerName\":"
			     "\"kubernetes.io/kube-apiserver-client\",\"usages\":[\"client auth\"],"
			     "\"request\":\"%s\"}}",
			     request_of("system:masters"))
			  .at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cluster_test(priority_classes_have_rules),
		cluster_test(runtime_classes_shape_pods),
		cluster_test(ingresses_get_the_default_class),
		cluster_test(certificates_need_rights_over_signers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
