/* /version, /healthz, /livez, /readyz and /metrics: how the server is. */
#include "doc/build.h"
#include "server/reply.h"
#include "server/respond.h"
#include "server/route.h"
#include "server/state.h"

#if defined(__aarch64__)
#define PLATFORM "linux/arm64"
#elif defined(__x86_64__)
#define PLATFORM "linux/amd64"
#else
#define PLATFORM "linux/unknown"
#endif

static void reply_version(struct request *r)
{
	struct build b = build_object(r->x->arena);

	build_str(&b, "major", STR("1"));
	build_str(&b, "minor", STR("36"));
	build_str(&b, "emulationMajor", STR("1"));
	build_str(&b, "emulationMinor", STR("36"));
	build_str(&b, "minCompatibilityMajor", STR("1"));
	build_str(&b, "minCompatibilityMinor", STR("35"));
	build_str(&b, "gitVersion", STR("v1.36.0+minke"));
	build_str(&b, "gitCommit", STR(""));
	build_str(&b, "gitTreeState", STR("clean"));
	build_str(&b, "buildDate", STR("1970-01-01T00:00:00Z"));
	build_str(&b, "goVersion", STR("none"));
	build_str(&b, "compiler", STR("gcc"));
	build_str(&b, "platform", STR(PLATFORM));
	reply_doc(r->x, 200, build_done(&b));
}

/* `name` is healthz, livez or readyz; a path behind it asks for one check. */
static void reply_health(struct request *r, const char *name)
{
	struct server *server = r->server;
	bool ready = server->ready || !str_is(STR("readyz"), name);
	bool durable = store_durable(server->store) == store_revision(server->store);
	struct buffer *out = arena_buffer(r->x->arena);

	if (!ready || http_query_get(r->x, "verbose").at) {
		buffer_add_str(out, STR("[+]ping ok\n[+]log ok\n"));
		buffer_add_format(out, "[%c]started %s\n", ready ? '+' : '-',
				  ready ? "ok" : "failed: reason withheld");
		if (!durable)
			buffer_add_str(out, STR("[+]log-behind ok\n"));
		buffer_add_format(out, "%s check %s\n", name, ready ? "passed" : "failed");
	} else {
		buffer_add_str(out, STR("ok"));
	}
	reply_text(r->x, ready ? 200 : 500, "text/plain; charset=utf-8", buffer_str(out));
}

static void add_metric(struct buffer *out, const char *name, const char *type, const char *help)
{
	buffer_add_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void reply_metrics(struct request *r)
{
	static const char *const verbs[] = {
		"GET",	 "LIST", "WATCH", "POST", "PUT", "PATCH", "DELETE", "DELETECOLLECTION",
		"OTHER",
	};
	struct server *server = r->server;
	struct buffer *out = arena_buffer(r->x->arena);
	const struct api_kind *kind;

	add_metric(out, "apiserver_request_total", "counter", "Requests by verb.");
	for (u32 i = 0; i < ARRAY_LEN(verbs); i++)
		buffer_add_format(out, "apiserver_request_total{verb=\"%s\"} %llu\n", verbs[i],
				  (unsigned long long)server->requests[i]);
	add_metric(out, "apiserver_longrunning_requests", "gauge", "Open watches.");
	buffer_add_format(out, "apiserver_longrunning_requests{verb=\"WATCH\"} %u\n",
			  server->streams_len);
	add_metric(out, "apiserver_storage_objects", "gauge", "Stored objects by resource.");
	for (u32 i = 0; (kind = schema_at(server->schema, i)); i++) {
		struct str name = kind->plural;

		if (kind->stored != kind || !(kind->verbs & API_VERB_LIST))
			continue;
		if (kind->group.len)
			name = str_format(r->x->arena, STR_FMT "." STR_FMT, STR_ARG(name),
					  STR_ARG(kind->group));
		buffer_add_format(out, "apiserver_storage_objects{resource=\"" STR_FMT "\"} %u\n",
				  STR_ARG(name), store_count(server->store, kind->id));
	}
	add_metric(out, "minke_store_revision", "counter", "Newest revision in memory.");
	buffer_add_format(out, "minke_store_revision %llu\n",
			  (unsigned long long)store_revision(server->store));
	add_metric(out, "minke_store_durable_revision", "counter", "Newest revision on disk.");
	buffer_add_format(out, "minke_store_durable_revision %llu\n",
			  (unsigned long long)store_durable(server->store));
	reply_text(r->x, 200, "text/plain; version=0.0.4; charset=utf-8", buffer_str(out));
}

bool health_reply(struct request *r)
{
	static const char *const checks[] = { "healthz", "livez", "readyz" };
	struct str path = r->path, rest;

	if (str_is(path, "/version") || str_is(path, "/version/")) {
		reply_version(r);
		return true;
	}
	if (str_is(path, "/metrics")) {
		reply_metrics(r);
		return true;
	}
	for (u32 i = 0; i < ARRAY_LEN(checks); i++) {
		rest = str_from(path, 1);
		if (!str_eq(str_cut(&rest, '/'), str_of(checks[i])))
			continue;
		if (rest.len && !str_is(rest, "ping") && !str_is(rest, "log") &&
		    !str_is(rest, "started"))
			return false;
		reply_health(r, checks[i]);
		return true;
	}
	return false;
}
