/* minke server: reads the options, starts the cluster, serves until told to stop. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "node/purge.h"
#include "run/cluster.h"
#include "run/cluster_node.h"
#include "run/commands.h"
#include "sys/file.h"

/* The data directory's lock shuts a running server out, and a second purge. */
static enum status purge(const struct server_options *options, struct error *error)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	char *data = realpath(str_c(arena, options->data), NULL);
	int lock CLOSE_FD = -1;
	struct str holder;

	if (!data)
		return ST_OK; /* nothing there, so nothing runs from there */
	struct str path = str_copy(arena, str_of(data));
	const char *lock_path = str_c(arena, str_format(arena, STR_FMT "/lock", STR_ARG(path)));

	free(data);
	enum status status = file_lock(lock_path, &lock, error);

	if (status == ST_CONFLICT) {
		error_clear(error);
		if (file_read(arena, lock_path, 64, &holder, NULL) != ST_OK)
			holder = STR("?");
		return fail(error, ST_CONFLICT,
			    "a server runs on " STR_FMT " (process " STR_FMT "): stop it first",
			    STR_ARG(path), STR_ARG(str_trim(holder)));
	}
	return status == ST_OK ? node_purge(path, options->cgroup_parent, error) : status;
}

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
		if (purge(&options, &error) == ST_OK)
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
