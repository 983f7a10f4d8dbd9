/*
 * A command inside a container: crun exec with pipes, or with a terminal that crun hands over
 * through a socket. And attach: conmon's own socket, one packet a piece, the first byte says which
 * stream.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "doc/json.h"
#include "node/runtime_inside.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "sys/spawn.h"

enum {
	INPUT_FULL = 64 << 10,
	PACKET_BYTES = 8192, /* conmon's own buffer */
	LINGER_MS = 2000,    /* output after the command's end: a child may keep it open */
	CONSOLE_TIMEOUT_MS = 30000,
};

struct side { /* one output */
	struct runtime_exec *exec;
	struct stream *stream;
	int number;
};

struct runtime_exec {
	struct crun_runtime *runtime;
	struct exec_events events;
	void *arg;
	struct arena *arena;
	bool cancelled, starting, told;

	/* crun exec */
	struct container *container;
	const struct doc *command;
	bool in, out, err, tty;
	char files[RUNTIME_PATH_MAX + 64]; /* prefix of the spec, pid and console files */
	int in_fd, out_fd, err_fd, pid, pidfd, terminal;
	struct fd_watch *end_watch;
	struct timer *linger;
	struct stream *input;
	struct side sides[2];
	bool ended, input_ended, input_waits;
	int code;
	enum status status;
	struct error error;

	/* attach */
	int socket;
	struct fd_watch *socket_watch;
	struct buffer queue;
	bool paused;
	char ctl[RUNTIME_PATH_MAX + 32];
};

static struct runtime_exec *exec_new(struct crun_runtime *runtime, const struct exec_events *events,
				     void *arg)
{
	struct arena *arena = arena_new(0);
	struct runtime_exec *exec = ARENA_NEW(arena, struct runtime_exec);

	exec->arena = arena;
	exec->runtime = runtime;
	exec->events = *events;
	exec->arg = arg;
	exec->in_fd = exec->out_fd = exec->err_fd = exec->pidfd = exec->terminal = -1;
	exec->socket = -1;
	exec->queue = BUFFER_INIT(4 << 20);
	return exec;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void remove_files(struct runtime_exec *exec)
{
	static const char *const names[] = { "json", "pid", "sock", "log" };
	char path[RUNTIME_PATH_MAX + 80];

	for (size_t i = 0; exec->files[0] && i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof path, "%s.%s", exec->files, names[i]);
		(void)!unlink(path);
	}
}

/* Frees it when nothing can call back any more. */
static void exec_settle(struct runtime_exec *exec)
{
	if (exec->starting || exec->sides[0].stream || exec->sides[1].stream || exec->input)
		return;
	if (!exec->ended && exec->end_watch && !exec->cancelled)
		return;
	fd_watch_free(exec->end_watch);
	fd_watch_free(exec->socket_watch);
	timer_free(exec->linger);
	close_fd(&exec->in_fd);
	close_fd(&exec->out_fd);
	close_fd(&exec->err_fd);
	close_fd(&exec->terminal);
	close_fd(&exec->socket);
	buffer_release(&exec->queue);
	remove_files(exec);
	if (!exec->told && !exec->cancelled) {
		exec->told = true;
		exec->events.ended(exec->arg, exec->status, exec->code, &exec->error);
	}
	arena_free(exec->arena);
}

/* ---- making it, on the pool */

static enum status write_process(struct runtime_exec *exec, const char *path)
{
	char config_path[RUNTIME_PATH_MAX + 32];
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	const struct doc *config = NULL, *process;
	struct str text;

	container_path(exec->container, "config.json", config_path, sizeof config_path);
	enum status status = file_read(arena, config_path, CONFIG_BYTES_MAX, &text, &exec->error);

	if (status == ST_OK)
		status = json_parse(arena, text, &config, &exec->error);
	if (status != ST_OK)
		return status;
	process = doc_set_bool(arena, doc_at(config, "process"), "terminal", exec->tty);
	process = doc_set(arena, process, "args", exec->command);
	if (exec->tty) {
		const struct doc *env = doc_at(process, "env");

		process = doc_set(arena, process, "env",
				  doc_append(arena, env ? env : &doc_empty_array,
					     doc_new_str(arena, STR("TERM=xterm"))));
	}
	int fd CLOSE_FD = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return fail(&exec->error, file_errno_status(errno), "writing %s: %s", path,
			    strerror(errno));
	return file_write_fd(fd, json_text(arena, process), &exec->error);
}

