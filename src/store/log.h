/*
 * What makes the store's memory durable, behind one small interface: SQLite (log_sqlite.h),
 * memory (log_memory.h), a simulated disk. The log keeps the last state of every object, one row
 * each.
 *
 * Entries are decided in the order they were appended: committed() hands over the next ones that
 * are now on disk; failed() says that everything appended since is not, will never be, and is
 * forgotten by the log. Both come from log_poll() on the thread that appends, or from log_append()
 * itself where the log needs no waiting.
 */
#ifndef STORE_LOG_H
#define STORE_LOG_H

#include "store/version.h"

enum log_change {
	LOG_PUT,     /* the row becomes this version */
	LOG_REMOVE,  /* the row goes; version is the tombstone */
	LOG_RESERVE, /* no row: revisions up to this one may be given out unwritten */
};

struct log_entry {
	enum log_change change;
	u64 row; /* the object's number, given by the store, for as long as it lives */
	u64 revision;
	struct str kind;	 /* "pods", "deployments.apps"; lives as long as the process */
	struct version *version; /* NULL with LOG_RESERVE */
};

/* One stored object, as load() finds it. The slices live until the call returns. */
struct log_row {
	u64 row, revision;
	struct str kind, namespace, name, json;
};

struct log_reader {
	/* A failure ends the load and becomes its result. */
	enum status (*row)(void *self, const struct log_row *row, struct error *error);
	void *self;
};

struct log_events {
	void (*committed)(void *self, const struct log_entry *entries, u32 len);
	void (*failed)(void *self, const struct error *error);
	void *self;
};

struct log;

struct log_ops {
	enum status (*load)(struct log *log, const struct log_reader *reader, u64 *ret_revision,
			    struct error *error);
	void (*append)(struct log *log, const struct log_entry *entry);
	void (*poll)(struct log *log);
	void (*wait)(struct log *log);
	void (*close)(struct log *log);
	bool (*low)(struct log *log); /* may be NULL */
};

/* The first member of every kind of log. */
struct log {
	const struct log_ops *ops;
	struct log_events events; /* set by the store before it appends */
};

/* Hands every stored object to the reader, in no order, and gives the highest revision that may
 * have been given out so far: the last LOG_RESERVE, or a row's if that is higher. */
MUST_USE static inline enum status log_load(struct log *log, const struct log_reader *reader,
					    u64 *ret_revision, struct error *error)
{
	return log->ops->load(log, reader, ret_revision, error);
}

/* Queues one entry and takes a reference to its version. Never waits for the disk. */
static inline void log_append(struct log *log, const struct log_entry *entry)
{
	log->ops->append(log, entry);
}

/* Delivers what was decided since the last call. Call it when the log's notify callback asked. */
static inline void log_poll(struct log *log)
{
	log->ops->poll(log);
}

/* Waits until every entry is decided, and delivers. For stopping, and for tests. */
static inline void log_wait(struct log *log)
{
	log->ops->wait(log);
}

/* There is no more room, but for a reserve: only what makes room should be written. */
static inline bool log_low(struct log *log)
{
	return log && log->ops->low && log->ops->low(log);
}

/* Drops what is undecided, releases the disk and frees the log. NULL is fine. */
static inline void log_close(struct log *log)
{
	if (log)
		log->ops->close(log);
}

#endif
