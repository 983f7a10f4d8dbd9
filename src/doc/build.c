/* A stack of nodes: a closed level moves to the arena and becomes one node of the level around it.
 */
#include "doc/build.h"

#include "base/check.h"

static struct build build_start(struct arena *arena, bool array)
{
	struct build b = { .arena = arena };

	b.levels[0].array = array;
	return b;
}

struct build build_object(struct arena *arena)
{
	return build_start(arena, false);
}

struct build build_array(struct arena *arena)
{
	return build_start(arena, true);
}

static void push_key(struct build *b, const char *key)
{
	CHECK((key == NULL) == b->levels[b->depth].array);
	if (!key)
		return;
	struct doc *name = doc_ref_str(b->arena, str_of(key));

	VEC_PUSH(b->arena, &b->nodes, *name);
}

static void open_level(struct build *b, const char *key, bool array)
{
	CHECK(b->depth + 1 < DOC_DEPTH_MAX);
	push_key(b, key);
	b->depth++;
	b->levels[b->depth].first = b->nodes.len;
	b->levels[b->depth].array = array;
}

void build_open_object(struct build *b, const char *key)
{
	open_level(b, key, false);
}

void build_open_array(struct build *b, const char *key)
{
	open_level(b, key, true);
}

static struct doc close_level(struct build *b)
{
	u32 first = b->levels[b->depth].first, count = b->nodes.len - first;
	bool array = b->levels[b->depth].array;
	struct doc closed = { .type = array ? DOC_ARRAY : DOC_OBJECT,
			      .len = array ? count : count / 2 };

	CHECK(array || count % 2 == 0);
	if (count)
		closed.items = arena_copy(b->arena, b->nodes.at + first, count * sizeof closed);
	b->nodes.len = first;
	return closed;
}

void build_close(struct build *b)
{
	CHECK(b->depth > 0);
	struct doc closed = close_level(b);

	b->depth--;
	VEC_PUSH(b->arena, &b->nodes, closed);
}

void build_doc(struct build *b, const char *key, const struct doc *value)
{
	if (!value)
		return;
	push_key(b, key);
	VEC_PUSH(b->arena, &b->nodes, *value);
}

void build_pair(struct build *b, struct str key, const struct doc *value)
{
	CHECK(!b->levels[b->depth].array);
	if (!value)
		return;
	VEC_PUSH(b->arena, &b->nodes, *doc_ref_str(b->arena, key));
	VEC_PUSH(b->arena, &b->nodes, *value);
}

void build_str(struct build *b, const char *key, struct str value)
{
	build_doc(b, key, doc_ref_str(b->arena, value));
}

void build_str_if(struct build *b, const char *key, struct str value)
{
	if (value.len)
		build_str(b, key, value);
}

void build_int(struct build *b, const char *key, i64 value)
{
	build_doc(b, key, doc_new_int(b->arena, value));
}

void build_bool(struct build *b, const char *key, bool value)
{
	build_doc(b, key, doc_new_bool(value));
}

const struct doc *build_done(struct build *b)
{
	CHECK(b->depth == 0);
	struct doc *d = arena_alloc(b->arena, sizeof *d);

	*d = close_level(b);
	return d;
}