static int console_listen(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof address.sun_path) {
		close_fd(&fd);
		return -1;
	}
	strcpy(address.sun_path, path);
	(void)!unlink(path);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1))
		close_fd(&fd);
	return fd;
}

/* crun connects once and sends the terminal's master side as a control message. */
static int console_receive(int listener, int pidfd)
{
	struct pollfd wait[2] = { { .fd = listener, .events = POLLIN },
				  { .fd = pidfd, .events = POLLIN } };
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte[256];
	struct iovec piece = { byte, sizeof byte };
	struct msghdr message = { .msg_iov = &piece,
				  .msg_iovlen = 1,
				  .msg_control = control.room,
				  .msg_controllen = sizeof control.room };
	int terminal = -1;

	if (poll(wait, 2, CONSOLE_TIMEOUT_MS) <= 0 || !(wait[0].revents & POLLIN))
		return -1;
	int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (peer >= 0 && recvmsg(peer, &message, MSG_CMSG_CLOEXEC) > 0) {
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);

		if (header && header->cmsg_type == SCM_RIGHTS)
			memcpy(&terminal, CMSG_DATA(header), sizeof terminal);
	}
	close_fd(&peer);
	return terminal;
}

struct ends {
	int in, out, err; /* the child's ends */
};

static bool make_pipe(int *ours, int *theirs, bool we_read)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC))
		return false;
	*ours = pair[we_read ? 0 : 1];
	*theirs = pair[we_read ? 1 : 0];
	return true;
}

static bool make_pipes(struct runtime_exec *exec, struct ends *ends)
{
	*ends = (struct ends){ -1, -1, -1 };
	if (exec->tty)
		return true;
	return (!exec->in || make_pipe(&exec->in_fd, &ends->in, false)) &&
	       (!exec->out || make_pipe(&exec->out_fd, &ends->out, true)) &&
	       (!exec->err || make_pipe(&exec->err_fd, &ends->err, true));
}

static enum status start_crun(struct runtime_exec *exec, const char *const *words,
			      const struct ends *ends)
{
	static const char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL
	};
	const struct cgroups *cgroups = &exec->runtime->cgroups;
	struct cgroup_files join;
	struct spawn_fd fds[3];
	u32 len = 0;

	if (ends->in >= 0)
		fds[len++] = (struct spawn_fd){ ends->in, 0 };
	if (ends->out >= 0)
		fds[len++] = (struct spawn_fd){ ends->out, 1 };
	if (ends->err >= 0)
		fds[len++] = (struct spawn_fd){ ends->err, 2 };
	cgroup_join_files(cgroups, exec->container->group, &join);
	struct spawn_spec spec = {
		.argv = words,
		.env = env,
		.fds = fds,
		.fds_len = len,
		.own_session = true,
		.join = join.at,
		.hide_mount = cgroups->hide_unified ? cgroups->unified : NULL,
	};

	return spawn_child(&spec, &exec->pid, &exec->pidfd, &exec->error);
}

static void exec_work(void *self)
{
	struct runtime_exec *exec = self;
	struct crun_runtime *runtime = exec->runtime;
	char spec[RUNTIME_PATH_MAX + 80], pid[RUNTIME_PATH_MAX + 80], console[128];
	char id[80], log[RUNTIME_PATH_MAX + 80];
	struct ends ends = { -1, -1, -1 };
	int listener = -1;
	u32 len = 2;
	const char *words[20] = { runtime->crun, runtime->root_option };

	snprintf(spec, sizeof spec, "%s.json", exec->files);
	snprintf(pid, sizeof pid, "%s.pid", exec->files);
	/* A socket's name must be short, which our directories are not. */
	snprintf(console, sizeof console, "/tmp/minke-%d-%p.sock", getpid(), (void *)exec);
	snprintf(id, sizeof id, STR_FMT, STR_ARG(exec->container->record.id));
	words[len++] = "--cgroup-manager=disabled";
	/* Apart from the command's own words, so that both can be told from each other. */
	snprintf(log, sizeof log, "--log=file:%s.log", exec->files);
	words[len++] = log;
	words[len++] = "exec";
	words[len++] = "--process";
	words[len++] = spec;
	words[len++] = "--pid-file";
	words[len++] = pid;
	if (exec->tty) {
		words[len++] = "--console-socket";
		words[len++] = console;
	}
	words[len++] = id;
	exec->status = write_process(exec, spec);
	if (exec->status == ST_OK && exec->tty && (listener = console_listen(console)) < 0)
		exec->status =
			fail(&exec->error, ST_INTERNAL, "console socket: %s", strerror(errno));
	if (exec->status == ST_OK && !make_pipes(exec, &ends))
		exec->status = fail(&exec->error, ST_INTERNAL, "pipe: %s", strerror(errno));
	if (exec->status == ST_OK)
		exec->status = start_crun(exec, words, &ends);
	if (exec->status == ST_OK && exec->tty)
		exec->terminal = console_receive(listener, exec->pidfd);
	close_fd(&ends.in);
	close_fd(&ends.out);
	close_fd(&ends.err);
	close_fd(&listener);
	if (exec->tty)
		(void)!unlink(console);
}

