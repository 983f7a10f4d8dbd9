/* The real runtime: conmon watches each container, crun makes it. Containers outlive this process.
 */
#ifndef NODE_RUNTIME_CRUN_H
#define NODE_RUNTIME_CRUN_H

#include "node/runtime.h"

struct loop;

/* `directory` holds everything (absolute path, made when missing); `cgroup_parent` ("/minke/1a2b")
 * is the directory of all our control groups. ST_UNAVAILABLE when conmon or crun is missing. */
MUST_USE enum status runtime_crun_new(struct loop *loop, struct str directory,
				      const char *cgroup_parent, struct runtime **ret_runtime,
				      struct error *error);

#endif
