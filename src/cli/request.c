/* The command line's way to the server: net's client, run until the answer is there. */
#include "cli/request.h"

#include <stdio.h>
#include <strings.h>

#include "base/check.h"
#include "cli/connection.h"
#include "doc/json.h"

enum { ANSWER_BYTES_MAX = 1 << 30, EVENT_BYTES_MAX = 16 << 20 };

struct str request_path(struct arena *arena, const struct api_kind *kind, struct str ns,
			struct str name, struct str subresource)
{
	struct str path = kind->group.len
				  ? str_format(arena, "/apis/" STR_FMT "/" STR_FMT,
					       STR_ARG(kind->group), STR_ARG(kind->version))
				  : str_format(arena, "/api/" STR_FMT, STR_ARG(kind->version));

	if (kind->namespaced && ns.len)
		path = str_format(arena, STR_FMT "/namespaces/" STR_FMT, STR_ARG(path),
				  STR_ARG(ns));
	path = str_format(arena, STR_FMT "/" STR_FMT, STR_ARG(path), STR_ARG(kind->plural));
	if (name.len)
		path = str_format(arena, STR_FMT "/" STR_FMT, STR_ARG(path), STR_ARG(name));
	if (subresource.len)
		path = str_format(arena, STR_FMT "/" STR_FMT, STR_ARG(path), STR_ARG(subresource));
	return path;
}

struct str request_query(struct arena *arena, struct str path, const char *key, struct str value)
{
	static const char hex[] = "0123456789ABCDEF";
	struct buffer out = BUFFER_INIT(URL_BYTES_MAX);

	if (!value.len)
		return path;
	buffer_add_format(&out, STR_FMT "%c%s=", STR_ARG(path),
			  str_find_char(path, '?') < 0 ? '?' : '&', key);
	for (size_t i = 0; i < value.len; i++) {
		u8 c = (u8)value.at[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || strchr("-_.~", c);

		if (plain && c)
			buffer_add_char(&out, (char)c);
		else
			buffer_add_format(&out, "%%%c%c", hex[c >> 4], hex[c & 15]);
	}
	struct str whole = str_copy(arena, buffer_str(&out));

	buffer_release(&out);
	return whole;
}

static enum status status_by_reason(struct str reason, int code)
{
	for (enum status status = ST_OK + 1; status < STATUS_COUNT; status++)
		if (str_is(reason, status_reason(status)))
			return status;
	for (enum status status = ST_OK + 1; status < STATUS_COUNT; status++)
		if (status_code(status) == code)
			return status;
	return ST_INTERNAL;
}

/* What the server refused, as an error that prints the way kubectl prints it. */
static enum status refused(struct cli *cli, const struct http_call_result *result,
			   struct error *error)
{
	const struct doc *answer = NULL;

	if (json_parse(cli->arena, result->body, &answer, NULL) != ST_OK ||
	    !str_is(doc_at_str(answer, "kind"), "Status"))
		return fail(error, status_by_reason(STR_NONE, result->code),
			    "the server answered %d: " STR_FMT, result->code,
			    STR_ARG(str_part(str_trim(result->body), 0, 300)));
	struct str reason = doc_at_str(answer, "reason");
	struct str message = doc_at_str(answer, "message");
	enum status status = status_by_reason(reason, result->code);

	cli->server_said = true;
	cli->server_reason = reason;
	cli->server_details = doc_key(answer, "details");
	return fail(error, status, STR_FMT, STR_ARG(message));
}

/* The same words are said once a command. */
static void print_warnings(struct cli *cli, const struct http_call_result *result)
{
	for (u32 i = 0; i < result->headers_len; i++) {
		const struct http_header *header = &result->headers[i];
		i64 first = str_find_char(header->value, '"');
		i64 last = str_find_last(header->value, '"');

		if (header->name.len != 7 || strncasecmp(header->name.at, "warning", 7) != 0 ||
		    last <= first)
			continue;
		struct str text =
			str_part(header->value, (size_t)first + 1, (size_t)(last - first - 1));
		bool said = false;

		for (u32 j = 0; j < cli->warned.len; j++)
			said = said || str_eq(cli->warned.at[j], text);
		if (said)
			continue;
		VEC_PUSH(cli->arena, &cli->warned, str_copy(cli->arena, text));
		cli_warn("Warning: " STR_FMT, STR_ARG(text));
	}
}

/* --as and --as-group; returns how many headers they make. */
static u32 impersonate(struct cli *cli, struct http_header *headers)
{
	u32 len = 0;

	if (option_given(cli, "as"))
		headers[len++] =
			(struct http_header){ STR("impersonate-user"), option_text(cli, "as") };
	if (option_given(cli, "as-group"))
		headers[len++] = (struct http_header){ STR("impersonate-group"),
						       option_text(cli, "as-group") };
	return len;
}

enum status request_send(struct cli *cli, const struct request *request,
			 const struct doc **ret_answer, struct error *error)
{
	enum status status = cli_connect(cli, error);

	if (status)
		return status;
	const char *accept = request->accept ? request->accept : MEDIA_JSON;
	const char *type = request->content_type ? request->content_type : MEDIA_JSON;
	struct http_header headers[HEADERS_MAX] = { { STR("accept"), str_of(accept) } };
	u32 headers_len = 1;

	if (request->body)
		headers[headers_len++] = (struct http_header){ STR("content-type"), str_of(type) };
	headers_len += impersonate(cli, headers + headers_len);
	struct http_call_spec spec = {
		.method = str_of(request->method),
		.target = request->path,
		.headers = headers,
		.headers_len = headers_len,
		.body = request->body ? json_text(cli->arena, request->body) : STR_NONE,
		.body_max = ANSWER_BYTES_MAX,
	};
	struct http_call_result result;

	cli->server_said = false;
	status = connection_call(cli, &spec, &result, error);
	if (status)
		return status;
	print_warnings(cli, &result);
	if (result.code >= 300)
		return refused(cli, &result, error);
	return json_parse(cli->arena, result.body, ret_answer, error);
}

enum status request_get(struct cli *cli, struct str path, const struct doc **ret_answer,
			struct error *error)
{
	struct request request = { .method = "GET", .path = path };

