/*
 * A helper thread and the one lock it shares with the thread that owns all state. For blocking
 * work that needs an order of its own (the log's commits); everything else goes to the loop's
 * pool.
 */
#ifndef SYS_THREAD_H
#define SYS_THREAD_H

#include "base/error.h"
#include "base/types.h"

struct thread;

/* Starts run(self) with all signals blocked, so that they reach the first thread. `name` is for
 * debuggers, at most 15 bytes. The caller joins. */
MUST_USE enum status thread_start(const char *name, void (*run)(void *self), void *self,
				  struct thread **ret_thread, struct error *error);
void thread_join(struct thread *thread); /* waits for run() to return; NULL is fine */

/* A lock with a condition: enter, look, perhaps wait, change, wake, leave. */
struct monitor;

struct monitor *monitor_new(void);
void monitor_free(struct monitor *monitor);
void monitor_enter(struct monitor *monitor);
void monitor_leave(struct monitor *monitor);
void monitor_wake(struct monitor *monitor); /* all who wait; inside */

/* Waits, inside, until woken or `timeout_ms` has passed (negative: for ever). False when the time
 * is up. May return without reason: look again. */
bool monitor_wait(struct monitor *monitor, i64 timeout_ms);

#endif
