/* minke create role, clusterrole, rolebinding and clusterrolebinding. */
#include "cli/create.h"

static const struct option_rule role_options[] = {
	{ "verb", 0, OPTION_LIST, NULL, "get, list, create …; may stand several times", NULL },
	{ "resource", 0, OPTION_LIST, NULL, "pods, deployments.apps, pods/log …", NULL },
	{ "resource-name", 0, OPTION_LIST, NULL, "only objects of these names", NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

static const struct option_rule cluster_role_options[] = {
	{ "verb", 0, OPTION_LIST, NULL, "get, list, create …; may stand several times", NULL },
	{ "resource", 0, OPTION_LIST, NULL, "pods, deployments.apps, pods/log …", NULL },
	{ "resource-name", 0, OPTION_LIST, NULL, "only objects of these names", NULL },
	{ "non-resource-url", 0, OPTION_LIST, NULL, "paths such as /healthz", NULL },
	{ "aggregation-rule", 0, OPTION_TEXT, NULL, "KEY=VALUE of the ClusterRoles to unite",
	  NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

struct rule_group {
	struct str group;
	const struct doc *resources;
};

/* Resources of one API group share a rule, as kubectl writes them. */
struct rules {
	struct cli *cli;
	struct rule_group groups[32];
	u32 len;
};

static enum status add_resource(struct rules *rules, struct str word, struct error *error)
{
	struct cli *cli = rules->cli;
	struct str subresource = word, name = str_cut(&subresource, '/'), text;
	const struct api_kind *kind;
	struct str group = STR(""), plural = name;

	if (!str_is(name, "*")) {
		enum status status = resource_kind(cli, name, &kind, error);

		if (status)
			return status;
		group = kind->group;
		plural = kind->plural;
	}
	text = subresource.at ? str_format(cli->arena, STR_FMT "/" STR_FMT, STR_ARG(plural),
					   STR_ARG(subresource))
			      : plural;
	for (u32 i = 0; i < rules->len; i++)
		if (str_eq(rules->groups[i].group, group)) {
			rules->groups[i].resources =
				doc_append(cli->arena, rules->groups[i].resources,
					   doc_new_str(cli->arena, text));
			return ST_OK;
		}
	if (rules->len == ARRAY_LEN(rules->groups))
		return fail(error, ST_TOO_LARGE, "error: too many API groups");
	rules->groups[rules->len++] =
		(struct rule_group){ group, doc_append(cli->arena, &doc_empty_array,
						       doc_new_str(cli->arena, text)) };
	return ST_OK;
}

static void build_rules(struct rules *rules, struct build *b, const struct str *urls, u32 urls_len)
{
	struct cli *cli = rules->cli;
	const struct str *verbs, *names;
	u32 verbs_len = option_list(cli, "verb", &verbs);
	u32 names_len = option_list(cli, "resource-name", &names);

	build_open_array(b, "rules");
	for (u32 i = 0; i < rules->len; i++) {
		build_open_object(b, NULL);
		build_open_array(b, "apiGroups");
		build_str(b, NULL, rules->groups[i].group);
		build_close(b);
		create_strings(b, "resourceNames", names, names_len);
		build_doc(b, "resources", rules->groups[i].resources);
		create_strings(b, "verbs", verbs, verbs_len);
		build_close(b);
	}
	if (urls_len) {
		build_open_object(b, NULL);
		create_strings(b, "nonResourceURLs", urls, urls_len);
		create_strings(b, "verbs", verbs, verbs_len);
		build_close(b);
	}
	build_close(b);
}

static enum status role_of(struct cli *cli, bool cluster, const struct doc **ret_role,
			   struct error *error)
{
	struct rules rules = { .cli = cli };
	const struct str *resources, *verbs, *urls = NULL;
	u32 len = option_list(cli, "resource", &resources);
	u32 urls_len = cluster ? option_list(cli, "non-resource-url", &urls) : 0;
	enum status status = cli_connect(cli, error);

	if (!status && !option_list(cli, "verb", &verbs))
		status = fail(error, ST_BAD_REQUEST, "error: at least one verb must be specified");
	if (!status && !len && !urls_len)
		status = fail(error, ST_BAD_REQUEST,
			      "error: at least one resource%s must be specified",
			      cluster ? " or nonResourceURL" : "");
	for (u32 i = 0; !status && i < len; i++)
		for (struct str rest = resources[i]; !status && rest.at;)
			status = add_resource(&rules, str_cut(&rest, ','), error);
	if (status)
		return status;
	struct build b = build_object(cli->arena);

	build_rules(&rules, &b, urls, urls_len);
	*ret_role = build_done(&b);
	return ST_OK;
}

static enum status role_run(struct cli *cli, struct error *error)
{
	struct str name;
	const struct doc *role;
	enum status status = create_name(cli, &name, error);

	if (!status)
		status = role_of(cli, false, &role, error);
	return status ? status : create_made(cli, KIND_Role, name, role, error);
}

static enum status cluster_role_run(struct cli *cli, struct error *error)
{
	struct str name, unite = option_text(cli, "aggregation-rule");
	const struct doc *role;
	enum status status = create_name(cli, &name, error);

	if (!status && unite.len) {
		const struct doc *match =
			doc_set(cli->arena, NULL, "matchLabels", create_pairs(cli, unite));

		role = doc_set(cli->arena, NULL, "aggregationRule.clusterRoleSelectors",
			       doc_append(cli->arena, &doc_empty_array, match));
		role = doc_set(cli->arena, role, "rules", &doc_empty_array);
	} else if (!status) {
		status = role_of(cli, true, &role, error);
	}
	return status ? status : create_made(cli, KIND_ClusterRole, name, role, error);
}

const struct command command_create_role = {
	.name = "role",
	.usage = "role NAME --verb=VERB --resource=RESOURCE [--resource-name=NAME]",
	.summary = "what may be done in a namespace",
	.options = role_options,
	.run = role_run,
};

const struct command command_create_clusterrole = {
	.name = "clusterrole",
	.usage = "clusterrole NAME --verb=VERB --resource=RESOURCE",
	.summary = "what may be done in the whole cluster",
	.options = cluster_role_options,
	.run = cluster_role_run,
};

/* ---- bindings */

static const struct option_rule binding_options[] = {
	{ "role", 0, OPTION_TEXT, NULL, "the Role that is given", NULL },
	{ "clusterrole", 0, OPTION_TEXT, NULL, "the ClusterRole that is given", NULL },
	{ "user", 0, OPTION_LIST, NULL, "to this user", NULL },
	{ "group", 0, OPTION_LIST, NULL, "to this group", NULL },
	{ "serviceaccount", 0, OPTION_LIST, NULL, "to this account: NAMESPACE:NAME", NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

#define RBAC "rbac.authorization.k8s.io"

static void add_subjects(struct cli *cli, struct build *b, const char *option, const char *kind)
{
	const struct str *names;
	u32 len = option_list(cli, option, &names);

	for (u32 i = 0; i < len; i++)
		for (struct str rest = names[i]; rest.at;) {
			build_open_object(b, NULL);
			build_str(b, "apiGroup", STR(RBAC));
			build_str(b, "kind", str_of(kind));
			build_str(b, "name", str_cut(&rest, ','));
			build_close(b);
		}
}

static enum status add_accounts(struct cli *cli, struct build *b, struct error *error)
{
	const struct str *names;
	u32 len = option_list(cli, "serviceaccount", &names);

	for (u32 i = 0; i < len; i++) {
		struct str name = names[i], ns = str_cut(&name, ':');

		if (!name.len || !ns.len)
			return fail(error, ST_BAD_REQUEST,
				    "error: serviceaccount must be <namespace>:<name>");
		build_open_object(b, NULL);
		build_str(b, "kind", STR("ServiceAccount"));
		build_str(b, "name", name);
		build_str(b, "namespace", ns);
		build_close(b);
	}
	return ST_OK;
}

enum status create_subjects(struct cli *cli, struct build *b, struct error *error)
{
	add_subjects(cli, b, "user", "User");
	add_subjects(cli, b, "group", "Group");
	return add_accounts(cli, b, error);
}

static enum status binding_run(struct cli *cli, bool cluster, struct error *error)
{
	struct str name, role = option_text(cli, "role"), whole = option_text(cli, "clusterrole");
	struct build b = build_object(cli->arena);
	enum status status = create_name(cli, &name, error);

	if (!status && cluster && !whole.len)
		status = fail(error, ST_BAD_REQUEST,
			      "error: required flag(s) \"clusterrole\" not set");
	if (!status && !cluster && (role.len > 0) == (whole.len > 0))
		status = fail(error, ST_BAD_REQUEST,
			      "error: exactly one of clusterrole or role must be specified");
	if (status)
		return status;
	build_open_object(&b, "roleRef");
	build_str(&b, "apiGroup", STR(RBAC));
	build_str(&b, "kind", whole.len ? STR("ClusterRole") : STR("Role"));
	build_str(&b, "name", whole.len ? whole : role);
	build_close(&b);
	build_open_array(&b, "subjects");
	status = create_subjects(cli, &b, error);
	if (status)
		return status;
	build_close(&b);
	return create_made(cli, cluster ? KIND_ClusterRoleBinding : KIND_RoleBinding, name,
			   build_done(&b), error);
}

static enum status role_binding_run(struct cli *cli, struct error *error)
{
	return binding_run(cli, false, error);
}

static enum status cluster_role_binding_run(struct cli *cli, struct error *error)
{
	return binding_run(cli, true, error);
}

const struct command command_create_rolebinding = {
	.name = "rolebinding",
	.usage = "rolebinding NAME --role=ROLE|--clusterrole=ROLE --user=USER …",
	.summary = "gives a role to somebody in a namespace",
	.options = binding_options,
	.run = role_binding_run,
};

const struct command command_create_clusterrolebinding = {
	.name = "clusterrolebinding",
	.usage = "clusterrolebinding NAME --clusterrole=ROLE --user=USER …",
	.summary = "gives a role to somebody in the whole cluster",
	.options = binding_options,
	.run = cluster_role_binding_run,
};
