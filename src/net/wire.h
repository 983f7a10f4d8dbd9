/*
 * What a protocol engine (HTTP/1.1, HTTP/2) needs from below, and what it gives: the engine knows
 * no sockets and no TLS, so it runs in a test over two buffers. Engines call down; the owner of the
 * wire calls the engine's input, writable, settle and lost.
 */
#ifndef NET_WIRE_H
#define NET_WIRE_H

#include "base/str.h"

struct wire;
struct wire_ops {
	void (*send)(struct wire *wire, struct str bytes); /* takes or copies all of it */
	size_t (*queued)(struct wire *wire);		   /* sent bytes that have not left yet */
	/* No more input is wanted, and no more output comes; what is queued still goes. */
	void (*close)(struct wire *wire);
	void (*pause)(struct wire *wire, bool paused); /* stop reading */
	void (*wake)(struct wire *wire); /* call settle soon, from a fresh stack, and send */
};
struct wire {
	const struct wire_ops *ops;
};

enum { WIRE_FULL = 256 << 10 };

static inline bool wire_is_full(struct wire *wire)
{
	return wire->ops->queued(wire) >= WIRE_FULL;
}

/* What an engine is waiting for: its wire's owner keeps the time. */
enum wire_wait { WAIT_HEAD, WAIT_BODY, WAIT_IDLE, WAIT_HANDLER, WAIT_TUNNEL };

#endif
