/* Regular expressions of schemas, which are written as RE2 or ECMAScript has them. */
#ifndef SCHEMA_PATTERN_H
#define SCHEMA_PATTERN_H

#include "base/error.h"
#include "base/str.h"

/* ST_BAD_REQUEST with a sentence when the pattern is broken or says what we cannot: looking ahead
 * or behind, references back, \b and \p. */
MUST_USE enum status pattern_check(struct arena *arena, struct str pattern, struct error *error);

/* Is there a match anywhere in the text? False for a pattern that did not pass. */
bool pattern_matches(struct arena *arena, struct str pattern, struct str text);

#endif
