/* minke port-forward: local ports that lead into a pod. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "cli/connection.h"
#include "cli/pod_choice.h"
#include "cli/request.h"
#include "net/remote_client.h"

enum { PORTS_MAX = 32, QUEUED_MAX = 1 << 20 };

static const struct option_rule options[] = {
	{ "address", 0, OPTION_TEXT, "127.0.0.1", "the local address to listen on", NULL },
	{ 0 },
};

struct forwarding;

struct forwarded_port {
	struct forwarding *forwarding;
	u16 local, remote;
	struct listener *listener;
};

struct forwarding {
	struct cli *cli;
	struct forward_client *client;
	struct forwarded_port ports[PORTS_MAX];
	u32 ports_len;
	bool opened, done;
	struct str why;
	struct error *error;
	enum status status;
};

/* One local connection and its other end in the pod. Freed when both sides are gone. */
struct tunnel {
	struct stream *stream;
	struct forward_client_conn *conn;
	u16 port;
};

static void tunnel_release(struct tunnel *tunnel)
{
	if (!tunnel->stream && !tunnel->conn)
		free(tunnel);
}

static void local_bytes(void *self, struct str bytes)
{
	struct tunnel *tunnel = self;

	if (tunnel->conn && forward_client_write(tunnel->conn, bytes) > QUEUED_MAX)
		stream_pause(tunnel->stream, true);
}

static void local_ended(void *self)
{
	struct tunnel *tunnel = self;

	if (tunnel->conn)
		forward_client_end(tunnel->conn);
}

static void local_drained(void *self)
{
	(void)self;
}

static void local_closed(void *self, enum status status, const char *why)
{
	struct tunnel *tunnel = self;

	(void)status;
	(void)why;
	tunnel->stream = NULL;
	if (tunnel->conn) {
		struct forward_client_conn *conn = tunnel->conn;

		tunnel->conn = NULL;
		forward_client_drop(conn);
	}
	tunnel_release(tunnel);
}

static void remote_bytes(void *self, struct str bytes)
{
	struct tunnel *tunnel = self;

	if (tunnel->stream)
		stream_write(tunnel->stream, bytes);
}

static void remote_end(void *self)
{
	struct tunnel *tunnel = self;

	if (tunnel->stream)
		stream_end(tunnel->stream);
}

static void remote_drained(void *self)
{
	struct tunnel *tunnel = self;

	if (tunnel->stream)
		stream_pause(tunnel->stream, false);
}

static void remote_gone(void *self, struct str error)
{
	struct tunnel *tunnel = self;

	if (error.len)
		cli_warn("E an error occurred forwarding %u: " STR_FMT, tunnel->port,
			 STR_ARG(error));
	tunnel->conn = NULL;
	if (tunnel->stream)
		stream_close(tunnel->stream);
	else
		tunnel_release(tunnel);
}

static void accepted(void *self, struct stream *stream)
{
	static const struct stream_events local = { NULL, local_bytes, local_ended, local_drained,
						    local_closed };
	static const struct forward_client_conn_events remote = { remote_bytes, remote_end,
								  remote_drained, remote_gone };
	struct forwarded_port *port = self;
	struct tunnel *tunnel = calloc(1, sizeof *tunnel);

	CHECK(tunnel);
	cli_printf("Handling connection for %u\n", port->local);
	fflush(stdout);
	tunnel->stream = stream;
	tunnel->port = port->local;
	tunnel->conn =
		forward_client_connect(port->forwarding->client, port->remote, &remote, tunnel);
	stream_open(stream, &local, tunnel);
}

static void listen_on(struct forwarding *f, struct forwarded_port *port)
{
	struct cli *cli = f->cli;
	struct str address = option_text(cli, "address");

	if (f->status)
		return;
	f->status =
		listener_open(connection_loop(cli),
			      str_format(cli->arena, STR_FMT ":%u", STR_ARG(address), port->local),
			      accepted, port, &port->listener, f->error);
	if (f->status)
		return;
	port->local = (u16)listener_port(port->listener);
	cli_printf("Forwarding from " STR_FMT ":%u -> %u\n", STR_ARG(address), port->local,
		   port->remote);
	fflush(stdout);
}

static void forward_opened(void *self)
{
	struct forwarding *f = self;

	f->opened = true;
	for (u32 i = 0; i < f->ports_len; i++)
		listen_on(f, &f->ports[i]);
	if (f->status)
		loop_stop(connection_loop(f->cli));
}

static void forward_closed(void *self, struct str why)
{
	struct forwarding *f = self;

	f->done = true;
	f->why = str_copy(f->cli->arena, why);
	loop_stop(connection_loop(f->cli));
}

