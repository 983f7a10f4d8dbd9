/* What a node may read and write: its own, and what its own pods refer to. */
#include "harness.h"

#define API "/api/v1/namespaces/default"
#define PODS API "/pods"
#define LEASES "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"

static const struct str node_groups[] = { STR_INIT("system:nodes") };
static const struct http_peer n1 = {
	.secure = true,
	.common_name = STR_INIT("system:node:n1"),
	.organizations = node_groups,
	.organizations_len = 1,
};

static void put_pod(const char *name, const char *node, const char *spec)
{
	ask_ok(201, "POST", PODS,
	       str_format(
		       arena,
		       "{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"nodeName\":\"%s\",\"containers"
		       "\":[{\"name\":\"c\",\"image\":\"x\"%s]}}",
		       name, node, spec)
		       .at);
}

static void put(const char *plural, const char *name, const char *more)
{
	ask_ok(201, "POST", str_format(arena, API "/%s", plural).at,
	       str_format(arena, "{\"metadata\":{\"name\":\"%s\"}%s}", name, more).at);
}

static void make_pods(void)
{
	peer = &admin_peer;
	put("secrets", "pulled", "");
	put("secrets", "mounted", "");
	put("secrets", "projected", "");
	put("secrets", "env", "");
	put("secrets", "foreign", "");
	put("configmaps", "settings", "");
	put("configmaps", "others", "");
	put_pod("mine", "n1",
		",\"env\":[{\"name\":\"A\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"env\","
		"\"key\":"
		"\"k\"}}}],\"envFrom\":[{\"configMapRef\":{\"name\":\"settings\"}}]}],"
		"\"imagePullSecrets\":[{\"name\":\"pulled\"}],\"volumes\":[{\"name\":\"s\","
		"\"secret\":{\"secretName\":\"mounted\"}},{\"name\":\"p\",\"projected\":{"
		"\"sources\":["
		"{\"secret\":{\"name\":\"projected\"}}]}}");
	put_pod("other", "n2",
		"}],\"volumes\":[{\"name\":\"s\",\"secret\":{\"secretName\":\"foreign\"}}");
	peer = &n1;
}

static void a_node_reads_what_its_pods_refer_to(void **state)
{
	(void)state;
	make_pods();
	ask_ok(200, "GET", API "/secrets/pulled", NULL);
	ask_ok(200, "GET", API "/secrets/mounted", NULL);
	ask_ok(200, "GET", API "/secrets/projected", NULL);
	ask_ok(200, "GET", API "/secrets/env", NULL);
	ask_ok(200, "GET", API "/configmaps/settings", NULL);
	ask_ok(200, "GET", API "/secrets?fieldSelector=metadata.name%3Dmounted", NULL);
	ask_ok(200, "GET", API "/serviceaccounts/default", NULL);
	ask_fails(
		403, "Forbidden",
		"secrets \"foreign\" is forbidden: User \"system:node:n1\" cannot get resource "
		"\"secrets\" in API group \"\" in the namespace \"default\": no relationship found "
		"between node 'n1' and this object",
		"GET", API "/secrets/foreign", NULL);
	ask_ok(403, "GET", API "/configmaps/others", NULL);
	ask_ok(403, "GET", API "/secrets", NULL);
	ask_ok(403, "GET", "/api/v1/secrets", NULL);
	ask_ok(403, "GET", "/api/v1/namespaces/kube-system/secrets/mounted", NULL);
	ask_ok(403, "DELETE", API "/secrets/mounted", NULL);
	peer = &admin_peer;
	ask_ok(200, "DELETE", PODS "/mine?gracePeriodSeconds=0", NULL);
	peer = &n1;
	ask_ok(403, "GET", API "/secrets/mounted", NULL);
}

