/* Blocks that double, bump allocation, and a chain of deferred calls. */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum {
	ALIGN = 16,
	BLOCK_FIRST = 4096,
	BLOCK_DOUBLE_MAX =
		1 << 20, /* Blocks double up to here, then stay: big lists waste little. */
};

struct block {
	struct block *next;
	size_t cap, used;
	_Alignas(ALIGN) char bytes[];
};

struct deferred {
	struct deferred *next;
	void (*call)(void *);
	void *argument;
};

struct arena {
	struct block *head;
	struct deferred *deferred;
	size_t next_bytes, used;
};

static struct block *block_new(size_t bytes)
{
	struct block *block = malloc(sizeof *block + bytes);

	if (!block) {
		fprintf(stderr, "fatal base out of memory bytes=%zu\n", bytes);
		abort();
	}
	block->next = NULL;
	block->cap = bytes;
	block->used = 0;
	return block;
}

struct arena *arena_new(size_t first_bytes)
{
	struct arena *arena = malloc(sizeof *arena);

	CHECK(arena);
	if (!first_bytes)
		first_bytes = BLOCK_FIRST;
	*arena = (struct arena){ .head = block_new(first_bytes), .next_bytes = first_bytes };
	return arena;
}

static void run_deferred(struct arena *arena)
{
	while (arena->deferred) {
		struct deferred *deferred = arena->deferred;

		arena->deferred = deferred->next;
		deferred->call(deferred->argument);
	}
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	run_deferred(arena);
	for (struct block *block = arena->head, *next; block; block = next) {
		next = block->next;
		free(block);
	}
	free(arena);
}

void arena_free_cleanup(struct arena **arena)
{
	arena_free(*arena);
}

void arena_reset(struct arena *arena)
{
	run_deferred(arena);
	while (arena->head->next) {
		struct block *block = arena->head;

		arena->head = block->next;
		free(block);
	}
	arena->head->used = 0;
	arena->used = 0;
	arena->next_bytes = arena->head->cap;
}

static void *alloc_slow(struct arena *arena, size_t bytes)
{
	if (arena->next_bytes < BLOCK_DOUBLE_MAX)
		arena->next_bytes *= 2;

	struct block *block = block_new(MAX(arena->next_bytes, bytes));

	block->next = arena->head;
	block->used = bytes;
	arena->head = block;
	return block->bytes;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
	CHECK(bytes < SIZE_MAX - ALIGN);
	bytes = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);

	struct block *block = arena->head;

	arena->used += bytes;
	if (block->cap - block->used < bytes)
		return alloc_slow(arena, bytes);
	void *memory = block->bytes + block->used;

	block->used += bytes;
	return memory;
}

void *arena_zero(struct arena *arena, size_t bytes)
{
	return memset(arena_alloc(arena, bytes), 0, bytes);
}

void *arena_grow(struct arena *arena, void *old, size_t old_bytes, size_t bytes)
{
	size_t rounded = (old_bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	struct block *block = arena->head;

	CHECK(bytes >= old_bytes);
	/* The newest allocation can simply be made longer. */
	if (old_bytes && (char *)old + rounded == block->bytes + block->used &&
	    block->cap - block->used >= bytes - old_bytes + ALIGN) {
		size_t more = ((bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1)) - rounded;

		block->used += more;
		arena->used += more;
		return old;
	}
	void *memory = arena_alloc(arena, bytes);

	if (old_bytes)
		memcpy(memory, old, old_bytes);
	return memory;
}

void *arena_copy(struct arena *arena, const void *from, size_t bytes)
{
	void *memory = arena_alloc(arena, bytes);

	if (bytes)
		memcpy(memory, from, bytes);
	return memory;
}

void arena_defer(struct arena *arena, void (*call)(void *), void *argument)
{
	struct deferred *deferred = arena_alloc(arena, sizeof *deferred);

	*deferred = (struct deferred){ arena->deferred, call, argument };
	arena->deferred = deferred;
}

size_t arena_used(const struct arena *arena)
{
	return arena->used;
}
