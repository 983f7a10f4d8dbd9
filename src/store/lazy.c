/*
 * Kinds that change all the time and matter little (leases, events) are not worth a write of
 * their own. Their newest states wait here, and go along when something else is written and the
 * last time is long ago, or at a clean stop. A row is listed at most once, so the order does not
 * matter.
 */
#include <stdlib.h>

#include "base/check.h"
#include "store/private.h"

static const i64 LAZY_NS = 300 * NS_PER_S;

static void push(struct lazy **list, u32 *len, u32 *cap, struct lazy lazy)
{
	if (*len == *cap) {
		*cap = *cap ? *cap * 2 : 64;
		*list = realloc(*list, *cap * sizeof **list);
		CHECK(*list);
	}
	(*list)[(*len)++] = lazy;
}

static void forget_at(struct store *store, u32 at)
{
	struct lazy *lazy = &store->lazy[at];

	version_unref(lazy->version);
	if (lazy->object)
		lazy->object->lazy = 0;
	*lazy = store->lazy[--store->lazy_len];
	if (at < store->lazy_len && lazy->object)
		lazy->object->lazy = at + 1;
}

void lazy_forget(struct store *store, struct object *object)
{
	if (object->lazy)
		forget_at(store, object->lazy - 1);
}

void lazy_forget_row(struct store *store, u64 row)
{
	for (u32 i = store->lazy_len; i-- > 0;)
		if (store->lazy[i].row == row)
			forget_at(store, i);
}

void lazy_note(struct store *store, struct version *version, struct object *object, u64 row)
{
	version_ref(version);
	if (object && object->lazy) {
		struct lazy *lazy = &store->lazy[object->lazy - 1];

		version_unref(lazy->version);
		lazy->version = version;
		return;
	}
	push(&store->lazy, &store->lazy_len, &store->lazy_cap,
	     (struct lazy){ version, object, row });
	if (object)
		object->lazy = store->lazy_len;
}

void lazy_begin(struct store *store)
{
	store->lazy_due_ns = clock_mono_ns(store->clock) + LAZY_NS;
}

bool lazy_due(const struct store *store)
{
	return store->lazy_len && clock_mono_ns(store->clock) >= store->lazy_due_ns;
}

void lazy_write(struct store *store)
{
	u32 len = store->lazy_len;

	if (store->flying_first) {
		memmove(store->flying, store->flying + store->flying_first,
			store->flying_len * sizeof *store->flying);
		store->flying_first = 0;
	}
	/* All of them are in flight before the first is handed over: it may be decided at once. */
	for (u32 i = 0; i < len; i++) {
		struct lazy *lazy = &store->lazy[i];

		if (lazy->object) {
			lazy->object->lazy = 0;
			lazy->object->stored = true;
		}
		lazy->object = NULL;
		push(&store->flying, &store->flying_len, &store->flying_cap, *lazy);
	}
	store->lazy_len = 0;
	lazy_begin(store);
	for (u32 i = 0; i < len; i++) {
		struct lazy lazy = store->lazy[i];

		log_append(store->log,
			   &(struct log_entry){
				   .change = lazy.version->deleted ? LOG_REMOVE : LOG_PUT,
				   .row = lazy.row,
				   .revision = lazy.version->revision,
				   .kind = store_kind_state(store, lazy.version->kind)->kind.name,
				   .version = lazy.version });
	}
}

bool lazy_written(struct store *store, const struct log_entry *entry)
{
	struct lazy *first = store->flying_len ? &store->flying[store->flying_first] : NULL;

	if (!first || first->row != entry->row || first->version != entry->version)
		return false;
	version_unref(first->version);
	store->flying_first++;
	if (--store->flying_len == 0)
		store->flying_first = 0;
	return true;
}

/* By now memory is back to what it was, so what is to be written is what memory shows. */
static void fly_again(struct store *store, const struct lazy *lazy)
{
	struct version *version = lazy->version;
	struct object *object = btree_find(&store_kind_state(store, version->kind)->objects,
					   version->namespace, version->name);

	if (object && object->row == lazy->row) {
		lazy_note(store, object->version, object, lazy->row);
		return;
	}
	for (u32 i = 0; i < store->lazy_len; i++)
		if (store->lazy[i].row == lazy->row)
			return;
	if (version->deleted)
		lazy_note(store, version, NULL, lazy->row);
	/* Otherwise the object went meanwhile, and its tombstone says so or was written before. */
}

void lazy_failed(struct store *store)
{
	for (u32 i = 0; i < store->flying_len; i++) {
		fly_again(store, &store->flying[store->flying_first + i]);
		version_unref(store->flying[store->flying_first + i].version);
	}
	store->flying_first = store->flying_len = 0;
	store->lazy_due_ns = clock_mono_ns(store->clock);
}

void lazy_release(struct store *store)
{
	for (u32 i = 0; i < store->lazy_len; i++)
		version_unref(store->lazy[i].version);
	for (u32 i = 0; i < store->flying_len; i++)
		version_unref(store->flying[store->flying_first + i].version);
	free(store->lazy);
	free(store->flying);
}
