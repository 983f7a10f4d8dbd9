/*
 * Time zones by the tables of the tz database (TZif, RFC 9636): what a clock on the wall showed or
 * will show. Pure: the bytes of a zone's file come from whoever may read files.
 */
#ifndef BASE_TIME_ZONE_H
#define BASE_TIME_ZONE_H

#include "base/str.h"

struct time_zone;

/* The zone that a TZif file describes, or NULL when these are not such bytes. Lives in the arena;
 * the bytes are not needed any longer. */
const struct time_zone *time_zone_parse(struct arena *arena, struct str bytes);

/* Seconds east of UTC at that moment (Unix seconds). NULL is UTC. */
i64 time_zone_offset(const struct time_zone *zone, i64 at_s);

/* A Unix time taken apart; weekday 0 is Sunday, month and day count from 1. */
struct calendar {
	i64 year;
	i32 month, day, hour, minute, second, weekday;
};
struct calendar calendar_of(i64 local_s);

/* Where zones come from; find gives NULL for a name it does not know. */
struct time_zones {
	const struct time_zone *(*find)(void *self, struct str name);
	void *self;
};

/* Is it a name as the database has them, that may be joined to its folder? */
bool time_zone_name_valid(struct str name);

#endif
