/* What the API server asks this node for: logs, exec, attach, port-forward. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/log.h"
#include "net/forward.h"
#include "net/remote.h"
#include "node/agent_inside.h"
#include "node/agent_log.h"
#include "server/reply.h"
#include "sys/namespace.h"

/* ---- finding things */

static struct pod *find_pod(struct agent *agent, const struct door_pod *wanted)
{
	return map_get(&agent->by_uid, wanted->uid);
}

static struct container_seen *find_container(struct pod *pod, struct str name)
{
	for (u32 i = 0; pod && i < pod->seen.containers_len; i++)
		if (str_eq(pod->seen.containers[i].name, name))
			return &pod->seen.containers[i];
	return NULL;
}

/* ---- logs */

static void door_logs(void *self, struct http_exchange *x, const struct door_pod *wanted,
		      const struct log_options *options)
{
	struct agent *agent = self;
	struct pod *pod = find_pod(agent, wanted);
	struct container_seen *seen = find_container(pod, options->container);
	struct runtime *runtime = agent->runtime;

	if (!seen) {
		reply_failure(x, ST_BAD_REQUEST,
			      "container \"" STR_FMT "\" in pod \"" STR_FMT
			      "\" is waiting to start: ContainerCreating",
			      STR_ARG(options->container), STR_ARG(wanted->name));
		return;
	}
	struct str id = options->previous ? seen->last.id : seen->id;

	if (options->previous && (!seen->last.any || !id.len)) {
		reply_failure(x, ST_BAD_REQUEST,
			      "previous terminated container \"" STR_FMT "\" in pod \"" STR_FMT
			      "\" not found",
			      STR_ARG(options->container), STR_ARG(wanted->name));
		return;
	}
	const struct container_record *record = id.len ? runtime->find(runtime->self, id) : NULL;

	if (!record) {
		struct str reason = seen->wait_reason.len	 ? seen->wait_reason
				    : seen->image == SEEN_FAILED ? seen->image_reason
				    : doc_len(doc_at(pod->doc, "spec.initContainers"))
					    ? STR("PodInitializing")
					    : STR("ContainerCreating");

		reply_failure(x, ST_BAD_REQUEST,
			      "container \"" STR_FMT "\" in pod \"" STR_FMT
			      "\" is waiting to start: " STR_FMT,
			      STR_ARG(options->container), STR_ARG(wanted->name), STR_ARG(reason));
		return;
	}
	log_stream_start(agent, x, record, options);
}

/* ---- exec and attach: two pipes back to back. The command starts once the client has opened all
 * its streams, or its first words would have nowhere to go. */

enum { EARLY_INPUT_MAX = 1 << 20 };

struct session {
	struct agent *agent; /* NULL: it has stopped */
	struct session *next, **link;
	struct remote *remote;
	struct runtime_exec *exec;
	struct arena *arena;
	struct exec_options options; /* what it points at lives as long as the exchange */
	struct str id;		     /* of the container */
	struct buffer early;	     /* input that came before the command */
	bool attached, remote_gone, started, early_end;
};

static void session_free(struct session *session)
{
	if (session->exec || !session->remote_gone)
		return;
	if (session->link) {
		*session->link = session->next;
		if (session->next)
			session->next->link = session->link;
	}
	buffer_release(&session->early);
	arena_free(session->arena);
}

static void session_output(void *self, int stream, struct str bytes)
{
	struct session *session = self;

	if (session->remote && remote_write(session->remote, stream, bytes) > REMOTE_QUEUE_FULL &&
	    session->exec)
		session->agent->runtime->exec_pause(session->exec, true);
}

static void session_ended(void *self, enum status status, i32 code, const struct error *error)
{
	struct session *session = self;

	session->exec = NULL;
	if (session->remote && !session->remote_gone) {
		struct str end =
			status != ST_OK
				? remote_status_failure(session->arena, str_of(error->message))
				: remote_status_exit(session->arena, session->attached ? 0 : code);

		remote_finish(session->remote, end);
		return;
	}
	session_free(session);
}

