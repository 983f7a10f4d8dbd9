/*
 * A whole cluster in one thread: store, server, controllers, scheduler, nodes, a user and bad luck,
 * on a clock that moves only when told and from dice that one seed throws. Checkers look on and
 * note the first thing that must not be.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "base/random.h"
#include "controllers/runner.h"
#include "controllers/simulated_node.h"
#include "scheduler/scheduler.h"
#include "server/server.h"
#include "server/verbs.h"

enum { NODES_MAX = 8 };

struct seen;   /* sim/watchers.c */
struct bounds; /* sim/bounds.c */

struct world {
	u64 seed;
	struct random dice; /* user and bad luck */
	struct random ids;  /* the server's names and uids */
	i64 mono_ns;
	struct clock clock;
	struct arena *arena; /* of one step */
	struct schema *schema;
	struct log *disk;
	struct store *store;
	struct server *server;
	struct runner *runner;
	struct scheduler *scheduler;
	struct simulated *nodes;
	struct writer verbs;
	u32 nodes_len;
	bool dead[NODES_MAX];
	bool calm;	   /* no more faults, no more user */
	u32 refuse_writes; /* of a thousand writes of controllers, so many fail */
	u32 images_bad;	   /* of a thousand images chosen */
	u64 trace;	   /* hash of everything that happened */
	u64 steps, crashes, writes;
	bool tight;	  /* nodes have too little room for all */
	u32 untold;	  /* writes that reached the disk in the last crash without a word */
	i64 disturbed_ns; /* when something outside the controllers' reach last happened */
	u32 made;	  /* objects the user has made, for their names */
	struct seen *seen;
	struct bounds *bounds;
	char broken[512]; /* what must not be, or empty */
	bool verbose;
};

struct world *world_new(u64 seed);
void world_free(struct world *world);

/* One step of somebody, chosen by the dice. */
void world_step(struct world *world);
/* Ends all faults and lets time pass until the cluster should be at rest; then checks that it is.
 */
void world_rest(struct world *world);

/* Notes what is broken; the first counts. */
PRINTF(2, 3) void world_broken(struct world *world, const char *format, ...);

/* A number of nothing but the dice. */
static inline u32 roll(struct world *world, u32 limit)
{
	return random_below(&world->dice, limit);
}
static inline bool luck(struct world *world, u32 of_a_thousand)
{
	return random_chance(&world->dice, of_a_thousand);
}

/* Runs everybody once, without faults. The earliest time anybody wants to be called again. */
i64 world_round(struct world *world);

/* ---- user.c */
void user_acts(struct world *world);
void user_makes_peace(struct world *world); /* good images, nothing paused, nothing cordoned */

/* ---- watchers.c: durable changes as clients see them */
void watchers_open(struct world *world);
void watchers_look(struct world *world, bool all);
void watchers_close(struct world *world); /* before the store goes */
void watchers_compare(struct world *world);
void watchers_free(struct world *world);

/* ---- bounds.c: what must hold at every instant */
void bounds_new(struct world *world);
void bounds_free(struct world *world);
void bounds_return(struct world *world);
void bounds_hear(struct world *world, const struct store_event *event);
/* Before a write of a controller or the scheduler. */
void bounds_before_write(struct world *world, const char *user, const struct intent *intent);
void bounds_after_write(struct world *world, const char *user, const struct intent *intent);

/* ---- rest.c: how a cluster at rest looks */
void rest_check(struct world *world);

#endif
