/*
 * The text of `explain`: what a kind or one of its fields is, letter by letter as kubectl 1.29 and
 * later print it, straight from the tables.
 */
#ifndef SCHEMA_EXPLAIN_H
#define SCHEMA_EXPLAIN_H

#include "base/buffer.h"
#include "schema/schema.h"

/* Appends the text about `path` below the kind ("spec.containers.image"; empty: the kind itself).
 * With `recursive` the fields of all levels are listed, without their sentences. ST_NOT_FOUND and
 * kubectl's words when there is no such field; nothing is appended then. */
MUST_USE enum status explain(struct buffer *out, const struct api_kind *kind, struct str path,
			     bool recursive, struct error *error);

#endif
