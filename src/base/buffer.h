/* A growing run of bytes with a limit given where it is made. Owned by whoever declares it. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/str.h"
#include "base/types.h"

struct buffer {
	char *at;
	size_t len, cap, max; /* past max, appends are refused and `full` stays set */
	bool full;
};

#define BUFFER_INIT(limit) ((struct buffer){ .max = (limit) })

void buffer_release(struct buffer *buffer); /* frees the bytes; the buffer may be used again */
void buffer_clear(struct buffer *buffer);   /* forgets the bytes, keeps the memory, clears full */

/* Room for `bytes` more: a pointer to write at (then add to len), or NULL past the limit. */
char *buffer_room(struct buffer *buffer, size_t bytes);

bool buffer_add(struct buffer *buffer, const void *bytes, size_t len);
bool buffer_add_str(struct buffer *buffer, struct str s);
bool buffer_add_char(struct buffer *buffer, char c);
PRINTF(2, 3) bool buffer_add_format(struct buffer *buffer, const char *format, ...);
void buffer_drop(struct buffer *buffer, size_t len); /* removes `len` bytes from the front */

static inline struct str buffer_str(const struct buffer *buffer)
{
	return (struct str){ buffer->at, buffer->len };
}

#endif
