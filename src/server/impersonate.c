/* Acting as somebody else (kubectl --as, --as-group): who may is asked like any other access. */
#include <strings.h>

#include "doc/doc.h"
#include "server/authenticate.h"
#include "server/authorize.h"
#include "server/state.h"

/* `sub` is the key of an extra; users, groups and accounts are of the group without a name. */
static enum status may_impersonate(struct request *r, const char *resource, struct str sub,
				   struct str ns, struct str name)
{
	bool core = !str_is(STR("uids"), resource) && !str_is(STR("userextras"), resource);
	struct access access = {
		.user = &r->user,
		.is_resource = true,
		.verb = STR("impersonate"),
		.group = core ? STR("") : STR("authentication.k8s.io"),
		.resource = str_of(resource),
		.subresource = sub,
		.ns = ns,
		.name = name,
	};

	if (access_allowed(r->server, r->x->arena, &access, NULL))
		return ST_OK;
	r->error.kind = access.resource;
	r->error.name = name;
	return fail(&r->error, ST_FORBIDDEN,
		    "%s%s \"" STR_FMT "\" is forbidden: User \"" STR_FMT
		    "\" cannot impersonate resource \"%s%s" STR_FMT "\" in API group \"" STR_FMT
		    "\" %s" STR_FMT "%s",
		    resource, core ? "" : ".authentication.k8s.io", STR_ARG(name),
		    STR_ARG(r->user.name), resource, sub.len ? "/" : "", STR_ARG(sub),
		    STR_ARG(access.group), ns.len ? "in the namespace \"" : "at the cluster scope",
		    STR_ARG(ns), ns.len ? "\"" : "");
}

/* system:serviceaccount:NS:NAME stands for an account, everything else for a user. */
static enum status check_user(struct request *r, struct str name, struct str *ret_account_ns)
{
	struct str rest = name;

	if (!str_starts(name, STR("system:serviceaccount:")))
		return may_impersonate(r, "users", STR(""), STR(""), name);
	rest = str_from(rest, sizeof "system:serviceaccount:" - 1);
	*ret_account_ns = str_cut(&rest, ':');
	return may_impersonate(r, "serviceaccounts", STR(""), *ret_account_ns, rest);
}

/* Impersonate-Uid and Impersonate-Extra-KEY; keys come lower-cased and with % escapes. */
static enum status more_facts(struct request *r, struct str uid, const struct doc **ret_extra)
{
	static const char prefix[] = "impersonate-extra-";
	struct arena *arena = r->x->arena;
	const struct doc *extra = NULL;
	enum status status = ST_OK;

	if (uid.len)
		status = may_impersonate(r, "uids", STR(""), STR(""), uid);
	for (u32 i = 0; i < r->x->headers_len && status == ST_OK; i++) {
		const struct http_header *header = &r->x->headers[i];
		struct str name = str_lower(arena, header->name), key;

		if (!str_starts(name, str_of(prefix)) ||
		    !http_decode(arena, str_from(name, sizeof prefix - 1), false, &key))
			continue;
		status = may_impersonate(r, "userextras", key, STR(""), header->value);
		extra = doc_with(
			arena, extra ? extra : &doc_empty_object, key,
			doc_append(arena, doc_get(extra, key), doc_ref_str(arena, header->value)));
	}
	*ret_extra = extra;
	return status;
}

enum status impersonate(struct request *r)
{
	const struct doc *extra = NULL;
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
		status = may_impersonate(r, "groups", STR(""), STR(""), groups.at[i]);
	if (status == ST_OK)
		status = more_facts(r, http_header_get(r->x, "Impersonate-Uid"), &extra);
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
		.extra = extra,
	};
	return ST_OK;
}
