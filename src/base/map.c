/* Open addressing with linear probing and backward-shift deletion: no tombstones to age. */
#include "base/map.h"

#include <stdlib.h>

#include "base/check.h"

enum { CAP_FIRST = 16 };

void map_release(struct map *map)
{
	free(map->slots);
	*map = (struct map){ 0 };
}

static u32 find(const struct map *map, struct str key, u64 hash)
{
	u32 at = (u32)hash & (map->cap - 1);

	while (map->slots[at].key.at) {
		if (map->slots[at].hash == hash && str_eq(map->slots[at].key, key))
			break;
		at = (at + 1) & (map->cap - 1);
	}
	return at;
}

static void grow(struct map *map)
{
	struct map_entry *old = map->slots;
	u32 old_cap = map->cap;

	map->cap = old_cap ? old_cap * 2 : CAP_FIRST;
	map->slots = calloc(map->cap, sizeof *map->slots);
	CHECK(map->slots);
	for (u32 i = 0; i < old_cap; i++)
		if (old[i].key.at)
			map->slots[find(map, old[i].key, old[i].hash)] = old[i];
	free(old);
}

void *map_get(const struct map *map, struct str key)
{
	if (!map->len)
		return NULL;
	return map->slots[find(map, key, str_hash(key))].value;
}

void *map_put(struct map *map, struct str key, void *value)
{
	CHECK(value);
	if (!key.at)
		key.at = "";
	if (map->len + 1 > map->cap / 4 * 3)
		grow(map);
	u64 hash = str_hash(key);
	struct map_entry *slot = &map->slots[find(map, key, hash)];
	void *before = slot->value;

	if (!slot->key.at)
		map->len++;
	*slot = (struct map_entry){ key, hash, value };
	return before;
}

void *map_remove(struct map *map, struct str key)
{
	if (!map->len)
		return NULL;
	u32 hole = find(map, key, str_hash(key));
	void *before = map->slots[hole].value;

	if (!map->slots[hole].key.at)
		return NULL;
	map->len--;
	for (u32 at = hole;;) {
		at = (at + 1) & (map->cap - 1);
		if (!map->slots[at].key.at)
			break;
		u32 home = (u32)map->slots[at].hash & (map->cap - 1);

		/* An entry moves into the hole unless its home lies after the hole. */
		if (((at - home) & (map->cap - 1)) >= ((at - hole) & (map->cap - 1))) {
			map->slots[hole] = map->slots[at];
			hole = at;
		}
	}
	map->slots[hole] = (struct map_entry){ 0 };
	return before;
}

struct map_entry *map_next(const struct map *map, const struct map_entry *after)
{
	for (u32 i = after ? (u32)(after - map->slots) + 1 : 0; i < map->cap; i++)
		if (map->slots[i].key.at)
			return &map->slots[i];
	return NULL;
}
