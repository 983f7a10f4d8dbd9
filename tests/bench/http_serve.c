/*
 * A bare HTTPS server over src/net, to measure what the transport itself costs and to poke at it
 * by hand: http_serve ADDRESS CERTIFICATE KEY [CLIENT_CA]. /hello answers 1 KB, /big N megabytes
 * in pieces (?mb=N), /stream ten lines a second apart, /echo the body, /who the peer.
 */
#include <stdio.h>
#include <stdlib.h>

#include "net/server.h"
#include "sys/file.h"

static struct loop *loop;

static void reply_text(struct http_exchange *x, int code, struct str text)
{
	struct http_header *type = ARENA_NEW(x->arena, struct http_header);
	struct http_piece *piece = ARENA_NEW(x->arena, struct http_piece);

	*type = (struct http_header){ STR("Content-Type"), STR("application/json") };
	*piece = (struct http_piece){ text.at, text.len };
	x->answer->reply(x, code, type, 1, piece, 1);
}

static void reply_big(struct http_exchange *x)
{
	static char block[2048];
	i64 mb = 2;
	u32 count;

	if (!str_to_i64(http_query_get(x, "mb"), &mb) || mb < 1 || mb > 1000)
		mb = 2;
	count = (u32)mb * 512;
	struct http_piece *pieces = ARENA_ARRAY(x->arena, struct http_piece, count);

	memset(block, 'x', sizeof block);
	for (u32 i = 0; i < count; i++)
		pieces[i] = (struct http_piece){ block, sizeof block };
	x->answer->reply(x, 200, NULL, 0, pieces, count);
}

struct ticker {
	struct http_exchange *x;
	struct timer *timer;
	int left;
};

static void tick(void *self)
{
	struct ticker *t = self;
	struct http_piece line = { "tick\n", 5 };

	t->x->answer->write(t->x, &line, 1);
	if (--t->left == 0) {
		timer_stop(t->timer);
		t->x->answer->end(t->x);
	}
}

static void ticker_closed(struct http_exchange *x)
{
	timer_free(((struct ticker *)x->handler)->timer);
}

static void stream_ticks(struct http_exchange *x)
{
	struct ticker *t = ARENA_NEW(x->arena, struct ticker);

	*t = (struct ticker){ .x = x, .left = 10, .timer = timer_new(loop, tick, t) };
	x->handler = t;
	x->on_closed = ticker_closed;
	x->answer->start(x, 200, NULL, 0);
	timer_start(t->timer, 1000, 1000);
}

static void handle(void *self, struct http_exchange *x)
{
	static char kilobyte[1024];

	(void)self;
	if (str_is(x->path, "/hello")) {
		memset(kilobyte, 'k', sizeof kilobyte);
		reply_text(x, 200, (struct str){ kilobyte, sizeof kilobyte });
	} else if (str_is(x->path, "/big")) {
		reply_big(x);
	} else if (str_is(x->path, "/stream")) {
		stream_ticks(x);
	} else if (str_is(x->path, "/echo")) {
		reply_text(x, 200, x->body);
	} else if (str_is(x->path, "/who")) {
		reply_text(x, 200,
			   str_format(x->arena, "%s cn=" STR_FMT " problem=" STR_FMT "\n",
				      x->peer->secure ? "secure" : "plain",
				      STR_ARG(x->peer->common_name),
				      STR_ARG(x->peer->certificate_problem)));
	} else {
		reply_text(x, 404, STR("{\"kind\":\"Status\",\"code\":404}\n"));
	}
}

int main(int argc, char **argv)
{
	struct arena *arena = arena_new(0);
	struct error error = ERROR_INIT;
	struct tls_config config = { .http2 = true };
	struct tls_context *tls = NULL;
	struct http_server *server;
	enum status status = ST_OK;

	loop = loop_new();
	if (argc > 3) {
		status = file_read(arena, argv[2], 1 << 20, &config.certificate, &error);
		if (status == ST_OK)
			status = file_read(arena, argv[3], 1 << 20, &config.key, &error);
		if (status == ST_OK && argc > 4)
			status = file_read(arena, argv[4], 1 << 20, &config.authorities, &error);
		if (status == ST_OK)
			status = tls_server_new(&config, &tls, &error);
	}
	struct http_server_config server_config = {
		.address = str_of(argc > 1 ? argv[1] : "127.0.0.1:8080"),
		.tls = tls,
		.handler = { .request = handle },
	};

	if (status == ST_OK)
		status = http_server_open(loop, &server_config, &server, &error);
	if (status != ST_OK) {
		fprintf(stderr, "http_serve: %s\n", error.message);
		return 1;
	}
	loop_run(loop);
	return 0;
}
