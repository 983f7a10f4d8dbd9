/* HTTP/1.1 as it must be read: what is doubtful is refused, however it is cut into pieces. */
#include "../unit.h"

#include <stdio.h>

#include "memory_wire.h"
#include "net/http1.h"
#include "net/http1_parse.h"

static struct http_exchange *last;
static int closed_count;
static size_t tunnel_len;

static void count_closed(struct http_exchange *x)
{
	(void)x;
	closed_count++;
	last = NULL;
}

static void tunnel_bytes(void *self, struct str bytes)
{
	(void)self;
	tunnel_len += bytes.len;
}

static void tunnel_closed(void *self)
{
	(void)self;
	closed_count += 100;
}

/* Answers with what it understood: "GET /a?b [body]". */
static void handle(void *self, struct http_exchange *x)
{
	static const struct http_tunnel_events events = { .bytes = tunnel_bytes,
							  .closed = tunnel_closed };
	struct http_piece *piece = ARENA_NEW(x->arena, struct http_piece);
	struct str text = str_format(x->arena, STR_FMT " " STR_FMT "?" STR_FMT " [" STR_FMT "]",
				     STR_ARG(x->method), STR_ARG(x->path), STR_ARG(x->query),
				     STR_ARG(x->body));

	(void)self;
	x->on_closed = count_closed;
	last = x;
	assert_int_equal(x->body.at[x->body.len], 0);
	*piece = (struct http_piece){ text.at, text.len };
	if (str_is(x->path, "/later"))
		return;
	if (str_is(x->path, "/up")) {
		x->answer->upgrade(x, NULL, 0, &events, NULL);
	} else if (str_is(x->path, "/stream")) {
		x->answer->start(x, 200, NULL, 0);
		x->answer->write(x, piece, 1);
		x->answer->end(x);
	} else {
		x->answer->reply(x, 200, NULL, 0, piece, 1);
	}
}

struct run {
	struct memory_wire wire;
	struct http1 *h;
	u64 requests;
};

static const struct http_handler handler = { .request = handle };
static const struct http_peer peer;

static void run_start(struct run *r)
{
	*r = (struct run){ .wire = memory_wire_new() };
	r->h = http1_new(&r->wire.wire, &handler, &peer, NULL, &r->requests);
}

static void settle(struct run *r)
{
	while (r->wire.woken) {
		r->wire.woken = false;
		http1_settle(r->h);
	}
}

static void feed(struct run *r, struct str bytes, size_t step)
{
	while (bytes.len) {
		struct str part = str_part(bytes, 0, step);

		http1_input(r->h, part);
		settle(r);
		bytes = str_from(bytes, part.len);
	}
}

static void run_end(struct run *r)
{
	http1_free(r->h);
	buffer_release(&r->wire.out);
}

/* Feeds a text in pieces of every size from 1 to 7, and whole; all must give the same answer. */
static void expect(const char *text, const char *answer_part, u64 requests, bool closed)
{
	for (size_t step = 1; step <= 8; step++) {
		struct run r;

		run_start(&r);
		feed(&r, str_of(text), step == 8 ? strlen(text) : step);
		buffer_add_char(&r.wire.out, 0);
		if (!strstr(r.wire.out.at, answer_part) || r.requests != requests ||
		    r.wire.closed != closed)
			fail_msg("step %zu, %llu requests, closed %d:\n%s\n→\n%s", step,
				 (unsigned long long)r.requests, r.wire.closed, text,
				 r.wire.out.at);
		run_end(&r);
	}
}

#define H "Host: x\r\n"

