/*
 * Rights and webhooks. Follows upstream's pkg/apis/rbac and admissionregistration validation.
 */
#include "schema/check.h"
#include "schema/rules.h"

#define RBAC "rbac.authorization.k8s.io"

/* ---- rights */

static void check_policy_rule(struct check *c, const struct doc *rule, bool namespaced)
{
	const struct doc *urls = doc_key(rule, "nonResourceURLs");
	bool groups = doc_len(doc_key(rule, "apiGroups")),
	     resources = doc_len(doc_key(rule, "resources"));

	if (!doc_len(doc_key(rule, "verbs")))
		check_required(c, "verbs", "verbs must contain at least one value");
	if (doc_len(urls)) {
		if (namespaced)
			check_invalid(c, "nonResourceURLs", urls,
				      "namespaced rules cannot apply to non-resource URLs");
		if (groups || resources || doc_len(doc_key(rule, "resourceNames")))
			check_invalid(c, "nonResourceURLs", urls,
				      "rules cannot apply to both regular resources and "
				      "non-resource URLs");
		return;
	}
	if (!groups)
		check_required(c, "apiGroups", "resource rules must supply at least one api group");
	if (!resources)
		check_required(c, "resources", "resource rules must supply at least one resource");
}

static void check_role(struct check *c, const struct doc *role, bool namespaced)
{
	const struct doc *rules = doc_key(role, "rules");

	check_enter(c, "rules");
	for (u32 i = 0; i < doc_len(rules); i++) {
		check_enter_item(c, i);
		check_policy_rule(c, doc_item(rules, i), namespaced);
		check_leave(c);
	}
	check_leave(c);
}

RULE_CHECK(role_check)
{
	(void)old;
	check_role(c, value, true);
}

RULE_CHECK(cluster_role_check)
{
	const struct doc *rule = doc_key(value, "aggregationRule");

	(void)old;
	check_role(c, value, false);
	if (rule && !doc_len(doc_key(rule, "clusterRoleSelectors")))
		check_required(c, "aggregationRule.clusterRoleSelectors",
			       "at least one clusterRoleSelector required if aggregationRule is "
			       "non-nil");
}

static void check_subject(struct check *c, const struct doc *subject, bool namespaced)
{
	static const char *const none[] = { "", NULL }, *const rbac[] = { RBAC, NULL };
	struct str kind = doc_at_str(subject, "kind"), group = doc_at_str(subject, "apiGroup");
	struct str name = doc_at_str(subject, "name");

	if (!str_is(kind, "ServiceAccount")) {
		if ((str_is(kind, "User") || str_is(kind, "Group")) && group.len &&
		    !str_is(group, RBAC))
			check_unsupported(c, "apiGroup", group, rbac);
		return;
	}
	if (name.len)
		check_format_str(c, "name", API_FORMAT_DNS_SUBDOMAIN, name);
	if (group.len)
		check_unsupported(c, "apiGroup", group, none);
	if (!namespaced && !doc_at_str(subject, "namespace").len)
		check_required(c, "namespace", "");
}

static void check_binding(struct check *c, const struct doc *binding, const struct doc *old,
			  bool namespaced)
{
	static const char *const rbac[] = { RBAC, NULL }, *const cluster[] = { "ClusterRole",
									       NULL };
	const struct doc *subjects = doc_key(binding, "subjects");
	struct str group = doc_at_str(binding, "roleRef.apiGroup");
	struct str kind = doc_at_str(binding, "roleRef.kind");

	if (group.len && !str_is(group, RBAC))
		check_unsupported(c, "roleRef.apiGroup", group, rbac);
	if (!namespaced && str_is(kind, "Role"))
		check_unsupported(c, "roleRef.kind", kind, cluster);
	check_enter(c, "subjects");
	for (u32 i = 0; i < doc_len(subjects); i++) {
		check_enter_item(c, i);
		check_subject(c, doc_item(subjects, i), namespaced);
		check_leave(c);
	}
	check_leave(c);
	if (old && !doc_eq(doc_key(binding, "roleRef"), doc_key(old, "roleRef")))
		check_invalid(c, "roleRef", doc_key(binding, "roleRef"), "cannot change roleRef");
}

RULE_CHECK(role_binding_check)
{
	check_binding(c, value, old, true);
}

