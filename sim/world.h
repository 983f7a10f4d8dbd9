/*
 * A whole cluster in one thread: store, server, controllers, scheduler, nodes, a user and bad luck,
 * on a clock that moves only when told and from dice that one seed throws. Checks look on and note
 * the first thing that must not be.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "base/random.h"
#include "controllers/runner.h"
#include "controllers/simulated_node.h"
#include "scheduler/scheduler.h"
#include "server/server.h"
#include "server/verbs.h"
#include "sim/story.h"

enum { NODES_MAX = 50, CHECKS_MAX = 32 };

struct seen;   /* sim/watchers.c */
struct moment; /* sim/check_disruption.c */

/* What is played. Every step throws its own dice, so that leaving some out changes no other. */
struct plot {
	u64 seed, steps;
	u32 nodes_max; /* fewer nodes than the dice say; 0: as they say */
	u32 nodes;     /* exactly so many; 0: as the dice say */
	bool kind;     /* no write of a controller fails */
	u8 *left_out;  /* by step: not taken; NULL: all are */
	bool verbose;
};

struct world {
	const struct plot *plot;
	u64 seed;
	struct random dice; /* user and bad luck */
	struct random ids;  /* the server's names and uids */
	i64 mono_ns;
	i64 away_ns; /* of it, without power */
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
	struct time_zones zones;
	struct arena *zones_arena;
	u32 nodes_len;
	bool dead[NODES_MAX];
	i64 skew_ns[NODES_MAX];	  /* how far a node's clock is off */
	i32 drift_ppm[NODES_MAX]; /* and by how much it goes wrong */
	bool calm;		  /* no more faults, no more user */
	bool quiet;		  /* nobody has a reason to write anything */
	u32 refuse_writes;	  /* of a thousand writes of controllers, so many fail */
	u32 images_bad;		  /* of a thousand images chosen */
	u64 trace;		  /* hash of everything that happened */
	u64 steps, crashes, writes;
	bool tight;	  /* nodes have too little room for all */
	u32 untold;	  /* writes that reached the disk in the last crash without a word */
	i64 disturbed_ns; /* when something outside the controllers' reach last happened */
	u32 made, sets_made, pods_made, shared_made; /* by the user, for names and limits */
	struct seen *seen;
	bool past; /* an older state is coming back into force */
	void *checks[CHECKS_MAX];
	struct moment *eviction;
	bool forced;		 /* somebody deletes without grace just now */
	struct version *glimpse; /* what the user saw a while ago */
	struct story story;
	char broken[512]; /* what must not be, or empty */
	bool verbose;
};

/* The plot must outlive the world. */
struct world *world_new(const struct plot *plot);
void world_free(struct world *world);

/* One step of somebody, chosen by the dice. */
void world_step(struct world *world);
/* Ends all faults and lets time pass until the cluster should be at rest; then checks that it is.
 */
void world_rest(struct world *world);
/* All of it: steps, rest. True when every promise was kept. */
bool world_play(struct world *world);

/* Notes what is broken; the first counts. */
PRINTF(2, 3) void world_broken(struct world *world, const char *format, ...);
/* Enters what somebody does into the story. */
void world_note(struct world *world, const char *who, const char *what, kind_id kind,
		struct str name);

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

void user_removes_node(struct world *world, u32 node);
void user_declares_lost(struct world *world, u32 node); /* by the out-of-service taint */

/* ---- watchers.c: durable changes as clients see them */
void watchers_open(struct world *world);
void watchers_look(struct world *world, bool all);
void watchers_close(struct world *world); /* before the store goes */
void watchers_compare(struct world *world);
void watchers_free(struct world *world);

/* ---- checks.c: what must hold at every instant, and at rest */
void checks_open(struct world *world);
void checks_close(struct world *world);
void checks_return(struct world *world);
void checks_hear(struct world *world, const struct store_event *event);
void checks_before(struct world *world, const char *user, const struct intent *intent);
void checks_after(struct world *world, const char *user, const struct intent *intent);
void checks_rest(struct world *world);
void checks_before_eviction(struct world *world, const struct version *pod);
void checks_after_eviction(struct world *world, const struct version *pod, bool granted);
void check_dead_nodes(struct world *world); /* whose death is minutes ago */

/* ---- zones.c: a time zone for those who need one */
void zones_open(struct world *world);

#endif
