/* Who may ask what; and what is answered to everybody: health, version, discovery, tables. */
#include "harness.h"

#define PODS "/api/v1/namespaces/default/pods"

static const struct http_peer stranger = { .secure = true };
static const struct http_peer mere_user = { .secure = true, .common_name = STR_INIT("jane") };
static const struct str node_groups[] = { STR_INIT("system:nodes") };
static const struct http_peer node = {
	.secure = true,
	.common_name = STR_INIT("system:node:n1"),
	.organizations = node_groups,
	.organizations_len = 1,
};

static void strangers_see_health_and_version_only(void **state)
{
	(void)state;
	peer = &stranger;
	assert_string_equal(ask("GET", "/readyz", NULL).body, "ok");
	assert_string_equal(ask("GET", "/livez", NULL).body, "ok");
	assert_str(doc_at_str(ask_ok(200, "GET", "/version", NULL), "gitVersion"), "v1.36.0+minke");
	ask_ok(200, "GET", "/version/", NULL);
	assert_int_equal(ask("HEAD", "/healthz", NULL).code, 200);
	ask_fails(
		403, "Forbidden",
		"pods is forbidden: User \"system:anonymous\" cannot list resource \"pods\" in API "
		"group \"\" in the namespace \"default\"",
		"GET", PODS, NULL);
	ask_fails(403, "Forbidden", "forbidden: User \"system:anonymous\" cannot get path \"/api\"",
		  "GET", "/api", NULL);
	server_set_ready(server, false);
	assert_int_equal(ask("GET", "/readyz", NULL).code, 500);
	assert_int_equal(ask("GET", "/livez?verbose", NULL).code, 200);
}

static void users_need_roles(void **state)
{
	(void)state;
	peer = &mere_user;
	ask_ok(200, "GET", "/api", NULL);
	ask_fails(403, "Forbidden",
		  "pods \"p\" is forbidden: User \"jane\" cannot get resource \"pods/log\" in API "
		  "group \"\" in the namespace \"default\"",
		  "GET", PODS "/p/log", NULL);
	ask_fails(403, "Forbidden",
		  "nodes is forbidden: User \"jane\" cannot list resource \"nodes\" in API group "
		  "\"\" "
		  "at the cluster scope",
		  "GET", "/api/v1/nodes", NULL);
	peer = &admin_peer;
	ask_ok(201, "POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles",
	       "{\"metadata\":{\"name\":\"r\"},\"rules\":[{\"apiGroups\":[\"\"],\"resources\":"
	       "[\"pods\"],\"verbs\":[\"get\",\"list\"]}]}");
	ask_ok(201, "POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
	       "{\"metadata\":{\"name\":\"b\"},\"roleRef\":{\"apiGroup\":"
	       "\"rbac.authorization.k8s.io\",\"kind\":\"Role\",\"name\":\"r\"},\"subjects\":"
	       "[{\"kind\":\"User\",\"apiGroup\":\"rbac.authorization.k8s.io\",\"name\":\"jane\"}]"
	       "}");
	peer = &mere_user;
	ask_ok(200, "GET", PODS, NULL);
	ask_ok(403, "GET", "/api/v1/namespaces/kube-system/pods", NULL);
	ask_ok(403, "GET", PODS "?watch=true", NULL);
	ask_ok(403, "DELETE", PODS "/p", NULL);
	const struct doc *may = ask_ok(
		201, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
		"{\"spec\":{\"resourceAttributes\":{\"namespace\":\"default\",\"verb\":\"list\","
		"\"resource\":\"pods\"}}}");

	assert_true(doc_at_bool(may, "status.allowed", false));
	may = ask_ok(201, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}");
	assert_str(doc_at_str(may, "status.userInfo.username"), "jane");
}

