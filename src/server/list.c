/*
 * A list reply is an array of pieces: a head, the stored JSON of every version with commas between,
 * a tail. Nothing is printed anew unless a table, bare metadata or another version of the API is
 * wanted. Pages go on where the last one ended, at the revision of the first.
 */
#include "server/list.h"

#include <stdlib.h>

#include "doc/build.h"
#include "doc/json.h"
#include "net/jwt.h"
#include "server/commit.h"
#include "server/object.h"
#include "server/reply.h"
#include "server/respond.h"
#include "server/state.h"
#include "server/table.h"

struct list_query {
	struct narrow narrow;
	i64 limit; /* 0: no limit */
	u64 revision;
	bool exact;			 /* as of `revision`, not newer */
	struct str after_ns, after_name; /* of a continue token */
	bool continued;
};

struct found {
	VEC(struct version *) list; /* pinned by the exchange's arena */
	u64 revision;
	bool more;
};

/* ---- what is wanted */

enum status narrow_parse(struct request *r, struct narrow *ret)
{
	struct str labels = http_query_get(r->x, "labelSelector");
	struct str fields = http_query_get(r->x, "fieldSelector");
	enum status status = ST_OK;

	*ret = (struct narrow){ .name = r->name };
	if (labels.len)
		status = selector_parse(r->x->arena, labels, &ret->labels, &r->error);
	if (status == ST_OK && fields.len)
		status = field_selector_parse(r->x->arena, r->kind->stored, fields, &ret->fields,
					      &r->error);
	if (status == ST_OK && ret->fields && ret->name.len == 0)
		ret->name = field_selector_wanted(ret->fields, "metadata.name");
	return status;
}

bool narrow_matches(const struct narrow *narrow, const struct doc *object)
{
	if (narrow->name.len && !str_eq(object_name(object), narrow->name))
		return false;
	if (narrow->labels &&
	    !selector_matches(narrow->labels, doc_key(doc_key(object, "metadata"), "labels")))
		return false;
	return !narrow->fields || field_selector_matches(narrow->fields, object);
}

enum status query_revision(struct request *r, u64 *ret_revision)
{
	struct str text = http_query_get(r->x, "resourceVersion");
	i64 value = 0;

	if (text.len && (!str_to_i64(text, &value) || value < 0))
		return fail(&r->error, ST_BAD_REQUEST,
			    "resourceVersion: Invalid value: \"" STR_FMT
			    "\": strconv.ParseUint: parsing \"" STR_FMT "\": invalid syntax",
			    STR_ARG(text), STR_ARG(text));
	*ret_revision = (u64)value;
	return ST_OK;
}

enum status fail_too_large_revision(struct request *r, u64 wanted, u64 current)
{
	struct cause *cause = ARENA_NEW(r->x->arena, struct cause);

	fail(&r->error, ST_TIMEOUT, "Too large resource version: %llu, current: %llu",
	     (unsigned long long)wanted, (unsigned long long)current);
	cause->reason = STR("ResourceVersionTooLarge");
	cause->message = STR("Too large resource version");
	r->error.causes = cause;
	r->error.causes_len = 1;
	r->error.retry_after_s = 1;
	return ST_TIMEOUT;
}

/* A token is base64url of "REVISION NAMESPACE NAME": opaque to clients, checked by us. */
static struct str token_print(struct arena *arena, u64 revision, const struct version *last)
{
	return base64url_encode(arena, str_format(arena, "%llu " STR_FMT " " STR_FMT,
						  (unsigned long long)revision,
						  STR_ARG(last->namespace), STR_ARG(last->name)));
}

static enum status token_parse(struct request *r, struct str token, struct list_query *q)
{
	struct str text, number;
	i64 revision;

	if (!base64url_decode(r->x->arena, token, &text))
		return fail(&r->error, ST_BAD_REQUEST, "continue key is not valid");
	number = str_cut(&text, ' ');
	if (!str_to_i64(number, &revision) || revision < 0 || !text.at)
		return fail(&r->error, ST_BAD_REQUEST, "continue key is not valid");
	q->after_ns = str_cut(&text, ' ');
	q->after_name = text;
	q->revision = (u64)revision;
	q->exact = q->continued = true;
	return ST_OK;
}

