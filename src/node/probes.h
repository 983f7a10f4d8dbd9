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

/* One question, or one lifecycle hook (its httpGet, tcpSocket, exec or sleep stands in the same
 * places). done comes exactly once, within timeout_ms (plus a little), unless it was cancelled, and
 * never before probe_run returns. The message is kubelet's: `HTTP probe failed with statuscode:
 * 500`. */
struct probe_call;
typedef void probe_done(void *arg, bool success, struct str message);

struct probe_target {
	struct str pod_ip, container_id;
	const struct doc *container;  /* its ports give names to numbers */
	struct str network_namespace; /* asked from inside it: nothing else can answer */
};

/* What is given need only live until it returns. */
struct probe_call *probe_run(struct loop *loop, struct runtime *runtime, const struct doc *probe,
			     const struct probe_target *target, i64 timeout_ms, probe_done *done,
			     void *arg);
void probe_cancel(struct probe_call *call); /* NULL is fine */

#endif
