/* Counting answers (pure), and asking: HTTP, TCP or a command. */
#include "node/probes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/log.h"
#include "net/grpc_health.h"
#include "net/tls_session.h"
#include "network/address.h"
#include "node/runtime.h"
#include "sys/loop.h"
#include "sys/namespace.h"

enum { OUTPUT_MAX = 10 << 10, ANSWER_MAX = 16 << 10 };

void probe_start(struct probe_state *state, const struct doc *probe, i64 started_ns, i64 now_ns)
{
	i64 delay = doc_at_int(probe, "initialDelaySeconds", 0) * NS_PER_S;

	*state = (struct probe_state){ .due_ns = MAX(started_ns + delay, now_ns) };
}

bool probe_answer(struct probe_state *state, const struct doc *probe, bool success, i64 now_ns)
{
	u32 wanted_successes = (u32)doc_at_int(probe, "successThreshold", 1);
	u32 wanted_failures = (u32)doc_at_int(probe, "failureThreshold", 3);
	enum probe_result before = state->result;

	state->asking = false;
	state->due_ns = now_ns + MAX(doc_at_int(probe, "periodSeconds", 10), 1) * NS_PER_S;
	state->successes = success ? state->successes + 1 : 0;
	state->failures = success ? 0 : state->failures + 1;
	if (state->successes >= wanted_successes)
		state->result = PROBE_SUCCESS;
	else if (state->failures >= wanted_failures)
		state->result = PROBE_FAILURE;
	return state->result != before;
}

/* ---- asking */

struct probe_call {
	struct arena *arena;
	struct loop *loop;
	struct runtime *runtime;
	probe_done *done;
	void *arg;
	struct timer *timer;
	struct fd_watch *connecting;
	int fd;
	struct stream *stream;
	struct runtime_exec *exec;
	struct buffer answer;
	struct str request, url, address, command;
	u32 ip;
	u16 port;
	i64 timeout_ms;
	struct tls_context *tls; /* HTTPS: whoever answers is believed */
	struct tls_session *session;
	struct grpc_health *health; /* gRPC */
	bool tcp_only, over, success, sleeping;
	struct str message;
};

static void call_free(struct probe_call *call)
{
	fd_watch_free(call->connecting);
	if (call->fd >= 0)
		close(call->fd);
	timer_free(call->timer);
	tls_session_free(call->session);
	grpc_health_free(call->health);
	tls_free(call->tls);
	buffer_release(&call->answer);
	arena_free(call->arena);
}

/* The stream is freed by itself, after its last callback; only then may the call go. */
static void call_drop(struct probe_call *call)
{
	call->over = true;
	timer_stop(call->timer);
	if (call->exec)
		call->runtime->exec_cancel(call->exec);
	call->exec = NULL;
	if (call->stream)
		stream_abort(call->stream);
	else
		call_free(call);
}

static void finish(struct probe_call *call, bool success, struct str message)
{
	if (call->over)
		return;
	call->over = true;
	call->done(call->arg, success, message);
	call_drop(call);
}

void probe_cancel(struct probe_call *call)
{
	if (call && !call->over)
		call_drop(call);
}

static void timed_out(void *self)
{
	struct probe_call *call = self;
	struct arena *arena = call->arena;

	if (call->sleeping || call->message.at)
		finish(call, call->sleeping, call->message);
	else if (call->exec)
		finish(call, false,
		       str_format(arena, "command \"" STR_FMT "\" timed out",
				  STR_ARG(call->command)));
	else if (call->tcp_only)
		finish(call, false,
		       str_format(arena, "dial tcp " STR_FMT ": i/o timeout",
				  STR_ARG(call->address)));
	else
		finish(call, false,
		       str_format(arena,
				  "Get \"" STR_FMT "\": context deadline exceeded (Client.Timeout "
				  "exceeded while awaiting headers)",
				  STR_ARG(call->url)));
}

/* A failure found before probe_run returns is told a moment later, by the timer. */
static void fail_soon(struct probe_call *call, struct str message)
{
	call->message = message;
	timer_start(call->timer, 0, 0);
}

