/* A container's environment: services, envFrom, env, in that order. Pure. */
#ifndef NODE_POD_ENV_H
#define NODE_POD_ENV_H

#include "node/volumes.h"

struct pod_env {
	VEC(struct str) entries; /* "NAME=value", each name once */
};

/* `services`: documents of Services whose addresses the pod is told. ST_NOT_FOUND: kubelet's
 * sentence for CreateContainerConfigError. */
MUST_USE enum status pod_env_resolve(struct arena *arena, const struct doc *pod,
				     const struct doc *container, const struct pod_sources *sources,
				     const struct doc *const *services, u32 services_len,
				     struct pod_env *ret_env, struct error *error);

#endif
