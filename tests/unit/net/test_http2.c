/* HTTP/2 between nghttp2 as a client and our engine, in memory: answers, limits, floods. */
#include "../unit.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#include "memory_wire.h"
#include "net/http2.h"

struct world {
	struct memory_wire wire;
	struct http_server_stats stats;
	struct http2 *h;
	nghttp2_session *client;
	struct http_exchange *held;
	int statuses[300]; /* by stream id */
	struct buffer got;
	size_t body_left;
	int closed;
};

static struct world *world;

static void held_closed(struct http_exchange *x)
{
	(void)x;
	world->closed++;
	world->held = NULL;
}

static void handle(void *self, struct http_exchange *x)
{
	struct http_piece *piece = ARENA_NEW(x->arena, struct http_piece);

	(void)self;
	x->on_closed = held_closed;
	*piece = (struct http_piece){ x->body.at, x->body.len };
	if (str_is(x->path, "/hold"))
		world->held = x;
	else
		x->answer->reply(x, 200, NULL, 0, piece, 1);
}

static int have_header(nghttp2_session *session, const nghttp2_frame *frame, const u8 *name,
		       size_t name_len, const u8 *value, size_t value_len, u8 flags, void *self)
{
	struct world *w = self;

	(void)session;
	(void)flags;
	if (name_len == 7 && !memcmp(name, ":status", 7) && value_len == 3)
		w->statuses[frame->hd.stream_id] = atoi((const char *)value);
	return 0;
}

static int have_data(nghttp2_session *session, u8 flags, i32 id, const u8 *bytes, size_t len,
		     void *self)
{
	(void)session;
	(void)flags;
	(void)id;
	buffer_add(&((struct world *)self)->got, bytes, len);
	return 0;
}

static ssize_t give_body(nghttp2_session *session, i32 id, u8 *to, size_t len, u32 *flags,
			 nghttp2_data_source *source, void *self)
{
	struct world *w = self;
	size_t part = MIN(len, w->body_left);

	(void)session;
	(void)id;
	(void)source;
	memset(to, 'b', part);
	w->body_left -= part;
	if (w->body_left == 0)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)part;
}

/* Carries bytes both ways until both are quiet. */
static void exchange(struct world *w)
{
	bool moved = true;

	while (moved) {
		const u8 *bytes;
		ssize_t len;

		moved = false;
		while (!w->wire.closed && (len = nghttp2_session_mem_send(w->client, &bytes)) > 0) {
			http2_input(w->h, (struct str){ (const char *)bytes, (size_t)len });
			moved = true;
		}
		while (w->wire.woken) {
			w->wire.woken = false;
			http2_settle(w->h);
			http2_writable(w->h);
		}
		if (w->wire.out.len) {
			nghttp2_session_mem_recv(w->client, (u8 *)w->wire.out.at, w->wire.out.len);
			buffer_clear(&w->wire.out);
			moved = true;
		}
	}
}

static i32 ask(struct world *w, const char *method, const char *path, size_t body)
{
	const nghttp2_nv pairs[] = {
		{ (u8 *)":method", (u8 *)(uintptr_t)method, 7, strlen(method), 0 },
		{ (u8 *)":scheme", (u8 *)"https", 7, 5, 0 },
		{ (u8 *)":path", (u8 *)(uintptr_t)path, 5, strlen(path), 0 },
		{ (u8 *)":authority", (u8 *)"x", 10, 1, 0 },
	};
	nghttp2_data_provider data = { .read_callback = give_body };

	w->body_left = body;
	return nghttp2_submit_request(w->client, NULL, pairs, 4, body ? &data : NULL, NULL);
}

static int setup(void **state)
{
	static const struct http_handler handler = { .request = handle };
	static const struct http_peer peer;
	struct world *w = calloc(1, sizeof *w);
	nghttp2_session_callbacks *callbacks;

	*state = world = w;
	w->wire = memory_wire_new();
	w->got = BUFFER_INIT(64 << 20);
	w->h = http2_new(&w->wire.wire, &handler, &peer, "", 10, &w->stats);
	nghttp2_session_callbacks_new(&callbacks);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, have_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, have_data);
	nghttp2_session_client_new(&w->client, callbacks, w);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(w->client, NGHTTP2_FLAG_NONE, NULL, 0);
	exchange(w);
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	http2_free(w->h);
	nghttp2_session_del(w->client);
	buffer_release(&w->wire.out);
	buffer_release(&w->got);
	free(w);
	return 0;
}

