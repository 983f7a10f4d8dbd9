/*
 * From the schema's kinds to what the store needs of them. A kind's name in the log is its
 * resource and group, "deployments.apps", whatever its number or the versions it is served in.
 */
#include "store/kinds.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "schema/schema.h"

/* Names live for ever: logs outlive stores, and there are few. */
static struct map names;

struct str kind_name_keep(struct str name)
{
	char *kept = map_get(&names, name);

	if (!kept) {
		kept = malloc(name.len + 1);
		CHECK(kept && name.len);
		memcpy(kept, name.at, name.len);
		kept[name.len] = 0;
		map_put(&names, (struct str){ kept, name.len }, kept);
	}
	return (struct str){ kept, name.len };
}

struct store_kind kind_of(struct arena *arena, const struct api_kind *kind)
{
	struct store_kind out = { .lazy = kind->lazy };

	if (!kind->plural.len)
		return out;
	out.name = kind->group.len ? str_format(arena, STR_FMT "." STR_FMT, STR_ARG(kind->plural),
						STR_ARG(kind->group)) :
				     kind->plural;
	out.pods = str_is(out.name, "pods");
	return out;
}

struct store *store_new(struct schema *schema, struct log *log, const struct clock *clock)
{
	CLEANUP(arena_free_cleanup) struct arena *arena = arena_new(0);
	struct store_kind kinds[KIND_COUNT] = { 0 };

	for (kind_id id = KIND_NONE + 1; id < KIND_COUNT; id++)
		kinds[id] = kind_of(arena, schema_kind(schema, id));
	return store_new_kinds(kinds, KIND_COUNT, log, clock);
}
