/*
 * An arena owns everything made during one request, reconcile or tick, and frees it in one sweep.
 * Nothing in it is freed singly. Out of memory aborts: sizes are limited at the door instead.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/types.h"

struct arena;

/* Makes an arena whose first block holds `first_bytes` (0: a default). Caller frees it. */
struct arena *arena_new(size_t first_bytes);

/* Runs every deferred call, newest first, and frees all blocks. NULL is fine. */
void arena_free(struct arena *arena);
void arena_free_cleanup(struct arena **arena); /* for CLEANUP(arena_free_cleanup) */

/* Runs the deferred calls and keeps the first block for the next round. */
void arena_reset(struct arena *arena);

/* `bytes` of uninitialised memory, 16-byte aligned; arena_zero gives it zeroed. Never NULL. */
void *arena_alloc(struct arena *arena, size_t bytes) __attribute__((malloc, alloc_size(2)));
void *arena_zero(struct arena *arena, size_t bytes) __attribute__((malloc, alloc_size(2)));

/* Moves `old` (made by this arena, `old_bytes` long) to a block of `bytes`; in place if it can. */
void *arena_grow(struct arena *arena, void *old, size_t old_bytes, size_t bytes);

void *arena_copy(struct arena *arena, const void *from, size_t bytes);

/* Calls call(argument) when the arena is freed or reset: how foreign owners tie to a request. */
void arena_defer(struct arena *arena, void (*call)(void *), void *argument);

/* Bytes handed out since the last reset: what a limit or a metric wants to know. */
size_t arena_used(const struct arena *arena);

#define ARENA_NEW(arena, type) ((type *)arena_zero((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count)                                                            \
	((type *)arena_zero((arena), sizeof(type) * (size_t)(count)))

/*
 * A growing array inside an arena: struct { T *at; u32 len, cap; } x; VEC_PUSH(arena, &x, value).
 * Old copies stay in the arena until it goes, so at most twice the final size is used.
 */
#define VEC(type)                                                                                  \
	struct {                                                                                   \
		type *at;                                                                          \
		u32 len, cap;                                                                      \
	}
#define VEC_PUSH(arena, vec, ...)                                                                  \
	do {                                                                                       \
		if ((vec)->len == (vec)->cap) {                                                    \
			u32 vec_cap = (vec)->cap ? (vec)->cap * 2 : 8;                             \
			(vec)->at = arena_grow((arena), (vec)->at, (vec)->cap * sizeof *(vec)->at, \
					       vec_cap * sizeof *(vec)->at);                       \
			(vec)->cap = vec_cap;                                                      \
		}                                                                                  \
		(vec)->at[(vec)->len++] = (__VA_ARGS__);                                           \
	} while (0)

#endif