static void answers_many_requests_on_one_connection(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 100; i++)
		ask(w, "GET", "/", 0);
	exchange(w);
	for (i32 id = 1; id < 200; id += 2)
		assert_int_equal(w->statuses[id], 200);
	assert_int_equal(w->stats.requests, 100);
	/* Bodies beyond the connection's window need it opened again behind each. */
	for (int i = 0; i < 5; i++) {
		buffer_clear(&w->got);
		ask(w, "POST", "/", 3000000);
		exchange(w);
		assert_int_equal(w->got.len, 3000000);
	}
}

static void refuses_bodies_and_heads_too_long(void **state)
{
	struct world *w = *state;
	struct arena *arena = arena_new(0);
	char *path = arena_zero(arena, 20000);

	i32 id = ask(w, "POST", "/", 3500000);

	exchange(w);
	assert_int_equal(w->statuses[id], 413);
	memset(path, '/', 19999);
	id = ask(w, "GET", path, 0);
	exchange(w);
	assert_int_equal(w->statuses[id], 414);
	id = ask(w, "GET", "/a#b", 0);
	exchange(w);
	assert_int_equal(w->statuses[id], 400);
	assert_int_equal(w->stats.requests, 0);
	arena_free(arena);
}

static void tells_a_handler_whose_client_has_gone(void **state)
{
	struct world *w = *state;
	i32 id = ask(w, "GET", "/hold", 0);

	exchange(w);
	struct http_exchange *x = w->held;

	assert_non_null(x);
	x->answer->start(x, 200, NULL, 0);
	x->answer->write(x, &(struct http_piece){ "event\n", 6 }, 1);
	exchange(w);
	assert_str(buffer_str(&w->got), "event\n");
	nghttp2_submit_rst_stream(w->client, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
	exchange(w);
	assert_int_equal(w->closed, 1);
	assert_null(w->held);
}

static void a_flood_of_resets_ends_the_connection(void **state)
{
	struct world *w = *state;

	/* CVE-2023-44487: requests that are taken back at once. */
	for (int i = 0; i < 5000 && !w->wire.closed; i++) {
		i32 id = ask(w, "GET", "/hold", 0);

		if (id < 0)
			break;
		exchange(w);
		w->statuses[0] = 0;
		if (id < 300)
			w->statuses[id] = 0;
		nghttp2_submit_rst_stream(w->client, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
		exchange(w);
	}
	assert_true(w->wire.closed || !nghttp2_session_want_read(w->client) ||
		    nghttp2_session_check_request_allowed(w->client) == 0);
	assert_true(w->stats.requests < 2000);
}

static void pings_nobody_takes_end_the_connection(void **state)
{
	struct world *w = *state;

	w->wire.queued = WIRE_FULL; /* the client does not read */
	for (int i = 0; i < 10000 && !w->wire.closed; i++) {
		const u8 *bytes;
		ssize_t len;

		nghttp2_submit_ping(w->client, NGHTTP2_FLAG_NONE, NULL);
		while ((len = nghttp2_session_mem_send(w->client, &bytes)) > 0)
			http2_input(w->h, (struct str){ (const char *)bytes, (size_t)len });
	}
	assert_true(w->wire.closed);
}

static void shuts_down_after_the_last_answer(void **state)
{
	struct world *w = *state;
	i32 id = ask(w, "GET", "/hold", 0);

	exchange(w);
	http2_shut(w->h);
	exchange(w);
	assert_false(w->wire.closed);
	w->held->answer->reply(w->held, 200, NULL, 0, &(struct http_piece){ "x", 1 }, 1);
	exchange(w);
	assert_int_equal(w->statuses[id], 200);
	assert_true(w->wire.closed);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_many_requests_on_one_connection),
		TEST(refuses_bodies_and_heads_too_long),
		TEST(tells_a_handler_whose_client_has_gone),
		TEST(a_flood_of_resets_ends_the_connection),
		TEST(pings_nobody_takes_end_the_connection),
		TEST(shuts_down_after_the_last_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
