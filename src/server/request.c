/* Path and query to request, following k8s.io/apiserver/pkg/endpoints/request/requestinfo.go. */
#include "server/request.h"

#include <strings.h>

#include "schema/schema.h"
#include "server/reply.h"
#include "server/server.h"

enum { SEGMENTS_MAX = 16, FIELD_MANAGER_MAX = 128 };

static const char *const verb_words[] = {
	[REQUEST_GET] = "get",	     [REQUEST_LIST] = "list",
	[REQUEST_WATCH] = "watch",   [REQUEST_CREATE] = "create",
	[REQUEST_UPDATE] = "update", [REQUEST_PATCH] = "patch",
	[REQUEST_DELETE] = "delete", [REQUEST_DELETE_COLLECTION] = "deletecollection",
};

struct str request_verb_word(const struct request *request)
{
	if (request->is_resource && request->verb != REQUEST_OTHER)
		return str_of(verb_words[request->verb]);
	return str_lower(request->x->arena, request->x->method);
}

bool query_bool(struct http_exchange *x, const char *name)
{
	struct str value = http_query_get(x, name);

	return value.at && !str_is(value, "false") && !str_is(value, "False") &&
	       !str_is(value, "0") && (value.len || str_is(STR("watch"), name));
}

enum status query_i64(struct http_exchange *x, const char *name, i64 otherwise, i64 *ret_value,
		      struct error *error)
{
	struct str value = http_query_get(x, name);

	*ret_value = otherwise;
	if (value.len == 0 || str_to_i64(value, ret_value))
		return ST_OK;
	return fail(error, ST_BAD_REQUEST,
		    "strconv.ParseInt: parsing \"" STR_FMT "\": invalid syntax", STR_ARG(value));
}

struct segments {
	struct str at[SEGMENTS_MAX];
	u32 len;
};

static bool segments_split(struct arena *arena, struct str path, struct segments *ret)
{
	struct str rest = path;

	while (rest.at) {
		struct str piece = str_cut(&rest, '/'), decoded;

		if (piece.len == 0)
			continue;
		if (ret->len == SEGMENTS_MAX || !http_decode(arena, piece, false, &decoded))
			return false;
		ret->at[ret->len++] = decoded;
	}
	return true;
}

static enum request_verb verb_of_method(struct str method, bool named)
{
	if (str_is(method, "GET") || str_is(method, "HEAD"))
		return named ? REQUEST_GET : REQUEST_LIST;
	if (str_is(method, "POST"))
		return REQUEST_CREATE;
	if (str_is(method, "PUT"))
		return REQUEST_UPDATE;
	if (str_is(method, "PATCH"))
		return REQUEST_PATCH;
	if (str_is(method, "DELETE"))
		return named ? REQUEST_DELETE : REQUEST_DELETE_COLLECTION;
	return REQUEST_OTHER;
}

/* The segments behind the group-version: [watch] [namespaces NS] RESOURCE [NAME [SUBRESOURCE …]].
 */
static void resource_parse(struct request *r, const struct segments *s, u32 i)
{
	bool old_watch = i < s->len && str_is(s->at[i], "watch");

	i += old_watch;
	/* /namespaces/NS/finalize and /status are the namespace's own. */
	if (i + 2 < s->len && str_is(s->at[i], "namespaces") &&
	    !(i + 3 == s->len &&
	      (str_is(s->at[i + 2], "status") || str_is(s->at[i + 2], "finalize")))) {
		r->ns = s->at[i + 1];
		i += 2;
	}
	if (i < s->len)
		r->resource = s->at[i++];
	if (i < s->len)
		r->name = s->at[i++];
	if (i < s->len)
		r->subresource = s->at[i++];
	if (i < s->len)
		r->rest = str_join(r->x->arena, &s->at[i], s->len - i, STR("/"));
	r->verb = verb_of_method(r->x->method, r->name.len > 0);
	if (r->subresource.len == 0 && (r->verb == REQUEST_LIST || r->verb == REQUEST_GET) &&
	    (old_watch || query_bool(r->x, "watch")))
		r->verb = REQUEST_WATCH;
}

enum status request_parse(struct server *server, struct http_exchange *x,
			  struct request *ret_request)
{
	struct request *r = ret_request;
	struct segments s = { 0 };

	*r = (struct request){ .server = server, .x = x, .verb = REQUEST_OTHER };
	r->call = (struct call){
		.server = server,
		.arena = x->arena,
		.user = &r->user,
		.warnings = &r->warnings,
	};
	if (!http_decode(x->arena, x->path, false, &r->path) ||
	    !segments_split(x->arena, x->path, &s))
		return fail(&r->error, ST_BAD_REQUEST, "the path cannot be read: " STR_FMT,
			    STR_ARG(x->path));

	u32 first = s.len > 2 && str_is(s.at[0], "api")	   ? 2
		    : s.len > 3 && str_is(s.at[0], "apis") ? 3
							   : 0;

	if (!first)
		return ST_OK;
	r->is_resource = true;
	r->group = first == 3 ? s.at[1] : STR("");
	r->version = s.at[first - 1];
	resource_parse(r, &s, first);
	r->kind = schema_find_resource(server_schema(server), r->group, r->version, r->resource);
	return ST_OK;
}

static enum status options_dry_run(struct request *r)
{
	struct str value;

	for (u32 i = 0; (value = http_query_nth(r->x, "dryRun", i)).at; i++) {
		if (!str_is(value, "All"))
			return fail(&r->error, ST_INVALID,
				    " \"\" is invalid: dryRun: Unsupported value: \"" STR_FMT
				    "\": supported values: \"All\"",
				    STR_ARG(value));
		r->call.dry_run = true;
	}
	return ST_OK;
}

enum status request_options(struct request *r)
{
	struct str validation = http_query_get(r->x, "fieldValidation");

	r->call.field_manager = http_query_get(r->x, "fieldManager");
	r->call.user_agent = http_header_get(r->x, "User-Agent");
	r->call.tracked = true;
	if (r->call.field_manager.len > FIELD_MANAGER_MAX)
		return fail(&r->error, ST_INVALID,
			    "fieldManager: Too long: may not be more than %d bytes",
			    FIELD_MANAGER_MAX);
	if (str_is(validation, "Strict"))
		r->call.validation = VALIDATION_STRICT;
	else if (str_is(validation, "Ignore"))
		r->call.validation = VALIDATION_IGNORE;
	else if (validation.len && !str_is(validation, "Warn"))
		return fail(&r->error, ST_INVALID,
			    "fieldValidation: Unsupported value: \"" STR_FMT
			    "\": supported values: \"Ignore\", \"Strict\", \"Warn\"",
			    STR_ARG(validation));
	return options_dry_run(r);
}

void request_fail(struct request *request)
{
	if (request->error.status == ST_PENDING)
		return; /* route.c runs it again */
	reply_error(request->x, &request->error);
}
