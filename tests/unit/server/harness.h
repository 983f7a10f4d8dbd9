/*
 * A whole API server in a test: memory log, a clock that stands still until told, an exchange that
 * collects its answer. ask("GET", "/api/v1/pods", NULL) is a request from start to end.
 */
#ifndef TESTS_UNIT_SERVER_HARNESS_H
#define TESTS_UNIT_SERVER_HARNESS_H

#include "../unit.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "doc/json.h"
#include "schema/schema.h"
#include "server/server.h"
#include "store/log_memory.h"
#include "store/store.h"

enum { ANSWER_BYTES_MAX = 64 << 20 };

struct answer {
	struct http_exchange x;
	struct arena *arena;
	int code;
	struct buffer body;
	struct buffer headers; /* "Name: value\n" … */
	bool started, ended, done;
	size_t queued; /* what write() says is still unsent */
};

static struct schema *schema;
static struct log *test_log;
static struct store *store;
static struct server *server;
static struct random dice;
static i64 wall_ns, mono_ns;
static struct arena *arena; /* of one test */

static i64 test_wall(void *self)
{
	(void)self;
	return wall_ns;
}

static i64 mono_step_ns; /* how far each look moves the clock on: a server at work */

static i64 test_mono(void *self)
{
	(void)self;
	return mono_ns += mono_step_ns;
}

static const struct clock test_clock = { test_wall, test_mono, NULL };

static void answer_headers(struct answer *a, int code, const struct http_header *headers, u32 len)
{
	a->code = code;
	for (u32 i = 0; i < len; i++)
		buffer_add_format(&a->headers, STR_FMT ": " STR_FMT "\n", STR_ARG(headers[i].name),
				  STR_ARG(headers[i].value));
}

static void answer_pieces(struct answer *a, const struct http_piece *pieces, u32 len)
{
	for (u32 i = 0; i < len; i++)
		buffer_add(&a->body, pieces[i].at, pieces[i].len);
}

static void answer_reply(struct http_exchange *x, int code, const struct http_header *headers,
			 u32 headers_len, const struct http_piece *pieces, u32 pieces_len)
{
	struct answer *a = x->carrier;

	assert_false(a->done);
	answer_headers(a, code, headers, headers_len);
	answer_pieces(a, pieces, pieces_len);
	a->done = true;
}

static void answer_start(struct http_exchange *x, int code, const struct http_header *headers,
			 u32 headers_len)
{
	struct answer *a = x->carrier;

	assert_false(a->done || a->started);
	answer_headers(a, code, headers, headers_len);
	a->started = true;
}

static size_t answer_write(struct http_exchange *x, const struct http_piece *pieces, u32 len)
{
	struct answer *a = x->carrier;

	assert_true(a->started && !a->ended);
	answer_pieces(a, pieces, len);
	return a->queued;
}

static void answer_end(struct http_exchange *x)
{
	struct answer *a = x->carrier;

	assert_true(a->started && !a->ended);
	a->ended = true;
}

static const struct http_answer test_answer = {
	.reply = answer_reply,
	.start = answer_start,
	.write = answer_write,
	.end = answer_end,
};

static const struct str masters[] = { STR_INIT("system:masters") };
static const struct http_peer admin_peer = {
	.secure = true,
	.common_name = STR_INIT("kubernetes-admin"),
	.organizations = masters,
	.organizations_len = 1,
};
static const struct http_peer *peer = &admin_peer; /* who asks */
static const char *accepts;			   /* the next requests' Accept; NULL: none */
static const char *acts_as;			   /* Impersonate-User; NULL: none */
static const char *authorization;		   /* NULL: none */
static const char *encodings;			   /* Accept-Encoding; NULL: none */
static const char *sends;			   /* their Content-Type; NULL: none */

static void add_header(struct http_header *headers, u32 *len, const char *name, const char *value)
{
	if (value)
		headers[(*len)++] = (struct http_header){ str_of(name), str_of(value) };
}

static bool slow_from_the_start; /* a client that takes nothing until told */

/* Sends a request and leaves it open: watches, and replies that wait. Close it with answer_free. */
static struct answer *ask_open_bytes(const char *method, const char *target, struct str body)
{
	struct answer *a = calloc(1, sizeof *a);
	struct str query = str_of(target), path = str_cut(&query, '?');

	a->arena = arena_new(0);
	a->body = BUFFER_INIT(ANSWER_BYTES_MAX);
	a->headers = BUFFER_INIT(1 << 20);
	struct http_header *headers = ARENA_ARRAY(a->arena, struct http_header, 8);
	u32 len = 0;

