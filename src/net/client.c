/* The client's face: URLs, requests, the pool of connections, and waiting for one answer. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "net/client_inside.h"

enum { REQUEST_BYTES_MAX = 64 << 20, BODY_DEFAULT_MAX = 64 << 20, REFUSAL_BYTES_MAX = 64 << 10 };

/* ---- clients */

static bool parse_url(struct http_client *client, struct str url)
{
	struct arena *arena = client->arena;

	if (str_starts(url, STR("unix:"))) {
		client->address = str_copy(arena, url);
		client->host = client->server_name = STR("localhost");
		return url.len > 5;
	}
	client->secure = str_starts(url, STR("https://"));
	if (!client->secure && !str_starts(url, STR("http://")))
		return false;
	struct str rest = str_from(url, client->secure ? 8 : 7);
	i64 slash = str_find_char(rest, '/');
	struct str host = slash < 0 ? rest : str_part(rest, 0, (size_t)slash);
	struct str path = slash < 0 ? STR("") : str_from(rest, (size_t)slash);
	i64 colon = str_find_last(host, ':'), bracket = str_find_last(host, ']');
	bool port = colon > bracket;
	struct str name = port ? str_part(host, 0, (size_t)colon) : host;

	while (path.len && path.at[path.len - 1] == '/')
		path.len--;
	client->host = str_copy(arena, host);
	client->prefix = str_copy(arena, path);
	client->address =
		port ? client->host
		     : str_format(arena, STR_FMT ":%d", STR_ARG(host), client->secure ? 443 : 80);
	if (name.len > 2 && name.at[0] == '[')
		name = str_part(name, 1, name.len - 2);
	client->server_name = str_copy(arena, name);
	return name.len > 0;
}

enum status http_client_new(struct loop *loop, const struct http_client_config *config,
			    struct http_client **ret_client, struct error *error)
{
	struct http_client *client = calloc(1, sizeof *client);

	CHECK(client);
	client->loop = loop;
	client->config = *config;
	client->arena = arena_new(1024);
	if (!parse_url(client, config->url) || (client->secure && !config->tls)) {
		arena_free(client->arena);
		free(client);
		return fail(error, ST_BAD_REQUEST, "\"" STR_FMT "\" is no URL we can use",
			    STR_ARG(config->url));
	}
	if (config->server_name.len)
		client->server_name = str_copy(client->arena, config->server_name);
	client->config.user_agent = str_copy(client->arena, config->user_agent);
	http_client_token_set(client, config->bearer_token);
	*ret_client = client;
	return ST_OK;
}

void http_client_token_set(struct http_client *client, struct str token)
{
	free(client->token);
	client->token = token.len ? strndup(token.at, token.len) : NULL;
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	while (client->conns)
		client_conn_drop(client->conns);
	while (client->calls)
		call_free(client->calls);
	free(client->token);
	arena_free(client->arena);
	free(client);
}

/* ---- calls */

void call_free(struct http_call *call)
{
	struct http_client *client = call->client;

	if (call->conn)
		client_conn_drop(call->conn);
	if (call->next)
		call->next->prev = call->prev;
	if (call->prev)
		call->prev->next = call->next;
	else
		client->calls = call->next;
	timer_free(call->timer);
	buffer_release(&call->request);
	buffer_release(&call->body);
	arena_free(call->arena);
	free(call);
}

static void call_tell(struct http_call *call, const struct http_call_result *result)
{
	if (call->upgrade)
		call->upgrade->refused(call->self, result);
	else if (call->events->done)
		call->events->done(call->self, result);
}

/* Out of every list first: the owner may start the next call, or free the client, from inside. */
static void call_finish(struct http_call *call, struct http_call_result *result)
{
	if (call->conn)
		client_conn_drop(call->conn);
	struct http_call last = *call;

	if (call->next)
		call->next->prev = call->prev;
	if (call->prev)
		call->prev->next = call->next;
	else
		call->client->calls = call->next;
	free(call);
	timer_free(last.timer);
	call_tell(&last, result);
	buffer_release(&last.request);
	buffer_release(&last.body);
	arena_free(last.arena);
}

void call_failed(struct http_call *call, enum status status, const char *why)
{
	char words[160];

	snprintf(words, sizeof words, "%.150s", why); /* it may belong to the connection */
	struct http_call_result result = { .status = status, .why = words };

	call_finish(call, &result);
}

void call_done(struct http_call *call)
{
	struct http_call_result result = {
		.code = call->head.code,
		.why = "",
		.headers = call->head.headers,
		.headers_len = call->head.headers_len,
		.body = call->body.at ? buffer_str(&call->body) : STR(""),
	};

	call_finish(call, &result);
}

static void timed_out(void *self)
{
	struct http_call *call = self;
	char why[80];

	snprintf(why, sizeof why, "no answer within %.3g s", call->timeout_ms / 1000.0);
	call_failed(call, ST_TIMEOUT, why);
}

void call_assign(struct http_call *call)
{
	struct client_conn *c = call->client->conns;

	while (c && c->phase != CLIENT_IDLE)
		c = c->next;
	/* A retry must not meet another connection that is just going away. */
	if (!c || call->retried || call->upgrade)
		c = client_conn_new(call->client);
	client_conn_take(c, call);
}

static void add_line(struct buffer *out, const char *name, struct str value)
{
	buffer_add_format(out, "%s: " STR_FMT "\r\n", name, STR_ARG(value));
}

