/* SPDY, WebSocket and TLS sessions, two of each back to back in memory. */
#include "../unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "net/pki.h"
#include "net/spdy.h"
#include "net/tls_session.h"
#include "net/websocket.h"
#include "sys/clock.h"

/* One side: what it has sent and what it was told. */
struct side {
	struct spdy *spdy;
	struct websocket *ws;
	struct tls_session *tls;
	struct buffer out, log, data;
};

static struct side a, b;

static int setup(void **state)
{
	(void)state;
	a = b = (struct side){ .out = BUFFER_INIT(8 << 20),
			       .log = BUFFER_INIT(1 << 20),
			       .data = BUFFER_INIT(8 << 20) };
	return 0;
}

static int teardown(void **state)
{
	struct side *sides[] = { &a, &b };

	(void)state;
	for (int i = 0; i < 2; i++) {
		spdy_free(sides[i]->spdy);
		websocket_free(sides[i]->ws);
		tls_session_free(sides[i]->tls);
		buffer_release(&sides[i]->out);
		buffer_release(&sides[i]->log);
		buffer_release(&sides[i]->data);
	}
	return 0;
}

static size_t side_send(void *self, const struct http_piece *pieces, u32 len)
{
	struct side *side = self;

	for (u32 i = 0; i < len; i++)
		buffer_add(&side->out, pieces[i].at, pieces[i].len);
	return 0;
}

/* ---- SPDY */

static void opened(void *self, u32 stream, const struct http_header *headers, u32 len, bool end)
{
	struct side *side = self;

	buffer_add_format(&side->log, "open %u", stream);
	for (u32 i = 0; i < len; i++)
		buffer_add_format(&side->log, " " STR_FMT "=" STR_FMT, STR_ARG(headers[i].name),
				  STR_ARG(headers[i].value));
	buffer_add_format(&side->log, "%s;", end ? " end" : "");
	spdy_reply(side->spdy, stream);
}

static void replied(void *self, u32 stream)
{
	buffer_add_format(&((struct side *)self)->log, "reply %u;", stream);
}

static void have_bytes(void *self, u32 stream, struct str bytes, bool end)
{
	struct side *side = self;

	buffer_add_str(&side->data, bytes);
	if (end)
		buffer_add_format(&side->log, "end %u;", stream);
}

static void was_reset(void *self, u32 stream, u32 code)
{
	buffer_add_format(&((struct side *)self)->log, "reset %u %u;", stream, code);
}

static const struct spdy_events spdy_events = { opened, replied, have_bytes, was_reset, side_send };

/* Moves bytes between the sides, `step` at a time, until both are quiet. */
static bool spdy_carry(size_t step)
{
	while (a.out.len || b.out.len) {
		struct side *from = a.out.len ? &a : &b, *to = from == &a ? &b : &a;
		struct buffer moving = from->out;

		from->out = BUFFER_INIT(8 << 20);
		for (size_t at = 0; at < moving.len; at += step)
			if (!spdy_input(to->spdy, str_part(buffer_str(&moving), at, step))) {
				buffer_release(&moving);
				return false;
			}
		buffer_release(&moving);
	}
	return true;
}

static void spdy_sessions_understand_each_other(void **state)
{
	const struct http_header headers[] = { { STR("streamtype"), STR("stdin") },
					       { STR("x"), STR("") } };
	static char block[100000];

	(void)state;
	a.spdy = spdy_new(false, &spdy_events, &a);
	b.spdy = spdy_new(true, &spdy_events, &b);
	for (size_t step = 1; step < 2000; step *= 11) {
		u32 stream = spdy_open(a.spdy, headers, 2);
		char expected[200];

		buffer_clear(&a.log);
		buffer_clear(&b.log);
		buffer_clear(&b.data);
		memset(block, (char)step, sizeof block);
		spdy_write(a.spdy, stream, (struct str){ block, sizeof block }, true);
		spdy_reset(a.spdy, stream, SPDY_CANCEL);
		assert_true(spdy_carry(step));
		snprintf(expected, sizeof expected,
			 "open %u streamtype=stdin x=;end %u;reset %u 5;", stream, stream, stream);
		assert_str(buffer_str(&b.log), expected);
		assert_int_equal(b.data.len, sizeof block);
		assert_memory_equal(b.data.at, block, sizeof block);
		snprintf(expected, sizeof expected, "reply %u;", stream);
		assert_str(buffer_str(&a.log), expected);
	}
}