static enum status query_parse(struct request *r, struct list_query *q)
{
	struct str token = http_query_get(r->x, "continue");
	struct str match = http_query_get(r->x, "resourceVersionMatch");
	bool has_revision = http_query_get(r->x, "resourceVersion").len > 0;
	enum status status = narrow_parse(r, &q->narrow);

	if (status == ST_OK)
		status = query_i64(r->x, "limit", 0, &q->limit, &r->error);
	if (status == ST_OK)
		status = query_revision(r, &q->revision);
	if (status != ST_OK)
		return status;
	if (http_query_get(r->x, "sendInitialEvents").at)
		return fail(
			&r->error, ST_INVALID,
			"sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list");
	if (match.len && !has_revision)
		return fail(&r->error, ST_INVALID,
			    "resourceVersionMatch is forbidden unless resourceVersion is provided");
	if (match.len && !str_is(match, "Exact") && !str_is(match, "NotOlderThan"))
		return fail(&r->error, ST_INVALID,
			    "resourceVersionMatch: Unsupported value: \"" STR_FMT
			    "\": supported values: \"Exact\", \"NotOlderThan\"",
			    STR_ARG(match));
	if (token.len) {
		if (has_revision && q->revision)
			return fail(&r->error, ST_BAD_REQUEST,
				    "specifying resource version is not allowed when using "
				    "continue");
		return token_parse(r, token, q);
	}
	q->exact = str_is(match, "Exact") && q->revision;
	if (q->revision > store_revision(r->server->store))
		return fail_too_large_revision(r, q->revision, store_revision(r->server->store));
	return ST_OK;
}

/* ---- finding */

static bool take(struct request *r, const struct list_query *q, struct found *found,
		 struct version *version)
{
	if (!narrow_matches(&q->narrow, version->doc))
		return true;
	if (q->limit > 0 && found->list.len == (u64)q->limit) {
		found->more = true;
		return false;
	}
	version_hold(r->x->arena, version);
	VEC_PUSH(r->x->arena, &found->list, version);
	return true;
}

static int by_place(const void *a, const void *b)
{
	const struct version *left = *(struct version *const *)a;
	const struct version *right = *(struct version *const *)b;
	int order = str_cmp(left->namespace, right->namespace);

	return order ? order : str_cmp(left->name, right->name);
}

/* An index that knows the few objects that can match; false when none helps. */
static bool find_indexed(struct request *r, const struct list_query *q, struct found *found)
{
	struct version_list few;
	struct str node;

	if (q->exact)
		return false;
	if (q->narrow.name.len && (r->ns.len || !r->kind->namespaced)) {
		struct version *one =
			store_get(r->server->store, r->kind->id, r->ns, q->narrow.name);

		if (one)
			take(r, q, found, one);
		return true;
	}
	if (r->kind->id != KIND_Pod || !q->narrow.fields || q->limit)
		return false;
	node = field_selector_wanted(q->narrow.fields, "spec.nodeName");
	if (node.len == 0)
		return false;
	few = store_on_node(r->server->store, r->x->arena, node);
	qsort(few.at, few.len, sizeof *few.at, by_place);
	for (u32 i = 0; i < few.len; i++)
		if (r->ns.len == 0 || str_eq(few.at[i]->namespace, r->ns))
			take(r, q, found, few.at[i]);
	return true;
}

static enum status find(struct request *r, const struct list_query *q, struct found *found)
{
	struct store *store = r->server->store;
	struct store_iter iter;
	struct version *version;

	found->revision = q->exact ? q->revision : store_revision(store);
	if (find_indexed(r, q, found))
		return ST_OK;
	if (q->exact) {
		enum status status =
			store_iter_start_at(&iter, store, r->kind->id, r->ns, q->after_ns,
					    q->after_name, q->revision, r->x->arena, &r->error);
		if (status != ST_OK)
			return status;
	} else {
		store_iter_start(&iter, store, r->kind->id, r->ns, STR(""), STR(""));
	}
	while ((version = store_iter_next(&iter)))
		if (!take(r, q, found, version))
			break;
	return ST_OK;
}

