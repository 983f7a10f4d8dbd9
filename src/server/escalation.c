/*
 * Nobody gives rights away that are not theirs: who writes a role must have all it says or the verb
 * `escalate` on it, who binds one must have all it says or the verb `bind`. Follows
 * pkg/registry/rbac/escalation_check.go and its policybased registries.
 */
#include <stdlib.h>

#include "doc/json.h"
#include "server/admission.h"
#include "server/authenticate.h"
#include "server/authorize.h"
#include "server/object.h"
#include "server/state.h"

enum {
	QUESTIONS_MAX = 20000, /* single rights looked at in one role */
	MISSING_MAX = 64,      /* told of; one is enough to refuse */
};

/* One role's right and its pieces; `place` is a resource or a path. */
struct right {
	const struct doc *names;
	struct str group, place;
	const struct doc *verbs; /* an array that grows as rights of one place come together */
	bool path;
};

struct check {
	struct call *call;
	const struct doc *resource_rules, *path_rules; /* what the user has */
	struct right missing[MISSING_MAX];
	u32 missing_len, questions;
};

static bool has(const struct doc *list, struct str word)
{
	doc_each_item(list, item)
		if (str_eq(doc_str(item), word) || str_is(doc_str(item), "*"))
			return true;
	return false;
}

static bool has_place(const struct doc *rule, struct str place)
{
	i64 slash = str_find_char(place, '/');
	const struct doc *list = doc_key(rule, "resources");

	if (has(list, place))
		return true;
	doc_each_item(list, item) {
		struct str text = doc_str(item);

		if (slash > 0 && str_starts(text, STR("*/")) &&
		    str_eq(str_from(text, 1), str_from(place, (size_t)slash)))
			return true;
	}
	return false;
}

static bool has_names(const struct doc *have, const struct doc *want)
{
	if (doc_len(have) == 0)
		return true;
	doc_each_item(want, name) {
		bool found = false;

		doc_each_item(have, other)
			found = found || doc_eq(name, other);
		if (!found)
			return false;
	}
	return doc_len(want) > 0;
}

static bool has_path(const struct doc *rule, struct str path)
{
	doc_each_item(doc_key(rule, "nonResourceURLs"), item) {
		struct str text = doc_str(item);

		if (str_eq(text, path) ||
		    (str_ends(text, STR("*")) && str_starts(path, str_part(text, 0, text.len - 1))))
			return true;
	}
	return false;
}

static bool covered(const struct check *c, const struct right *right, struct str verb)
{
	doc_each_item(right->path ? c->path_rules : c->resource_rules, rule) {
		if (!has(doc_key(rule, "verbs"), verb))
			continue;
		if (right->path ? has_path(rule, right->place)
				: has(doc_key(rule, "apiGroups"), right->group) &&
					  has_place(rule, right->place) &&
					  has_names(doc_key(rule, "resourceNames"), right->names))
			return true;
	}
	return false;
}

static void add_missing(struct check *c, const struct right *right, const struct doc *verb)
{
	struct arena *arena = c->call->arena;

	for (u32 i = 0; i < c->missing_len; i++) {
		struct right *m = &c->missing[i];

		if (m->path || right->path || !str_eq(m->group, right->group) ||
		    !str_eq(m->place, right->place) ||
		    (m->names != right->names &&
		     !(m->names && right->names && doc_eq(m->names, right->names))))
			continue;
		m->verbs = doc_append(arena, m->verbs, verb);
		return;
	}
	if (c->missing_len == MISSING_MAX)
		return;
	c->missing[c->missing_len] = *right;
	c->missing[c->missing_len++].verbs = doc_new_array(arena, &verb, 1);
}

static void ask_right(struct check *c, const struct right *right, const struct doc *verbs)
{
	doc_each_item(verbs, verb)
		if (c->questions++ > QUESTIONS_MAX || !covered(c, right, doc_str(verb)))
			add_missing(c, right, verb);
}

/* A rule's rights one by one; with too many of them the rest counts as missing. */
static void ask_rule(struct check *c, const struct doc *rule)
{
	const struct doc *verbs = doc_key(rule, "verbs"), *names = doc_key(rule, "resourceNames");

	doc_each_item(doc_key(rule, "nonResourceURLs"), path) {
		struct right right = { .place = doc_str(path), .path = true };

		ask_right(c, &right, verbs);
	}
	doc_each_item(doc_key(rule, "apiGroups"), group) {
		doc_each_item(doc_key(rule, "resources"), resource) {
			struct right right = { .names = doc_len(names) ? names : NULL,
					       .group = doc_str(group),
					       .place = doc_str(resource) };

			if (c->questions <= QUESTIONS_MAX || !c->missing_len)
				ask_right(c, &right, verbs);
		}
	}
}

/* ---- sentences */

/* As Go prints a list with %q: ["a" "b"]. */
static struct str quoted(struct arena *arena, const struct doc *list)
{
	struct str text = STR("[");

	for (u32 i = 0; i < doc_len(list); i++)
		text = str_format(arena, STR_FMT "%s" STR_FMT, STR_ARG(text), i ? " " : "",
				  STR_ARG(json_text(arena, doc_item(list, i))));
	return str_format(arena, STR_FMT "]", STR_ARG(text));
}

static struct str quoted_one(struct arena *arena, struct str word)
{
	return str_format(arena, "[" STR_FMT "]",
			  STR_ARG(json_text(arena, doc_ref_str(arena, word))));
}

static struct str right_text(struct arena *arena, const struct right *r)
{
	struct str names = STR("");

