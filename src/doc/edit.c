/* Making and changing documents: copies of the spine, shared leaves. */
#include <math.h>
#include <stdio.h>

#include "base/check.h"
#include "doc/doc.h"

static u8 text_flags(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((u8)s.at[i] < 0x20 || s.at[i] == '"' || s.at[i] == '\\')
			return DOC_ESCAPE;
	return 0;
}

static struct doc str_node(struct str s)
{
	CHECK(s.len <= UINT32_MAX);
	return (struct doc){ .type = DOC_STRING,
			     .flags = text_flags(s),
			     .len = (u32)s.len,
			     .text = s.at ? s.at : "" };
}

struct doc *doc_ref_str(struct arena *arena, struct str s)
{
	struct doc *d = arena_alloc(arena, sizeof *d);

	*d = str_node(s);
	return d;
}

struct doc *doc_new_str(struct arena *arena, struct str s)
{
	return doc_ref_str(arena, str_copy(arena, s));
}

struct doc *doc_new_int(struct arena *arena, i64 value)
{
	struct doc *d = arena_alloc(arena, sizeof *d);
	struct str text = str_format(arena, "%lld", (long long)value);

	*d = (struct doc){ .type = DOC_NUMBER, .len = (u32)text.len, .text = text.at };
	return d;
}

struct doc *doc_new_double(struct arena *arena, double value)
{
	struct doc *d = arena_alloc(arena, sizeof *d);
	struct str text;

	CHECK(isfinite(value));
	for (int digits = 15; digits <= 17; digits++) { /* the shortest that reads back the same */
		text = str_format(arena, "%.*g", digits, value);
		*d = (struct doc){ .type = DOC_NUMBER, .len = (u32)text.len, .text = text.at };
		if (doc_double_or(d, 0) == value)
			break;
	}
	i64 whole;

	d->flags = str_to_i64(text, &whole) ? 0 : DOC_FLOAT;
	return d;
}

const struct doc *doc_new_bool(bool value)
{
	return value ? &doc_true : &doc_false;
}

struct doc *doc_new_array(struct arena *arena, const struct doc *const *items, u32 len)
{
	struct doc *d = arena_alloc(arena, sizeof *d);
	struct doc *nodes = len ? arena_alloc(arena, len * sizeof *nodes) : NULL;

	for (u32 i = 0; i < len; i++)
		nodes[i] = *items[i];
	*d = (struct doc){ .type = DOC_ARRAY, .len = len, .items = nodes };
	return d;
}

static struct doc copy_node(struct arena *arena, const struct doc *d)
{
	struct doc copy = *d;

	if (d->type == DOC_STRING || d->type == DOC_NUMBER) {
		copy.text = str_copy(arena, (struct str){ d->text, d->len }).at;
	} else if (d->type >= DOC_ARRAY && d->len) {
		u32 count = d->type == DOC_OBJECT ? 2 * d->len : d->len;
		struct doc *items = arena_alloc(arena, count * sizeof *items);

		for (u32 i = 0; i < count; i++)
			items[i] = copy_node(arena, &d->items[i]);
		copy.items = items;
	}
	return copy;
}

const struct doc *doc_copy(struct arena *arena, const struct doc *d)
{
	if (!d)
		return NULL;
	struct doc *copy = arena_alloc(arena, sizeof *copy);

	*copy = copy_node(arena, d);
	return copy;
}

/* A copy of `d`'s own nodes with `count` places taken out at `at` and `more` places added there. */
static struct doc *respan(struct arena *arena, const struct doc *d, u32 at, u32 gone, u32 more)
{
	u32 width = d->type == DOC_OBJECT ? 2 : 1;
	struct doc *copy = arena_alloc(arena, sizeof *copy);
	u32 len = d->len - gone + more;
	struct doc *nodes = arena_alloc(arena, MAX(len, 1u) * width * sizeof *nodes);

	if (at)
		memcpy(nodes, d->items, at * width * sizeof *nodes);
	if (d->len > at + gone)
		memcpy(nodes + (at + more) * width, d->items + (at + gone) * width,
		       (d->len - at - gone) * width * sizeof *nodes);
	*copy = (struct doc){ .type = d->type, .len = len, .items = nodes };
	return copy;
}

const struct doc *doc_with(struct arena *arena, const struct doc *object, struct str key,
			   const struct doc *value)
{
	if (!doc_is(object, DOC_OBJECT))
		object = &doc_empty_object;
	const struct doc *before = doc_get(object, key);
	u32 at = before ? (u32)(before - object->items) / 2 : object->len;

	if (before == value)
		return object;
	if (!value)
		return respan(arena, object, at, 1, 0);
	struct doc *changed = respan(arena, object, at, before != NULL, 1);
	struct doc *pair = (struct doc *)changed->items + 2 * (size_t)at;

	pair[0] = before ? before[-1] : str_node(str_copy(arena, key));
	pair[1] = *value;
	return changed;
}

const struct doc *doc_with_item(struct arena *arena, const struct doc *array, u32 index,
				const struct doc *value)
{
	if (!doc_is(array, DOC_ARRAY))
		array = &doc_empty_array;
	if (index > array->len || (index == array->len && !value))
		return array;
	struct doc *changed = respan(arena, array, index, index < array->len, value != NULL);

	if (value)
		((struct doc *)changed->items)[index] = *value;
	return changed;
}

const struct doc *doc_append(struct arena *arena, const struct doc *array, const struct doc *value)
{
	CHECK(value);
	return doc_with_item(arena, array, doc_len(array), value);
}

static const struct doc *set_path(struct arena *arena, const struct doc *d, struct str rest,
				  const struct doc *value)
{
	if (!rest.at)
		return value;
	struct str step = str_cut(&rest, '.');
	i64 index;

	if (doc_is(d, DOC_ARRAY)) {
		if (!str_to_i64(step, &index) || index < 0 || index > d->len)
			return d;
		const struct doc *old = doc_item(d, (u32)index);

		if (!old && !value)
			return d;
		return doc_with_item(arena, d, (u32)index, set_path(arena, old, rest, value));
	}
	const struct doc *old = doc_get(d, step);

	if (!value && (!old || (rest.at && old->type < DOC_ARRAY)))
		return d; /* nothing there to remove */
	return doc_with(arena, d, step, set_path(arena, old, rest, value));
}

const struct doc *doc_set(struct arena *arena, const struct doc *d, const char *path,
			  const struct doc *value)
{
	return set_path(arena, d, str_of(path), value);
}

const struct doc *doc_set_str(struct arena *arena, const struct doc *d, const char *path,
			      struct str value)
{
	return doc_set(arena, d, path, doc_new_str(arena, value));
}

const struct doc *doc_set_int(struct arena *arena, const struct doc *d, const char *path, i64 value)
{
	return doc_set(arena, d, path, doc_new_int(arena, value));
}

const struct doc *doc_set_bool(struct arena *arena, const struct doc *d, const char *path,
			       bool value)
{
	return doc_set(arena, d, path, doc_new_bool(value));
}

const struct doc *doc_remove(struct arena *arena, const struct doc *d, const char *path)
{
	return doc_set(arena, d, path, NULL);
}
