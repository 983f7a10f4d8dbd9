/*
 * Objects of kinds that are not known when the log is loaded: those of custom resources, whose
 * definitions are objects themselves. They wait here until their kind is added; what nobody comes
 * for stays on disk as it is.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "store/private.h"

static struct str copy(char **at, struct str s)
{
	struct str kept = { *at, s.len };

	str_put(*at, s);
	*at += s.len;
	return kept;
}

void strangers_keep(struct store *store, const struct log_row *row)
{
	if (store->strangers_len == store->strangers_cap) {
		store->strangers_cap = store->strangers_cap ? store->strangers_cap * 2 : 64;
		store->strangers =
			realloc(store->strangers, store->strangers_cap * sizeof *store->strangers);
		CHECK(store->strangers);
	}
	char *block = malloc(row->kind.len + row->namespace.len + row->name.len + row->json.len);

	CHECK(block && row->kind.len);
	struct stranger *s = &store->strangers[store->strangers_len++];

	s->kind = copy(&block, row->kind);
	s->namespace = copy(&block, row->namespace);
	s->name = copy(&block, row->name);
	s->json = copy(&block, row->json);
	s->row = row->row;
	s->revision = row->revision;
}

static void let_go(struct stranger *stranger)
{
	free((void *)(uintptr_t)stranger->kind.at);
	stranger->kind = STR_NONE;
}

void strangers_adopt(struct store *store, struct kind_state *state)
{
	for (u32 i = 0; i < store->strangers_len; i++) {
		struct stranger *s = &store->strangers[i];
		struct log_row row = {
			s->row, s->revision, s->kind, s->namespace, s->name, s->json
		};
		struct error error = ERROR_INIT;

		if (!s->kind.at || !str_eq(s->kind, state->kind.name))
			continue;
		struct arena *arena = arena_new(0);

		/* A damaged one stays on disk for whoever mends it. */
		if (store_load_row(store, state, &row, arena, &error) != ST_OK)
			log_warn("store", "%s", error.message);
		arena_free(arena);
		let_go(s);
	}
}

void strangers_release(struct store *store)
{
	for (u32 i = 0; i < store->strangers_len; i++)
		let_go(&store->strangers[i]);
	free(store->strangers);
}