/* ---- HTTP and TCP */

static void judge_answer(struct probe_call *call)
{
	struct str text = buffer_str(&call->answer);
	i64 code;

	if (!str_starts(text, STR("HTTP/1.")) || !str_to_i64(str_part(text, 9, 3), &code)) {
		finish(call, false,
		       str_format(call->arena, "Get \"" STR_FMT "\": malformed HTTP response",
				  STR_ARG(call->url)));
		return;
	}
	finish(call, code >= 200 && code < 400,
	       code >= 200 && code < 400
		       ? STR_NONE
		       : str_format(call->arena, "HTTP probe failed with statuscode: %lld",
				    (long long)code));
}

static void answer_plain(void *self, struct str bytes)
{
	struct probe_call *call = self;

	if (call->over || call->answer.len >= ANSWER_MAX)
		return;
	buffer_add_str(&call->answer, str_part(bytes, 0, ANSWER_MAX - call->answer.len));
}

/* ---- TLS, of which only the handshake matters */

static void tls_ready(void *self)
{
	struct probe_call *call = self;

	/* A failure shows itself at the next byte that comes. */
	if (tls_session_write(call->session, call->request, NULL) != ST_OK)
		log_debug("node", "an HTTPS probe could not ask");
}

static void tls_cipher(void *self, struct str bytes)
{
	struct probe_call *call = self;

	if (call->stream && !call->over)
		stream_write(call->stream, bytes);
}

static const struct tls_session_events tls_events = { .ready = tls_ready,
						      .plain = answer_plain,
						      .cipher = tls_cipher };

static void judge_health(struct probe_call *call)
{
	struct str why;
	enum grpc_verdict verdict = grpc_health_verdict(call->health, &why);

	if (verdict != GRPC_WAITING)
		finish(call, verdict == GRPC_SERVING, verdict == GRPC_SERVING ? STR_NONE : why);
}

static void answer_bytes(void *self, struct str bytes)
{
	struct probe_call *call = self;
	struct error error = ERROR_INIT;

	if (call->over)
		return;
	if (call->health) {
		grpc_health_feed(call->health, bytes);
		stream_write(call->stream, grpc_health_output(call->health));
		judge_health(call);
		return;
	}
	if (!call->session) {
		answer_plain(call, bytes);
	} else if (tls_session_feed(call->session, bytes, &error) != ST_OK && !call->answer.len) {
		finish(call, false,
		       str_format(call->arena, "Get \"" STR_FMT "\": %s", STR_ARG(call->url),
				  error.message));
		return;
	}
	/* The status line says it all; not judged in a session's callback, which would free it. */
	if (str_find(buffer_str(&call->answer), STR("\r\n")) >= 0 || call->answer.len >= ANSWER_MAX)
		judge_answer(call);
}

static void answer_closed(void *self, enum status status, const char *why)
{
	struct probe_call *call = self;

	(void)status;
	call->stream = NULL;
	if (call->over) {
		call_free(call);
		return;
	}
	if (call->answer.len)
		judge_answer(call);
	else
		finish(call, false,
		       str_format(call->arena, "Get \"" STR_FMT "\": %s", STR_ARG(call->url),
				  why && *why ? why : "EOF"));
}

static void connected(void *self, int events)
{
	static const struct stream_events stream_events = { .bytes = answer_bytes,
							    .closed = answer_closed };
	struct probe_call *call = self;
	int number = 0;
	socklen_t len = sizeof number;

	(void)events;
	getsockopt(call->fd, SOL_SOCKET, SO_ERROR, &number, &len);
	fd_watch_free(call->connecting);
	call->connecting = NULL;
	if (number && call->tcp_only) {
		finish(call, false,
		       str_format(call->arena, "dial tcp " STR_FMT ": connect: %s",
				  STR_ARG(call->address),
				  number == ECONNREFUSED ? "connection refused"
							 : strerror(number)));
	} else if (number) {
		finish(call, false,
		       str_format(call->arena,
				  "Get \"" STR_FMT "\": dial tcp " STR_FMT ": connect: %s",
				  STR_ARG(call->url), STR_ARG(call->address),
				  number == ECONNREFUSED ? "connection refused"
							 : strerror(number)));
	} else if (call->tcp_only) {
		finish(call, true, STR_NONE);
	} else if (stream_adopt(call->loop, call->fd, &call->stream, NULL) != ST_OK) {
		finish(call, false, STR("out of descriptors"));
	} else {
		call->fd = -1;
		stream_open(call->stream, &stream_events, call);
		if (call->health)
			stream_write(call->stream, grpc_health_output(call->health));
		else if (call->session)
			tls_session_start(call->session);
		else
			stream_write(call->stream, call->request);
	}
}

