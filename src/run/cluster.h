/*
 * A whole cluster in one process: loop, store, API server, controllers, scheduler, this node and
 * simulated ones, put together and taken apart in the right order.
 */
#ifndef RUN_CLUSTER_H
#define RUN_CLUSTER_H

#include "run/server_options.h"

struct cluster;

/* Starts everything; when it returns, /readyz answers 200. On failure nothing is left behind.
 * `options` must outlive the cluster. */
MUST_USE enum status cluster_start(const struct server_options *options,
				   struct cluster **ret_cluster, struct error *error);

/* Serves until SIGTERM or SIGINT, then lets requests under way finish. */
void cluster_run(struct cluster *cluster);

/* Writes what is still only in memory and frees all. Containers run on. NULL is fine. */
void cluster_free(struct cluster *cluster);

/* "https://127.0.0.1:6443", with the port that was really bound. */
struct str cluster_url(const struct cluster *cluster);

#endif
