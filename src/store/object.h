/* The store's own record of a living object: where its newest version hangs. Private to the
 * store. */
#ifndef STORE_OBJECT_H
#define STORE_OBJECT_H

#include "store/version.h"

struct index_link;

struct object {
	struct version *version; /* one reference */
	u64 row;                 /* its row in the log, for life */
	struct index_link *links; /* its places in the index, one malloc */
	u32 links_len;
	u32 lazy; /* its place among the lazily written ones, counted from 1; 0: nothing to write */
	bool stored; /* the log was given it, so it must be told when it goes */
	u16 namespace_len, name_len;
	char key[]; /* the namespace, then the name: what the tree compares, in one cache line */
};

static inline struct str object_namespace(const struct object *object)
{
	return (struct str){ object->key, object->namespace_len };
}

static inline struct str object_name(const struct object *object)
{
	return (struct str){ object->key + object->namespace_len, object->name_len };
}

#endif
