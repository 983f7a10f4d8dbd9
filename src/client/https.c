/*
 * Calls are one request each. A watch lists, tells what is new against what it told before, then
 * follows the stream; when that ends it goes on from the last revision, and when the server has
 * forgotten that one (410) it lists again. Failures wait longer each time, up to half a minute.
 */
#include "client/https.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/check.h"
#include "client/known.h"
#include "client/side.h"
#include "doc/build.h"
#include "doc/json.h"
#include "net/client.h"
#include "schema/schema.h"
#include "sys/loop.h"

enum {
	CALL_TIMEOUT_MS = 30000,
	WATCH_TIMEOUT_S = 600, /* the server ends the stream then; a dead peer shows later still */
	RETRY_FIRST_MS = 250,
	RETRY_LAST_MS = 30000,
	LINE_BYTES_MAX = 8 << 20,
};

struct https_client {
	struct client client;
	struct loop *loop;
	struct http_client *http;
	const struct schema *schema;
	struct https_call *calls;
	struct https_watch *watches;
};

struct https_call {
	struct https_client *owner;
	struct https_call *next;
	struct http_call *call;
	client_done *done;
	void *self;
};

struct https_watch {
	struct client_watch watch;
	struct https_client *owner; /* gone when stopped */
	struct https_watch *next;
	struct arena *arena; /* of the options */
	const struct api_kind *kind;
	struct client_watch_options options;
	struct client_watch_events events;
	void *self;
	struct known known;
	struct http_call *call;
	struct timer *retry;
	struct buffer line;
	u64 revision; /* where to go on; 0: list first */
	u32 retry_ms;
	bool stopped, telling;
};

/* ---- requests */

static struct str target_of(struct arena *arena, const struct api_kind *kind, struct str ns,
			    struct str name, struct str subresource)
{
	bool spaced = kind->namespaced && ns.len;

	return str_format(arena, "%s" STR_FMT "%s" STR_FMT "/" STR_FMT "%s" STR_FMT "%s" STR_FMT,
			  kind->group.len ? "/apis/" : "/api/", STR_ARG(kind->api_version),
			  spaced ? "/namespaces/" : "", STR_ARG(spaced ? ns : STR("")),
			  STR_ARG(kind->plural), name.len ? "/" : "", STR_ARG(name),
			  subresource.len ? "/" : "", STR_ARG(subresource));
}

/* What a Status (or whatever else came) says went wrong. */
static enum status failure_of(struct arena *arena, const struct http_call_result *result,
			      struct error *error)
{
	const struct doc *doc = NULL;
	enum status status = ST_INTERNAL;
	struct str reason, message;

	if (result->status != ST_OK)
		return fail(error, ST_UNAVAILABLE, "%s", result->why ? result->why : "no answer");
	if (json_parse(arena, result->body, &doc, NULL) != ST_OK)
		doc = NULL;
	reason = doc_str(doc_key(doc, "reason"));
	message = doc_str(doc_key(doc, "message"));
	for (u32 i = ST_OK + 1; i < STATUS_COUNT; i++)
		if (reason.len ? str_is(reason, status_reason(i))
			       : status_code(i) == result->code) {
			status = i;
			break;
		}
	if (message.len == 0)
		return fail(error, status, "the server answered %d", result->code);
	return fail(error, status, STR_FMT, STR_ARG(message));
}

static bool succeeded(const struct http_call_result *result)
{
	return result->status == ST_OK && result->code >= 200 && result->code < 300;
}

static void call_done(void *self, const struct http_call_result *result)
{
	struct https_call *call = self, **link = &call->owner->calls;
	struct arena *arena = arena_new(0);
	struct error error = ERROR_INIT;
	const struct doc *doc = NULL;

	while (*link != call)
		link = &(*link)->next;
	*link = call->next;
	if (!succeeded(result))
		failure_of(arena, result, &error);
	else if (json_parse(arena, result->body, &doc, &error) != ST_OK)
		doc = NULL;
	if (call->done)
		call->done(call->self, doc, doc ? NULL : &error);
	arena_free(arena);
	free(call);
}

static struct str delete_body(struct arena *arena, const struct client_request *r)
{
	struct build b = build_object(arena);

	build_str(&b, "kind", STR("DeleteOptions"));
	build_str(&b, "apiVersion", STR("v1"));
	if (r->grace_s >= 0)
		build_int(&b, "gracePeriodSeconds", r->grace_s);
	if (r->uid.len) {
		build_open_object(&b, "preconditions");
		build_str(&b, "uid", r->uid);
		build_close(&b);
	}
	return json_text(arena, build_done(&b));
}

