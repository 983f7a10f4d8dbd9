/* Taking away all that runs on this node for one data directory: containers outlive the server on
 * purpose, so somebody must be able to end them without it. */
#ifndef NODE_PURGE_H
#define NODE_PURGE_H

#include "base/error.h"
#include "base/str.h"

/* Ends the containers of `data` (an absolute path) and removes their cgroups, mounts, namespaces,
 * links and files, and the bridge when it is ours. Images, logs and the cluster's objects stay.
 * Nobody may be using the directory: the caller holds its lock. What is gone already is fine, so it
 * can be run again after being cut short. Blocking. */
MUST_USE enum status node_purge(struct str data, struct str cgroup_parent, struct error *error);

#endif
