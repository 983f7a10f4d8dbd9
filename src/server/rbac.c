/*
 * Role-based access, read off the stored objects at every question: Role, ClusterRole, RoleBinding
 * and ClusterRoleBinding of rbac.authorization.k8s.io/v1. Where a kind is not served, nothing is
 * granted.
 */
#include "doc/build.h"
#include "server/authenticate.h"
#include "server/authorize.h"
#include "server/state.h"

enum { RULES_MAX = 10000 };

static const struct api_kind *rbac_kind(struct server *server, const char *kind)
{
	return schema_find_kind(server->schema, STR("rbac.authorization.k8s.io/v1"), str_of(kind));
}

/* ---- who */

static bool subject_is(const struct doc *subject, const struct user *user, struct str binding_ns,
		       struct arena *arena)
{
	struct str kind = doc_str(doc_key(subject, "kind")),
		   name = doc_str(doc_key(subject, "name"));
	struct str ns = doc_str_or(doc_key(subject, "namespace"), binding_ns);

	if (str_is(kind, "User"))
		return str_eq(name, user->name);
	if (str_is(kind, "Group"))
		return user_in_group(user, str_c(arena, name));
	if (str_is(kind, "ServiceAccount"))
		return str_eq(user->name,
			      str_format(arena, "system:serviceaccount:" STR_FMT ":" STR_FMT,
					 STR_ARG(ns), STR_ARG(name)));
	return false;
}

static bool binding_names(const struct doc *binding, const struct user *user, struct arena *arena)
{
	struct str ns = doc_at_str(binding, "metadata.namespace");

	doc_each_item(doc_key(binding, "subjects"), subject)
		if (subject_is(subject, user, ns, arena))
			return true;
	return false;
}

/* ---- what */

static bool list_has(const struct doc *list, struct str word, const char *all)
{
	doc_each_item(list, item)
		if (str_eq(doc_str(item), word) || (all && str_is(doc_str(item), all)))
			return true;
	return false;
}

/* "pods", "pods/log", "*", "*" + "/scale". */
static bool rule_has_resource(const struct doc *rule, const struct access *a, struct arena *arena)
{
	const struct doc *list = doc_key(rule, "resources");
	struct str whole = a->resource;

	if (a->subresource.len) {
		whole = str_format(arena, STR_FMT "/" STR_FMT, STR_ARG(a->resource),
				   STR_ARG(a->subresource));
		if (list_has(list, str_format(arena, "*/" STR_FMT, STR_ARG(a->subresource)), NULL))
			return true;
	}
	return list_has(list, whole, "*");
}

static bool rule_has_path(const struct doc *rule, struct str path)
{
	doc_each_item(doc_key(rule, "nonResourceURLs"), item) {
		struct str url = doc_str(item);

		if (str_eq(url, path))
			return true;
		if (str_ends(url, STR("*")) && str_starts(path, str_part(url, 0, url.len - 1)))
			return true;
	}
	return false;
}

static bool rule_allows(const struct doc *rule, const struct access *a, struct arena *arena)
{
	const struct doc *names = doc_key(rule, "resourceNames");

	if (!list_has(doc_key(rule, "verbs"), a->verb, "*"))
		return false;
	if (!a->is_resource)
		return rule_has_path(rule, a->path);
	return list_has(doc_key(rule, "apiGroups"), a->group, "*") &&
	       rule_has_resource(rule, a, arena) &&
	       (doc_len(names) == 0 || list_has(names, a->name, NULL));
}

/* ---- walking bindings: visit() returns true to stop */

struct visitor {
	bool (*rule)(struct visitor *visitor, const struct doc *rule, const struct doc *binding,
		     bool cluster);
	struct server *server;
	struct arena *arena;
	const struct user *user;
	const struct access *access;
	struct str reason;
	struct build *resource_rules, *path_rules;
	u32 count;
};

static bool visit_role(struct visitor *v, const struct doc *binding, bool cluster)
{
	const struct doc *ref = doc_key(binding, "roleRef");
	struct str kind = doc_str(doc_key(ref, "kind"));
	bool known = str_is(kind, "Role") || str_is(kind, "ClusterRole");
	const struct api_kind *roles = known ? rbac_kind(v->server, str_c(v->arena, kind)) : NULL;
	struct str ns = str_is(kind, "Role") ? doc_at_str(binding, "metadata.namespace") : STR("");
	const struct version *role =
		roles ? store_get(v->server->store, roles->id, ns, doc_str(doc_key(ref, "name")))
		      : NULL;

	if (!role)
		return false;
	doc_each_item(doc_key(role->doc, "rules"), rule)
		if (v->count++ < RULES_MAX && v->rule(v, rule, binding, cluster))
			return true;
	return false;
}

static bool visit_bindings(struct visitor *v, const char *kind, struct str ns, bool cluster)
{
	const struct api_kind *bindings = rbac_kind(v->server, kind);
	struct store_iter iter;
	struct version *binding;

	if (!bindings)
		return false;
	store_iter_start(&iter, v->server->store, bindings->id, ns, STR(""), STR(""));
	while ((binding = store_iter_next(&iter)))
		if (binding_names(binding->doc, v->user, v->arena) &&
		    visit_role(v, binding->doc, cluster))
			return true;
	return false;
}

static bool visit_all(struct visitor *v, struct str ns)
{
	if (visit_bindings(v, "ClusterRoleBinding", STR(""), true))
		return true;
	return ns.len && visit_bindings(v, "RoleBinding", ns, false);
}

static bool rule_decides(struct visitor *v, const struct doc *rule, const struct doc *binding,
			 bool cluster)
{
	/* A RoleBinding grants nothing outside namespaces. */
	if ((!cluster && !v->access->is_resource) || !rule_allows(rule, v->access, v->arena))
		return false;
	v->reason = str_format(v->arena,
			       "RBAC: allowed by %s \"" STR_FMT "\" of " STR_FMT " \"" STR_FMT "\"",
			       cluster ? "ClusterRoleBinding" : "RoleBinding",
			       STR_ARG(doc_at_str(binding, "metadata.name")),
			       STR_ARG(doc_at_str(binding, "roleRef.kind")),
			       STR_ARG(doc_at_str(binding, "roleRef.name")));
	return true;
}

bool rbac_allows(struct server *server, struct arena *arena, const struct access *access,
		 struct str *ret_reason)
{
	struct visitor v = { .rule = rule_decides,
			     .server = server,
			     .arena = arena,
			     .user = access->user,
			     .access = access };

	if (!visit_all(&v, access->is_resource ? access->ns : STR("")))
		return false;
	*ret_reason = v.reason;
	return true;
}

static bool rule_collects(struct visitor *v, const struct doc *rule, const struct doc *binding,
			  bool cluster)
{
	(void)binding;
	if (doc_len(doc_key(rule, "resources")))
		build_doc(v->resource_rules, NULL, rule);
	else if (cluster && doc_len(doc_key(rule, "nonResourceURLs")))
		build_doc(v->path_rules, NULL, rule);
	return false;
}

void rbac_rules(struct server *server, struct arena *arena, const struct user *user, struct str ns,
		const struct doc **ret_resource_rules, const struct doc **ret_path_rules)
{
	struct build resource_rules = build_array(arena), path_rules = build_array(arena);
	struct visitor v = { .rule = rule_collects,
			     .server = server,
			     .arena = arena,
			     .user = user,
			     .resource_rules = &resource_rules,
			     .path_rules = &path_rules };

	visit_all(&v, ns);
	*ret_resource_rules = build_done(&resource_rules);
	*ret_path_rules = build_done(&path_rules);
}
