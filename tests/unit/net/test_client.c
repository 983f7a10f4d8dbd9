/* Client and server of ours talk over TLS on one loop: answers, streams, exec and port-forward. */
#include "../unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "net/forward.h"
#include "net/pki.h"
#include "net/remote.h"
#include "net/remote_client.h"
#include "net/server.h"
#include "sys/clock.h"

struct world {
	struct loop *loop;
	struct arena *arena;
	struct http_server *server;
	struct tls_context *server_tls, *client_tls, *stranger_tls;
	struct http_client *client;
	struct pki_pair ca;
	/* exec and forward */
	struct remote *remote;
	struct exec_client *exec;
	struct forward_client *forward;
	struct buffer got, in;
	size_t sent, to_send;
	int code, chunks, conns_gone, resized;
	bool in_ended, told;
	char why[200];
};

static struct world *world;

static void reply(struct http_exchange *x, int code, struct str text)
{
	struct http_piece *piece = ARENA_NEW(x->arena, struct http_piece);

	*piece = (struct http_piece){ text.at, text.len };
	x->answer->reply(x, code, NULL, 0, piece, 1);
}

static void never_closed(struct http_exchange *x)
{
	(void)x;
	world->told = true;
}

/* ---- the server's exec: echoes its input, then ends with 7 */

static void remote_input(void *self, struct str bytes, bool end)
{
	struct world *w = self;

	if (remote_write(w->remote, 1, bytes) > REMOTE_QUEUE_FULL)
		remote_pause_input(w->remote, true);
	if (!end)
		return;
	remote_write(w->remote, 2, STR("over"));
	remote_finish(w->remote, remote_status_exit(w->arena, 7));
}

static void remote_drained(void *self)
{
	remote_pause_input(((struct world *)self)->remote, false);
}

static void remote_resize(void *self, u32 width, u32 height)
{
	((struct world *)self)->resized = (int)(width * 1000 + height);
}

static const struct remote_events remote_events = { .input = remote_input,
						    .resize = remote_resize,
						    .drained = remote_drained };

/* ---- the server's port-forward: says the port, echoes, fails on port 9 */

static void forward_opened(void *self, struct forward_conn *conn, u16 port)
{
	char text[16];

	(void)self;
	snprintf(text, sizeof text, "%u:", port);
	if (port == 9)
		forward_error(conn, STR("nobody listens"));
	else
		forward_write(conn, str_of(text));
}

static void forward_bytes(void *self, struct forward_conn *conn, struct str bytes)
{
	(void)self;
	forward_write(conn, bytes);
}

static void forward_ended(void *self, struct forward_conn *conn)
{
	(void)self;
	forward_end(conn);
}

static const struct forward_events forward_events = { .opened = forward_opened,
						      .bytes = forward_bytes,
						      .end = forward_ended };

static void handle(void *self, struct http_exchange *x)
{
	struct world *w = self;
	struct error error = ERROR_INIT;
	struct forward *forward;
	struct remote_wants wants = remote_wants_of(x);

	if (str_is(x->path, "/echo"))
		reply(x, 200, x->body);
	else if (str_is(x->path, "/who"))
		reply(x, 200, x->peer->common_name);
	else if (str_is(x->path, "/token"))
		reply(x, 200, http_header_get(x, "authorization"));
	else if (str_is(x->path, "/never"))
		x->on_closed = never_closed;
	else if (str_is(x->path, "/exec"))
		assert_int_equal(remote_accept(x, &wants, &remote_events, w, &w->remote, &error),
				 ST_OK);
	else if (str_is(x->path, "/forward"))
		assert_int_equal(forward_accept(x, &forward_events, w, &forward, &error), ST_OK);
	else
		reply(x, 404, STR("{\"message\":\"nothing here\"}"));
}

static struct tls_context *client_context(struct world *w, struct str authorities, bool certificate)
{
	const struct pki_subject subject = { .common_name = STR("alice") };
	struct tls_config config = { .authorities = authorities };
	struct error error = ERROR_INIT;
	struct tls_context *tls;
	struct pki_pair pair;

	if (certificate) {
		i64 now_s = clock_wall_ns(clock_real()) / NS_PER_S;

		assert_int_equal(
			pki_issue(w->arena, &w->ca, &subject, PKI_CLIENT, 1, now_s, &pair, &error),
			ST_OK);
		config.certificate = pair.certificate;
		config.key = pair.key;
	}
	assert_int_equal(tls_client_new(&config, &tls, &error), ST_OK);
	return tls;
}

static struct http_client *client_new(struct world *w, struct tls_context *tls)
{
	struct http_client *client;
	struct error error = ERROR_INIT;
	struct http_client_config config = {
		.url = str_format(w->arena, "https://127.0.0.1:%d", http_server_port(w->server)),
		.tls = tls,
		.bearer_token = STR("secret"),
	};

	assert_int_equal(http_client_new(w->loop, &config, &client, &error), ST_OK);
	return client;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	i64 now_s = clock_wall_ns(clock_real()) / NS_PER_S;
	struct error error = ERROR_INIT;
	const struct pki_subject subject = { .common_name = STR("minke"),
					     .names = &STR("127.0.0.1"),
					     .names_len = 1 };
	struct pki_pair pair;