static enum status open_connection(void *arg, struct error *error)
{
	struct probe_call *call = arg;
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(call->port),
				  .sin_addr.s_addr = htonl(call->ip) };

	call->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (call->fd < 0)
		return fail(error, ST_INTERNAL, "socket: %s", strerror(errno));
	if (connect(call->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS)
		return fail(error, ST_UNAVAILABLE, "dial tcp " STR_FMT ": connect: %s",
			    STR_ARG(call->address), strerror(errno));
	return ST_OK;
}

static u16 port_number(const struct doc *container, const struct doc *port)
{
	if (!doc_is(port, DOC_STRING))
		return (u16)doc_int_or(port, 0);
	doc_each_item(doc_key(container, "ports"), one)
		if (str_eq(doc_at_str(one, "name"), doc_str(port)))
			return (u16)doc_at_int(one, "containerPort", 0);
	i64 number = 0;

	return str_to_i64(doc_str(port), &number) ? (u16)number : 0;
}

static void build_request(struct probe_call *call, const struct doc *http, struct str host)
{
	struct str path = doc_str_or(doc_key(http, "path"), STR("/"));
	struct buffer out = BUFFER_INIT(64 << 10);
	bool named = false, agent = false;

	if (!str_starts(path, STR("/")))
		path = str_format(call->arena, "/" STR_FMT, STR_ARG(path));
	call->url =
		str_format(call->arena, "%s://" STR_FMT ":%u" STR_FMT, call->tls ? "https" : "http",
			   STR_ARG(host), call->port, STR_ARG(path));
	buffer_add_format(&out, "GET " STR_FMT " HTTP/1.1\r\n", STR_ARG(path));
	doc_each_item(doc_key(http, "httpHeaders"), header) {
		struct str name = doc_at_str(header, "name");

		named |= str_is(str_lower(call->arena, name), "host");
		agent |= str_is(str_lower(call->arena, name), "user-agent");
		buffer_add_format(&out, STR_FMT ": " STR_FMT "\r\n", STR_ARG(name),
				  STR_ARG(doc_at_str(header, "value")));
	}
	if (!named)
		buffer_add_format(&out, "Host: " STR_FMT ":%u\r\n", STR_ARG(host), call->port);
	if (!agent)
		buffer_add_format(&out, "User-Agent: kube-probe/1.36\r\n");
	buffer_add_format(&out, "Accept: */*\r\nConnection: close\r\n\r\n");
	call->request = str_copy(call->arena, buffer_str(&out));
	buffer_release(&out);
}

