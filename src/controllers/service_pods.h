/* Which pods stand behind a Service, on which ports: what Endpoints and EndpointSlices share. */
#ifndef CONTROLLERS_SERVICE_PODS_H
#define CONTROLLERS_SERVICE_PODS_H

#include "controllers/controller.h"

/* Pods a Service selects that have an address and have not finished, by name. `leaving`: also those
 * being deleted. A Service without selector has none. */
struct list service_pods(const struct view *view, const struct version *service, bool leaving);

/* The number a service port's targetPort means in this pod; 0 when it has no such port. */
i64 service_target_port(const struct doc *port, const struct doc *pod);

/* The pod's host name when it is known by name under this headless Service; else empty. */
struct str service_host_name(const struct version *service, const struct doc *pod);

/* {kind: Pod, namespace, name, uid} */
const struct doc *service_target_ref(struct arena *arena, const struct version *pod);

bool service_is_headless(const struct doc *service);

/* A map for watches: the Services that select this pod now or did before, if anything about it
 * changed that they show. */
void service_keys_of_pod(const struct view *view, const struct change *change, struct keys *keys);

#endif
