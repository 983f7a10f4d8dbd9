/* The metrics API: get and list of nodes and pods in metrics.k8s.io. */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include "server/request.h"

/* Answers a get or list of NodeMetrics or PodMetrics, perhaps a second later. */
void metrics_reply(struct request *request);

/* Answers those who have waited long enough; returns when the next one has. */
i64 metrics_tick(struct server *server, i64 mono_ns);
/* Ends what still waits with 503. */
void metrics_abandon(struct server *server);

#endif
