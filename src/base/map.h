/* A hash map from string slices to pointers. Keys are not copied: their owner outlives the entry.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/str.h"

struct map_entry {
	struct str key; /* at == NULL: empty slot */
	u64 hash;
	void *value;
};

struct map {
	struct map_entry *slots;
	u32 len, cap; /* cap is a power of two */
};

void map_release(struct map *map); /* frees the table, not the values */
void *map_get(const struct map *map, struct str key);
/* Sets key to value (not NULL); returns the value that was there before, or NULL. */
void *map_put(struct map *map, struct str key, void *value);
void *map_remove(struct map *map, struct str key); /* returns what was there, or NULL */

/* Walks in no useful order: for (struct map_entry *e = NULL; (e = map_next(map, e));). The map must
 * not change while walking. */
struct map_entry *map_next(const struct map *map, const struct map_entry *after);

#endif
