/* The keys a watch has told, each with its revision and its last state. */
#include "client/known.h"

#include <stdlib.h>

#include "base/check.h"

struct known_object {
	struct arena *arena; /* holds key and document */
	struct str key, revision;
	const struct doc *doc;
	u32 round;
};

static void object_free(struct known_object *object)
{
	arena_free(object->arena);
	free(object);
}

void known_release(struct known *known)
{
	for (struct map_entry *e = NULL; (e = map_next(&known->objects, e));)
		object_free(e->value);
	map_release(&known->objects);
	*known = (struct known){ 0 };
}

static struct str key_of(struct arena *arena, const struct doc *object)
{
	return str_format(arena, STR_FMT "/" STR_FMT,
			  STR_ARG(doc_at_str(object, "metadata.namespace")),
			  STR_ARG(doc_at_str(object, "metadata.name")));
}

static struct known_object *object_new(const struct doc *doc, u32 round)
{
	struct known_object *object = calloc(1, sizeof *object);

	CHECK(object);
	object->arena = arena_new(256);
	object->key = key_of(object->arena, doc);
	object->doc = doc_copy(object->arena, doc);
	object->revision = doc_at_str(object->doc, "metadata.resourceVersion");
	object->round = round;
	return object;
}

void known_update(struct known *known, const struct doc *object,
		  const struct client_watch_events *events, void *self)
{
	struct known_object *now = object_new(object, known->round);
	struct known_object *was = map_get(&known->objects, now->key);

	if (was && str_eq(was->revision, now->revision)) {
		was->round = known->round;
		object_free(now);
		return;
	}
	if (was)
		map_remove(&known->objects, was->key); /* its key goes with it */
	map_put(&known->objects, now->key, now);
	if (!was)
		events->added(self, object);
	else
		events->modified(self, object);
	if (was)
		object_free(was);
}

void known_delete(struct known *known, const struct doc *object,
		  const struct client_watch_events *events, void *self)
{
	struct arena *arena = arena_new(256);
	struct known_object *was = map_remove(&known->objects, key_of(arena, object));

	arena_free(arena);
	if (!was)
		return;
	events->deleted(self, object);
	object_free(was);
}

void known_list_begin(struct known *known)
{
	known->round++;
}

void known_list_end(struct known *known, const struct client_watch_events *events, void *self)
{
	VEC(struct known_object *) gone = { 0 };
	struct arena *arena = arena_new(0);

	for (struct map_entry *e = NULL; (e = map_next(&known->objects, e));) {
		struct known_object *object = e->value;

		if (object->round != known->round)
			VEC_PUSH(arena, &gone, object);
	}
	for (u32 i = 0; i < gone.len; i++) {
		map_remove(&known->objects, gone.at[i]->key);
		events->deleted(self, gone.at[i]->doc);
		object_free(gone.at[i]);
	}
	arena_free(arena);
}
