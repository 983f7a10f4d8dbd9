/* A wire that ends in a buffer: engines run without sockets. For tests and fuzzers. */
#ifndef TESTS_MEMORY_WIRE_H
#define TESTS_MEMORY_WIRE_H

#include "base/buffer.h"
#include "base/check.h"
#include "net/wire.h"

struct memory_wire {
	struct wire wire;
	struct buffer out;
	size_t queued; /* what the engine is told: set it to play a slow reader */
	bool closed, paused, woken;
};

static void memory_send(struct wire *wire, struct str bytes)
{
	struct memory_wire *m = CONTAINER_OF(wire, struct memory_wire, wire);

	CHECK(!m->closed);
	CHECK(buffer_add_str(&m->out, bytes));
}

static size_t memory_queued(struct wire *wire)
{
	return CONTAINER_OF(wire, struct memory_wire, wire)->queued;
}

static void memory_close(struct wire *wire)
{
	CONTAINER_OF(wire, struct memory_wire, wire)->closed = true;
}

static void memory_pause(struct wire *wire, bool paused)
{
	CONTAINER_OF(wire, struct memory_wire, wire)->paused = paused;
}

static void memory_wake(struct wire *wire)
{
	CONTAINER_OF(wire, struct memory_wire, wire)->woken = true;
}

static inline struct memory_wire memory_wire_new(void)
{
	static const struct wire_ops ops = { memory_send, memory_queued, memory_close, memory_pause,
					     memory_wake };

	return (struct memory_wire){ .wire.ops = &ops, .out = BUFFER_INIT(64 << 20) };
}

#endif
