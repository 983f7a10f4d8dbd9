/*
 * What the scheduler hears of changes: pods into the queue, everything into the picture, and notes
 * of what may have become possible for pods that found no place.
 */
#ifndef SCHEDULER_HEARING_H
#define SCHEDULER_HEARING_H

#include "scheduler/queue.h"
#include "scheduler/scheduler.h"
#include "scheduler/write.h"

struct scheduler {
	struct store *store;
	const struct clock *clock;
	struct picture picture;
	struct queue queue;
	struct scheduler_counts counts;
	struct arena *arena; /* of the pod at hand */
	struct scribe scribe;
	u32 help; /* enum help: what has changed since those that wait were last told */
	i64 next_help_ns;
	bool stepping;
	void (*on_work)(void *self);
	void *on_work_self;
};

/* Listens from now on, and takes in what is there already. */
void hearing_start(struct scheduler *scheduler);

/* Is it for this scheduler to place the pod now? */
bool hearing_is_ours(const struct version *pod);

#endif