static void https_call(struct client *side, const struct client_request *r)
{
	static const char *const methods[] = {
		[CLIENT_GET] = "GET",	  [CLIENT_CREATE] = "POST",   [CLIENT_UPDATE] = "PUT",
		[CLIENT_PATCH] = "PATCH", [CLIENT_DELETE] = "DELETE",
	};
	static const char *const patches[] = {
		[CLIENT_PATCH_JSON] = "application/json-patch+json",
		[CLIENT_PATCH_MERGE] = "application/merge-patch+json",
		[CLIENT_PATCH_STRATEGIC] = "application/strategic-merge-patch+json",
	};
	static const struct http_call_events events = { .done = call_done };
	struct https_client *client = CONTAINER_OF(side, struct https_client, client);
	const struct api_kind *kind = schema_kind(client->schema, r->kind);
	struct arena *arena = arena_new(0);
	struct https_call *call = calloc(1, sizeof *call);
	const char *type = r->verb == CLIENT_PATCH ? patches[r->patch] : "application/json";
	struct http_header headers[] = {
		{ STR("Accept"), STR("application/json") },
		{ STR("Content-Type"), str_of(type) },
	};
	/* A new object's name stands in its body; a subresource is created under its object. */
	bool named = r->verb != CLIENT_CREATE || r->subresource.len;
	struct http_call_spec spec = {
		.method = str_of(methods[r->verb]),
		.target = target_of(arena, kind, r->ns, named ? r->name : STR(""), r->subresource),
		.headers = headers,
		.headers_len = ARRAY_LEN(headers),
		.timeout_ms = CALL_TIMEOUT_MS,
	};

	CHECK(call);
	if (r->body)
		spec.body = json_text(arena, r->body);
	else if (r->verb == CLIENT_DELETE)
		spec.body = delete_body(arena, r);
	*call = (struct https_call){ client, client->calls, NULL, r->done, r->self };
	client->calls = call;
	call->call = http_call_start(client->http, &spec, &events, call);
	arena_free(arena);
}

/* ---- watches */

static void watch_begin(void *self);

static void watch_destroy(struct https_watch *w)
{
	if (w->call)
		http_call_cancel(w->call);
	timer_free(w->retry);
	known_release(&w->known);
	buffer_release(&w->line);
	arena_free(w->arena);
	free(w);
}

static void watch_again(struct https_watch *w, bool failed)
{
	w->retry_ms = !failed	    ? RETRY_FIRST_MS
		      : w->retry_ms ? MIN(w->retry_ms * 2, (u32)RETRY_LAST_MS)
				    : RETRY_FIRST_MS;
	timer_start(w->retry, w->retry_ms, 0);
}

/* Between these two a callback may stop the watch; then it ends when the second is reached. */
static void tell_begin(struct https_watch *w)
{
	w->telling = true;
}

static bool tell_end(struct https_watch *w)
{
	w->telling = false;
	if (!w->stopped)
		return true;
	watch_destroy(w);
	return false;
}

static u64 revision_of(const struct doc *doc)
{
	i64 revision;

	return str_to_i64(doc_at_str(doc, "metadata.resourceVersion"), &revision) && revision > 0
		       ? (u64)revision
		       : 0;
}

static void list_done(void *self, const struct http_call_result *result)
{
	struct https_watch *w = self;
	struct arena *arena = arena_new(0);
	const struct doc *list = NULL;

	w->call = NULL;
	if (!succeeded(result) || json_parse(arena, result->body, &list, NULL) != ST_OK) {
		watch_again(w, true);
		arena_free(arena);
		return;
	}
	tell_begin(w);
	known_list_begin(&w->known);
	doc_each_item(doc_key(list, "items"), item)
		if (!w->stopped)
			known_update(&w->known, item, &w->events, w->self);
	if (!w->stopped)
		known_list_end(&w->known, &w->events, w->self);
	if (!w->stopped && w->events.synced)
		w->events.synced(w->self);
	w->revision = revision_of(list);
	arena_free(arena);
	if (tell_end(w))
		watch_begin(w);
}

static void tell_line(struct https_watch *w, struct str line)
{
	struct arena *arena = arena_new(0);
	const struct doc *event, *object;
	struct str type;

	if (json_parse(arena, line, &event, NULL) != ST_OK) {
		arena_free(arena);
		return;
	}
	type = doc_str(doc_key(event, "type"));
	object = doc_key(event, "object");
	if (str_is(type, "ERROR"))
		w->revision = 0; /* list again */
	else if (revision_of(object))
		w->revision = revision_of(object);
	if (str_is(type, "ADDED") || str_is(type, "MODIFIED"))
		known_update(&w->known, object, &w->events, w->self);
	else if (str_is(type, "DELETED"))
		known_delete(&w->known, object, &w->events, w->self);
	arena_free(arena);
}

static void stream_bytes(void *self, struct str bytes)
{
	struct https_watch *w = self;
	const char *end;

	if (!buffer_add_str(&w->line, bytes)) { /* no event is that long */
		http_call_cancel(w->call);
		w->call = NULL;
		w->revision = 0;
		buffer_clear(&w->line);
		watch_again(w, true);
		return;
	}
	tell_begin(w);
	w->retry_ms = 0; /* it works */
	while (!w->stopped && (end = memchr(w->line.at, '\n', w->line.len))) {
		size_t len = (size_t)(end - w->line.at);

		tell_line(w, (struct str){ w->line.at, len });
		buffer_drop(&w->line, len + 1);
	}
	tell_end(w);
}

