/*
 * Tables as `kubectl get` asks for them (meta.k8s.io/v1 Table): the columns of a kind, and one
 * object's cells at a given time. Ages are counted by the server, as upstream's printers do.
 */
#ifndef SCHEMA_COLUMNS_H
#define SCHEMA_COLUMNS_H

#include "doc/build.h"
#include "schema/schema.h"

/* columnDefinitions of the kind: an array of {name, type, format, description, priority}. */
const struct doc *columns_definitions(struct arena *arena, const struct api_kind *kind);

/* The cells of one object, in the order of the columns. `now_ns` is the wall clock. */
const struct doc *columns_cells(struct arena *arena, const struct api_kind *kind,
				const struct doc *object, i64 now_ns);

/* "3d4h", "5m", "12s"; "<unknown>" for no time, as duration.HumanDuration prints. */
struct str columns_age(struct arena *arena, struct str timestamp, i64 now_ns);
struct str columns_duration(struct arena *arena, i64 duration_ns);

/* kubectl's STATUS word of a pod: Running, CrashLoopBackOff, Init:0/2, Terminating … */
struct str pod_status_word(struct arena *arena, const struct doc *pod);

/* ---- for RULE_PRINT functions: the cells of the columns without a template, in their order */
struct row {
	struct arena *arena;
	i64 now_ns;
	struct build cells;
	const char *mark; /* printed behind the name; NULL: nothing */
};

void row_str(struct row *row, struct str text);
void row_or_none(struct row *row, struct str text); /* "<none>" when empty */
void row_int(struct row *row, i64 value);
struct str row_since(const struct row *row, const struct doc *timestamp); /* "<unknown>" for none */

/* "a,b,c + 4 more...": at most three of a list, as upstream's printers show long ones. */
struct row_list {
	struct str at[3];
	u32 len, count;
};
void row_list_add(struct row_list *list, struct str text);
struct str row_list_print(struct arena *arena, const struct row_list *list);

#endif
