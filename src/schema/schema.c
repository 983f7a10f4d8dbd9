/* Kinds by id, by resource and by name, over hash maps made once at start-up. */
#include "schema/schema.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"

struct schema {
	struct arena *arena;
	struct map resources, kinds; /* "group/version/plural", "group/version/kind" → api_kind */
};

static void schema_add(struct schema *schema, const struct api_kind *kind)
{
	struct str key;
	if (kind->plural.len) {
		key = str_format(schema->arena, STR_FMT "/" STR_FMT "/" STR_FMT,
				 STR_ARG(kind->group), STR_ARG(kind->version),
				 STR_ARG(kind->plural));
		map_put(&schema->resources, key, (void *)(uintptr_t)kind);
	}
	key = str_format(schema->arena, STR_FMT "/" STR_FMT, STR_ARG(kind->api_version),
			 STR_ARG(kind->kind));
	map_put(&schema->kinds, key, (void *)(uintptr_t)kind);
}

struct schema *schema_new(void)
{
	struct schema *schema = calloc(1, sizeof *schema);
	if (!schema)
		abort();
	schema->arena = arena_new(0);
	for (u32 i = 1; i < api_kinds_len; i++)
		schema_add(schema, &api_kinds[i]);
	for (u32 i = 0; i < api_views_len; i++)
		schema_add(schema, &api_views[i]);
	return schema;
}

void schema_free(struct schema *schema)
{
	if (!schema)
		return;
	map_release(&schema->resources);
	map_release(&schema->kinds);
	arena_free(schema->arena);
	free(schema);
}

const struct api_kind *schema_kind(const struct schema *schema, kind_id id)
{
	(void)schema;
	CHECK(id > 0 && id < api_kinds_len);
	return &api_kinds[id];
}

/* Joins two or three words in a small buffer; a longer name cannot be one of ours. */
static const struct api_kind *find(const struct map *map, struct str a, struct str b, struct str c)
{
	char key[512];
	if (a.len + b.len + c.len + 2 > sizeof key)
		return NULL;
	size_t len = 0;
	const struct str words[] = { a, b, c };
	for (u32 i = 0; i < 3; i++) {
		if (!words[i].at)
			continue;
		if (i > 0)
			key[len++] = '/';
		memcpy(key + len, words[i].at, words[i].len);
		len += words[i].len;
	}
	return map_get(map, (struct str){ key, len });
}

const struct api_kind *schema_find_resource(const struct schema *schema, struct str group,
					    struct str version, struct str plural)
{
	group.at = group.at ? group.at : "";
	version.at = version.at ? version.at : "";
	return find(&schema->resources, group, version,
		    (struct str){ plural.at ? plural.at : "", plural.len });
}

const struct api_kind *schema_find_kind(const struct schema *schema, struct str api_version,
					struct str kind)
{
	return find(&schema->kinds,
		    (struct str){ api_version.at ? api_version.at : "", api_version.len },
		    (struct str){ kind.at ? kind.at : "", kind.len }, STR_NONE);
}

const struct api_kind *schema_at(const struct schema *schema, u32 index)
{
	(void)schema;
	if (index + 1 < api_kinds_len)
		return &api_kinds[index + 1];
	index -= api_kinds_len - 1u;
	return index < api_views_len ? &api_views[index] : NULL;
}
