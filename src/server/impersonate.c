/* Acting as somebody else (kubectl --as, --as-group): who may is asked like any other access. */
#include <strings.h>

#include "server/authenticate.h"
#include "server/authorize.h"
#include "server/state.h"

static enum status may_impersonate(struct request *r, const char *resource, struct str ns,
				   struct str name)
{
	struct access access = {
		.user = &r->user,
		.is_resource = true,
		.verb = STR("impersonate"),
		.resource = str_of(resource),
		.ns = ns,
		.name = name,
	};

	if (access_allowed(r->server, r->x->arena, &access, NULL))
		return ST_OK;
	r->error.kind = access.resource;
	r->error.name = name;
	return fail(&r->error, ST_FORBIDDEN,
		    "%s \"" STR_FMT "\" is forbidden: User \"" STR_FMT
		    "\" cannot impersonate resource \"%s\" in API group \"\" %s" STR_FMT "%s",
		    resource, STR_ARG(name), STR_ARG(r->user.name), resource,
		    ns.len ? "in the namespace \"" : "at the cluster scope", STR_ARG(ns),
		    ns.len ? "\"" : "");
}

/* system:serviceaccount:NS:NAME stands for an account, everything else for a user. */
static enum status check_user(struct request *r, struct str name, struct str *ret_account_ns)
{
	struct str rest = name;

	if (!str_starts(name, STR("system:serviceaccount:")))
		return may_impersonate(r, "users", STR(""), name);
	rest = str_from(rest, sizeof "system:serviceaccount:" - 1);
	*ret_account_ns = str_cut(&rest, ':');
	return may_impersonate(r, "serviceaccounts", *ret_account_ns, rest);
}

enum status impersonate(struct request *r)
{
	struct str name = http_header_get(r->x, "Impersonate-User"), ns = STR("");
	struct arena *arena = r->x->arena;
	VEC(struct str) groups = { 0 };
	enum status status;

	for (u32 i = 0; i < r->x->headers_len; i++) {
		const struct http_header *header = &r->x->headers[i];

		if (header->name.len == sizeof "Impersonate-Group" - 1 &&
		    !strncasecmp(header->name.at, "Impersonate-Group", header->name.len))
			VEC_PUSH(arena, &groups, header->value);
	}
	if (name.len == 0)
		return groups.len ? fail(&r->error, ST_INTERNAL,
					 "requested [{Group  " STR_FMT
					 "}] without impersonating a user",
					 STR_ARG(groups.at[0]))
				  : ST_OK;
	status = check_user(r, name, &ns);
	for (u32 i = 0; status == ST_OK && i < groups.len; i++)
		status = may_impersonate(r, "groups", STR(""), groups.at[i]);
	if (status != ST_OK)
		return status;
	if (ns.len && groups.len == 0) {
		VEC_PUSH(arena, &groups, STR("system:serviceaccounts"));
		VEC_PUSH(arena, &groups,
			 str_format(arena, "system:serviceaccounts:" STR_FMT, STR_ARG(ns)));
	}
	if (!str_is(name, "system:anonymous"))
		VEC_PUSH(arena, &groups, STR("system:authenticated"));
	r->user = (struct user){
		.name = name,
		.uid = http_header_get(r->x, "Impersonate-Uid"),
		.groups = groups.at,
		.groups_len = groups.len,
	};
	return ST_OK;
}
