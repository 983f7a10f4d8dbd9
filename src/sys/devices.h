/* The device files of this machine: what a privileged container is given. */
#ifndef SYS_DEVICES_H
#define SYS_DEVICES_H

#include "base/arena.h"
#include "base/str.h"

struct device {
	struct str path; /* "/dev/net/tun" */
	bool block;
	u32 major, minor, mode, uid, gid;
};

/* All below /dev but terminals and what every container has anyway; at most 1024. */
u32 devices_list(struct arena *arena, const struct device **ret_devices);

#endif
