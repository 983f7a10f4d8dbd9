/* Byte streams: TCP, unix sockets and pipes under one name, with a write queue that is a copy. */
#include "sys/loop_inside.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "sys/file.h"
#include "sys/stream_inside.h"

static void stream_freed(uv_handle_t *handle)
{
	struct stream *stream = handle->data;

	if (stream->connecting)
		stream->connecting->stream = NULL;
	if (stream->events && stream->events->closed && !stream->dropped)
		stream->events->closed(stream->self, stream->status,
				       stream->why ? stream->why : "");
	buffer_release(&stream->early);
	free(stream);
}

static void stream_drop(struct loop_object *object)
{
	struct stream *stream = (struct stream *)object;

	stream->dropped = true; /* the loop goes under it: its owner hears no more */
	stream_abort(stream);
}

/* Everything that ends a stream comes through here; `closed` is told from a fresh stack. */
void stream_finish(struct stream *stream, int uv_error)
{
	if (stream->finished)
		return;
	stream->finished = true;
	stream->status = uv_status(uv_error);
	stream->why = uv_error && stream->status != ST_OK ? uv_strerror(uv_error) : NULL;
	timer_free(stream->timeout);
	stream->timeout = NULL;
	/* Between two addresses of a connect the handle is closing already; see connect.c. */
	if (!stream->renewing)
		uv_close(&stream->handle, stream_freed);
}

void stream_renewed(struct stream *stream)
{
	stream->renewing = false;
	if (stream->finished)
		uv_close(&stream->handle, stream_freed);
}

struct stream *stream_new(struct loop *loop, bool local)
{
	struct stream *stream = loop_alloc(sizeof *stream);

	stream->object.drop = stream_drop;
	stream->local = local;
	stream->early = BUFFER_INIT(EARLY_BYTES_MAX);
	CHECK((local ? uv_pipe_init(&loop->uv, &stream->pipe, 0)
		     : uv_tcp_init(&loop->uv, &stream->tcp)) == 0);
	stream->handle.data = stream;
	return stream;
}

/* ---- reading */

static void give_room(uv_handle_t *handle, size_t wanted, uv_buf_t *ret_room)
{
	struct loop *loop = (struct loop *)handle->loop;

	(void)wanted;
	*ret_room = uv_buf_init(loop->read_buffer, sizeof loop->read_buffer);
}

static void have_read(uv_stream_t *uv, ssize_t count, const uv_buf_t *room)
{
	struct stream *stream = uv->data;

	if (count > 0) {
		stream->events->bytes(stream->self, (struct str){ room->base, (size_t)count });
	} else if (count < 0) {
		uv_read_stop(uv);
		/* A terminal whose other side is gone says EIO; that is its end. */
		bool ended = count == UV_EOF || (count == UV_EIO && stream->local);

		stream->read_over = true;
		if (ended && stream->events->ended)
			stream->events->ended(stream->self);
		else
			stream_finish(stream, ended ? 0 : (int)count);
	}
}

static void read_on(struct stream *stream)
{
	if (stream->finished || stream->paused || stream->read_over || !stream->is_open)
		return;
	if (!uv_is_readable(&stream->uv))
		return; /* the writing end of a pipe shows its loss when written to */
	int bad = uv_read_start(&stream->uv, give_room, have_read);

	if (bad && bad != UV_EALREADY)
		stream_finish(stream, bad);
}

void stream_opened(struct stream *stream)
{
	stream->is_open = true;
	if (!stream->local) {
		uv_tcp_nodelay(&stream->tcp, 1);
		uv_tcp_keepalive(&stream->tcp, 1, 60);
	}
}

void stream_open(struct stream *stream, const struct stream_events *events, void *self)
{
	stream->events = events;
	stream->self = self;
	read_on(stream);
}

void stream_pause(struct stream *stream, bool paused)
{
	stream->paused = paused;
	if (paused && stream->is_open && !stream->finished)
		uv_read_stop(&stream->uv);
	else
		read_on(stream);
}

/* Plain files and /dev/null cannot be waited for; libuv would end the process over them. */
static bool can_wait(int fd)
{
	int epoll CLOSE_FD = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN };

	return epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

enum status stream_adopt(struct loop *loop, int fd, struct stream **ret_stream, struct error *error)
{
	if (!can_wait(fd))
		return fail(error, ST_INVALID, "descriptor %d is no pipe, socket or terminal", fd);
	struct stream *stream = stream_new(loop, true);
	int bad = uv_pipe_open(&stream->pipe, fd);

	if (bad) {
		stream_finish(stream, 0);
		return fail(error, ST_INTERNAL, "taking over a descriptor: %s", uv_strerror(bad));
	}
	stream_opened(stream);
	*ret_stream = stream;
	return ST_OK;
}

/* ---- writing */

struct write {
	uv_write_t request;
	struct stream *stream;
	size_t len;
	char bytes[];
};

