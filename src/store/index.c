/* One hash table of short chains. An object's links are one block that moves only when it
 * changes. */
#include "store/index.h"

#include <stdlib.h>

#include "base/check.h"

void index_release(struct index *index)
{
	CHECK(index->buckets.len == 0);
	map_release(&index->buckets);
}

const struct bucket *index_find(const struct index *index, struct str text)
{
	return map_get(&index->buckets, text);
}

static struct str bucket_key(const struct bucket *bucket)
{
	return (struct str){ bucket->key, bucket->key_len };
}

static struct bucket *bucket_for(struct index *index, struct str text)
{
	struct bucket *bucket = map_get(&index->buckets, text);

	if (bucket)
		return bucket;
	CHECK(text.len <= UINT32_MAX);
	bucket = malloc(sizeof *bucket + text.len);
	CHECK(bucket);
	*bucket = (struct bucket){ .key_len = (u32)text.len };
	memcpy(bucket->key, text.at, text.len);
	map_put(&index->buckets, bucket_key(bucket), bucket);
	return bucket;
}

static void link_in(struct index_link *link)
{
	struct bucket *bucket = link->bucket;

	link->previous = bucket->last;
	link->next = NULL;
	if (bucket->last)
		bucket->last->next = link;
	else
		bucket->first = link;
	bucket->last = link;
	bucket->len++;
}

static void link_out(struct index *index, struct index_link *link)
{
	struct bucket *bucket = link->bucket;

	if (link->previous)
		link->previous->next = link->next;
	else
		bucket->first = link->next;
	if (link->next)
		link->next->previous = link->previous;
	else
		bucket->last = link->previous;
	if (--bucket->len == 0) {
		map_remove(&index->buckets, bucket_key(bucket));
		free(bucket);
	}
}

void index_remove(struct index *index, struct object *object)
{
	for (u32 i = 0; i < object->links_len; i++)
		link_out(index, &object->links[i]);
	free(object->links);
	object->links = NULL;
	object->links_len = 0;
}

static bool unchanged(const struct object *object, const struct str *texts, u32 len)
{
	if (object->links_len != len)
		return false;
	for (u32 i = 0; i < len; i++)
		if (!str_eq(bucket_key(object->links[i].bucket), texts[i]))
			return false;
	return true;
}

void index_set(struct index *index, struct object *object, const struct str *texts, u32 len)
{
	if (unchanged(object, texts, len))
		return;
	index_remove(index, object);
	if (!len)
		return;
	object->links = malloc(len * sizeof *object->links);
	CHECK(object->links);
	object->links_len = len;
	for (u32 i = 0; i < len; i++) {
		object->links[i] = (struct index_link){ .bucket = bucket_for(index, texts[i]),
							.object = object };
		link_in(&object->links[i]);
	}
}
