/*
 * Applying. The order of a merged list is settled last, from three sources: what $setElementOrder
 * (or the patch itself) says, then where items stood in the target.
 */
#include "doc/patch_strategic.h"

#include "base/check.h"
#include "doc/json.h"
#include "doc/strategic.h"

static enum status merge_list(struct strategic *s, const struct doc *target,
			      const struct doc *patch, const struct patch_field *field,
			      const struct doc **ret_doc);

static enum status unknown_directive(struct strategic *s, const struct doc *directive,
				     const struct doc *patch)
{
	struct str word = json_text(s->arena, directive), map = json_text(s->arena, patch);

	return fail(s->error, ST_INVALID, "unknown patch type: " STR_FMT " in map: " STR_FMT,
		    STR_ARG(word), STR_ARG(map));
}

/* ---- lists */

struct sides {
	struct doc_list patch, server; /* items the order names, and the others */
};

/* Both sides are sorted; a server's item goes before the first item of the patch that the server
 * held behind it, so that the relative order of each side stays. */
static enum status interleave(struct strategic *s, const struct sides *sides,
			      const struct key_index *server_order, struct str merge_key,
			      const struct doc **ret_doc)
{
	const struct doc_list *left = &sides->server, *right = &sides->patch;
	struct doc_list all = { 0 };
	u32 i = 0, j = 0;
	struct str a, b;

	while (i < left->items.len && j < right->items.len) {
		enum status status = strategic_item_key(s, left->items.at[i], merge_key, &a);

		if (status == ST_OK)
			status = strategic_item_key(s, right->items.at[j], merge_key, &b);
		if (status != ST_OK)
			return status;
		u32 x = key_index_find(server_order, a), y = key_index_find(server_order, b);
		bool before = x != KEY_NOWHERE && y != KEY_NOWHERE && x < y;

		VEC_PUSH(s->arena, &all.items, before ? left->items.at[i++] : right->items.at[j++]);
	}
	while (i < left->items.len)
		VEC_PUSH(s->arena, &all.items, left->items.at[i++]);
	while (j < right->items.len)
		VEC_PUSH(s->arena, &all.items, right->items.at[j++]);
	*ret_doc = doc_list_done(s->arena, &all);
	return ST_OK;
}

static enum status order_list(struct strategic *s, const struct doc *merged,
			      const struct doc *patch_order, const struct doc *server_order,
			      struct str merge_key, const struct doc **ret_doc)
{
	struct key_index wanted, before;
	struct sides sides = { 0 };
	enum status status = strategic_index(s, patch_order, merge_key, &wanted);
	struct str key;

	if (status == ST_OK)
		status = strategic_index(s, server_order, merge_key, &before);
	doc_each_item(merged, item) {
		if (status == ST_OK)
			status = strategic_item_key(s, item, merge_key, &key);
		if (status != ST_OK)
			return status;
		if (key_index_find(&wanted, key) != KEY_NOWHERE)
			VEC_PUSH(s->arena, &sides.patch.items, item);
		else
			VEC_PUSH(s->arena, &sides.server.items, item);
	}
	if (status == ST_OK)
		status = strategic_sort(s, &sides.patch, &wanted, merge_key);
	if (status == ST_OK)
		status = strategic_sort(s, &sides.server, &before, merge_key);
	if (status == ST_OK)
		status = interleave(s, &sides, &before, merge_key, ret_doc);
	return status;
}

static enum status merge_scalars(struct strategic *s, const struct doc *target,
				 const struct doc *patch, const struct doc **ret_doc)
{
	const struct doc *lists[] = { target, patch };
	struct key_index seen = { .arena = s->arena };
	struct doc_list merged = { 0 };
	struct str key;

	for (u32 i = 0; i < ARRAY_LEN(lists); i++) {
		doc_each_item(lists[i], item) {
			enum status status = strategic_item_key(s, item, STR_NONE, &key);

			if (status != ST_OK)
				return status;
			if (key_index_find(&seen, key) != KEY_NOWHERE)
				continue;
			key_index_set(&seen, key, 0);
			VEC_PUSH(s->arena, &merged.items, item);
		}
	}
	*ret_doc = doc_list_done(s->arena, &merged);
	return ST_OK;
}

/* Carries out the items that are directives: deletions from *target, {$patch: replace}. What is
 * left of the patch comes back in *patch. */
