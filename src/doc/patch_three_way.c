/*
 * Three documents, two patches: what modified adds to or changes in current, and what it no longer
 * has of original. The first is merged into the second as a patch into a patch.
 */
#include "doc/patch_three_way.h"

#include "doc/diff.h"
#include "doc/json.h"
#include "doc/patch_merge.h"
#include "doc/strategic.h"

/* ---- conflicts, for --overwrite=false: do two patches want different things at one place? */

static bool conflict(struct strategic *s, const struct doc *a, const struct doc *b,
		     const void *type, const struct patch_field *field);

static bool objects_conflict(struct strategic *s, const struct doc *a, const struct doc *b,
			     const void *type)
{
	const struct doc *mark_a = doc_key(a, DIRECTIVE_PATCH),
			 *mark_b = doc_key(b, DIRECTIVE_PATCH);

	if ((mark_a || mark_b) && !doc_eq(mark_a, mark_b))
		return true; /* one replaces or deletes what the other changes */
	for (u32 i = 0; i < a->len; i++) {
		struct str key = doc_pair_key(a, i);
		const struct doc *other = doc_get(b, key);

		if (!other || str_is(key, DIRECTIVE_PATCH) || str_is(key, DIRECTIVE_RETAIN) ||
		    str_starts(key, STR(DIRECTIVE_ORDER)))
			continue;
		struct patch_field field = strategic_field(s, type, key);

		if (conflict(s, doc_pair_value(a, i), other, field.type, &field))
			return true;
	}
	return false;
}

static bool lists_conflict(struct strategic *s, const struct doc *a, const struct doc *b,
			   const struct patch_field *field)
{
	struct key_index index;
	struct str key;

	if (!field->merge)
		return !doc_eq(a, b);
	if (!doc_is(doc_item(a, 0), DOC_OBJECT))
		return false; /* merging lists of scalars cannot contradict each other */
	if (strategic_index(s, b, field->merge_key, &index) != ST_OK)
		return true;
	doc_each_item(a, item) {
		if (strategic_item_key(s, item, field->merge_key, &key) != ST_OK)
			return true;
		const struct doc *other = doc_item(b, key_index_find(&index, key));

		if (other && conflict(s, item, other, field->type, field))
			return true;
	}
	return false;
}

static bool conflict(struct strategic *s, const struct doc *a, const struct doc *b,
		     const void *type, const struct patch_field *field)
{
	if (a->type == DOC_OBJECT && b->type == DOC_OBJECT)
		return objects_conflict(s, a, b, type);
	if (a->type == DOC_ARRAY && b->type == DOC_ARRAY)
		return lists_conflict(s, a, b, field);
	return !doc_eq(a, b);
}

/* ---- strategic */

enum status patch_strategic_three_way(struct arena *arena, const struct patch_schema *schema,
				      const struct doc *original, const struct doc *modified,
				      const struct doc *current, bool overwrite,
				      const struct doc **ret_patch, struct error *error)
{
	struct error unread = ERROR_INIT;
	struct strategic s = { .arena = arena, .schema = schema, .error = error ? error : &unread };
	struct strategic_want add = { .additions = true, .order = true };
	struct strategic_want drop = { .deletions = true, .order = true };
	struct strategic_want all = { .additions = true, .deletions = true };
	const struct doc *delta, *deletions, *patch, *changed;
	enum status status =
		strategic_diff(&s, current, modified, schema->root, add, false, &delta);

	if (status == ST_OK)
		status = strategic_diff(&s, original, modified, schema->root, drop, false,
					&deletions);
	s.keep_directives = true;
	if (status == ST_OK)
		status = strategic_merge(&s, deletions, delta, schema->root, &patch);
	if (status == ST_OK && !overwrite) {
		status = strategic_diff(&s, original, current, schema->root, all, false, &changed);
		if (status == ST_OK && objects_conflict(&s, patch, changed, schema->root)) {
			struct str wanted = json_text(arena, patch);
			struct str theirs = json_text(arena, changed);

			return fail(error, ST_CONFLICT,
				    "patch:\n" STR_FMT "\nconflicts with changes made from "
				    "original to current:\n" STR_FMT "\n",
				    STR_ARG(wanted), STR_ARG(theirs));
		}
	}
	if (status == ST_OK)
		*ret_patch = patch;
	return status;
}

/* ---- merge patches, for kinds without merge keys */

/* Of a merge patch only its removals (nulls), or all but them. NULL: nothing is left. */
static const struct doc *only(struct arena *arena, const struct doc *patch, bool removals)
{
	struct object_edit edit = object_edit(arena, patch);

	for (u32 i = 0; i < patch->len; i++) {
		const struct doc *value = doc_pair_value(patch, i), *kept = value;
		bool removal = value->type == DOC_NULL;

		if (value->type == DOC_OBJECT && value->len)
			kept = only(arena, value, removals);
		else if (removal != removals)
			kept = NULL; /* an empty object is a value, too */
		if (kept != value)
			object_edit_set(&edit, doc_pair_key(patch, i), kept);
	}
	const struct doc *rest = object_edit_done(&edit);

	return rest->len ? rest : NULL;
}

enum status patch_merge_three_way(struct arena *arena, const struct doc *original,
				  const struct doc *modified, const struct doc *current,
				  const struct doc **ret_patch, struct error *error)
{
	static const char *const fixed[] = { "apiVersion", "kind", "metadata.name" };
	const struct doc *add = only(arena, diff_merge(arena, current, modified), false);
	const struct doc *drop = only(arena, diff_merge(arena, original, modified), true);
	const struct doc *patch = drop ? drop : &doc_empty_object;

	if (add)
		patch = patch_merge(arena, patch, add);
	for (u32 i = 0; i < ARRAY_LEN(fixed); i++)
		if (doc_at(patch, fixed[i]))
			return fail(error, ST_CONFLICT,
				    "At least one of apiVersion, kind and name was changed");
	*ret_patch = patch;
	return ST_OK;
}
