/* Every entry has an arena of its own, so that objects come and go without a trace. */
#include "network/service_view.h"

#include <stdlib.h>

#include "base/check.h"
#include "doc/build.h"

enum { KEY_BYTES = 600 };

static struct str key_of(char room[KEY_BYTES], struct str ns, struct str name)
{
	if (ns.len + name.len + 1 > KEY_BYTES)
		return STR_NONE;
	memcpy(room, ns.at, ns.len);
	room[ns.len] = '/';
	memcpy(room + ns.len + 1, name.at, name.len);
	return (struct str){ room, ns.len + 1 + name.len };
}

static struct str key_of_doc(char room[KEY_BYTES], const struct doc *doc)
{
	return key_of(room, doc_at_str(doc, "metadata.namespace"),
		      doc_at_str(doc, "metadata.name"));
}

/* ---- entries */

static struct service_entry *entry_take(struct service_view *view, struct str ns, struct str name)
{
	char room[KEY_BYTES];
	struct str key = key_of(room, ns, name);

	if (!ns.len || !name.len || !key.len)
		return NULL;
	struct service_entry *entry = map_get(&view->entries, key);

	if (entry)
		return entry;
	struct arena *arena = arena_new(256);

	entry = ARENA_NEW(arena, struct service_entry);
	entry->arena = arena;
	entry->key = str_copy(arena, key);
	entry->ns = str_part(entry->key, 0, ns.len);
	entry->name = str_from(entry->key, ns.len + 1);
	map_put(&view->entries, entry->key, entry);
	return entry;
}

static void entry_drop_if_empty(struct service_view *view, struct service_entry *entry)
{
	if (entry->service || entry->slices)
		return;
	map_remove(&view->entries, entry->key);
	arena_free(entry->arena);
}

static void entry_forget_service(struct service_entry *entry)
{
	entry->service = NULL;
	arena_free(entry->doc_arena);
	entry->doc_arena = NULL;
}

/* Managed fields and annotations are most of an object, and nobody here reads them. */
static const struct doc *slim(struct arena *arena, const struct doc *doc)
{
	struct build b = build_object(arena);

	build_open_object(&b, "metadata");
	build_doc(&b, "name", doc_at(doc, "metadata.name"));
	build_doc(&b, "namespace", doc_at(doc, "metadata.namespace"));
	build_close(&b);
	build_doc(&b, "spec", doc_key(doc, "spec"));
	build_doc(&b, "status", doc_key(doc, "status"));
	build_doc(&b, "addressType", doc_key(doc, "addressType"));
	build_doc(&b, "endpoints", doc_key(doc, "endpoints"));
	build_doc(&b, "ports", doc_key(doc, "ports"));
	return build_done(&b);
}

static const struct doc *keep(struct arena *arena, const struct doc *doc)
{
	struct arena *scratch CLEANUP(arena_free_cleanup) = arena_new(0);

	return doc_copy(arena, slim(scratch, doc));
}

void service_view_put_service(struct service_view *view, const struct doc *service)
{
	struct service_entry *entry = entry_take(view, doc_at_str(service, "metadata.namespace"),
						 doc_at_str(service, "metadata.name"));

	if (!entry)
		return;
	entry_forget_service(entry);
	entry->doc_arena = arena_new(512);
	entry->service = keep(entry->doc_arena, service);
}

void service_view_drop_service(struct service_view *view, const struct doc *service)
{
	char room[KEY_BYTES];
	struct service_entry *entry = map_get(&view->entries, key_of_doc(room, service));

	if (!entry)
		return;
	entry_forget_service(entry);
	entry_drop_if_empty(view, entry);
}

/* ---- slices */

static void slice_free(struct service_view *view, struct service_slice *slice)
{
	struct service_slice **link = &slice->entry->slices;

	while (*link != slice)
		link = &(*link)->next;
	*link = slice->next;
	map_remove(&view->slices, slice->key);
	arena_free(slice->arena);
}

void service_view_drop_slice(struct service_view *view, const struct doc *doc)
{
	char room[KEY_BYTES];
	struct service_slice *slice = map_get(&view->slices, key_of_doc(room, doc));

	if (!slice)
		return;
	struct service_entry *entry = slice->entry;

	slice_free(view, slice);
	entry_drop_if_empty(view, entry);
}

void service_view_put_slice(struct service_view *view, const struct doc *doc)
{
	char room[KEY_BYTES];
	struct str key = key_of_doc(room, doc);
	struct str owner =
		doc_str(doc_get(doc_at(doc, "metadata.labels"), STR("kubernetes.io/service-name")));
	struct service_entry *entry = NULL;
	struct service_slice **link;

	if (owner.len && key.len)
		entry = entry_take(view, doc_at_str(doc, "metadata.namespace"), owner);
	/* The old one goes first, as the label may name another Service now. */
	struct service_slice *old = map_get(&view->slices, key);
	struct service_entry *before = old ? old->entry : NULL;

	if (old)
		slice_free(view, old);
	if (before && before != entry)
		entry_drop_if_empty(view, before);
	if (!entry)
		return;
	struct arena *arena = arena_new(512);
	struct service_slice *slice = ARENA_NEW(arena, struct service_slice);

	slice->arena = arena;
	slice->entry = entry;
	slice->key = str_copy(arena, key);
	slice->doc = keep(arena, doc);
	for (link = &entry->slices; *link && str_cmp((*link)->key, slice->key) < 0;)
		link = &(*link)->next;
	slice->next = *link;
	*link = slice;
	map_put(&view->slices, slice->key, slice);
}

void service_view_release(struct service_view *view)
{
	for (struct map_entry *e = NULL; (e = map_next(&view->slices, e));)
		arena_free(((struct service_slice *)e->value)->arena);
	for (struct map_entry *e = NULL; (e = map_next(&view->entries, e));) {
		struct service_entry *entry = e->value;

		arena_free(entry->doc_arena);
		arena_free(entry->arena);
	}
	map_release(&view->slices);
	map_release(&view->entries);
}

/* ---- looking */

const struct service_entry *service_view_find(const struct service_view *view, struct str ns,
					      struct str name)
{
	char room[KEY_BYTES];
	struct str key = key_of(room, ns, name);
	const struct service_entry *entry = key.len ? map_get(&view->entries, key) : NULL;

	return entry && entry->service ? entry : NULL;
}

static int by_key(const void *a, const void *b)
{
	const struct service_entry *const *x = a, *const *y = b;

	return str_cmp((*x)->key, (*y)->key);
}

struct service_list service_view_all(const struct service_view *view, struct arena *arena)
{
	struct service_list list = {
		.at = ARENA_ARRAY(arena, const struct service_entry *, view->entries.len + 1),
	};

	for (struct map_entry *e = NULL; (e = map_next(&view->entries, e));) {
		const struct service_entry *entry = e->value;

		if (entry->service)
			list.at[list.len++] = entry;
	}
	qsort(list.at, list.len, sizeof *list.at, by_key);
	return list;
}

bool endpoint_is_ready(const struct doc *endpoint)
{
	return doc_at_bool(endpoint, "conditions.ready", true);
}

bool endpoint_is_leaving(const struct doc *endpoint)
{
	return doc_at_bool(endpoint, "conditions.serving", endpoint_is_ready(endpoint)) &&
	       doc_at_bool(endpoint, "conditions.terminating", false);
}
