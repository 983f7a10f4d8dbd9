/* Kinds by id, by resource and by name, over hash maps made once at start-up. */
#include "schema/schema.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "schema/custom.h"

enum { CUSTOM_KINDS_MAX = 1024 };

/* A CustomResourceDefinition by its name: what it serves now, and its last state. */
struct slot {
	struct str name;
	struct custom *custom;
	bool served;
};

struct schema {
	struct arena *arena;
	struct slot slots[CUSTOM_KINDS_MAX];
	u32 slots_len;
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
	CHECK(id > 0);
	if (id < api_kinds_len) /* what is built in needs no schema */
		return &api_kinds[id];
	CHECK(id < schema_kinds_end(schema));
	return schema->slots[id - api_kinds_len].custom->stored;
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
	if (index + 1 < api_kinds_len)
		return &api_kinds[index + 1];
	index -= api_kinds_len - 1u;
	if (index < api_views_len)
		return &api_views[index];
	index -= api_views_len;
	for (u32 i = 0; schema && i < schema->slots_len; i++) {
		const struct slot *slot = &schema->slots[i];

		if (!slot->served)
			continue;
		if (index < slot->custom->served_len)
			return slot->custom->served[index];
		index -= slot->custom->served_len;
	}
	return NULL;
}

/* ---- custom resources */

kind_id schema_kinds_end(const struct schema *schema)
{
	return (kind_id)(api_kinds_len + schema->slots_len);
}

static struct slot *slot_find(struct schema *schema, struct str name)
{
	for (u32 i = 0; i < schema->slots_len; i++)
		if (str_eq(schema->slots[i].name, name))
			return &schema->slots[i];
	return NULL;
}

static void schema_drop(struct schema *schema, const struct api_kind *kind)
{
	map_remove(&schema->resources,
		   str_format(schema->arena, STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(kind->group),
			      STR_ARG(kind->version), STR_ARG(kind->plural)));
	map_remove(&schema->kinds, str_format(schema->arena, STR_FMT "/" STR_FMT,
					      STR_ARG(kind->api_version), STR_ARG(kind->kind)));
}

static void slot_stop(struct schema *schema, struct slot *slot)
{
	for (u32 i = 0; slot->served && i < slot->custom->served_len; i++)
		schema_drop(schema, slot->custom->served[i]);
	slot->served = false;
}

kind_id schema_register(struct schema *schema, const struct doc *definition)
{
	struct str name = doc_at_str(definition, "metadata.name");
	struct slot *slot = slot_find(schema, name);

	if (!slot && schema->slots_len == CUSTOM_KINDS_MAX)
		return KIND_NONE;
	if (!slot) {
		slot = &schema->slots[schema->slots_len++];
		slot->name = str_copy(schema->arena, name);
	}
	slot_stop(schema, slot);
	kind_id id = (kind_id)(api_kinds_len + (slot - schema->slots));

	slot->custom = custom_new(schema->arena, id, definition);
	slot->served = true;
	for (u32 i = 0; i < slot->custom->served_len; i++)
		schema_add(schema, slot->custom->served[i]);
	return id;
}

void schema_unregister(struct schema *schema, struct str name)
{
	struct slot *slot = slot_find(schema, name);

	if (slot)
		slot_stop(schema, slot);
}
