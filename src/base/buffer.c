/* Doubling with a ceiling. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

void buffer_release(struct buffer *buffer)
{
	free(buffer->at);
	*buffer = BUFFER_INIT(buffer->max);
}

void buffer_clear(struct buffer *buffer)
{
	buffer->len = 0;
	buffer->full = false;
}

char *buffer_room(struct buffer *buffer, size_t bytes)
{
	CHECK(buffer->max > 0); /* a buffer nobody limited is a programmer's error */
	if (buffer->full || bytes > buffer->max - buffer->len) {
		buffer->full = true;
		return NULL;
	}
	if (buffer->cap - buffer->len < bytes || !buffer->at) { /* never NULL but past the limit */
		size_t cap = buffer->cap ? buffer->cap : 256;

		while (cap < buffer->len + bytes)
			cap *= 2;
		buffer->at = realloc(buffer->at, cap);
		CHECK(buffer->at);
		buffer->cap = cap;
	}
	return buffer->at + buffer->len;
}

bool buffer_add(struct buffer *buffer, const void *bytes, size_t len)
{
	char *room = buffer_room(buffer, len);

	if (!room)
		return false;
	if (len)
		memcpy(room, bytes, len);
	buffer->len += len;
	return true;
}

bool buffer_add_str(struct buffer *buffer, struct str s)
{
	return buffer_add(buffer, s.at, s.len);
}

bool buffer_add_char(struct buffer *buffer, char c)
{
	return buffer_add(buffer, &c, 1);
}

bool buffer_add_format(struct buffer *buffer, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int len = vsnprintf(NULL, 0, format, arguments);

	va_end(arguments);
	CHECK(len >= 0);
	char *room = buffer_room(buffer, (size_t)len + 1);

	if (!room)
		return false;
	va_start(arguments, format);
	vsnprintf(room, (size_t)len + 1, format, arguments);
	va_end(arguments);
	buffer->len += (size_t)len;
	return true;
}

void buffer_drop(struct buffer *buffer, size_t len)
{
	CHECK(len <= buffer->len);
	if (len < buffer->len)
		memmove(buffer->at, buffer->at + len, buffer->len - len);
	buffer->len -= len;
}
