/*
 * Reading: single objects, ordered walks, and walks as of an older revision, which show the
 * present except where the history says that a key has changed since.
 */
#include <stdlib.h>

#include "base/check.h"
#include "store/private.h"

u64 store_revision(const struct store *store)
{
	return store->revision;
}

u64 store_durable(const struct store *store)
{
	return store->durable;
}

struct version *store_get(struct store *store, kind_id kind, struct str namespace, struct str name)
{
	struct object *object =
		btree_find(&store_kind_state(store, kind)->objects, namespace, name);

	return object ? object->version : NULL;
}

u32 store_count(const struct store *store, kind_id kind)
{
	return store_kind_state(store, kind)->objects.len;
}

/* ---- walks */

/* What one key showed at the older revision; NULL: nothing. */
struct past_item {
	struct str namespace, name;
	struct version *version;
	u64 order; /* of events of one key the oldest counts */
};

struct store_past {
	VEC(struct past_item) items;
	u32 at;
};

static struct str last_namespace(const struct store_iter *iter)
{
	return (struct str){ iter->last, iter->last_namespace };
}

static struct str last_name(const struct store_iter *iter)
{
	return (struct str){ iter->last + iter->last_namespace, iter->last_name };
}

static void remember(struct store_iter *iter, struct str namespace, struct str name)
{
	CHECK(namespace.len + name.len <= sizeof iter->last);
	iter->last_namespace = (u16)namespace.len;
	iter->last_name = (u16)name.len;
	str_put(iter->last, namespace);
	str_put(iter->last + namespace.len, name);
}

static void seek(struct store_iter *iter, const struct btree *tree)
{
	struct btree_cursor cursor =
		btree_seek(tree, last_namespace(iter), last_name(iter), false);

	iter->leaf = cursor.leaf;
	iter->at = cursor.at;
	iter->changes = tree->changes;
}

void store_iter_start(struct store_iter *iter, struct store *store, kind_id kind,
		      struct str namespace, struct str after_namespace, struct str after_name)
{
	iter->store = store;
	iter->kind = kind;
	iter->namespace = namespace;
	iter->past = NULL;
	/* A key that names no namespace begins with the one that was asked for. */
	if (!after_name.len || str_cmp(after_namespace, namespace) < 0)
		remember(iter, namespace, STR_NONE);
	else
		remember(iter, after_namespace, after_name);
	seek(iter, &store_kind_state(store, kind)->objects);
}

static struct object *peek(struct store_iter *iter)
{
	const struct btree *tree = &store_kind_state(iter->store, iter->kind)->objects;

	if (iter->changes != tree->changes)
		seek(iter, tree);
	struct btree_cursor cursor = { iter->leaf, iter->at };
	struct object *object = btree_peek(&cursor);

	iter->leaf = cursor.leaf;
	iter->at = cursor.at;
	if (object && iter->namespace.len && !str_eq(object_namespace(object), iter->namespace))
		return NULL;
	return object;
}

static struct version *step(struct store_iter *iter, struct object *object)
{
	remember(iter, object_namespace(object), object_name(object));
	iter->at++;
	return object->version;
}

static int compare_keys(struct str a_namespace, struct str a_name, struct str b_namespace,
			struct str b_name)
{
	int order = str_cmp(a_namespace, b_namespace);

	return order ? order : str_cmp(a_name, b_name);
}

static struct version *next_past(struct store_iter *iter)
{
	struct store_past *past = iter->past;

	for (;;) {
		struct object *object = peek(iter);
		struct past_item *item =
			past->at < past->items.len ? &past->items.at[past->at] : NULL;
		int order = !item ? -1 : !object ? 1 :
			compare_keys(object_namespace(object), object_name(object),
				     item->namespace, item->name);

		if (!object && !item)
			return NULL;
		if (order < 0)
			return step(iter, object);
		if (order == 0)
			step(iter, object);
		past->at++;
		if (item->version)
			return item->version;
	}
}

struct version *store_iter_next(struct store_iter *iter)
{
	if (iter->past)
		return next_past(iter);
	struct object *object = peek(iter);

	return object ? step(iter, object) : NULL;
}

/* ---- walks as of an older revision */

static int by_key_then_order(const void *left, const void *right)
{
	const struct past_item *a = left, *b = right;
	int order = compare_keys(a->namespace, a->name, b->namespace, b->name);

	return order ? order : a->order < b->order ? -1 : 1;
}

/* The oldest event of each key since the revision tells what the key showed before. */
static struct store_past *past_of(const struct store_iter *iter, u64 revision, struct arena *arena)
{
	const struct history *history = &store_kind_state(iter->store, iter->kind)->history;
	struct store_past *past = ARENA_NEW(arena, struct store_past);
	u32 kept = 0;

	for (u64 i = history_find(history, revision); i < history->end; i++) {
		const struct store_event *event = history_at(history, i);
		struct past_item item = { event->version->namespace, event->version->name,
					  event->previous, i };

		if ((iter->namespace.len && !str_eq(item.namespace, iter->namespace)) ||
		    compare_keys(item.namespace, item.name, last_namespace(iter),
				 last_name(iter)) <= 0)
			continue;
		version_hold(arena, event->version); /* owns the key's bytes */
		version_hold(arena, event->previous);
		VEC_PUSH(arena, &past->items, item);
	}
	if (past->items.len)
		qsort(past->items.at, past->items.len, sizeof past->items.at[0],
		      by_key_then_order);
	for (u32 i = 0; i < past->items.len; i++)
		if (!kept || compare_keys(past->items.at[i].namespace, past->items.at[i].name,
					  past->items.at[kept - 1].namespace,
					  past->items.at[kept - 1].name))
			past->items.at[kept++] = past->items.at[i];
	past->items.len = kept;
	return past;
}

enum status store_iter_start_at(struct store_iter *iter, struct store *store, kind_id kind,
				struct str namespace, struct str after_namespace,
				struct str after_name, u64 revision, struct arena *arena,
				struct error *error)
{
	const struct history *history = &store_kind_state(store, kind)->history;

	if (revision < history->floor)
		return fail(error, ST_EXPIRED,
			    "The provided continue parameter is too old to display a consistent "
			    "list result. You can start a new list without the continue parameter, "
			    "or use the continue token in this response to retrieve the remainder "
			    "of the results. Continuing with the provided token results in an "
			    "inconsistent list - objects that were created, modified, or deleted "
			    "between the time the first chunk was returned and now may show up in "
			    "the list.");
	store_iter_start(iter, store, kind, namespace, after_namespace, after_name);
	if (history_find(history, revision) < history->end)
		iter->past = past_of(iter, revision, arena);
	return ST_OK;
}
