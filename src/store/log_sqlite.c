/*
 * The queue between the thread that owns the store and the one that writes. The owner appends at
 * any time; the writer takes all that has gathered, commits it as one transaction, and hands it
 * back to be reported. After a failure the writer stands still until the owner has heard of it
 * and everything queued meanwhile is dropped: it was built on what failed.
 */
#include "store/log_sqlite.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "store/database.h"
#include "sys/thread.h"

enum {
	/* The write-ahead log goes back into the database when nothing was written for a moment,
	 * or at last when it has grown this much. Pages are 4 KiB. */
	CHECKPOINT_PAGES = 1000,
	CHECKPOINT_PAGES_MAX = 4000,
	CHECKPOINT_IDLE_MS = 200,
	LOW_TRY_MS = 1000, /* how often a full disk is looked at for room */
};

struct entries { /* hold references */
	struct log_entry *at;
	u32 len, cap;
};

struct log_sqlite {
	struct log log;
	struct database *database; /* the writer's, once it has begun */
	struct thread *thread;
	struct monitor *monitor;
	void (*notify)(void *self);
	void *notify_self;

	atomic_bool low; /* the reserve is spent: set by the writer, read by the owner */

	/* Under the monitor. */
	struct entries queue, decided, dropped;
	struct error failure;
	bool failed, busy, stopping;
	struct log_sqlite_stats stats;
};

static struct log_sqlite *sqlite_of(const struct log *log)
{
	return CONTAINER_OF(log, struct log_sqlite, log);
}

/* ---- entries */

static void entries_push(struct entries *entries, const struct log_entry *entry)
{
	if (entries->len == entries->cap) {
		entries->cap = entries->cap ? entries->cap * 2 : 64;
		entries->at = realloc(entries->at, entries->cap * sizeof *entries->at);
		CHECK(entries->at);
	}
	entries->at[entries->len++] = *entry;
}

static void entries_move(struct entries *to, struct entries *from)
{
	if (!to->len) { /* the usual case: swap the arrays */
		struct entries empty = *to;

		*to = *from;
		*from = empty;
		return;
	}
	for (u32 i = 0; i < from->len; i++)
		entries_push(to, &from->at[i]);
	from->len = 0;
}

/* Gives the references back; on the owner's thread only, where versions are counted. */
static void entries_release(struct entries *entries)
{
	for (u32 i = 0; i < entries->len; i++)
		version_unref(entries->at[i].version);
	free(entries->at);
	*entries = (struct entries){ 0 };
}

/* ---- the writer's thread */

static void checkpoint(struct log_sqlite *sqlite)
{
	monitor_leave(sqlite->monitor);
	bool done = database_checkpoint(sqlite->database);

	monitor_enter(sqlite->monitor);
	sqlite->stats.checkpoints += done;
}

/* Inside the monitor. Waits for entries; false when it is time to stop. */
static bool next_batch(struct log_sqlite *sqlite, struct entries *batch)
{
	for (;;) {
		u32 pages = database_wal_pages(sqlite->database);

		if (sqlite->stopping)
			return false;
		if (pages >= CHECKPOINT_PAGES_MAX) {
			checkpoint(sqlite);
		} else if (sqlite->queue.len && !sqlite->failed) {
			entries_move(batch, &sqlite->queue);
			return true;
		} else if (sqlite->low) {
			monitor_leave(sqlite->monitor);
			sqlite->low = !database_has_room(sqlite->database);
			monitor_enter(sqlite->monitor);
			if (sqlite->low && !sqlite->queue.len && !sqlite->stopping)
				monitor_wait(sqlite->monitor, LOW_TRY_MS);
		} else if (pages < CHECKPOINT_PAGES) {
			monitor_wait(sqlite->monitor, -1);
		} else if (!monitor_wait(sqlite->monitor, CHECKPOINT_IDLE_MS) &&
			   !sqlite->queue.len && !sqlite->stopping) {
			checkpoint(sqlite);
		}
	}
}

static void writer(void *self)
{
	struct log_sqlite *sqlite = self;
	struct entries batch = { 0 };

	monitor_enter(sqlite->monitor);
	while (next_batch(sqlite, &batch)) {
		struct error error = ERROR_INIT;
		u32 len = batch.len;

		sqlite->busy = true;
		monitor_leave(sqlite->monitor);
		enum status status = database_commit(sqlite->database, batch.at, len, &error);

		bool first = status == ST_NO_SPACE && !sqlite->low;

		if (first) {
			database_spend_reserve(sqlite->database);
			sqlite->low = true;
		}

		monitor_enter(sqlite->monitor);
		sqlite->busy = false;
		sqlite->stats.commits += status == ST_OK;
		sqlite->stats.entries += status == ST_OK ? len : 0;
		sqlite->stats.failures += status != ST_OK;
		if (status) {
			sqlite->failed = true;
			sqlite->failure = error;
		}
		entries_move(status ? &sqlite->dropped : &sqlite->decided, &batch);
		monitor_wake(sqlite->monitor);
		monitor_leave(sqlite->monitor);
		sqlite->notify(sqlite->notify_self);
		monitor_enter(sqlite->monitor);
		/* Folding it in lets the write-ahead log be written from its beginning again: on a
		 * full disk, removals then need no new room. */
		if (status == ST_NO_SPACE && !first) /* the reserve is for removals, not for this */
			checkpoint(sqlite);
	}
	monitor_leave(sqlite->monitor);
	CHECK(!batch.len);
	free(batch.at);
}