	*state = world = w;
	w->loop = loop_new();
	w->arena = arena_new(0);
	w->got = w->in = BUFFER_INIT(64 << 20);
	assert_int_equal(pki_ca_create(w->arena, STR("ca"), now_s, &w->ca, &error), ST_OK);
	assert_int_equal(pki_issue(w->arena, &w->ca, &subject, PKI_SERVER, 1, now_s, &pair, &error),
			 ST_OK);
	const struct tls_config tls = { .certificate = pair.certificate,
					.key = pair.key,
					.authorities = w->ca.certificate,
					.http2 = true };

	assert_int_equal(tls_server_new(&tls, &w->server_tls, &error), ST_OK);
	const struct http_server_config config = {
		.address = STR("127.0.0.1:0"),
		.tls = w->server_tls,
		.handler = { handle, w },
	};

	assert_int_equal(http_server_open(w->loop, &config, &w->server, &error), ST_OK);
	w->client_tls = client_context(w, w->ca.certificate, true);
	w->client = client_new(w, w->client_tls);
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	http_client_free(w->client);
	http_server_free(w->server);
	loop_free(w->loop);
	tls_free(w->server_tls);
	tls_free(w->client_tls);
	tls_free(w->stranger_tls);
	arena_free(w->arena);
	buffer_release(&w->got);
	buffer_release(&w->in);
	free(w);
	return 0;
}

static struct str ask(struct world *w, struct http_client *client, const char *method,
		      const char *target, struct str body, int code)
{
	const struct http_call_spec spec = { .method = str_of(method),
					     .target = str_of(target),
					     .body = body };
	struct http_call_result result;
	struct error error = ERROR_INIT;

	if (http_call_wait(w->loop, w->arena, client, &spec, &result, &error) != ST_OK)
		fail_msg("%s", error.message);
	assert_int_equal(result.code, code);
	return result.body;
}

static void answers_come_over_one_kept_connection(void **state)
{
	struct world *w = *state;
	struct str big = { arena_zero(w->arena, 3000000), 3000000 };

	assert_str(ask(w, w->client, "GET", "/who", STR(""), 200), "alice");
	assert_str(ask(w, w->client, "GET", "/token", STR(""), 200), "Bearer secret");
	assert_int_equal(ask(w, w->client, "POST", "/echo", big, 200).len, big.len);
	ask(w, w->client, "HEAD", "/echo", STR(""), 200);
	ask(w, w->client, "GET", "/nothing", STR(""), 404);
	assert_int_equal(http_server_stats(w->server)->accepted, 1);
	assert_int_equal(http_server_stats(w->server)->requests, 5);
}

static void a_stranger_is_not_trusted_and_says_why(void **state)
{
	struct world *w = *state;
	struct pki_pair other;
	struct error error = ERROR_INIT;
	const struct http_call_spec spec = { .method = STR("GET"), .target = STR("/who") };
	struct http_call_result result;

	assert_int_equal(pki_ca_create(w->arena, STR("x"), clock_wall_ns(clock_real()) / NS_PER_S,
				       &other, &error),
			 ST_OK);
	w->stranger_tls = client_context(w, other.certificate, false);
	struct http_client *client = client_new(w, w->stranger_tls);

	assert_int_equal(http_call_wait(w->loop, w->arena, client, &spec, &result, &error),
			 ST_UNAUTHORIZED);
	assert_non_null(strstr(error.message, "not trusted"));
	http_client_free(client);
}

static void a_call_ends_when_its_time_is_over(void **state)
{
	struct world *w = *state;
	struct error error = ERROR_INIT;
	const struct http_call_spec spec = { .method = STR("GET"),
					     .target = STR("/never"),
					     .timeout_ms = 30 };
	struct http_call_result result;

	assert_int_equal(http_call_wait(w->loop, w->arena, w->client, &spec, &result, &error),
			 ST_TIMEOUT);
	assert_string_equal(error.message, "no answer within 0.03 s");
	while (!w->told) /* the server hears of it too */
		loop_run_once(w->loop, true);
}

static void an_idle_connection_may_go_away(void **state)
{
	struct world *w = *state;

	ask(w, w->client, "GET", "/who", STR(""), 200);
	/* The server is replaced at the same port: what the client has kept is worthless. */
	struct error error = ERROR_INIT;
	const struct http_server_config config = {
		.address = str_format(w->arena, "127.0.0.1:%d", http_server_port(w->server)),
		.tls = w->server_tls,
		.handler = { handle, w },
	};

	http_server_free(w->server);
	assert_int_equal(http_server_open(w->loop, &config, &w->server, &error), ST_OK);
	assert_str(ask(w, w->client, "GET", "/who", STR(""), 200), "alice");
}

/* ---- exec: five megabytes there and back */

