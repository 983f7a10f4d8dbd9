/*
 * A watch stream is a cursor of the store, the selectors it is narrowed by, and an exchange that is
 * answered in parts. It only ever shows what is durable. When the client reads too slowly nothing
 * is queued beyond a limit; it goes on where it was, or, when the store has forgotten, ends with
 * 410.
 */
#include "server/watch_stream.h"

#include "base/check.h"
#include "doc/build.h"
#include "doc/json.h"
#include "schema/protobuf.h"
#include "server/list.h"
#include "server/object.h"
#include "server/reply.h"
#include "server/respond.h"
#include "server/state.h"
#include "server/table.h"
#include "store/watch.h"

enum {
	QUEUE_BYTES_MAX = 1 << 20, /* written but not sent: enough for a slow client to catch up */
	EVENT_BYTES_MAX = 8 << 20,
	BOOKMARK_S = 60,
	DEFAULT_LIFE_S = 1800, /* up to twice that when the client names no timeout */
};

struct watch_stream {
	struct server *server;
	struct http_exchange *x;
	const struct api_kind *kind;
	struct watch *watch;
	struct narrow narrow;
	struct accept accept;
	struct watch_stream *next, **link;
	i64 end_mono_ns;
	u64 bookmark; /* the revision of the last one */
	bool bookmarks, columns_sent, full, busy, ended;
	/* Still telling what was there at the revision `from`, behind the key told last; then, if
	 * asked for, the mark that says so. */
	bool initial, mark;
	u64 from;
	struct str ns;
	u16 last_ns_len, last_name_len;
	char last[NAME_BYTES_MAX + LABEL_BYTES_MAX];
};

/* ---- writing */

static void write_text(struct watch_stream *s, const struct http_piece *pieces, u32 len)
{
	if (s->x->answer->write(s->x, pieces, len) > QUEUE_BYTES_MAX)
		s->full = true;
}

static void stream_end(struct watch_stream *s)
{
	if (s->ended)
		return;
	s->ended = true;
	s->x->answer->end(s->x);
}

/* Frames for clients that understand nothing but protobuf: four bytes of length, most significant
 * first, then the event. What cannot be written so ends the stream. */
static void write_frame(struct watch_stream *s, const char *type, struct str object)
{
	struct arena *arena = arena_new(0);
	struct buffer out = BUFFER_INIT(EVENT_BYTES_MAX);
	const struct doc *doc;

	if (json_parse(arena, object, &doc, NULL) == ST_OK &&
	    protobuf_encode_event(&out, arena, str_of(type), doc)) {
		const char head[] = { (char)(out.len >> 24), (char)(out.len >> 16),
				      (char)(out.len >> 8), (char)out.len };
		struct http_piece pieces[] = { { head, sizeof head }, { out.at, out.len } };

		write_text(s, pieces, ARRAY_LEN(pieces));
	} else {
		stream_end(s);
	}
	buffer_release(&out);
	arena_free(arena);
}

static void write_event(struct watch_stream *s, const char *type, struct str object)
{
	if (s->accept.protobuf) {
		write_frame(s, type, object);
		return;
	}
	struct str head = str_of(type);
	struct http_piece pieces[] = {
		{ "{\"type\":\"", 9 },	   { head.at, head.len }, { "\",\"object\":", 11 },
		{ object.at, object.len }, { "}\n", 2 },
	};

	write_text(s, pieces, ARRAY_LEN(pieces));
}

/* The object in the form the client wants; `json` is its stored print, if it has one. */
static struct str event_object(struct watch_stream *s, struct arena *arena, const struct doc *doc,
			       struct str json)
{
	struct table_writer writer = {
		.arena = arena,
		.kind = s->kind,
		.accept = &s->accept,
		.now_ns = clock_wall_ns(s->server->clock),
	};
	struct str revision = doc_at_str(doc, "metadata.resourceVersion");

	if (s->accept.form == ACCEPT_METADATA)
		return json_text(arena, partial_metadata(arena, doc, s->accept.beta));
	if (s->accept.form == ACCEPT_OBJECT) {
		if (json.at && s->kind->stored == s->kind)
			return json;
		return json_text(arena, object_show(arena, s->kind, doc));
	}
	writer.out = arena_buffer(arena);
	table_open(&writer, doc_set_str(arena, &doc_empty_object, "resourceVersion", revision),
		   !s->columns_sent);
	s->columns_sent = true;
	table_row(&writer, object_show(arena, s->kind, doc));
	table_close(&writer);
	return buffer_str(writer.out);
}

static void write_version(struct watch_stream *s, const char *type, const struct version *version)
{
	struct arena *arena = s->server->scratch;

	write_event(s, type, event_object(s, arena, version->doc, version->json));
	arena_reset(arena);
}

static void write_error(struct watch_stream *s, const struct error *error)
{
	struct arena *arena = s->server->scratch;

	write_event(s, "ERROR", json_text(arena, status_of_error(arena, error)));
	arena_reset(arena);
}

