/*
 * Clients that watch: one for each kind, sometimes slow, sometimes cut off and resuming. What they
 * have seen is a copy of what the server has promised; after a crash nothing of it may be missing.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "sim/world.h"
#include "store/watch.h"

static const kind_id kinds[] = {
	KIND_Pod,	    KIND_ReplicaSet, KIND_Deployment,	  KIND_Service,
	KIND_Endpoints,	    KIND_Namespace,  KIND_Node,		  KIND_ReplicationController,
	KIND_EndpointSlice, KIND_ConfigMap,  KIND_ServiceAccount,
};

enum { KINDS = ARRAY_LEN(kinds) };

struct seen_object {
	u64 revision;
	bool listed;
	size_t len;
	char text[];
};

struct seen {
	struct map objects[KINDS];
	struct watch *watches[KINDS];
	u64 last[KINDS]; /* the newest revision this client knows, over all crashes */
};

static struct str key_of(const struct version *version, char *buffer, size_t size)
{
	size_t len = 0;
	CHECK(version->namespace.len + version->name.len + 1 < size);
	if (version->namespace.len)
		memcpy(buffer, version->namespace.at, version->namespace.len);
	len = version->namespace.len;
	buffer[len++] = '/';
	memcpy(buffer + len, version->name.at, version->name.len);
	return (struct str){ buffer, len + version->name.len };
}

static void remember(struct map *objects, const struct version *version)
{
	char buffer[600];
	struct str key = key_of(version, buffer, sizeof buffer);
	struct seen_object *object = map_get(objects, key);
	if (!object) {
		object = calloc(1, sizeof *object + key.len);
		CHECK(object);
		memcpy(object->text, key.at, key.len);
		object->len = key.len;
		map_put(objects, (struct str){ object->text, key.len }, object);
	}
	object->revision = version->revision;
	object->listed = true;
}

static void forget(struct map *objects, struct seen_object *object)
{
	map_remove(objects, (struct str){ object->text, object->len });
	free(object);
}

/* ---- listing anew, after a crash or when the server no longer knows */

static void check_nothing_lost(struct world *world, u32 i, const struct version *version)
{
	char buffer[600];
	struct seen_object *object =
		map_get(&world->seen->objects[i], key_of(version, buffer, sizeof buffer));
	if (object && version->revision < object->revision)
		world_broken(world, "lost write: " STR_FMT " is at %llu, %llu was promised",
			     STR_ARG(version->name), (unsigned long long)version->revision,
			     (unsigned long long)object->revision);
	if (!object && !world->untold)
		world_broken(world, "after a crash " STR_FMT " is back, or never was",
			     STR_ARG(version->name));
	if (object && version->revision > object->revision && !world->untold)
		world_broken(world, "after a crash " STR_FMT " has a write nobody was promised",
			     STR_ARG(version->name));
}

static void drop_unlisted(struct world *world, u32 i, bool crashed)
{
	struct map *objects = &world->seen->objects[i];
	for (bool again = true; again;) {
		again = false;
		for (struct map_entry *e = NULL; (e = map_next(objects, e));) {
			struct seen_object *object = e->value;
			if (object->listed)
				continue;
			if (crashed && !world->untold)
				world_broken(world, "lost object: %.*s", (int)object->len,
					     object->text);
			forget(objects, object);
			again = true;
			break;
		}
	}
}

static void list_anew(struct world *world, u32 i, bool crashed)
{
	struct map *objects = &world->seen->objects[i];
	struct store_iter iter;
	for (struct map_entry *e = NULL; (e = map_next(objects, e));)
		((struct seen_object *)e->value)->listed = false;
	store_iter_start(&iter, world->store, kinds[i], STR_NONE, STR_NONE, STR_NONE);
	for (struct version *version; (version = store_iter_next(&iter));) {
		if (crashed)
			check_nothing_lost(world, i, version);
		remember(objects, version);
	}
	drop_unlisted(world, i, crashed);
	if (store_revision(world->store) < world->seen->last[i])
		world_broken(world, "the revision went back");
	world->seen->last[i] = store_revision(world->store);
}

