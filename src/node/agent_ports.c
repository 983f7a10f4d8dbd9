/* Which ports of this node lead to which of its pods, told anew whenever a sandbox comes or goes.
 */
#include "network/host_ports.h"
#include "node/agent_inside.h"

enum { HOST_PORTS_MAX = 4096 };

void agent_tell_ports(struct agent *agent)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	VEC(struct host_port) list = { 0 };

	for (const struct pod *pod = agent->pods; pod; pod = pod->next) {
		if (pod->seen.sandbox != SEEN_READY || !pod->seen.ip.len ||
		    doc_at_bool(pod->doc, "spec.hostNetwork", false))
			continue;
		for (u32 i = 0; i < pod->seen.containers_len; i++) {
			doc_each_item(doc_key(pod_container(pod->doc, i), "ports"), port) {
				struct host_port entry = {
					.protocol = doc_at_str(port, "protocol"),
					.host_ip = doc_at_str(port, "hostIP"),
					.port = (u32)doc_at_int(port, "hostPort", 0),
					.pod_ip = pod->seen.ip,
					.pod_port = (u32)doc_at_int(port, "containerPort", 0),
				};

				if (entry.port && list.len < HOST_PORTS_MAX)
					VEC_PUSH(arena, &list, entry);
			}
		}
	}
	host_ports_set(agent->host_ports, list.at, list.len);
}