static void spdy_refuses_what_is_broken(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		{ "\x80\x02\x00\x01\x00\x00\x00\x04xxxx", 12 }, /* SPDY/2 */
		{ "\x80\x03\x00\x01\x00\x00\x00\x04xxxx", 12 }, /* too short for its kind */
		{ "\x80\x03\x00\x03\x00\x00\x00\x02xx", 10 },
		{ "\x80\x03\x00\x01\x00\x00\x00\x0e\0\0\0\1\0\0\0\0\0\0zlib", 22 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct spdy *spdy = spdy_new(true, &spdy_events, &b);

		b.spdy = spdy;
		assert_false(spdy_input(spdy, (struct str){ bad[i].bytes, bad[i].len }));
		spdy_free(spdy);
	}
	b.spdy = NULL;
}

static void spdy_stops_a_header_bomb(void **state)
{
	struct arena *arena = arena_new(0);
	struct http_header header = { STR("x"), { arena_zero(arena, 65000), 65000 } };

	(void)state;
	a.spdy = spdy_new(false, &spdy_events, &a);
	b.spdy = spdy_new(true, &spdy_events, &b);
	spdy_open(a.spdy, &header, 1);
	assert_true(spdy_carry(1000)); /* under 64 KiB: allowed */
	spdy_free(b.spdy);
	b.spdy = spdy_new(true, &spdy_events, &b);
	/* A block of zeros that inflates without end, sent to a fresh session. */
	static const char bomb_head[] = "\x80\x03\x00\x01\x00\x00\xff\x00\0\0\0\1\0\0\0\0\0\0";
	char *bomb = arena_zero(arena, 65280 + 8);

	memcpy(bomb, bomb_head, sizeof bomb_head - 1);
	assert_false(spdy_input(b.spdy, (struct str){ bomb, 65280 + 8 }));
	arena_free(arena);
}

/* ---- WebSocket */

static void ws_message(void *self, struct str bytes)
{
	struct side *side = self;

	buffer_add_format(&side->log, "%zu;", bytes.len);
	buffer_add_str(&side->data, bytes);
}

static const struct websocket_events ws_events = { ws_message, side_send };

static bool ws_carry(struct side *from, struct side *to, size_t step)
{
	struct str bytes = buffer_str(&from->out);
	bool open = true;

	for (size_t at = 0; at < bytes.len && open; at += step)
		open = websocket_input(to->ws, str_part(bytes, at, step));
	buffer_clear(&from->out);
	return open;
}

static void websockets_carry_messages_of_every_size(void **state)
{
	static const size_t sizes[] = { 0, 1, 125, 126, 65535, 65536, 300000 };
	static char block[300000];

	(void)state;
	a.ws = websocket_new(false, &ws_events, &a);
	b.ws = websocket_new(true, &ws_events, &b);
	memset(block, 'x', sizeof block);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		const struct http_piece piece = { block, sizes[i] };

		websocket_message(a.ws, &piece, 1);
		websocket_message(b.ws, &piece, 1);
	}
	assert_true(ws_carry(&a, &b, 997));
	assert_true(ws_carry(&b, &a, 10000));
	assert_str(buffer_str(&b.log), "0;1;125;126;65535;65536;300000;");
	assert_str(buffer_str(&a.log), "0;1;125;126;65535;65536;300000;");
	websocket_close(b.ws, WEBSOCKET_NORMAL);
	assert_false(ws_carry(&b, &a, 100)); /* a answers … */
	assert_false(ws_carry(&a, &b, 100)); /* … and b is done */
	/* Example of RFC 6455, 1.3. */
	struct arena *arena = arena_new(0);

	assert_str(websocket_accept_key(arena, STR("dGhlIHNhbXBsZSBub25jZQ==")),
		   "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	arena_free(arena);
}

static void a_server_wants_masked_frames(void **state)
{
	(void)state;
	b.ws = websocket_new(true, &ws_events, &b);
	assert_false(websocket_input(b.ws, STR("\x82\x01x")));
	assert_int_equal(b.log.len, 0);
}

/* ---- TLS */

static void tls_plain(void *self, struct str bytes)
{
	buffer_add_str(&((struct side *)self)->data, bytes);
}

static void tls_cipher(void *self, struct str bytes)
{
	buffer_add_str(&((struct side *)self)->out, bytes);
}

static const struct tls_session_events tls_events = { .plain = tls_plain, .cipher = tls_cipher };

static enum status tls_carry(struct error *error)
{
	enum status status = ST_OK;

