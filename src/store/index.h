/* Which objects carry a text: an owner's uid, a node's name, a label. Private to the store. */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include "base/map.h"
#include "store/object.h"

struct index {
	struct map buckets; /* text → struct bucket, which owns the text */
};

struct bucket {
	struct index_link *first, *last;
	u32 len;
	u32 key_len;
	char key[];
};

struct index_link {
	struct index_link *next, *previous; /* in its bucket, in order of arrival */
	struct bucket *bucket;
	struct object *object;
};

void index_release(struct index *index); /* all objects must be out */

/* Makes these the object's texts; cheap when they are what they were. */
void index_set(struct index *index, struct object *object, const struct str *texts, u32 len);
void index_remove(struct index *index, struct object *object);

const struct bucket *index_find(const struct index *index, struct str text); /* NULL: nobody */

#endif
