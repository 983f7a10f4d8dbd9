/*
 * Writing, opening and stopping. How the whole store works, before the code:
 *
 * A *version* (version.h) is one state of one object, immutable, one block. An *object* (object.h)
 * is a key with its newest version; each kind keeps its objects in a tree by namespace and name
 * (btree.h), and all kinds share one index of texts: owners, nodes, labels (texts.c).
 *
 * A write
 *   1. takes the next revision and packs a version that bears it,
 *   2. puts it in its object's place and mends the indexes: memory shows it from now on,
 *   3. adds an event, the new version and the old one, to its kind's history (history.h),
 *   4. hands the version to the log and joins those that wait for it (durable.c), or, if its kind
 *      is lazy, takes a note for later (lazy.c),
 *   5. tells the observers.
 *
 * The log decides in order. With each decision the durable revision moves to just before the oldest
 * undecided write; waiting replies are released and watches are told. A failure undoes every
 * undecided write, newest first, by the events' old versions. Nothing outside has seen any of it:
 *
 *   - a reply waits (store_wait) for the revision it wrote or read;
 *   - a watch (watch.c) is a cursor over a history that stops at the durable revision;
 *   - observers are inside, run ahead on purpose, and are told of the undoing.
 *
 * A reader takes the newest version at once. A reader of an older revision R (the next page of
 * a list) walks the tree and, for each key with events after R, shows what stood before the first
 * of them (read.c); when the history does not reach back to R, the answer is "too old".
 *
 * Revisions only grow, also over a crash: lazy writes use revisions that no disk has seen, so
 * a mark ahead of them is made durable first (LOG_RESERVE), and counting goes on behind it after
 * a crash.
 */
#include "store/store.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "doc/json.h"
#include "store/kinds.h"
#include "store/private.h"

/* ---- making and freeing */

void store_add_kind(struct store *store, kind_id id, const struct store_kind *kind)
{
	CHECK(id < KINDS_MAX);
	if (id >= store->kinds_len) {
		store->kinds = realloc(store->kinds, (id + 1u) * sizeof store->kinds[0]);
		CHECK(store->kinds);
		while (store->kinds_len <= id)
			store->kinds[store->kinds_len++] = NULL;
	}
	CHECK(!store->kinds[id] && kind->name.len);
	store->kinds[id] = calloc(1, sizeof *store->kinds[id]);
	CHECK(store->kinds[id]);
	store->kinds[id]->kind = *kind;
	store->kinds[id]->kind.name = kind_name_keep(kind->name);
	store->kinds[id]->id = id;
	store->kinds[id]->history.floor = store->revision;
	strangers_adopt(store, store->kinds[id]);
}

bool store_has_kind(const struct store *store, kind_id id)
{
	return id < store->kinds_len && store->kinds[id];
}

struct store *store_new_kinds(const struct store_kind *kinds, u32 len, struct log *log,
			      const struct clock *clock)
{
	struct store *store = calloc(1, sizeof *store);

	CHECK(store);
	store->log = log;
	store->clock = clock;
	store->next_row = 1;
	store->scratch = arena_new(0);
	for (u32 i = 0; i < len; i++)
		if (kinds[i].name.len)
			store_add_kind(store, (kind_id)i, &kinds[i]);
	return store;
}

static void free_kind(struct store *store, struct kind_state *state)
{
	struct btree_cursor cursor = btree_seek(&state->objects, STR_NONE, STR_NONE, true);

	CHECK(!state->watches);
	for (struct object *object; (object = btree_next(&cursor));) {
		index_remove(&store->index, object);
		version_unref(object->version);
		free(object);
	}
	btree_release(&state->objects);
	history_release(&state->history);
	free(state);
}

void store_free(struct store *store)
{
	if (!store)
		return;
	CHECK(!store->waits_first);
	lazy_release(store);
	strangers_release(store);
	for (u32 i = 0; i < store->pending_len; i++) {
		struct pending *p = &store->pending[store->pending_first + i];

		version_unref(p->event.version);
		version_unref(p->event.previous);
	}
	free(store->pending);
	for (u32 i = 0; i < store->kinds_len; i++)
		if (store->kinds[i])
			free_kind(store, store->kinds[i]);
	index_release(&store->index);
	arena_free(store->scratch);
	free(store->kinds);
	free(store);
}

