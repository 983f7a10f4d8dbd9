/* How streams come to be: listening, and connecting with look-up, several addresses and a limit. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "sys/stream_inside.h"

enum { LISTEN_BACKLOG = 1024 };

struct listener {
	struct loop_object object;
	union {
		uv_handle_t handle;
		uv_stream_t uv;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	};
	void (*accepted)(void *self, struct stream *stream);
	void *self;
	bool local, paused, waiting;
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
};

/* ---- listening */

static void listener_freed(uv_handle_t *handle)
{
	free(handle->data);
}

void listener_close(struct listener *listener)
{
	if (!listener)
		return;
	if (listener->path[0])
		unlink(listener->path);
	uv_close(&listener->handle, listener_freed);
}

static void listener_drop(struct loop_object *object)
{
	listener_close((struct listener *)object);
}

static void take_one(struct listener *listener)
{
	struct stream *stream = stream_new((struct loop *)listener->uv.loop, listener->local);
	int bad = uv_accept(&listener->uv, &stream->uv);

	if (bad) {
		stream_finish(stream, 0);
		return;
	}
	stream_opened(stream);
	listener->accepted(listener->self, stream);
}

static void have_connection(uv_stream_t *uv, int status)
{
	struct listener *listener = uv->data;

	if (status < 0)
		log_warn("net", "accepting a connection failed why=\"%s\"", uv_strerror(status));
	else if (listener->paused)
		listener->waiting = true; /* libuv accepts no more until this one is taken */
	else
		take_one(listener);
}

void listener_pause(struct listener *listener, bool paused)
{
	listener->paused = paused;
	if (!paused && listener->waiting) {
		listener->waiting = false;
		take_one(listener);
	}
}

/* Parts "host:port" and "[v6]:port"; false when it is neither. */
static bool address_parse(struct str address, char *host, size_t host_size, char port[6])
{
	i64 colon = str_find_last(address, ':');

	if (colon < 0)
		return false;
	struct str name = str_part(address, 0, (size_t)colon);
	struct str number = str_from(address, (size_t)colon + 1);
	i64 value;

	if (name.len >= 2 && name.at[0] == '[' && name.at[name.len - 1] == ']')
		name = str_part(name, 1, name.len - 2);
	if (name.len >= host_size || !str_to_i64(number, &value) || value < 0 || value > 65535)
		return false;
	snprintf(host, host_size, STR_FMT, STR_ARG(name));
	snprintf(port, 6, "%u", (u16)value);
	return true;
}

static bool socket_address(const char *host, const char *port, struct sockaddr_storage *ret_address)
{
	int number = atoi(port);

	return uv_ip4_addr(host, number, (struct sockaddr_in *)ret_address) == 0 ||
	       uv_ip6_addr(host, number, (struct sockaddr_in6 *)ret_address) == 0;
}

/* True when nobody answers at a socket's path: what a crash leaves behind. */
static bool socket_is_stale(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat entry;
	int fd;

	if (stat(path, &entry) || !S_ISSOCK(entry.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	bool refused =
		connect(fd, (struct sockaddr *)&address, sizeof address) && errno == ECONNREFUSED;

	close(fd);
	return refused;
}

static int listen_local(struct listener *listener, struct str path)
{
	if (path.len == 0 || path.len >= sizeof listener->path)
		return UV_ENAMETOOLONG;
	char name[sizeof listener->path];

	snprintf(name, sizeof name, STR_FMT, STR_ARG(path));
	if (socket_is_stale(name))
		unlink(name);
	int bad = uv_pipe_bind(&listener->pipe, name);

	if (bad)
		return bad;
	memcpy(listener->path, name, sizeof name);
	/* Nobody can connect before listen, so the mode is right in time. */
	return chmod(name, 0600) ? -errno : 0;
}

static int listen_tcp(struct listener *listener, struct str address)
{
	struct sockaddr_storage at;
	char host[256], port[6];

	if (!address_parse(address, host, sizeof host, port) || !socket_address(host, port, &at))
		return UV_EINVAL;
	return uv_tcp_bind(&listener->tcp, (struct sockaddr *)&at, 0);
}

enum status listener_open(struct loop *loop, struct str address,
			  void (*accepted)(void *self, struct stream *stream), void *self,
			  struct listener **ret_listener, struct error *error)
{
	struct listener *listener = loop_alloc(sizeof *listener);
	int bad;

	listener->object.drop = listener_drop;
	listener->accepted = accepted;
	listener->self = self;
	listener->local = str_starts(address, STR("unix:"));
	if (listener->local) {
		CHECK(uv_pipe_init(&loop->uv, &listener->pipe, 0) == 0);
		bad = listen_local(listener, str_from(address, 5));
	} else {
		CHECK(uv_tcp_init(&loop->uv, &listener->tcp) == 0);
		bad = listen_tcp(listener, address);
	}
	listener->handle.data = listener;
	if (!bad)
		bad = uv_listen(&listener->uv, LISTEN_BACKLOG, have_connection);
	if (bad) {
		listener_close(listener);
		return fail(error, bad == UV_EINVAL ? ST_BAD_REQUEST : uv_status(bad),
			    "listening on " STR_FMT ": %s", STR_ARG(address), uv_strerror(bad));
	}
	*ret_listener = listener;
	return ST_OK;
}

int listener_port(const struct listener *listener)
{
	struct sockaddr_storage address;
	int len = sizeof address;

	if (listener->local ||
	    uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&address, &len))
		return 0;
	return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
						   : ((struct sockaddr_in *)&address)->sin_port);
}

