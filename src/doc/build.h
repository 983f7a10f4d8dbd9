/*
 * Builds a document from the inside out: open, add, close. For code that makes whole objects (a
 * Status, a Table, an Event) where a chain of doc_set would be slow and hard to read.
 *
 *	struct build b = build_object(arena);
 *	build_str(&b, "kind", STR("Status"));
 *	build_open_array(&b, "causes");
 *	build_str(&b, NULL, message);       // no key inside an array
 *	build_close(&b);
 *	const struct doc *status = build_done(&b);
 */
#ifndef DOC_BUILD_H
#define DOC_BUILD_H

#include "doc/doc.h"

struct build {
	struct arena *arena;
	VEC(struct doc) nodes; /* open levels' nodes, one behind the other */
	struct {
		u32 first; /* where this level's nodes start */
		bool array;
	} levels[DOC_DEPTH_MAX];
	u32 depth;
};

struct build build_object(struct arena *arena);
struct build build_array(struct arena *arena);

/* `key` is NULL exactly inside arrays. Keys and strings are pointed at, not copied: they must live
 * as long as the arena (literals do). */
void build_open_object(struct build *b, const char *key);
void build_open_array(struct build *b, const char *key);
void build_close(struct build *b);
void build_doc(struct build *b, const char *key, const struct doc *value); /* NULL: adds nothing */
void build_pair(struct build *b, struct str key, const struct doc *value); /* key not terminated */
void build_str(struct build *b, const char *key, struct str value);
void build_str_if(struct build *b, const char *key, struct str value); /* nothing when empty */
void build_int(struct build *b, const char *key, i64 value);
void build_bool(struct build *b, const char *key, bool value);
const struct doc *build_done(struct build *b); /* closes the outermost level */

#endif
