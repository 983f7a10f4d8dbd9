/* What a plain YAML 1.1 scalar means, as go-yaml v2 resolves it. Private to doc's yaml_*.c. */
#ifndef DOC_YAML_SCALAR_H
#define DOC_YAML_SCALAR_H

#include "doc/doc.h"

enum yaml_kind {
	YAML_STRING,
	YAML_NULL,
	YAML_BOOL,
	YAML_NUMBER,
	YAML_TIMESTAMP, /* read as a string, but printed in quotes */
	YAML_MERGE,	/* << */
	YAML_NOT_JSON,	/* .inf and .nan */
};

/* Resolves `text`; when `arena` is not NULL, *ret_doc gets the value. */
enum yaml_kind yaml_resolve(struct arena *arena, struct str text, const struct doc **ret_doc);

/* 1:30 and the like: numbers to base 60 for other YAML readers, so printed in quotes. */
bool yaml_base_sixty(struct str text);

/* A float as Go's strconv.FormatFloat(value, format, -1, 64) prints it. `json` is encoding/json's
 * choice of layout, otherwise 'g'. */
struct str yaml_float_text(struct arena *arena, double value, bool json);

#endif
