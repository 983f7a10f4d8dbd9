/* What the loop's own files share; nobody outside src/sys includes this. */
#ifndef SYS_LOOP_INSIDE_H
#define SYS_LOOP_INSIDE_H

#include <uv.h>

#include "sys/loop.h"

enum { LOOP_READ_BYTES = 64 << 10 };

struct posted;

struct loop {
	uv_loop_t uv;
	uv_async_t wake;
	uv_mutex_t posted_lock;
	struct posted *posted_first, **posted_last;
	bool freeing;
	/* Streams read into one buffer: an idle connection needs none of its own. */
	char read_buffer[LOOP_READ_BYTES];
};

/* First member of everything that owns a uv handle; the handle's data points at it, so that
 * loop_free can drop what is left. */
struct loop_object {
	void (*drop)(struct loop_object *object);
};

void *loop_alloc(size_t bytes); /* zeroed, never NULL */
enum status uv_status(int uv_error);

#endif
