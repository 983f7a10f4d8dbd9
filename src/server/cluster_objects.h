/* What the API server says of itself in objects: group-versions, health, its service network. */
#ifndef SERVER_CLUSTER_OBJECTS_H
#define SERVER_CLUSTER_OBJECTS_H

#include "server/verbs.h"

/* Makes those that are missing; APIServices of what is served no more go. */
MUST_USE enum status cluster_objects_ensure(struct call *call, struct error *error);

/* Only the APIServices, as definitions come and go. */
MUST_USE enum status cluster_api_services(struct call *call, struct error *error);

/* The status this server gives an APIService or a ServiceCIDR about to be stored. */
const struct doc *cluster_object_status(struct call *call, const struct api_kind *kind,
					const struct doc *doc, const struct doc *old);

#endif
