/*
 * Nodes that exist only in the API (--simulate-nodes N): they register, keep their leases fresh and
 * say of every pod bound to them that it runs, a little later; pods of Jobs succeed after a while.
 * One queue of things to come serves all of them; there is no timer a node.
 */
#ifndef CONTROLLERS_SIMULATED_NODE_H
#define CONTROLLERS_SIMULATED_NODE_H

#include "base/clock.h"
#include "controllers/runner.h"

/*
 * How one pod fares. All zero: starts at once. A pod's annotations can ask for another fate than
 * the usual one: `minke/simulated-start-ms`, `-run-ms` and `-stop-ms` ("50"), `-exit-code` ("1")
 * and `minke/simulated-image: missing`.
 */
struct fate {
	i64 start_ns;	    /* from bound to running */
	bool image_missing; /* it never starts: ErrImagePull */
	i64 run_ns;	    /* it ends by itself after that long; 0: it does not */
	i64 stumble_ns;	    /* running that long it falls and is started again; 0: never */
	i64 recover_ns;	    /* and is ready again so much later */
	i64 stop_ns;	    /* from deletion to gone */
	i64 exit_code;	    /* with which it ends */
};

struct simulated_config {
	u32 nodes;
	const char *prefix;	  /* node names: prefix + number; NULL: "simulated-" */
	const char *cpu, *memory; /* of each node; NULL: "32", "256Gi" */
	u32 pods;		  /* of each node; 0: 110 */
	i64 start_ns, job_ns;	  /* usual fate; job_ns: how long a pod of a Job runs */
	/* Another fate for one pod, in the simulator; NULL: the usual one. */
	void (*fate)(void *self, const struct version *pod, struct fate *fate);
	/* What a node's own clock says; NULL: what the server's says. */
	i64 (*wall_ns)(void *self, u32 node);
	void *self;
};

struct simulated;

/* Registers the nodes on the first step. All must outlive it. */
struct simulated *simulated_new(const struct simulated_config *config, struct store *store,
				const struct clock *clock, struct writer writer);
void simulated_free(struct simulated *simulated);

/* Does what is due, at most `deeds_max` of it. Returns the monotonic time it wants to be called
 * next. */
i64 simulated_step(struct simulated *simulated, u32 deeds_max);

/* Called when a change makes something due earlier than simulated_step() last said. */
void simulated_on_work(struct simulated *simulated, void (*call)(void *self), void *self);

/* ---- for the simulator: nodes that die and come back */

void simulated_kill(struct simulated *simulated, u32 node);
void simulated_revive(struct simulated *simulated, u32 node);
bool simulated_alive(const struct simulated *simulated, u32 node);

/* Until then no pod's status leaves this node, though its lease is renewed. */
void simulated_mute(struct simulated *simulated, u32 node, i64 until_mono_ns);

#endif
