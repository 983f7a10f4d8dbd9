/*
 * The rules that .api files name: what a table cannot say. A name that stands in a .api file and
 * not here does not compile.
 *
 * RULE_FINISH: after a struct's (or kind's) own defaults; returns the struct, changed or not.
 * RULE_CHECK: adds violations; `old` is the stored value on update, NULL on create.
 * RULE_PRINT: fills the cells of the columns without a template, in order. RULE_CONVERT: a view's
 * shape from and to the stored one.
 */
#ifndef SCHEMA_RULES_H
#define SCHEMA_RULES_H

#include "schema/api.h"

#define RULE_FINISH(name) const struct doc *name(struct defaults *d, const struct doc *value)
#define RULE_CHECK(name) void name(struct check *c, const struct doc *value, const struct doc *old)
#define RULE_PRINT(name) void name(struct row *row, const struct doc *object)
#define RULE_CONVERT(name)                                                                         \
	const struct doc *name(struct arena *arena, const struct doc *object, bool to_stored)

RULE_FINISH(pod_finish);
RULE_FINISH(pod_spec_finish);
RULE_FINISH(container_finish);
RULE_FINISH(volume_finish);
RULE_FINISH(service_spec_finish);
RULE_FINISH(replication_controller_finish);
RULE_FINISH(deployment_strategy_finish);
RULE_FINISH(stateful_set_strategy_finish);
RULE_FINISH(daemon_set_strategy_finish);
RULE_FINISH(replica_set_finish);
RULE_FINISH(daemon_set_finish);
RULE_FINISH(stateful_set_finish);
RULE_FINISH(disruption_budget_finish);
RULE_FINISH(certificate_request_finish);
RULE_FINISH(webhook_configuration_finish);
RULE_FINISH(deployment_finish);
RULE_FINISH(secret_finish);
RULE_FINISH(namespace_finish);
RULE_FINISH(node_status_finish);
RULE_FINISH(persistent_volume_claim_finish);
RULE_FINISH(csi_driver_finish);
RULE_FINISH(endpoints_finish);
RULE_FINISH(horizontal_pod_autoscaler_finish);
RULE_FINISH(job_finish);
RULE_FINISH(limit_range_item_finish);
RULE_FINISH(network_policy_spec_finish);

RULE_CHECK(custom_resource_check);
RULE_CHECK(api_service_check);
RULE_CHECK(ingress_check);
RULE_CHECK(ingress_class_check);
RULE_CHECK(network_policy_port_check);
RULE_CHECK(network_policy_peer_check);
RULE_CHECK(network_policy_spec_check);
RULE_CHECK(role_check);
RULE_CHECK(cluster_role_check);
RULE_CHECK(role_binding_check);
RULE_CHECK(cluster_role_binding_check);
RULE_CHECK(webhook_configuration_check);
RULE_CHECK(certificate_request_check);
RULE_CHECK(resource_quota_check);
RULE_CHECK(limit_range_check);
RULE_CHECK(disruption_budget_check);
RULE_CHECK(priority_class_check);
RULE_CHECK(runtime_class_check);
RULE_CHECK(pod_check);
RULE_CHECK(pod_spec_check);
RULE_CHECK(pod_template_spec_check);
RULE_CHECK(container_check);
RULE_CHECK(ephemeral_container_check);
RULE_CHECK(container_port_check);
RULE_CHECK(env_var_check);
RULE_CHECK(env_from_check);
RULE_CHECK(resource_requirements_check);
RULE_CHECK(probe_check);
RULE_CHECK(lifecycle_handler_check);
RULE_CHECK(http_get_check);
RULE_CHECK(volume_check);
RULE_CHECK(key_to_path_check);
RULE_CHECK(volume_mount_check);
RULE_CHECK(volume_device_check);
RULE_CHECK(persistent_volume_spec_check);
RULE_CHECK(persistent_volume_check);
RULE_CHECK(persistent_volume_claim_spec_check);
RULE_CHECK(persistent_volume_claim_check);
RULE_CHECK(storage_class_check);
RULE_CHECK(volume_attachment_check);
RULE_CHECK(volume_attributes_class_check);
RULE_CHECK(local_object_reference_check);
RULE_CHECK(host_alias_check);
RULE_CHECK(toleration_check);
RULE_CHECK(node_selector_term_check);
RULE_CHECK(pod_affinity_term_check);
RULE_CHECK(topology_spread_check);
RULE_CHECK(pod_security_context_check);
RULE_CHECK(security_context_check);
RULE_CHECK(pod_dns_config_check);
RULE_CHECK(label_selector_check);
RULE_CHECK(service_check);
RULE_CHECK(service_spec_check);
RULE_CHECK(replication_controller_check);
RULE_CHECK(replica_set_check);
RULE_CHECK(deployment_check);
RULE_CHECK(config_map_check);
RULE_CHECK(secret_check);
RULE_CHECK(namespace_check);
RULE_CHECK(node_check);
RULE_CHECK(endpoints_check);
RULE_CHECK(endpoint_slice_check);
RULE_CHECK(event_check);
RULE_CHECK(binding_check);
RULE_CHECK(scale_check);
RULE_CHECK(stateful_set_check);
RULE_CHECK(daemon_set_check);
RULE_CHECK(cron_job_check);
RULE_CHECK(job_check);
RULE_CHECK(horizontal_pod_autoscaler_check);
RULE_CHECK(metric_spec_check);
RULE_CHECK(scaling_rules_check);

RULE_PRINT(admission_policy_row);
RULE_PRINT(admission_policy_binding_row);
RULE_PRINT(flow_schema_row);
RULE_PRINT(api_service_row);
RULE_PRINT(component_status_row);
RULE_PRINT(ip_address_row);
RULE_PRINT(pod_row);
RULE_PRINT(service_row);
RULE_PRINT(node_row);
RULE_PRINT(event_row);
RULE_PRINT(endpoints_row);
RULE_PRINT(endpoint_slice_row);
RULE_PRINT(persistent_volume_claim_row);
RULE_PRINT(persistent_volume_row);
RULE_PRINT(csi_driver_row);
RULE_PRINT(storage_class_row);
RULE_PRINT(horizontal_pod_autoscaler_row);
RULE_PRINT(role_binding_row);
RULE_PRINT(resource_quota_row);
RULE_PRINT(certificate_request_row);
RULE_PRINT(controller_revision_row);
RULE_PRINT(ingress_class_row);
RULE_PRINT(cron_job_row);
RULE_PRINT(ingress_row);
RULE_PRINT(job_row);
RULE_PRINT(node_metrics_row);
RULE_PRINT(pod_metrics_row);

RULE_CONVERT(ingress_beta_convert);
RULE_CONVERT(horizontal_pod_autoscaler_v2beta1_convert);
RULE_CONVERT(endpoint_slice_beta_convert);
RULE_CONVERT(custom_resource_beta_convert);
RULE_CONVERT(events_event_convert);
RULE_CONVERT(horizontal_pod_autoscaler_v1_convert);

/* An autoscaling/v2 HorizontalPodAutoscaler whose metrics name their target as v2beta1 did
 * (resource.targetAverageUtilization), as v2 has it; the object itself when none does. */
const struct doc *autoscaler_old_fields(struct arena *arena, const struct doc *object);

#endif