static void build_request(struct http_client *client, const struct http_call_spec *spec,
			  struct buffer *out)
{
	bool bodyless = str_is(spec->method, "GET") || str_is(spec->method, "HEAD");

	buffer_add_str(out, spec->method);
	buffer_add_char(out, ' ');
	buffer_add_str(out, client->prefix);
	buffer_add_str(out, spec->target.len ? spec->target : STR("/"));
	buffer_add_format(out, " HTTP/1.1\r\n");
	add_line(out, "Host", client->host);
	if (client->config.user_agent.len)
		add_line(out, "User-Agent", client->config.user_agent);
	/* A token on a plain connection would be everybody's. */
	if (client->token && client->secure)
		buffer_add_format(out, "Authorization: Bearer %s\r\n", client->token);
	for (u32 i = 0; i < spec->headers_len; i++) {
		CHECK(!memchr(spec->headers[i].value.at, '\n', spec->headers[i].value.len));
		buffer_add_str(out, spec->headers[i].name);
		buffer_add(out, ": ", 2);
		buffer_add_str(out, spec->headers[i].value);
		buffer_add(out, "\r\n", 2);
	}
	if (spec->body.len || !bodyless)
		buffer_add_format(out, "Content-Length: %zu\r\n", spec->body.len);
	buffer_add(out, "\r\n", 2);
	buffer_add_str(out, spec->body);
	CHECK(!out->full);
}

static void call_init(struct http_call *call, struct http_client *client,
		      const struct http_call_spec *spec, void *self)
{
	call->client = client;
	call->self = self;
	call->arena = arena_new(0);
	call->request = BUFFER_INIT(REQUEST_BYTES_MAX);
	call->body = BUFFER_INIT(spec->body_max ? spec->body_max : BODY_DEFAULT_MAX);
	call->no_body = str_is(spec->method, "HEAD");
	call->may_retry = !str_is(spec->method, "POST") && !str_is(spec->method, "PATCH");
	call->timeout_ms = spec->timeout_ms;
	build_request(client, spec, &call->request);
	call->next = client->calls;
	if (call->next)
		call->next->prev = call;
	client->calls = call;
	if (spec->timeout_ms) {
		call->timer = timer_new(client->loop, timed_out, call);
		timer_start(call->timer, spec->timeout_ms, 0);
	}
}

struct http_call *http_call_start(struct http_client *client, const struct http_call_spec *spec,
				  const struct http_call_events *events, void *self)
{
	struct http_call *call = calloc(1, sizeof *call);

	CHECK(call);
	call->events = events;
	call_init(call, client, spec, self);
	call_assign(call);
	return call;
}

void http_call_pause(struct http_call *call, bool paused)
{
	call->paused = paused;
	if (call->conn)
		stream_pause(call->conn->stream, paused);
}

void http_call_cancel(struct http_call *call)
{
	if (call)
		call_free(call);
}

/* ---- waiting */

struct waiting {
	struct loop *loop;
	struct arena *arena;
	struct http_call_result *result;
	char *why;
};

static void wait_done(void *self, const struct http_call_result *result)
{
	struct waiting *w = self;
	struct http_header *headers =
		ARENA_ARRAY(w->arena, struct http_header, MAX(result->headers_len, 1u));

	for (u32 i = 0; i < result->headers_len; i++)
		headers[i] = (struct http_header){
			str_copy(w->arena, result->headers[i].name),
			str_copy(w->arena, result->headers[i].value),
		};
	*w->result = *result;
	w->result->headers = headers;
	w->result->why = str_c(w->arena, str_of(result->why));
	w->result->body = str_copy(w->arena, result->body);
	loop_stop(w->loop);
}

enum status http_call_wait(struct loop *loop, struct arena *arena, struct http_client *client,
			   const struct http_call_spec *spec, struct http_call_result *ret_result,
			   struct error *error)
{
	static const struct http_call_events events = { .done = wait_done };
	struct http_call_result result = { 0 };
	struct waiting waiting = { .loop = loop, .arena = arena, .result = &result };

	http_call_start(client, spec, &events, &waiting);
	loop_run(loop);
	if (result.status != ST_OK)
		return fail(error, result.status, "%s", result.why);
	*ret_result = result;
	return ST_OK;
}

/* ---- upgrades */

struct http_upgrade *http_upgrade_start(struct http_client *client,
					const struct http_call_spec *spec,
					const struct http_upgrade_events *events, void *self)
{
	struct http_upgrade *upgrade = calloc(1, sizeof *upgrade);
	struct http_call_spec limited = *spec;

	CHECK(upgrade);
	limited.body_max = REFUSAL_BYTES_MAX;
	upgrade->call.upgrade = events;
	call_init(&upgrade->call, client, &limited, self);
	call_assign(&upgrade->call);
	return upgrade;
}

size_t http_upgrade_write(struct http_upgrade *upgrade, struct str bytes)
{
	struct http_call *call = &upgrade->call;

	return call->tunnel && call->conn ? client_conn_write(call->conn, bytes) : 0;
}

void http_upgrade_pause(struct http_upgrade *upgrade, bool paused)
{
	http_call_pause(&upgrade->call, paused);
}

void http_upgrade_close(struct http_upgrade *upgrade)
{
	struct client_conn *c = upgrade->call.conn;

	if (c)
		client_conn_close(c);
}
