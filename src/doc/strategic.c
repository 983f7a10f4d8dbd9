/* Lists and their keys: what both directions of strategic merge patches stand on. */
#include "doc/strategic.h"

#include <stdlib.h>

#include "doc/json.h"

struct patch_field strategic_field(const struct strategic *s, const void *type, struct str key)
{
	struct patch_field field = { 0 };

	if (!type || !s->schema->field(type, key, &field))
		return (struct patch_field){ 0 };
	return field;
}

static enum doc_type type_of(const struct doc *d)
{
	return d->type == DOC_FALSE ? DOC_TRUE : (enum doc_type)d->type;
}

enum status strategic_element(struct strategic *s, const struct doc *a, const struct doc *b,
			      enum element *ret_element)
{
	const struct doc *lists[] = { a, b }, *first = NULL;

	for (u32 i = 0; i < ARRAY_LEN(lists); i++) {
		doc_each_item(lists[i], item) {
			if (!first)
				first = item;
			if (item->type == DOC_ARRAY)
				return fail(s->error, ST_INVALID,
					    "lists of lists are not supported");
			if (type_of(item) != type_of(first) || item->type == DOC_NULL)
				return fail(s->error, ST_BAD_REQUEST,
					    "list element types are not identical");
		}
	}
	*ret_element = !first			   ? ELEMENT_NONE
		       : first->type == DOC_OBJECT ? ELEMENT_OBJECT
						   : ELEMENT_SCALAR;
	return ST_OK;
}

enum status strategic_item_key(struct strategic *s, const struct doc *item, struct str merge_key,
			       struct str *ret_key)
{
	if (item->type == DOC_OBJECT) {
		const struct doc *value = doc_get(item, merge_key);

		if (!value) {
			struct str text = json_text(s->arena, item);

			return fail(s->error, ST_BAD_REQUEST,
				    "map: " STR_FMT
				    " does not contain declared merge key: " STR_FMT,
				    STR_ARG(text), STR_ARG(merge_key));
		}
		item = value;
	}
	*ret_key = json_text(s->arena, item);
	return ST_OK;
}

enum status strategic_index(struct strategic *s, const struct doc *list, struct str merge_key,
			    struct key_index *ret_index)
{
	struct key_index index = { .arena = s->arena };
	enum status status;
	struct str key;
	u32 place = 0;

	doc_each_item(list, item) {
		status = strategic_item_key(s, item, merge_key, &key);
		if (status != ST_OK)
			return status;
		if (key_index_find(&index, key) == KEY_NOWHERE)
			key_index_set(&index, key, place);
		place++;
	}
	*ret_index = index;
	return ST_OK;
}

bool strategic_deletes(const struct doc *item)
{
	return str_is(doc_str(doc_key(item, DIRECTIVE_PATCH)), "delete");
}

const struct doc *doc_list_done(struct arena *arena, const struct doc_list *list)
{
	return doc_new_array(arena, list->items.at, list->items.len);
}

struct ranked {
	const struct doc *item;
	u64 rank; /* place in the order above, own place below: makes the sort stable */
};

static int compare_ranked(const void *a, const void *b)
{
	u64 x = ((const struct ranked *)a)->rank, y = ((const struct ranked *)b)->rank;

	return x < y ? -1 : x > y;
}

enum status strategic_sort(struct strategic *s, struct doc_list *list,
			   const struct key_index *order, struct str merge_key)
{
	struct ranked *ranked = ARENA_ARRAY(s->arena, struct ranked, list->items.len + 1);
	enum status status;
	struct str key;

	for (u32 i = 0; i < list->items.len; i++) {
		const struct doc *item = list->items.at[i];

		status = strategic_item_key(s, item, merge_key, &key);
		if (status != ST_OK)
			return status;
		/* KEY_NOWHERE is the largest place; deletions come behind even that. */
		u64 place = key_index_find(order, key) + ((u64)strategic_deletes(item) << 32);

		ranked[i] = (struct ranked){ item, place << 24 | (i & 0xffffff) };
	}
	qsort(ranked, list->items.len, sizeof *ranked, compare_ranked);
	for (u32 i = 0; i < list->items.len; i++)
		list->items.at[i] = ranked[i].item;
	return ST_OK;
}
