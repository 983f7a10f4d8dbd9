/* Time as a small interface: the kernel's clock in production (sys), a counter in the simulator. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/types.h"

struct clock {
	i64 (*wall_ns)(void *self); /* since 1970, UTC; may jump */
	i64 (*mono_ns)(void *self); /* never goes back */
	void *self;
};

static inline i64 clock_wall_ns(const struct clock *clock)
{
	return clock->wall_ns(clock->self);
}

static inline i64 clock_mono_ns(const struct clock *clock)
{
	return clock->mono_ns(clock->self);
}

#define NEVER_NS INT64_MAX /* "no wake-up wanted" */

#endif