/* ---- the owner's thread */

static enum status sqlite_load(struct log *log, const struct log_reader *reader, u64 *ret_revision,
			       struct error *error)
{
	return database_load(sqlite_of(log)->database, reader, ret_revision, error);
}

static void sqlite_append(struct log *log, const struct log_entry *entry)
{
	struct log_sqlite *sqlite = sqlite_of(log);

	version_ref(entry->version);
	monitor_enter(sqlite->monitor);
	entries_push(&sqlite->queue, entry);
	/* A busy writer looks by itself when it is done. */
	if (sqlite->queue.len == 1 && !sqlite->busy)
		monitor_wake(sqlite->monitor);
	monitor_leave(sqlite->monitor);
}

/* Takes the next thing to report: decided entries first, then the failure behind them, together
 * with all that was queued since. False when there is nothing. */
static bool take_report(struct log_sqlite *sqlite, struct entries *entries, bool *ret_failed,
			struct error *failure)
{
	*ret_failed = false;
	monitor_enter(sqlite->monitor);
	if (sqlite->decided.len) {
		entries_move(entries, &sqlite->decided);
	} else if (sqlite->failed) {
		entries_move(entries, &sqlite->dropped);
		entries_move(entries, &sqlite->queue);
		*failure = sqlite->failure;
		*ret_failed = true;
		sqlite->failed = false;
		monitor_wake(sqlite->monitor);
	}
	monitor_leave(sqlite->monitor);
	return *ret_failed || entries->len;
}

static void sqlite_poll(struct log *log)
{
	struct log_sqlite *sqlite = sqlite_of(log);
	struct entries entries = { 0 };
	struct error failure;
	bool failed;

	while (take_report(sqlite, &entries, &failed, &failure)) {
		const struct log_events *events = &log->events;

		if (failed && events->failed)
			events->failed(events->self, &failure);
		else if (!failed && events->committed)
			events->committed(events->self, entries.at, entries.len);
		entries_release(&entries);
	}
}

static void sqlite_wait(struct log *log)
{
	struct log_sqlite *sqlite = sqlite_of(log);
	bool waiting = true;

	while (waiting) {
		monitor_enter(sqlite->monitor);
		while (!sqlite->failed && (sqlite->busy || sqlite->queue.len))
			monitor_wait(sqlite->monitor, -1);
		monitor_leave(sqlite->monitor);
		sqlite_poll(log);
		/* What was reported may have led to new entries. */
		monitor_enter(sqlite->monitor);
		waiting = sqlite->failed || sqlite->busy || sqlite->queue.len;
		monitor_leave(sqlite->monitor);
	}
}

static void sqlite_close(struct log *log)
{
	struct log_sqlite *sqlite = sqlite_of(log);

	monitor_enter(sqlite->monitor);
	sqlite->stopping = true;
	monitor_wake(sqlite->monitor);
	monitor_leave(sqlite->monitor);
	thread_join(sqlite->thread);
	entries_release(&sqlite->queue);
	entries_release(&sqlite->decided);
	entries_release(&sqlite->dropped);
	database_close(sqlite->database);
	monitor_free(sqlite->monitor);
	free(sqlite);
}

static bool sqlite_low(struct log *log)
{
	return sqlite_of(log)->low;
}

struct log_sqlite_stats log_sqlite_stats(const struct log *log)
{
	struct log_sqlite *sqlite = sqlite_of(log);

	monitor_enter(sqlite->monitor);
	struct log_sqlite_stats stats = sqlite->stats;

	monitor_leave(sqlite->monitor);
	return stats;
}

enum status log_sqlite_rotate(struct log *log, struct error *error)
{
	return database_rotate(sqlite_of(log)->database, error);
}

enum status log_sqlite_open(const char *directory, void (*notify)(void *self), void *self,
			    struct log **ret_log, struct error *error)
{
	static const struct log_ops ops = { sqlite_load, sqlite_append, sqlite_poll,
					    sqlite_wait, sqlite_close,	sqlite_low };
	struct database *database;
	enum status status = database_open(directory, &database, error);

	if (status)
		return status;
	struct log_sqlite *sqlite = calloc(1, sizeof *sqlite);

	CHECK(sqlite);
	sqlite->log.ops = &ops;
	sqlite->database = database;
	sqlite->notify = notify;
	sqlite->notify_self = self;
	sqlite->monitor = monitor_new();
	sqlite->low = !database_has_room(database);
	status = thread_start("minke-log", writer, sqlite, &sqlite->thread, error);
	if (status) {
		sqlite_close(&sqlite->log);
		return status;
	}
	*ret_log = &sqlite->log;
	return ST_OK;
}
