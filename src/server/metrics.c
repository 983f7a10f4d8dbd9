/*
 * metrics.k8s.io: NodeMetrics and PodMetrics are made of what usage.h measures, when they are asked
 * for. A question that comes too early, because nobody has looked lately, is put aside for a
 * second; kubectl top then shows what is going on now and not a mean since the start. Follows
 * sigs.k8s.io/metrics-server/pkg/api.
 */
#include "server/metrics.h"

#include "base/timestamp.h"
#include "doc/build.h"
#include "doc/json.h"
#include "schema/quantity.h"
#include "server/list.h"
#include "server/object.h"
#include "server/reply.h"
#include "server/respond.h"
#include "server/state.h"
#include "server/table.h"
#include "server/usage.h"

struct metrics_wait {
	struct request *request;
	i64 due_mono_ns;
	struct metrics_wait *next, **link;
};

typedef VEC(const struct doc *) documents_list;

/* ---- one object */

static bool is_node(const struct request *r)
{
	return r->kind->id == KIND_NodeMetrics;
}

static void build_usage(struct build *b, const struct usage_part *part)
{
	struct quantity cpu = { part->cpu_nano, QUANTITY_DECIMAL };
	i64 kib = (i64)(part->memory_bytes >> 10);

	build_open_object(b, "usage");
	/* Nanocores and Ki, as metrics-server tells them, however round the number is. */
	build_str(b, "cpu",
		  cpu.nanos ? str_format(b->arena, "%lldn", (long long)part->cpu_nano) : STR("0"));
	build_str(b, "memory", str_format(b->arena, "%lldKi", (long long)kib));
	build_close(b);
}

static const struct doc *metrics_doc(struct request *r, const struct version *of,
				     const struct usage_report *report)
{
	struct arena *arena = r->x->arena;
	struct build b = build_object(arena);

	build_str(&b, "kind", r->kind->kind);
	build_str(&b, "apiVersion", r->kind->api_version);
	build_open_object(&b, "metadata");
	build_str(&b, "name", of->name);
	build_str_if(&b, "namespace", of->namespace);
	build_str(&b, "creationTimestamp", call_now(&r->call));
	build_doc(&b, "labels", doc_at(of->doc, "metadata.labels"));
	build_close(&b);
	build_str(&b, "timestamp", timestamp_print(arena, report->wall_ns));
	build_str(&b, "window",
		  str_format(arena, "%lld.%03llds", (long long)(report->window_ns / NS_PER_S),
			     (long long)(report->window_ns / NS_PER_MS % 1000)));
	if (is_node(r)) {
		build_usage(&b, &report->parts[0]);
		return build_done(&b);
	}
	build_open_array(&b, "containers");
	for (u32 i = 0; i < report->len; i++) {
		build_open_object(&b, NULL);
		build_str(&b, "name", report->parts[i].name);
		build_usage(&b, &report->parts[i]);
		build_close(&b);
	}
	build_close(&b);
	return build_done(&b);
}

/* ---- finding */

static kind_id measured_kind(const struct request *r)
{
	return is_node(r) ? KIND_Node : KIND_Pod;
}

/* Adds what is known of one object; true when more will be known soon. */
static bool look(struct request *r, const struct version *of, documents_list *found)
{
	struct usage *usage = r->server->usage;
	struct usage_report report;
	enum usage_answer answer = is_node(r) ? usage_node(usage, r->x->arena, of, &report)
					      : usage_pod(usage, r->x->arena, of, &report);

	if (answer == USAGE_KNOWN)
		VEC_PUSH(r->x->arena, found, metrics_doc(r, of, &report));
	return answer == USAGE_SOON;
}

static bool find(struct request *r, const struct narrow *narrow, documents_list *found)
{
	struct store_iter iter;
	bool soon = false;

	store_iter_start(&iter, r->server->store, measured_kind(r), r->ns, STR_NONE, STR_NONE);
	for (struct version *v; (v = store_iter_next(&iter));) {
		if (!narrow_matches(narrow, v->doc))
			continue;
		version_hold(r->x->arena, v);
		soon |= look(r, v, found);
	}
	return soon;
}

/* ---- answers */

