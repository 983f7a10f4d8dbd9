/*
 * A log in memory, for tests and for clusters that need not outlive the process. It commits at
 * once, or, when held, exactly as told: every order of commits, failures and crashes can be
 * played.
 */
#ifndef STORE_LOG_MEMORY_H
#define STORE_LOG_MEMORY_H

#include "store/log.h"

/* Freed by log_memory_free(), not by log_close(): a closed one can be opened again by a new store,
 * which then finds what was committed, as after a crash. */
struct log *log_memory_new(void);
void log_memory_free(struct log *log);

/* While held, appended entries wait for log_memory_commit() or log_memory_fail(). */
void log_memory_hold(struct log *log, bool held);

/* Commits the oldest `count` waiting entries (at most; UINT32_MAX: all) and reports at once. */
void log_memory_commit(struct log *log, u32 count);

/* Refuses all waiting entries with this status and reports at once. */
void log_memory_fail(struct log *log, enum status status);

u32 log_memory_waiting(const struct log *log); /* entries not decided yet */
u32 log_memory_rows(const struct log *log);    /* objects committed */

#endif
