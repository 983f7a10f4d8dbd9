/*
 * Probes: when one is due and what its results mean is pure (probe_step), asking is a deed
 * (probe_run). https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes
 */
#ifndef NODE_PROBES_H
#define NODE_PROBES_H

#include "base/error.h"
#include "doc/doc.h"

struct loop;
struct runtime;

enum probe_result { PROBE_UNKNOWN, PROBE_SUCCESS, PROBE_FAILURE };

/* Counting of one probe of one container run. */
struct probe_state {
	enum probe_result result; /* what the thresholds say */
	i64 due_ns;		  /* when to ask next, same clock as `now` */
	u32 successes, failures;  /* in a row */
	bool asking;
};

void probe_start(struct probe_state *state, const struct doc *probe, i64 started_ns, i64 now_ns);

/* Takes one answer; true when `result` changed. */
bool probe_answer(struct probe_state *state, const struct doc *probe, bool success, i64 now_ns);

/* One question. done comes exactly once, within the probe's timeoutSeconds (plus a little). The
 * message is kubelet's: `HTTP probe failed with statuscode: 500`. */
typedef void (*probe_done)(void *arg, bool success, struct str message);

struct probe_target {
	struct str pod_ip, container_id;
	const struct doc *container; /* its ports give names to numbers */
	struct str
		network_namespace; /* path; asked from inside it, so that nothing else can answer */
};

void probe_run(struct loop *loop, struct runtime *runtime, const struct doc *probe,
	       const struct probe_target *target, probe_done done, void *arg);

#endif
