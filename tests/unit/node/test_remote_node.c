/* A node on another machine: asked by the API server over TLS, through both sides of our own. */
#include "../unit.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "net/pki.h"
#include "net/remote.h"
#include "net/remote_client.h"
#include "net/server.h"
#include "node/node_server.h"
#include "node/remote_node.h"
#include "server/node_door.h"
#include "server/reply.h"
#include "sys/clock.h"

enum { ECHO_BYTES = 3 << 20 };

struct world {
	struct arena *arena;
	struct loop *loop;
	struct pki_pair ca;
	struct tls_context *node_tls, *server_tls, *other_tls;
	struct node_server *node;
	struct remote_nodes *nodes, *others;
	const struct node_door *door; /* through which `front` asks */
	struct http_server *front;
	struct http_client *client;
	struct remote *remote;
	struct exec_client *exec;
	struct http_exchange *following;
	struct buffer got;
	size_t sent;
	int code, port;
	bool told;
	struct str asked;
};

/* ---- the node's own door */

static void node_logs(void *self, struct http_exchange *x, const struct door_pod *pod,
		      const struct log_options *options)
{
	struct world *w = self;

	w->asked = str_format(w->arena,
			      STR_FMT "/" STR_FMT "/" STR_FMT "/" STR_FMT " %d%d%d %lld %lld %lld",
			      STR_ARG(pod->namespace), STR_ARG(pod->name), STR_ARG(pod->uid),
			      STR_ARG(options->container), options->follow, options->previous,
			      options->timestamps, (long long)options->tail_lines,
			      (long long)options->limit_bytes, (long long)options->since_wall_ns);
	if (str_is(options->container, "none")) {
		reply_failure(x, ST_BAD_REQUEST, "container \"none\" is waiting to start");
		return;
	}
	x->answer->start(x, 200, NULL, 0);
	x->answer->write(x, &(struct http_piece){ "first\n", 6 }, 1);
	if (options->follow)
		w->following = x;
	else
		x->answer->end(x);
}

static void echo(void *self, struct str bytes, bool end)
{
	struct world *w = self;

	if (remote_write(w->remote, 1, bytes) > REMOTE_QUEUE_FULL)
		remote_pause_input(w->remote, true);
	if (end)
		remote_finish(w->remote, remote_status_exit(w->arena, 7));
}

static void drained(void *self)
{
	remote_pause_input(((struct world *)self)->remote, false);
}

static void node_exec(void *self, struct http_exchange *x, const struct door_pod *pod,
		      const struct exec_options *options)
{
	static const struct remote_events events = { .input = echo, .drained = drained };
	const struct remote_wants wants = { options->in, options->out, options->err, options->tty };
	struct world *w = self;
	struct error error = ERROR_INIT;

	w->asked = str_format(
		w->arena, STR_FMT " " STR_FMT, STR_ARG(pod->uid),
		STR_ARG(str_join(w->arena, options->command, options->command_len, STR("|"))));
	if (str_is(options->container, "none"))
		reply_failure(x, ST_INTERNAL, "container not found (\"none\")");
	else if (remote_accept(x, &wants, &events, w, &w->remote, &error) != ST_OK)
		reply_error(x, &error);
}

static struct str pod_uid(void *self, struct str ns, struct str name)
{
	(void)self;
	return str_is(ns, "default") && str_is(name, "web") ? STR("u-1") : STR_NONE;
}

static const struct doc *no_pods(void *self, struct arena *arena)
{
	(void)self;
	(void)arena;
	return NULL;
}

static struct node_door node_door = { .logs = node_logs, .exec = node_exec, .attach = node_exec };

/* ---- the API server in front of it */

static void front_request(void *self, struct http_exchange *x)
{
	static const struct door_pod pod = { STR_INIT("default"), STR_INIT("web"), STR_INIT("u-1"),
					     STR_INIT("node-2") };
	static const struct door_pod lost = { .node = STR_INIT("gone") };
	static const struct str words[] = { STR_INIT("sh"), STR_INIT("-c"), STR_INIT("a b&c=%") };
	struct world *w = self;
	struct log_options *logs = ARENA_NEW(x->arena, struct log_options);
	struct exec_options *exec = ARENA_NEW(x->arena, struct exec_options);

	*logs = (struct log_options){ .container = str_from(x->path, 1),
				      .follow = str_is(x->query, "follow"),
				      .timestamps = true,
				      .tail_lines = 5,
				      .limit_bytes = -1,
				      .since_wall_ns = 1700000000 * NS_PER_S };
	*exec = (struct exec_options){ STR("c"), words, 3, true, true, false, false };
	if (str_is(x->path, "/lost"))
		w->door->logs(w->door->self, x, &lost, logs);
	else if (str_is(x->path, "/exec"))
		w->door->exec(w->door->self, x, &pod, exec);
	else if (str_is(x->path, "/none-exec"))
		w->door->exec(w->door->self, x, &pod, (exec->container = STR("none"), exec));
	else
		w->door->logs(w->door->self, x, &pod, logs);
}

