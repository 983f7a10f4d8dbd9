/* Two documents side by side. Large objects are looked up through a hash index. */
#include "doc/diff.h"

#include "doc/object.h"

static struct key_index index_keys(struct arena *arena, const struct doc *object)
{
	struct key_index index = { .arena = arena };

	for (u32 i = 0; i < doc_len(object); i++)
		key_index_set(&index, doc_pair_key(object, i), i);
	return index;
}

static const struct doc *value_of(const struct doc *object, const struct key_index *index,
				  struct str key)
{
	u32 place = key_index_find(index, key);

	return place == KEY_NOWHERE ? NULL : doc_pair_value(object, place);
}

/* ---- paths */

struct walk {
	struct arena *arena;
	struct diff *diff;
	u32 max;
};

static struct str key_path(struct arena *arena, struct str path, struct str key)
{
	if (str_find_char(key, '.') >= 0 || str_find_char(key, '/') >= 0)
		return str_format(arena, STR_FMT "[" STR_FMT "]", STR_ARG(path), STR_ARG(key));
	return str_format(arena, STR_FMT "%s" STR_FMT, STR_ARG(path), path.len ? "." : "",
			  STR_ARG(key));
}

static void compare(struct walk *w, struct str path, const struct doc *a, const struct doc *b)
{
	if (w->diff->more || doc_eq(a, b))
		return;
	if (!a || !b || a->type != b->type || a->type < DOC_ARRAY) {
		if (w->diff->changes.len >= w->max)
			w->diff->more = true;
		else
			VEC_PUSH(w->arena, &w->diff->changes, (struct diff_change){ path, a, b });
		return;
	}
	if (a->type == DOC_ARRAY) {
		for (u32 i = 0; i < MAX(a->len, b->len); i++)
			compare(w, str_format(w->arena, STR_FMT "[%u]", STR_ARG(path), i),
				doc_item(a, i), doc_item(b, i));
		return;
	}
	struct key_index in_a = index_keys(w->arena, a), in_b = index_keys(w->arena, b);

	for (u32 i = 0; i < a->len; i++) {
		struct str key = doc_pair_key(a, i);

		if (key_index_find(&in_a, key) == i)
			compare(w, key_path(w->arena, path, key), doc_pair_value(a, i),
				value_of(b, &in_b, key));
	}
	for (u32 i = 0; i < b->len; i++) {
		struct str key = doc_pair_key(b, i);

		if (key_index_find(&in_a, key) == KEY_NOWHERE && key_index_find(&in_b, key) == i)
			compare(w, key_path(w->arena, path, key), NULL, doc_pair_value(b, i));
	}
}

void diff_paths(struct arena *arena, const struct doc *a, const struct doc *b, u32 max,
		struct diff *ret_diff)
{
	struct walk w = { .arena = arena, .diff = ret_diff, .max = max };

	*ret_diff = (struct diff){ 0 };
	compare(&w, STR(""), a, b);
}

/* ---- merge patch */

const struct doc *diff_merge(struct arena *arena, const struct doc *from, const struct doc *to)
{
	if (!doc_is(to, DOC_OBJECT))
		return to;
	struct key_index old = index_keys(arena, from), new = index_keys(arena, to);
	struct object_edit patch = object_edit(arena, NULL);

	for (u32 i = 0; i < doc_len(from); i++)
		if (key_index_find(&new, doc_pair_key(from, i)) == KEY_NOWHERE)
			object_edit_set(&patch, doc_pair_key(from, i), &doc_null);
	for (u32 i = 0; i < to->len; i++) {
		struct str key = doc_pair_key(to, i);
		const struct doc *before = value_of(from, &old, key),
				 *after = doc_pair_value(to, i);

		if (key_index_find(&new, key) != i || (before && doc_eq(before, after)))
			continue;
		if (doc_is(before, DOC_OBJECT) && after->type == DOC_OBJECT)
			after = diff_merge(arena, before, after);
		object_edit_set(&patch, key, after);
	}
	return object_edit_done(&patch);
}
