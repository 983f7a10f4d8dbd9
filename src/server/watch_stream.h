/* watch: changes of a kind as lines of JSON, for as long as the client listens. */
#ifndef SERVER_WATCH_STREAM_H
#define SERVER_WATCH_STREAM_H

#include "server/request.h"

struct server;

void watch_reply(struct request *request);

/* Ends streams whose time is over and sends bookmarks that are due; returns when to come again. */
i64 watch_tick(struct server *server, i64 mono_ns);
void watch_end_all(struct server *server);

#endif
