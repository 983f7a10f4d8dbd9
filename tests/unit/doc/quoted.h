/* Tables of JSON read better in single quotes. */
#ifndef TESTS_UNIT_DOC_QUOTED_H
#define TESTS_UNIT_DOC_QUOTED_H

#include "base/str.h"

static inline const char *quoted(struct arena *arena, const char *text)
{
	char *copy = (char *)str_c(arena, str_of(text));

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	return copy;
}

#endif
