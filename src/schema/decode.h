/*
 * From a parsed body to an object of a kind, by the tables and by Kubernetes' rules: null is
 * absent, unknown fields are dropped and named, a wrong type is refused with the sentence Go's
 * decoder has, quantities are put into canonical form. Key order, list order and map order stay as
 * they came.
 */
#ifndef SCHEMA_DECODE_H
#define SCHEMA_DECODE_H

#include "schema/schema.h"

enum { FIELD_PROBLEMS_MAX = 32 };

/* `unknown field "spec.x"` and `duplicate field "spec.y"`, in the order found; the rest is cut. */
struct field_problems {
	struct str at[FIELD_PROBLEMS_MAX];
	u32 len;
};

/* `in` is checked as an object of `kind` (its apiVersion and kind are not compared). The result
 * shares every unchanged part with `in`. `problems` may be NULL. ST_BAD_REQUEST: `Deployment in
 * version "v1" cannot be handled as a Deployment: json: cannot unmarshal …`. */
MUST_USE enum status schema_decode(struct arena *arena, const struct schema *schema,
				   const struct api_kind *kind, const struct doc *in,
				   const struct doc **ret_doc, struct field_problems *problems,
				   struct error *error);

/* Adds what json_parse_strict found, in Kubernetes' words. */
void field_problems_add_duplicates(struct arena *arena, struct field_problems *problems,
				   const struct str *paths, u32 len);

/* All problems in one line, parted by ", ": what stands after `strict decoding error: `. */
struct str field_problems_print(struct arena *arena, const struct field_problems *problems);

/* The whole refusal of strict validation: `Pod in version "v1" cannot be handled as a Pod: strict
 * decoding error: unknown field "spec.x"`. Returns ST_BAD_REQUEST. */
enum status field_problems_fail(const struct field_problems *problems, const struct api_kind *kind,
				struct error *error);

#endif
