/* Prints a line once and hands it to the sink. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE_MAX_BYTES = 1000 };

static struct log_sink log_sink = { .lowest = LOG_INFO };

void log_sink_set(struct log_sink sink)
{
	log_sink = sink;
}

void log_level_set(enum log_level lowest)
{
	log_sink.lowest = lowest;
}

void log_line(enum log_level level, const char *component, const char *format, ...)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	char line[LINE_MAX_BYTES];
	va_list arguments;

	if (level < log_sink.lowest)
		return;
	int len = snprintf(line, sizeof line, "%s %s ", names[level], component);

	va_start(arguments, format);
	int more = vsnprintf(line + len, sizeof line - (size_t)len, format, arguments);

	va_end(arguments);
	len = len + more < LINE_MAX_BYTES ? len + more : LINE_MAX_BYTES - 1;
	if (log_sink.line)
		log_sink.line(log_sink.self, level, line, (size_t)len);
	else
		fprintf(stderr, "%s\n", line);
}