	return request_send(cli, &request, ret_answer, error);
}

/* ---- answers that go on */

struct flow {
	struct cli *cli;
	bool (*bytes)(void *self, struct str bytes);
	void *self;
	struct http_call_result head;
	struct buffer refusal; /* the body of an answer that is no success */
	struct http_call *call;
	enum status status;
	struct error *error;
	bool done;
};

static void flow_head(void *self, const struct http_call_result *result)
{
	struct flow *flow = self;

	flow->head.code = result->code;
	print_warnings(flow->cli, result);
}

static void flow_bytes(void *self, struct str bytes)
{
	struct flow *flow = self;

	if (flow->head.code >= 300) {
		buffer_add_str(&flow->refusal, bytes);
	} else if (!flow->done && !flow->bytes(flow->self, bytes)) {
		flow->done = true;
		http_call_cancel(flow->call);
		loop_stop(connection_loop(flow->cli));
	}
}

static void flow_done(void *self, const struct http_call_result *result)
{
	struct flow *flow = self;

	flow->done = true;
	if (flow->head.code >= 300) {
		flow->head.body = buffer_str(&flow->refusal);
		flow->status = refused(flow->cli, &flow->head, flow->error);
	} else if (result->status) {
		flow->status = fail(flow->error, result->status, "%s",
				    result->why ? result->why : "the connection broke");
	}
	loop_stop(connection_loop(flow->cli));
}

enum status request_stream(struct cli *cli, struct str path, const char *accept,
			   bool (*bytes)(void *self, struct str bytes), void *self,
			   struct error *error)
{
	static const struct http_call_events events = { flow_head, flow_bytes, flow_done };
	struct flow flow = { .cli = cli,
			     .bytes = bytes,
			     .self = self,
			     .refusal = BUFFER_INIT(1 << 20),
			     .error = error };
	struct http_header headers[HEADERS_MAX] = { { STR("accept"),
						      str_of(accept ? accept : MEDIA_JSON) } };
	struct http_call_spec spec = { .method = STR("GET"), .target = path, .headers = headers };
	enum status status = cli_connect(cli, error);

	if (status)
		return status;
	spec.headers_len = 1 + impersonate(cli, headers + 1);
	flow.call = http_call_start(connection_client(cli), &spec, &events, &flow);
	while (!flow.done && !cli->timed_out)
		loop_run(connection_loop(cli));
	if (!flow.done) {
		http_call_cancel(flow.call);
		flow.status = fail(error, ST_TIMEOUT, "error: timed out waiting for the condition");
	}
	buffer_release(&flow.refusal);
	return flow.status;
}

struct watching {
	struct buffer line;
	struct arena *arena;
	bool (*event)(void *self, struct arena *arena, struct str type, const struct doc *object);
	void *self;
	struct error *error;
	enum status status;
};

static bool watching_bytes(void *self, struct str bytes)
{
	struct watching *watching = self;

	buffer_add_str(&watching->line, bytes);
	for (;;) {
		struct str rest = buffer_str(&watching->line);
		i64 end = str_find_char(rest, '\n');
		const struct doc *event;

		if (watching->line.full)
			watching->status = fail(watching->error, ST_TOO_LARGE,
						"an event of over %d bytes", EVENT_BYTES_MAX);
		if (watching->status || end < 0)
			return watching->status == ST_OK;
		watching->status = json_parse(watching->arena, str_part(rest, 0, (size_t)end),
					      &event, watching->error);
		if (watching->status)
			return false;
		struct str type = doc_at_str(event, "type");
		const struct doc *object = doc_key(event, "object");

		if (str_is(type, "ERROR")) {
			watching->status =
				fail(watching->error,
				     status_by_reason(doc_at_str(object, "reason"),
						      (int)doc_at_int(object, "code", 500)),
				     STR_FMT, STR_ARG(doc_at_str(object, "message")));
			return false;
		}
		bool more = watching->event(watching->self, watching->arena, type, object);

		buffer_drop(&watching->line, (size_t)end + 1);
		arena_reset(watching->arena);
		if (!more)
			return false;
	}
}

enum status request_watch(struct cli *cli, struct str path, const char *accept,
			  bool (*event)(void *self, struct arena *arena, struct str type,
					const struct doc *object),
			  void *self, struct error *error)
{
	struct watching watching = { .line = BUFFER_INIT(EVENT_BYTES_MAX),
				     .arena = arena_new(0),
				     .event = event,
				     .self = self,
				     .error = error };

	enum status status = request_stream(cli, path, accept, watching_bytes, &watching, error);

	buffer_release(&watching.line);
	arena_free(watching.arena);
	return watching.status ? watching.status : status;
}
