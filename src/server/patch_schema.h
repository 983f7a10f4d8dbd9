/* The bridge from the API's tables to strategic merge patches, which know no schema. */
#ifndef SERVER_PATCH_SCHEMA_H
#define SERVER_PATCH_SCHEMA_H

#include "doc/patch_strategic.h"
#include "schema/schema.h"

struct patch_schema patch_schema_of(const struct api_kind *kind);

#endif