/* ---- carrying bytes, on the loop */

static void kill_command(struct runtime_exec *exec)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	char path[RUNTIME_PATH_MAX + 80];
	struct str text;
	i64 pid;

	snprintf(path, sizeof path, "%s.pid", exec->files);
	if (file_read(arena, path, 32, &text, NULL) == ST_OK && str_to_i64(str_trim(text), &pid) &&
	    pid > 1)
		kill((pid_t)pid, SIGKILL);
	if (exec->pidfd >= 0)
		spawn_signal(exec->pidfd, SIGKILL);
}

static void side_bytes(void *self, struct str bytes)
{
	struct side *side = self;

	if (!side->exec->cancelled)
		side->exec->events.output(side->exec->arg, side->number, bytes);
}

static void side_closed(void *self, enum status status, const char *why)
{
	struct side *side = self;
	struct runtime_exec *exec = side->exec;

	(void)status;
	(void)why;
	side->stream = NULL;
	exec_settle(exec);
}

static void input_drained(void *self)
{
	struct runtime_exec *exec = self;

	if (exec->input_waits && !exec->cancelled && exec->events.drained) {
		exec->input_waits = false;
		exec->events.drained(exec->arg);
	}
}

static void input_closed(void *self, enum status status, const char *why)
{
	struct runtime_exec *exec = self;

	(void)status;
	(void)why;
	exec->input = NULL;
	exec_settle(exec);
}

static void abort_output(struct runtime_exec *exec)
{
	for (int i = 0; i < 2; i++)
		if (exec->sides[i].stream)
			stream_abort(exec->sides[i].stream);
}

static void linger_over(void *self)
{
	struct runtime_exec *exec = self;

	if (exec->paused) /* the reader is slow: its time does not run */
		timer_start(exec->linger, LINGER_MS, 0);
	else
		abort_output(exec);
}

/* What crun itself could not do gets the exit codes that shells and container runtimes use: 127 for
 * a program that is not there, 126 for one that does not start. crun has said why on stderr, but
 * nobody sees that when the command was to have a terminal. */
static void tell_refusal(struct runtime_exec *exec)
{
	char path[RUNTIME_PATH_MAX + 80];
	struct str text = STR_NONE;

	snprintf(path, sizeof path, "%s.log", exec->files);
	if (!exec->code || file_read(exec->arena, path, 4096, &text, NULL) != ST_OK || !text.len)
		return;
	bool missing =
		str_find(text, STR("not found")) >= 0 || str_find(text, STR("No such file")) >= 0;

	exec->code = missing ? 127 : 126;
	if (exec->tty && !exec->cancelled)
		exec->events.output(exec->arg, 1, text);
}

static void command_ended(void *self, int events)
{
	struct runtime_exec *exec = self;

	(void)events;
	if (exec->ended || !spawn_reap(exec->pid, exec->pidfd, &exec->code))
		return;
	fd_watch_free(exec->end_watch);
	exec->end_watch = NULL;
	exec->pidfd = -1;
	exec->ended = true;
	tell_refusal(exec);
	if (exec->input)
		stream_abort(exec->input);
	if (exec->sides[0].stream || exec->sides[1].stream) {
		exec->linger = timer_new(exec->runtime->loop, linger_over, exec);
		timer_start(exec->linger, LINGER_MS, 0);
	}
	exec_settle(exec);
}

static void open_side(struct runtime_exec *exec, int index, int *fd)
{
	static const struct stream_events output = { .bytes = side_bytes, .closed = side_closed };
	struct side *side = &exec->sides[index];

	if (*fd < 0)
		return;
	*side = (struct side){ .exec = exec, .number = index + 1 };
	if (stream_adopt(exec->runtime->loop, *fd, &side->stream, &exec->error) != ST_OK) {
		close_fd(fd);
		side->stream = NULL;
		return;
	}
	*fd = -1;
	stream_open(side->stream, &output, side);
	if (exec->paused)
		stream_pause(side->stream, true);
}

