/* The client inside the server's own process: verbs and watches of the store, no bytes in between.
 */
#ifndef CLIENT_LOCAL_H
#define CLIENT_LOCAL_H

#include "client/client.h"

struct server;
struct user;

/* Acts as `user` (NULL: the server itself), who must outlive the client. Replies come at once,
 * before the write is durable, unless `wait_durable`. Watches tell only what is durable, as all
 * watches do. */
struct client *client_local_new(struct server *server, const struct user *user, bool wait_durable);

#endif