static enum status obey_items(struct strategic *s, struct str merge_key, const struct doc **target,
			      const struct doc **patch)
{
	struct key_index deleted = { .arena = s->arena };
	struct doc_list rest = { 0 }, kept = { 0 };
	bool replace = false;
	enum status status;
	struct str key;

	doc_each_item(*patch, item) {
		const struct doc *directive = doc_key(item, DIRECTIVE_PATCH);

		if (!directive) {
			VEC_PUSH(s->arena, &rest.items, item);
		} else if (strategic_deletes(item)) {
			status = strategic_item_key(s, item, merge_key, &key);
			if (status != ST_OK)
				return status;
			key_index_set(&deleted, key, 0);
		} else if (str_is(doc_str(directive), "replace")) {
			replace = true;
		} else if (str_is(doc_str(directive), "merge")) {
			return fail(s->error, ST_INVALID,
				    "merging lists cannot yet be specified in the patch");
		} else {
			return unknown_directive(s, directive, item);
		}
	}
	*patch = doc_list_done(s->arena, &rest);
	if (replace)
		*target = &doc_empty_array;
	doc_each_item(*target, item) {
		if (deleted.len) {
			status = strategic_item_key(s, item, merge_key, &key);
			if (status != ST_OK)
				return status;
			if (key_index_find(&deleted, key) != KEY_NOWHERE)
				continue;
		}
		VEC_PUSH(s->arena, &kept.items, item);
	}
	*target = doc_list_done(s->arena, &kept);
	return ST_OK;
}

static enum status merge_objects(struct strategic *s, const struct doc *target,
				 const struct doc *patch, const struct patch_field *field,
				 const struct doc **ret_doc)
{
	struct doc_list merged = { 0 };
	struct key_index index;
	enum status status = strategic_index(s, target, field->merge_key, &index);
	struct str key;

	if (status != ST_OK)
		return status;
	doc_each_item(target, item)
		VEC_PUSH(s->arena, &merged.items, item);
	doc_each_item(patch, item) {
		status = strategic_item_key(s, item, field->merge_key, &key);
		if (status != ST_OK)
			return status;
		u32 place = key_index_find(&index, key);
		const struct doc *old = place == KEY_NOWHERE ? NULL : merged.items.at[place], *new;

		if (!old && s->keep_directives)
			new = item;
		else if ((status = strategic_merge(s, old, item, field->type, &new)) != ST_OK)
			return status;
		if (old) {
			merged.items.at[place] = new;
			continue;
		}
		key_index_set(&index, key, merged.items.len);
		VEC_PUSH(s->arena, &merged.items, new);
	}
	*ret_doc = doc_list_done(s->arena, &merged);
	return ST_OK;
}

static enum status merge_list(struct strategic *s, const struct doc *target,
			      const struct doc *patch, const struct patch_field *field,
			      const struct doc **ret_doc)
{
	const struct doc *merged;
	enum element element;
	enum status status;

	if (!field->merge) {
		*ret_doc = patch;
		return ST_OK;
	}
	status = strategic_element(s, target, patch, &element);
	if (status != ST_OK)
		return status;
	if (element == ELEMENT_SCALAR) {
		status = merge_scalars(s, target, patch, &merged);
	} else if (element == ELEMENT_OBJECT) {
		if (!field->merge_key.len)
			return fail(s->error, ST_INVALID,
				    "cannot merge lists without merge key for type map");
		status = obey_items(s, field->merge_key, &target, &patch);
		if (status == ST_OK)
			status = merge_objects(s, target, patch, field, &merged);
	} else {
		*ret_doc = &doc_empty_array;
		return ST_OK;
	}
	if (status != ST_OK)
		return status;
	return order_list(s, merged, patch, target, field->merge_key, ret_doc);
}

static enum status delete_scalars(struct strategic *s, const struct doc *target,
				  const struct doc *gone, const struct doc **ret_doc)
{
	struct doc_list kept = { 0 };
	struct key_index index;
	enum status status;
	struct str key;

	if (!doc_is(gone, DOC_ARRAY) || !doc_is(target, DOC_ARRAY))
		return fail(s->error, ST_BAD_REQUEST, "invalid patch format of primitive list");
	status = strategic_index(s, gone, STR_NONE, &index);
	doc_each_item(target, item) {
		if (status == ST_OK)
			status = strategic_item_key(s, item, STR_NONE, &key);
		if (status != ST_OK)
			return status;
		if (key_index_find(&index, key) == KEY_NOWHERE)
			VEC_PUSH(s->arena, &kept.items, item);
	}
	*ret_doc = doc_list_done(s->arena, &kept);
	return status;
}

/* A list the target does not have yet: as the patch gives it, without its directives and nulls.
 * Items are not matched: ports may well name one containerPort twice, for TCP and for UDP. */