static void stream_done(void *self, const struct http_call_result *result)
{
	struct https_watch *w = self;

	w->call = NULL;
	buffer_clear(&w->line);
	if (result->status == ST_OK && result->code >= 400)
		w->revision = 0;
	watch_again(w, !succeeded(result));
}

/* Lists, or goes on from where it was. */
static void watch_begin(void *self)
{
	static const struct http_call_events listing = { .done = list_done };
	static const struct http_call_events following = { .bytes = stream_bytes,
							   .done = stream_done };
	static const struct http_header headers[] = {
		{ STR_INIT("Accept"), STR_INIT("application/json") },
	};
	struct https_watch *w = self;
	struct arena *arena = arena_new(0);
	struct str target = target_of(arena, w->kind, w->options.ns, STR(""), STR(""));

	target = str_format(arena, STR_FMT "?fieldSelector=" STR_FMT "&labelSelector=" STR_FMT,
			    STR_ARG(target), STR_ARG(w->options.field_selector),
			    STR_ARG(w->options.label_selector));
	if (w->revision)
		target = str_format(arena,
				    STR_FMT "&watch=true&allowWatchBookmarks=true&timeoutSeconds="
					    "%d&resourceVersion=%llu",
				    STR_ARG(target), WATCH_TIMEOUT_S,
				    (unsigned long long)w->revision);
	struct http_call_spec spec = {
		.method = STR("GET"),
		.target = target,
		.headers = headers,
		.headers_len = ARRAY_LEN(headers),
		.timeout_ms = w->revision ? (WATCH_TIMEOUT_S + 60) * MS_PER_S : CALL_TIMEOUT_MS,
	};

	w->call = http_call_start(w->owner->http, &spec, w->revision ? &following : &listing, w);
	arena_free(arena);
}

/* Selectors stand in a query: what may not be there as it is. */
static struct str query_escape(struct arena *arena, struct str text)
{
	static const char hex[] = "0123456789ABCDEF", safe[] = "-_.~/,()";
	char *out = arena_alloc(arena, text.len * 3 + 1), *to = out;

	for (size_t i = 0; i < text.len; i++) {
		u8 c = (u8)text.at[i];

		if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
		    (c && strchr(safe, c))) {
			*to++ = (char)c;
			continue;
		}
		*to++ = '%';
		*to++ = hex[c >> 4];
		*to++ = hex[c & 15];
	}
	return (struct str){ out, (size_t)(to - out) };
}

static struct client_watch *https_watch(struct client *side, kind_id kind,
					const struct client_watch_options *options,
					const struct client_watch_events *events, void *self)
{
	struct https_client *client = CONTAINER_OF(side, struct https_client, client);
	struct https_watch *w = calloc(1, sizeof *w);

	CHECK(w);
	*w = (struct https_watch){
		.watch = { side },
		.owner = client,
		.next = client->watches,
		.arena = arena_new(512),
		.kind = schema_kind(client->schema, kind),
		.events = *events,
		.self = self,
		.line = BUFFER_INIT(LINE_BYTES_MAX),
	};
	w->retry = timer_new(client->loop, watch_begin, w);
	client->watches = w;
	if (options) {
		w->options.ns = str_copy(w->arena, options->ns);
		w->options.field_selector = query_escape(w->arena, options->field_selector);
		w->options.label_selector = query_escape(w->arena, options->label_selector);
	}
	watch_begin(w);
	return &w->watch;
}

static void https_watch_stop(struct client_watch *watch)
{
	struct https_watch *w = CONTAINER_OF(watch, struct https_watch, watch);
	struct https_watch **link = &w->owner->watches;

	while (*link != w)
		link = &(*link)->next;
	*link = w->next;
	w->stopped = true;
	if (!w->telling) /* else tell_end() does it */
		watch_destroy(w);
}

static void https_free(struct client *side)
{
	struct https_client *client = CONTAINER_OF(side, struct https_client, client);

	while (client->watches)
		https_watch_stop(&client->watches->watch);
	while (client->calls) {
		struct https_call *call = client->calls;

		client->calls = call->next;
		http_call_cancel(call->call);
		free(call);
	}
	free(client);
}

struct client *client_https_new(struct loop *loop, struct http_client *http,
				const struct schema *schema)
{
	static const struct client_ops ops = {
		.call = https_call,
		.watch = https_watch,
		.watch_stop = https_watch_stop,
		.free = https_free,
	};
	struct https_client *client = calloc(1, sizeof *client);

	CHECK(client);
	client->client.ops = &ops;
	client->loop = loop;
	client->http = http;
	client->schema = schema;
	return &client->client;
}
