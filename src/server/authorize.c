/*
 * The order of questions: administrators may do everything; what a node needs for its own work
 * (as Kubernetes' node authorizer and NodeRestriction); then the roles.
 */
#include "server/authorize.h"

#include "server/audit.h"
#include "server/authenticate.h"
#include "server/node_access.h"
#include "server/state.h"

bool access_allowed(struct server *server, struct arena *arena, const struct access *access,
		    struct str *ret_reason)
{
	struct str reason = STR(""), node = node_of_user(access->user);
	bool allowed = user_in_group(access->user, "system:masters") ||
		       (node.len && node_may(server, arena, access, node, &reason)) ||
		       rbac_allows(server, arena, access, &reason);

	if (ret_reason)
		*ret_reason = reason;
	return allowed;
}

/* ---- requests */

/* `User "x" cannot list resource "pods" in API group "" in the namespace "default"` */
static struct str refusal(struct request *r, const struct access *a, struct str reason)
{
	struct arena *arena = r->x->arena;
	struct str resource = a->resource;

	if (a->subresource.len)
		resource = str_format(arena, STR_FMT "/" STR_FMT, STR_ARG(resource),
				      STR_ARG(a->subresource));
	return str_format(
		arena,
		"User \"" STR_FMT "\" cannot " STR_FMT " resource \"" STR_FMT
		"\" in API group \"" STR_FMT "\" %s" STR_FMT "%s%s" STR_FMT,
		STR_ARG(a->user->name), STR_ARG(a->verb), STR_ARG(resource), STR_ARG(a->group),
		a->ns.len ? "in the namespace \"" : "at the cluster scope", STR_ARG(a->ns),
		a->ns.len ? "\"" : "", reason.len ? ": " : "", STR_ARG(reason));
}

/* A list or watch narrowed to one name is about that object, as in RequestInfo. */
static void look_at_fields(struct request *r, struct access *a)
{
	struct str rest = http_query_get(r->x, "fieldSelector");
	struct str labels = http_query_get(r->x, "labelSelector");

	if (r->verb != REQUEST_LIST && r->verb != REQUEST_WATCH &&
	    r->verb != REQUEST_DELETE_COLLECTION)
		return;
	if (str_is(str_cut(&labels, '='), "minke/node") && str_find_char(labels, ',') < 0)
		a->label_node = labels;
	while (rest.at) {
		struct str term = str_cut(&rest, ','), key = str_cut(&term, '=');

		if (!term.at)
			continue;
		if (term.len && term.at[0] == '=')
			term = str_from(term, 1);
		if (str_is(key, "metadata.name") && !a->name.len)
			a->name = term;
		if (str_is(key, "spec.nodeName"))
			a->field_node = term;
	}
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
	struct str what, reason;

	look_at_fields(r, &access);
	if (!access.is_resource) /* load balancers ask for health with HEAD */
		access.verb = str_is(r->x->method, "HEAD") ? STR("get")
							   : str_lower(r->x->arena, r->x->method);
	bool allowed = access_allowed(r->server, r->x->arena, &access, &reason);

	audit_decided(r->x->trail, allowed, reason);
	if (allowed)
		return ST_OK;
	if (!access.is_resource)
		return fail(&r->error, ST_FORBIDDEN,
			    "forbidden: User \"" STR_FMT "\" cannot " STR_FMT " path \"" STR_FMT
			    "\"",
			    STR_ARG(access.user->name), STR_ARG(access.verb), STR_ARG(access.path));
	what = refusal(r, &access, reason);
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
