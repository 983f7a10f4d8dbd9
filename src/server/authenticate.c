/* A verified client certificate says common name and organizations; what a bearer token says stands
 * in token_user.c. */
#include "server/authenticate.h"

#include "server/state.h"

bool user_in_group(const struct user *user, const char *group)
{
	for (u32 i = 0; i < user->groups_len; i++)
		if (str_is(user->groups[i], group))
			return true;
	return false;
}

static enum status unauthorized(struct error *error)
{
	return fail(error, ST_UNAUTHORIZED, "Unauthorized");
}

static struct user certificate_user(struct arena *arena, const struct http_peer *peer)
{
	struct str *groups = ARENA_ARRAY(arena, struct str, peer->organizations_len + 1);

	for (u32 i = 0; i < peer->organizations_len; i++)
		groups[i] = peer->organizations[i];
	groups[peer->organizations_len] = STR("system:authenticated");
	return (struct user){
		.name = peer->common_name,
		.groups = groups,
		.groups_len = peer->organizations_len + 1,
	};
}

enum status authenticate(struct request *r)
{
	static const struct str nobody[] = { STR_INIT("system:unauthenticated") };
	struct str header = http_header_get(r->x, "Authorization");
	const struct http_peer *peer = r->x->peer;

	if (peer && peer->common_name.len) {
		r->user = certificate_user(r->x->arena, peer);
		return ST_OK;
	}
	if (header.len > 7 &&
	    str_eq(str_lower(r->x->arena, str_part(header, 0, 7)), STR("bearer ")))
		return token_user(r->server, r->x->arena, str_trim(str_from(header, 7)), STR(""),
				  &r->user, &r->error);
	if (header.len)
		return unauthorized(&r->error);
	r->user = (struct user){
		.name = STR("system:anonymous"),
		.groups = nobody,
		.groups_len = 1,
	};
	return ST_OK;
}