struct kind_state *store_kind_state(const struct store *store, kind_id kind)
{
	CHECK(kind < store->kinds_len && store->kinds[kind]);
	return store->kinds[kind];
}

/* ---- objects */

struct object *store_set(struct store *store, struct version *version, struct str namespace,
			 struct str name, u64 row)
{
	struct kind_state *state = store_kind_state(store, version->kind);
	struct object *object = btree_find(&state->objects, namespace, name);

	version_ref(version);
	state->bytes += version->size;
	if (object) {
		state->bytes -= object->version->size;
		version_unref(object->version);
		object->version = version;
	} else {
		object = calloc(1, sizeof *object + namespace.len + name.len);
		CHECK(object);
		object->version = version;
		object->row = row ? row : store->next_row;
		object->stored = row != 0;
		store->next_row = MAX(store->next_row, object->row + 1);
		object->namespace_len = (u16) namespace.len;
		object->name_len = (u16)name.len;
		str_put(object->key, namespace);
		str_put(object->key + namespace.len, name);
		btree_insert(&state->objects, object);
	}
	texts_set(store, object, state->kind.pods);
	return object;
}

void store_unset(struct store *store, struct object *object)
{
	struct kind_state *state = store_kind_state(store, object->version->kind);

	CHECK(btree_remove(&state->objects, object_namespace(object), object_name(object)) ==
	      object);
	index_remove(&store->index, object);
	lazy_forget(store, object);
	state->bytes -= object->version->size;
	version_unref(object->version);
	free(object);
}

/* ---- writing */

/* After the log has failed, writes are refused for a moment instead of being tried one by one. */
static enum status refuse_after_failure(const struct store *store, bool going, struct error *error)
{
	bool low = log_low(store->log);

	/* On a full disk what makes room goes on, from a reserve; nothing else does. */
	if (low && going)
		return ST_OK;
	if (low)
		return fail(error, ST_NO_SPACE,
			    "the disk is full: until there is room again, only what is being "
			    "deleted is written");
	if (!store->refuse_until_ns || clock_mono_ns(store->clock) >= store->refuse_until_ns)
		return ST_OK;
	return fail(error, store->refusal.status, "%s", store->refusal.message);
}

/* Everything that follows from a change once memory shows it. */
static void publish(struct store *store, struct kind_state *state, const struct store_event *event,
		    struct object *object, u64 row)
{
	store->revision = event->version->revision;
	history_push(&state->history, event);
	state->stirred = true;
	durable_join(store, event, object, row);
	store_tell(store, event);
	durable_advance(store);
	watch_trim(store, state);
}

enum status store_put(struct store *store, kind_id kind, struct str namespace, struct str name,
		      const struct doc *doc, struct version **ret_version, struct error *error)
{
	struct kind_state *state = store_kind_state(store, kind);
	/* Heartbeats live in memory. */
	bool going = state->kind.lazy || !doc_is_null(doc_at(doc, "metadata.deletionTimestamp"));
	enum status status = refuse_after_failure(store, going, error);
	struct version *version;

	CHECK(!store->telling && store->next_row);
	CHECK(name.len && name.len + namespace.len <= STORE_KEY_MAX);
	if (status)
		return status;
	status = version_new(kind, doc, store->revision + 1, false, &version, error);
	if (status)
		return status;
	CHECK(str_eq(version->namespace, namespace) && str_eq(version->name, name));
	version->seen_ns = clock_wall_ns(store->clock);
	struct object *object = btree_find(&state->objects, namespace, name);
	struct version *previous = version_ref(object ? object->version : NULL);

	object = store_set(store, version, namespace, name, 0);
	publish(store, state,
		&(struct store_event){ .type = previous ? EVENT_MODIFIED : EVENT_ADDED,
				       .version = version,
				       .previous = previous },
		object, object->row);
	version_unref(previous);
	version_unref(version);
	if (ret_version)
		*ret_version = version;
	return ST_OK;
}

enum status store_remove(struct store *store, kind_id kind, struct str namespace, struct str name,
			 const struct doc *last, struct version **ret_tombstone,
			 struct error *error)
{
	struct kind_state *state = store_kind_state(store, kind);
	struct object *object = btree_find(&state->objects, namespace, name);
	enum status status = refuse_after_failure(store, true, error);
	struct version *tombstone;

