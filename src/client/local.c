/*
 * Calls become verbs at once. Watches are cursors of the store; what they have to tell waits for
 * the server's next tick, because nobody may write while the store tells of a change, and whoever
 * hears of one mostly wants to write.
 */
#include "client/local.h"

#include <stdlib.h>

#include "base/check.h"
#include "client/known.h"
#include "client/side.h"
#include "schema/selector.h"
#include "server/server.h"
#include "server/verbs.h"
#include "store/store.h"
#include "store/watch.h"

struct local_client {
	struct client client;
	struct server *server;
	const struct user *user;
	bool wait_durable;
	struct local_watch *watches;
	struct local_wait *waits;
};

struct local_watch {
	struct client_watch watch;
	struct local_client *owner; /* gone when stopped */
	struct server *server;
	struct local_watch *next;
	struct arena *arena; /* options and selectors */
	kind_id kind;
	struct str ns;
	struct selector *labels;
	struct field_selector *fields;
	struct watch *store_watch;
	struct client_watch_events events;
	void *self;
	struct known known;
	struct server_later later;
	bool stopped, telling;
};

/* A call whose answer waits for the log. */
struct local_wait {
	struct local_client *owner;
	struct store_wait wait;
	struct server_later later;
	struct local_wait *next;
	struct arena *arena;
	const struct doc *object;
	struct error error;
	client_done *done;
	void *self;
};

/* ---- calls */

static enum status run(struct local_client *client, struct arena *arena,
		       const struct client_request *r, struct outcome *outcome, struct error *error)
{
	static const enum patch_type patches[] = {
		[CLIENT_PATCH_JSON] = PATCH_JSON,
		[CLIENT_PATCH_MERGE] = PATCH_MERGE,
		[CLIENT_PATCH_STRATEGIC] = PATCH_STRATEGIC,
	};
	struct delete_options options = { .grace_s = r->grace_s, .uid = r->uid };
	const struct api_kind *kind = schema_kind(server_schema(client->server), r->kind);
	struct call call = {
		.server = client->server,
		.arena = arena,
		.user = client->user,
		.validation = VALIDATION_IGNORE,
	};

	switch (r->verb) {
	case CLIENT_GET:
		return verb_get(&call, kind, r->ns, r->name, STR(""), outcome, error);
	case CLIENT_CREATE:
		return verb_create(&call, kind, r->ns, r->name, r->subresource, r->body, outcome,
				   error);
	case CLIENT_UPDATE:
		return verb_update(&call, kind, r->ns, r->name, r->subresource, r->body, outcome,
				   error);
	case CLIENT_PATCH:
		return verb_patch(&call, kind, r->ns, r->name, r->subresource, patches[r->patch],
				  false, r->body, outcome, error);
	case CLIENT_DELETE:
		return verb_delete(&call, kind, r->ns, r->name, &options, outcome, error);
	}
	return fail(error, ST_INTERNAL, "no such verb");
}

static void wait_unlink(struct local_wait *w)
{
	struct local_wait **link = &w->owner->waits;

	while (*link != w)
		link = &(*link)->next;
	*link = w->next;
}

static void wait_tell(void *self)
{
	struct local_wait *w = self;
	bool failed = w->error.status != ST_OK;

	wait_unlink(w);
	w->done(w->self, failed ? NULL : w->object, failed ? &w->error : NULL);
	arena_free(w->arena);
	free(w);
}

static void wait_done(struct store_wait *wait, enum status status, const struct error *error)
{
	struct local_wait *w = CONTAINER_OF(wait, struct local_wait, wait);

	if (status != ST_OK) {
		w->error = *error;
		w->error.causes_len = 0;
	}
	server_later(w->owner->server, &w->later);
}

static void wait_start(struct local_client *client, struct arena *arena,
		       const struct client_request *r, const struct outcome *outcome)
{
	struct local_wait *w = calloc(1, sizeof *w);

	CHECK(w);
	*w = (struct local_wait){
		.owner = client,
		.wait = { .revision = outcome->revision, .done = wait_done },
		.later = { .call = wait_tell, .self = w },
		.next = client->waits,
		.arena = arena,
		.object = outcome->doc,
		.done = r->done,
		.self = r->self,
	};
	client->waits = w;
	store_wait(server_store(client->server), &w->wait);
}

static void local_call(struct client *side, const struct client_request *r)
{
	struct local_client *client = CONTAINER_OF(side, struct local_client, client);
	struct arena *arena = arena_new(0);
	struct error error = ERROR_INIT;
	struct outcome outcome = { 0 };
	enum status status = run(client, arena, r, &outcome, &error);

	if (r->done && status == ST_OK && client->wait_durable &&
	    outcome.revision > store_durable(server_store(client->server))) {
		wait_start(client, arena, r, &outcome);
		return;
	}
	if (r->done)
		r->done(r->self, status == ST_OK ? outcome.doc : NULL,
			status == ST_OK ? NULL : &error);
	arena_free(arena);
}

/* ---- watches */

static bool wanted(const struct local_watch *w, const struct doc *object)
{
	return (!w->labels || selector_matches(w->labels, doc_at(object, "metadata.labels"))) &&
	       (!w->fields || field_selector_matches(w->fields, object));
}

