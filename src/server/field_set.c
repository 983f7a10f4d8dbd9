/* Walks an object, its tables and a set side by side. */
#include "server/field_set.h"

#include "base/buffer.h"
#include "doc/build.h"
#include "doc/json.h"

/* How a value is taken apart: key by key, item by item, or not at all. */
enum walk { WALK_LEAF, WALK_STRUCT, WALK_MAP, WALK_LIST_MAP, WALK_LIST_SET };

/* The type of a value: a field's, or (item) of what is inside a list or map of that field. */
struct type {
	const struct api_struct *of;   /* WALK_STRUCT, and items of lists of structs */
	const struct api_field *field; /* NULL: a kind's root */
	bool item;
};

static enum walk walk_of(struct type type, const struct doc *value)
{
	const struct api_field *f = type.field;

	if (doc_is(value, DOC_OBJECT)) {
		if (f && f->flags & API_ATOMIC && !type.item)
			return WALK_LEAF;
		if (f && f->shape == API_MAP && !type.item)
			return WALK_MAP;
		return type.of ? WALK_STRUCT : WALK_LEAF;
	}
	if (!doc_is(value, DOC_ARRAY) || !f || type.item || f->shape != API_LIST)
		return WALK_LEAF;
	if (f->list == API_LIST_MAP)
		return WALK_LIST_MAP;
	return f->list == API_LIST_SET ? WALK_LIST_SET : WALK_LEAF;
}

/* False: the struct has no such field. */
static bool type_of_key(struct type type, enum walk walk, struct str key, struct type *ret)
{
	const struct api_field *field;

	if (walk == WALK_MAP) {
		*ret = (struct type){ type.of, type.field, true };
		return true;
	}
	field = api_field_find(type.of, key);
	if (!field)
		return false;
	*ret = (struct type){ field->type == API_STRUCT ? field->of : NULL, field, false };
	return true;
}

static struct type type_of_item(struct type type)
{
	return (struct type){ type.of, type.field, true };
}

/* ---- names of members */

static struct str field_member(struct arena *arena, struct str key)
{
	return str_format(arena, "f:" STR_FMT, STR_ARG(key));
}

/* A key an item leaves out has its default: a port's protocol is TCP. */
static const struct doc *key_value(const struct api_struct *of, const struct doc *item,
				   struct str key)
{
	const struct doc *value = doc_get(item, key);
	const struct api_field *field = value || !of ? NULL : api_field_find(of, key);

	return field ? field->value : value;
}

static struct str item_member(struct arena *arena, struct type type, enum walk walk,
			      const struct doc *item)
{
	const struct api_field *f = type.field;
	const struct doc *keys = NULL;

	if (walk == WALK_LIST_SET)
		return str_format(arena, "v:" STR_FMT, STR_ARG(json_text(arena, item)));
	/* Keys stand in order of the alphabet. */
	for (struct str last = STR("");;) {
		struct str next = STR_NONE;

		for (u32 i = 0; i < f->list_keys_len; i++)
			if (str_cmp(f->list_keys[i], last) > 0 &&
			    (!next.at || str_cmp(f->list_keys[i], next) < 0))
				next = f->list_keys[i];
		if (!next.at)
			break;
		keys = doc_with(arena, keys, next, key_value(type.of, item, next));
		last = next;
	}
	return str_format(arena, "k:" STR_FMT,
			  STR_ARG(json_text(arena, keys ? keys : &doc_empty_object)));
}

static const struct doc *find_item(struct arena *arena, struct type type, enum walk walk,
				   const struct doc *list, struct str member, u32 *ret_index)
{
	for (u32 i = 0; i < doc_len(list); i++)
		if (str_eq(item_member(arena, type, walk, doc_item(list, i)), member)) {
			if (ret_index)
				*ret_index = i;
			return doc_item(list, i);
		}
	return NULL;
}

/* ---- collecting */

struct collector {
	struct arena *arena;
	bool differing; /* only what `live` does not say the same */
	bool itself;	/* and maps, lists and pointers that are new count themselves */
};

/* Go prints a struct, and a list that it always prints, also when nothing is in it: those are there
 * already in an object that says nothing. */
