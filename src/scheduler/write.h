/*
 * What the scheduler writes: bindings, conditions, evictions, claims, and events about them. Every
 * one goes through the server's verbs as system:kube-scheduler.
 */
#ifndef SCHEDULER_WRITE_H
#define SCHEDULER_WRITE_H

#include "controllers/runner.h"
#include "scheduler/claims.h"
#include "scheduler/preempt.h"

struct recorder;

struct scribe {
	struct writer writer;
	struct recorder *recorder;
	const struct clock *clock;
	struct arena *arena; /* of the pod at hand */
};

/* Binds the pod and says so. */
enum status write_binding(struct scribe *scribe, const struct version *pod, const struct node *node,
			  struct error *error);

/* The condition PodScheduled and nominatedNodeName (empty: none), where they differ; and the event
 * FailedScheduling. */
enum status write_unschedulable(struct scribe *scribe, const struct version *pod,
				struct str sentence, struct str nominated, struct error *error);
void write_failure(struct scribe *scribe, const struct version *pod, struct str sentence);

/* Takes nominatedNodeName from a pod whose place a more important one has taken. */
enum status write_no_nomination(struct scribe *scribe, const struct version *pod,
				struct error *error);

/* Evicts one victim, gracefully, saying for whom. */
enum status write_preemption(struct scribe *scribe, const struct version *preemptor,
			     const struct version *victim, const struct node *node,
			     struct error *error);

/* Has a claim served for this node. */
enum status write_claim(struct scribe *scribe, const struct claim_deed *deed,
			const struct node *node, struct error *error);

#endif