	add_header(headers, &len, "Accept", accepts);
	add_header(headers, &len, "Content-Type", sends);
	add_header(headers, &len, "Impersonate-User", acts_as);
	add_header(headers, &len, "Accept-Encoding", encodings);
	add_header(headers, &len, "Authorization", authorization);
	a->x = (struct http_exchange){
		.arena = a->arena,
		.method = str_copy(a->arena, str_of(method)),
		.path = str_copy(a->arena, path),
		.query = query.at ? str_copy(a->arena, query) : STR(""),
		.headers = headers,
		.headers_len = len,
		.body = str_copy(a->arena, body),
		.peer = peer,
		.answer = &test_answer,
		.carrier = a,
	};
	a->queued = slow_from_the_start ? ANSWER_BYTES_MAX : 0;
	server_handle(server, &a->x);
	return a;
}

static struct answer *ask_open(const char *method, const char *target, const char *body)
{
	return ask_open_bytes(method, target, str_of(body));
}

static void answer_free(struct answer *a)
{
	if (a->x.on_closed)
		a->x.on_closed(&a->x);
	buffer_release(&a->body);
	buffer_release(&a->headers);
	arena_free(a->arena);
	free(a);
}

struct reply_seen {
	int code;
	const char *headers, *body;
	const struct doc *doc; /* NULL when the body is no JSON */
};

/* A whole request; the answer lives in the test's arena. */
static struct reply_seen ask(const char *method, const char *target, const char *body)
{
	struct answer *a = ask_open(method, target, body);
	struct reply_seen seen = { .code = a->code };

	assert_true(a->done);
	seen.body = str_copy(arena, buffer_str(&a->body)).at;
	seen.headers = str_copy(arena, buffer_str(&a->headers)).at;
	if (json_parse(arena, buffer_str(&a->body), &seen.doc, NULL) != ST_OK)
		seen.doc = NULL;
	answer_free(a);
	return seen;
}

/* As ask, and fails the test with what came when the code is another one. */
UNUSED static const struct doc *ask_ok(int code, const char *method, const char *target,
				       const char *body)
{
	struct reply_seen seen = ask(method, target, body);

	if (seen.code != code)
		fail_msg("%s %s: %d instead of %d: %s", method, target, seen.code, code, seen.body);
	return seen.doc;
}

/* Fails unless the answer is a Status with this code, reason and message. */
UNUSED static const struct doc *ask_fails(int code, const char *reason, const char *message,
					  const char *method, const char *target, const char *body)
{
	const struct doc *status = ask_ok(code, method, target, body);

	assert_str(doc_at_str(status, "kind"), "Status");
	assert_str(doc_at_str(status, "message"), message);
	assert_str(doc_at_str(status, "reason"), reason);
	assert_int_equal(doc_at_int(status, "code", 0), code);
	return status;
}

UNUSED static const char *text_of(const struct doc *d)
{
	return d ? json_text(arena, d).at : "(absent)";
}

/* Events so far of an open watch; they are taken out. Each is one line of JSON. */
UNUSED static u32 take_events(struct answer *a, const struct doc **events, u32 max)
{
	struct str rest = str_copy(arena, buffer_str(&a->body));
	u32 len = 0;

	while (rest.at && rest.len) {
		struct str line = str_cut(&rest, '\n');

		assert_true(len < max);
		if (json_parse(arena, line, &events[len], NULL) != ST_OK)
			fail_msg("no JSON: " STR_FMT, STR_ARG(line));
		len++;
	}
	buffer_clear(&a->body);
	return len;
}

static void make_cluster(const struct server_config *config)
{
	struct error error = ERROR_INIT;

	wall_ns = 1700000000LL * NS_PER_S; /* 2023-11-14T22:13:20Z */
	mono_ns = NS_PER_S;
	mono_step_ns = 0;
	accepts = sends = acts_as = encodings = authorization = NULL;
	peer = &admin_peer;
	arena = arena_new(0);
	random_seed(&dice, 7);
	schema = schema_new();
	test_log = log_memory_new();
	store = store_new(schema, test_log, &test_clock);
	if (store_open(store, &error) != ST_OK)
		fail_msg("store: %s", error.message);
	server = server_new(config, store, schema, &test_clock, &dice);
	if (server_bootstrap(server, &error) != ST_OK)
		fail_msg("bootstrap: %s", error.message);
	server_set_ready(server, true);
}

UNUSED static int cluster_up(void **state)
{
	static const struct server_config config = { .admin_token = STR_INIT("secret-token") };

	(void)state;
	make_cluster(&config);
	/* What a controller does in a real cluster: pods need their account. */
	ask_ok(201, "POST", "/api/v1/namespaces/default/serviceaccounts",
	       "{\"metadata\":{\"name\":\"default\"}}");
	return 0;
}

static int cluster_down(void **state)
{
	(void)state;
	server_free(server);
	store_free(store);
	log_memory_free(test_log);
	schema_free(schema);
	arena_free(arena);
	return 0;
}

#define cluster_test(f) cmocka_unit_test_setup_teardown(f, cluster_up, cluster_down)

#endif
