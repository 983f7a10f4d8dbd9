/* What the simulated user does, by theme; user.c chooses. */
#ifndef SIM_USER_H
#define SIM_USER_H

#include "sim/world.h"

/* user_runs.c: DaemonSets, StatefulSets, Jobs, CronJobs, bare pods. */
void user_runs(struct world *world);

/* user_late.c: acts on what was so a while ago. */
void user_is_late(struct world *world);

/* user_places.c: a pod that wants to be apart, spread, or first. */
const struct doc *user_wishes_place(struct world *world, const struct doc *pod);

/* user_nodes.c: nodes, budgets, quotas. */
void user_tends_nodes(struct world *world);
void user_frees_nodes(struct world *world); /* no cordon, no taint, no quota, labels gone */

#endif
