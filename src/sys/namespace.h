/*
 * Namespaces kept alive by bind mounts, and doing things inside one. For any thread: each call
 * leaves the thread where it was, or ends the process when that proves impossible.
 */
#ifndef SYS_NAMESPACE_H
#define SYS_NAMESPACE_H

#include "base/error.h"

/* Makes new namespaces and binds them to the given files (made when missing); NULL: not that one.
 * The host name goes into the uts namespace. Runs inside(arg) there when it is not NULL. */
struct namespace_paths {
	const char *net, *ipc, *uts;
};
MUST_USE enum status namespace_make(const struct namespace_paths *paths, const char *hostname,
				    struct error *error);

/* Runs call(arg) inside the network namespace at `path` (NULL or "": where we are). */
MUST_USE enum status namespace_in_network(const char *path,
					  enum status (*call)(void *arg, struct error *error),
					  void *arg, struct error *error);

#endif
