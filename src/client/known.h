/*
 * What a watch has told so far, so that after a gap it can tell the difference: what is new, what
 * changed, and what vanished unseen.
 */
#ifndef CLIENT_KNOWN_H
#define CLIENT_KNOWN_H

#include "base/map.h"
#include "client/client.h"

struct known {
	struct map objects; /* "ns/name" → struct known_object */
	u32 round;
};

void known_release(struct known *known);

/* Takes an object as it is now and tells what that means. The same revision again tells nothing. */
void known_update(struct known *known, const struct doc *object,
		  const struct client_watch_events *events, void *self);
void known_delete(struct known *known, const struct doc *object,
		  const struct client_watch_events *events, void *self);

/* Around a list: what has not been updated in between is told as deleted. */
void known_list_begin(struct known *known);
void known_list_end(struct known *known, const struct client_watch_events *events, void *self);

#endif