	while (status == ST_OK && (a.out.len || b.out.len)) {
		struct side *from = a.out.len ? &a : &b, *to = from == &a ? &b : &a;
		struct buffer moving = from->out;

		from->out = BUFFER_INIT(8 << 20);
		for (size_t at = 0; at < moving.len && status == ST_OK; at += 700)
			status = tls_session_feed(to->tls, str_part(buffer_str(&moving), at, 700),
						  error);
		buffer_release(&moving);
	}
	return status;
}

static struct tls_config config_of(struct arena *arena, const struct pki_pair *ca, const char *name,
				   int uses, struct str authorities)
{
	const struct str names[] = { STR("localhost") };
	const struct pki_subject subject = { .common_name = str_of(name),
					     .organizations = &STR("ops"),
					     .organizations_len = 1,
					     .names = names,
					     .names_len = 1 };
	struct error error = ERROR_INIT;
	struct pki_pair pair;

	assert_int_equal(pki_issue(arena, ca, &subject, uses, 1,
				   clock_wall_ns(clock_real()) / NS_PER_S, &pair, &error),
			 ST_OK);
	return (struct tls_config){ .certificate = pair.certificate,
				    .key = pair.key,
				    .authorities = authorities };
}

static void clients_show_who_they_are(void **state)
{
	struct arena *arena = arena_new(0);
	struct error error = ERROR_INIT;
	struct pki_pair ca, other;
	i64 now_s = clock_wall_ns(clock_real()) / NS_PER_S;
	struct tls_context *server, *client, *stranger;

	(void)state;
	assert_int_equal(pki_ca_create(arena, STR("ca"), now_s, &ca, &error), ST_OK);
	assert_int_equal(pki_ca_create(arena, STR("other"), now_s, &other, &error), ST_OK);
	struct tls_config s = config_of(arena, &ca, "s", PKI_SERVER, ca.certificate);
	struct tls_config c = config_of(arena, &ca, "alice", PKI_CLIENT, ca.certificate);
	struct tls_config x = config_of(arena, &other, "alice", PKI_CLIENT, ca.certificate);

	assert_int_equal(tls_server_new(&s, &server, &error), ST_OK);
	assert_int_equal(tls_client_new(&c, &client, &error), ST_OK);
	assert_int_equal(tls_client_new(&x, &stranger, &error), ST_OK);
	for (int i = 0; i < 2; i++) {
		struct http_peer peer = { 0 };

		a.tls = tls_session_new(i ? stranger : client, STR("localhost"), &tls_events, &a);
		b.tls = tls_session_new(server, STR_NONE, &tls_events, &b);
		tls_session_start(a.tls);
		assert_int_equal(tls_carry(&error), ST_OK);
		assert_true(tls_session_is_ready(b.tls));
		tls_session_peer(b.tls, arena, &peer);
		if (i == 0) {
			assert_str(peer.common_name, "alice");
			assert_str(peer.organizations[0], "ops");
			assert_int_equal(peer.certificate_problem.len, 0);
		} else { /* another CA's alice gets through TLS, and is nobody */
			assert_int_equal(peer.common_name.len, 0);
			assert_true(peer.certificate_problem.len > 0);
		}
		assert_int_equal(tls_session_write(a.tls, STR("hello"), &error), ST_OK);
		tls_session_end(a.tls);
		assert_int_equal(tls_carry(&error), ST_OK);
		assert_str(buffer_str(&b.data), "hello");
		assert_true(tls_session_is_ended(b.tls));
		buffer_clear(&b.data);
		tls_session_free(a.tls);
		tls_session_free(b.tls);
		a.tls = b.tls = NULL;
	}
	/* The name must fit, and a new certificate takes the old one's place. */
	a.tls = tls_session_new(client, STR("example.org"), &tls_events, &a);
	b.tls = tls_session_new(server, STR_NONE, &tls_events, &b);
	tls_session_start(a.tls);
	assert_int_equal(tls_carry(&error), ST_UNAUTHORIZED);
	assert_non_null(strstr(error.message, "hostname mismatch"));
	error_clear(&error);
	assert_int_equal(tls_reload(server, &x, &error), ST_OK);
	s.key = x.key;
	assert_int_equal(tls_reload(server, &s, &error), ST_BAD_REQUEST);
	tls_free(server);
	tls_free(client);
	tls_free(stranger);
	arena_free(arena);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(spdy_sessions_understand_each_other),
		TEST(spdy_refuses_what_is_broken),
		TEST(spdy_stops_a_header_bomb),
		TEST(websockets_carry_messages_of_every_size),
		TEST(a_server_wants_masked_frames),
		TEST(clients_show_who_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
