/*
 * Connections to webhooks are kept for the next write: one client for each address and the
 * certificates trusted there. Redirects are not followed: whoever answers is who was asked.
 */
#include "run/webhook_calls.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "net/client.h"
#include "net/tls.h"

enum { LINES_MAX = 32, BODY_MAX = 4 << 20, CONNECT_MS = 10000 };

/* A line to one webhook. */
struct line {
	struct arena *arena;
	struct str url, server_name, authorities;
	struct tls_context *tls;
	struct http_client *client;
	u32 calls;
	u64 used; /* when last: the highest is the latest */
};

struct webhook_calls {
	struct loop *loop;
	struct webhook_door door;
	struct line lines[LINES_MAX];
	u64 turns;
	struct timer *later; /* tells of calls that could not even begin */
	struct refused *refused;
};

struct asking {
	struct line *line;
	void (*done)(void *asker, enum status status, const char *why, int code, struct str body);
	void *asker;
};

/* A call that failed at once; it is told of when the asker has returned. */
struct refused {
	struct asking asking;
	struct refused *next;
	char why[ERROR_MESSAGE_MAX];
};

static void line_close(struct line *line)
{
	http_client_free(line->client);
	tls_free(line->tls);
	arena_free(line->arena);
	*line = (struct line){ 0 };
}

static bool line_is(const struct line *line, const struct webhook_request *request)
{
	return line->client && str_eq(line->url, request->url) &&
	       str_eq(line->server_name, request->server_name) &&
	       str_eq(line->authorities, request->authorities);
}

static enum status line_open(struct webhook_calls *calls, struct line *line,
			     const struct webhook_request *request, struct error *error)
{
	struct tls_config tls = { .authorities = request->authorities };
	enum status status;

	line->arena = arena_new(0);
	line->url = str_copy(line->arena, request->url);
	line->server_name = str_copy(line->arena, request->server_name);
	line->authorities = str_copy(line->arena, request->authorities);
	status = tls_client_new(&tls, &line->tls, error);
	if (status == ST_OK) {
		struct http_client_config config = {
			.url = line->url,
			.tls = line->tls,
			.server_name = line->server_name,
			.user_agent = STR("kube-apiserver-admission"),
			.connect_timeout_ms = CONNECT_MS,
		};

		status = http_client_new(calls->loop, &config, &line->client, error);
	}
	if (status != ST_OK)
		line_close(line);
	return status;
}

/* The line to this webhook, or a free one, or the one that has been silent longest. */
static enum status line_get(struct webhook_calls *calls, const struct webhook_request *request,
			    struct line **ret_line, struct error *error)
{
	struct line *best = NULL;

	for (u32 i = 0; i < LINES_MAX; i++) {
		struct line *line = &calls->lines[i];

		if (line_is(line, request)) {
			*ret_line = line;
			return ST_OK;
		}
		if (!line->calls && (!best || line->used < best->used))
			best = line;
	}
	if (!best)
		return fail(error, ST_TOO_MANY, "too many webhooks are being asked at once");
	if (best->client)
		line_close(best);
	*ret_line = best;
	return line_open(calls, best, request, error);
}

static void call_done(void *self, const struct http_call_result *result)
{
	struct asking *asking = self;

	asking->done(asking->asker, result->status, result->why ? result->why : "no answer",
		     result->code, result->body);
	asking->line->calls--; /* not before: nobody may close it meanwhile */
	free(asking);
}

static void tell_refused(void *self)
{
	struct webhook_calls *calls = self;

	while (calls->refused) {
		struct refused *one = calls->refused;

		calls->refused = one->next;
		one->asking.done(one->asking.asker, ST_UNAVAILABLE, one->why, 0, STR(""));
		free(one);
	}
}

static void refuse_later(struct webhook_calls *calls, struct asking asking, const char *why)
{
	struct refused *one = calloc(1, sizeof *one);

	CHECK(one);
	one->asking = asking;
	one->next = calls->refused;
	snprintf(one->why, sizeof one->why, "%s", why);
	calls->refused = one;
	timer_start(calls->later, 0, 0);
}

static void door_call(void *self, const struct webhook_request *request,
		      void (*done)(void *asker, enum status status, const char *why, int code,
				   struct str body),
		      void *asker)
{
	static const struct http_call_events events = { .done = call_done };
	static const struct http_header headers[] = {
		{ STR_INIT("Content-Type"), STR_INIT("application/json") },
		{ STR_INIT("Accept"), STR_INIT("application/json, */*") },
	};
	struct webhook_calls *calls = self;
	struct http_call_spec spec = {
		.method = STR("POST"),
		.target = request->target,
		.headers = headers,
		.headers_len = ARRAY_LEN(headers),
		.body = request->body,
		.timeout_ms = request->timeout_ms,
		.body_max = BODY_MAX,
	};
	struct asking *asking, wanted = { .done = done, .asker = asker };
	struct error error = ERROR_INIT;

	if (line_get(calls, request, &wanted.line, &error) != ST_OK) {
		refuse_later(calls, wanted, error.message);
		return;
	}
	asking = malloc(sizeof *asking);
	CHECK(asking);
	*asking = wanted;
	asking->line->calls++;
	asking->line->used = ++calls->turns;
	http_call_start(asking->line->client, &spec, &events, asking);
}

struct webhook_calls *webhook_calls_new(struct loop *loop)
{
	struct webhook_calls *calls = calloc(1, sizeof *calls);

	CHECK(calls);
	calls->loop = loop;
	calls->door = (struct webhook_door){ door_call, calls };
	calls->later = timer_new(loop, tell_refused, calls);
	return calls;
}

void webhook_calls_free(struct webhook_calls *calls)
{
	if (!calls)
		return;
	for (u32 i = 0; i < LINES_MAX; i++)
		if (calls->lines[i].client)
			line_close(&calls->lines[i]);
	while (calls->refused) {
		struct refused *one = calls->refused;

		calls->refused = one->next;
		free(one);
	}
	timer_free(calls->later);
	free(calls);
}

const struct webhook_door *webhook_calls_door(struct webhook_calls *calls)
{
	return &calls->door;
}
