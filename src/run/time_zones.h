/* The machine's tz database, read when a CronJob first names a zone. */
#ifndef RUN_TIME_ZONES_H
#define RUN_TIME_ZONES_H

#include "base/time_zone.h"

/* Zones as `find` has read them live in the arena. */
const struct time_zones *time_zones_new(struct arena *arena);

#endif
