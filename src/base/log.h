/*
 * One line an event: `level component message key=value …`. Where lines go, and the time before
 * them, is the business of whoever sets the sink; without one they go to stderr.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/types.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_sink {
	void (*line)(void *self, enum log_level level, const char *line, size_t len);
	void *self;
	enum log_level lowest; /* quieter lines are dropped before they are printed */
};

void log_sink_set(struct log_sink sink);
void log_level_set(enum log_level lowest);

/* log_info("store", "opened path=%s objects=%u", path, count); at most 1,000 bytes are kept. */
PRINTF(3, 4)
void log_line(enum log_level level, const char *component, const char *format, ...);

#define log_debug(component, ...) log_line(LOG_DEBUG, component, __VA_ARGS__)
#define log_info(component, ...) log_line(LOG_INFO, component, __VA_ARGS__)
#define log_warn(component, ...) log_line(LOG_WARN, component, __VA_ARGS__)
#define log_error(component, ...) log_line(LOG_ERROR, component, __VA_ARGS__)

#endif
