/*
 * An object that is being changed in many places before it becomes a document again. Patches need
 * it: a chain of doc_with would copy a ConfigMap of a hundred thousand keys a hundred thousand
 * times. Small objects are scanned, large ones get a hash index.
 */
#ifndef DOC_OBJECT_H
#define DOC_OBJECT_H

#include "doc/doc.h"

/* Where each key stands. Keys are pointed at, not copied. */
struct key_index {
	struct arena *arena;
	struct key_slot {
		struct str key; /* at == NULL: empty */
		u64 hash;
		u32 place;
	} * slots;
	u32 len, cap;
};

enum { KEY_NOWHERE = UINT32_MAX };

u32 key_index_find(const struct key_index *index, struct str key); /* or KEY_NOWHERE */
/* Sets the place of `key`; KEY_NOWHERE forgets it. */
void key_index_set(struct key_index *index, struct str key, u32 place);

struct object_edit {
	struct arena *arena;
	const struct doc *from;
	VEC(struct doc) nodes; /* key then value; a removed pair has a key of type DOC_NULL */
	u32 removed;
	bool changed;
	struct key_index index; /* in use once there are many pairs */
};

/* Starts from `object` (NULL: an empty one), which stays as it is. */
struct object_edit object_edit(struct arena *arena, const struct doc *object);

/* The value now under `key`, or NULL. It is good until the next change. */
const struct doc *object_edit_get(const struct object_edit *edit, struct str key);

/* Sets `key`, keeping its place if it has one; a NULL value removes. `key` must outlive the arena's
 * documents: it is not copied. */
void object_edit_set(struct object_edit *edit, struct str key, const struct doc *value);

/* The document; `from` itself when nothing was changed. The edit is used up. */
const struct doc *object_edit_done(struct object_edit *edit);

#endif