static enum status new_list(struct strategic *s, const struct doc *patch,
			    const struct patch_field *field, const struct doc **ret_doc)
{
	struct doc_list list = { 0 };

	doc_each_item(patch, item) {
		const struct doc *new = item;

		if (item->type == DOC_OBJECT) {
			if (field->merge && doc_key(item, DIRECTIVE_PATCH))
				continue; /* there is nothing to delete or to replace */
			enum status status = strategic_merge(s, NULL, item, field->type, &new);

			if (status != ST_OK)
				return status;
		}
		VEC_PUSH(s->arena, &list.items, new);
	}
	*ret_doc = doc_list_done(s->arena, &list);
	return ST_OK;
}

/* ---- objects */

static enum status retain_keys(struct strategic *s, struct object_edit *target,
			       const struct doc *patch)
{
	const struct doc *keys = doc_key(patch, DIRECTIVE_RETAIN);
	struct key_index kept = { .arena = s->arena };

	if (!keys)
		return ST_OK;
	if (s->keep_directives) {
		object_edit_set(target, STR(DIRECTIVE_RETAIN), keys);
		return ST_OK;
	}
	if (keys->type != DOC_ARRAY)
		return fail(s->error, ST_BAD_REQUEST, "invalid patch format of retainKeys");
	doc_each_item(keys, key)
		key_index_set(&kept, doc_str(key), 0);
	for (u32 i = 0; i < patch->len; i++) {
		struct str key = doc_pair_key(patch, i);

		if (doc_pair_value(patch, i)->type != DOC_NULL &&
		    !str_starts(key, STR(DIRECTIVE_DELETE)) &&
		    !str_starts(key, STR(DIRECTIVE_ORDER)) && !str_is(key, DIRECTIVE_RETAIN) &&
		    key_index_find(&kept, key) == KEY_NOWHERE)
			return fail(s->error, ST_BAD_REQUEST, "invalid patch format of retainKeys");
	}
	for (u32 i = 0; i < target->from->len; i++)
		if (key_index_find(&kept, doc_pair_key(target->from, i)) == KEY_NOWHERE)
			object_edit_set(target, doc_pair_key(target->from, i), NULL);
	return ST_OK;
}

/* The items a patch changes must stand in its $setElementOrder, in that order. */
static enum status check_order(struct strategic *s, const struct doc *patch,
			       const struct doc *order, struct str merge_key)
{
	struct key_index index;
	enum status status = strategic_index(s, order, merge_key, &index);
	i64 last = -1;
	struct str key;

	if (status != ST_OK || !doc_len(order))
		return status;
	doc_each_item(patch, item) {
		if (doc_key(item, DIRECTIVE_PATCH))
			continue;
		status = strategic_item_key(s, item, merge_key, &key);
		if (status != ST_OK)
			return status;
		i64 place = (i64)key_index_find(&index, key);

		if (place == KEY_NOWHERE || place < last) {
			struct str items = json_text(s->arena, patch);
			struct str wanted = json_text(s->arena, order);

			return fail(s->error, ST_BAD_REQUEST,
				    "The order in patch list:\n" STR_FMT
				    "\n doesn't match $setElementOrder list:\n" STR_FMT "\n",
				    STR_ARG(items), STR_ARG(wanted));
		}
		last = place;
	}
	return ST_OK;
}

/* One $setElementOrder/<list>, together with the change of that list in the same patch. */
static enum status set_order(struct strategic *s, struct object_edit *target,
			     const struct doc *patch, struct str list, const struct doc *order,
			     const void *type)
{
	struct patch_field field = strategic_field(s, type, list);
	const struct doc *change = doc_get(patch, list), *merged;
	const struct doc *before = object_edit_get(target, list);
	enum element element;
	enum status status;

	if (order->type != DOC_ARRAY || (change && change->type != DOC_ARRAY) ||
	    (before && before->type != DOC_ARRAY))
		return fail(s->error, ST_BAD_REQUEST,
			    "invalid patch format of setElementOrder list");
	status = check_order(s, change, order, field.merge_key);
	if (status == ST_OK && (before || change))
		status = strategic_element(s, before, change, &element);
	if (status != ST_OK || (!before && !change))
		return status;
	if (change && before)
		status = merge_list(s, before, change, &field, &merged);
	else if (change && !s->keep_directives)
		status = new_list(s, change, &field, &merged);
	else
		merged = change ? change : before;
	if (status == ST_OK)
		status = order_list(s, merged, order, before, field.merge_key, &merged);
	if (status == ST_OK)
		object_edit_set(target, list, merged);
	return status;
}

