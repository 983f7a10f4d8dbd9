/* Printer columns of custom resources (apiextensions-apiserver's tableconvertor). */
#include "doc/json.h"
#include "doc/jsonpath.h"
#include "schema/columns.h"
#include "schema/custom.h"

enum { CELL_BYTES_MAX = 64 << 10 };

static const struct doc *print(struct arena *arena, const struct jsonpath *path,
			       const struct doc *object)
{
	struct buffer out = BUFFER_INIT(CELL_BYTES_MAX);
	const struct doc *cell = &doc_null;

	if (jsonpath_print(arena, path, object, true, &out, NULL) == ST_OK)
		cell = doc_new_str(arena, buffer_str(&out));
	buffer_release(&out);
	return cell;
}

const struct doc *custom_cell(struct arena *arena, const struct api_column *column,
			      const struct doc *object, i64 now_ns)
{
	struct str text = str_format(arena, "{" STR_FMT "}", STR_ARG(column->source));
	struct jsonpath_results found = { 0 };
	struct jsonpath *path;

	if (jsonpath_parse(arena, text, &path, NULL) != ST_OK ||
	    jsonpath_find(arena, path, object, true, &found, NULL) != ST_OK || !found.items.len)
		return &doc_null;
	const struct doc *value = found.items.at[0];

	if (doc_is_null(value))
		return &doc_null;
	if (str_is(column->type, "date"))
		return doc_ref_str(arena, columns_age(arena, doc_str(value), now_ns));
	if (str_is(column->type, "integer") || str_is(column->type, "number"))
		return value->type == DOC_NUMBER ? value : &doc_null;
	if (str_is(column->type, "boolean"))
		return doc_is_bool(value) ? value : &doc_null;
	return print(arena, path, object);
}
