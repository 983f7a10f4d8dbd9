/*
 * Protobuf bodies, as kubectl and client-go send them: four bytes "k8s\0", then runtime.Unknown
 * with apiVersion, kind and the object. Numbers come from the tables.
 */
#ifndef SCHEMA_PROTOBUF_H
#define SCHEMA_PROTOBUF_H

#include "schema/schema.h"

/* The document the same object would be as JSON, apiVersion and kind first. ST_BAD_REQUEST for what
 * is cut off, too deep or of a kind nobody knows. Numbers unknown to the tables are skipped. */
MUST_USE enum status protobuf_decode(struct arena *arena, const struct schema *schema,
				     struct str body, const struct doc **ret_doc,
				     struct error *error);

#endif
