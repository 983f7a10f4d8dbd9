/* The listener and its clock: accepting, time limits, dates, and an orderly end. */
#include "net/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/log.h"
#include "net/connection.h"
#include "sys/clock.h"

enum { SWEEP_MS = 1000, LINGER_MS = 2000, DATE_MS = 1000 };

static void date_refresh(struct http_server *server)
{
	i64 now_ms = loop_now_ms(server->loop);

	if (server->date[0] && now_ms - server->date_ms < DATE_MS)
		return;
	time_t now = (time_t)(clock_wall_ns(clock_real()) / NS_PER_S);
	struct tm parts;

	gmtime_r(&now, &parts);
	strftime(server->date, sizeof server->date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
	server->date_ms = now_ms;
}

/* ---- time limits */

static void sweep_one(struct http_server *server, struct connection *c, i64 now_ms)
{
	i64 waited = now_ms - c->since_ms;

	if (stream_queued(c->stream)) {
		if (now_ms - c->moved_ms > server->config.write_timeout_ms)
			stream_abort(c->stream);
		return;
	}
	if (c->closing) {
		if (now_ms - c->moved_ms > LINGER_MS)
			stream_abort(c->stream);
		return;
	}
	switch (connection_wait(c)) {
	case WAIT_HEAD:
		if (waited > server->config.head_timeout_ms)
			connection_timeout(c);
		break;
	case WAIT_BODY:
		if (waited > server->config.body_timeout_ms)
			connection_timeout(c);
		break;
	case WAIT_IDLE:
		if (waited > server->config.idle_timeout_ms)
			connection_timeout(c);
		break;
	case WAIT_HANDLER:
	case WAIT_TUNNEL:
		break;
	}
}

static void sweep(void *self)
{
	struct http_server *server = self;
	i64 now_ms = loop_now_ms(server->loop);

	for (struct connection *c = server->connections, *next; c; c = next) {
		next = c->next;
		sweep_one(server, c, now_ms);
	}
	/* An idle server does not wake up at all. */
	if (!server->connections)
		timer_stop(server->sweep);
}

/* ---- connections come and go */

static void accepted(void *self, struct stream *stream)
{
	struct http_server *server = self;

	date_refresh(server);
	connection_new(server, stream);
	server->stats.accepted++;
	server->stats.connections++;
	if (!timer_running(server->sweep))
		timer_start(server->sweep, SWEEP_MS, SWEEP_MS);
	if (server->stats.connections >= server->config.connections_max)
		listener_pause(server->listener, true);
}

static void release(struct http_server *server)
{
	listener_close(server->listener);
	timer_free(server->sweep);
	timer_free(server->grace);
	loop_hook_free(server->hook);
	buffer_release(&server->out);
	free(server->stage);
	free(server);
}

static void is_over(void *self)
{
	struct http_server *server = self;
	void (*done)(void *) = server->done;
	void *done_self = server->done_self;

	release(server);
	if (done)
		done(done_self);
}

void server_lost(struct http_server *server)
{
	server->stats.connections--;
	if (server->listener && server->stats.connections < server->config.connections_max)
		listener_pause(server->listener, false);
	if (server->stopping && !server->connections) {
		if (server->grace)
			timer_stop(server->grace);
		loop_post(server->loop, is_over, server);
	}
}

/* Just before the loop waits: what was answered in this round leaves in one write each. */
static void before_wait(void *self)
{
	struct http_server *server = self;
	struct connection *last = server->pending_last;

	if (!server->pending)
		return;
	date_refresh(server);
	/* Those that wake again meanwhile go behind `last`, so that one busy stream cannot keep
	 * the loop from looking at the others. */
	for (bool more = true; more && server->pending;) {
		struct connection *c = server->pending;

		more = c != last;
		server->pending = c->pending_next;
		if (!server->pending)
			server->pending_last = NULL;
		c->pending_next = NULL;
		c->pending = false;
		connection_settle(c);
	}
	if (server->pending)
		loop_post(server->loop, server_nudge, server);
}

void server_nudge(void *self)
{
	(void)self; /* only keeps the loop from waiting */
}

/* ---- the public face */

static u32 or_default(u32 value, u32 otherwise)
{
	return value ? value : otherwise;
}

enum status http_server_open(struct loop *loop, const struct http_server_config *config,
			     struct http_server **ret_server, struct error *error)
{
	struct http_server *server = calloc(1, sizeof *server);

	CHECK(server);
	server->loop = loop;
	server->config = *config;
	server->config.connections_max = or_default(config->connections_max, 20000);
	server->config.head_timeout_ms = or_default(config->head_timeout_ms, 20000);
	server->config.body_timeout_ms = or_default(config->body_timeout_ms, 60000);
	server->config.idle_timeout_ms = or_default(config->idle_timeout_ms, 180000);
	server->config.write_timeout_ms = or_default(config->write_timeout_ms, 60000);
	server->config.streams_max = or_default(config->streams_max, 250);
	server->out = BUFFER_INIT(OUT_BYTES_MAX);
	enum status status =
		listener_open(loop, config->address, accepted, server, &server->listener, error);

	if (status != ST_OK) {
		free(server);
		return status;
	}
	server->sweep = timer_new(loop, sweep, server);
	server->hook = loop_before_wait(loop, before_wait, server);
	server->stage = malloc(STAGE_BYTES);
	CHECK(server->stage);
	date_refresh(server);
	*ret_server = server;
	return ST_OK;
}

int http_server_port(const struct http_server *server)
{
	return listener_port(server->listener);
}

const struct http_server_stats *http_server_stats(const struct http_server *server)
{
	return &server->stats;
}

static void cut_all(void *self)
{
	struct http_server *server = self;

	for (struct connection *c = server->connections; c; c = c->next)
		stream_abort(c->stream);
}

void http_server_stop(struct http_server *server, u32 grace_ms, void (*done)(void *self),
		      void *self)
{
	CHECK(!server->stopping);
	server->stopping = true;
	server->done = done;
	server->done_self = self;
	listener_close(server->listener);
	server->listener = NULL;
	for (struct connection *c = server->connections, *next; c; c = next) {
		next = c->next;
		connection_shut(c);
	}
	server->grace = timer_new(server->loop, cut_all, server);
	timer_start(server->grace, grace_ms, 0);
	if (!server->connections)
		loop_post(server->loop, is_over, server);
}

void http_server_free(struct http_server *server)
{
	if (!server)
		return;
	while (server->connections)
		connection_orphan(server->connections);
	release(server);
}
