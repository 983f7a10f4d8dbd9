/*
 * The recent events of one kind, oldest first: what watches read and older lists are made from.
 * Events have numbers that only grow (but for those undone, which nobody has read), so that a
 * cursor is one number. Private to the store.
 */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include "store/store.h"

/* Beyond the limits the oldest go; at once, or for a slow watch's sake not before the hard ones.
 * What an event's object was before is kept with it and not counted. */
enum {
	HISTORY_EVENTS_MAX = 8192,
	HISTORY_BYTES_MAX = 4 << 20, /* or a quarter of the living objects, if that is more */
	HISTORY_LAZY_EVENTS_MAX = 512,
	HISTORY_LAZY_BYTES_MAX = 256 << 10, /* leases tick for ever: an idle server stays small */
	HISTORY_EVENTS_HARD_MAX = 65536,
	HISTORY_BYTES_HARD_MAX = 16 << 20, /* or twice the ordinary limit, if that is more */
	HISTORY_EVENTS_MIN = 16, /* so that what a write replaced stays readable for a while */
};

struct history_limits {
	u64 events;
	size_t bytes;
};

struct history {
	struct store_event *events; /* a ring; each holds references */
	u32 cap;		    /* a power of two */
	u64 first, end;		    /* numbers: [first, end) are kept */
	size_t bytes;
	u64 floor; /* everything after this revision is here */
};

void history_release(struct history *history);

static inline struct store_event *history_at(const struct history *history, u64 number)
{
	return &history->events[number & (history->cap - 1)];
}

/* Adds an event and takes references. */
void history_push(struct history *history, const struct store_event *event);

/* Takes back the newest event. */
void history_pop(struct history *history);

/* Drops old events down to the limits: only durable ones, and those at `wanted` (a watch's place)
 * or behind only past the hard limits. */
void history_trim(struct history *history, struct history_limits limits, u64 durable, u64 wanted);

static inline bool history_full(const struct history *history, struct history_limits limits)
{
	return history->end - history->first > limits.events || history->bytes > limits.bytes;
}

/* The number of the first event after this revision; `end` when there is none. */
u64 history_find(const struct history *history, u64 revision);

#endif
