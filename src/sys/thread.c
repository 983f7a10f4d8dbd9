/* Thin words over pthreads. Failures of locks are programmer's errors and end the program. */
#include "sys/thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"

struct thread {
	pthread_t id;
	void (*run)(void *self);
	void *self;
};

static void *thread_main(void *self)
{
	struct thread *thread = self;

	thread->run(thread->self);
	return NULL;
}

enum status thread_start(const char *name, void (*run)(void *self), void *self,
			 struct thread **ret_thread, struct error *error)
{
	struct thread *thread = calloc(1, sizeof *thread);
	sigset_t all, before;

	CHECK(thread);
	thread->run = run;
	thread->self = self;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int number = pthread_create(&thread->id, NULL, thread_main, thread);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (number) {
		free(thread);
		return fail(error, ST_UNAVAILABLE, "cannot start a thread: %s", strerror(number));
	}
	pthread_setname_np(thread->id, name);
	*ret_thread = thread;
	return ST_OK;
}

void thread_join(struct thread *thread)
{
	if (!thread)
		return;
	CHECK(pthread_join(thread->id, NULL) == 0);
	free(thread);
}

struct monitor {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
};

struct monitor *monitor_new(void)
{
	struct monitor *monitor = calloc(1, sizeof *monitor);
	pthread_condattr_t attributes;

	CHECK(monitor);
	CHECK(pthread_mutex_init(&monitor->mutex, NULL) == 0);
	CHECK(pthread_condattr_init(&attributes) == 0);
	CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
	CHECK(pthread_cond_init(&monitor->cond, &attributes) == 0);
	pthread_condattr_destroy(&attributes);
	return monitor;
}

void monitor_free(struct monitor *monitor)
{
	if (!monitor)
		return;
	pthread_cond_destroy(&monitor->cond);
	pthread_mutex_destroy(&monitor->mutex);
	free(monitor);
}

void monitor_enter(struct monitor *monitor)
{
	CHECK(pthread_mutex_lock(&monitor->mutex) == 0);
}

void monitor_leave(struct monitor *monitor)
{
	CHECK(pthread_mutex_unlock(&monitor->mutex) == 0);
}

void monitor_wake(struct monitor *monitor)
{
	CHECK(pthread_cond_broadcast(&monitor->cond) == 0);
}

bool monitor_wait(struct monitor *monitor, i64 timeout_ms)
{
	struct timespec until;

	if (timeout_ms < 0) {
		CHECK(pthread_cond_wait(&monitor->cond, &monitor->mutex) == 0);
		return true;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / MS_PER_S;
	until.tv_nsec += timeout_ms % MS_PER_S * NS_PER_MS;
	if (until.tv_nsec >= NS_PER_S) {
		until.tv_sec++;
		until.tv_nsec -= NS_PER_S;
	}
	int number = pthread_cond_timedwait(&monitor->cond, &monitor->mutex, &until);

	CHECK(number == 0 || number == ETIMEDOUT);
	return number == 0;
}
