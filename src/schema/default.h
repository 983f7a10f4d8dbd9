/*
 * Defaults: what an object says when its author said nothing. Constants stand in the tables; what
 * depends on other fields is a rule in default_*.c. Pure, and idempotent: defaulting twice changes
 * nothing.
 */
#ifndef SCHEMA_DEFAULT_H
#define SCHEMA_DEFAULT_H

#include "schema/schema.h"

struct defaults { /* what a rule is given besides its value */
	struct arena *arena;
	const struct schema *schema;
	const struct api_kind *kind;
	const struct doc *object; /* the whole, as it came */
};

/* The object with every default filled in; the same pointer when nothing was missing. */
const struct doc *schema_default(struct arena *arena, const struct schema *schema,
				 const struct api_kind *kind, const struct doc *object);

#endif
