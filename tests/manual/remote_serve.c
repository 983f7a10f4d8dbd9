/*
 * A one-pod "cluster" to point real clients at by hand: exec and attach run a program of this
 * machine, port-forward goes to 127.0.0.1. Shows src/net's remote streams without any of the rest.
 *
 *	remote_serve PORT [CERTIFICATE KEY]
 *	kubectl --server http://127.0.0.1:PORT exec -i p -- cat
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "net/forward.h"
#include "net/remote.h"
#include "net/server.h"
#include "sys/file.h"

static struct loop *loop;

static void reply(struct http_exchange *x, int code, struct str text)
{
	struct http_header *type = ARENA_NEW(x->arena, struct http_header);
	struct http_piece *piece = ARENA_NEW(x->arena, struct http_piece);

	*type = (struct http_header){ STR("Content-Type"), STR("application/json") };
	*piece = (struct http_piece){ text.at, text.len };
	x->answer->reply(x, code, type, 1, piece, 1);
}

/* ---- exec */

struct exec {
	struct http_exchange *x;
	struct remote *remote;
	struct remote_wants wants;
	struct process *process;
	struct stream *in, *out, *err;
	int master, code, open;
	bool exited, closed;
};

static void exec_over(struct exec *e)
{
	if (!e->closed && e->exited && !e->open)
		remote_finish(e->remote, remote_status_exit(e->x->arena, e->code));
	if (e->closed && e->exited && !e->open && !e->in) {
		process_free(e->process);
		free(e);
	}
}

static void exec_write(struct exec *e, int stream, struct stream *from, struct str bytes)
{
	if (!e->closed && remote_write(e->remote, stream, bytes) > REMOTE_QUEUE_FULL)
		stream_pause(from, true);
}

static void out_bytes(void *self, struct str bytes)
{
	struct exec *e = self;

	exec_write(e, 1, e->out, bytes);
}

static void err_bytes(void *self, struct str bytes)
{
	struct exec *e = self;

	exec_write(e, 2, e->err, bytes);
}

static void out_closed(void *self, enum status status, const char *why)
{
	struct exec *e = self;

	(void)status;
	(void)why;
	if (e->wants.tty)
		e->in = NULL;
	e->out = NULL;
	e->open--;
	exec_over(e);
}

static void err_closed(void *self, enum status status, const char *why)
{
	struct exec *e = self;

	(void)status;
	(void)why;
	e->err = NULL;
	e->open--;
	exec_over(e);
}

static void in_closed(void *self, enum status status, const char *why)
{
	struct exec *e = self;

	(void)status;
	(void)why;
	e->in = NULL;
	exec_over(e);
}

static void in_bytes(void *self, struct str bytes)
{
	(void)self;
	(void)bytes;
}

static void in_drained(void *self)
{
	struct exec *e = self;

	if (!e->closed)
		remote_pause_input(e->remote, false);
}

static const struct stream_events out_events = { .bytes = out_bytes,
						 .drained = in_drained,
						 .closed = out_closed };
static const struct stream_events err_events = { .bytes = err_bytes, .closed = err_closed };
static const struct stream_events in_events = { .bytes = in_bytes,
						.drained = in_drained,
						.closed = in_closed };

static void exited(void *self, int code, int signal)
{
	struct exec *e = self;

	e->code = signal ? 128 + signal : code;
	e->exited = true;
	exec_over(e);
}

static void remote_input(void *self, struct str bytes, bool end)
{
	struct exec *e = self;

	if (!e->in)
		return;
	if (stream_write(e->in, bytes) > REMOTE_QUEUE_FULL)
		remote_pause_input(e->remote, true);
	if (end && e->wants.tty)
		stream_write(e->in, STR("\004"));
	else if (end)
		stream_close(e->in);
}

static void remote_resize(void *self, u32 width, u32 height)
{
	struct exec *e = self;
	struct winsize size = { .ws_col = (u16)width, .ws_row = (u16)height };

	fprintf(stderr, "resize %ux%u\n", width, height);
	if (e->wants.tty && e->out)
		ioctl(e->master, TIOCSWINSZ, &size);
}

