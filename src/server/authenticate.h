/* Who is asking: client certificates, bearer tokens, or nobody. */
#ifndef SERVER_AUTHENTICATE_H
#define SERVER_AUTHENTICATE_H

#include "server/request.h"

/* Fills request->user. ST_UNAUTHORIZED for credentials that are wrong; none at all is anonymous. */
MUST_USE enum status authenticate(struct request *request);

/* Changes request->user to whom the Impersonate- headers name, if the user may; in impersonate.c.
 */
MUST_USE enum status impersonate(struct request *request);

/* Whose token it is; also for TokenReview. `audience` empty: our own. */
MUST_USE enum status token_user(struct server *server, struct arena *arena, struct str token,
				struct str audience, struct user *ret_user, struct error *error);

bool user_in_group(const struct user *user, const char *group);

#endif
