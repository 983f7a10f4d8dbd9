/*
 * Validation: every rule an object breaks, in Kubernetes' words, with the path of the field. What
 * holds for a field by itself stands in the tables; what ties fields together is in check_*.c.
 */
#ifndef SCHEMA_VALIDATE_H
#define SCHEMA_VALIDATE_H

#include "schema/schema.h"

struct violations {	  /* zeroed by the caller: struct violations v = { 0 }; */
	struct cause *at; /* in the arena of the call; field, reason, message without the field */
	u32 len, cap;
	bool cut; /* there were more than CAUSES_MAX */
};

/* Checks a decoded and defaulted object. `old` is the stored one on update, NULL on create.
 * `subresource` is NULL for the object itself; "status" (and other words) loosen the rules that a
 * subresource's update does not meet. Adds to `violations`. */
void schema_validate(struct arena *arena, const struct schema *schema, const struct api_kind *kind,
		     const struct doc *object, const struct doc *old, const char *subresource,
		     struct violations *violations);

/* ST_OK when there are none; else ST_INVALID, and error holds `Pod "x" is invalid: …`, the causes
 * and details' kind, group and name. */
enum status violations_fail(const struct violations *violations, const struct api_kind *kind,
			    struct str name, struct error *error);

/* metadata.name by the kind's own rule; empty when fine, else the sentence (also for generateName,
 * where `prefix` allows a trailing dash). */
struct str schema_name_problem(struct arena *arena, const struct api_kind *kind, struct str name,
			       bool prefix);

#endif
