/*
 * The order of questions: administrators may do everything; what a node needs for its own work
 * (as Kubernetes' node authorizer and NodeRestriction); then the roles.
 */
#include "server/authorize.h"

#include "server/authenticate.h"
#include "server/state.h"

/* ---- nodes */

struct node_rule {
	const char *resource, *verbs; /* "pods/status": with its subresource */
};

static const struct node_rule node_rules[] = {
	{ "nodes", "get list watch create" },
	{ "services", "get list watch" },
	{ "endpoints", "get list watch" },
	{ "endpointslices", "get list watch" },
	{ "namespaces", "get list watch" },
	{ "configmaps", "get list watch" },
	{ "secrets", "get list watch" },
	{ "serviceaccounts", "get list watch" },
	{ "persistentvolumes", "get list watch" },
	{ "persistentvolumeclaims", "get list watch" },
	{ "runtimeclasses", "get list watch" },
	{ "pods", "get list watch create" },
	{ "events", "create patch update" },
	{ "leases", "get create update patch delete" },
	{ "tokenreviews", "create" },
	{ "subjectaccessreviews", "create" },
	{ "serviceaccounts/token", "create" },
	{ "certificatesigningrequests", "get list watch create" },
};

/* What a node may change is what stands for itself: its Node, and the pods bound to it. */
static bool is_its_own(struct server *server, const struct access *a, struct str node)
{
	bool write =
		str_is(a->verb, "update") || str_is(a->verb, "patch") || str_is(a->verb, "delete");

	if (str_is(a->resource, "nodes"))
		return str_eq(a->name, node) && write &&
		       (a->subresource.len == 0 || str_is(a->subresource, "status"));
	if (str_is(a->resource, "pods") && (write || str_is(a->subresource, "eviction"))) {
		const struct version *pod = store_get(server->store, KIND_Pod, a->ns, a->name);

		return pod && str_eq(doc_at_str(pod->doc, "spec.nodeName"), node) &&
		       (str_is(a->subresource, "status") || str_is(a->subresource, "eviction") ||
			(a->subresource.len == 0 && str_is(a->verb, "delete")));
	}
	return false;
}

static bool has_word(const char *list, struct str word)
{
	struct str rest = str_of(list);

	while (rest.at)
		if (str_eq(str_cut(&rest, ' '), word))
			return true;
	return false;
}

static bool node_may(struct server *server, struct arena *arena, const struct access *a)
{
	struct str node = str_from(a->user->name, sizeof "system:node:" - 1), what = a->resource;

	if (!user_in_group(a->user, "system:nodes") ||
	    !str_starts(a->user->name, STR("system:node:")) || !a->is_resource)
		return false;
	if (is_its_own(server, a, node))
		return true;
	if (str_is(a->resource, "leases") && !str_is(a->ns, "kube-node-lease"))
		return false;
	if (a->subresource.len)
		what = str_format(arena, STR_FMT "/" STR_FMT, STR_ARG(a->resource),
				  STR_ARG(a->subresource));
	for (u32 i = 0; i < ARRAY_LEN(node_rules); i++)
		if (str_is(what, node_rules[i].resource))
			return has_word(node_rules[i].verbs, a->verb);
	return false;
}

bool access_allowed(struct server *server, struct arena *arena, const struct access *access,
		    struct str *ret_reason)
{
	struct str reason = STR("");
	bool allowed = user_in_group(access->user, "system:masters") ||
		       node_may(server, arena, access) ||
		       rbac_allows(server, arena, access, &reason);

	if (ret_reason)
		*ret_reason = reason;
	return allowed;
}

/* ---- requests */

/* `User "x" cannot list resource "pods" in API group "" in the namespace "default"` */
static struct str refusal(struct request *r, const struct access *a)
{
	struct arena *arena = r->x->arena;
	struct str resource = a->resource;

	if (a->subresource.len)
		resource = str_format(arena, STR_FMT "/" STR_FMT, STR_ARG(resource),
				      STR_ARG(a->subresource));
	return str_format(arena,
			  "User \"" STR_FMT "\" cannot " STR_FMT " resource \"" STR_FMT
			  "\" in API group \"" STR_FMT "\" %s" STR_FMT "%s",
			  STR_ARG(a->user->name), STR_ARG(a->verb), STR_ARG(resource),
			  STR_ARG(a->group),
			  a->ns.len ? "in the namespace \"" : "at the cluster scope",
			  STR_ARG(a->ns), a->ns.len ? "\"" : "");
}

enum status authorize(struct request *r)
{
	/* A namespace's own requests count as being in it, as in RequestInfo. */
	bool itself = str_is(r->resource, "namespaces") && r->group.len == 0 && r->name.len;
	struct access access = {
		.user = &r->user,
		.is_resource = r->is_resource && r->resource.len,
		.verb = request_verb_word(r),
		.group = r->group,
		.version = r->version,
		.resource = r->resource,
		.subresource = r->subresource,
		.ns = itself ? r->name : r->ns,
		.name = r->name,
		.path = r->path,
	};
	struct str what;

	if (!access.is_resource) /* load balancers ask for health with HEAD */
		access.verb = str_is(r->x->method, "HEAD") ? STR("get")
							   : str_lower(r->x->arena, r->x->method);
	if (access_allowed(r->server, r->x->arena, &access, NULL))
		return ST_OK;
	if (!access.is_resource)
		return fail(&r->error, ST_FORBIDDEN,
			    "forbidden: User \"" STR_FMT "\" cannot " STR_FMT " path \"" STR_FMT
			    "\"",
			    STR_ARG(access.user->name), STR_ARG(access.verb), STR_ARG(access.path));
	what = refusal(r, &access);
	r->error.group = r->group;
	r->error.kind = r->resource;
	r->error.name = r->name;
	struct str dotted = r->group.len ? str_format(r->x->arena, STR_FMT "." STR_FMT,
						      STR_ARG(r->resource), STR_ARG(r->group))
					 : r->resource;

	if (r->name.len)
		return fail(&r->error, ST_FORBIDDEN,
			    STR_FMT " \"" STR_FMT "\" is forbidden: " STR_FMT, STR_ARG(dotted),
			    STR_ARG(r->name), STR_ARG(what));
	return fail(&r->error, ST_FORBIDDEN, STR_FMT " is forbidden: " STR_FMT, STR_ARG(dotted),
		    STR_ARG(what));
}
