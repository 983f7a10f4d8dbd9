/* Kubernetes' own scalars, each checked and brought into the one form it is stored in. */
#ifndef SCHEMA_SCALAR_H
#define SCHEMA_SCALAR_H

#include "base/base64.h"
#include "doc/doc.h"
#include "schema/api.h"

/* Checks `in` as a scalar of that type and writes its canonical node (the same node when it already
 * is). ST_BAD_REQUEST with the sentence Go's decoder has; what is simply of the wrong JSON type is
 * told by *ret_wrong_type instead, as its sentence needs the field's path. */
MUST_USE enum status scalar_decode(struct arena *arena, enum api_type type, const struct doc *in,
				   struct doc *ret, bool *ret_wrong_type, struct error *error);

/* What Go's decoder calls a JSON value: string, number, "number 1.5", bool, object, array. */
struct str scalar_go_value(struct arena *arena, const struct doc *d, bool wants_number);

/* Go's time.ParseDuration and Duration.String. */
MUST_USE bool duration_parse(struct str text, i64 *ret_ns);
struct str duration_print(struct arena *arena, i64 ns);

#endif
