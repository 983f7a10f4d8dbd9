/* Events are news, not records: an hour after they were last seen they go. */
#ifndef SERVER_EVENT_EXPIRY_H
#define SERVER_EVENT_EXPIRY_H

#include "base/types.h"

struct server;

enum { EVENT_LIFE_S = 3600 };

/* Removes old Events when it is time to look; returns when it wants to look again, monotonic ns. */
i64 event_expiry_tick(struct server *server, i64 mono_ns);

#endif
