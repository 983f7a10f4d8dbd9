/* The WebSocket handshake that exec and port-forward clients share. */
#ifndef NET_REMOTE_DIAL_H
#define NET_REMOTE_DIAL_H

#include "net/client.h"

struct remote_dial {
	char accept[40];     /* what the server must answer to our nonce */
	struct str protocol; /* a literal */
};

struct http_upgrade *remote_dial(struct http_client *client, struct str target, struct str protocol,
				 struct remote_dial *dial, const struct http_upgrade_events *events,
				 void *self);
bool remote_dial_is_good(const struct remote_dial *dial, const struct http_call_result *result);
/* Why there was no upgrade, in the server's words when it has any. */
struct str remote_dial_refusal(struct arena *arena, const struct http_call_result *result);

#endif
