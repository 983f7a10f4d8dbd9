/*
 * One pass over a StatefulSet: a place for every ordinal with the pod that holds it, pods that are
 * too many, and the two revisions between which a roll-out moves.
 */
#ifndef CONTROLLERS_STATEFUL_SET_H
#define CONTROLLERS_STATEFUL_SET_H

#include "controllers/controller.h"
#include "controllers/controller_revision.h"

#define STATEFUL_HASH "controller.kubernetes.io/hash"

struct stateful {
	const struct view *view;
	struct arena *arena;
	struct plan *plan;
	struct version *owner;
	const struct doc *spec;
	struct revisions revisions;
	struct version *current; /* the revision before; NULL: the present one */
	struct str current_name;
	i64 start, replicas, partition, settle_s;
	bool ordered, rolling;
	struct version **places; /* `replicas` of them, by ordinal from `start`; NULL: none */
	struct list condemned;	 /* highest ordinal first */
	i64 wake_ns;
};

/* ---- stateful_set_pod.c */

/* The ordinal in a pod's name, or -1 when it is no pod of this set. */
i64 stateful_ordinal(const struct version *set, struct str pod_name);
/* Makes the pod of an ordinal, its claims first. */
void stateful_make(const struct stateful *s, i64 ordinal);
/* The claims of a pod that waits, in case one is missing. */
void stateful_make_claims(const struct stateful *s, i64 ordinal);
/* Who takes the pod's claims along: the set, the pod, or nobody. */
void stateful_own_claims(const struct stateful *s, const struct version *pod, bool condemned);
/* The name of the revision a pod of this ordinal should be of. */
struct str stateful_revision(const struct stateful *s, i64 ordinal);

#endif