	if (r->path)
		return str_format(arena, "{NonResourceURLs:" STR_FMT ", Verbs:" STR_FMT "}",
				  STR_ARG(quoted_one(arena, r->place)),
				  STR_ARG(quoted(arena, r->verbs)));
	if (r->names)
		names = str_format(arena, ", ResourceNames:" STR_FMT,
				   STR_ARG(quoted(arena, r->names)));
	return str_format(
		arena, "{APIGroups:" STR_FMT ", Resources:" STR_FMT STR_FMT ", Verbs:" STR_FMT "}",
		STR_ARG(quoted_one(arena, r->group)), STR_ARG(quoted_one(arena, r->place)),
		STR_ARG(names), STR_ARG(quoted(arena, r->verbs)));
}

static int text_order(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static enum status refuse(struct check *c, const struct api_kind *kind, struct str name,
			  struct error *error)
{
	struct arena *arena = c->call->arena;
	struct str lines[MISSING_MAX];
	const struct user *user = c->call->user;
	const struct doc *groups = &doc_empty_array;

	for (u32 i = 0; i < c->missing_len; i++)
		lines[i] = right_text(arena, &c->missing[i]);
	qsort(lines, c->missing_len, sizeof *lines, text_order);
	for (u32 i = 0; i < user->groups_len; i++)
		groups = doc_append(arena, groups, doc_ref_str(arena, user->groups[i]));
	return fail_forbidden(
		c->call, kind, name, error,
		"user \"" STR_FMT "\" (groups=" STR_FMT
		") is attempting to grant RBAC permissions not currently held:\n" STR_FMT,
		STR_ARG(user->name), STR_ARG(quoted(arena, groups)),
		STR_ARG(str_join(arena, lines, c->missing_len, STR("\n"))));
}

/* ---- questions */

static enum status check_rules(struct call *call, const struct api_kind *kind, struct str ns,
			       struct str name, const struct doc *rules, struct error *error)
{
	struct check *c = ARENA_NEW(call->arena, struct check);

	c->call = call;
	rbac_rules(call->server, call->arena, call->user, ns, &c->resource_rules, &c->path_rules);
	doc_each_item(rules, rule)
		ask_rule(c, rule);
	return c->missing_len ? refuse(c, kind, name, error) : ST_OK;
}

static bool may(struct call *call, const char *verb, const char *resource, struct str ns,
		struct str name)
{
	struct access access = {
		.user = call->user,
		.is_resource = true,
		.verb = str_of(verb),
		.group = STR("rbac.authorization.k8s.io"),
		.resource = str_of(resource),
		.ns = ns,
		.name = name,
	};

	return access_allowed(call->server, call->arena, &access, NULL);
}

static bool same(const struct doc *a, const struct doc *b, const char *key)
{
	a = doc_get(a, str_of(key));
	b = doc_get(b, str_of(key));
	return (doc_len(a) == 0 && doc_len(b) == 0) || (a && b && doc_eq(a, b));
}

static enum status admit_role(struct call *call, const struct api_kind *kind, struct str ns,
			      const struct doc *doc, const struct doc *old, struct error *error)
{
	struct access everything = { .user = call->user,
				     .is_resource = true,
				     .verb = STR("*"),
				     .group = STR("*"),
				     .resource = STR("*") };
	struct str name = object_name(doc);

	if (old && same(doc, old, "rules") && same(doc, old, "aggregationRule"))
		return ST_OK;
	if (may(call, "escalate", kind->id == KIND_Role ? "roles" : "clusterroles", ns, name))
		return ST_OK;
	if (doc_key(doc, "aggregationRule") &&
	    !access_allowed(call->server, call->arena, &everything, NULL))
		return fail_forbidden(call, kind, name, error,
				      "must have cluster-admin privileges to use an "
				      "aggregationRule");
	return check_rules(call, kind, ns, name, doc_key(doc, "rules"), error);
}

static enum status admit_binding(struct call *call, const struct api_kind *kind, struct str ns,
				 const struct doc *doc, const struct doc *old, struct error *error)
{
	const struct doc *ref = doc_key(doc, "roleRef");
	bool cluster = str_is(doc_str(doc_key(ref, "kind")), "ClusterRole");
	struct str role_name = doc_str(doc_key(ref, "name"));
	const struct api_kind *roles =
		schema_kind(call->server->schema, cluster ? KIND_ClusterRole : KIND_Role);
	const struct version *role;

	if (old && same(doc, old, "roleRef") && same(doc, old, "subjects"))
		return ST_OK;
	if (may(call, "bind", cluster ? "clusterroles" : "roles", ns, role_name))
		return ST_OK;
	role = store_get(call->server->store, roles->id, cluster ? STR("") : ns, role_name);
	if (!role)
		return fail_not_found(call, roles, role_name, error);
	return check_rules(call, kind, ns, object_name(doc), doc_key(role->doc, "rules"), error);
}

enum status admit_rights(struct call *call, const struct api_kind *kind, struct str ns,
			 const struct doc *doc, const struct doc *old, struct error *error)
{
	bool binding = kind->id == KIND_RoleBinding || kind->id == KIND_ClusterRoleBinding;

	if (old && binding && !same(doc, old, "roleRef"))
		return fail_invalid(call, kind, object_name(doc), error, "FieldValueInvalid",
				    "roleRef", "Invalid value: " STR_FMT ": cannot change roleRef",
				    STR_ARG(json_text(call->arena, doc_key(doc, "roleRef"))));
	if (!call->user || user_in_group(call->user, "system:masters"))
		return ST_OK;
	if (!binding)
		return admit_role(call, kind, ns, doc, old, error);
	return admit_binding(call, kind, ns, doc, old, error);
}
