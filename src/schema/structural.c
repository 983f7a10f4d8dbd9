/* Walks an object and its schema side by side: what is unknown goes, what is missing comes. */
#include "schema/structural.h"

static bool says(const struct doc *schema, const char *key)
{
	return doc_bool_or(doc_get(schema, str_of(key)), false);
}

/* The schema of one property: its own, or that of any other. NULL: there is none. */
static const struct doc *property(const struct doc *schema, struct str key)
{
	const struct doc *found = doc_get(doc_key(schema, "properties"), key);
	const struct doc *others = doc_key(schema, "additionalProperties");

	if (found)
		return found;
	return doc_is(others, DOC_OBJECT) ? others : NULL;
}

static bool keeps_unknown(const struct doc *schema)
{
	return says(schema, "x-kubernetes-preserve-unknown-fields") ||
	       doc_is(doc_key(schema, "additionalProperties"), DOC_TRUE);
}

static bool is_type_meta(struct str key)
{
	return str_is(key, "apiVersion") || str_is(key, "kind") || str_is(key, "metadata");
}

/* ---- pruning */

struct pruning {
	struct arena *arena;
	struct field_problems *problems;
};

static void add_unknown(const struct pruning *p, struct str path)
{
	struct field_problems *found = p->problems;

	if (found && found->len < FIELD_PROBLEMS_MAX)
		found->at[found->len++] =
			str_format(p->arena, "unknown field \"" STR_FMT "\"", STR_ARG(path));
}

static const struct doc *prune(const struct pruning *p, const struct doc *schema,
			       const struct doc *value, struct str path, bool root);

static const struct doc *prune_object(const struct pruning *p, const struct doc *schema,
				      const struct doc *value, struct str path, bool root)
{
	bool keep = keeps_unknown(schema);
	bool embedded = root || says(schema, "x-kubernetes-embedded-resource");
	struct doc *pairs = arena_alloc(p->arena, sizeof *pairs * 2 * (value->len + 1));
	struct doc *made;
	u32 len = 0;
	bool same = true;

	for (u32 i = 0; i < value->len; i++) {
		struct str key = doc_pair_key(value, i);
		const struct doc *below = doc_pair_value(value, i), *out = below;
		const struct doc *of = property(schema, key);
		struct str at = str_format(p->arena, STR_FMT "%s" STR_FMT, STR_ARG(path),
					   path.len ? "." : "", STR_ARG(key));

		if (embedded && is_type_meta(key)) {
			out = below;
		} else if (!of && !keep) {
			add_unknown(p, at);
			same = false;
			continue;
		} else if (of && below->type == DOC_NULL && !says(of, "nullable")) {
			same = false;
			continue;
		} else if (of) {
			out = prune(p, of, below, at, false);
		}
		same = same && out == below;
		pairs[2 * len] = value->items[2 * i];
		pairs[2 * len++ + 1] = *out;
	}
	if (same)
		return value;
	made = arena_copy(p->arena, value, sizeof *value);
	made->items = pairs;
	made->len = len;
	return made;
}

static const struct doc *prune(const struct pruning *p, const struct doc *schema,
			       const struct doc *value, struct str path, bool root)
{
	const struct doc *items = doc_key(schema, "items");

	if (value->type == DOC_OBJECT)
		return prune_object(p, schema, value, path, root);
	if (value->type != DOC_ARRAY || !items)
		return value;
	for (u32 i = 0; i < value->len; i++) {
		const struct doc *item = &value->items[i];
		const struct doc *out =
			prune(p, items, item,
			      str_format(p->arena, STR_FMT "[%u]", STR_ARG(path), i), false);

		if (out != item)
			value = doc_with_item(p->arena, value, i, out);
	}
	return value;
}

const struct doc *structural_prune(struct arena *arena, const struct doc *schema,
				   const struct doc *object, struct field_problems *problems)
{
	struct pruning p = { arena, problems };

	return doc_is(object, DOC_OBJECT) ? prune(&p, schema, object, STR(""), true) : object;
}

/* ---- defaults */

static const struct doc *fill(struct arena *arena, const struct doc *schema,
			      const struct doc *value);

static const struct doc *fill_object(struct arena *arena, const struct doc *schema,
				     const struct doc *value)
{
	const struct doc *object = value;

	doc_each_pair(doc_key(schema, "properties"), key, of) {
		const struct doc *made = doc_key(of, "default"), *there = doc_get(value, key);

		if (made && doc_is_null(there) && !(there && says(of, "nullable")))
			object = doc_with(arena, object, key, made);
	}
	value = object;
	doc_each_pair(value, key, below) {
		const struct doc *of = property(schema, key);
		const struct doc *out = of ? fill(arena, of, below) : below;

		if (out != below)
			object = doc_with(arena, object, key, out);
	}
	return object;
}

static const struct doc *fill(struct arena *arena, const struct doc *schema,
			      const struct doc *value)
{
	const struct doc *items = doc_key(schema, "items");

	if (value->type == DOC_OBJECT)
		return fill_object(arena, schema, value);
	if (value->type != DOC_ARRAY || !items)
		return value;
	for (u32 i = 0; i < value->len; i++) {
		const struct doc *item = &value->items[i], *out = fill(arena, items, item);

		if (out != item)
			value = doc_with_item(arena, value, i, out);
	}
	return value;
}

const struct doc *structural_default(struct arena *arena, const struct doc *schema,
				     const struct doc *object)
{
	return fill(arena, schema, object);
}
