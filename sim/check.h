/*
 * Promises, watched. Each check is one file and one constant; it looks at what happens and says
 * world_broken() when it sees what must not be. Checks trust nothing but the store: they work out
 * anew what the controllers claim.
 */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include "controllers/plan.h"
#include "sim/world.h"

struct check {
	const char *name;
	void *(*open)(struct world *world); /* its state; NULL: it has none */
	void (*close)(void *state);
	/* A change has been applied to memory; changes that are taken back are not heard. */
	void (*hear)(struct world *world, void *state, const struct store_event *event);
	/* An older state is in force again: after a crash, or when a write could not be kept. */
	void (*returned)(struct world *world, void *state);
	/* A controller, the scheduler or a node is about to write; or has just written. */
	void (*before)(struct world *world, void *state, const char *user,
		       const struct intent *intent);
	void (*after)(struct world *world, void *state, const char *user,
		      const struct intent *intent);
	/* Nobody has disturbed the cluster for minutes: how does it look? */
	void (*rest)(struct world *world, void *state);
};

extern const struct check *const checks_all[]; /* NULL at the end */

#define EACH(world, kind, v)                                                                       \
	struct store_iter v##_iter;                                                                \
	store_iter_start(&v##_iter, (world)->store, (kind), STR_NONE, STR_NONE, STR_NONE);         \
	for (struct version * v; ((v) = store_iter_next(&v##_iter));)

#define EACH_IN(world, kind, ns, v)                                                                \
	struct store_iter v##_iter;                                                                \
	store_iter_start(&v##_iter, (world)->store, (kind), (ns), STR_NONE, STR_NONE);             \
	for (struct version * v; ((v) = store_iter_next(&v##_iter));)

/* A number of an object, 0 when it is not there. */
i64 check_number(const struct version *v, const char *path);

/* Is this intent that controller's making or losing of a pod? */
bool check_creates_pod(const char *user, const char *controller, const struct intent *intent);
bool check_deletes_pod(const char *user, const char *controller, const struct intent *intent);

/* The controlling owner of an object of a kind, if it is there and the same; else NULL. */
struct version *check_owner(struct world *world, const struct doc *object, struct str namespace,
			    kind_id kind);

/* Is this a pod that a Job still has to count, and the Job can never get on? */
bool check_held_for_ever(struct world *world, const struct version *pod);

/* The controlled pods of an owner, finished and dying ones included. */
struct version_list check_pods(struct world *world, const struct version *owner);

#endif
