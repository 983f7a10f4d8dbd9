/*
 * OpenAPI v2 in gnostic's protobuf encoding (github.com/google/gnostic, OpenAPIv2.proto), the only
 * form of it that kubectl asks for. Clients up to 1.24 need it for explain, validation and merge
 * keys; later ones for merge keys.
 */
#ifndef SCHEMA_OPENAPI_V2_H
#define SCHEMA_OPENAPI_V2_H

#include "base/buffer.h"
#include "schema/proto_out.h"
#include "schema/schema.h"

/* What clients accept; and what the answer is called: the asked name is no valid media type. */
#define OPENAPI_V2_ACCEPT "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
#define OPENAPI_V2_CONTENT_TYPE "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

/* Appends the document of all group-versions. False when the buffer is full (openapi_v3.h has a fit
 * limit). Nothing is kept here: the caller caches it. */
bool openapi_v2_protobuf(struct buffer *out, const struct schema *schema);

/* openapi_v2_custom.c: the inside of a Schema message from a structural schema, and one of its
 * properties. */
void openapi_v2_shape(struct proto_out *o, struct arena *arena, const struct doc *shape);
void openapi_v2_property(struct proto_out *o, struct arena *arena, struct str name,
			 const struct doc *shape);

#endif