/* One ordinary key of a patch. */
static enum status set_value(struct strategic *s, struct object_edit *target, struct str key,
			     const struct doc *value, const void *type)
{
	const struct doc *old = object_edit_get(target, key), *new = value;
	struct patch_field field;
	enum status status = ST_OK;

	if (value->type == DOC_NULL) {
		object_edit_set(target, key, s->keep_directives ? value : NULL);
		return ST_OK;
	}
	if (old && old->type != value->type)
		old = NULL;
	if (value->type >= DOC_ARRAY)
		field = strategic_field(s, type, key);
	if (!old && s->keep_directives)
		new = value;
	else if (value->type == DOC_OBJECT)
		status = strategic_merge(s, old, value, field.type, &new);
	else if (value->type == DOC_ARRAY && old && field.merge)
		status = merge_list(s, old, value, &field, &new);
	else if (value->type == DOC_ARRAY)
		status = new_list(s, value, &field, &new);
	if (status == ST_OK)
		object_edit_set(target, key, new);
	return status;
}

/* {$patch: replace, …} and {$patch: delete}. */
static enum status obey_object(struct strategic *s, const struct doc *directive,
			       const struct doc *patch, const void *type,
			       const struct doc **ret_doc)
{
	struct str word = doc_str(directive);

	if (str_is(word, "delete")) {
		*ret_doc = &doc_empty_object;
		return ST_OK;
	}
	if (!str_is(word, "replace"))
		return unknown_directive(s, directive, patch);
	patch = doc_with(s->arena, patch, STR(DIRECTIVE_PATCH), NULL);
	if (!s->keep_directives)
		return strategic_merge(s, NULL, patch, type, ret_doc);
	*ret_doc = patch;
	return ST_OK;
}

enum status strategic_merge(struct strategic *s, const struct doc *target, const struct doc *patch,
			    const void *type, const struct doc **ret_doc)
{
	const struct doc *directive = doc_key(patch, DIRECTIVE_PATCH);
	struct key_index ordered = { .arena = s->arena };
	struct object_edit edit = object_edit(s->arena, target);
	enum status status;

	if (directive && !str_is(doc_str(directive), "merge"))
		return obey_object(s, directive, patch, type, ret_doc);
	status = retain_keys(s, &edit, patch);
	for (u32 i = 0; i < patch->len && status == ST_OK; i++) {
		struct str key = doc_pair_key(patch, i);

		if (!str_starts(key, STR(DIRECTIVE_ORDER)))
			continue;
		struct str list = str_from(key, sizeof DIRECTIVE_ORDER - 1);

		key_index_set(&ordered, list, 0);
		if (s->keep_directives)
			object_edit_set(&edit, key, doc_pair_value(patch, i));
		status = set_order(s, &edit, patch, list, doc_pair_value(patch, i), type);
	}
	for (u32 i = 0; i < patch->len && status == ST_OK; i++) {
		struct str key = doc_pair_key(patch, i);
		const struct doc *value = doc_pair_value(patch, i);

		if (str_is(key, DIRECTIVE_PATCH) || str_is(key, DIRECTIVE_RETAIN) ||
		    str_starts(key, STR(DIRECTIVE_ORDER)) ||
		    key_index_find(&ordered, key) != KEY_NOWHERE)
			continue;
		if (!str_starts(key, STR(DIRECTIVE_DELETE))) {
			status = set_value(s, &edit, key, value, type);
			continue;
		}
		struct str list = str_from(key, sizeof DIRECTIVE_DELETE - 1);
		const struct doc *old = object_edit_get(&edit, list), *rest = value;

		if (s->keep_directives)
			list = key;
		else if (!old)
			continue;
		else
			status = delete_scalars(s, old, value, &rest);
		if (status == ST_OK)
			object_edit_set(&edit, list, rest);
	}
	if (status == ST_OK)
		*ret_doc = object_edit_done(&edit);
	return status;
}

enum status patch_strategic(struct arena *arena, const struct patch_schema *schema,
			    const struct doc *target, const struct doc *patch,
			    const struct doc **ret_doc, struct error *error)
{
	struct error unread = ERROR_INIT;
	struct strategic s = { .arena = arena, .schema = schema, .error = error ? error : &unread };

	if (!doc_is(patch, DOC_OBJECT))
		return fail(error, ST_BAD_REQUEST, "a strategic merge patch must be an object");
	return strategic_merge(&s, target, patch, schema->root, ret_doc);
}