/* ---- connecting */

static void connecting_free(struct connecting *connecting)
{
	if (connecting->stream)
		connecting->stream->connecting = NULL;
	if (connecting->found)
		uv_freeaddrinfo(connecting->found);
	free(connecting);
}

static void connect_next(struct connecting *connecting);

/* A socket that failed cannot be used again: the next address gets a new one. */
static void socket_closed(uv_handle_t *handle)
{
	struct stream *stream = handle->data;
	struct connecting *connecting = stream->connecting;

	uv_tcp_init(handle->loop, &stream->tcp);
	stream->handle.data = stream;
	stream_renewed(stream);
	if (stream->finished)
		connecting_free(connecting);
	else
		connect_next(connecting);
}

static void have_connected(uv_connect_t *request, int status)
{
	struct connecting *connecting = CONTAINER_OF(request, struct connecting, request);
	struct stream *stream = connecting->stream;

	if (!stream || stream->finished) {
		connecting_free(connecting);
		return;
	}
	if (status < 0 && connecting->next) {
		connecting->last_error = status;
		stream->renewing = true;
		uv_close(&stream->handle, socket_closed);
		return;
	}
	connecting_free(connecting);
	if (status < 0) {
		stream_finish(stream, status);
		return;
	}
	timer_free(stream->timeout);
	stream->timeout = NULL;
	stream_opened(stream);
	stream_catch_up(stream);
	if (stream->finished)
		return;
	if (stream->events->opened)
		stream->events->opened(stream->self);
	if (!stream->finished)
		stream_open(stream, stream->events, stream->self);
}

static void connect_next(struct connecting *connecting)
{
	struct addrinfo *address = connecting->next;
	struct stream *stream = connecting->stream;

	connecting->next = address->ai_next;
	int bad = uv_tcp_connect(&connecting->request, &stream->tcp, address->ai_addr,
				 have_connected);

	if (bad) {
		connecting_free(connecting);
		stream_finish(stream, bad);
	}
}

static void have_found(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
	struct connecting *connecting = CONTAINER_OF(lookup, struct connecting, lookup);
	struct stream *stream = connecting->stream;

	connecting->found = connecting->next = found;
	if (!stream || stream->finished || status < 0 || !found) {
		connecting_free(connecting);
		if (stream && !stream->finished)
			stream_finish(stream, status < 0 ? status : UV_EAI_NONAME);
		return;
	}
	connect_next(connecting);
}

static void connect_timed_out(void *self)
{
	stream_finish(self, UV_ETIMEDOUT);
}

static void connect_local(struct stream *stream, struct str path)
{
	char name[sizeof((struct sockaddr_un *)0)->sun_path];

	if (path.len >= sizeof name) {
		connecting_free(stream->connecting);
		stream_finish(stream, UV_ENAMETOOLONG);
		return;
	}
	snprintf(name, sizeof name, STR_FMT, STR_ARG(path));
	uv_pipe_connect(&stream->connecting->request, &stream->pipe, name, have_connected);
}

static void connect_tcp(struct loop *loop, struct stream *stream, struct str address)
{
	struct connecting *connecting = stream->connecting;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct sockaddr_storage at;
	int bad;

	if (!address_parse(address, connecting->host, sizeof connecting->host, connecting->port))
		bad = UV_EINVAL;
	else if (socket_address(connecting->host, connecting->port, &at))
		bad = uv_tcp_connect(&connecting->request, &stream->tcp, (struct sockaddr *)&at,
				     have_connected);
	else
		bad = uv_getaddrinfo(&loop->uv, &connecting->lookup, have_found, connecting->host,
				     connecting->port, &hints);
	if (bad) {
		connecting_free(connecting);
		stream_finish(stream, bad);
	}
}

struct stream *stream_connect(struct loop *loop, struct str address, i64 timeout_ms,
			      const struct stream_events *events, void *self)
{
	bool local = str_starts(address, STR("unix:"));
	struct stream *stream = stream_new(loop, local);
	struct connecting *connecting = loop_alloc(sizeof *connecting);

	connecting->stream = stream;
	connecting->loop = loop;
	stream->connecting = connecting;
	stream->events = events;
	stream->self = self;
	if (timeout_ms > 0) {
		stream->timeout = timer_new(loop, connect_timed_out, stream);
		timer_start(stream->timeout, timeout_ms, 0);
	}
	if (local)
		connect_local(stream, str_from(address, 5));
	else
		connect_tcp(loop, stream, address);
	return stream;
}