static void open_input(struct runtime_exec *exec, int *fd)
{
	static const struct stream_events input = { .drained = input_drained,
						    .closed = input_closed };

	if (*fd < 0)
		return;
	if (stream_adopt(exec->runtime->loop, *fd, &exec->input, &exec->error) != ST_OK) {
		close_fd(fd);
		exec->input = NULL;
		return;
	}
	*fd = -1;
	stream_pause(exec->input, true); /* what a terminal says is the other side's to read */
	stream_open(exec->input, &input, exec);
}

/* A terminal is one descriptor for both directions, but two streams: when writing to it fails
 * because the command has ended, its last words still stand there to be read. */
static void open_streams(struct runtime_exec *exec)
{
	if (exec->terminal >= 0) {
		exec->out_fd = fcntl(exec->terminal, F_DUPFD_CLOEXEC, 3);
		exec->in_fd = exec->in ? fcntl(exec->terminal, F_DUPFD_CLOEXEC, 3) : -1;
	}
	open_side(exec, 0, &exec->out_fd);
	open_side(exec, 1, &exec->err_fd);
	open_input(exec, &exec->in_fd);
}

/* A pipe has one direction: its end is its close. A terminal is told by the key for it. */
static void end_input(struct runtime_exec *exec)
{
	if (exec->tty)
		stream_write(exec->input, STR("\x04"));
	else
		stream_close(exec->input);
}

static void flush_early_input(struct runtime_exec *exec)
{
	struct str early = buffer_str(&exec->queue);

	if (exec->input && early.len)
		stream_write(exec->input, early);
	buffer_clear(&exec->queue);
	if (exec->input && exec->input_ended)
		end_input(exec);
}

static void exec_started(void *self)
{
	struct runtime_exec *exec = self;
	struct error error = ERROR_INIT;

	exec->starting = false;
	if (exec->status != ST_OK) {
		exec->ended = true;
		exec_settle(exec);
		return;
	}
	exec->end_watch = fd_watch_new(exec->runtime->loop, exec->pidfd, command_ended, exec);
	if (fd_watch_set(exec->end_watch, FD_READABLE, &error) != ST_OK)
		log_warn("runtime", "watching a command: %s", error.message);
	if (exec->cancelled)
		kill_command(exec);
	open_streams(exec);
	flush_early_input(exec);
}

enum status crun_exec(void *self, const struct exec_spec *spec, const struct exec_events *events,
		      void *arg, struct runtime_exec **ret_exec, struct error *error)
{
	static u64 counter;
	struct crun_runtime *runtime = self;
	struct container *container = map_get(&runtime->containers, spec->id);

	if (!container || container->record.phase != CONTAINER_RUNNING)
		return fail(error, ST_NOT_FOUND, "container not found (\"" STR_FMT "\")",
			    STR_ARG(spec->id));
	struct runtime_exec *exec = exec_new(runtime, events, arg);
	const struct doc *words = &doc_empty_array;

	for (u32 i = 0; i < spec->command_len; i++)
		words = doc_append(exec->arena, words, doc_new_str(exec->arena, spec->command[i]));
	exec->command = words;
	exec->container = container;
	exec->in = spec->in;
	exec->out = spec->out;
	exec->err = spec->err && !spec->tty;
	exec->tty = spec->tty;
	snprintf(exec->files, sizeof exec->files, "%s/exec%llu", container->directory,
		 (unsigned long long)++counter);
	exec->starting = true;
	loop_work(runtime->loop, exec_work, exec_started, exec);
	*ret_exec = exec;
	return ST_OK;
}

/* ---- attach */

static void attach_end(struct runtime_exec *exec)
{
	exec->ended = true;
	fd_watch_free(exec->socket_watch);
	exec->socket_watch = NULL;
	exec_settle(exec);
}

static int attach_events(const struct runtime_exec *exec)
{
	return (exec->paused ? 0 : FD_READABLE) | (exec->queue.len ? FD_WRITABLE : 0);
}

static void attach_flush(struct runtime_exec *exec)
{
	while (exec->queue.len) {
		size_t piece = MIN(exec->queue.len, (size_t)PACKET_BYTES);
		ssize_t sent =
			send(exec->socket, exec->queue.at, piece, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent <= 0)
			break;
		buffer_drop(&exec->queue, (size_t)sent);
	}
	if (!exec->queue.len && exec->input_waits && exec->events.drained) {
		exec->input_waits = false;
		exec->events.drained(exec->arg);
	}
	if (!exec->queue.len && exec->input_ended)
		shutdown(exec->socket, SHUT_WR);
}

