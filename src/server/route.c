/* Verbs by method, and what each of them answers. */
#include "server/route.h"

#include "doc/build.h"
#include "schema/schema.h"
#include "server/body.h"
#include "server/list.h"
#include "server/metrics.h"
#include "server/reply.h"
#include "server/respond.h"
#include "server/state.h"
#include "server/watch_stream.h"
#include "server/webhook.h"

static void fail_unknown(struct request *r)
{
	fail(&r->error, ST_NOT_FOUND, "the server could not find the requested resource");
	r->error.group = r->group;
	r->error.kind = r->resource;
	r->error.name = r->name;
	request_fail(r);
}

static void fail_method(struct request *r)
{
	fail(&r->error, ST_METHOD_NOT_ALLOWED,
	     "the server does not allow this method on the requested resource");
	r->error.group = r->group;
	r->error.kind = r->resource;
	request_fail(r);
}

/* ---- one function a verb */

static void handle_get(struct request *r)
{
	struct outcome outcome;

	if (verb_get(&r->call, r->kind, r->ns, r->name, r->subresource, &outcome, &r->error) !=
	    ST_OK)
		request_fail(r);
	else
		respond_outcome(r, 200, &outcome);
}

static void handle_create(struct request *r)
{
	struct outcome outcome;
	const struct doc *body;

	if (body_parse(r, &body) != ST_OK ||
	    verb_create(&r->call, r->kind, r->ns, r->name, r->subresource, body, &outcome,
			&r->error) != ST_OK)
		request_fail(r);
	else
		respond_outcome(r, 201, &outcome);
}

static void handle_update(struct request *r)
{
	struct outcome outcome;
	const struct doc *body;

	if (body_parse(r, &body) != ST_OK ||
	    verb_update(&r->call, r->kind, r->ns, r->name, r->subresource, body, &outcome,
			&r->error) != ST_OK)
		request_fail(r);
	else
		respond_outcome(r, outcome.created ? 201 : 200, &outcome);
}

static void handle_patch(struct request *r)
{
	struct outcome outcome;
	enum patch_type type;
	const struct doc *patch;

	if (body_parse_patch(r, &type, &patch) != ST_OK ||
	    verb_patch(&r->call, r->kind, r->ns, r->name, r->subresource, type,
		       query_bool(r->x, "force"), patch, &outcome, &r->error) != ST_OK)
		request_fail(r);
	else
		respond_outcome(r, outcome.created ? 201 : 200, &outcome);
}

/* Success, with the uid of what has gone. */
static const struct doc *gone_status(struct request *r, const struct outcome *outcome)
{
	struct build b = build_object(r->x->arena);

	build_str(&b, "kind", STR("Status"));
	build_str(&b, "apiVersion", STR("v1"));
	build_doc(&b, "metadata", &doc_empty_object);
	build_str(&b, "status", STR("Success"));
	build_open_object(&b, "details");
	build_str(&b, "name", r->name);
	build_str_if(&b, "group", r->group);
	build_str(&b, "kind", r->resource);
	build_str(&b, "uid", doc_at_str(outcome->doc, "metadata.uid"));
	build_close(&b);
	return build_done(&b);
}

/* Kinds whose deletion is answered with the object even when it is gone at once. */
static bool returns_deleted(const struct api_kind *kind)
{
	static const char *const kinds[] = {
		"Pod",	       "Service",	"ServiceAccount",	 "PersistentVolume",
		"PodTemplate", "ResourceQuota", "PersistentVolumeClaim",
	};

	for (u32 i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_is(kind->kind, kinds[i]))
			return true;
	return false;
}

static void handle_delete(struct request *r)
{
	struct delete_options options;
	struct outcome outcome;

	if (r->subresource.len) {
		fail_method(r);
		return;
	}
	if (body_parse_delete(r, &options) != ST_OK ||
	    verb_delete(&r->call, r->kind, r->ns, r->name, &options, &outcome, &r->error) != ST_OK)
		request_fail(r);
	else if (outcome.gone && !returns_deleted(r->kind))
		respond_doc(r, 200, gone_status(r, &outcome), outcome.revision);
	else
		respond_outcome(r, 200, &outcome);
}