/* ---- telling */

static const struct doc *list_metadata(struct request *r, const struct list_query *q,
				       const struct found *found)
{
	struct build b = build_object(r->x->arena);

	build_str(&b, "resourceVersion",
		  str_format(r->x->arena, "%llu", (unsigned long long)found->revision));
	if (found->more) {
		build_str(&b, "continue",
			  token_print(r->x->arena, found->revision,
				      found->list.at[found->list.len - 1]));
		/* Without selectors the rest is known, as Kubernetes has it. */
		if (!q->narrow.labels && !q->narrow.fields && !q->continued && r->ns.len == 0)
			build_int(&b, "remainingItemCount",
				  store_count(r->server->store, r->kind->id) - found->list.len);
	}
	return build_done(&b);
}

static void add_objects(struct request *r, const struct found *found, struct reply *reply)
{
	const struct api_kind *kind = r->kind;

	for (u32 i = 0; i < found->list.len; i++) {
		struct version *version = found->list.at[i];

		if (i)
			reply_piece(reply, STR(","));
		reply_piece(reply, kind->stored == kind
					   ? version->json
					   : json_text(r->x->arena, object_show(r->x->arena, kind,
										version->doc)));
	}
}

static void tell_objects(struct request *r, const struct list_query *q, const struct found *found,
			 struct reply *reply)
{
	reply_piece(reply, str_format(r->x->arena,
				      "{\"kind\":\"" STR_FMT "\",\"apiVersion\":\"" STR_FMT
				      "\",\"metadata\":" STR_FMT ",\"items\":[",
				      STR_ARG(r->kind->list_kind), STR_ARG(r->kind->api_version),
				      STR_ARG(json_text(r->x->arena, list_metadata(r, q, found)))));
	add_objects(r, found, reply);
	reply_piece(reply, STR("]}\n"));
}

static void tell_metadata(struct request *r, const struct list_query *q, const struct found *found,
			  struct buffer *out)
{
	buffer_add_format(out,
			  "{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":"
			  "\"meta.k8s.io/%s\",\"metadata\":",
			  r->accept.beta ? "v1beta1" : "v1");
	json_print(out, list_metadata(r, q, found));
	buffer_add_str(out, STR(",\"items\":["));
	for (u32 i = 0; i < found->list.len; i++) {
		if (i)
			buffer_add_char(out, ',');
		json_print(out,
			   partial_metadata(r->x->arena, found->list.at[i]->doc, r->accept.beta));
	}
	buffer_add_str(out, STR("]}\n"));
}

static void tell_table(struct request *r, const struct list_query *q, const struct found *found,
		       struct buffer *out)
{
	struct table_writer writer = {
		.arena = r->x->arena,
		.kind = r->kind,
		.accept = &r->accept,
		.out = out,
		.now_ns = clock_wall_ns(r->server->clock),
	};

	table_open(&writer, list_metadata(r, q, found), true);
	for (u32 i = 0; i < found->list.len; i++) {
		if (i)
			buffer_add_char(out, ',');
		table_row(&writer, object_show(r->x->arena, r->kind, found->list.at[i]->doc));
	}
	table_close(&writer);
	buffer_add_char(out, '\n');
}

void list_reply(struct request *r)
{
	struct list_query query = { 0 };
	struct found found = { 0 };
	struct reply reply = reply_new(r->x, 200, "application/json");
	struct buffer *out;

	if (query_parse(r, &query) != ST_OK || find(r, &query, &found) != ST_OK) {
		request_fail(r);
		return;
	}
	reply_warnings(r, &reply);
	if (r->accept.form == ACCEPT_OBJECT) {
		tell_objects(r, &query, &found, &reply);
	} else {
		out = arena_buffer(r->x->arena);
		if (r->accept.form == ACCEPT_TABLE)
			tell_table(r, &query, &found, out);
		else
			tell_metadata(r, &query, &found, out);
		reply_piece(&reply, buffer_str(out));
	}
	reply_when_durable(r->server, r->x, &reply, found.revision);
}