static void attach_ready(void *self, int events)
{
	struct runtime_exec *exec = self;
	char packet[PACKET_BYTES + 1];

	if (events & FD_WRITABLE)
		attach_flush(exec);
	for (int i = 0; i < 16 && !exec->paused && !exec->cancelled; i++) {
		ssize_t got = recv(exec->socket, packet, sizeof packet, MSG_DONTWAIT);

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (got <= 0) {
			attach_end(exec);
			return;
		}
		exec->events.output(exec->arg, packet[0] == 3 ? 2 : 1,
				    (struct str){ packet + 1, (size_t)got - 1 });
	}
	if (exec->cancelled || fd_watch_set(exec->socket_watch, attach_events(exec), NULL) != ST_OK)
		attach_end(exec);
}

enum status crun_attach(void *self, struct str id, bool in, const struct exec_events *events,
			void *arg, struct runtime_exec **ret_exec, struct error *error)
{
	struct crun_runtime *runtime = self;
	struct container *container = map_get(&runtime->containers, id);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (!container || container->record.phase != CONTAINER_RUNNING)
		return fail(error, ST_NOT_FOUND, "container not found (\"" STR_FMT "\")",
			    STR_ARG(id));
	int directory CLOSE_FD = open(container->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/attach", directory);
	if (directory < 0 || fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) {
		int number = errno;

		close_fd(&fd);
		return fail(error, ST_INTERNAL, "attaching: %s", strerror(number));
	}
	struct runtime_exec *exec = exec_new(runtime, events, arg);

	exec->in = in;
	exec->socket = fd;
	exec->tty = container->record.tty;
	container_path(container, "ctl", exec->ctl, sizeof exec->ctl);
	exec->socket_watch = fd_watch_new(runtime->loop, fd, attach_ready, exec);
	*ret_exec = exec;
	return fd_watch_set(exec->socket_watch, attach_events(exec), error);
}

/* ---- both */

bool crun_exec_input(struct runtime_exec *exec, struct str bytes, bool end)
{
	exec->input_ended |= end;
	if (exec->socket >= 0) {
		buffer_add_str(&exec->queue, bytes);
		attach_flush(exec);
		if (exec->socket_watch &&
		    fd_watch_set(exec->socket_watch, attach_events(exec), NULL) != ST_OK)
			log_warn("runtime", "attach: cannot wait for the socket");
		exec->input_waits = exec->queue.len > INPUT_FULL;
		return !exec->input_waits;
	}
	if (exec->starting) {
		buffer_add_str(&exec->queue, bytes);
		return true;
	}
	if (!exec->input)
		return true; /* nobody reads any more: drop it */
	size_t queued = bytes.len ? stream_write(exec->input, bytes) : 0;

	if (end)
		end_input(exec);
	exec->input_waits = queued > INPUT_FULL;
	return !exec->input_waits;
}

void crun_exec_resize(struct runtime_exec *exec, u32 width, u32 height)
{
	struct winsize size = { .ws_row = (u16)height, .ws_col = (u16)width };
	char words[64];

	if (exec->terminal >= 0)
		ioctl(exec->terminal, TIOCSWINSZ, &size);
	if (exec->socket < 0)
		return;
	int fd CLOSE_FD = open(exec->ctl, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	int len = snprintf(words, sizeof words, "1 %u %u\n", height, width);

	if (fd >= 0 && write(fd, words, (size_t)len) != len)
		log_debug("runtime", "resize was not taken");
}

void crun_exec_pause(struct runtime_exec *exec, bool paused)
{
	exec->paused = paused;
	for (int i = 0; i < 2; i++)
		if (exec->sides[i].stream)
			stream_pause(exec->sides[i].stream, paused);
	if (exec->socket_watch &&
	    fd_watch_set(exec->socket_watch, attach_events(exec), NULL) != ST_OK)
		log_warn("runtime", "attach: cannot wait for the socket");
}

void crun_exec_cancel(struct runtime_exec *exec)
{
	exec->cancelled = true;
	if (exec->socket >= 0) {
		attach_end(exec);
		return;
	}
	if (exec->starting)
		return; /* exec_started sees it */
	if (!exec->ended)
		kill_command(exec);
	abort_output(exec);
}