static void write_bookmark(struct watch_stream *s, u64 revision, bool initial_end)
{
	struct arena *arena = s->server->scratch;
	struct build b = build_object(arena);

	build_str(&b, "kind", s->kind->kind);
	build_str(&b, "apiVersion", s->kind->api_version);
	build_open_object(&b, "metadata");
	build_str(&b, "resourceVersion", str_format(arena, "%llu", (unsigned long long)revision));
	build_doc(&b, "creationTimestamp", &doc_null);
	if (initial_end) {
		build_open_object(&b, "annotations");
		build_str(&b, "k8s.io/initial-events-end", STR("true"));
		build_close(&b);
	}
	build_close(&b);
	write_event(s, "BOOKMARK", event_object(s, arena, build_done(&b), STR_NONE));
	s->bookmark = revision;
	arena_reset(arena);
}

/* ---- events */

/* What leaves the selection is told as deleted: its last matching state, with the new revision. */
static void write_left(struct watch_stream *s, const struct store_event *event)
{
	struct arena *arena = s->server->scratch;
	struct str revision =
		str_format(arena, "%llu", (unsigned long long)event->version->revision);
	const struct doc *doc =
		doc_set_str(arena, event->previous->doc, "metadata.resourceVersion", revision);

	write_event(s, "DELETED", event_object(s, arena, doc, STR_NONE));
	arena_reset(arena);
}

static void tell(struct watch_stream *s, const struct store_event *event)
{
	bool now = event->type != EVENT_DELETED && narrow_matches(&s->narrow, event->version->doc);
	bool before = event->previous && narrow_matches(&s->narrow, event->previous->doc);

	if (event->type == EVENT_DELETED) {
		if (before || (!event->previous && narrow_matches(&s->narrow, event->version->doc)))
			write_version(s, "DELETED", event->version);
	} else if (now) {
		write_version(s, before ? "MODIFIED" : "ADDED", event->version);
	} else if (before) {
		write_left(s, event);
	}
}

static void fail_expired(struct watch_stream *s)
{
	struct error error = ERROR_INIT;

	fail(&error, ST_EXPIRED, "too old resource version: %llu (%llu)",
	     (unsigned long long)watch_revision(s->watch),
	     (unsigned long long)store_revision(s->server->store));
	write_error(s, &error);
	stream_end(s);
}

static void remember(struct watch_stream *s, const struct version *version)
{
	s->last_ns_len = (u16)MIN(version->namespace.len, (size_t)LABEL_BYTES_MAX);
	s->last_name_len = (u16)MIN(version->name.len, (size_t)NAME_BYTES_MAX);
	memcpy(s->last, version->namespace.at, s->last_ns_len);
	memcpy(s->last + s->last_ns_len, version->name.at, s->last_name_len);
}

/* What was there at the revision the watch goes on from, as much of it as the client takes. */
static void tell_initial(struct watch_stream *s)
{
	struct str after_ns = { s->last, s->last_ns_len };
	struct str after_name = { s->last + s->last_ns_len, s->last_name_len };
	struct arena *arena = arena_new(0);
	struct error error = ERROR_INIT;
	struct version *version = NULL;
	struct store_iter iter;

	if (store_iter_start_at(&iter, s->server->store, s->kind->id, s->ns, after_ns, after_name,
				s->from, arena, &error) != ST_OK) {
		write_error(s, &error);
		stream_end(s);
	} else {
		while (!s->full && (version = store_iter_next(&iter))) {
			remember(s, version);
			if (narrow_matches(&s->narrow, version->doc))
				write_version(s, "ADDED", version);
		}
		s->initial = version != NULL;
		if (!s->initial && s->mark)
			write_bookmark(s, s->from, true);
	}
	arena_free(arena);
}

/* Sends what is there, until the client is full or the store has no more. */
static void pump(void *self)
{
	struct watch_stream *s = self;
	struct store_event event;

	if (s->busy || s->ended)
		return;
	s->busy = true; /* a write may call back */
	if (s->initial && !s->full)
		tell_initial(s);
	while (!s->initial && !s->full && !s->ended && watch_next(s->watch, &event))
		tell(s, &event);
	if (!s->ended && !s->full && watch_expired(s->watch))
		fail_expired(s);
	s->busy = false;
}

static void stream_writable(struct http_exchange *x)
{
	struct watch_stream *s = x->handler;

	s->full = false;
	pump(s);
}

static void stream_closed(struct http_exchange *x)
{
	struct watch_stream *s = x->handler;

	s->ended = true;
	watch_close(s->watch);
	s->watch = NULL;
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	s->server->streams_len--;
}

/* ---- beginning */

struct wish {
	u64 from;     /* after this revision */
	bool initial; /* first tell what is there */
	bool mark;    /* and say when that was all */
};

static enum status wish_parse(struct request *r, struct wish *wish)
{
	struct str revision = http_query_get(r->x, "resourceVersion");
	struct str match = http_query_get(r->x, "resourceVersionMatch");
	bool said = http_query_get(r->x, "sendInitialEvents").at != NULL;
	enum status status = query_revision(r, &wish->from);

