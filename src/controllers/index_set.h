/*
 * Sets of completion indexes as Jobs write them: "0,2-5,9". Kept as ranges, because a Job may have
 * a million indexes and nearly all of them in a row.
 */
#ifndef CONTROLLERS_INDEX_SET_H
#define CONTROLLERS_INDEX_SET_H

#include "base/arena.h"
#include "base/str.h"

struct index_range {
	i64 first, last;
};

struct index_set {
	VEC(struct index_range) ranges; /* in order, with at least one index between two */
};

/* What is no index or not below `limit` is left out. */
struct index_set index_set_parse(struct arena *arena, struct str text, i64 limit);
struct str index_set_print(struct arena *arena, const struct index_set *set);

bool index_set_has(const struct index_set *set, i64 index);
void index_set_add(struct arena *arena, struct index_set *set, i64 index);
i64 index_set_total(const struct index_set *set);
/* How many indexes are in both. */
i64 index_set_common(const struct index_set *a, const struct index_set *b);

#endif
