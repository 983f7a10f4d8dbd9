/* Every controller there is. The order says nothing: all of them run side by side. */
#include "controllers/controller.h"

#define CONTROLLERS(X)                                                                             \
	X(deployment)                                                                              \
	X(replicaset)                                                                              \
	X(replication)                                                                             \
	X(garbage)                                                                                 \
	X(custom_resource)                                                                         \
	X(namespace)                                                                               \
	X(service_account)                                                                         \
	X(root_ca)                                                                                 \
	X(role_aggregation)                                                                        \
	X(node_lifecycle)                                                                          \
	X(node_range)                                                                              \
	X(pod_garbage)                                                                             \
	X(endpoints)                                                                               \
	X(endpoint_slices)                                                                         \
	X(disruption)                                                                              \
	X(resource_quota)                                                                          \
	X(cron_job)                                                                                \
	X(daemon_set)                                                                              \
	X(stateful_set)                                                                            \
	X(job)                                                                                     \
	X(job_orphans)                                                                             \
	X(autoscaler)                                                                              \
	X(certificate_request)                                                                     \
	X(token_secret)                                                                            \
	X(ttl_after_finished)                                                                      \
	X(volume_binder)                                                                           \
	X(volume_reclaim)                                                                          \
	X(claim_protection)                                                                        \
	X(volume_protection)                                                                       \
	X(ephemeral_volume)                                                                        \
	X(local_path)                                                                              \
	X(local_path_reclaim)

#define X(name) extern const struct controller controller_##name;
CONTROLLERS(X)
#undef X

const struct controller *const controllers_all[] = {
#define X(name) &controller_##name,
	CONTROLLERS(X)
#undef X
		NULL,
};
