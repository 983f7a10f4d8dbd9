/*
 * Which kinds there are: the built-in ones from the tables, later also custom resources registered
 * at run time. Everything else in this folder asks here and then reads the tables.
 */
#ifndef SCHEMA_SCHEMA_H
#define SCHEMA_SCHEMA_H

#include "base/str.h"
#include "schema/api.h"

/* enum kind and AT() */
#include "api_tables.h"

typedef u16 kind_id; /* enum kind, or ≥ KIND_COUNT for a custom resource */

struct schema;

struct schema *schema_new(void); /* caller frees */
void schema_free(struct schema *schema);

/* The stored kind of that id. Never NULL for an id that was handed out. */
const struct api_kind *schema_kind(const struct schema *schema, kind_id id);

/* What a group-version serves under a plural, singular view or kind; NULL when there is nothing.
 * The answer may be a view: its id is the stored kind's. */
const struct api_kind *schema_find_resource(const struct schema *schema, struct str group,
					    struct str version, struct str plural);
const struct api_kind *schema_find_kind(const struct schema *schema, struct str api_version,
					struct str kind);

/* Every kind and every view served, in the order of the tables; NULL ends. */
const struct api_kind *schema_at(const struct schema *schema, u32 index);

/* ---- custom resources */

/* One past the highest id handed out; every id from 1 on has a kind. */
kind_id schema_kinds_end(const struct schema *schema);

/* Serves what an accepted CustomResourceDefinition describes, in place of what was served under its
 * name before. The id stays the same for a name as long as the process lives; 0 when there are too
 * many. Kinds once handed out stay valid until schema_free(). */
kind_id schema_register(struct schema *schema, const struct doc *definition);
void schema_unregister(struct schema *schema, struct str name);

static inline struct str api_kind_version(const struct api_kind *kind) /* "apps/v1", "v1" */
{
	return kind->api_version;
}

#endif
