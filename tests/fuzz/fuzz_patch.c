/*
 * Three documents, one a line: original, modified (or a patch), current. Every kind of patch is
 * applied and made; a merge patch that was made must lead where it was made for.
 */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "doc/diff.h"
#include "doc/json.h"
#include "doc/patch_json.h"
#include "doc/patch_merge.h"
#include "doc/patch_three_way.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A schema in which every field is of the same type: lists l… merge by name, p… as scalars. */
static bool find_field(const void *type, struct str key, struct patch_field *ret_field)
{
	*ret_field = (struct patch_field){ .type = type };
	if (key.len && (key.at[0] == 'l' || key.at[0] == 'p'))
		ret_field->merge = true;
	if (key.len && key.at[0] == 'l')
		ret_field->merge_key = STR("n");
	if (key.len && key.at[key.len - 1] == 'r')
		ret_field->retain_keys = true;
	return true;
}

static bool holds_null(const struct doc *d)
{
	u32 count = d->type == DOC_OBJECT ? 2 * d->len : d->len;

	if (d->type < DOC_ARRAY)
		return d->type == DOC_NULL;
	for (u32 i = 0; i < count; i++)
		if (holds_null(&d->items[i]))
			return true;
	return false;
}

/* An object with one key twice has two readings. */
static bool plain_object(struct arena *arena, struct str text, const struct doc **ret_doc)
{
	struct str duplicate;
	u32 count;

	return json_parse_strict(arena, text, ret_doc, &duplicate, 1, &count, NULL) == ST_OK &&
	       count == 0 && (*ret_doc)->type == DOC_OBJECT;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct patch_schema schema = { find_field, "any" };
	struct arena *arena = arena_new(0);
	struct str rest = { (const char *)data, size };
	struct str lines[3] = { str_cut(&rest, '\n'), str_cut(&rest, '\n'), rest };
	const struct doc *a, *b, *c, *result;
	struct diff diff;

	if (json_parse(arena, lines[0], &a, NULL) == ST_OK &&
	    json_parse(arena, lines[1], &b, NULL) == ST_OK) {
		(void)!patch_json(arena, a, b, &result, NULL);
		(void)patch_merge(arena, a, b);
	}
	if (plain_object(arena, lines[0], &a) && plain_object(arena, lines[1], &b) &&
	    plain_object(arena, lines[2], &c)) {
		diff_paths(arena, a, b, 100, &diff);
		CHECK(doc_eq(a, b) == (diff.changes.len == 0));
		if (!holds_null(b))
			CHECK(doc_eq(patch_merge(arena, a, diff_merge(arena, a, b)), b));
		(void)!patch_strategic(arena, &schema, a, b, &result, NULL);
		if (patch_strategic_three_way(arena, &schema, a, b, c, size % 2, &result, NULL) ==
		    ST_OK)
			(void)!patch_strategic(arena, &schema, c, result, &result, NULL);
		(void)!patch_merge_three_way(arena, a, b, c, &result, NULL);
	}
	arena_free(arena);
	return 0;
}
