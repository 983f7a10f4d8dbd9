/* Bootstrap tokens, "abcdef.0123456789abcdef": what a machine joins a cluster with. Kept as Secrets
 * kube-system/bootstrap-token-ID, as k8s.io/cluster-bootstrap has them. */
#ifndef SERVER_BOOTSTRAP_TOKEN_H
#define SERVER_BOOTSTRAP_TOKEN_H

#include "server/verbs.h"

/* Whether the text looks like one at all. */
bool bootstrap_token_is(struct str token);
/* Who comes with it: system:bootstrap:ID. False when there is no such token, or none that is still
 * good for authentication. */
MUST_USE bool bootstrap_token_user(struct server *server, struct arena *arena, struct str token,
				   struct user *ret_user);

#endif