static void exec_send_more(void *self)
{
	struct world *w = self;
	static char block[50000];

	while (w->sent < w->to_send) {
		for (size_t i = 0; i < sizeof block; i++)
			block[i] = (char)((w->sent + i) * 7 >> 3);
		w->sent += sizeof block;
		if (exec_client_input(w->exec, (struct str){ block, sizeof block }) > 200000)
			return;
	}
	if (!w->in_ended)
		exec_client_input_end(w->exec);
	w->in_ended = true;
}

static void exec_opened(void *self)
{
	struct world *w = self;

	exec_client_resize(w->exec, 80, 24);
	exec_send_more(w);
}

static void exec_output(void *self, int stream, struct str bytes)
{
	struct world *w = self;

	buffer_add_str(stream == 1 ? &w->got : &w->in, bytes);
}

static void exec_done(void *self, int code, struct str why)
{
	struct world *w = self;

	w->code = code;
	snprintf(w->why, sizeof w->why, STR_FMT, STR_ARG(why));
	loop_stop(w->loop);
}

static const struct exec_client_events exec_events = { exec_opened, exec_output, exec_send_more,
						       exec_done };

static void exec_carries_streams_sizes_and_the_exit_code(void **state)
{
	struct world *w = *state;

	w->to_send = 5000000;
	w->exec = exec_client_start(w->client, STR("/exec?stdin=true&stdout=1&stderr=True"),
				    &exec_events, w);
	loop_run(w->loop);
	assert_int_equal(w->code, 7);
	assert_int_equal(w->got.len, 5000000);
	for (size_t i = 0; i < w->got.len; i++)
		if (w->got.at[i] != (char)(i * 7 >> 3))
			fail_msg("byte %zu differs", i);
	assert_str(buffer_str(&w->in), "over");
	assert_int_equal(w->resized, 80024);
}

static void exec_refused_says_what_the_server_said(void **state)
{
	struct world *w = *state;

	exec_client_start(w->client, STR("/nowhere"), &exec_events, w);
	loop_run(w->loop);
	assert_int_equal(w->code, -1);
	assert_string_equal(w->why, "nothing here");
}

/* ---- port-forward: three connections at once, one of them refused */

struct end {
	struct world *w;
	struct forward_client_conn *conn;
	struct buffer got;
	char error[64];
};

static void end_bytes(void *self, struct str bytes)
{
	struct end *end = self;

	buffer_add_str(&end->got, bytes);
	if (end->got.len >= 100000)
		forward_client_end(end->conn);
}

static void end_end(void *self)
{
	struct end *end = self;

	forward_client_end(end->conn);
}

static void end_gone(void *self, struct str error)
{
	struct end *end = self;

	snprintf(end->error, sizeof end->error, STR_FMT, STR_ARG(error));
	if (++end->w->conns_gone == 3)
		forward_client_close(end->w->forward);
}

static struct end ends[3];

static void tunnel_opened(void *self)
{
	static const struct forward_client_conn_events events = { .bytes = end_bytes,
								  .end = end_end,
								  .gone = end_gone };
	static const u16 ports[] = { 80, 9, 443 };
	struct world *w = self;
	struct str block = { arena_zero(w->arena, 100000), 100000 };

	for (int i = 0; i < 3; i++) {
		ends[i] = (struct end){ .w = w, .got = BUFFER_INIT(1 << 20) };
		ends[i].conn = forward_client_connect(w->forward, ports[i], &events, &ends[i]);
		forward_client_write(ends[i].conn, block);
	}
}

static void tunnel_closed(void *self, struct str why)
{
	struct world *w = self;

	snprintf(w->why, sizeof w->why, STR_FMT, STR_ARG(why));
	loop_stop(w->loop);
}

static void port_forward_carries_connections_side_by_side(void **state)
{
	static const struct forward_client_events events = { tunnel_opened, tunnel_closed };
	struct world *w = *state;

	w->forward = forward_client_start(w->client, STR("/forward"), &events, w);
	loop_run(w->loop);
	assert_int_equal(w->conns_gone, 3);
	assert_string_equal(w->why, "");
	assert_int_equal(ends[0].got.len, 100003);
	assert_memory_equal(ends[0].got.at, "80:", 3);
	assert_memory_equal(ends[2].got.at, "443:", 4);
	assert_string_equal(ends[1].error, "nobody listens");
	assert_string_equal(ends[0].error, "");
	for (int i = 0; i < 3; i++)
		buffer_release(&ends[i].got);
}

static void stopped(void *self)
{
	struct world *w = self;

	w->server = NULL;
	loop_stop(w->loop);
}

static void a_server_stops_in_order(void **state)
{
	struct world *w = *state;

	ask(w, w->client, "GET", "/who", STR(""), 200);
	http_server_stop(w->server, 1000, stopped, w);
	loop_run(w->loop);
	assert_null(w->server);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_come_over_one_kept_connection),
		TEST(a_stranger_is_not_trusted_and_says_why),
		TEST(a_call_ends_when_its_time_is_over),
		TEST(an_idle_connection_may_go_away),
		TEST(exec_carries_streams_sizes_and_the_exit_code),
		TEST(exec_refused_says_what_the_server_said),
		TEST(port_forward_carries_connections_side_by_side),
		TEST(a_server_stops_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
