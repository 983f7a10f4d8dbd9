/*
 * One request's trail. It stands between the handler and whoever carries the answer, so that it
 * sees code and body of every answer, however it came about.
 */
#include "server/audit.h"

#include "base/buffer.h"
#include "base/timestamp.h"
#include "doc/build.h"
#include "doc/json.h"
#include "server/object.h"
#include "server/state.h"

enum { NOTED_BYTES_MAX = 4 << 20, EVENT_BYTES_MAX = 12 << 20 };

struct audit_trail {
	struct request *request;
	struct audit_choice choice;
	struct user asked_as; /* before impersonation */
	struct str id, decision, reason;
	i64 received_ns;
	struct audit_sink sink; /* these two outlive the server, as exchanges may */
	const struct clock *clock;
	const struct http_answer *inner;
	struct http_answer outer;
	int code; /* of an answer in parts */
	bool over;
};

static const char *const level_words[] = { "None", "Metadata", "Request", "RequestResponse" };
static const char *const stage_words[] = { "RequestReceived", "ResponseStarted",
					   "ResponseComplete" };

/* ---- one event */

static void build_user(struct build *b, const char *key, const struct user *user)
{
	build_open_object(b, key);
	build_str(b, "username", user->name);
	build_str_if(b, "uid", user->uid);
	if (user->groups_len) {
		build_open_array(b, "groups");
		for (u32 i = 0; i < user->groups_len; i++)
			build_str(b, NULL, user->groups[i]);
		build_close(b);
	}
	build_doc(b, "extra", user->extra);
	build_close(b);
}

static void build_source(struct build *b, const struct http_exchange *x)
{
	struct str address = x->peer ? x->peer->address : STR("");
	i64 colon = str_find_last(address, ':');

	if (colon > 0)
		address = str_part(address, 0, (size_t)colon);
	if (!address.len)
		return;
	build_open_array(b, "sourceIPs");
	build_str(b, NULL, address);
	build_close(b);
}

static void build_ref(struct build *b, const struct request *r)
{
	if (!r->is_resource || !r->resource.len)
		return;
	build_open_object(b, "objectRef");
	build_str(b, "resource", r->resource);
	build_str_if(b, "namespace", r->ns);
	build_str_if(b, "name", r->name);
	build_str_if(b, "apiGroup", r->group);
	build_str_if(b, "apiVersion", r->version);
	build_str_if(b, "subresource", r->subresource);
	build_close(b);
}

static void build_notes(struct build *b, const struct audit_trail *t)
{
	const struct audit_notes *notes = t->request->call.audit;

	build_open_object(b, "annotations");
	if (t->decision.len) {
		build_str(b, "authorization.k8s.io/decision", t->decision);
		build_str(b, "authorization.k8s.io/reason", t->reason);
	}
	for (u32 i = 0; notes && i < notes->list.len; i++)
		build_str(b, notes->list.at[i].key, notes->list.at[i].value);
	build_close(b);
}

static const struct doc *without_managed(struct arena *arena, const struct doc *object)
{
	const struct doc *items = doc_key(object, "items");

	if (doc_at(object, "metadata.managedFields"))
		object = doc_remove(arena, object, "metadata.managedFields");
	for (u32 i = 0; i < doc_len(items); i++)
		items = doc_with_item(arena, items, i, without_managed(arena, doc_item(items, i)));
	return items ? doc_with(arena, object, STR("items"), items) : object;
}

static void build_body(struct build *b, const char *key, const struct audit_trail *t,
		       struct str text)
{
	const struct doc *object;

	if (!text.len || text.len > NOTED_BYTES_MAX ||
	    json_parse(b->arena, text, &object, NULL) != ST_OK || !doc_is(object, DOC_OBJECT))
		return;
	if (t->choice.omit_managed_fields)
		object = without_managed(b->arena, object);
	build_doc(b, key, object);
}

static void build_status(struct build *b, int code, struct str body)
{
	const struct doc *status = NULL;

	build_open_object(b, "responseStatus");
	build_doc(b, "metadata", &doc_empty_object);
	if (code >= 400 && body.len < 64 << 10 &&
	    json_parse(b->arena, body, &status, NULL) == ST_OK) {
		build_doc(b, "status", doc_key(status, "status"));
		build_doc(b, "message", doc_key(status, "message"));
		build_doc(b, "reason", doc_key(status, "reason"));
		build_doc(b, "details", doc_key(status, "details"));
	}
	build_int(b, "code", code);
	build_close(b);
}

static const struct doc *event_of(struct audit_trail *t, struct arena *arena,
				  enum audit_stage stage, int code, struct str body)
{
	struct request *r = t->request;
	struct http_exchange *x = r->x;
	struct build b = build_object(arena);
	bool acts = !str_eq(t->asked_as.name, r->user.name);
	i64 now = clock_wall_ns(t->clock);

