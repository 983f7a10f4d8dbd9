/* The Secret says all: the secret half, until when it counts, what for, and further groups. */
#include "server/bootstrap_token.h"

#include "base/base64.h"
#include "base/timestamp.h"
#include "net/jwt.h"
#include "server/state.h"

enum { ID_LEN = 6, SECRET_LEN = 16, GROUPS_MAX = 32 };

static bool is_word(struct str text, size_t len)
{
	for (size_t i = 0; i < text.len; i++)
		if (!(text.at[i] >= 'a' && text.at[i] <= 'z') &&
		    !(text.at[i] >= '0' && text.at[i] <= '9'))
			return false;
	return text.len == len;
}

bool bootstrap_token_is(struct str token)
{
	struct str rest = token, id = str_cut(&rest, '.');

	return is_word(id, ID_LEN) && rest.at && is_word(rest, SECRET_LEN);
}

static struct str datum(struct arena *arena, const struct version *secret, const char *key)
{
	struct str bytes = STR_NONE,
		   text = doc_str(doc_get(doc_key(secret->doc, "data"), str_of(key)));

	return base64_decode(arena, text, &bytes) ? bytes : STR_NONE;
}

/* Groups of its own must say that they come from a bootstrap token. */
static u32 add_groups(struct arena *arena, struct str list, struct str *groups, u32 len)
{
	while (list.len && len < GROUPS_MAX - 1) {
		struct str group = str_trim(str_cut(&list, ','));

		if (str_starts(group, STR("system:bootstrappers:")))
			groups[len++] = str_copy(arena, group);
	}
	return len;
}

bool bootstrap_token_user(struct server *server, struct arena *arena, struct str token,
			  struct user *ret_user)
{
	struct str secret_half = token, id = str_cut(&secret_half, '.');
	const struct version *secret =
		store_get(server->store, KIND_Secret, STR("kube-system"),
			  str_format(arena, "bootstrap-token-" STR_FMT, STR_ARG(id)));
	i64 ends_ns;

	if (!secret || doc_key(doc_key(secret->doc, "metadata"), "deletionTimestamp") ||
	    !str_is(doc_at_str(secret->doc, "type"), "bootstrap.kubernetes.io/token") ||
	    !str_eq(datum(arena, secret, "token-id"), id) ||
	    !secret_eq(datum(arena, secret, "token-secret"), secret_half) ||
	    !str_is(datum(arena, secret, "usage-bootstrap-authentication"), "true"))
		return false;
	struct str expiration = datum(arena, secret, "expiration");

	if (expiration.len &&
	    (!timestamp_parse(expiration, &ends_ns) || ends_ns <= clock_wall_ns(server->clock)))
		return false;
	struct str *groups = ARENA_ARRAY(arena, struct str, GROUPS_MAX);
	u32 len = 0;

	groups[len++] = STR("system:bootstrappers");
	len = add_groups(arena, datum(arena, secret, "auth-extra-groups"), groups, len);
	groups[len++] = STR("system:authenticated");
	*ret_user =
		(struct user){ .name = str_format(arena, "system:bootstrap:" STR_FMT, STR_ARG(id)),
			       .groups = groups,
			       .groups_len = len };
	return true;
}
