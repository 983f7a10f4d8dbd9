/* The last words of a broken promise: where, what, then abort. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void (*check_failed_hook)(void);

NORETURN void check_failed(const char *file, int line, const char *expression)
{
	static bool already; /* A hook that fails itself must not recurse. */

	fprintf(stderr, "fatal base must be true file=%s line=%d expression=\"%s\"\n", file, line,
		expression);
	if (check_failed_hook && !already) {
		already = true;
		check_failed_hook();
	}
	abort();
}