RULE_CHECK(cluster_role_binding_check)
{
	check_binding(c, value, old, false);
}

/* ---- webhooks */

static bool has_star(const struct doc *list)
{
	doc_each_item(list, word)
		if (str_is(doc_str(word), "*"))
			return true;
	return false;
}

static void check_star(struct check *c, const struct doc *rule, const char *key, const char *what)
{
	const struct doc *list = doc_get(rule, str_of(key));

	if (!doc_len(list))
		check_required(c, key, "");
	else if (doc_len(list) > 1 && has_star(list))
		check_invalid(c, key, list, "if '*' is present, must not specify other %s", what);
}

static void check_hook_rule(struct check *c, const struct doc *rule)
{
	static const char *const known[] = { "*", "CONNECT", "CREATE", "DELETE", "UPDATE", NULL };
	const struct doc *operations = doc_key(rule, "operations");
	const struct doc *resources = doc_key(rule, "resources");

	check_star(c, rule, "operations", "operations");
	check_enter(c, "operations");
	for (u32 i = 0; i < doc_len(operations); i++) {
		struct str word = doc_str(doc_item(operations, i));
		bool found = false;

		for (u32 j = 0; known[j]; j++)
			found = found || str_is(word, known[j]);
		check_enter_item(c, i);
		if (!found)
			check_unsupported(c, NULL, word, known);
		check_leave(c);
	}
	check_leave(c);
	check_star(c, rule, "apiGroups", "API groups");
	check_star(c, rule, "apiVersions", "API versions");
	if (!doc_len(resources))
		check_required(c, "resources", "");
}

static void check_hook_address(struct check *c, const struct doc *config)
{
	struct str url = doc_at_str(config, "url"), path = doc_at_str(config, "service.path");
	bool has_url = doc_key(config, "url"), has_service = doc_key(config, "service");

	if (has_url == has_service)
		check_required(c, NULL, "exactly one of url or service is required");
	else if (has_url && !str_starts(url, STR("https://")))
		check_invalid_str(c, "url", url,
				  "'https' is the only allowed URL scheme; desired format: "
				  "https://host[/path]");
	else if (path.len && path.at[0] != '/')
		check_invalid_str(c, "service.path", path, "must start with a '/'");
}

static u32 dots_of(struct str name)
{
	u32 dots = 0;

	for (size_t i = 0; i < name.len; i++)
		dots += name.at[i] == '.';
	return dots;
}

static void check_hook(struct check *c, const struct doc *hook)
{
	const struct doc *rules = doc_key(hook, "rules");
	const struct doc *versions = doc_key(hook, "admissionReviewVersions");
	struct str name = doc_at_str(hook, "name");
	bool understood = !doc_len(versions);

	if (name.len)
		check_format_str(c, "name", API_FORMAT_DNS_SUBDOMAIN, name);
	if (name.len && dots_of(name) < 2)
		check_invalid_str(c, "name", name,
				  "should be a domain with at least three segments separated by "
				  "dots");
	doc_each_item(versions, version)
		understood = understood || str_is(doc_str(version), "v1") ||
			     str_is(doc_str(version), "v1beta1");
	if (!understood)
		check_invalid(c, "admissionReviewVersions", versions,
			      "must include at least one of v1, v1beta1");
	check_enter(c, "rules");
	for (u32 i = 0; i < doc_len(rules); i++) {
		check_enter_item(c, i);
		check_hook_rule(c, doc_item(rules, i));
		check_leave(c);
	}
	check_leave(c);
	check_enter(c, "clientConfig");
	check_hook_address(c, doc_key(hook, "clientConfig"));
	check_leave(c);
}

RULE_CHECK(webhook_configuration_check)
{
	const struct doc *hooks = doc_key(value, "webhooks");

	(void)old;
	check_enter(c, "webhooks");
	for (u32 i = 0; i < doc_len(hooks); i++) {
		const struct doc *name = doc_key(doc_item(hooks, i), "name");

		check_enter_item(c, i);
		check_hook(c, doc_item(hooks, i));
		for (u32 j = 0; j < i; j++)
			if (name && doc_eq(name, doc_key(doc_item(hooks, j), "name")))
				check_duplicate(c, "name", name);
		check_leave(c);
	}
	check_leave(c);
}