static void ask_network(struct probe_call *call, const struct doc *what, bool http,
			const struct probe_target *target)
{
	struct str host = doc_str_or(doc_key(what, "host"), STR_NONE);
	struct error error = ERROR_INIT;
	/* Another host than the pod is asked from the node. */
	const char *inside = host.len ? "" : str_c(call->arena, target->network_namespace);

	if (!host.len)
		host = target->pod_ip;
	host = str_copy(call->arena, host);
	call->tcp_only = !http;
	call->port = port_number(target->container, doc_key(what, "port"));
	call->address = str_format(call->arena, STR_FMT ":%u", STR_ARG(host), call->port);
	if (http && str_is(doc_at_str(what, "scheme"), "HTTPS")) {
		const struct tls_config trusting = { .insecure = true };

		if (tls_client_new(&trusting, &call->tls, &error) != ST_OK) {
			fail_soon(call, str_copy(call->arena, str_of(error.message)));
			return;
		}
		call->session = tls_session_new(call->tls, host, &tls_events, call);
	}
	if (http)
		build_request(call, what, host);
	if (str_is(host, "localhost"))
		host = STR("127.0.0.1");
	if (!address_parse(host, &call->ip) || !call->port)
		fail_soon(call, str_format(call->arena, "invalid address " STR_FMT,
					   STR_ARG(call->address)));
	if (call->message.at)
		return;
	if (namespace_in_network(inside, open_connection, call, &error) != ST_OK) {
		fail_soon(call, str_copy(call->arena, str_of(error.message)));
		return;
	}
	call->connecting = fd_watch_new(call->loop, call->fd, connected, call);
	if (fd_watch_set(call->connecting, FD_WRITABLE, &error) != ST_OK)
		fail_soon(call, str_copy(call->arena, str_of(error.message)));
}

/* ---- commands */

static void command_output(void *self, int stream, struct str bytes)
{
	struct probe_call *call = self;

	(void)stream;
	if (call->answer.len < OUTPUT_MAX)
		buffer_add_str(&call->answer, str_part(bytes, 0, OUTPUT_MAX - call->answer.len));
}

static void command_ended(void *self, enum status status, i32 code, const struct error *error)
{
	struct probe_call *call = self;

	call->exec = NULL;
	if (status != ST_OK)
		finish(call, false, str_copy(call->arena, str_of(error->message)));
	else
		finish(call, code == 0, str_copy(call->arena, buffer_str(&call->answer)));
}

static void ask_command(struct probe_call *call, const struct doc *what,
			const struct probe_target *target)
{
	static const struct exec_events events = { .output = command_output,
						   .ended = command_ended };
	const struct doc *words = doc_key(what, "command");
	struct str *list = ARENA_ARRAY(call->arena, struct str, doc_len(words) + 1);
	struct error error = ERROR_INIT;
	struct exec_spec spec = {
		.id = target->container_id, .command = list, .out = true, .err = true
	};

	doc_each_item(words, word)
		list[spec.command_len++] = str_copy(call->arena, doc_str(word));
	call->command = str_join(call->arena, list, spec.command_len, STR(" "));
	if (call->runtime->exec(call->runtime->self, &spec, &events, call, &call->exec, &error) !=
	    ST_OK)
		fail_soon(call, str_copy(call->arena, str_of(error.message)));
}

struct probe_call *probe_run(struct loop *loop, struct runtime *runtime, const struct doc *probe,
			     const struct probe_target *target, i64 timeout_ms, probe_done *done,
			     void *arg)
{
	struct arena *arena = arena_new(0);
	struct probe_call *call = ARENA_NEW(arena, struct probe_call);
	const struct doc *what;

	*call = (struct probe_call){ .arena = arena,
				     .loop = loop,
				     .runtime = runtime,
				     .done = done,
				     .arg = arg,
				     .fd = -1,
				     .answer = BUFFER_INIT(ANSWER_MAX + 1),
				     .timeout_ms = timeout_ms };
	call->timer = timer_new(loop, timed_out, call);
	timer_start(call->timer, timeout_ms, 0);
	if ((what = doc_key(probe, "httpGet"))) {
		ask_network(call, what, true, target);
	} else if ((what = doc_key(probe, "tcpSocket"))) {
		ask_network(call, what, false, target);
	} else if ((what = doc_key(probe, "exec"))) {
		ask_command(call, what, target);
	} else if ((what = doc_key(probe, "sleep"))) {
		call->sleeping = true;
		timer_start(call->timer, doc_at_int(what, "seconds", 0) * MS_PER_S, 0);
	} else if ((what = doc_key(probe, "grpc"))) {
		ask_network(call, what, false, target);
		call->tcp_only = false;
		call->url = call->address;
		call->health = grpc_health_new(arena, call->address, doc_at_str(what, "service"));
	} else {
		fail_soon(call, STR("this probe asks nothing"));
	}
	return call;
}