static void administrators_act_as_others(void **state)
{
	(void)state;
	acts_as = "jane";
	ask_ok(403, "GET", PODS, NULL);
	const struct doc *me =
		ask_ok(201, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}");

	assert_str(doc_at_str(me, "status.userInfo.username"), "jane");
	peer = &mere_user;
	acts_as = "admin";
	ask_fails(403, "Forbidden",
		  "users \"admin\" is forbidden: User \"jane\" cannot impersonate resource "
		  "\"users\" in API group \"\" at the cluster scope",
		  "GET", PODS, NULL);
}

static void nodes_keep_to_their_own(void **state)
{
	(void)state;
	ask_ok(201, "POST", PODS,
	       "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"nodeName\":\"n1\",\"containers\":"
	       "[{\"name\":\"c\",\"image\":\"i\"}]}}");
	ask_ok(201, "POST", PODS,
	       "{\"metadata\":{\"name\":\"q\"},\"spec\":{\"nodeName\":\"n2\",\"containers\":"
	       "[{\"name\":\"c\",\"image\":\"i\"}]}}");
	peer = &node;
	ask_ok(201, "POST", "/api/v1/nodes", "{\"metadata\":{\"name\":\"n1\"}}");
	sends = "application/merge-patch+json";
	ask_ok(200, "PATCH", "/api/v1/nodes/n1/status", "{\"status\":{\"phase\":\"Running\"}}");
	ask_ok(404, "PATCH", "/api/v1/nodes/n2/status", "{\"status\":{}}");
	ask_ok(200, "PATCH", PODS "/p/status", "{\"status\":{\"phase\":\"Running\"}}");
	ask_ok(403, "PATCH", PODS "/q/status", "{\"status\":{\"phase\":\"Running\"}}");
	ask_ok(403, "PATCH", PODS "/p", "{\"spec\":{}}");
	sends = NULL;
	ask_ok(200, "GET", PODS "?fieldSelector=spec.nodeName%3Dn1", NULL);
	ask_ok(403, "GET", "/apis/apps/v1/deployments", NULL);
}

static void tables_have_cells_and_metadata(void **state)
{
	(void)state;
	const struct doc *table;

	ask_ok(201, "POST", PODS,
	       "{\"metadata\":{\"name\":\"p\",\"labels\":{\"a\":\"b\"}},\"spec\":{\"containers\":"
	       "[{\"name\":\"c\",\"image\":\"i\"}]}}");
	accepts = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;"
		  "v=v1beta1;g=meta.k8s.io,application/json";
	wall_ns += 90 * NS_PER_S;
	table = ask_ok(200, "GET", PODS, NULL);
	assert_str(doc_at_str(table, "kind"), "Table");
	assert_str(doc_at_str(table, "apiVersion"), "meta.k8s.io/v1");
	assert_str(doc_at_str(table, "columnDefinitions.0.name"), "Name");
	assert_str(doc_at_str(table, "rows.0.cells.0"), "p");
	assert_str(doc_at_str(table, "rows.0.cells.2"), "Pending");
	assert_str(doc_at_str(table, "rows.0.cells.4"), "90s");
	assert_str(doc_at_str(table, "rows.0.object.kind"), "PartialObjectMetadata");
	assert_str(doc_at_str(table, "rows.0.object.metadata.labels.a"), "b");
	table = ask_ok(200, "GET", PODS "/p?includeObject=Object", NULL);
	assert_str(doc_at_str(table, "rows.0.object.spec.containers.0.name"), "c");
	table = ask_ok(200, "GET", PODS "?includeObject=None", NULL);
	assert_true(doc_is_null(doc_at(table, "rows.0.object")));
	accepts = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
	table = ask_ok(200, "GET", PODS, NULL);
	assert_str(doc_at_str(table, "items.0.metadata.name"), "p");
	assert_null(doc_at(table, "items.0.spec"));
	accepts = "application/json;as=Table;v=v1;g=meta.k8s.io";
	ask_fails(404, "NotFound", "pods \"zz\" not found", "GET", PODS "/zz", NULL);
}

