/* Reading and finding tokens of a file. */
#include "server/static_tokens.h"

#include "net/jwt.h"

enum { TOKENS_MAX = 10000 };

/* One column; quoted ones may hold commas, and a quote as two. */
static bool cut_column(struct arena *arena, struct str *line, struct str *ret_column)
{
	struct str rest = *line, out = STR("");

	if (!rest.len || rest.at[0] != '"') {
		*ret_column = str_trim(str_cut(line, ','));
		return true;
	}
	for (rest = str_from(rest, 1);;) {
		i64 quote = str_find_char(rest, '"');

		if (quote < 0)
			return false;
		struct str piece = str_part(rest, 0, (size_t)quote);

		rest = str_from(rest, (size_t)quote + 1);
		out = out.len ? str_format(arena, STR_FMT "\"" STR_FMT, STR_ARG(out),
					   STR_ARG(piece))
			      : piece;
		if (!rest.len || rest.at[0] != '"')
			break;
		rest = str_from(rest, 1);
	}
	*ret_column = out;
	rest = str_trim(rest);
	if (rest.len && rest.at[0] != ',')
		return false;
	*line = rest.len ? str_from(rest, 1) : STR_NONE;
	return true;
}

static void take_groups(struct arena *arena, struct str text, struct user *user)
{
	VEC(struct str) groups = { 0 };

	while (text.at && text.len) {
		struct str group = str_trim(str_cut(&text, ','));

		if (group.len)
			VEC_PUSH(arena, &groups, group);
	}
	VEC_PUSH(arena, &groups, STR("system:authenticated"));
	user->groups = groups.at;
	user->groups_len = groups.len;
}

enum status static_tokens_parse(struct arena *arena, struct str text,
				struct static_tokens *ret_tokens, struct error *error)
{
	struct static_tokens tokens = { 0 };

	for (u32 number = 1; text.at; number++) {
		struct str line = str_trim(str_cut(&text, '\n')), groups = STR("");
		struct static_token one = { 0 };

		if (!line.len || line.at[0] == '#')
			continue;
		if (!cut_column(arena, &line, &one.token) || !line.at ||
		    !cut_column(arena, &line, &one.user.name) || !line.at ||
		    !cut_column(arena, &line, &one.user.uid) || !one.token.len ||
		    !one.user.name.len || (line.at && !cut_column(arena, &line, &groups)) ||
		    tokens.list.len == TOKENS_MAX)
			return fail(error, ST_BAD_REQUEST,
				    "token file: line %u is not token,user,uid,\"group,group\"",
				    number);
		take_groups(arena, groups, &one.user);
		VEC_PUSH(arena, &tokens.list, one);
	}
	*ret_tokens = tokens;
	return ST_OK;
}

const struct user *static_tokens_find(const struct static_tokens *tokens, struct str token)
{
	const struct user *found = NULL;

	for (u32 i = 0; tokens && i < tokens->list.len; i++)
		if (secret_eq(tokens->list.at[i].token, token))
			found = &tokens->list.at[i].user;
	return found;
}
