/*
 * Making strategic merge patches. Lists of objects are compared in the order of their merge keys;
 * $setElementOrder then tells the order that is wanted.
 */
#include <stdlib.h>

#include "doc/json.h"
#include "doc/strategic.h"

/* A patch under construction; most stay empty and cost nothing. */
struct parts {
	struct arena *arena;
	VEC(struct doc) nodes;
};

static void put(struct parts *parts, struct str key, const struct doc *value)
{
	VEC_PUSH(parts->arena, &parts->nodes, *doc_ref_str(parts->arena, key));
	VEC_PUSH(parts->arena, &parts->nodes, *value);
}

static const struct doc *parts_done(struct parts *parts)
{
	struct doc *d = ARENA_NEW(parts->arena, struct doc);

	*d = (struct doc){ .type = DOC_OBJECT,
			   .len = parts->nodes.len / 2,
			   .items = parts->nodes.at };
	return d;
}

static const struct doc *one_pair(struct arena *arena, struct str key, const struct doc *value)
{
	struct parts parts = { .arena = arena };

	put(&parts, key, value);
	return parts_done(&parts);
}

/* ---- lists */

struct keyed {
	const struct doc *item;
	struct str key; /* as Go prints the value: a string without quotes */
	u32 place;
};

static int compare_keyed(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	int order = str_cmp(x->key, y->key);

	return order ? order : x->place < y->place ? -1 : 1;
}

static struct str printed(struct arena *arena, const struct doc *d)
{
	return d->type == DOC_STRING ? doc_str(d) : json_text(arena, d);
}

static enum status sort_by_key(struct strategic *s, const struct doc *list, struct str merge_key,
			       struct keyed **ret_sorted)
{
	struct keyed *sorted = ARENA_ARRAY(s->arena, struct keyed, doc_len(list) + 1);
	u32 len = 0;

	doc_each_item(list, item) {
		const struct doc *value = item;
		struct str unused;

		if (item->type == DOC_OBJECT) {
			enum status status = strategic_item_key(s, item, merge_key, &unused);

			if (status != ST_OK)
				return status;
			value = doc_get(item, merge_key);
		}
		sorted[len] = (struct keyed){ item, printed(s->arena, value), len };
		len++;
	}
	qsort(sorted, len, sizeof *sorted, compare_keyed);
	*ret_sorted = sorted;
	return ST_OK;
}

struct list_diff {
	struct doc_list changes, deletions;
};

/* Walks both sorted lists as one merges them; matches are handed to strategic_diff. */
static enum status diff_sorted(struct strategic *s, const struct doc *from, const struct doc *to,
			       const struct patch_field *field, struct strategic_want want,
			       struct list_diff *diff)
{
	struct keyed *a, *b;
	u32 i = 0, j = 0, from_len = doc_len(from), to_len = doc_len(to);
	enum status status = sort_by_key(s, from, field->merge_key, &a);

	if (status == ST_OK)
		status = sort_by_key(s, to, field->merge_key, &b);
	while (status == ST_OK && (i < from_len || j < to_len)) {
		int order = i == from_len ? 1 : j == to_len ? -1 : str_cmp(a[i].key, b[j].key);
		const struct doc *old = order <= 0 ? a[i++].item : NULL;
		const struct doc *new = order >= 0 ? b[j++].item : NULL, *change;

		if (old && new &&new->type == DOC_OBJECT) {
			status = strategic_diff(s, old, new, field->type, want, field->retain_keys,
						&change);
			if (status == ST_OK && doc_len(change))
				VEC_PUSH(s->arena, &diff->changes.items,
					 doc_with(s->arena, change, field->merge_key,
						  doc_get(new, field->merge_key)));
		} else if (!old && want.additions) {
			VEC_PUSH(s->arena, &diff->changes.items, new);
		} else if (!new &&want.deletions) {
			VEC_PUSH(s->arena, &diff->deletions.items, old);
		}
	}
	return status;
}

static bool same_order(const struct doc *from, const struct doc *to, struct str merge_key)
{
	if (doc_len(from) != doc_len(to))
		return false;
	for (u32 i = 0; i < doc_len(from); i++)
		if (!doc_eq(doc_get(&from->items[i], merge_key), doc_get(&to->items[i], merge_key)))
			return false;
	return true;
}