	CHECK(!store->telling);
	if (status)
		return status;
	if (!object)
		return fail(error, ST_NOT_FOUND, STR_FMT " \"" STR_FMT "\" not found",
			    STR_ARG(state->kind.name), STR_ARG(name));
	status = version_new(kind, last ? last : object->version->doc, store->revision + 1, true,
			     &tombstone, error);
	if (status)
		return status;
	struct version *previous = version_ref(object->version);
	u64 row = object->stored ? object->row : 0;

	store_unset(store, object);
	publish(store, state,
		&(struct store_event){
			.type = EVENT_DELETED, .version = tombstone, .previous = previous },
		NULL, row);
	version_unref(previous);
	version_unref(tombstone);
	if (ret_tombstone)
		*ret_tombstone = tombstone;
	return ST_OK;
}

/* ---- opening and stopping */

struct loading {
	struct store *store;
	struct map kinds; /* name → kind_state */
	struct arena *arena;
};

/* A lazily written object that went and came again may have left two rows: its removal and its
 * return went to the log at different times. The newer one counts; the other's row goes. */
static enum status settle_twins(struct store *store, struct kind_state *state,
				const struct log_row *row, struct version *version,
				struct error *error)
{
	struct object *object = btree_find(&state->objects, row->namespace, row->name);
	struct version *tombstone;

	if (!state->kind.lazy)
		return fail(error, ST_INVALID, "it is there twice");
	bool newer = row->revision > object->version->revision;
	struct version *older = newer ? object->version : version;
	enum status status =
		version_new(state->id, older->doc, older->revision, true, &tombstone, error);

	if (status)
		return status;
	lazy_note(store, tombstone, NULL, newer ? object->row : row->row);
	version_unref(tombstone);
	if (newer) {
		store_unset(store, object);
		store_set(store, version, row->namespace, row->name, row->row);
	}
	return ST_OK;
}

enum status store_load_row(struct store *store, struct kind_state *state, const struct log_row *row,
			   struct arena *arena, struct error *error)
{
	const struct doc *doc;
	struct version *version = NULL;
	enum status status = json_parse(arena, row->json, &doc, error);

	if (!status && !doc_is(doc, DOC_OBJECT))
		status = fail(error, ST_INVALID, "not an object");
	if (!status)
		status = version_new(state->id, doc, row->revision, false, &version, error);
	if (!status &&
	    (!str_eq(version->namespace, row->namespace) || !str_eq(version->name, row->name)))
		status = fail(error, ST_INVALID, "it bears another name");
	if (!status && btree_find(&state->objects, row->namespace, row->name))
		status = settle_twins(store, state, row, version, error);
	else if (!status)
		store_set(store, version, row->namespace, row->name, row->row);
	version_unref(version);
	if (!status)
		return ST_OK;
	error->status = ST_INVALID;
	return fail_within(error,
			   "the stored object " STR_FMT " " STR_FMT "/" STR_FMT " is damaged",
			   STR_ARG(row->kind), STR_ARG(row->namespace), STR_ARG(row->name));
}

static enum status load_row(void *self, const struct log_row *row, struct error *error)
{
	struct loading *loading = self;
	struct store *store = loading->store;
	struct kind_state *state = map_get(&loading->kinds, row->kind);

	store->next_row = MAX(store->next_row, row->row + 1);
	if (!state) {
		strangers_keep(store, row);
		return ST_OK;
	}
	arena_reset(loading->arena);
	return store_load_row(store, state, row, loading->arena, error);
}

static enum status load(struct store *store, struct error *error)
{
	struct loading loading = { .store = store, .arena = arena_new(0) };
	struct log_reader reader = { load_row, &loading };

	for (u32 i = 0; i < store->kinds_len; i++)
		if (store->kinds[i])
			map_put(&loading.kinds, store->kinds[i]->kind.name, store->kinds[i]);
	enum status status = log_load(store->log, &reader, &store->revision, error);

	map_release(&loading.kinds);
	arena_free(loading.arena);
	return status;
}

enum status store_open(struct store *store, struct error *error)
{
	CHECK(store->revision == 0);
	if (store->log) {
		enum status status = load(store, error);

		if (status)
			return status;
	}
	durable_begin(store);
	return ST_OK;
}
