/* What this machine and its containers use, looked up at the moment somebody asks. */
#include "node/agent_inside.h"
#include "server/usage.h"
#include "store/version.h"
#include "sys/machine.h"

static i32 look_at_pod(void *self, const struct version *version, struct usage_look *looks, u32 max)
{
	struct agent *agent = self;
	struct pod *pod = map_get(&agent->by_uid, version->uid);
	u32 len = 0;

	if (!pod)
		return -1;
	for (u32 i = 0; i < pod->seen.containers_len && len < max; i++) {
		const struct container_seen *seen = &pod->seen.containers[i];
		struct container_stats stats;

		if (seen->phase != CONTAINER_RUNNING ||
		    agent->runtime->stats(agent->runtime->self, seen->id, &stats, NULL) != ST_OK)
			continue;
		looks[len++] = (struct usage_look){
			.name = seen->name,
			.started_wall_ns = seen->started_ns,
			.cpu_ns = stats.cpu_ns,
			.cpu_nano = -1,
			.memory_bytes = stats.memory_bytes,
		};
	}
	return (i32)len;
}

static bool look_at_node(void *self, const struct version *node, struct usage_look *ret_look)
{
	struct agent *agent = self;
	struct machine_usage usage;

	if (!str_eq(node->name, agent->config.node_name) || machine_usage(&usage, NULL) != ST_OK)
		return false;
	*ret_look = (struct usage_look){
		.started_wall_ns = usage.started_wall_ns,
		.cpu_ns = usage.cpu_ns,
		.cpu_nano = -1,
		.memory_bytes = usage.memory_bytes,
	};
	return true;
}

const struct usage_source *agent_usage(struct agent *agent)
{
	agent->usage = (struct usage_source){ look_at_pod, look_at_node, agent };
	return &agent->usage;
}
