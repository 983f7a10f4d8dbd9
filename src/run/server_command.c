/* minke server: reads the options, starts the cluster, serves until told to stop. */
#include <stdio.h>

#include "base/log.h"
#include "run/cluster.h"
#include "run/commands.h"
#include "run/purge_data.h"

int server_command(int argc, char **argv)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct server_options options;
	struct error error = ERROR_INIT;
	struct cluster *cluster;

	if (server_options_read(arena, argc, argv, &options, &error) != ST_OK) {
		fprintf(stderr, "minke server: %s\n", error.message);
		return 2;
	}
	if (options.help) {
		server_options_help();
		return 0;
	}
	if (options.purge_node) {
		if (purge_data(&options, &error) == ST_OK)
			return 0;
		fprintf(stderr, "minke server: %s\n", error.message);
		return 1;
	}
	log_level_set(options.verbose ? LOG_DEBUG : LOG_INFO);
	if (cluster_start(&options, &cluster, &error) != ST_OK) {
		fprintf(stderr, "minke server: %s\n", error.message);
		return 1;
	}
	cluster_run(cluster);
	cluster_free(cluster);
	return 0;
}
