/*
 * The files of one directory of the unified (v2) control group tree. Used by cgroup.c alone.
 * https://docs.kernel.org/admin-guide/cgroup-v2.html
 */
#ifndef SYS_CGROUP_UNIFIED_H
#define SYS_CGROUP_UNIFIED_H

#include "sys/cgroup.h"

/* Lets the children of `path` have the cpu, memory and pids controllers, as far as `path` has them
 * itself. `top`: the mount point; processes in the way there (a container's own init) are moved to
 * a leaf of theirs, since a group with controllers for its children may hold none. */
MUST_USE enum status cgroup_hand_down(const char *path, bool top, struct error *error);

/* Writes limits. A limit whose controller this machine does not give is refused, but for pids. */
MUST_USE enum status cgroup_limit_unified(const char *path, const struct cgroup_limits *limits,
					  struct error *error);

/* v2 has no devices controller: a small program in the kernel is asked at each open and mknod. It
 * lets in what every container may have, as set_devices() in cgroup.c does for v1. */
MUST_USE enum status cgroup_guard_devices(const char *path, struct error *error);

/* Shared with cgroup.c: one small file at a time. */
bool cgroup_read(const char *path, char *text, size_t room);
bool cgroup_write(const char *directory, const char *name, const char *text);
bool cgroup_write_number(const char *directory, const char *name, i64 value);

#endif