static struct str node_url(void *self, struct arena *arena, struct str node, struct error *error)
{
	struct world *w = self;

	if (str_is(node, "node-2"))
		return str_format(arena, "https://127.0.0.1:%d", w->port);
	(void)!fail(error, ST_NOT_FOUND, "node \"" STR_FMT "\" listens nowhere", STR_ARG(node));
	return STR_NONE;
}

static struct tls_context *context(struct world *w, const char *name, bool server)
{
	i64 now_s = clock_wall_ns(clock_real()) / NS_PER_S;
	const struct str address = STR("127.0.0.1");
	const struct pki_subject subject = { .common_name = str_of(name),
					     .names = &address,
					     .names_len = 1 };
	struct error error = ERROR_INIT;
	struct tls_context *tls = NULL;
	struct pki_pair pair;

	assert_int_equal(pki_issue(w->arena, &w->ca, &subject, server ? PKI_SERVER : PKI_CLIENT, 1,
				   now_s, &pair, &error),
			 ST_OK);
	const struct tls_config config = { .certificate = pair.certificate,
					   .key = pair.key,
					   .authorities = w->ca.certificate };

	assert_int_equal(server ? tls_server_new(&config, &tls, &error)
				: tls_client_new(&config, &tls, &error),
			 ST_OK);
	return tls;
}

static struct remote_nodes *nodes_new(struct world *w, struct tls_context *tls)
{
	const struct remote_nodes_config config = {
		.loop = w->loop, .tls = tls, .url = node_url, .self = w
	};

	return remote_nodes_new(&config);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	i64 now_s = clock_wall_ns(clock_real()) / NS_PER_S;
	struct error error = ERROR_INIT;

	*state = w;
	w->arena = arena_new(0);
	w->loop = loop_new();
	w->got = BUFFER_INIT(16 << 20);
	assert_int_equal(pki_ca_create(w->arena, STR("ca"), now_s, &w->ca, &error), ST_OK);
	w->node_tls = context(w, "system:node:node-2", true);
	w->server_tls = context(w, NODE_SERVER_READER, false);
	w->other_tls = context(w, "mallory", false);
	node_door.self = w;
	const struct node_server_config config = { .address = STR("127.0.0.1:0"),
						   .tls = w->node_tls,
						   .door = &node_door,
						   .pod_uid = pod_uid,
						   .pods = no_pods,
						   .self = w };

	assert_int_equal(node_server_open(w->loop, &config, &w->node, &error), ST_OK);
	w->port = node_server_port(w->node);
	w->nodes = nodes_new(w, w->server_tls);
	w->others = nodes_new(w, w->other_tls);
	w->door = remote_nodes_door(w->nodes);
	const struct http_server_config front = { .address = STR("127.0.0.1:0"),
						  .handler = { front_request, w } };

	assert_int_equal(http_server_open(w->loop, &front, &w->front, &error), ST_OK);
	const struct http_client_config client = {
		.url = str_format(w->arena, "http://127.0.0.1:%d", http_server_port(w->front))
	};

	assert_int_equal(http_client_new(w->loop, &client, &w->client, &error), ST_OK);
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	http_client_free(w->client);
	http_server_free(w->front);
	node_server_free(w->node);
	for (int i = 0; i < 20; i++) /* what was put off to later */
		loop_run_once(w->loop, false);
	remote_nodes_free(w->nodes);
	remote_nodes_free(w->others);
	loop_free(w->loop);
	tls_free(w->node_tls);
	tls_free(w->server_tls);
	tls_free(w->other_tls);
	buffer_release(&w->got);
	arena_free(w->arena);
	free(w);
	return 0;
}

static struct str ask(struct world *w, const char *target, int code)
{
	const struct http_call_spec spec = { .method = STR("GET"), .target = str_of(target) };
	struct http_call_result result;
	struct error error = ERROR_INIT;

