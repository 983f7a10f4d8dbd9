/* Linear for few keys, hashed for many; removed pairs stay as gaps until the end. */
#include "doc/object.h"

#include "base/check.h"

enum { SCAN_MAX = 16 }; /* up to here a scan beats hashing */

static struct key_slot *find_slot(const struct key_index *index, struct str key, u64 hash)
{
	for (u32 i = (u32)hash;; i++) {
		struct key_slot *slot = &index->slots[i & (index->cap - 1)];

		if (!slot->key.at || (slot->hash == hash && str_eq(slot->key, key)))
			return slot;
	}
}

static void grow_index(struct key_index *index)
{
	struct key_index old = *index;

	index->cap = old.cap ? old.cap * 2 : 64;
	index->slots = ARENA_ARRAY(index->arena, struct key_slot, index->cap);
	for (u32 i = 0; i < old.cap; i++)
		if (old.slots[i].key.at)
			*find_slot(index, old.slots[i].key, old.slots[i].hash) = old.slots[i];
}

u32 key_index_find(const struct key_index *index, struct str key)
{
	if (!index->cap)
		return KEY_NOWHERE;
	const struct key_slot *slot = find_slot(index, key, str_hash(key));

	return slot->key.at ? slot->place : (u32)KEY_NOWHERE;
}

void key_index_set(struct key_index *index, struct str key, u32 place)
{
	u64 hash = str_hash(key);

	if (!key.at)
		key.at = ""; /* NULL marks empty slots */
	if (2 * index->len >= index->cap)
		grow_index(index);
	struct key_slot *slot = find_slot(index, key, hash);

	if (!slot->key.at)
		index->len++;
	*slot = (struct key_slot){ .key = key, .hash = hash, .place = place };
}

static struct str key_at(const struct object_edit *edit, u32 place)
{
	return (struct str){ edit->nodes.at[place].text, edit->nodes.at[place].len };
}

static u32 place_of(const struct object_edit *edit, struct str key)
{
	if (edit->index.cap)
		return key_index_find(&edit->index, key);
	/* Backwards: of duplicate keys the last one counts, as in doc_get. */
	for (u32 i = edit->nodes.len; i > 0; i -= 2)
		if (edit->nodes.at[i - 2].type == DOC_STRING && str_eq(key_at(edit, i - 2), key))
			return i - 2;
	return KEY_NOWHERE;
}

static void remove_pair(struct object_edit *edit, u32 place)
{
	edit->nodes.at[place].type = DOC_NULL;
	edit->removed++;
}

static void index_if_many(struct object_edit *edit)
{
	if (edit->index.cap || edit->nodes.len <= 2 * SCAN_MAX)
		return;
	for (u32 i = 0; i < edit->nodes.len; i += 2) {
		if (edit->nodes.at[i].type != DOC_STRING)
			continue;
		u32 before = key_index_find(&edit->index, key_at(edit, i));

		if (before != KEY_NOWHERE)
			remove_pair(edit, before); /* a duplicate: the last one counts */
		key_index_set(&edit->index, key_at(edit, i), i);
	}
}

struct object_edit object_edit(struct arena *arena, const struct doc *object)
{
	if (!doc_is(object, DOC_OBJECT))
		object = &doc_empty_object;
	struct object_edit edit = { .arena = arena, .from = object, .index = { .arena = arena } };

	if (object->len) {
		edit.nodes.len = edit.nodes.cap = 2 * object->len;
		edit.nodes.at =
			arena_copy(arena, object->items, edit.nodes.len * sizeof *edit.nodes.at);
	}
	index_if_many(&edit);
	return edit;
}

const struct doc *object_edit_get(const struct object_edit *edit, struct str key)
{
	u32 place = place_of(edit, key);

	return place == KEY_NOWHERE ? NULL : &edit->nodes.at[place + 1];
}

void object_edit_set(struct object_edit *edit, struct str key, const struct doc *value)
{
	u32 place = place_of(edit, key);

	if (place == KEY_NOWHERE) {
		if (!value)
			return;
		place = edit->nodes.len;
		struct doc copy = *value; /* it may stand in the nodes that move */

		VEC_PUSH(edit->arena, &edit->nodes, *doc_ref_str(edit->arena, key));
		VEC_PUSH(edit->arena, &edit->nodes, copy);
		if (edit->index.cap)
			key_index_set(&edit->index, key_at(edit, place), place);
		index_if_many(edit);
	} else if (value) {
		edit->nodes.at[place + 1] = *value;
	} else if (edit->index.cap) {
		key_index_set(&edit->index, key, KEY_NOWHERE);
		remove_pair(edit, place);
	} else {
		for (; place != KEY_NOWHERE; place = place_of(edit, key))
			remove_pair(edit, place); /* duplicates too */
	}
	edit->changed = true;
}

const struct doc *object_edit_done(struct object_edit *edit)
{
	if (!edit->changed)
		return edit->from;
	struct doc *object = ARENA_NEW(edit->arena, struct doc);
	u32 kept = 0;

	for (u32 i = 0; edit->removed && i < edit->nodes.len; i += 2) {
		if (edit->nodes.at[i].type != DOC_STRING)
			continue;
		edit->nodes.at[kept] = edit->nodes.at[i];
		edit->nodes.at[kept + 1] = edit->nodes.at[i + 1];
		kept += 2;
	}
	if (!edit->removed)
		kept = edit->nodes.len;
	*object = (struct doc){ .type = DOC_OBJECT, .len = kept / 2, .items = edit->nodes.at };
	return object;
}