static enum status diff_object_list(struct strategic *s, struct parts *patch, struct str name,
				    const struct doc *from, const struct doc *to,
				    const struct patch_field *field, struct strategic_want want)
{
	struct list_diff diff = { 0 };
	struct doc_list order = { 0 };
	struct key_index wanted;
	enum status status = diff_sorted(s, from, to, field, want, &diff);

	if (status == ST_OK)
		status = strategic_index(s, to, field->merge_key, &wanted);
	if (status == ST_OK)
		status = strategic_sort(s, &diff.changes, &wanted, field->merge_key);
	if (status != ST_OK)
		return status;
	for (u32 i = 0; i < diff.deletions.items.len; i++) {
		const struct doc *key = doc_get(diff.deletions.items.at[i], field->merge_key);
		struct parts gone = { .arena = s->arena };

		put(&gone, STR(DIRECTIVE_PATCH), doc_ref_str(s->arena, STR("delete")));
		put(&gone, field->merge_key, key);
		VEC_PUSH(s->arena, &diff.changes.items, parts_done(&gone));
	}
	if (diff.changes.items.len)
		put(patch, name, doc_list_done(s->arena, &diff.changes));
	if (!want.order || !((want.additions && (diff.changes.items.len ||
						 !same_order(from, to, field->merge_key))) ||
			     (want.deletions && diff.changes.items.len)))
		return ST_OK;
	doc_each_item(to, item)
		VEC_PUSH(s->arena, &order.items,
			 one_pair(s->arena, field->merge_key, doc_get(item, field->merge_key)));
	put(patch, str_format(s->arena, DIRECTIVE_ORDER STR_FMT, STR_ARG(name)),
	    doc_list_done(s->arena, &order));
	return ST_OK;
}

static enum status diff_scalar_list(struct strategic *s, struct parts *patch, struct str name,
				    const struct doc *from, const struct doc *to,
				    struct strategic_want want)
{
	const struct patch_field plain = { 0 };
	struct list_diff diff = { 0 };
	struct doc_list gone = { 0 };
	struct key_index wanted, seen = { .arena = s->arena };
	enum status status = diff_sorted(s, from, to, &plain, want, &diff);
	struct str key;

	if (status == ST_OK)
		status = strategic_index(s, to, STR_NONE, &wanted);
	if (status == ST_OK)
		status = strategic_sort(s, &diff.changes, &wanted, STR_NONE);
	for (u32 i = 0; i < diff.deletions.items.len && status == ST_OK; i++) {
		status = strategic_item_key(s, diff.deletions.items.at[i], STR_NONE, &key);
		if (status != ST_OK || key_index_find(&seen, key) != KEY_NOWHERE)
			continue;
		key_index_set(&seen, key, 0);
		VEC_PUSH(s->arena, &gone.items, diff.deletions.items.at[i]);
	}
	if (status != ST_OK)
		return status;
	if (diff.changes.items.len)
		put(patch, name, doc_list_done(s->arena, &diff.changes));
	if (gone.items.len)
		put(patch, str_format(s->arena, DIRECTIVE_DELETE STR_FMT, STR_ARG(name)),
		    doc_list_done(s->arena, &gone));
	if (want.order &&
	    ((want.deletions && gone.items.len) || (want.additions && !doc_eq(from, to))))
		put(patch, str_format(s->arena, DIRECTIVE_ORDER STR_FMT, STR_ARG(name)), to);
	return ST_OK;
}

static enum status diff_list(struct strategic *s, struct parts *patch, struct str name,
			     const struct doc *from, const struct doc *to,
			     const struct patch_field *field, struct strategic_want want)
{
	enum element element;
	enum status status;

	if (!field->merge) {
		if (want.additions && !doc_eq(from, to))
			put(patch, name, to);
		return ST_OK;
	}
	if (!doc_len(from)) {
		if (doc_len(to) && want.additions)
			put(patch, name, to);
		return ST_OK;
	}
	status = strategic_element(s, from, to, &element);
	if (status != ST_OK)
		return status;
	if (element == ELEMENT_OBJECT)
		return diff_object_list(s, patch, name, from, to, field, want);
	return diff_scalar_list(s, patch, name, from, to, want);
}

