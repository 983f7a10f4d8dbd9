/*
 * JSON in and out (RFC 8259). Parsing is strict: one value, valid UTF-8, no NaN, no comments, depth
 * at most DOC_DEPTH_MAX. Of duplicate keys the last wins, as in Kubernetes' decoder; a caller that
 * validates strictly asks for their paths.
 */
#ifndef DOC_JSON_H
#define DOC_JSON_H

#include "base/buffer.h"
#include "doc/doc.h"

/* Parses a copy of `text` into `arena`. On failure: ST_BAD_REQUEST and what is wrong, at which
 * byte. */
MUST_USE enum status json_parse(struct arena *arena, struct str text, const struct doc **ret_doc,
				struct error *error);

/* The same without a copy: `text` must live as long as the document and be followed by
 * JSON_PADDING bytes of NUL that belong to the caller. Strings with escapes are decoded into arena.
 */
enum { JSON_PADDING = 32 };
MUST_USE enum status json_parse_in_place(struct arena *arena, struct str text,
					 const struct doc **ret_doc, struct error *error);

/* As json_parse, and also collects the paths of duplicate keys ("spec.containers[0].name"), at most
 * `max` of them, for strict field validation. */
MUST_USE enum status json_parse_strict(struct arena *arena, struct str text,
				       const struct doc **ret_doc, struct str *duplicates, u32 max,
				       u32 *ret_duplicates, struct error *error);

/* Appends compact JSON. False only when the buffer's limit is reached. */
bool json_print(struct buffer *out, const struct doc *d);
/* Appends JSON indented by `indent` blanks a level (kubectl's -o json: 4; ?pretty: 2). */
bool json_print_pretty(struct buffer *out, const struct doc *d, u32 indent);
/* Exact bytes json_print will write. */
size_t json_size(const struct doc *d);
/* Prints into an arena, followed by JSON_PADDING NUL bytes, fit for json_parse_in_place. */
struct str json_text(struct arena *arena, const struct doc *d);
/* Appends one quoted and escaped string. */
bool json_print_str(struct buffer *out, struct str s);

#endif