	build_str(&b, "kind", STR("Event"));
	build_str(&b, "apiVersion", STR("audit.k8s.io/v1"));
	build_str(&b, "level", str_of(level_words[t->choice.level]));
	build_str(&b, "auditID", t->id);
	build_str(&b, "stage", str_of(stage_words[stage]));
	build_str(&b, "requestURI",
		  x->query.len ? str_format(arena, STR_FMT "?" STR_FMT, STR_ARG(x->path),
					    STR_ARG(x->query))
			       : x->path);
	build_str(&b, "verb", request_verb_word(r));
	build_user(&b, "user", &t->asked_as);
	if (acts)
		build_user(&b, "impersonatedUser", &r->user);
	build_source(&b, x);
	build_str_if(&b, "userAgent", http_header_get(x, "User-Agent"));
	build_ref(&b, r);
	if (stage != AUDIT_RECEIVED)
		build_status(&b, code, body);
	if (t->choice.level >= AUDIT_REQUEST && stage != AUDIT_RECEIVED)
		build_body(&b, "requestObject", t, x->body);
	if (t->choice.level >= AUDIT_REQUEST_RESPONSE && stage == AUDIT_COMPLETE)
		build_body(&b, "responseObject", t, body);
	build_str(&b, "requestReceivedTimestamp", timestamp_print_micro(arena, t->received_ns));
	build_str(&b, "stageTimestamp", timestamp_print_micro(arena, now));
	if (stage != AUDIT_RECEIVED)
		build_notes(&b, t);
	return build_done(&b);
}

static void tell(struct audit_trail *t, enum audit_stage stage, int code, struct str body)
{
	struct buffer line = BUFFER_INIT(EVENT_BYTES_MAX);
	struct arena *arena;

	if (t->choice.omitted & 1U << stage)
		return;
	arena = arena_new(0);
	if (json_print(&line, event_of(t, arena, stage, code, body)) &&
	    buffer_add_char(&line, '\n'))
		t->sink.line(t->sink.self, buffer_str(&line));
	buffer_release(&line);
	arena_free(arena);
}

/* ---- between handler and carrier */

static void complete(struct audit_trail *t, int code, struct str body)
{
	if (t->over)
		return;
	t->over = true;
	tell(t, AUDIT_COMPLETE, code, body);
}

static void trail_reply(struct http_exchange *x, int code, const struct http_header *headers,
			u32 headers_len, const struct http_piece *pieces, u32 pieces_len)
{
	struct audit_trail *t = x->trail;
	struct buffer body = BUFFER_INIT(NOTED_BYTES_MAX);
	bool packed = false;

	for (u32 i = 0; i < headers_len; i++)
		packed = packed || str_is(headers[i].name, "Content-Encoding");
	if (!packed && (code >= 400 || t->choice.level == AUDIT_REQUEST_RESPONSE))
		for (u32 i = 0; i < pieces_len; i++)
			buffer_add(&body, pieces[i].at, pieces[i].len);
	complete(t, code, body.full ? STR("") : buffer_str(&body));
	buffer_release(&body);
	t->inner->reply(x, code, headers, headers_len, pieces, pieces_len);
}

static void trail_start(struct http_exchange *x, int code, const struct http_header *headers,
			u32 headers_len)
{
	struct audit_trail *t = x->trail;

	t->code = code;
	tell(t, AUDIT_STARTED, code, STR(""));
	t->inner->start(x, code, headers, headers_len);
}

static void trail_upgrade(struct http_exchange *x, const struct http_header *headers,
			  u32 headers_len, const struct http_tunnel_events *events, void *self)
{
	struct audit_trail *t = x->trail;

	t->code = 101;
	tell(t, AUDIT_STARTED, 101, STR(""));
	t->inner->upgrade(x, headers, headers_len, events, self);
}

/* However it ended: what was answered in parts is over when its exchange goes. */
static void trail_ends(void *self)
{
	struct audit_trail *t = self;

	complete(t, t->code, STR(""));
}

struct audit_trail *audit_begin(struct request *r)
{
	struct audit_trail *t;
	struct audit_choice choice;

	if (!r->server->config.audit)
		return NULL;
	choice = audit_choose(r->server->config.audit_policy, r);
	if (choice.level == AUDIT_NONE)
		return NULL;
	t = ARENA_NEW(r->x->arena, struct audit_trail);
	*t = (struct audit_trail){
		.request = r,
		.choice = choice,
		.asked_as = r->user,
		.id = call_random_uuid(&r->call),
		.received_ns = clock_wall_ns(r->server->clock),
		.sink = *r->server->config.audit,
		.clock = r->server->clock,
		.inner = r->x->answer,
		.outer = *r->x->answer,
	};
	t->outer.reply = trail_reply;
	t->outer.start = trail_start;
	if (t->outer.upgrade)
		t->outer.upgrade = trail_upgrade;
	r->x->trail = t;
	r->x->answer = &t->outer;
	r->call.audit = &r->notes;
	arena_defer(r->x->arena, trail_ends, t);
	tell(t, AUDIT_RECEIVED, 0, STR(""));
	return t;
}

void audit_decided(struct audit_trail *t, bool allowed, struct str reason)
{
	if (!t)
		return;
	t->decision = allowed ? STR("allow") : STR("forbid");
	t->reason = reason;
}
