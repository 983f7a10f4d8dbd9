/* The error table's two look-ups, and the one way to fail. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"

static const struct {
	int code;
	const char *reason;
} statuses[STATUS_COUNT] = {
#define X(name, code, reason) [ST_##name] = { code, reason },
	STATUS_LIST(X)
#undef X
};

int status_code(enum status status)
{
	CHECK(status < STATUS_COUNT);
	return statuses[status].code;
}

const char *status_reason(enum status status)
{
	CHECK(status < STATUS_COUNT);
	return statuses[status].reason;
}

enum status fail(struct error *error, enum status status, const char *format, ...)
{
	CHECK(status != ST_OK);
	if (!error || error->status != ST_OK)
		return status;
	va_list arguments;

	error->status = status;
	va_start(arguments, format);
	vsnprintf(error->message, sizeof error->message, format, arguments);
	va_end(arguments);
	return status;
}

enum status fail_within(struct error *error, const char *format, ...)
{
	char before[ERROR_MESSAGE_MAX], whole[ERROR_MESSAGE_MAX * 2 + 2];
	va_list arguments;

	CHECK(error && error->status != ST_OK);
	va_start(arguments, format);
	vsnprintf(before, sizeof before, format, arguments);
	va_end(arguments);
	snprintf(whole, sizeof whole, "%s: %s", before, error->message);
	memcpy(error->message, whole, sizeof error->message - 1);
	error->message[sizeof error->message - 1] = 0;
	return error->status;
}

void error_clear(struct error *error)
{
	*error = ERROR_INIT;
}