static bool counts_itself(struct type type)
{
	const struct api_field *f = type.field;

	if (!f || type.item)
		return false;
	return f->shape == API_MAP || f->shape == API_LIST ? (f->flags & API_OMITEMPTY) != 0
							   : (f->flags & API_POINTER) != 0;
}

static const struct doc *collect(const struct collector *c, struct type type,
				 const struct doc *value, const struct doc *live);

static const struct doc *collect_object(const struct collector *c, struct type type, enum walk walk,
					const struct doc *value, const struct doc *live)
{
	struct build b = build_object(c->arena);
	u32 members = 0;

	doc_each_pair(value, key, below) {
		struct type inner;
		const struct doc *set;

		if (!type_of_key(type, walk, key, &inner))
			continue;
		set = collect(c, inner, below, doc_get(live, key));
		if (!set)
			continue;
		build_pair(&b, field_member(c->arena, key), set);
		members++;
	}
	return members ? build_done(&b) : NULL;
}

static const struct doc *collect_list(const struct collector *c, struct type type, enum walk walk,
				      const struct doc *value, const struct doc *live)
{
	struct build b = build_object(c->arena);
	u32 members = 0;

	doc_each_item(value, item) {
		struct str member = item_member(c->arena, type, walk, item);
		const struct doc *there = find_item(c->arena, type, walk, live, member, NULL);
		const struct doc *set = &doc_empty_object;

		if (walk == WALK_LIST_MAP) {
			set = collect(c, type_of_item(type), item, there);
			if (!there || !c->differing)
				set = doc_with(c->arena, set, STR("."), &doc_empty_object);
		} else if (there && c->differing) {
			set = NULL;
		}
		if (!set)
			continue;
		build_pair(&b, member, set);
		members++;
	}
	return members ? build_done(&b) : NULL;
}

static const struct doc *collect(const struct collector *c, struct type type,
				 const struct doc *value, const struct doc *live)
{
	enum walk walk = walk_of(type, value);

	if (c->differing && live && doc_eq(value, live))
		return NULL;
	if (walk == WALK_LEAF || doc_len(value) == 0)
		return &doc_empty_object;
	const struct doc *set = walk == WALK_STRUCT || walk == WALK_MAP
					? collect_object(c, type, walk, value, live)
					: collect_list(c, type, walk, value, live);

	if (set && c->itself && !live && counts_itself(type))
		set = doc_with(c->arena, set, STR("."), &doc_empty_object);
	return set;
}

const struct doc *field_set_of(struct arena *arena, const struct api_struct *root,
			       const struct doc *object)
{
	struct collector c = { arena, false, false };

	return collect(&c, (struct type){ root, NULL, false }, object, NULL);
}

const struct doc *field_set_changed(struct arena *arena, const struct api_struct *root,
				    const struct doc *object, const struct doc *live)
{
	struct collector c = { arena, true, false };

	return collect(&c, (struct type){ root, NULL, false }, object, live);
}

const struct doc *field_set_added(struct arena *arena, const struct api_struct *root,
				  const struct doc *object, const struct doc *live)
{
	struct collector c = { arena, true, true };

	return collect(&c, (struct type){ root, NULL, false }, object, live);
}

/* ---- sets against each other */

const struct doc *field_set_union(struct arena *arena, const struct doc *a, const struct doc *b)
{
	if (!a || !b)
		return a ? a : b;
	/* A field as such and what is below it. */
	if (doc_len(a) == 0 || doc_len(b) == 0) {
		const struct doc *deep = doc_len(a) ? a : b;

		return doc_len(deep) ? doc_with(arena, deep, STR("."), &doc_empty_object) : deep;
	}
	doc_each_pair(b, key, below)
		a = doc_with(arena, a, key, field_set_union(arena, doc_get(a, key), below));
	return a;
}

const struct doc *field_set_minus(struct arena *arena, const struct doc *a, const struct doc *b)
{
	struct build out = build_object(arena);
	u32 members = 0;

	if (!a || !b)
		return a;
	if (doc_len(a) == 0)
		return NULL;
	doc_each_pair(a, key, below) {
		const struct doc *other = doc_get(b, key);
		const struct doc *left = other ? field_set_minus(arena, below, other) : below;

		if (!left)
			continue;
		build_pair(&out, key, left);
		members++;
	}
	return members ? build_done(&out) : NULL;
}

