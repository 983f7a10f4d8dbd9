/* libuv behind sys/loop.h: the loop itself, calls from other threads, timers, signals, polls. */
#include "sys/loop_inside.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/check.h"
#include "sys/file.h"

struct posted {
	struct posted *next;
	void (*call)(void *self);
	void *self;
};

void *loop_alloc(size_t bytes)
{
	void *memory = calloc(1, bytes);

	CHECK(memory);
	return memory;
}

enum status uv_status(int uv_error)
{
	switch (uv_error) {
	case 0:
	case UV_EOF:
	case UV_ECANCELED:
		return ST_OK;
	case UV_ETIMEDOUT:
		return ST_TIMEOUT;
	case UV_EADDRINUSE:
		return ST_EXISTS;
	case UV_EAI_NONAME:
	case UV_EAI_NODATA:
		return ST_NOT_FOUND;
	case UV_ECONNREFUSED:
	case UV_ECONNRESET:
	case UV_EPIPE:
	case UV_EHOSTUNREACH:
	case UV_ENETUNREACH:
		return ST_UNAVAILABLE;
	default:
		return file_errno_status(-uv_error);
	}
}

static void run_posted(uv_async_t *wake)
{
	struct loop *loop = wake->data;

	uv_mutex_lock(&loop->posted_lock);
	struct posted *first = loop->posted_first;

	loop->posted_first = NULL;
	loop->posted_last = &loop->posted_first;
	uv_mutex_unlock(&loop->posted_lock);
	while (first) {
		struct posted *posted = first;

		first = posted->next;
		/* While the loop is being freed nobody is left to be called. */
		if (!loop->freeing)
			posted->call(posted->self);
		free(posted);
	}
}

struct loop *loop_new(void)
{
	struct loop *loop = loop_alloc(sizeof *loop);

	signal(SIGPIPE, SIG_IGN);
	CHECK(uv_loop_init(&loop->uv) == 0);
	CHECK(uv_mutex_init(&loop->posted_lock) == 0);
	CHECK(uv_async_init(&loop->uv, &loop->wake, run_posted) == 0);
	loop->wake.data = loop;
	loop->posted_last = &loop->posted_first;
	return loop;
}

static void drop_handle(uv_handle_t *handle, void *loop_pointer)
{
	struct loop *loop = loop_pointer;

	if (uv_is_closing(handle))
		return;
	if (handle == (uv_handle_t *)&loop->wake) {
		uv_close(handle, NULL);
	} else if (handle->data) {
		struct loop_object *object = handle->data;

		object->drop(object);
	}
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	loop->freeing = true;
	uv_walk(&loop->uv, drop_handle, loop);
	/* Runs what is on the pool to its end too: its `self` may not be ours to abandon. */
	while (uv_run(&loop->uv, UV_RUN_ONCE))
		;
	run_posted(&loop->wake);
	CHECK(uv_loop_close(&loop->uv) == 0);
	uv_mutex_destroy(&loop->posted_lock);
	free(loop);
}