static void session_taken(void *self)
{
	struct session *session = self;

	if (session->remote && !session->remote_gone)
		remote_pause_input(session->remote, false);
}

static void session_input(void *self, struct str bytes, bool end)
{
	struct session *session = self;

	if (!session->started) {
		session->early_end |= end;
		if (!buffer_add_str(&session->early, bytes))
			log_warn("node", "input of a command that has not started is dropped");
		return;
	}
	if (session->exec && !session->agent->runtime->exec_input(session->exec, bytes, end))
		remote_pause_input(session->remote, true);
}

static void session_resize(void *self, u32 width, u32 height)
{
	struct session *session = self;

	if (session->exec)
		session->agent->runtime->exec_resize(session->exec, width, height);
}

static void session_drained(void *self)
{
	struct session *session = self;

	if (session->exec)
		session->agent->runtime->exec_pause(session->exec, false);
}

static void session_closed(void *self)
{
	struct session *session = self;
	struct runtime_exec *exec = session->exec;

	session->remote_gone = true;
	session->remote = NULL;
	session->exec = NULL;
	if (exec)
		session->agent->runtime->exec_cancel(exec);
	session_free(session);
}

static const struct exec_events exec_events = {
	.output = session_output,
	.drained = session_taken,
	.ended = session_ended,
};

static enum status begin(struct session *session, struct error *error)
{
	struct runtime *runtime = session->agent->runtime;
	const struct exec_options *options = &session->options;
	struct exec_spec spec = { .id = session->id,
				  .command = options->command,
				  .command_len = options->command_len,
				  .in = options->in,
				  .out = options->out,
				  .err = options->err,
				  .tty = options->tty };

	if (session->attached)
		return runtime->attach(runtime->self, session->id, options->in, &exec_events,
				       session, &session->exec, error);
	return runtime->exec(runtime->self, &spec, &exec_events, session, &session->exec, error);
}

static void session_opened(void *self)
{
	struct session *session = self;
	struct error error = ERROR_INIT;

	if (session->started || !session->agent)
		return;
	session->started = true;
	if (begin(session, &error) != ST_OK) {
		remote_finish(session->remote,
			      remote_status_failure(session->arena, str_of(error.message)));
		return;
	}
	if (session->early.len || session->early_end)
		session_input(session, buffer_str(&session->early), session->early_end);
	buffer_clear(&session->early);
}

static const struct remote_events remote_events = {
	.input = session_input,
	.resize = session_resize,
	.drained = session_drained,
	.opened = session_opened,
	.closed = session_closed,
};

static void open_session(struct agent *agent, struct http_exchange *x,
			 const struct door_pod *wanted, const struct exec_options *options,
			 bool attach)
{
	struct container_seen *seen = find_container(find_pod(agent, wanted), options->container);
	struct remote_wants wants = { options->in, options->out, options->err && !options->tty,
				      options->tty };
	struct error error = ERROR_INIT;

	if (!seen || seen->phase != CONTAINER_RUNNING) {
		reply_failure(x, ST_INTERNAL,
			      "unable to upgrade connection: container not found "
			      "(\"" STR_FMT "\")",
			      STR_ARG(options->container));
		return;
	}
	struct arena *arena = arena_new(0);
	struct session *session = ARENA_NEW(arena, struct session);

	*session = (struct session){ .agent = agent,
				     .arena = arena,
				     .attached = attach,
				     .options = *options,
				     .id = str_copy(arena, seen->id),
				     .early = BUFFER_INIT(EARLY_INPUT_MAX),
				     .link = &agent->sessions,
				     .next = agent->sessions };
	if (session->next)
		session->next->link = &session->next;
	agent->sessions = session;
	if (remote_accept(x, &wants, &remote_events, session, &session->remote, &error) != ST_OK) {
		reply_error(x, &error);
		session->remote_gone = true;
		session_free(session);
	}
}

static void door_exec(void *self, struct http_exchange *x, const struct door_pod *wanted,
		      const struct exec_options *options)
{
	open_session(self, x, wanted, options, false);
}