static void interrupted(void *self, int number)
{
	struct forwarding *f = self;

	(void)number;
	f->done = true;
	loop_stop(connection_loop(f->cli));
}

/* A Service's port, or a container port's name, becomes the number inside the pod. */
static u16 resolve_port(const struct doc *object, const struct doc *pod, struct str text)
{
	i64 number = 0;

	doc_each_item(doc_at(object, "spec.ports"), port) {
		const struct doc *to = doc_key(port, "targetPort");

		if (!str_eq(doc_at_str(port, "name"), text) &&
		    !(str_to_i64(text, &number) && doc_at_int(port, "port", 0) == number))
			continue;
		if (doc_is(to, DOC_STRING))
			return resolve_port(NULL, pod, doc_str(to));
		return (u16)doc_int_or(to, doc_at_int(port, "port", 0));
	}
	if (str_to_i64(text, &number))
		return number > 0 && number < 65536 ? (u16)number : 0;
	doc_each_item(doc_at(pod, "spec.containers"), container)
		doc_each_item(doc_key(container, "ports"), port)
			if (str_eq(doc_at_str(port, "name"), text))
				return (u16)doc_at_int(port, "containerPort", 0);
	return 0;
}

/* "8080", "8080:80", ":80", "8080:http" */
static enum status read_port(struct forwarding *f, struct str word, const struct doc *object,
			     const struct doc *pod)
{
	struct str remote = word, local = str_cut(&remote, ':');
	struct forwarded_port *port = &f->ports[f->ports_len];
	i64 number = 0;

	if (f->ports_len == PORTS_MAX)
		return fail(f->error, ST_TOO_LARGE, "error: at most %d ports", PORTS_MAX);
	port->forwarding = f;
	port->remote = resolve_port(object, pod, remote.at ? remote : local);
	if (local.len && !str_to_i64(local, &number))
		number = port->remote;
	if (!port->remote || number < 0 || number > 65535)
		return fail(f->error, ST_BAD_REQUEST, "error: invalid port \"" STR_FMT "\"",
			    STR_ARG(word));
	port->local = (u16)number;
	f->ports_len++;
	return ST_OK;
}

static enum status forward_run(struct cli *cli, struct error *error)
{
	static const struct forward_client_events events = { forward_opened, forward_closed };
	struct forwarding f = { .cli = cli, .error = error };
	struct arguments *words = &cli->arguments;
	struct pod_list pods;
	const struct doc *service = NULL;
	enum status status;

	if (words->len < 2)
		return fail(error, ST_BAD_REQUEST,
			    "error: TYPE/NAME and list of ports are required for port-forward");
	status = pod_choice(cli, words->words[0], &pods, error);
	if (!status && (str_starts(words->words[0], STR("svc/")) ||
			str_starts(words->words[0], STR("service/")))) {
		struct str name = words->words[0], type = str_cut(&name, '/');

		(void)type;
		status = request_get(cli,
				     str_format(cli->arena,
						"/api/v1/namespaces/" STR_FMT "/services/" STR_FMT,
						STR_ARG(cli->ns), STR_ARG(name)),
				     &service, error);
	}
	for (u32 i = 1; !status && i < words->len; i++)
		status = read_port(&f, words->words[i], service, pods.at[0]);
	if (status)
		return status;
	struct str target = str_format(
		cli->arena, "/api/v1/namespaces/" STR_FMT "/pods/" STR_FMT "/portforward",
		STR_ARG(cli->ns), STR_ARG(doc_at_str(pods.at[0], "metadata.name")));
	struct signal_watch *interrupt =
		signal_watch_new(connection_loop(cli), SIGINT, interrupted, &f);
	struct signal_watch *term =
		signal_watch_new(connection_loop(cli), SIGTERM, interrupted, &f);

	f.client = forward_client_start(connection_client(cli), target, &events, &f);
	while (!f.done && !f.status)
		loop_run(connection_loop(cli));
	for (u32 i = 0; i < f.ports_len; i++)
		if (f.ports[i].listener)
			listener_close(f.ports[i].listener);
	signal_watch_free(interrupt);
	signal_watch_free(term);
	if (f.status || !f.why.len)
		return f.status;
	return fail(error, ST_INTERNAL, "error: %s" STR_FMT,
		    f.opened ? "lost connection to pod: " : "", STR_ARG(f.why));
}

const struct command command_port_forward = {
	.name = "port-forward",
	.usage = "port-forward POD | TYPE/NAME [LOCAL:]REMOTE …",
	.summary = "opens local ports that lead into a pod",
	.options = options,
	.run = forward_run,
};
