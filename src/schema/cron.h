/*
 * Schedules as in crontab(5) and robfig/cron's standard parser, which Kubernetes uses: five fields
 * with lists, ranges, steps and names, or @hourly and its kin, or @every 90m. Pure.
 */
#ifndef SCHEMA_CRON_H
#define SCHEMA_CRON_H

#include "base/error.h"
#include "base/str.h"
#include "base/time_zone.h"

struct cron {
	u64 minutes; /* bit n: minute n; the others alike */
	u32 hours, days, months, weekdays;
	bool any_day, any_weekday; /* the field begins with * or ? */
	i64 every_s;		   /* @every; 0: none */
};

/* ST_INVALID with robfig's sentence. */
MUST_USE enum status cron_parse(struct arena *arena, struct str text, struct cron *ret_cron,
				struct error *error);

/* The first run after `after_s` (Unix seconds) by the clocks of `zone` (NULL: UTC); INT64_MAX when
 * there is none within five years. Minutes the clocks skip do not happen; those they repeat happen
 * twice. */
i64 cron_next(const struct cron *cron, const struct time_zone *zone, i64 after_s);

/* The newest run in (after_s, until_s], or INT64_MIN. */
i64 cron_newest(const struct cron *cron, const struct time_zone *zone, i64 after_s, i64 until_s);

#endif
