/* What a simulated node says of itself and of its pods: the documents, and nothing else. */
#ifndef CONTROLLERS_SIMULATED_STATUS_H
#define CONTROLLERS_SIMULATED_STATUS_H

#include "controllers/simulated_node.h"

const struct doc *simulated_node_doc(struct arena *arena, const struct simulated_config *config,
				     struct str name, i64 now_ns);
/* The node, alive and ready again, whatever it was. */
const struct doc *simulated_node_ready(struct arena *arena, const struct simulated_config *config,
				       const struct doc *node, i64 now_ns);
const struct doc *simulated_lease_doc(struct arena *arena, struct str node, struct str now,
				      i64 seconds);

/* Statuses of a pod. */
const struct doc *simulated_pod_running(struct arena *arena, const struct doc *pod,
					struct str address, i64 now_ns);
const struct doc *simulated_pod_waiting(struct arena *arena, const struct doc *pod, i64 now_ns);
const struct doc *simulated_pod_ended(struct arena *arena, const struct doc *pod, i64 exit_code,
				      i64 now_ns);
/* Its container has ended and waits to be started again. */
const struct doc *simulated_pod_stumbled(struct arena *arena, const struct doc *pod, i64 now_ns);

#endif