	if (status != ST_OK)
		return status;
	if (said && !str_is(match, "NotOlderThan"))
		return fail(&r->error, ST_INVALID,
			    "resourceVersionMatch: Forbidden: sendInitialEvents requires setting "
			    "resourceVersionMatch to NotOlderThan");
	if (!said && match.len)
		return fail(
			&r->error, ST_INVALID,
			"resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for "
			"watch unless sendInitialEvents is provided");
	wish->mark = query_bool(r->x, "sendInitialEvents");
	wish->initial = said ? wish->mark : revision.len == 0 || wish->from == 0;
	if (wish->from > store_revision(r->server->store))
		return fail_too_large_revision(r, wish->from, store_revision(r->server->store));
	/* What is there is told as of what is durable; so are changes when no revision is named. */
	if (wish->initial || wish->from == 0)
		wish->from = store_durable(r->server->store);
	return ST_OK;
}

static void stream_start(struct watch_stream *s)
{
	static const struct http_header headers[] = {
		{ STR_INIT("Content-Type"), STR_INIT("application/json") },
		{ STR_INIT("Cache-Control"), STR_INIT("no-cache, private") },
	};
	static const struct http_header protobuf_headers[] = {
		{ STR_INIT("Content-Type"), STR_INIT(MEDIA_PROTOBUF ";stream=watch") },
		{ STR_INIT("Cache-Control"), STR_INIT("no-cache, private") },
	};

	s->next = s->server->streams;
	s->link = &s->server->streams;
	if (s->next)
		s->next->link = &s->next;
	s->server->streams = s;
	s->server->streams_len++;
	s->x->handler = s;
	s->x->on_writable = stream_writable;
	s->x->on_closed = stream_closed;
	s->x->answer->start(s->x, 200, s->accept.protobuf ? protobuf_headers : headers,
			    ARRAY_LEN(headers));
}

static enum status stream_new(struct request *r, struct watch_stream **ret, struct wish *wish)
{
	struct watch_stream *s = ARENA_NEW(r->x->arena, struct watch_stream);
	i64 life_s;
	enum status status = narrow_parse(r, &s->narrow);

	if (status == ST_OK)
		status = wish_parse(r, wish);
	if (status == ST_OK)
		status = query_i64(r->x, "timeoutSeconds", 0, &life_s, &r->error);
	if (status != ST_OK)
		return status;
	if (life_s <= 0)
		life_s = DEFAULT_LIFE_S + random_below(r->server->random, DEFAULT_LIFE_S);
	life_s = MIN(life_s, (i64)1 << 30);
	s->server = r->server;
	s->x = r->x;
	s->kind = r->kind;
	s->accept = r->accept;
	s->bookmarks = query_bool(r->x, "allowWatchBookmarks");
	s->end_mono_ns = clock_mono_ns(r->server->clock) + life_s * NS_PER_S;
	*ret = s;
	return ST_OK;
}

void watch_reply(struct request *r)
{
	struct watch_stream *s;
	struct wish wish = { 0 };
	enum status status = stream_new(r, &s, &wish);

	if (status != ST_OK) {
		request_fail(r);
		return;
	}
	status = watch_open(r->server->store, r->kind->id, r->ns, wish.from, &s->watch, &r->error);
	if (status != ST_OK && status != ST_EXPIRED) {
		request_fail(r);
		return;
	}
	stream_start(s);
	if (status != ST_OK) { /* reflectors look for the error inside the stream */
		write_error(s, &r->error);
		stream_end(s);
		return;
	}
	s->bookmark = s->from = wish.from;
	s->initial = wish.initial;
	s->mark = wish.mark;
	s->ns = r->ns;
	watch_on_ready(s->watch, pump, s);
	pump(s);
	server_wake(r->server, s->end_mono_ns);
	if (s->bookmarks)
		server_wake(r->server, clock_mono_ns(r->server->clock) + BOOKMARK_S * NS_PER_S);
}

/* ---- time */

i64 watch_tick(struct server *server, i64 mono_ns)
{
	bool due = mono_ns >= server->next_bookmark_mono_ns, wanted = false;
	i64 next = NEVER_NS;

	if (due)
		server->next_bookmark_mono_ns = mono_ns + BOOKMARK_S * NS_PER_S;
	for (struct watch_stream *s = server->streams, *after; s; s = after) {
		after = s->next; /* ending may close, and unlink, at once */
		if (s->ended)
			continue;
		if (mono_ns >= s->end_mono_ns) {
			stream_end(s);
			continue;
		}
		wanted = wanted || s->bookmarks;
		if (due && s->bookmarks && !s->initial && !s->full &&
		    watch_revision(s->watch) > s->bookmark)
			write_bookmark(s, watch_revision(s->watch), false);
		next = MIN(next, s->end_mono_ns);
	}
	return wanted ? MIN(next, server->next_bookmark_mono_ns) : next;
}

void watch_end_all(struct server *server)
{
	for (struct watch_stream *s = server->streams, *after; s; s = after) {
		after = s->next;
		stream_end(s);
	}
}
