/*
 * OpenAPI v3, as kubectl explain, client-side validation and code generators read it: an index and
 * a document a group-version. Nothing is kept here: the caller caches what it likes.
 */
#ifndef SCHEMA_OPENAPI_V3_H
#define SCHEMA_OPENAPI_V3_H

#include "base/buffer.h"
#include "schema/schema.h"

enum { OPENAPI_BYTES_MAX = 64 << 20 }; /* a fit limit for the buffers below */

/* GET /openapi/v3: {"paths":{"apis/apps/v1":{"serverRelativeURL":"…?hash=H"}}}. The hashes are of
 * the documents, the same for the same tables in every process. False when the buffer is full. */
bool openapi_v3_index(struct buffer *out, const struct schema *schema);

/* GET /openapi/v3/PATH, with PATH "api/v1" or "apis/apps/v1". ST_NOT_FOUND for any other. */
MUST_USE enum status openapi_v3_group(struct buffer *out, const struct schema *schema,
				      struct str path, struct error *error);

#endif
