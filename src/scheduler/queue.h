/*
 * Pods that wait for a node: the active ones by priority and age, those that failed until a time or
 * until something changes that may help them.
 */
#ifndef SCHEDULER_QUEUE_H
#define SCHEDULER_QUEUE_H

#include "base/clock.h"
#include "base/map.h"

enum waiting_state {
	WAITING_ACTIVE,	  /* may be placed now */
	WAITING_BACKOFF,  /* may be placed at due_ns */
	WAITING_FOR_HELP, /* only a change can help */
};

struct waiting {
	struct str namespace, name, uid; /* slices point into text */
	i64 priority;
	u64 turn;
	u32 attempts;
	u8 state;     /* enum waiting_state */
	i64 due_ns;   /* monotonic */
	u32 heap_at;  /* in its heap + 1 */
	u32 help_at;  /* in its list of those that wait for help + 1 */
	u8 helped_by; /* bits: what kinds of change may help */
	bool helped;  /* something did change; only its own pause holds it back */
	char text[];
};

struct waiting_heap {
	struct waiting **at;
	u32 len, cap;
	bool (*before)(const struct waiting *a, const struct waiting *b);
};

enum { HELP_KINDS = 16 }; /* helped_by is below this */

struct waiting_list { /* in no order that matters */
	struct waiting **at;
	u32 len, cap;
};

struct queue {
	struct map by_uid;
	struct waiting_heap active, backoff;
	struct waiting_list help[HELP_KINDS]; /* by what helps them */
	u32 help_len;			      /* of all lists */
	u64 turns;
};

void queue_init(struct queue *queue);
void queue_release(struct queue *queue);

/* Adds a pod, or makes one that waits for help try at once (its own spec changed). */
void queue_add(struct queue *queue, struct str namespace, struct str name, struct str uid,
	       i64 priority);
void queue_remove(struct queue *queue, struct str uid);

/* The next pod to place, taken out of line but still known; NULL when none may be placed now. With
 * nothing else to do, one whose pause is not over but that may have been helped: that costs
 * *early, which is counted down. */
struct waiting *queue_next(struct queue *queue, i64 mono_ns, u32 *early);
/* After queue_next: it found no place, or failed; it tries again as told. */
void queue_wait_for_help(struct queue *queue, struct waiting *waiting, u32 helped_by, i64 mono_ns);
void queue_retry(struct queue *queue, struct waiting *waiting, i64 mono_ns);

/* Something of these kinds changed: those it may help try again, after their back-off. */
void queue_help(struct queue *queue, u32 kinds, i64 mono_ns);

/* When queue_next() would give something: NEVER_NS when nothing waits for a time. */
i64 queue_due(const struct queue *queue);

#endif
