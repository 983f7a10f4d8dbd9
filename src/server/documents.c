/*
 * Discovery and OpenAPI: long documents that change only with the schema. Each is made when it is
 * first asked for, then kept and sent from memory with an ETag.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "doc/json.h"
#include "net/jwt.h"
#include "schema/discovery.h"
#include "schema/openapi_v2.h"
#include "schema/openapi_v3.h"
#include "server/reply.h"
#include "server/route.h"
#include "server/state.h"

struct document {
	struct str text, tag; /* tag: "\"HEX\"" as in ETag */
	const char *type;     /* Content-Type */
};

struct documents {
	u32 refs; /* the server's, and one of each reply under way */
	struct arena *arena;
	struct map by_key; /* path and form → struct document */
};

static void let_go(void *self)
{
	struct documents *documents = self;

	if (!documents || --documents->refs)
		return;
	map_release(&documents->by_key);
	arena_free(documents->arena);
	free(documents);
}

void documents_free(struct server *server)
{
	let_go(server->documents);
	server->documents = NULL;
}

static struct documents *documents_of(struct server *server)
{
	if (!server->documents) {
		server->documents = calloc(1, sizeof *server->documents);
		CHECK(server->documents);
		server->documents->refs = 1;
		server->documents->arena = arena_new(0);
	}
	return server->documents;
}

static struct document *keep(struct server *server, struct str key, struct str text,
			     const char *type)
{
	struct documents *all = documents_of(server);
	struct document *document = ARENA_NEW(all->arena, struct document);

	document->text = text;
	document->type = type;
	document->tag = str_format(all->arena, "\"" STR_FMT "\"",
				   STR_ARG(str_part(sha256_hex(all->arena, text), 0, 32)));
	map_put(&all->by_key, str_copy(all->arena, key), document);
	return document;
}

static void send(struct request *r, const struct document *document)
{
	bool same = str_eq(http_header_get(r->x, "If-None-Match"), document->tag);
	struct reply reply = reply_new(r->x, same ? 304 : 200, document->type);

	reply_header(&reply, "ETag", document->tag);
	reply_header(&reply, "Vary", STR("Accept"));
	if (!same) {
		/* The text outlives a change of the schema while it is being sent. */
		r->server->documents->refs++;
		arena_defer(r->x->arena, let_go, r->server->documents);
		reply_piece(&reply, document->text);
	}
	reply_send(r->x, &reply);
}

/* "v2", "v2beta1", or empty when the old format is wanted. */
static struct str aggregated_version(struct request *r)
{
	struct str rest = http_header_get(r->x, "Accept");

	while (rest.at) {
		struct media media = media_parse(str_cut(&rest, ','));
		struct str version = media_parameter(media, "v");

		if (str_is(media_parameter(media, "as"), "APIGroupDiscoveryList") &&
		    str_is(media_parameter(media, "g"), "apidiscovery.k8s.io") &&
		    (str_is(version, "v2") || str_is(version, "v2beta1")))
			return version;
		if (str_is(media.type, "application/json") && !media.parameters.len)
			break;
	}
	return STR("");
}

static const struct doc *discovery_doc(struct request *r, struct arena *arena, struct str path)
{
	struct schema *schema = r->server->schema;
	const struct server_config *config = &r->server->config;
	struct str rest = str_from(path, 1), first = str_cut(&rest, '/'), group, version;

	if (str_is(first, "api") && rest.len == 0)
		return discovery_versions(arena, str_format(arena, STR_FMT ":%u",
							    STR_ARG(config->advertise_address),
							    config->advertise_port));
	if (str_is(first, "api"))
		return discovery_resources(arena, schema, STR(""), rest);
	if (!str_is(first, "apis"))
		return NULL;
	if (rest.len == 0)
		return discovery_groups(arena, schema);
	group = str_cut(&rest, '/');
	version = rest;
	return version.len ? discovery_resources(arena, schema, group, version)
			   : discovery_group(arena, schema, group);
}

static bool reply_discovery(struct request *r, struct str path)
{
	bool root = str_is(path, "/api") || str_is(path, "/apis");
	struct str version = root ? aggregated_version(r) : STR("");
	struct str key =
		str_format(r->x->arena, STR_FMT " " STR_FMT, STR_ARG(path), STR_ARG(version));
	struct documents *all = documents_of(r->server);
	struct document *document = map_get(&all->by_key, key);
	const struct doc *doc;

	if (!document) {
		doc = version.len ? discovery_aggregated(all->arena, r->server->schema,
							 str_is(path, "/api"), version)
				  : discovery_doc(r, all->arena, path);
		if (!doc)
			return false;
		document = keep(r->server, key, json_text(all->arena, doc),
				version.len ? str_c(all->arena, discovery_aggregated_type(version))
					    : "application/json");
	}
	send(r, document);
	return true;
}

/* ---- OpenAPI */

/* "openapi/v3", "openapi/v3/apis/apps/v1", "openapi/v2": printed into the documents' own memory. */
static struct document *make_openapi(struct request *r, struct str path, bool *ret_full)
{
	struct documents *all = documents_of(r->server);
	struct buffer out = BUFFER_INIT(OPENAPI_BYTES_MAX);
	bool v2 = str_is(path, "/openapi/v2"), found;
	struct document *document = NULL;

	if (v2)
		found = openapi_v2_protobuf(&out, r->server->schema);
	else if (str_is(path, "/openapi/v3"))
		found = openapi_v3_index(&out, r->server->schema);
	else
		found = openapi_v3_group(&out, r->server->schema,
					 str_from(path, sizeof "/openapi/v3/" - 1),
					 &r->error) == ST_OK;
	*ret_full = out.full;
	if (found)
		document = keep(r->server, path, str_copy(all->arena, buffer_str(&out)),
				v2 ? OPENAPI_V2_CONTENT_TYPE : "application/json");
	buffer_release(&out);
	return document;
}

/* The second version is only spoken in protobuf, as its clients ask for it. */
static bool accepts_openapi_v2(struct request *r)
{
	struct str rest = http_header_get(r->x, "Accept");

	while (rest.at) {
		struct str type = media_parse(str_cut(&rest, ',')).type;

		if (str_is(type, OPENAPI_V2_ACCEPT) || str_is(type, OPENAPI_V2_CONTENT_TYPE) ||
		    str_is(type, "*/*"))
			return true;
	}
	return false;
}

static bool reply_openapi(struct request *r, struct str path)
{
	struct document *document = map_get(&documents_of(r->server)->by_key, path);
	bool full = false;

	if (str_is(path, "/openapi/v2") && !accepts_openapi_v2(r)) {
		fail(&r->error, ST_NOT_ACCEPTABLE,
		     "only the following media types are accepted: " OPENAPI_V2_ACCEPT);
		request_fail(r);
		return true;
	}
	if (!document)
		document = make_openapi(r, path, &full);
	if (document) {
		send(r, document);
	} else if (full) {
		reply_failure(r->x, ST_INTERNAL, "the OpenAPI document is too large");
	} else {
		error_clear(&r->error);
		return false;
	}
	return true;
}

bool documents_reply(struct request *r)
{
	struct str path = r->path;

	while (path.len > 1 && path.at[path.len - 1] == '/')
		path.len--;
	if (str_is(path, "/api") || str_starts(path, STR("/api/")) || str_is(path, "/apis") ||
	    str_starts(path, STR("/apis/")))
		return reply_discovery(r, path);
	if (str_is(path, "/openapi/v2") || str_is(path, "/openapi/v3") ||
	    str_starts(path, STR("/openapi/v3/")))
		return reply_openapi(r, path);
	return false;
}
