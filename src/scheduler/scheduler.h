/*
 * The scheduler: gives each pod without a node the best one there is, or says why there is none.
 * Everything happens in scheduler_step(), on the thread that owns all state.
 */
#ifndef SCHEDULER_SCHEDULER_H
#define SCHEDULER_SCHEDULER_H

#include "base/buffer.h"
#include "base/clock.h"
#include "controllers/runner.h"

struct recorder;
struct scheduler;

/* Listens to `store` from now on; what is in it already counts as new. All must outlive it. Events
 * go to `recorder`. */
struct scheduler *scheduler_new(struct store *store, struct schema *schema,
				const struct clock *clock, struct writer writer,
				struct recorder *recorder);
void scheduler_free(struct scheduler *scheduler);

/* Places at most `pods_max` pods. Returns the monotonic time it wants to be called next: in the
 * past when more pods wait, NEVER_NS when only a change can help. */
i64 scheduler_step(struct scheduler *scheduler, u32 pods_max);

/* Called when a change gives work to an idle scheduler. */
void scheduler_on_work(struct scheduler *scheduler, void (*call)(void *self), void *self);

/* Why a pod is not running (scheduler/why.h); `scheduler` NULL: nobody places pods here. */
const struct doc *scheduler_why(struct scheduler *scheduler, struct store *store,
				const struct clock *clock, struct arena *arena,
				struct version *pod);

void scheduler_metrics(const struct scheduler *scheduler, struct buffer *out);

struct scheduler_counts {
	u64 bound, unschedulable, errors, preempted;
	u32 active, waiting, nodes;
};
struct scheduler_counts scheduler_counts(const struct scheduler *scheduler);

#endif