static void open_one(struct world *world, u32 i, bool crashed)
{
	struct seen *seen = world->seen;
	struct error error = ERROR_INIT;
	if (watch_open(world->store, kinds[i], STR_NONE, seen->last[i], &seen->watches[i],
		       &error) == ST_OK)
		return;
	error_clear(&error);
	list_anew(world, i, crashed);
	if (watch_open(world->store, kinds[i], STR_NONE, seen->last[i], &seen->watches[i],
		       &error) != ST_OK)
		world_broken(world, "a fresh watch is refused: %s", error.message);
}

void watchers_open(struct world *world)
{
	bool crashed = world->seen != NULL;
	if (!crashed)
		world->seen = calloc(1, sizeof *world->seen);
	CHECK(world->seen);
	for (u32 i = 0; i < KINDS; i++) {
		if (crashed) /* a client that cannot know what it missed */
			list_anew(world, i, true);
		open_one(world, i, crashed);
	}
}

void watchers_close(struct world *world)
{
	for (u32 i = 0; i < KINDS; i++) {
		watch_close(world->seen->watches[i]);
		world->seen->watches[i] = NULL;
	}
}

void watchers_free(struct world *world)
{
	for (u32 i = 0; i < KINDS; i++) {
		for (struct map_entry *e = NULL; (e = map_next(&world->seen->objects[i], e));)
			free(e->value);
		map_release(&world->seen->objects[i]);
	}
	free(world->seen);
}

/* ---- events */

static void see(struct world *world, u32 i, const struct store_event *event)
{
	struct seen *seen = world->seen;
	struct version *version = event->version;
	char buffer[600];
	struct str key = key_of(version, buffer, sizeof buffer);
	struct seen_object *object = map_get(&seen->objects[i], key);
	if (version->revision <= seen->last[i])
		world_broken(world, "event %llu of " STR_FMT " after %llu",
			     (unsigned long long)version->revision, STR_ARG(key),
			     (unsigned long long)seen->last[i]);
	if (version->revision > store_durable(world->store))
		world_broken(world, "event of " STR_FMT " before it is durable", STR_ARG(key));
	if ((event->type == EVENT_ADDED) != (object == NULL))
		world_broken(world, "event of " STR_FMT ": type %d, but it was%s known",
			     STR_ARG(key), (int)event->type, object ? "" : " not");
	seen->last[i] = version->revision;
	if (event->type != EVENT_DELETED)
		remember(&seen->objects[i], version);
	else if (object)
		forget(&seen->objects[i], object);
}

static void look_one(struct world *world, u32 i, u32 most)
{
	struct seen *seen = world->seen;
	struct store_event event;
	while (most-- && seen->watches[i] && watch_next(seen->watches[i], &event))
		see(world, i, &event);
	bool cut = watch_expired(seen->watches[i]) || (!world->calm && luck(world, 3));
	if (!cut)
		return;
	watch_close(seen->watches[i]);
	seen->watches[i] = NULL;
	open_one(world, i, false);
}

void watchers_look(struct world *world, bool all)
{
	for (u32 i = 0; i < KINDS && !world->broken[0]; i++)
		if (all || luck(world, 300))
			look_one(world, i, all ? UINT32_MAX : roll(world, 20));
}

/* At rest, what the clients have seen is what there is. */
void watchers_compare(struct world *world)
{
	struct seen *seen = world->seen;
	for (u32 i = 0; i < KINDS; i++) {
		u32 count = 0;
		struct store_iter iter;
		store_iter_start(&iter, world->store, kinds[i], STR_NONE, STR_NONE, STR_NONE);
		for (struct version *v; (v = store_iter_next(&iter)); count++) {
			char buffer[600];
			struct seen_object *object =
				map_get(&seen->objects[i], key_of(v, buffer, sizeof buffer));
			if (!object || object->revision != v->revision)
				world_broken(world, "a watcher has an old " STR_FMT,
					     STR_ARG(v->name));
		}
		if (count != seen->objects[i].len)
			world_broken(world, "a watcher knows %u objects of %u",
				     seen->objects[i].len, count);
	}
}
