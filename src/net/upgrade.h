/* What exec, attach and port-forward share when they take a connection over. */
#ifndef NET_UPGRADE_H
#define NET_UPGRADE_H

#include "base/error.h"
#include "net/exchange.h"

/* The first of `known` (best first, NULL at the end) that a header names, in any of its lines and
 * among commas; NULL when none is. *ret_named: whether the header is there at all. */
const char *upgrade_choose(const struct http_exchange *x, const char *header,
			   const char *const *known, bool *ret_named);
bool upgrade_is_spdy(const struct http_exchange *x);
/* Answers 101 for SPDY/3.1 with the chosen X-Stream-Protocol-Version (NULL: none). */
void upgrade_to_spdy(struct http_exchange *x, const char *protocol,
		     const struct http_tunnel_events *events, void *self);
/* Writes pieces into a tunnel; returns what is queued. */
size_t upgrade_send(struct http_exchange *x, const struct http_piece *pieces, u32 len);

#endif