static void tell_event(struct local_watch *w, const struct store_event *event)
{
	if (event->type != EVENT_DELETED && wanted(w, event->version->doc))
		known_update(&w->known, event->version->doc, &w->events, w->self);
	else
		known_delete(&w->known, event->version->doc, &w->events, w->self);
}

static void note_ready(void *self)
{
	struct local_watch *w = self;

	server_later(w->server, &w->later);
}

/* Tells all that is there as of what is durable, and follows from there. */
static void list_and_follow(struct local_watch *w)
{
	struct store *store = server_store(w->server);
	u64 revision = store_durable(store);
	struct arena *arena = arena_new(0);
	VEC(struct version *) all = { 0 };
	struct store_iter iter;
	struct version *version;

	watch_close(w->store_watch);
	w->store_watch = NULL;
	if (watch_open(store, w->kind, w->ns, revision, &w->store_watch, NULL) != ST_OK ||
	    store_iter_start_at(&iter, store, w->kind, w->ns, STR(""), STR(""), revision, arena,
				NULL) != ST_OK) {
		note_ready(w); /* cannot be: what is durable is known; try again */
		arena_free(arena);
		return;
	}
	/* Whoever hears of one may write: take them all before telling any. */
	while ((version = store_iter_next(&iter)))
		if (wanted(w, version->doc)) {
			version_hold(arena, version);
			VEC_PUSH(arena, &all, version);
		}
	known_list_begin(&w->known);
	for (u32 i = 0; i < all.len && !w->stopped; i++)
		known_update(&w->known, all.at[i]->doc, &w->events, w->self);
	if (!w->stopped)
		known_list_end(&w->known, &w->events, w->self);
	if (!w->stopped && w->events.synced)
		w->events.synced(w->self);
	if (!w->stopped)
		watch_on_ready(w->store_watch, note_ready, w);
	arena_free(arena);
}

static void watch_destroy(struct local_watch *w)
{
	server_later_cancel(w->server, &w->later);
	watch_close(w->store_watch);
	known_release(&w->known);
	arena_free(w->arena);
	free(w);
}

static void pump(void *self)
{
	struct local_watch *w = self;
	struct store_event event;

	w->telling = true;
	if (!w->store_watch || watch_expired(w->store_watch))
		list_and_follow(w);
	while (!w->stopped && w->store_watch && watch_next(w->store_watch, &event)) {
		struct version *version = version_ref(event.version);

		tell_event(w, &event);
		version_unref(version);
	}
	w->telling = false;
	if (w->stopped)
		watch_destroy(w);
	else if (w->store_watch && watch_expired(w->store_watch))
		note_ready(w);
}

static struct client_watch *local_watch(struct client *side, kind_id kind,
					const struct client_watch_options *options,
					const struct client_watch_events *events, void *self)
{
	struct local_client *client = CONTAINER_OF(side, struct local_client, client);
	const struct api_kind *what = schema_kind(server_schema(client->server), kind);
	struct local_watch *w = calloc(1, sizeof *w);

	CHECK(w);
	*w = (struct local_watch){
		.watch = { side },
		.owner = client,
		.server = client->server,
		.next = client->watches,
		.arena = arena_new(512),
		.kind = kind,
		.events = *events,
		.self = self,
		.later = { .call = pump, .self = w },
	};
	client->watches = w;
	if (options) {
		w->ns = str_copy(w->arena, options->ns);
		if (options->label_selector.len)
			CHECK(selector_parse(w->arena, str_copy(w->arena, options->label_selector),
					     &w->labels, NULL) == ST_OK);
		if (options->field_selector.len)
			CHECK(field_selector_parse(w->arena, what,
						   str_copy(w->arena, options->field_selector),
						   &w->fields, NULL) == ST_OK);
	}
	note_ready(w);
	return &w->watch;
}

static void local_watch_stop(struct client_watch *watch)
{
	struct local_watch *w = CONTAINER_OF(watch, struct local_watch, watch);
	struct local_watch **link = &w->owner->watches;

	while (*link != w)
		link = &(*link)->next;
	*link = w->next;
	w->stopped = true;
	if (!w->telling) /* else pump() ends it */
		watch_destroy(w);
}

static void local_free(struct client *side)
{
	struct local_client *client = CONTAINER_OF(side, struct local_client, client);

	while (client->watches)
		local_watch_stop(&client->watches->watch);
	while (client->waits) {
		struct local_wait *w = client->waits;

		store_wait_cancel(&w->wait);
		server_later_cancel(client->server, &w->later);
		wait_unlink(w);
		arena_free(w->arena);
		free(w);
	}
	free(client);
}

struct client *client_local_new(struct server *server, const struct user *user, bool wait_durable)
{
	static const struct client_ops ops = {
		.call = local_call,
		.watch = local_watch,
		.watch_stop = local_watch_stop,
		.free = local_free,
	};
	struct local_client *client = calloc(1, sizeof *client);

	CHECK(client);
	client->client.ops = &ops;
	client->server = server;
	client->user = user ? user : &user_server;
	client->wait_durable = wait_durable;
	return &client->client;
}