static void reply_list(struct request *r, const documents_list *found)
{
	struct build b = build_object(r->x->arena);

	build_str(&b, "kind", r->kind->list_kind);
	build_str(&b, "apiVersion", r->kind->api_version);
	build_doc(&b, "metadata", &doc_empty_object);
	build_doc(&b, "items", doc_new_array(r->x->arena, found->at, found->len));
	r->accept.form = ACCEPT_OBJECT;
	respond_doc(r, 200, build_done(&b), 0);
}

static void reply_table(struct request *r, const documents_list *found)
{
	struct reply reply = reply_new(r->x, 200, "application/json");
	struct table_writer writer = {
		.arena = r->x->arena,
		.kind = r->kind,
		.accept = &r->accept,
		.out = arena_buffer(r->x->arena),
		.now_ns = clock_wall_ns(r->server->clock),
	};

	table_open(&writer, &doc_empty_object, true);
	for (u32 i = 0; i < found->len; i++) {
		if (i)
			buffer_add_char(writer.out, ',');
		table_row(&writer, found->at[i]);
	}
	table_close(&writer);
	reply_piece(&reply, buffer_str(writer.out));
	reply_send(r->x, &reply);
}

static void fail_none(struct request *r)
{
	struct str kind = str_lower(r->x->arena, r->kind->kind);

	fail(&r->error, ST_NOT_FOUND, STR_FMT "." STR_FMT " \"" STR_FMT "%s" STR_FMT "\" not found",
	     STR_ARG(kind), STR_ARG(r->kind->group), STR_ARG(r->ns), r->ns.len ? "/" : "",
	     STR_ARG(r->name));
	r->error.group = r->kind->group;
	r->error.kind = kind;
	r->error.name = r->name;
	request_fail(r);
}

/* True: answered. False: too early, unless this is the last try. */
static bool answer(struct request *r, bool last)
{
	documents_list found = { 0 };
	struct narrow narrow;

	if (r->verb == REQUEST_GET) {
		struct version *of = store_get(r->server->store, measured_kind(r), r->ns, r->name);

		if (of)
			version_hold(r->x->arena, of);
		if (of && look(r, of, &found) && !last)
			return false;
		if (found.len)
			respond_doc(r, 200, found.at[0], 0);
		else
			fail_none(r);
		return true;
	}
	if (narrow_parse(r, &narrow) != ST_OK) {
		request_fail(r);
		return true;
	}
	if (find(r, &narrow, &found) && !last)
		return false;
	if (r->accept.form == ACCEPT_TABLE)
		reply_table(r, &found);
	else
		reply_list(r, &found);
	return true;
}

/* ---- waiting */

static void unlink_wait(struct metrics_wait *wait)
{
	*wait->link = wait->next;
	if (wait->next)
		wait->next->link = wait->link;
	wait->request->x->on_closed = NULL;
}

static void closed(struct http_exchange *x)
{
	unlink_wait(x->handler);
}

void metrics_reply(struct request *r)
{
	struct server *server = r->server;

	if (answer(r, false))
		return;
	struct metrics_wait *wait = ARENA_NEW(r->x->arena, struct metrics_wait);

	wait->request = r;
	wait->due_mono_ns = clock_mono_ns(server->clock) + USAGE_SOON_MS * NS_PER_MS;
	wait->next = server->metrics_waits;
	wait->link = &server->metrics_waits;
	if (wait->next)
		wait->next->link = &wait->next;
	server->metrics_waits = wait;
	r->x->handler = wait;
	r->x->on_closed = closed;
	server_wake(server, wait->due_mono_ns);
}

i64 metrics_tick(struct server *server, i64 mono)
{
	i64 next = NEVER_NS;

	for (struct metrics_wait *wait = server->metrics_waits, *after; wait; wait = after) {
		after = wait->next;
		if (wait->due_mono_ns > mono) {
			next = MIN(next, wait->due_mono_ns);
			continue;
		}
		unlink_wait(wait);
		answer(wait->request, true);
	}
	return next;
}

void metrics_abandon(struct server *server)
{
	while (server->metrics_waits) {
		struct metrics_wait *wait = server->metrics_waits;

		unlink_wait(wait);
		reply_failure(wait->request->x, ST_UNAVAILABLE, "the server is stopping");
	}
}