	if (http_call_wait(w->loop, w->arena, w->client, &spec, &result, &error) != ST_OK)
		fail_msg("%s", error.message);
	assert_int_equal(result.code, code);
	return result.body;
}

/* ---- tests */

static void logs_come_through_with_their_options(void **state)
{
	struct world *w = *state;

	assert_str(ask(w, "/c", 200), "first\n");
	assert_str(w->asked, "default/web/u-1/c 001 5 -1 1700000000000000000");
	assert_true(str_find(ask(w, "/none", 400), STR("is waiting to start")) > 0);
}

static void heard(void *self, struct str bytes)
{
	buffer_add_str(&((struct world *)self)->got, bytes);
}

static void heard_all(void *self, const struct http_call_result *result)
{
	(void)result;
	((struct world *)self)->told = true;
}

static void followed(struct http_exchange *x)
{
	(void)x;
}

static void a_follower_hears_at_once_and_may_leave(void **state)
{
	static const struct http_call_events events = { .bytes = heard, .done = heard_all };
	const struct http_call_spec spec = { .method = STR("GET"), .target = STR("/c?follow") };
	struct world *w = *state;
	struct http_call *call = http_call_start(w->client, &spec, &events, w);

	while (w->got.len < 6)
		loop_run_once(w->loop, true);
	w->following->on_closed = followed;
	w->following->answer->write(w->following, &(struct http_piece){ "second\n", 7 }, 1);
	while (w->got.len < 13)
		loop_run_once(w->loop, true);
	http_call_cancel(call);
	for (int i = 0; i < 50; i++)
		loop_run_once(w->loop, false);
	assert_false(w->told);
	assert_str(ask(w, "/c", 200), "first\n"); /* the next one is served all the same */
}

static void who_is_not_the_server_hears_nothing(void **state)
{
	struct world *w = *state;

	w->door = remote_nodes_door(w->others);
	assert_str(ask(w, "/c", 403), "Forbidden (user=mallory, verb=get)");
	assert_int_equal(w->asked.len, 0);
}

static void a_node_out_of_reach_is_told(void **state)
{
	struct world *w = *state;

	assert_true(str_find(ask(w, "/lost", 404), STR("listens nowhere")) > 0);
	node_server_free(w->node);
	w->node = NULL;
	assert_true(str_find(ask(w, "/c", 500), STR("error dialing backend: ")) > 0);
}

static void send_more(void *self)
{
	static char block[1 << 16];
	struct world *w = self;

	while (w->sent < ECHO_BYTES) {
		w->sent += sizeof block;
		if (exec_client_input(w->exec, (struct str){ block, sizeof block }) > 300000)
			return;
	}
	if (!w->told)
		exec_client_input_end(w->exec);
	w->told = true;
}

static void output(void *self, int stream, struct str bytes)
{
	assert_int_equal(stream, 1);
	heard(self, bytes);
}

static void ended(void *self, int code, struct str why)
{
	(void)why;
	((struct world *)self)->code = code;
}

static void exec_goes_both_ways(void **state)
{
	static const struct exec_client_events events = { send_more, output, send_more, ended };
	struct world *w = *state;

	w->code = -2;
	w->exec = exec_client_start(w->client, STR("/exec?stdin=1&stdout=1"), &events, w);
	while (w->code == -2)
		loop_run_once(w->loop, true);
	assert_int_equal(w->code, 7);
	assert_int_equal(w->got.len, ECHO_BYTES);
	assert_str(w->asked, "u-1 sh|-c|a b&c=%");
}

static void a_refused_upgrade_stays_refused(void **state)
{
	static const struct exec_client_events events = { send_more, output, send_more, ended };
	struct world *w = *state;

	w->code = -2;
	w->exec = exec_client_start(w->client, STR("/none-exec?stdin=1&stdout=1"), &events, w);
	while (w->code == -2)
		loop_run_once(w->loop, true);
	assert_int_equal(w->code, -1);
	/* Without an Upgrade nothing reaches the node at all. */
	w->asked = STR_NONE;
	ask(w, "/exec", 400);
	assert_int_equal(w->asked.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(logs_come_through_with_their_options, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_follower_hears_at_once_and_may_leave, setup,
						teardown),
		cmocka_unit_test_setup_teardown(who_is_not_the_server_hears_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_node_out_of_reach_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(exec_goes_both_ways, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refused_upgrade_stays_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