static void handle_delete_collection(struct request *r)
{
	struct delete_options options;
	const struct doc *deleted;
	u64 revision = 0;

	if (body_parse_delete(r, &options) != ST_OK ||
	    verb_delete_collection(&r->call, r->kind, r->ns, http_query_get(r->x, "labelSelector"),
				   http_query_get(r->x, "fieldSelector"), &options, &deleted,
				   &revision, &r->error) != ST_OK) {
		request_fail(r);
		return;
	}
	struct build b = build_object(r->x->arena);

	build_str(&b, "kind", r->kind->list_kind);
	build_str(&b, "apiVersion", r->kind->api_version);
	build_open_object(&b, "metadata");
	build_str(&b, "resourceVersion",
		  str_format(r->x->arena, "%llu",
			     (unsigned long long)store_revision(r->server->store)));
	build_close(&b);
	build_doc(&b, "items", deleted);
	r->accept.form = ACCEPT_OBJECT;
	respond_doc(r, 200, build_done(&b), revision);
}

/* ---- which of them */

static bool serves(const struct request *r)
{
	static const u8 needed[] = {
		[REQUEST_GET] = API_VERB_GET,
		[REQUEST_LIST] = API_VERB_LIST,
		[REQUEST_WATCH] = API_VERB_WATCH,
		[REQUEST_CREATE] = API_VERB_CREATE,
		[REQUEST_UPDATE] = API_VERB_UPDATE,
		[REQUEST_PATCH] = API_VERB_PATCH,
		[REQUEST_DELETE] = API_VERB_DELETE,
		[REQUEST_DELETE_COLLECTION] = API_VERB_DELETE_COLLECTION,
	};

	if (r->verb == REQUEST_OTHER)
		return false;
	/* Across all namespaces there is only looking. */
	if (r->kind->namespaced && r->ns.len == 0 && r->verb != REQUEST_LIST &&
	    r->verb != REQUEST_WATCH)
		return false;
	if (r->subresource.len) /* the subresource's own table decides */
		return true;
	if (r->verb == REQUEST_CREATE && r->name.len)
		return false;
	if ((r->verb == REQUEST_UPDATE || r->verb == REQUEST_PATCH) && !r->name.len)
		return false;
	return r->kind->verbs & needed[r->verb];
}

static void (*const handlers[])(struct request *) = {
	[REQUEST_GET] = handle_get,	  [REQUEST_LIST] = list_reply,
	[REQUEST_WATCH] = watch_reply,	  [REQUEST_CREATE] = handle_create,
	[REQUEST_UPDATE] = handle_update, [REQUEST_PATCH] = handle_patch,
	[REQUEST_DELETE] = handle_delete, [REQUEST_DELETE_COLLECTION] = handle_delete_collection,
};

/* ---- requests that wait for admission webhooks */

static void run_again(void *self)
{
	struct request *r = self;

	r->call = r->fresh;
	r->warnings.list.len = 0;
	if (r->call.audit)
		r->call.audit->list.len = 0;
	error_clear(&r->error);
	webhook_memo_rewind(r->call.webhooks);
	handlers[r->verb](r);
}

static void free_memo(void *memo)
{
	webhook_memo_free(memo);
}

static void expect_webhooks(struct request *r)
{
	if (r->verb == REQUEST_GET || r->verb == REQUEST_LIST || r->verb == REQUEST_WATCH ||
	    !webhooks_exist(r->server))
		return;
	r->call.webhooks = webhook_memo_new(r->server, run_again, r);
	arena_defer(r->x->arena, free_memo, r->call.webhooks);
	r->fresh = r->call;
}

void route_resource(struct request *r)
{
	/* What is only asked (reviews) is not stored, so it has no parts either. */
	if (!r->kind || (!r->kind->namespaced && r->ns.len) ||
	    (r->subresource.len && !(r->kind->verbs & API_VERB_GET))) {
		fail_unknown(r);
		return;
	}
	if (!serves(r)) {
		fail_method(r);
		return;
	}
	if (node_request(r))
		return;
	if (accept_parse(r->x, &r->accept, &r->error) != ST_OK || request_options(r) != ST_OK) {
		request_fail(r);
		return;
	}
	if (r->kind->id == KIND_NodeMetrics || r->kind->id == KIND_PodMetrics) {
		metrics_reply(r);
		return;
	}
	expect_webhooks(r);
	handlers[r->verb](r);
}

void route_plain(struct request *r)
{
	if (!str_is(r->x->method, "GET") && !str_is(r->x->method, "HEAD"))
		fail_method(r);
	else if (!health_reply(r) && !documents_reply(r) && !issuer_reply(r))
		fail_unknown(r);
}