static void queue_is_empty(struct stream *stream)
{
	if (stream->closing)
		stream_finish(stream, 0);
	else if (stream->events && stream->events->drained && !stream->finished)
		stream->events->drained(stream->self);
}

static void have_written(uv_write_t *request, int status)
{
	struct write *write = CONTAINER_OF(request, struct write, request);
	struct stream *stream = write->stream;

	stream->queued -= write->len;
	free(write);
	if (stream->finished)
		return;
	if (status < 0)
		stream_finish(stream, status);
	else if (stream->queued == 0)
		queue_is_empty(stream);
}

static void queue_copy(struct stream *stream, struct str bytes)
{
	struct write *write = malloc(sizeof *write + bytes.len);

	CHECK(write);
	write->stream = stream;
	write->len = bytes.len;
	memcpy(write->bytes, bytes.at, bytes.len);
	uv_buf_t buf = uv_buf_init(write->bytes, (unsigned)bytes.len);
	int bad = uv_write(&write->request, &stream->uv, &buf, 1, have_written);

	if (bad) {
		free(write);
		stream_finish(stream, bad);
		return;
	}
	stream->queued += bytes.len;
}

size_t stream_write(struct stream *stream, struct str bytes)
{
	if (stream->finished || stream->closing || stream->ending)
		return stream->queued;
	if (!stream->is_open) {
		if (!buffer_add_str(&stream->early, bytes))
			stream_finish(stream, UV_ENOBUFS);
		return stream->early.len;
	}
	CHECK(bytes.len < 1u << 30);
	if (stream->queued == 0 && bytes.len) {
		uv_buf_t buf = uv_buf_init((char *)(uintptr_t)bytes.at, (unsigned)bytes.len);
		int sent = uv_try_write(&stream->uv, &buf, 1);

		if (sent < 0 && sent != UV_EAGAIN) {
			stream_finish(stream, sent);
			return 0;
		}
		bytes = str_from(bytes, sent > 0 ? (size_t)sent : 0);
	}
	if (bytes.len)
		queue_copy(stream, bytes);
	return stream->queued;
}

size_t stream_queued(const struct stream *stream)
{
	return stream->is_open ? stream->queued : stream->early.len;
}

static void have_shut(uv_shutdown_t *request, int status)
{
	(void)status; /* a peer that is gone already shows when reading */
	free(request);
}

static void end_now(struct stream *stream)
{
	uv_shutdown_t *request = loop_alloc(sizeof *request);

	if (uv_shutdown(request, &stream->uv, have_shut))
		free(request);
}

void stream_end(struct stream *stream)
{
	if (stream->finished || stream->closing || stream->ending)
		return;
	stream->ending = true;
	if (stream->is_open)
		end_now(stream);
}

/* What was asked of a stream before its connect was done. */
void stream_catch_up(struct stream *stream)
{
	struct buffer early = stream->early;
	bool ending = stream->ending, closing = stream->closing;

	stream->early = BUFFER_INIT(EARLY_BYTES_MAX);
	stream->ending = stream->closing = false;
	if (early.len)
		stream_write(stream, buffer_str(&early));
	buffer_release(&early);
	if (ending)
		stream_end(stream);
	if (closing)
		stream_close(stream);
}

void stream_close(struct stream *stream)
{
	if (stream->finished)
		return;
	stream->closing = true;
	if (stream_queued(stream) == 0)
		stream_finish(stream, 0);
}

void stream_abort(struct stream *stream)
{
	stream_finish(stream, 0);
}

/* ---- who is there */

struct str stream_peer(struct stream *stream)
{
	struct sockaddr_storage address;
	int len = sizeof address;

	if (stream->local)
		return STR("unix");
	if (!stream->peer[0] && !stream->finished &&
	    !uv_tcp_getpeername(&stream->tcp, (struct sockaddr *)&address, &len)) {
		char host[48] = "";
		bool six = address.ss_family == AF_INET6;
		u16 port = six ? ((struct sockaddr_in6 *)&address)->sin6_port
			       : ((struct sockaddr_in *)&address)->sin_port;

		if (six)
			uv_ip6_name((struct sockaddr_in6 *)&address, host, sizeof host);
		else
			uv_ip4_name((struct sockaddr_in *)&address, host, sizeof host);
		/* IPv4 clients of a listener on [::] are shown as what they are. */
		bool mapped = six && !strncmp(host, "::ffff:", 7) && strchr(host, '.');
		const char *shown = mapped ? host + 7 : host;

		snprintf(stream->peer, sizeof stream->peer, six && !mapped ? "[%s]:%u" : "%s:%u",
			 shown, ntohs(port));
	}
	return str_of(stream->peer);
}

bool stream_peer_is_self(struct stream *stream)
{
	struct ucred peer;
	socklen_t len = sizeof peer;
	uv_os_fd_t fd;

	if (!stream->local || uv_fileno(&stream->handle, &fd) ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return false;
	return peer.uid == 0 || peer.uid == geteuid();
}
