/*
 * Protobuf bodies, as kubectl and client-go send them: four bytes "k8s\0", then runtime.Unknown
 * with apiVersion, kind and the object. Numbers come from the tables.
 */
#ifndef SCHEMA_PROTOBUF_H
#define SCHEMA_PROTOBUF_H

#include "base/buffer.h"
#include "schema/schema.h"

/* The document the same object would be as JSON, apiVersion and kind first. ST_BAD_REQUEST for what
 * is cut off, too deep or of a kind nobody knows. Numbers unknown to the tables are skipped. */
MUST_USE enum status protobuf_decode(struct arena *arena, const struct schema *schema,
				     struct str body, const struct doc **ret_doc,
				     struct error *error);

/* Appends a built-in kind's object, or a list of them, as protobuf_decode reads it. False when
 * there is no such kind, when a value is not what its type says, or when the buffer is full; then
 * `out` holds half of it. */
MUST_USE bool protobuf_encode(struct buffer *out, struct arena *arena, const struct doc *object);

/* The same inside a meta/v1.WatchEvent, which has no envelope of its own. */
MUST_USE bool protobuf_encode_event(struct buffer *out, struct arena *arena, struct str type,
				    const struct doc *object);

#endif
