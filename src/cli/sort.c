/* Finds each item's field once and sorts by what was found. */
#include "cli/sort.h"

#include <stdlib.h>

#include "doc/jsonpath.h"
#include "schema/quantity.h"

struct sorted {
	const struct doc *item, *field;
	u32 place;
};

static int compare_fields(const struct doc *a, const struct doc *b)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	if (doc_is(a, DOC_NUMBER) && doc_is(b, DOC_NUMBER)) {
		double x = doc_double_or(a, 0), y = doc_double_or(b, 0);

		return (x > y) - (x < y);
	}
	struct str x = doc_str(a), y = doc_str(b);
	struct quantity left, right;

	/* "100m" and "2Gi" go by what they mean. */
	if (x.len && y.len && quantity_parse(x, &left) && quantity_parse(y, &right))
		return quantity_compare(left, right);
	return str_cmp(x, y);
}

static int compare(const void *a, const void *b)
{
	const struct sorted *x = a, *y = b;
	int order = compare_fields(x->field, y->field);

	return order ? order : (x->place > y->place) - (x->place < y->place);
}

enum status sort_by(struct cli *cli, struct str text, const char *within, const struct doc *items,
		    const struct doc **ret_items, struct error *error)
{
	u32 len = doc_len(items);
	struct sorted *sorted = ARENA_ARRAY(cli->arena, struct sorted, len + 1);
	const struct doc **in_order = ARENA_ARRAY(cli->arena, const struct doc *, len + 1);
	struct jsonpath *path;
	bool any = false;
	enum status status = jsonpath_parse_relaxed(cli->arena, text, &path, error);

	if (status)
		return status;
	for (u32 i = 0; i < len; i++) {
		struct jsonpath_results found = { 0 };
		struct error none = ERROR_INIT;
		const struct doc *item = doc_item(items, i);
		const struct doc *of = within ? doc_get(item, str_of(within)) : item;

		sorted[i] = (struct sorted){ .item = item, .place = i };
		if (jsonpath_find(cli->arena, path, of, true, &found, &none) == ST_OK &&
		    found.items.len)
			sorted[i].field = found.items.at[0];
		any |= sorted[i].field != NULL;
	}
	if (len && !any)
		return fail(error, ST_BAD_REQUEST,
			    "error: couldn't find any field with path \"{" STR_FMT
			    "}\" in the list of objects",
			    STR_ARG(text));
	qsort(sorted, len, sizeof *sorted, compare);
	for (u32 i = 0; i < len; i++)
		in_order[i] = sorted[i].item;
	*ret_items = doc_new_array(cli->arena, in_order, len);
	return ST_OK;
}
