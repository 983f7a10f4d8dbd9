/*
 * One pass over a Job: what its pods say, whether it has come to an end, which pods to make or
 * lose, and how finished pods are counted exactly once. A pod carries the finalizer
 * batch.kubernetes.io/job-tracking until it stands in the status, so none is lost; its uid stands
 * in status.uncountedTerminatedPods until the finalizer is off, so none counts twice.
 */
#ifndef CONTROLLERS_JOB_H
#define CONTROLLERS_JOB_H

#include "base/map.h"
#include "controllers/controller.h"
#include "controllers/index_set.h"

#define JOB_FINALIZER "batch.kubernetes.io/job-tracking"
#define JOB_INDEX "batch.kubernetes.io/job-completion-index"
#define JOB_INDEX_FAILURES "batch.kubernetes.io/job-index-failure-count"
#define JOB_INDEX_IGNORED "batch.kubernetes.io/job-index-ignored-failure-count"

enum {
	JOB_UNKNOWN_INDEX = -1,
	JOB_BURST_MAX = 500,	 /* pods made or deleted in one pass */
	JOB_UNCOUNTED_MAX = 500, /* uids in the status at one time */
};

struct job_end {	  /* how it ends: type is NULL while it does not */
	const char *type; /* "Complete" or "Failed" */
	const char *reason;
	struct str message;
};

struct job {
	const struct view *view;
	struct arena *arena;
	struct plan *plan;
	struct version *owner;
	const struct doc *spec, *status; /* status: as it shall be */
	const struct doc *before;	 /* status as it was */
	bool suspended, indexed;
	bool per_index;	  /* has backoffLimitPerIndex */
	bool only_failed; /* podReplacementPolicy: Failed */
	i64 completions;  /* -1: work queue */
	i64 parallelism, backoff_limit;
	struct list pods, active;
	i64 ready, terminating;
	i64 succeeded, failed; /* with those seen and not yet counted */
	struct map uncounted;  /* uids that stand in the status */
	struct index_set succeeded_at, failed_at;
	struct index_set counted_at; /* status.completedIndexes as it was */
	struct map held; /* per index: pods that keep their finalizer until they are replaced */
	struct job_end end;
	bool end_is_new; /* decided in this pass */
};

/* ---- job.c */

bool job_finished(const struct doc *job);
bool job_pod_tracked(const struct doc *pod);
/* Failed, or on its way out and therefore never to succeed. */
bool job_pod_failed(const struct job *job, const struct version *pod);
i64 job_pod_index(const struct doc *pod);
i64 job_pod_ended_ns(const struct doc *pod);
/* Takes the finalizer off. */
void job_release(const struct job *job, const struct version *pod);

/* ---- job_pods.c */

/* Makes and deletes pods until as many are active as should be. */
void job_manage(struct job *job);
/* Of a Job that has ended: no pod of it shall run on. */
void job_stop(struct job *job);

/* ---- job_policy.c */

struct job_verdict {	    /* what the podFailurePolicy says of a failed pod */
	const char *action; /* NULL: no rule fits */
	bool counts;	    /* towards the back-off limit */
	struct str message; /* of FailJob */
};
struct job_verdict job_judge(const struct job *job, const struct version *pod);
bool job_index_failed(const struct job *job, const struct version *pod);
i64 job_index_failures(const struct doc *pod, const char *annotation);
/* The message of the first rule that is fulfilled. */
bool job_success_policy(const struct job *job, struct str *ret_message);

/* ---- job_status.c */

/* Counts finished pods and writes the status. */
void job_track(struct job *job);

#endif
