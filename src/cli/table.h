/* Columns that line up as kubectl's do: three blanks between, never narrower than six. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "base/buffer.h"
#include "doc/doc.h"

struct table_text {
	struct arena *arena;
	VEC(struct str) cells;
	u32 columns; /* cells in the row under way, or of the longest row */
	VEC(u32) row_ends;
	VEC(u32) widths; /* remembered over several prints, for watches */
};

void table_start(struct table_text *table, struct arena *arena);
void table_cell(struct table_text *table, struct str text);
void table_end_row(struct table_text *table);
/* Appends everything lined up and forgets the rows, but not the widths. */
void table_print(struct table_text *table, struct buffer *out);

/* Which of a server's Table is shown, and what is added. */
struct table_options {
	bool wide, no_headers, with_namespace, show_labels, with_kind;
	const struct str *label_columns;
	u32 label_columns_len;
	const struct api_kind *kind; /* for with_kind: "pod/x" */
};

/* Adds a meta.k8s.io/v1 Table's rows. `columns` are the definitions to use when the table has none
 * (later events of a watch); ret_columns may be NULL. */
void table_add(struct table_text *text, const struct doc *table, const struct doc *columns,
	       const struct table_options *options, bool headers);

#endif
