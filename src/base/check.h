/*
 * Assertions that stay in production. A broken promise inside the program ends it at once, with the
 * sentence and the place, before it can write something false to disk.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include "base/types.h"

/* Called once before the process aborts; the flight recorder hangs here. Not owned. */
extern void (*check_failed_hook)(void);

NORETURN void check_failed(const char *file, int line, const char *expression);

#define CHECK(expression) ((expression) ? (void)0 : check_failed(__FILE__, __LINE__, #expression))

#endif