static void door_attach(void *self, struct http_exchange *x, const struct door_pod *wanted,
			const struct exec_options *options)
{
	open_session(self, x, wanted, options, true);
}

/* ---- port-forward: a connection to the pod's own loopback for each one asked for */

struct tunnel {
	struct agent *agent; /* NULL: it has stopped */
	struct tunnel *next, **link;
	struct loop *loop;
	struct forward *forward;
	char network[AGENT_PATH_MAX];
	struct str pod_name;
	struct arena *arena;
};

struct joint {
	struct tunnel *tunnel;
	struct forward_conn *conn; /* NULL: the client's side is gone */
	struct stream *stream;
	struct fd_watch *connecting;
	struct buffer early; /* from the client, before the pod's side is there */
	int fd;
	u16 port;
	bool ended;
};

static void joint_free(struct joint *joint)
{
	if (joint->conn || joint->stream)
		return;
	fd_watch_free(joint->connecting);
	if (joint->fd >= 0)
		close(joint->fd);
	buffer_release(&joint->early);
	free(joint);
}

static void pod_bytes(void *self, struct str bytes)
{
	struct joint *joint = self;

	if (joint->conn && forward_write(joint->conn, bytes) > REMOTE_QUEUE_FULL)
		stream_pause(joint->stream, true);
}

static void pod_ended(void *self)
{
	struct joint *joint = self;

	if (joint->conn)
		forward_end(joint->conn);
}

static void pod_closed(void *self, enum status status, const char *why)
{
	struct joint *joint = self;

	(void)why;
	joint->stream = NULL;
	/* When the client's side has ended too, forward_gone frees the joint from inside. */
	if (joint->conn && status != ST_OK)
		forward_end(joint->conn);
	else
		joint_free(joint);
}

static void joint_failed(struct joint *joint, int number)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);

	forward_error(joint->conn,
		      str_format(arena,
				 "error forwarding port %u to pod " STR_FMT
				 ": failed to connect to localhost:%u inside namespace: %s",
				 joint->port, STR_ARG(joint->tunnel->pod_name), joint->port,
				 number == ECONNREFUSED ? "connection refused" : strerror(number)));
}

static void pod_connected(void *self, int events)
{
	static const struct stream_events stream_events = { .bytes = pod_bytes,
							    .ended = pod_ended,
							    .closed = pod_closed };
	struct joint *joint = self;
	int number = 0;
	socklen_t len = sizeof number;

	(void)events;
	getsockopt(joint->fd, SOL_SOCKET, SO_ERROR, &number, &len);
	fd_watch_free(joint->connecting);
	joint->connecting = NULL;
	if (number || !joint->conn ||
	    stream_adopt(joint->tunnel->loop, joint->fd, &joint->stream, NULL) != ST_OK) {
		if (joint->conn)
			joint_failed(joint, number ? number : EMFILE);
		else
			joint_free(joint);
		return;
	}
	joint->fd = -1;
	stream_open(joint->stream, &stream_events, joint);
	if (joint->early.len)
		stream_write(joint->stream, buffer_str(&joint->early));
	buffer_release(&joint->early);
	if (joint->ended)
		stream_end(joint->stream);
}

