/*
 * Preemption: which less important pods would have to leave which node so that a pod fits. Pure:
 * the picture is changed while it looks, and put back. Follows upstream's DefaultPreemption.
 */
#ifndef SCHEDULER_PREEMPT_H
#define SCHEDULER_PREEMPT_H

#include "scheduler/decide.h"

struct victims {
	struct node *node;
	struct version **at; /* most important first */
	u32 len;
	u32 violations; /* of disruption budgets */
};

/* True with the best node and its victims; otherwise *ret_text says why there is none. */
bool preempt(struct ask *ask, const struct decision *decision, struct victims *ret_victims,
	     struct str *ret_text);

#endif