/* ---- objects */

static enum status diff_value(struct strategic *s, struct parts *patch, struct str key,
			      const struct doc *old, const struct doc *new, const void *type,
			      struct strategic_want want)
{
	struct patch_field field;
	enum status status;

	if (!old || old->type != new->type || new->type < DOC_ARRAY) {
		if (want.additions && !(old && doc_eq(old, new)))
			put(patch, key, new);
		return ST_OK;
	}
	field = strategic_field(s, type, key);
	if (new->type == DOC_ARRAY)
		return diff_list(s, patch, key, old, new, &field, want);
	const struct doc *inner;

	status = strategic_diff(s, old, new, field.type, want, field.retain_keys, &inner);
	if (status == ST_OK && doc_len(inner))
		put(patch, key, inner);
	return status;
}

static int compare_strings(const void *a, const void *b)
{
	return str_cmp(doc_str(*(const struct doc *const *)a),
		       doc_str(*(const struct doc *const *)b));
}

/* The keys of `to` that hold something, sorted: what $retainKeys says. */
static const struct doc *kept_keys(struct arena *arena, const struct doc *to)
{
	struct doc_list keys = { 0 };

	for (u32 i = 0; i < doc_len(to); i++)
		if (doc_pair_value(to, i)->type != DOC_NULL)
			VEC_PUSH(arena, &keys.items, &to->items[2 * i]);
	if (!keys.items.len)
		return NULL;
	qsort(keys.items.at, keys.items.len, sizeof *keys.items.at, compare_strings);
	return doc_list_done(arena, &keys);
}

/* A look-up that stays quick for large objects. */
static struct key_index index_keys(struct arena *arena, const struct doc *object)
{
	struct key_index index = { .arena = arena };

	for (u32 i = 0; i < doc_len(object); i++)
		key_index_set(&index, doc_pair_key(object, i), i);
	return index;
}

enum status strategic_diff(struct strategic *s, const struct doc *from, const struct doc *to,
			   const void *type, struct strategic_want want, bool retain_keys,
			   const struct doc **ret_patch)
{
	struct key_index old = index_keys(s->arena, from), new = index_keys(s->arena, to);
	struct parts patch = { .arena = s->arena };
	bool clears = false; /* `from` has fields that `to` has not */
	enum status status = ST_OK;

	for (u32 i = 0; i < doc_len(to) && status == ST_OK; i++) {
		struct str key = doc_pair_key(to, i);
		u32 place = key_index_find(&old, key);

		if (key_index_find(&new, key) != i)
			continue; /* a duplicate: the last one counts */
		status = diff_value(s, &patch, key,
				    place == KEY_NOWHERE ? NULL : doc_pair_value(from, place),
				    doc_pair_value(to, i), type, want);
	}
	for (u32 i = 0; i < doc_len(from) && status == ST_OK; i++) {
		struct str key = doc_pair_key(from, i);

		if (key_index_find(&new, key) != KEY_NOWHERE || key_index_find(&old, key) != i)
			continue;
		clears |= doc_pair_value(from, i)->type != DOC_NULL;
		if (want.deletions)
			put(&patch, key, &doc_null);
	}
	if (status != ST_OK)
		return status;
	const struct doc *kept = retain_keys ? kept_keys(s->arena, to) : NULL;

	if (kept && (patch.nodes.len || clears))
		put(&patch, STR(DIRECTIVE_RETAIN), kept);
	*ret_patch = parts_done(&patch);
	return ST_OK;
}

enum status patch_strategic_two_way(struct arena *arena, const struct patch_schema *schema,
				    const struct doc *from, const struct doc *to,
				    const struct doc **ret_patch, struct error *error)
{
	struct error unread = ERROR_INIT;
	struct strategic s = { .arena = arena, .schema = schema, .error = error ? error : &unread };

	return strategic_diff(&s, from, to, schema->root,
			      (struct strategic_want){ true, true, true }, false, ret_patch);
}
