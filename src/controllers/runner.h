/*
 * Runs controllers: turns changes of the store into keys, keys into passes, plans into writes. One
 * key is worked on at a time; a key whose own last write the view does not show yet is held back; a
 * conflict or failure runs it again after a growing pause. Everything happens in runner_step(), on
 * the thread that owns all state.
 */
#ifndef CONTROLLERS_RUNNER_H
#define CONTROLLERS_RUNNER_H

#include "base/buffer.h"
#include "base/clock.h"
#include "controllers/controller.h"

struct server;
struct intent;

/* Where plans go: the server's verbs (runner_writer_verbs), or a test's stand-in. */
struct writer {
	/* Does one intent as `user`. *ret_object: what was written, borrowed; NULL when it is gone.
	 */
	enum status (*write)(void *self, struct arena *arena, const char *user,
			     const struct intent *intent, struct version **ret_object,
			     struct error *error);
	void *self;
};

/* A writer over server/verbs.h. `server` must outlive it. */
struct writer writer_for_server(struct server *server);

struct runner;

/* Listens to `store` from now on, with everything that is in it already queued. The store, the
 * schema and the clock must outlive the runner. `controllers` ends with NULL. */
struct runner *runner_new(struct store *store, struct schema *schema, const struct clock *clock,
			  struct writer writer, const struct controller *const *controllers);
void runner_free(struct runner *runner);

/* Works through at most `passes_max` keys that are due. Returns the monotonic time it wants to be
 * called next: in the past when there is more to do at once, NEVER_NS when only a change matters.
 */
i64 runner_step(struct runner *runner, u32 passes_max);

/* Called whenever a change makes work while the runner was idle, so that a loop can arm its step.
 */
void runner_on_work(struct runner *runner, void (*call)(void *self), void *self);

/* What kube-root-ca.crt says; the bytes must outlive the runner. */
void runner_set_ca(struct runner *runner, struct str certificate);

/* The time zones CronJobs may name; must outlive the runner. Without: UTC only. */
void runner_set_zones(struct runner *runner, const struct time_zones *zones);

/* What pods use, for autoscalers; must outlive the runner. */
struct usage;
void runner_set_usage(struct runner *runner, struct usage *usage);
/* Who reads and signs certificate requests; must outlive the runner. */
struct certificates;
void runner_set_certificates(struct runner *runner, struct certificates *certificates);
/* How long a node may be silent before it counts as gone; 40 s without. */
void runner_set_node_grace(struct runner *runner, i64 grace_ns);
/* How often autoscalers look; 15 s without. */
void runner_set_autoscale(struct runner *runner, i64 every_ns);

/* Where this runner's events go; the scheduler's may go there too. */
struct recorder *runner_recorder(const struct runner *runner);

/* Appends counters in Prometheus' form. */
void runner_metrics(const struct runner *runner, struct buffer *out);

struct runner_counts {
	u64 passes, writes, conflicts, failures, events;
	u32 queued;
};
struct runner_counts runner_counts(const struct runner *runner);

#endif
