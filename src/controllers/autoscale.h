/*
 * The arithmetic of the HorizontalPodAutoscaler, apart from where its numbers come from. Follows
 * pkg/controller/podautoscaler: replica_calculator.go for what a metric asks for, horizontal.go for
 * what of it is done at once.
 */
#ifndef CONTROLLERS_AUTOSCALE_H
#define CONTROLLERS_AUTOSCALE_H

#include "base/error.h"
#include "doc/doc.h"

/* ---- what a metric asks for (autoscale_replicas.c) */

enum sample_state {
	SAMPLE_READY,
	SAMPLE_UNREADY, /* pending, or too young for its use of processor time to mean anything */
	SAMPLE_MISSING, /* it runs, and nobody knows what it uses */
};

struct sample { /* one pod; those that end or have ended are not among them */
	enum sample_state state;
	i64 value, request; /* thousandths; request is only read for a percentage */
};

/* How far the measured may be from the wanted, as a fraction, without anything being done. */
struct tolerance {
	double up, down;
};

struct aim {
	bool percent; /* of what the pods request; else an average value */
	i64 target;   /* percent, or thousandths */
	struct tolerance tolerance;
};

struct proposal {
	i64 replicas;
	i64 percent;	   /* measured; with aim.percent */
	i64 average_milli; /* measured, of a pod */
};

/* Pods without a number are taken to use all they asked for when shrinking and nothing when
 * growing; unready ones nothing when growing. When that turns the direction, nothing is done. */
MUST_USE enum status autoscale_by_samples(const struct sample *samples, u32 len, i64 current,
					  const struct aim *aim, struct proposal *ret_proposal,
					  struct error *error);

/* ---- what of it is done now (autoscale_limits.c) */

enum { RECOMMENDATIONS_MAX = 256, CHANGES_MAX = 256 };

struct recommendation {
	i64 at_ns, replicas;
};
struct replica_change {
	i64 at_ns, change; /* grown by that much; below zero: shrunk */
};

/* What an autoscaler remembers from pass to pass: nothing of it is state of the cluster, and a
 * server that starts anew begins with the size it finds, as upstream does. */
struct autoscale_memory {
	i64 generation, due_ns; /* the spec last looked at, and when to look again */
	i64 scaling_to;		/* a size is being set, and may fail; -1: none */
	u32 early;		/* looks in a row that found nothing to compare with yet */
	u32 recommendations_len, changes_len;
	struct recommendation recommendations[RECOMMENDATIONS_MAX]; /* oldest first */
	struct replica_change changes[CHANGES_MAX];
};

/* From and to the bytes of plan_keep(); what is no such bytes is an empty memory. */
void autoscale_memory_read(struct autoscale_memory *memory, struct str kept);
struct str autoscale_memory_print(struct arena *arena, const struct autoscale_memory *memory);

/* Of equal recommendations in a row only the newest counts. When full, the oldest goes. */
void autoscale_recommend(struct autoscale_memory *memory, i64 now_ns, i64 replicas);
void autoscale_changed(struct autoscale_memory *memory, i64 now_ns, i64 change);

struct autoscale_limits {
	i64 min, max, current, now_ns;
	const struct doc *behavior; /* of the spec; NULL: upstream's rules of old */
};

struct verdict {
	i64 replicas;
	const char *stable_reason, *stable_message; /* for AbleToScale */
	bool limited;
	const char *limit_reason, *limit_message; /* for ScalingLimited */
};

/* Stabilizes what the metrics ask for, then keeps it within the limits and rates. Records the
 * recommendation. */
struct verdict autoscale_judge(struct autoscale_memory *memory,
			       const struct autoscale_limits *limits, i64 wanted);

#endif
