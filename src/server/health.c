/* /version, /healthz, /livez, /readyz and /metrics: how the server is. */
#include "doc/build.h"
#include "server/flow.h"
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

/* ---- health */

static const char *const checks[] = { "ping", "log", "etcd", "started" };

static bool is_excluded(struct request *r, const char *check)
{
	struct str word;

	for (u32 i = 0; (word = http_query_nth(r->x, "exclude", i)).at; i++)
		if (str_is(word, check))
			return true;
	return false;
}

/* A name nobody knows excludes nothing, which whoever wrote it should hear. */
static void warn_unknown(struct request *r, struct buffer *out)
{
	struct str word;
	bool any = false;

	for (u32 i = 0; (word = http_query_nth(r->x, "exclude", i)).at; i++) {
		bool known = false;

		for (u32 k = 0; k < ARRAY_LEN(checks); k++)
			known |= str_is(word, checks[k]);
		if (known)
			continue;
		buffer_add_format(out, "%s\"" STR_FMT "\"",
				  any ? ","
				      : "warn: some health checks cannot be excluded: no matches "
					"for ",
				  STR_ARG(word));
		any = true;
	}
	if (any)
		buffer_add_char(out, '\n');
}

/* `name` is healthz, livez or readyz; `only` one check, or empty for all. */
static void reply_health(struct request *r, const char *name, struct str only)
{
	struct server *server = r->server;
	struct buffer *out = arena_buffer(r->x->arena);
	bool good = true;

	for (u32 i = 0; i < ARRAY_LEN(checks); i++) {
		bool started = i == ARRAY_LEN(checks) - 1;
		bool fine = !started || server->ready || !str_is(STR("readyz"), name);

		if (only.len && !str_is(only, checks[i]))
			continue;
		if (!only.len && is_excluded(r, checks[i])) {
			buffer_add_format(out, "[+]%s excluded: ok\n", checks[i]);
			continue;
		}
		good &= fine;
		buffer_add_format(out, "[%c]%s %s\n", fine ? '+' : '-', checks[i],
				  fine ? "ok" : "failed: reason withheld");
	}
	warn_unknown(r, out);
	if (good && (only.len || !http_query_get(r->x, "verbose").at))
		buffer_clear(out), buffer_add_str(out, STR("ok"));
	else
		buffer_add_format(out, "%s check %s\n", name, good ? "passed" : "failed");
	reply_text(r->x, good ? 200 : 500, "text/plain; charset=utf-8", buffer_str(out));
}

static void add_metric(struct buffer *out, const char *name, const char *type, const char *help)
{
	buffer_add_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void reply_metrics(struct request *r)
{
	struct server *server = r->server;
	struct buffer *out = arena_buffer(r->x->arena);
	const struct api_kind *kind;

	flow_metrics(server->flows, out);
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
	for (u32 i = 0; i < server->sources_len; i++)
		server->sources[i].tell(server->sources[i].self, out);
	reply_text(r->x, 200, "text/plain; version=0.0.4; charset=utf-8", buffer_str(out));
}

bool health_reply(struct request *r)
{
	static const char *const names[] = { "healthz", "livez", "readyz" };
	struct str rest = str_from(r->path, 1), first = str_cut(&rest, '/');
	bool known = !rest.len;

	if (str_is(r->path, "/version") || str_is(r->path, "/version/")) {
		reply_version(r);
		return true;
	}
	if (str_is(r->path, "/metrics")) {
		reply_metrics(r);
		return true;
	}
	for (u32 i = 0; i < ARRAY_LEN(checks); i++)
		known |= str_is(rest, checks[i]);
	for (u32 i = 0; known && i < ARRAY_LEN(names); i++) {
		if (!str_is(first, names[i]))
			continue;
		reply_health(r, names[i], rest);
		return true;
	}
	return false;
}
