/*
 * The event loop everything runs on: timers, sockets, signals, child processes, and blocking work
 * on a small pool. Built on libuv, which stays behind this header. All calls are for the loop's own
 * thread, but loop_post. Every object here belongs to its maker, who frees it with the function
 * named after it; no callback comes after that call.
 */
#ifndef SYS_LOOP_H
#define SYS_LOOP_H

#include "base/error.h"
#include "base/str.h"
#include "base/types.h"

struct loop;

/* Also ignores SIGPIPE for the whole process: a vanished peer is an error, not an end. */
struct loop *loop_new(void);
/* What was closed before gets its last calls; what is still open is dropped without any. */
void loop_free(struct loop *loop);
/* Runs until loop_stop; loop_run_once handles what is ready, waiting for it only when asked. */
void loop_run(struct loop *loop);
void loop_run_once(struct loop *loop, bool wait);
void loop_stop(struct loop *loop);
/* The loop's idea of now, monotonic, taken once a round: cheap enough for every packet. */
i64 loop_now_ms(const struct loop *loop);

/* ---- calls from elsewhere */

/* Runs call(self) on the loop's thread, soon. The only function any thread may use. In order. */
void loop_post(struct loop *loop, void (*call)(void *self), void *self);

/* Runs work(self) on a pool thread, then done(self) on the loop. Not cancelled by anything: `self`
 * must live until done. At most four run at once, the rest wait in line. */
void loop_work(struct loop *loop, void (*work)(void *self), void (*done)(void *self), void *self);

/* Calls call(self) each time just before the loop would wait: where batches are sent off. */
struct loop_hook;
struct loop_hook *loop_before_wait(struct loop *loop, void (*call)(void *self), void *self);
void loop_hook_free(struct loop_hook *hook); /* NULL is fine, as for all frees here */

/* ---- timers */

struct timer;
struct timer *timer_new(struct loop *loop, void (*fired)(void *self), void *self);
/* Fires after `after_ms` from now, then every `every_ms` unless that is 0. Restarts when running.
 */
void timer_start(struct timer *timer, i64 after_ms, i64 every_ms);
void timer_stop(struct timer *timer);
bool timer_running(const struct timer *timer);
void timer_free(struct timer *timer);

/* ---- signals and descriptors of others */

struct signal_watch;
struct signal_watch *signal_watch_new(struct loop *loop, int number,
				      void (*came)(void *self, int number), void *self);
void signal_watch_free(struct signal_watch *watch);

enum { FD_READABLE = 1, FD_WRITABLE = 2, FD_HANGUP = 4, FD_URGENT = 8 };

/* Watches a descriptor that stays its owner's (not closed here; free the watch before closing).
 * `events` 0 rests. FD_URGENT is what cgroup and /proc files raise (EPOLLPRI). */
struct fd_watch;
struct fd_watch *fd_watch_new(struct loop *loop, int fd, void (*ready)(void *self, int events),
			      void *self);
MUST_USE enum status fd_watch_set(struct fd_watch *watch, int events, struct error *error);
void fd_watch_free(struct fd_watch *watch);

/* ---- byte streams: TCP, unix sockets, pipes */

struct stream;
struct stream_events {
	void (*opened)(void *self);		     /* a connect succeeded; unused for accepted */
	void (*bytes)(void *self, struct str bytes); /* the slice is gone when the call returns */
	void (*ended)(void *self);   /* the peer sends no more; NULL: closed follows at once */
	void (*drained)(void *self); /* all that was queued has been handed to the kernel */
	/* The last call: the peer or stream_close has ended it (ST_OK) or it broke, with a
	 * sentence. The stream is freed afterwards, by itself. */
	void (*closed)(void *self, enum status status, const char *why);
};

/* Addresses are "127.0.0.1:6443", "[::]:6443", "host:443" (connect only; looked up on the pool),
 * "unix:/run/x.sock". Ports may be 0 when listening. */
struct listener;
/* `accepted` owns the stream and calls stream_open on it, now or later. A unix socket is made 0600,
 * a stale one at that place is replaced. ST_EXISTS when the address is in use. */
MUST_USE enum status listener_open(struct loop *loop, struct str address,
				   void (*accepted)(void *self, struct stream *stream), void *self,
				   struct listener **ret_listener, struct error *error);
int listener_port(const struct listener *listener);
void listener_pause(struct listener *listener, bool paused); /* newcomers wait in the kernel */
void listener_close(struct listener *listener);		     /* removes a unix socket's name too */

/* Starts delivering events of an accepted or adopted stream. */
void stream_open(struct stream *stream, const struct stream_events *events, void *self);
/* Never calls back before it returns; failure comes through `closed`. timeout_ms 0: the kernel's.
 */
struct stream *stream_connect(struct loop *loop, struct str address, i64 timeout_ms,
			      const struct stream_events *events, void *self);
/* Takes over (and will close) a pipe, socket or terminal; then stream_open it. ST_INVALID for plain
 * files and others that cannot be waited for. */
MUST_USE enum status stream_adopt(struct loop *loop, int fd, struct stream **ret_stream,
				  struct error *error);

/* Writes at once what the kernel takes and queues a copy of the rest; returns the bytes queued.
 * Above what its owner finds too much it waits for `drained`. Before a connect is done all of it
 * waits, up to 16 MiB. */
size_t stream_write(struct stream *stream, struct str bytes);
size_t stream_queued(const struct stream *stream);
void stream_pause(struct stream *stream, bool paused); /* stop reading; bytes stay in the kernel */
void stream_end(struct stream *stream);		       /* no more writing, after what is queued */
void stream_close(struct stream *stream);	       /* after what is queued; then `closed` */
void stream_abort(struct stream *stream);	       /* now, dropping the queue; then `closed` */
/* "127.0.0.1:51234" or "unix"; lives as long as the stream. */
struct str stream_peer(struct stream *stream);
bool stream_peer_is_self(struct stream *stream); /* a unix peer of our own user id, or root */

/* ---- child processes */

struct process;
struct process_fd {
	int fd, as; /* our descriptor, the number it has in the child */
};
struct process_spec {
	const char *const *argv;      /* NULL at the end; argv[0] is looked up in PATH */
	const char *const *env;	      /* NULL at the end; NULL itself: ours */
	const char *cwd;	      /* NULL: ours */
	const struct process_fd *fds; /* 0, 1, 2 are /dev/null unless named; all others closed */
	u32 fds_len;
	bool own_session; /* setsid: outlives a terminal's hang-up */
};
enum { PROCESS_FDS_MAX = 64 }; /* highest `as` + 1 */

/* Returns when exec has succeeded or failed (ST_NOT_FOUND: no such program). `exited` comes once,
 * with the exit code, or -1 and the signal. */
MUST_USE enum status process_spawn(struct loop *loop, const struct process_spec *spec,
				   void (*exited)(void *self, int code, int signal), void *self,
				   struct process **ret_process, struct error *error);
int process_pid(const struct process *process);
bool process_kill(struct process *process, int signal); /* false: already gone */
void process_free(struct process *process); /* lets a running one go on, without the callback */

#endif
