/* What this whole machine uses, from /proc. */
#ifndef SYS_MACHINE_H
#define SYS_MACHINE_H

#include "base/error.h"
#include "base/types.h"

struct machine_usage {
	u64 cpu_ns;	  /* by all cores, since the machine started */
	u64 memory_bytes; /* all but what is free and file pages that can be dropped at once */
	i64 started_wall_ns;
};

MUST_USE enum status machine_usage(struct machine_usage *ret_usage, struct error *error);

#endif