static void reads_good_requests(void **state)
{
	(void)state;
	expect("GET /a?b=c HTTP/1.1\r\n" H "\r\n", "GET /a?b=c []", 1, false);
	expect("GET / HTTP/1.1\r\nhOsT:x\r\nX:  y  \r\nEmpty:\r\n\r\n", "GET /? []", 1, false);
	expect("POST /p HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello", "[hello]", 1, false);
	expect("POST /p HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", "[]", 1, false);
	expect("POST /p HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
	       "5;name=\"v\"\r\nhello\r\nA\r\n, stranger\r\n0\r\nTrailer: x\r\n\r\n",
	       "[hello, stranger]", 1, false);
	expect("POST /p HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
	       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK", 1, false);
	expect("GET http://host:1/path?q HTTP/1.1\r\n" H "\r\n", "GET /path?q []", 1, false);
	expect("OPTIONS * HTTP/1.1\r\n" H "\r\n", "OPTIONS *? []", 1, false);
	expect("GET / HTTP/1.0\r\n\r\n", "Connection: close\r\n", 1, true);
	expect("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "Connection: keep-alive", 1,
	       false);
	expect("GET / HTTP/1.1\r\n" H "Connection: foo, Close\r\n\r\n", "Connection: close", 1,
	       true);
	expect("GET /stream HTTP/1.1\r\n" H "\r\n",
	       "Transfer-Encoding: chunked\r\n\r\nf\r\nGET /stream? []\r\n0\r\n\r\n", 1, false);
	expect("GET /stream HTTP/1.0\r\n\r\n", "\r\n\r\nGET /stream? []", 1, true);
	expect("HEAD / HTTP/1.1\r\n" H "\r\n", "Content-Length: 10\r\n\r\n", 1, false);
}

static void answers_pipelined_requests_in_order(void **state)
{
	(void)state;
	expect("GET /1 HTTP/1.1\r\n" H "\r\nPOST /2 HTTP/1.1\r\n" H
	       "Content-Length: 1\r\n\r\nxGET /3 HTTP/1.1\r\n" H "\r\n",
	       "GET /3? []", 3, false);
	/* Nothing after Connection: close is looked at. */
	expect("GET /1 HTTP/1.1\r\n" H "Connection: close\r\n\r\nGET /2 HTTP/1.1\r\n" H "\r\n",
	       "GET /1? []", 1, true);
}

static const struct {
	const char *code, *text;
} bad[] = {
	/* where does the body end? */
	{ "400", "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n"
		 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
	{ "400", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
		 "Content-Length: 5\r\n\r\n" },
	{ "400", "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 6\r\n\r\n" },
	{ "400", "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n" },
	{ "400", "POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n" },
	{ "400", "POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\n" },
	{ "400", "POST / HTTP/1.1\r\n" H "Content-Length: -5\r\n\r\n" },
	{ "400", "POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n" },
	{ "400", "POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n" },
	{ "400", "POST / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999\r\n\r\n" },
	{ "501", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n" },
	{ "501", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, identity\r\n\r\n" },
	{ "400", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: \x0b"
		 "chunked\r\n\r\n" },
	{ "400", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
		 "Transfer-Encoding: chunked\r\n\r\n" },
	{ "400", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" },
	{ "400", "POST / HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n\r\n" },
	/* chunks */
	{ "400", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n" },
	{ "400", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX" },
	{ "400", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello" },
	{ "400", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n 5\r\nhello" },
	{ "400", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n-1\r\n" },
	{ "400", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n\r\n" },
	{ "400", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
		 "000000005\r\n" },
	{ "400", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n x\r\n" },
	{ "413", "POST / HTTP/1.1\r\n" H "Content-Length: 3145729\r\n\r\n" },
	/* lines */
	{ "400", "GET / HTTP/1.1\nHost: x\n\n" },
	{ "400", "GET / HTTP/1.1\r\nHost: x\n\r\n" },
	{ "400", "GET / HTTP/1.1\r\n" H "A: b\r\n folded\r\n\r\n" },
	{ "400", "GET / HTTP/1.1\r\n" H "A: b\rc\r\n\r\n" },
	{ "400", "GET / HTTP/1.1\r\n" H "A: b\r\r\n\r\n" },
	{ "400", "GET / HTTP/1.1\r\n" H "no colon\r\n\r\n" },
	{ "400", "GET / HTTP/1.1\r\n" H ": nameless\r\n\r\n" },
	{ "400", "GET / HTTP/1.1\r\n" H "A B: c\r\n\r\n" },
	{ "400", "GET / HTTP/1.1\r\n" H "A: \x01\r\n\r\n" },
	{ "400", "\r\nGET / HTTP/1.1\r\n" H "\r\n" },
	/* the first line */
	{ "400", "GET  / HTTP/1.1\r\n" H "\r\n" },
	{ "400", "GET / HTTP/1.1 \r\n" H "\r\n" },
	{ "400", "GET /a b HTTP/1.1\r\n" H "\r\n" },
	{ "400", "GET /\x80 HTTP/1.1\r\n" H "\r\n" },
	{ "400", "GET /#f HTTP/1.1\r\n" H "\r\n" },
	{ "400", "GET a HTTP/1.1\r\n" H "\r\n" },
	{ "400", "GET * HTTP/1.1\r\n" H "\r\n" },
	{ "400", "CONNECT x:1 HTTP/1.1\r\n" H "\r\n" },
	{ "400", "GET /\r\n" H "\r\n" },
	{ "400", "G@T / HTTP/1.1\r\n" H "\r\n" },
	{ "505", "GET / HTTP/2.0\r\n" H "\r\n" },
	{ "400", "GET / HTTP/1.10\r\n" H "\r\n" },
	{ "400", "GET / http/1.1\r\n" H "\r\n" },
	/* whose request is it? */
	{ "400", "GET / HTTP/1.1\r\n\r\n" },
	{ "400", "GET / HTTP/1.1\r\n" H H "\r\n" },
	{ "417", "POST / HTTP/1.1\r\n" H "Expect: miracles\r\nContent-Length: 1\r\n\r\n" },
};

static void refuses_what_two_readers_could_read_differently(void **state)
{
	char line[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		snprintf(line, sizeof line, "HTTP/1.1 %s ", bad[i].code);
		expect(bad[i].text, line, 0, true);
		expect(bad[i].text, "\"kind\":\"Status\"", 0, true);
	}
}

static void refuses_what_is_too_long(void **state)
{
	struct arena *arena = arena_new(0);
	char *many = arena_zero(arena, 200 << 10);

	(void)state;
	memset(many, 'a', URL_BYTES_MAX + 10);
	expect(str_format(arena, "GET /%s HTTP/1.1\r\n" H "\r\n", many).at, "HTTP/1.1 414 ", 0,
	       true);
	memset(many, 'a', HEADERS_BYTES_MAX + URL_BYTES_MAX);
	expect(str_format(arena, "GET / HTTP/1.1\r\n" H "A: %s\r\n\r\n", many).at, "HTTP/1.1 431 ",
	       0, true);
	many[0] = 0;
	for (int i = 0; i < HEADERS_MAX; i++)
		strcat(many, "A: b\r\n");
	expect(str_format(arena, "GET / HTTP/1.1\r\n" H "%s\r\n", many).at, "HTTP/1.1 431 ", 0,
	       true);
	arena_free(arena);
}

static void an_answer_may_come_later(void **state)
{
	const struct http_piece piece = { "late", 4 };
	struct run r;

	(void)state;
	run_start(&r);
	closed_count = 0;
	feed(&r, STR("GET /later HTTP/1.1\r\n" H "\r\nGET /next HTTP/1.1\r\n" H "\r\n"), 1000);
	assert_int_equal(r.wire.out.len, 0);
	last->answer->reply(last, 201, NULL, 0, &piece, 1);
	assert_int_equal(closed_count, 0); /* not from inside the handler's own call */
	settle(&r);
	assert_int_equal(closed_count, 2);
	buffer_add_char(&r.wire.out, 0);
	assert_non_null(strstr(r.wire.out.at, "201 Created\r\nContent-Length: 4\r\n\r\nlate"));
	assert_non_null(strstr(r.wire.out.at, "GET /next? []"));
	/* Lost while it waits: told once. */
	feed(&r, STR("GET /later HTTP/1.1\r\n" H "\r\n"), 1000);
	run_end(&r);
	assert_int_equal(closed_count, 3);
}

static void a_slow_reader_gets_pieces_as_it_takes_them(void **state)
{
	static char block[100000];
	struct http_piece pieces[10];
	struct run r;

	(void)state;
	run_start(&r);
	for (int i = 0; i < 10; i++)
		pieces[i] = (struct http_piece){ block, sizeof block };
	feed(&r, STR("GET /later HTTP/1.1\r\n" H "\r\n"), 1000);
	r.wire.queued = WIRE_FULL;
	last->answer->reply(last, 200, NULL, 0, pieces, 10);
	assert_true(r.wire.out.len < 200); /* the head alone */
	settle(&r);
	assert_non_null(last);
	r.wire.queued = 0;
	http1_writable(r.h);
	settle(&r);
	assert_true(r.wire.out.len > 1000000);
	assert_null(last);
	run_end(&r);
}

static void an_upgrade_takes_the_connection_over(void **state)
{
	struct run r;

	(void)state;
	run_start(&r);
	tunnel_len = 0;
	closed_count = 0;
	feed(&r, STR("GET /up HTTP/1.1\r\n" H "\r\nearly"), 1000);
	assert_int_equal(tunnel_len, 5);
	struct http_exchange *x = last;

	x->answer->tunnel_pause(x, true);
	assert_true(r.wire.paused);
	http1_input(r.h, STR("held"));
	assert_int_equal(tunnel_len, 5);
	x->answer->tunnel_pause(x, false);
	settle(&r);
	assert_int_equal(tunnel_len, 9);
	x->answer->tunnel_write(x, STR("GET / HTTP/1.1"));
	x->answer->tunnel_close(x);
	assert_true(r.wire.closed);
	run_end(&r);
	assert_int_equal(closed_count, 101);
}

static void tells_who_is_too_slow(void **state)
{
	struct run r;

	(void)state;
	run_start(&r);
	assert_int_equal(http1_wait(r.h), WAIT_IDLE);
	feed(&r, STR("POST / HTTP/1.1\r\n"), 1000);
	assert_int_equal(http1_wait(r.h), WAIT_HEAD);
	feed(&r, STR(H "Content-Length: 10\r\n\r\nabc"), 1000);
	assert_int_equal(http1_wait(r.h), WAIT_BODY);
	http1_timeout(r.h);
	settle(&r);
	buffer_add_char(&r.wire.out, 0);
	assert_non_null(strstr(r.wire.out.at, "HTTP/1.1 408 "));
	assert_true(r.wire.closed);
	run_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_good_requests),
		cmocka_unit_test(answers_pipelined_requests_in_order),
		cmocka_unit_test(refuses_what_two_readers_could_read_differently),
		cmocka_unit_test(refuses_what_is_too_long),
		cmocka_unit_test(an_answer_may_come_later),
		cmocka_unit_test(a_slow_reader_gets_pieces_as_it_takes_them),
		cmocka_unit_test(an_upgrade_takes_the_connection_over),
		cmocka_unit_test(tells_who_is_too_slow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
