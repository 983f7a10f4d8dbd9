/* From outcomes to replies. */
#include "server/respond.h"

#include "doc/json.h"
#include "server/commit.h"
#include "server/object.h"
#include "server/state.h"
#include "server/table.h"

enum { REPLY_BYTES_MAX = 1 << 30 };

static void release(void *buffer)
{
	buffer_release(buffer);
}

struct buffer *arena_buffer(struct arena *arena)
{
	struct buffer *buffer = ARENA_NEW(arena, struct buffer);

	*buffer = BUFFER_INIT(REPLY_BYTES_MAX);
	arena_defer(arena, release, buffer);
	return buffer;
}

/* 299 - "text": the form of RFC 7234, which kubectl prints. */
static void add_warning(struct request *r, struct reply *reply, struct str text)
{
	struct buffer *out = arena_buffer(r->x->arena);

	buffer_add_str(out, STR("299 - \""));
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '"' || text.at[i] == '\\')
			buffer_add_char(out, '\\');
		buffer_add_char(out, (unsigned char)text.at[i] < ' ' ? ' ' : text.at[i]);
	}
	buffer_add_char(out, '"');
	reply_header(reply, "Warning", buffer_str(out));
}

void reply_warnings(struct request *r, struct reply *reply)
{
	if (r->kind && r->kind->warning.len)
		add_warning(r, reply, r->kind->warning);
	for (u32 i = 0; i < r->warnings.list.len; i++)
		add_warning(r, reply, r->warnings.list.at[i]);
}

static void add_table(struct request *r, struct reply *reply, const struct doc *doc)
{
	struct buffer *out = arena_buffer(r->x->arena);
	struct table_writer writer = {
		.arena = r->x->arena,
		.kind = r->kind,
		.accept = &r->accept,
		.out = out,
		.now_ns = clock_wall_ns(r->server->clock),
	};
	struct str revision = doc_at_str(doc, "metadata.resourceVersion");

	table_open(&writer,
		   doc_set_str(r->x->arena, &doc_empty_object, "resourceVersion", revision), true);
	table_row(&writer, doc);
	table_close(&writer);
	reply_piece(reply, buffer_str(out));
}

static bool is_view_of_kind(const struct request *r, const struct doc *doc)
{
	return r->kind && str_eq(doc_str(doc_key(doc, "kind")), r->kind->kind);
}

static void respond(struct request *r, int code, const struct doc *doc, struct str json,
		    u64 revision)
{
	struct reply reply = reply_new(r->x, code, "application/json");

	reply_warnings(r, &reply);
	/* A Status or a Scale has no columns of this kind. */
	if (r->accept.form == ACCEPT_OBJECT || !is_view_of_kind(r, doc))
		reply_piece(&reply, json.at ? json : json_text(r->x->arena, doc));
	else if (r->accept.form == ACCEPT_TABLE)
		add_table(r, &reply, doc);
	else
		reply_piece(&reply, json_text(r->x->arena,
					      partial_metadata(r->x->arena, doc, r->accept.beta)));
	reply_piece(&reply, STR("\n"));
	reply_when_durable(r->server, r->x, &reply, revision);
}

void respond_doc(struct request *r, int code, const struct doc *doc, u64 revision)
{
	respond(r, code, doc, STR_NONE, revision);
}

void respond_outcome(struct request *r, int code, const struct outcome *outcome)
{
	/* What is stored is already printed. */
	bool as_stored = outcome->version && outcome->doc == outcome->version->doc;

	respond(r, code, outcome->doc, as_stored ? outcome->version->json : STR_NONE,
		outcome->revision);
}