void loop_run(struct loop *loop)
{
	uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_run_once(struct loop *loop, bool wait)
{
	uv_run(&loop->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

void loop_stop(struct loop *loop)
{
	uv_stop(&loop->uv);
}

i64 loop_now_ms(const struct loop *loop)
{
	return (i64)uv_now(&loop->uv);
}

void loop_post(struct loop *loop, void (*call)(void *self), void *self)
{
	struct posted *posted = loop_alloc(sizeof *posted);

	*posted = (struct posted){ .call = call, .self = self };
	uv_mutex_lock(&loop->posted_lock);
	*loop->posted_last = posted;
	loop->posted_last = &posted->next;
	uv_mutex_unlock(&loop->posted_lock);
	uv_async_send(&loop->wake);
}

/* ---- the pool */

struct work {
	uv_work_t request;
	struct loop *loop;
	void (*work)(void *self);
	void (*done)(void *self);
	void *self;
};

static void work_run(uv_work_t *request)
{
	struct work *work = CONTAINER_OF(request, struct work, request);

	work->work(work->self);
}

static void work_done(uv_work_t *request, int status)
{
	struct work *work = CONTAINER_OF(request, struct work, request);

	(void)status;
	if (work->done && !work->loop->freeing)
		work->done(work->self);
	free(work);
}

void loop_work(struct loop *loop, void (*call)(void *self), void (*done)(void *self), void *self)
{
	struct work *work = loop_alloc(sizeof *work);

	*work = (struct work){ .loop = loop, .work = call, .done = done, .self = self };
	CHECK(uv_queue_work(&loop->uv, &work->request, work_run, work_done) == 0);
}

/* ---- hooks before waiting */

struct loop_hook {
	struct loop_object object;
	uv_prepare_t prepare;
	void (*call)(void *self);
	void *self;
};

static void hook_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void hook_drop(struct loop_object *object)
{
	loop_hook_free((struct loop_hook *)object);
}

static void hook_call(uv_prepare_t *prepare)
{
	struct loop_hook *hook = prepare->data;

	hook->call(hook->self);
}

struct loop_hook *loop_before_wait(struct loop *loop, void (*call)(void *self), void *self)
{
	struct loop_hook *hook = loop_alloc(sizeof *hook);

	hook->object.drop = hook_drop;
	hook->call = call;
	hook->self = self;
	CHECK(uv_prepare_init(&loop->uv, &hook->prepare) == 0);
	hook->prepare.data = hook;
	CHECK(uv_prepare_start(&hook->prepare, hook_call) == 0);
	return hook;
}

void loop_hook_free(struct loop_hook *hook)
{
	if (hook)
		uv_close((uv_handle_t *)&hook->prepare, hook_closed);
}

/* ---- timers */

struct timer {
	struct loop_object object;
	uv_timer_t timer;
	void (*fired)(void *self);
	void *self;
};

static void timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void timer_drop(struct loop_object *object)
{
	timer_free((struct timer *)object);
}

static void timer_fired(uv_timer_t *uv_timer)
{
	struct timer *timer = uv_timer->data;

	timer->fired(timer->self);
}

struct timer *timer_new(struct loop *loop, void (*fired)(void *self), void *self)
{
	struct timer *timer = loop_alloc(sizeof *timer);

	timer->object.drop = timer_drop;
	timer->fired = fired;
	timer->self = self;
	CHECK(uv_timer_init(&loop->uv, &timer->timer) == 0);
	timer->timer.data = timer;
	return timer;
}

void timer_start(struct timer *timer, i64 after_ms, i64 every_ms)
{
	CHECK(after_ms >= 0 && every_ms >= 0);
	/* A long round must not make the timer early. */
	uv_update_time(timer->timer.loop);
	CHECK(uv_timer_start(&timer->timer, timer_fired, (u64)after_ms, (u64)every_ms) == 0);
}

void timer_stop(struct timer *timer)
{
	uv_timer_stop(&timer->timer);
}

bool timer_running(const struct timer *timer)
{
	return uv_is_active((const uv_handle_t *)&timer->timer);
}

void timer_free(struct timer *timer)
{
	if (timer)
		uv_close((uv_handle_t *)&timer->timer, timer_closed);
}

/* ---- signals */

struct signal_watch {
	struct loop_object object;
	uv_signal_t signal;
	void (*came)(void *self, int number);
	void *self;
};

static void signal_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void signal_drop(struct loop_object *object)
{
	signal_watch_free((struct signal_watch *)object);
}

static void signal_came(uv_signal_t *uv_signal, int number)
{
	struct signal_watch *watch = uv_signal->data;

	watch->came(watch->self, number);
}

struct signal_watch *signal_watch_new(struct loop *loop, int number,
				      void (*came)(void *self, int number), void *self)
{
	struct signal_watch *watch = loop_alloc(sizeof *watch);

	watch->object.drop = signal_drop;
	watch->came = came;
	watch->self = self;
	CHECK(uv_signal_init(&loop->uv, &watch->signal) == 0);
	watch->signal.data = watch;
	CHECK(uv_signal_start(&watch->signal, signal_came, number) == 0);
	return watch;
}

void signal_watch_free(struct signal_watch *watch)
{
	if (watch)
		uv_close((uv_handle_t *)&watch->signal, signal_closed);
}

/* ---- descriptors of others */

struct fd_watch {
	struct loop_object object;
	uv_poll_t poll;
	int bad; /* why the descriptor cannot be polled; told by fd_watch_set */
	void (*ready)(void *self, int events);
	void *self;
};

static void fd_watch_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void fd_watch_drop(struct loop_object *object)
{
	fd_watch_free((struct fd_watch *)object);
}

struct fd_watch *fd_watch_new(struct loop *loop, int fd, void (*ready)(void *self, int events),
			      void *self)
{
	struct fd_watch *watch = loop_alloc(sizeof *watch);

	watch->object.drop = fd_watch_drop;
	watch->ready = ready;
	watch->self = self;
	watch->bad = uv_poll_init(&loop->uv, &watch->poll, fd);
	watch->poll.data = watch;
	return watch;
}

static void fd_ready(uv_poll_t *poll, int status, int events)
{
	struct fd_watch *watch = poll->data;
	/* The FD_ names were chosen to be libuv's numbers. */
	_Static_assert(FD_READABLE == (int)UV_READABLE && FD_WRITABLE == (int)UV_WRITABLE &&
			       FD_HANGUP == (int)UV_DISCONNECT && FD_URGENT == (int)UV_PRIORITIZED,
		       "the same bits");

	watch->ready(watch->self, status < 0 ? FD_HANGUP : events);
}

enum status fd_watch_set(struct fd_watch *watch, int events, struct error *error)
{
	int bad = watch->bad;

	if (!bad)
		bad = events ? uv_poll_start(&watch->poll, events, fd_ready)
			     : uv_poll_stop(&watch->poll);
	if (bad)
		return fail(error, ST_INTERNAL, "watching a descriptor: %s", uv_strerror(bad));
	return ST_OK;
}

void fd_watch_free(struct fd_watch *watch)
{
	if (!watch)
		return;
	if (watch->bad)
		free(watch); /* libuv never knew it */
	else
		uv_close((uv_handle_t *)&watch->poll, fd_watch_closed);
}
