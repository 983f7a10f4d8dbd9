/* Tokens that stand in a file, as kube-apiserver's --token-auth-file has them: a line each of
 * token,user,uid and, if any, "group,group". */
#ifndef SERVER_STATIC_TOKENS_H
#define SERVER_STATIC_TOKENS_H

#include "server/verbs.h"

struct static_token {
	struct str token;
	struct user user;
};

struct static_tokens {
	VEC(struct static_token) list;
};

/* Slices point into `text`. ST_BAD_REQUEST names the line. */
MUST_USE enum status static_tokens_parse(struct arena *arena, struct str text,
					 struct static_tokens *ret_tokens, struct error *error);
/* NULL: nobody's. Takes the same time whichever it is. */
const struct user *static_tokens_find(const struct static_tokens *tokens, struct str token);

#endif
