/* The kernel's clocks behind base/clock.h. */
#ifndef SYS_CLOCK_H
#define SYS_CLOCK_H

#include "base/clock.h"

/* CLOCK_REALTIME and CLOCK_MONOTONIC; lives for ever. */
const struct clock *clock_real(void);

#endif