static void a_node_sees_its_own_pods(void **state)
{
	(void)state;
	make_pods();
	ask_ok(200, "GET", PODS "/mine", NULL);
	ask_ok(403, "GET", PODS "/other", NULL);
	ask_ok(200, "GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1", NULL);
	ask_ok(403, "GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn2", NULL);
	ask_fails(403, "Forbidden",
		  "pods is forbidden: User \"system:node:n1\" cannot list resource \"pods\" in API "
		  "group \"\" at the cluster scope: can only list/watch pods with spec.nodeName "
		  "field selector",
		  "GET", "/api/v1/pods", NULL);
}

static void a_node_writes_its_own_pods(void **state)
{
	static const char ready[] = "{\"status\":{\"phase\":\"Running\"}}";

	(void)state;
	make_pods();
	sends = "application/merge-patch+json";
	ask_ok(200, "PATCH", PODS "/mine/status", ready);
	ask_fails(403, "Forbidden",
		  "pods \"other\" is forbidden: node \"n1\" can only update pod status for pods "
		  "with spec.nodeName set to itself",
		  "PATCH", PODS "/other/status", ready);
	ask_fails(403, "Forbidden",
		  "pods \"mine\" is forbidden: node \"n1\" cannot update labels through pod status",
		  "PATCH", PODS "/mine/status", "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
	ask_ok(403, "PATCH", PODS "/mine", "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
	sends = NULL;
	ask_fails(403, "Forbidden",
		  "pods \"x\" is forbidden: pod does not have \"kubernetes.io/config.mirror\" "
		  "annotation, node \"n1\" can only create mirror pods",
		  "POST", PODS,
		  "{\"metadata\":{\"name\":\"x\"},\"spec\":{\"nodeName\":\"n1\",\"containers\":[{"
		  "\"name\":\"c\",\"image\":\"x\"}]}}");
	ask_ok(201, "POST", PODS,
	       "{\"metadata\":{\"name\":\"m\",\"annotations\":{\"kubernetes.io/"
	       "config.mirror\":\"h\"}"
	       "},\"spec\":{\"nodeName\":\"n1\",\"containers\":[{\"name\":\"c\",\"image\":\"x\"}]}"
	       "}");
	ask_fails(403, "Forbidden",
		  "pods \"s\" is forbidden: node \"n1\" can not create pods that reference secrets",
		  "POST", PODS,
		  "{\"metadata\":{\"name\":\"s\",\"annotations\":{\"kubernetes.io/config.mirror\":"
		  "\"h\"}},\"spec\":{\"nodeName\":\"n1\",\"imagePullSecrets\":[{\"name\":\"a\"}],"
		  "\"containers\":[{\"name\":\"c\",\"image\":\"x\"}]}}");
	ask_fails(403, "Forbidden",
		  "pods \"other\" is forbidden: node n1 can only evict pods with spec.nodeName set "
		  "to itself",
		  "POST", PODS "/other/eviction",
		  "{\"apiVersion\":\"policy/v1\",\"kind\":\"Eviction\",\"metadata\":{\"name\":"
		  "\"other\"}}");
	ask_fails(
		403, "Forbidden",
		"pods \"other\" is forbidden: node \"n1\" can only delete pods with spec.nodeName "
		"set to itself",
		"DELETE", PODS "/other", NULL);
	ask_ok(200, "DELETE", PODS "/mine", NULL);
}

static void a_node_writes_its_own_node(void **state)
{
	(void)state;
	peer = &n1;
	ask_fails(403, "Forbidden",
		  "nodes \"n2\" is forbidden: node \"n1\" is not allowed to modify node \"n2\"",
		  "POST", "/api/v1/nodes", "{\"metadata\":{\"name\":\"n2\"}}");
	ask_fails(403, "Forbidden",
		  "nodes \"n1\" is forbidden: node \"n1\" is not allowed to set the following "
		  "labels: node-restriction.kubernetes.io/a",
		  "POST", "/api/v1/nodes",
		  "{\"metadata\":{\"name\":\"n1\",\"labels\":{\"node-restriction.kubernetes.io/a\":"
		  "\"b\"}}}");
	ask_ok(201, "POST", "/api/v1/nodes",
	       "{\"metadata\":{\"name\":\"n1\",\"labels\":{\"kubernetes.io/hostname\":\"n1\","
	       "\"mine\":\"too\"}}}");
	sends = "application/merge-patch+json";
	ask_ok(200, "PATCH", "/api/v1/nodes/n1/status", "{\"status\":{\"phase\":\"Running\"}}");
	ask_fails(403, "Forbidden",
		  "nodes \"n1\" is forbidden: node \"n1\" is not allowed to modify taints", "PATCH",
		  "/api/v1/nodes/n1",
		  "{\"spec\":{\"taints\":[{\"key\":\"a\",\"effect\":\"NoSchedule\"}]}}");
	ask_fails(403, "Forbidden",
		  "nodes \"n1\" is forbidden: node \"n1\" is not allowed to modify labels: "
		  "node-role.kubernetes.io/control-plane",
		  "PATCH", "/api/v1/nodes/n1",
		  "{\"metadata\":{\"labels\":{\"node-role.kubernetes.io/control-plane\":\"\"}}}");
	sends = NULL;
	ask_ok(403, "DELETE", "/api/v1/nodes/n1", NULL);
}

static void a_node_has_one_lease(void **state)
{
	(void)state;
	peer = &n1;
	ask_ok(201, "POST", LEASES, "{\"metadata\":{\"name\":\"n1\"}}");
	ask_ok(200, "GET", LEASES "/n1", NULL);
	ask_fails(403, "Forbidden",
		  "leases.coordination.k8s.io \"n2\" is forbidden: can only access node lease with "
		  "the same name as the requesting node",
		  "POST", LEASES, "{\"metadata\":{\"name\":\"n2\"}}");
	ask_ok(403, "GET", LEASES, NULL);
	ask_ok(403, "GET", "/apis/coordination.k8s.io/v1/namespaces/default/leases/n1", NULL);
}

#define VOLUMES "/api/v1/persistentvolumes"

static void a_node_lets_go_of_its_local_volumes(void **state)
{
	(void)state;
	peer = &admin_peer;
	ask_ok(201, "POST", VOLUMES,
	       "{\"metadata\":{\"name\":\"v\",\"labels\":{\"minke/node\":\"n1\"},\"finalizers\":"
	       "[\"minke/local-path\"]},\"spec\":{\"capacity\":{\"storage\":\"1\"},\"accessModes\":"
	       "[\"ReadWriteOnce\"],\"hostPath\":{\"path\":\"/x\"}}}");
	sends = "application/merge-patch+json";
	peer = &n1;
	ask_ok(200, "GET", VOLUMES "?labelSelector=minke/node%3Dn1", NULL);
	ask_ok(403, "GET", VOLUMES "?labelSelector=minke/node%3Dn2", NULL);
	ask_ok(403, "GET", VOLUMES, NULL);
	/* Only when it is going, and nothing but the finalizers. */
	ask_ok(403, "PATCH", VOLUMES "/v", "{\"metadata\":{\"finalizers\":null}}");
	peer = &admin_peer;
	ask_ok(200, "DELETE", VOLUMES "/v", NULL);
	peer = &n1;
	ask_ok(403, "PATCH", VOLUMES "/v", "{\"spec\":{\"storageClassName\":\"x\"}}");
	ask_ok(200, "PATCH", VOLUMES "/v", "{\"metadata\":{\"finalizers\":null}}");
	peer = &admin_peer;
	ask_ok(404, "GET", VOLUMES "/v", NULL);
	sends = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cluster_test(a_node_reads_what_its_pods_refer_to),
		cluster_test(a_node_sees_its_own_pods),
		cluster_test(a_node_writes_its_own_pods),
		cluster_test(a_node_writes_its_own_node),
		cluster_test(a_node_has_one_lease),
		cluster_test(a_node_lets_go_of_its_local_volumes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
