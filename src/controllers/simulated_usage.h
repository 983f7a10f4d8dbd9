/*
 * What pods on simulated nodes use: what their annotations say, so that a test or the simulator can
 * put a load on them. `minke/simulated-cpu: 250m` and `minke/simulated-memory: 64Mi` count for each
 * container of the pod; with a container's name behind a dot (`minke/simulated-cpu.web`) for that
 * one. Without any, a container uses nothing; "none": nobody can tell.
 */
#ifndef CONTROLLERS_SIMULATED_USAGE_H
#define CONTROLLERS_SIMULATED_USAGE_H

#include "server/usage.h"

struct store;

/* The store must outlive what the source is handed to. */
struct usage_source simulated_usage(struct store *store);

#endif
