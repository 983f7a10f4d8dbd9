/*
 * Helpers first, so that nothing new starts or writes; then the containers, by their cgroups, which
 * holds for every process they ever forked; then what they stood on.
 */
#include "node/purge.h"

#include "network/node_range.h"
#include "network/pod_network.h"
#include "node/agent.h"
#include "sys/cgroup.h"
#include "sys/file.h"
#include "sys/mounts.h"
#include "sys/strays.h"

enum status node_purge(struct str data, struct str cgroup_parent, struct error *error)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	const char *node = str_c(arena, str_format(arena, STR_FMT "/node", STR_ARG(data)));
	const char *network = str_c(arena, str_format(arena, "%s/network", node));
	struct str group = agent_cgroup(arena, cgroup_parent, data);
	static const char *const programs[] = { "conmon", "crun", NULL };
	const char *state = str_c(arena, str_format(arena, "--root=%s/crun", node));
	struct strays strays = { .programs = programs, .prefix = state };
	struct cgroups cgroups;
	enum status status;

	strays_end(&strays);
	if ((status = cgroups_open(&cgroups, str_c(arena, group), error)) ||
	    (status = cgroup_remove_all(&cgroups, error)) ||
	    (status = pod_network_purge(network, error)) ||
	    (status = node_range_release(data, error)))
		return status;
	mount_drop_below(node);
	return file_remove_tree(node, error);
}
