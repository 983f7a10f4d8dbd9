/* Nothing that depends on a write leaves before that write is on disk: replies that wait for it. */
#ifndef SERVER_COMMIT_H
#define SERVER_COMMIT_H

#include "server/reply.h"

struct server;

/* Sends `reply` once everything up to `revision` is durable (at once when it is); the log's failure
 * instead when it never will be. Takes the exchange's on_closed and handler. */
void reply_when_durable(struct server *server, struct http_exchange *x, const struct reply *reply,
			u64 revision);

/* Ends what still waits with 503; for a server that goes. */
void commit_abandon(struct server *server);

#endif