static void remote_drained(void *self)
{
	struct exec *e = self;

	if (e->out)
		stream_pause(e->out, false);
	if (e->err)
		stream_pause(e->err, false);
}

static struct stream *adopt(struct exec *e, int fd, const struct stream_events *events)
{
	struct stream *stream;

	if (stream_adopt(loop, fd, &stream, NULL) != ST_OK)
		abort();
	stream_open(stream, events, e);
	return stream;
}

static void spawn(struct exec *e, const char *const *argv, const struct process_fd *fds)
{
	struct error error = ERROR_INIT;
	struct process_spec spec = { .argv = argv, .fds = fds, .fds_len = 3, .own_session = true };

	if (process_spawn(loop, &spec, exited, e, &e->process, &error) != ST_OK) {
		fprintf(stderr, "%s\n", error.message);
		e->exited = true;
		e->code = 127;
	}
	for (int i = 0; i < 3; i++)
		if (i == 0 || !e->wants.tty)
			close(fds[i].fd);
}

static void remote_opened(void *self)
{
	struct exec *e = self;
	const char *argv[64] = { 0 };
	struct str word;

	for (u32 n = 0; n < 63 && (word = http_query_nth(e->x, "command", n)).at; n++)
		argv[n] = str_c(e->x->arena, word);
	if (!argv[0])
		argv[0] = "cat"; /* what attach finds running */
	if (e->wants.tty) {
		e->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
		grantpt(e->master);
		unlockpt(e->master);
		int slave = open(ptsname(e->master), O_RDWR | O_NOCTTY | O_CLOEXEC);

		e->open = 1;
		e->in = e->out = adopt(e, e->master, &out_events);
		spawn(e, argv, (struct process_fd[]){ { slave, 0 }, { slave, 1 }, { slave, 2 } });
		return;
	}
	int in[2], out[2], err[2];

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		abort();
	e->open = 2;
	e->in = adopt(e, in[1], &in_events);
	e->out = adopt(e, out[0], &out_events);
	e->err = adopt(e, err[0], &err_events);
	spawn(e, argv, (struct process_fd[]){ { in[0], 0 }, { out[1], 1 }, { err[1], 2 } });
	if (!e->wants.in)
		stream_close(e->in);
}

static void remote_closed(void *self)
{
	struct exec *e = self;

	e->closed = true;
	if (e->process && !e->exited)
		process_kill(e->process, 9);
	if (e->in)
		stream_abort(e->in);
	if (e->out && e->out != e->in)
		stream_abort(e->out);
	if (e->err)
		stream_abort(e->err);
	exec_over(e);
}

static const struct remote_events remote_events = {
	.input = remote_input,
	.resize = remote_resize,
	.drained = remote_drained,
	.opened = remote_opened,
	.closed = remote_closed,
};

static void exec(struct http_exchange *x)
{
	struct exec *e = calloc(1, sizeof *e);
	struct error error = ERROR_INIT;

	e->x = x;
	e->wants = remote_wants_of(x);
	/* A WebSocket is open before remote_accept returns: `remote` is set by then. */
	enum status status = remote_accept(x, &e->wants, &remote_events, e, &e->remote, &error);

	if (status != ST_OK) {
		reply(x, status_code(status), str_copy(x->arena, str_of(error.message)));
		free(e);
	}
}

/* ---- port-forward */

struct pipe_end {
	struct forward_conn *conn;
	struct stream *stream;
};

static void pod_bytes(void *self, struct str bytes)
{
	struct pipe_end *p = self;

	if (p->conn && forward_write(p->conn, bytes) > 256 << 10)
		stream_pause(p->stream, true);
}

static void pod_closed(void *self, enum status status, const char *why)
{
	struct pipe_end *p = self;

	p->stream = NULL;
	/* forward_gone frees `p`, now or when the client's side has ended too. */
	if (!p->conn)
		free(p);
	else if (status != ST_OK)
		forward_error(p->conn, str_of(why));
	else
		forward_end(p->conn);
}

static const struct stream_events pod_events = { .bytes = pod_bytes, .closed = pod_closed };

