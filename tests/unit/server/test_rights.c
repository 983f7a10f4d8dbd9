/* Default roles, and that nobody gives rights away that are not theirs. */
#include "harness.h"

#define RBAC "/apis/rbac.authorization.k8s.io/v1"
#define ROLES RBAC "/namespaces/default/roles"
#define BINDINGS RBAC "/namespaces/default/rolebindings"
#define REF(kind, name)                                                                            \
	"\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"" kind                 \
	"\",\"name\":\"" name "\"}"
#define USER(name)                                                                                 \
	"\"subjects\":[{\"kind\":\"User\",\"apiGroup\":\"rbac.authorization.k8s.io\",\"name\":"    \
	"\"" name "\"}]"

static void every_cluster_has_the_default_roles(void **state)
{
	static const char *const names[] = {
		"cluster-admin",	"admin", "edit", "view", "system:node-proxier",
		"system:kube-scheduler"
	};
	const struct doc *role;

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(names); i++)
		ask_ok(200, "GET", str_format(arena, RBAC "/clusterroles/%s", names[i]).at, NULL);
	role = ask_ok(200, "GET", RBAC "/clusterroles/cluster-admin", NULL);
	assert_string_equal(text_of(doc_key(role, "rules")),
			    "[{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"]},"
			    "{\"verbs\":[\"*\"],\"nonResourceURLs\":[\"*\"]}]");
	role = ask_ok(200, "GET", RBAC "/clusterroles/edit", NULL);
	assert_string_equal(text_of(doc_at(role, "aggregationRule")),
			    "{\"clusterRoleSelectors\":[{\"matchLabels\":{\"rbac.authorization.k8s."
			    "io/aggregate-to-edit\":\"true\"}}]}");
}

static void a_start_puts_back_what_is_missing_and_keeps_what_was_added(void **state)
{
	struct error error = ERROR_INIT;
	const struct doc *role;

	(void)state;
	ask_ok(200, "DELETE", RBAC "/clusterrolebindings/system:discovery", NULL);
	sends = "application/merge-patch+json";
	ask_ok(200, "PATCH", RBAC "/clusterroles/system:basic-user",
	       "{\"rules\":[{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}]}");
	ask_ok(200, "PATCH", RBAC "/clusterroles/system:discovery",
	       "{\"metadata\":{\"annotations\":{\"rbac.authorization.kubernetes.io/autoupdate\":"
	       "\"false\"}},\"rules\":null}");
	assert_int_equal(server_bootstrap(server, &error), ST_OK);
	ask_ok(200, "GET", RBAC "/clusterrolebindings/system:discovery", NULL);
	role = ask_ok(200, "GET", RBAC "/clusterroles/system:basic-user", NULL);
	assert_int_equal(doc_len(doc_key(role, "rules")), 3);
	role = ask_ok(200, "GET", RBAC "/clusterroles/system:discovery", NULL);
	assert_int_equal(doc_len(doc_key(role, "rules")), 0);
}

/* jane may read pods and write roles and bindings of the namespace. */
static void make_jane(void)
{
	ask_ok(201, "POST", ROLES,
	       "{\"metadata\":{\"name\":\"jane\"},\"rules\":[{\"apiGroups\":[\"\"],\"resources\":"
	       "[\"pods\"],\"verbs\":[\"get\",\"list\"]},{\"apiGroups\":[\"rbac.authorization.k8s."
	       "io\"],\"resources\":[\"roles\",\"rolebindings\"],\"verbs\":[\"create\",\"update\","
	       "\"patch\",\"get\"]}]}");
	ask_ok(201, "POST", BINDINGS,
	       "{\"metadata\":{\"name\":\"jane\"}," REF("Role", "jane") "," USER("jane") "}");
	acts_as = "jane";
}

static void nobody_writes_rights_they_do_not_have(void **state)
{
	(void)state;
	make_jane();
	ask_ok(201, "POST", ROLES,
	       "{\"metadata\":{\"name\":\"a\"},\"rules\":[{\"apiGroups\":[\"\"],\"resources\":"
	       "[\"pods\"],\"verbs\":[\"list\"],\"resourceNames\":[\"x\"]}]}");
	ask_fails(403, "Forbidden",
		  "roles.rbac.authorization.k8s.io \"b\" is forbidden: user \"jane\" (groups="
		  "[\"system:authenticated\"]) is attempting to grant RBAC permissions not "
		  "currently held:\n"
		  "{APIGroups:[\"\"], Resources:[\"nodes\"], Verbs:[\"get\" \"watch\"]}\n"
		  "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"watch\"]}",
		  "POST", ROLES,
		  "{\"metadata\":{\"name\":\"b\"},\"rules\":[{\"apiGroups\":[\"\"],\"resources\":"
		  "[\"pods\",\"nodes\"],\"verbs\":[\"get\",\"watch\"]}]}");
	/* What is in a role already may stay while something else of it changes. */
	acts_as = NULL;
	ask_ok(201, "POST", ROLES,
	       "{\"metadata\":{\"name\":\"c\"},\"rules\":[{\"apiGroups\":[\"\"],\"resources\":"
	       "[\"nodes\"],\"verbs\":[\"*\"]}]}");
	acts_as = "jane";
	sends = "application/merge-patch+json";
	ask_ok(200, "PATCH", ROLES "/c", "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
	ask_ok(403, "PATCH", ROLES "/a",
	       "{\"rules\":[{\"apiGroups\":[\"*\"],\"resources\":[\"*\"],\"verbs\":[\"*\"]}]}");
}

static void nobody_binds_rights_they_do_not_have(void **state)
{
	(void)state;
	make_jane();
	ask_ok(201, "POST", BINDINGS,
	       "{\"metadata\":{\"name\":\"a\"}," REF("Role", "jane") "," USER("joe") "}");
	ask_fails(403, "Forbidden",
		  "rolebindings.rbac.authorization.k8s.io \"b\" is forbidden: user \"jane\" "
		  "(groups=[\"system:authenticated\"]) is attempting to grant RBAC permissions not "
		  "currently held:\n{APIGroups:[\"*\"], Resources:[\"*\"], Verbs:[\"*\"]}\n"
		  "{NonResourceURLs:[\"*\"], Verbs:[\"*\"]}",
		  "POST", BINDINGS,
		  "{\"metadata\":{\"name\":\"b\"}," REF("ClusterRole",
							"cluster-admin") "," USER("jane") "}");
	ask_fails(404, "NotFound", "roles.rbac.authorization.k8s.io \"no\" not found", "POST",
		  BINDINGS, "{\"metadata\":{\"name\":\"c\"}," REF("Role", "no") "," USER("x") "}");
	sends = "application/merge-patch+json";
	ask_fails(422, "Invalid",
		  "RoleBinding.rbac.authorization.k8s.io \"a\" is invalid: roleRef: Invalid value: "
		  "{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"Role\",\"name\":\"x\"}: "
		  "cannot change roleRef",
		  "PATCH", BINDINGS "/a", "{\"roleRef\":{\"name\":\"x\"}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cluster_test(every_cluster_has_the_default_roles),
		cluster_test(a_start_puts_back_what_is_missing_and_keeps_what_was_added),
		cluster_test(nobody_writes_rights_they_do_not_have),
		cluster_test(nobody_binds_rights_they_do_not_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
