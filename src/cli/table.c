/* Lines up cells, and turns a server's Table into lines. */
#include "cli/table.h"

#include <ctype.h>

#include "schema/api.h"

enum { COLUMN_GAP = 3, COLUMN_MIN = 6, LINE_BYTES_MAX = 1 << 30 };

void table_start(struct table_text *table, struct arena *arena)
{
	*table = (struct table_text){ .arena = arena };
}

/* Characters a reader sees: bytes that start one. */
static u32 text_width(struct str text)
{
	u32 width = 0;

	for (size_t i = 0; i < text.len; i++)
		width += ((u8)text.at[i] & 0xC0) != 0x80;
	return width;
}

static u32 cells_before_row(const struct table_text *table)
{
	return table->row_ends.len ? table->row_ends.at[table->row_ends.len - 1] : 0;
}

void table_cell(struct table_text *table, struct str text)
{
	u32 column = table->cells.len - cells_before_row(table);

	VEC_PUSH(table->arena, &table->cells, text);
	if (column >= table->widths.len)
		VEC_PUSH(table->arena, &table->widths, 0);
	table->widths.at[column] = MAX(table->widths.at[column], text_width(text));
}

void table_end_row(struct table_text *table)
{
	VEC_PUSH(table->arena, &table->row_ends, table->cells.len);
}

static void print_row(const struct table_text *table, u32 first, u32 end, struct buffer *out)
{
	for (u32 i = first; i < end; i++) {
		struct str cell = table->cells.at[i];
		u32 width = table->widths.at[i - first] + COLUMN_GAP;

		buffer_add_str(out, cell);
		if (i + 1 == end) /* the last column has no trailing blanks */
			break;
		for (u32 at = text_width(cell); at < MAX(width, (u32)COLUMN_MIN); at++)
			buffer_add_char(out, ' ');
	}
	buffer_add_char(out, '\n');
}

void table_print(struct table_text *table, struct buffer *out)
{
	u32 first = 0;

	for (u32 row = 0; row < table->row_ends.len; row++) {
		print_row(table, first, table->row_ends.at[row], out);
		first = table->row_ends.at[row];
	}
	table->cells.len = 0;
	table->row_ends.len = 0;
}

/* ---- a server's Table */

static struct str upper(struct arena *arena, struct str text)
{
	char *copy = (char *)arena_copy(arena, text.at, text.len + 1);

	for (size_t i = 0; i < text.len; i++)
		copy[i] = (char)toupper((unsigned char)copy[i]);
	return (struct str){ copy, text.len };
}

static bool column_shown(const struct doc *column, const struct table_options *options)
{
	return options->wide || doc_int_or(doc_key(column, "priority"), 0) == 0;
}

static void add_headers(struct table_text *text, const struct doc *columns,
			const struct table_options *options)
{
	if (options->with_namespace)
		table_cell(text, STR("NAMESPACE"));
	doc_each_item(columns, column)
		if (column_shown(column, options))
			table_cell(text, upper(text->arena, doc_str(doc_key(column, "name"))));
	for (u32 i = 0; i < options->label_columns_len; i++) {
		struct str label = options->label_columns[i];

		table_cell(text, upper(text->arena,
				       str_from(label, (size_t)(str_find_last(label, '/') + 1))));
	}
	if (options->show_labels)
		table_cell(text, STR("LABELS"));
	table_end_row(text);
}

static struct str cell_text(struct arena *arena, const struct doc *cell)
{
	if (doc_is(cell, DOC_STRING) || doc_is(cell, DOC_NUMBER)) {
		struct str whole = { cell->text, cell->len };
		i64 line = str_find_char(whole, '\n');

		/* A table is a line an object: what follows a line's end is left out. */
		return line < 0 ? whole : str_format(arena, STR_FMT "...", (int)line, whole.at);
	}
	if (doc_is_bool(cell))
		return doc_bool_or(cell, false) ? STR("true") : STR("false");
	return STR("<none>");
}

static struct str labels_text(struct arena *arena, const struct doc *labels)
{
	VEC(struct str) pairs = { 0 };

	doc_each_pair(labels, key, value)
		VEC_PUSH(arena, &pairs,
			 str_format(arena, STR_FMT "=" STR_FMT, STR_ARG(key),
				    STR_ARG(doc_str(value))));
	/* In order of their keys, whatever the object's order is. */
	for (u32 i = 1; i < pairs.len; i++)
		for (u32 j = i; j > 0 && str_cmp(pairs.at[j], pairs.at[j - 1]) < 0; j--) {
			struct str swap = pairs.at[j];

			pairs.at[j] = pairs.at[j - 1];
			pairs.at[j - 1] = swap;
		}
	return pairs.len ? str_join(arena, pairs.at, pairs.len, STR(",")) : STR("<none>");
}

static void add_row(struct table_text *text, const struct doc *row, const struct doc *columns,
		    const struct table_options *options)
{
	const struct doc *metadata = doc_at(row, "object.metadata");
	const struct doc *labels = doc_key(metadata, "labels");
	const struct doc *cells = doc_key(row, "cells");

	if (options->with_namespace)
		table_cell(text, doc_str(doc_key(metadata, "namespace")));
	for (u32 i = 0; i < doc_len(columns); i++) {
		struct str cell = cell_text(text->arena, doc_item(cells, i));

		if (!column_shown(doc_item(columns, i), options))
			continue;
		if (i == 0 && options->with_kind && options->kind) {
			struct str group = options->kind->group;

			cell = str_format(text->arena, STR_FMT "%s" STR_FMT "/" STR_FMT,
					  STR_ARG(options->kind->singular), group.len ? "." : "",
					  STR_ARG(group), STR_ARG(cell));
		}
		table_cell(text, cell);
	}
	for (u32 i = 0; i < options->label_columns_len; i++)
		table_cell(text, doc_str_or(doc_get(labels, options->label_columns[i]), STR("")));
	if (options->show_labels)
		table_cell(text, labels_text(text->arena, labels));
	table_end_row(text);
}

void table_add(struct table_text *text, const struct doc *table, const struct doc *columns,
	       const struct table_options *options, bool headers)
{
	const struct doc *own = doc_key(table, "columnDefinitions");

	if (doc_len(own))
		columns = own;
	if (headers && !options->no_headers)
		add_headers(text, columns, options);
	doc_each_item(doc_key(table, "rows"), row)
		add_row(text, row, columns, options);
}
