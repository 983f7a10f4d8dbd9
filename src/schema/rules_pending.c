/* Rules whose bodies are on their way. */
#include "schema/rules.h"

RULE_FINISH(pod_finish) { (void)d; return value; }
RULE_FINISH(pod_spec_finish) { (void)d; return value; }
RULE_FINISH(container_finish) { (void)d; return value; }
RULE_FINISH(volume_finish) { (void)d; return value; }
RULE_FINISH(service_spec_finish) { (void)d; return value; }
RULE_FINISH(replication_controller_finish) { (void)d; return value; }
RULE_FINISH(deployment_strategy_finish) { (void)d; return value; }
RULE_FINISH(stateful_set_strategy_finish) { (void)d; return value; }
RULE_FINISH(daemon_set_strategy_finish) { (void)d; return value; }
RULE_FINISH(replica_set_finish) { (void)d; return value; }
RULE_FINISH(deployment_finish) { (void)d; return value; }
RULE_FINISH(secret_finish) { (void)d; return value; }
RULE_FINISH(namespace_finish) { (void)d; return value; }
RULE_FINISH(node_status_finish) { (void)d; return value; }
RULE_FINISH(persistent_volume_claim_finish) { (void)d; return value; }
RULE_FINISH(job_finish) { (void)d; return value; }
RULE_FINISH(cron_job_finish) { (void)d; return value; }
RULE_FINISH(resource_requirements_finish) { (void)d; return value; }
RULE_FINISH(limit_range_item_finish) { (void)d; return value; }
RULE_FINISH(horizontal_pod_autoscaler_finish) { (void)d; return value; }
RULE_FINISH(network_policy_spec_finish) { (void)d; return value; }
RULE_FINISH(endpoints_finish) { (void)d; return value; }
RULE_CHECK(pod_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(pod_spec_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(pod_template_spec_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(container_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(ephemeral_container_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(container_port_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(env_var_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(env_from_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(resource_requirements_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(probe_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(lifecycle_handler_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(http_get_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(volume_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(key_to_path_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(volume_mount_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(volume_device_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(local_object_reference_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(host_alias_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(toleration_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(taint_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(node_selector_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(node_selector_term_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(preferred_scheduling_term_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(pod_affinity_term_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(weighted_pod_affinity_term_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(topology_spread_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(pod_security_context_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(security_context_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(pod_dns_config_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(label_selector_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(service_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(service_spec_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(replication_controller_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(replica_set_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(deployment_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(config_map_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(secret_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(namespace_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(node_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(endpoints_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(endpoint_slice_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(lease_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(event_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(service_account_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(binding_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(eviction_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(scale_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(stateful_set_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(daemon_set_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(job_check) { (void)c; (void)value; (void)old; }
RULE_CHECK(cron_job_check) { (void)c; (void)value; (void)old; }
RULE_PRINT(pod_row) { (void)row; (void)object; }
RULE_PRINT(service_row) { (void)row; (void)object; }
RULE_PRINT(node_row) { (void)row; (void)object; }
RULE_PRINT(event_row) { (void)row; (void)object; }
RULE_PRINT(endpoints_row) { (void)row; (void)object; }
RULE_PRINT(endpoint_slice_row) { (void)row; (void)object; }
RULE_PRINT(replication_controller_row) { (void)row; (void)object; }
RULE_PRINT(replica_set_row) { (void)row; (void)object; }
RULE_PRINT(deployment_row) { (void)row; (void)object; }
RULE_PRINT(secret_row) { (void)row; (void)object; }
RULE_PRINT(service_account_row) { (void)row; (void)object; }
RULE_PRINT(namespace_row) { (void)row; (void)object; }
RULE_PRINT(job_row) { (void)row; (void)object; }
RULE_PRINT(cron_job_row) { (void)row; (void)object; }
RULE_PRINT(daemon_set_row) { (void)row; (void)object; }
RULE_PRINT(stateful_set_row) { (void)row; (void)object; }
RULE_PRINT(ingress_row) { (void)row; (void)object; }
RULE_PRINT(persistent_volume_claim_row) { (void)row; (void)object; }
RULE_PRINT(persistent_volume_row) { (void)row; (void)object; }
RULE_PRINT(horizontal_pod_autoscaler_row) { (void)row; (void)object; }
RULE_CONVERT(events_event_convert) { (void)arena; (void)to_stored; return object; }
