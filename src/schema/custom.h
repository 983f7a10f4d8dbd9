/* From a CustomResourceDefinition to kinds like the built-in ones. Private to the schema. */
#ifndef SCHEMA_CUSTOM_H
#define SCHEMA_CUSTOM_H

#include "schema/api.h"

struct custom {
	const struct api_kind *stored;	      /* of the version with storage: true */
	const struct api_kind *const *served; /* all that clients see; the stored one may be none */
	u32 served_len;
};

/* Everything lives in the arena; nothing of `definition` is kept. The definition must be valid. */
struct custom *custom_new(struct arena *arena, u16 id, const struct doc *definition);

/* custom_tables.c: a schema as a table, for server-side apply: which lists and maps merge how. */
const struct api_struct *custom_root(struct arena *arena, const struct api_group *group,
				     struct str kind, const struct doc *shape);

/* custom_columns.c: one cell, by the column's JSONPath; null where nothing stands. */
const struct doc *custom_cell(struct arena *arena, const struct api_column *column,
			      const struct doc *object, i64 now_ns);

#endif