static enum status connect_inside(void *arg, struct error *error)
{
	struct joint *joint = arg;
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(joint->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	joint->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (joint->fd < 0 ||
	    (connect(joint->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS))
		return fail(error, ST_UNAVAILABLE, "%s", strerror(errno));
	return ST_OK;
}

static void forward_opened(void *self, struct forward_conn *conn, u16 port)
{
	struct tunnel *tunnel = self;
	struct joint *joint = calloc(1, sizeof *joint);
	struct error error = ERROR_INIT;

	CHECK(joint);
	*joint = (struct joint){ .tunnel = tunnel,
				 .conn = conn,
				 .fd = -1,
				 .port = port,
				 .early = BUFFER_INIT(4 << 20) };
	forward_conn_set(conn, joint);
	if (namespace_in_network(tunnel->network, connect_inside, joint, &error) != ST_OK) {
		joint_failed(joint, errno);
		return;
	}
	joint->connecting = fd_watch_new(tunnel->loop, joint->fd, pod_connected, joint);
	if (fd_watch_set(joint->connecting, FD_WRITABLE, &error) != ST_OK)
		joint_failed(joint, EMFILE);
}

static void forward_bytes(void *self, struct forward_conn *conn, struct str bytes)
{
	struct joint *joint = forward_conn_get(conn);

	(void)self;
	if (joint->stream)
		stream_write(joint->stream, bytes);
	else if (joint->connecting)
		buffer_add_str(&joint->early, bytes);
}

static void forward_ended(void *self, struct forward_conn *conn)
{
	struct joint *joint = forward_conn_get(conn);

	(void)self;
	joint->ended = true;
	if (joint->stream)
		stream_end(joint->stream);
}

static void forward_drained(void *self, struct forward_conn *conn)
{
	struct joint *joint = forward_conn_get(conn);

	(void)self;
	if (joint->stream)
		stream_pause(joint->stream, false);
}

static void forward_gone(void *self, struct forward_conn *conn)
{
	struct joint *joint = forward_conn_get(conn);

	(void)self;
	joint->conn = NULL;
	if (joint->stream)
		stream_close(joint->stream);
	else if (joint->connecting)
		joint_free(joint);
	else
		joint_free(joint);
}

static void forward_closed(void *self)
{
	struct tunnel *tunnel = self;

	if (tunnel->link) {
		*tunnel->link = tunnel->next;
		if (tunnel->next)
			tunnel->next->link = tunnel->link;
	}
	arena_free(tunnel->arena);
}

static void door_port_forward(void *self, struct http_exchange *x, const struct door_pod *wanted,
			      const u16 *ports, u32 ports_len)
{
	static const struct forward_events events = {
		.opened = forward_opened,
		.bytes = forward_bytes,
		.end = forward_ended,
		.drained = forward_drained,
		.gone = forward_gone,
		.closed = forward_closed,
	};
	struct agent *agent = self;
	struct pod_sandbox sandbox;
	struct error error = ERROR_INIT;

	(void)ports;
	(void)ports_len;
	if (!pod_network_find(agent->network, wanted->uid, &sandbox)) {
		reply_failure(x, ST_INTERNAL,
			      "unable to forward port because pod is not running. Current "
			      "status=Pending");
		return;
	}
	struct arena *arena = arena_new(0);
	struct tunnel *tunnel = ARENA_NEW(arena, struct tunnel);

	*tunnel = (struct tunnel){ .agent = agent, .arena = arena, .loop = agent->loop };
	tunnel->pod_name = str_copy(arena, wanted->name);
	snprintf(tunnel->network, sizeof tunnel->network, STR_FMT, STR_ARG(sandbox.net));
	if (forward_accept(x, &events, tunnel, &tunnel->forward, &error) != ST_OK) {
		reply_error(x, &error);
		arena_free(arena);
		return;
	}
	tunnel->link = &agent->tunnels;
	tunnel->next = agent->tunnels;
	if (tunnel->next)
		tunnel->next->link = &tunnel->next;
	agent->tunnels = tunnel;
}

void door_close(struct agent *agent)
{
	for (struct session *session = agent->sessions, *next; session; session = next) {
		struct runtime_exec *exec = session->exec;

		next = session->next;
		session->link = NULL;
		session->agent = NULL;
		session->exec = NULL;
		if (exec)
			agent->runtime->exec_cancel(exec);
		if (session->remote)
			remote_finish(
				session->remote,
				remote_status_failure(session->arena, STR("the node agent stops")));
	}
	for (struct tunnel *tunnel = agent->tunnels, *next; tunnel; tunnel = next) {
		next = tunnel->next;
		tunnel->link = NULL;
		tunnel->agent = NULL;
		forward_close(tunnel->forward);
	}
	agent->sessions = NULL;
	agent->tunnels = NULL;
	log_streams_end(agent);
}

void door_init(struct agent *agent)
{
	agent->door = (struct node_door){
		.logs = door_logs,
		.exec = door_exec,
		.attach = door_attach,
		.port_forward = door_port_forward,
		.self = agent,
	};
}
