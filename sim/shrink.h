/* Makes a run that breaks a promise smaller, so that a person can read what leads to it. */
#ifndef SIM_SHRINK_H
#define SIM_SHRINK_H

#include "sim/world.h"

/* Plays the plot, which breaks, over and over with less in it: fewer steps, nodes, faults; leaves
 * in it what is still needed. False when it does not break at all. */
bool shrink(struct plot *plot);

#endif