/* "f:image" → ".image", k:{"name":"a"} → [name="a"], v:"x" → [="x"]. */
static struct str path_below(struct arena *arena, struct str path, struct str member)
{
	const struct doc *keys;
	struct str inside = str_from(member, 2), text = STR("");

	if (str_starts(member, STR("f:")))
		return str_format(arena, STR_FMT "." STR_FMT, STR_ARG(path), STR_ARG(inside));
	if (str_starts(member, STR("v:")))
		return str_format(arena, STR_FMT "[=" STR_FMT "]", STR_ARG(path), STR_ARG(inside));
	if (str_is(member, ".") || json_parse(arena, inside, &keys, NULL) != ST_OK)
		return path;
	doc_each_pair(keys, key, value)
		text = str_format(arena, STR_FMT "%s" STR_FMT "=" STR_FMT, STR_ARG(text),
				  text.len ? "," : "", STR_ARG(key),
				  STR_ARG(json_text(arena, value)));
	return str_format(arena, STR_FMT "[" STR_FMT "]", STR_ARG(path), STR_ARG(text));
}

static void common_below(struct arena *arena, struct str path, const struct doc *a,
			 const struct doc *b, struct field_paths *paths)
{
	if (doc_len(a) == 0 && doc_len(b) == 0) {
		VEC_PUSH(arena, &paths->list, path);
		return;
	}
	doc_each_pair(a, key, below) {
		const struct doc *other = doc_get(b, key);

		if (other)
			common_below(arena, path_below(arena, path, key), below, other, paths);
	}
}

void field_set_common(struct arena *arena, const struct doc *a, const struct doc *b,
		      struct field_paths *paths)
{
	if (a && b)
		common_below(arena, STR(""), a, b, paths);
}

/* ---- objects and sets */

static const struct doc *merge(struct arena *arena, struct type type, const struct doc *live,
			       const struct doc *applied)
{
	enum walk walk = walk_of(type, applied);

	if (walk == WALK_LEAF || !live || walk_of(type, live) != walk)
		return applied;
	if (walk == WALK_STRUCT || walk == WALK_MAP) {
		doc_each_pair(applied, key, below) {
			struct type inner;

			if (type_of_key(type, walk, key, &inner))
				live = doc_with(arena, live, key,
						merge(arena, inner, doc_get(live, key), below));
			else
				live = doc_with(arena, live, key, below);
		}
		return live;
	}
	doc_each_item(applied, item) {
		struct str member = item_member(arena, type, walk, item);
		u32 at = 0;
		const struct doc *there = find_item(arena, type, walk, live, member, &at);

		if (!there)
			live = doc_append(arena, live, item);
		else if (walk == WALK_LIST_MAP)
			live = doc_with_item(arena, live, at,
					     merge(arena, type_of_item(type), there, item));
	}
	return live;
}

const struct doc *field_set_merge(struct arena *arena, const struct api_struct *root,
				  const struct doc *live, const struct doc *applied)
{
	return merge(arena, (struct type){ root, NULL, false }, live, applied);
}

static const struct doc *take_out(struct arena *arena, struct type type, const struct doc *value,
				  const struct doc *set)
{
	enum walk walk = walk_of(type, value);

	if (walk == WALK_STRUCT || walk == WALK_MAP) {
		doc_each_pair(set, member, below) {
			struct str key = str_from(member, 2);
			const struct doc *there = doc_get(value, key);
			struct type inner;

			if (!there || !type_of_key(type, walk, key, &inner))
				continue;
			value = doc_with(arena, value, key,
					 doc_len(below) ? take_out(arena, inner, there, below)
							: NULL);
		}
		return value;
	}
	doc_each_pair(set, member, below) {
		u32 at = 0;
		const struct doc *there = find_item(arena, type, walk, value, member, &at);

		if (!there || walk == WALK_LEAF)
			continue;
		/* The item as such, or only some of its fields. */
		value = doc_with_item(arena, value, at,
				      doc_len(below) && !doc_key(below, ".")
					      ? take_out(arena, type_of_item(type), there, below)
					      : NULL);
	}
	return value;
}

const struct doc *field_set_remove(struct arena *arena, const struct api_struct *root,
				   const struct doc *object, const struct doc *set)
{
	return set ? take_out(arena, (struct type){ root, NULL, false }, object, set) : object;
}
