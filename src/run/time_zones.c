/* /usr/share/zoneinfo behind the interface controllers know. Each zone is read once. */
#include "run/time_zones.h"

#include <stdio.h>

#include "base/map.h"
#include "sys/file.h"

enum { ZONE_BYTES_MAX = 256 << 10, ZONES_MAX = 1000 };

struct known {
	struct time_zones zones;
	struct arena *arena;
	struct map map;
};

static const struct time_zone *find(void *self, struct str name)
{
	struct known *known = self;
	struct error error = ERROR_INIT;
	struct str bytes;
	char path[128];
	const struct time_zone *zone = map_get(&known->map, name);
	if (zone || known->map.len >= ZONES_MAX || !time_zone_name_valid(name))
		return zone;
	snprintf(path, sizeof path, "/usr/share/zoneinfo/" STR_FMT, STR_ARG(name));
	if (file_read(known->arena, path, ZONE_BYTES_MAX, &bytes, &error) != ST_OK)
		return NULL;
	zone = time_zone_parse(known->arena, bytes);
	if (zone)
		map_put(&known->map, str_copy(known->arena, name), (void *)zone);
	return zone;
}

static void forget(void *self)
{
	map_release(&((struct known *)self)->map);
}

const struct time_zones *time_zones_new(struct arena *arena)
{
	struct known *known = ARENA_NEW(arena, struct known);
	known->zones = (struct time_zones){ find, known };
	known->arena = arena;
	arena_defer(arena, forget, known);
	return &known->zones;
}
