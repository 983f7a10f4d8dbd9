/* Every controller there is. The order says nothing: all of them run side by side. */
#include "controllers/controller.h"

extern const struct controller controller_deployment, controller_replicaset, controller_replication;

const struct controller *const controllers_all[] = {
	&controller_deployment,
	&controller_replicaset,
	&controller_replication,
	NULL,
};