static void discovery_in_both_formats(void **state)
{
	(void)state;
	struct reply_seen seen;

	assert_str(doc_at_str(ask_ok(200, "GET", "/api/v1", NULL), "kind"), "APIResourceList");
	assert_str(doc_at_str(ask_ok(200, "GET", "/apis", NULL), "kind"), "APIGroupList");
	assert_str(doc_at_str(ask_ok(200, "GET", "/apis/apps", NULL), "kind"), "APIGroup");
	ask_ok(200, "GET", "/apis/apps/v1/", NULL);
	ask_ok(404, "GET", "/apis/none/v1", NULL);
	accepts = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
		  "application/json";
	seen = ask("GET", "/apis", NULL);
	assert_non_null(
		strstr(seen.headers, "g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"));
	assert_str(doc_at_str(seen.doc, "kind"), "APIGroupDiscoveryList");
	accepts = "application/json, */*";
	seen = ask("GET", "/openapi/v3", NULL);
	assert_int_equal(seen.code, 200);
	assert_non_null(doc_at(seen.doc, "paths"));
	assert_non_null(strstr(seen.headers, "ETag: \""));
	ask_ok(200, "GET", "/openapi/v3/apis/apps/v1?hash=1", NULL);
	ask_ok(404, "GET", "/openapi/v3/apis/none/v1", NULL);
	accepts = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
	assert_int_equal(ask("GET", "/openapi/v2", NULL).code, 200);
}

static void metrics_count(void **state)
{
	(void)state;
	const char *text = ask("GET", "/metrics", NULL).body;

	assert_non_null(strstr(text, "apiserver_storage_objects{resource=\"namespaces\"} 4\n"));
}

static void put_bootstrap_token(const char *id, const char *expiration)
{
	ask_ok(201, "POST", "/api/v1/namespaces/kube-system/secrets",
	       str_format(arena,
			  "{\"metadata\":{\"name\":\"bootstrap-token-%s\"},"
			  "\"type\":\"bootstrap.kubernetes.io/token\",\"stringData\":{"
			  "\"token-id\":\"%s\",\"token-secret\":\"0123456789abcdef\","
			  "\"usage-bootstrap-authentication\":\"true\",\"expiration\":\"%s\","
			  "\"auth-extra-groups\":\"system:bootstrappers:edge,admins\"}}",
			  id, id, expiration)
		       .at);
}

static void a_machine_joins_with_a_bootstrap_token(void **state)
{
	static const struct http_peer nobody = { .secure = true };
	static const char review[] = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
	(void)state;
	put_bootstrap_token("abcdef", "2023-11-15T00:00:00Z");
	put_bootstrap_token("expire", "2023-11-14T00:00:00Z");
	peer = &nobody;
	authorization = "Bearer abcdef.0123456789abcdef";
	const struct doc *me = ask_ok(201, "POST", review, "{}");
	assert_str(doc_at_str(me, "status.userInfo.username"), "system:bootstrap:abcdef");
	assert_str(doc_at_str(me, "status.userInfo.groups.0"), "system:bootstrappers");
	assert_str(doc_at_str(me, "status.userInfo.groups.1"), "system:bootstrappers:edge");
	assert_str(doc_at_str(me, "status.userInfo.groups.2"), "system:authenticated");
	/* It opens requests for certificates and nothing else. */
	ask_ok(403, "GET", "/api/v1/namespaces/kube-system/secrets", NULL);
	ask_ok(200, "GET", "/apis/certificates.k8s.io/v1/certificatesigningrequests", NULL);
	authorization = "Bearer abcdef.0123456789abcdeg";
	ask_ok(401, "POST", review, "{}");
	authorization = "Bearer expire.0123456789abcdef";
	ask_ok(401, "POST", review, "{}");
	authorization = "Bearer nobody.0123456789abcdef";
	ask_ok(401, "POST", review, "{}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cluster_test(strangers_see_health_and_version_only),
		cluster_test(users_need_roles),
		cluster_test(administrators_act_as_others),
		cluster_test(nodes_keep_to_their_own),
		cluster_test(a_machine_joins_with_a_bootstrap_token),
		cluster_test(tables_have_cells_and_metadata),
		cluster_test(discovery_in_both_formats),
		cluster_test(metrics_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