static void forward_opened(void *self, struct forward_conn *conn, u16 port)
{
	struct pipe_end *p = calloc(1, sizeof *p);
	char address[40];

	(void)self;
	snprintf(address, sizeof address, "127.0.0.1:%u", port);
	p->conn = conn;
	forward_conn_set(conn, p);
	p->stream = stream_connect(loop, str_of(address), 3000, &pod_events, p);
}

/* Bytes may come before the connect is done; they wait in a copy. */
static void forward_bytes(void *self, struct forward_conn *conn, struct str bytes)
{
	struct pipe_end *p = forward_conn_get(conn);

	(void)self;
	if (p->stream)
		stream_write(p->stream, bytes);
}

static void forward_ended(void *self, struct forward_conn *conn)
{
	struct pipe_end *p = forward_conn_get(conn);

	(void)self;
	if (p->stream)
		stream_end(p->stream);
	else
		forward_end(conn);
}

static void forward_drained(void *self, struct forward_conn *conn)
{
	struct pipe_end *p = forward_conn_get(conn);

	(void)self;
	if (p->stream)
		stream_pause(p->stream, false);
}

static void forward_gone(void *self, struct forward_conn *conn)
{
	struct pipe_end *p = forward_conn_get(conn);

	(void)self;
	p->conn = NULL;
	if (p->stream)
		stream_abort(p->stream);
	else
		free(p);
}

static const struct forward_events forward_events = {
	.opened = forward_opened,
	.bytes = forward_bytes,
	.end = forward_ended,
	.drained = forward_drained,
	.gone = forward_gone,
};

static void port_forward(struct http_exchange *x)
{
	struct error error = ERROR_INIT;
	struct forward *forward;
	enum status status = forward_accept(x, &forward_events, NULL, &forward, &error);

	if (status != ST_OK)
		reply(x, status_code(status), str_copy(x->arena, str_of(error.message)));
}

/* ---- just enough of an API */

static void handle(void *self, struct http_exchange *x)
{
	(void)self;
	fprintf(stderr, STR_FMT " " STR_FMT "\n", STR_ARG(x->method), STR_ARG(x->path));
	if (str_ends(x->path, STR("/exec")) || str_ends(x->path, STR("/attach")))
		exec(x);
	else if (str_ends(x->path, STR("/portforward")))
		port_forward(x);
	else if (str_starts(x->path, STR("/api/v1/namespaces")))
		reply(x, 200,
		      STR("{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"p\","
			  "\"namespace\":\"default\"},\"spec\":{\"containers\":[{\"name\":\"c\","
			  "\"image\":\"i\",\"tty\":false,\"stdin\":true}]},"
			  "\"status\":{\"phase\":\"Running\"}}"));
	else if (str_is(x->path, "/api/v1"))
		reply(x, 200,
		      STR("{\"kind\":\"APIResourceList\",\"groupVersion\":\"v1\",\"resources\":["
			  "{\"name\":\"pods\",\"singularName\":\"\",\"namespaced\":true,"
			  "\"kind\":\"Pod\",\"verbs\":[\"get\",\"list\"]}]}"));
	else if (str_is(x->path, "/apis"))
		reply(x, 200,
		      STR("{\"kind\":\"APIGroupList\",\"apiVersion\":\"v1\",\"groups\":[]}"));
	else if (str_is(x->path, "/api"))
		reply(x, 200, STR("{\"kind\":\"APIVersions\",\"versions\":[\"v1\"]}"));
	else
		reply(x, 404, STR("{\"kind\":\"Status\",\"status\":\"Failure\",\"code\":404}"));
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
		if (status == ST_OK)
			status = tls_server_new(&config, &tls, &error);
	}
	struct http_server_config server_config = {
		.address = str_format(arena, "127.0.0.1:%s", argc > 1 ? argv[1] : "18300"),
		.tls = tls,
		.handler = { .request = handle },
	};

	if (status == ST_OK)
		status = http_server_open(loop, &server_config, &server, &error);
	if (status != ST_OK) {
		fprintf(stderr, "remote_serve: %s\n", error.message);
		return 1;
	}
	loop_run(loop);
	return 0;
}
