/* Who holds the lock is told apart from what is merely left over. */
#include "run/purge_data.h"

#include <stdlib.h>

#include "node/purge.h"
#include "sys/file.h"

/* The data directory's lock shuts a running server out, and a second purge. */
enum status purge_data(const struct server_options *options, struct error *error)
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
