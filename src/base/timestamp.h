/*
 * Times as Kubernetes writes them (RFC 3339): "2026-01-02T15:04:05Z" for Time, with six digits of
 * fraction for MicroTime. Always UTC when written; any offset when read.
 */
#ifndef BASE_TIMESTAMP_H
#define BASE_TIMESTAMP_H

#include "base/str.h"

/* Strict RFC 3339, up to nine digits of fraction. False: not a time; *ret_ns untouched. */
MUST_USE bool timestamp_parse(struct str text, i64 *ret_ns);

/* The same, with `otherwise` for what is absent or no time. */
i64 timestamp_or(struct str text, i64 otherwise);

struct str timestamp_print(struct arena *arena, i64 wall_ns);	    /* whole seconds, cut off */
struct str timestamp_print_micro(struct arena *arena, i64 wall_ns); /* microseconds, cut off */

#endif
