/*
 * What the server serves, in the order it is told to clients: the legacy group first, then groups
 * as the tables have them; in a group the preferred version first; in a version by plural name.
 * Discovery and OpenAPI are two ways of writing this list.
 */
#ifndef SCHEMA_SERVED_H
#define SCHEMA_SERVED_H

#include "schema/schema.h"

struct served { /* one group-version with at least one resource */
	struct str group, version, api_version;
	const struct api_kind **kinds; /* kinds and views with a plural */
	u32 len;
};

/* All group-versions, made in the arena. A group's versions stand together. */
const struct served *served_all(struct arena *arena, const struct schema *schema, u32 *ret_len);

/* One of them, or NULL. */
const struct served *served_find(struct arena *arena, const struct schema *schema, struct str group,
				 struct str version);

/* What stands behind the slash of pods/log: the kind it speaks and what can be done with it. */
struct served_part {
	struct str name;
	struct str group, version, kind; /* kind empty: the parent's own */
	u8 verbs;			 /* enum api_verb */
	bool connects;			 /* a stream or raw text, not an object */
};

/* Never NULL: an unknown word is a part of the object itself, as status is. */
const struct served_part *served_part_find(struct str name);

/* Names of the verbs in a set, in alphabetical order; returns how many (at most 8). */
u32 served_verbs(u8 verbs, struct str out[8]);

/* How far a version has come: v2 before v1 before v1beta2; 0 for what is no such word. */
u32 served_version_rank(struct str version);

#endif
