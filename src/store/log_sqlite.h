/*
 * The log on one machine: a SQLite database DIR/minke.db in WAL mode, synchronous=FULL, written by
 * one thread that commits whatever has gathered while the last commit was under way.
 */
#ifndef STORE_LOG_SQLITE_H
#define STORE_LOG_SQLITE_H

#include "store/log.h"

/*
 * Opens (makes, if there is none) the database in `directory` and locks the directory until
 * log_close(). `notify` is called from the writing thread when log_poll() has something to
 * deliver; it must only hand a message to the thread that owns the log.
 *
 * Secrets are sealed with the key in DIR/secrets.key, made when there is none. What an earlier
 * version wrote as it is gets sealed while it is loaded.
 *
 * Errors, each one sentence: ST_NOT_FOUND or ST_INVALID that key is missing or not the right one;
 * ST_CONFLICT the directory is in use (and by which process);
 * ST_INVALID a newer format, a damaged file or none of ours; ST_NO_SPACE; ST_FORBIDDEN or
 * ST_INTERNAL the directory cannot be used.
 */
MUST_USE enum status log_sqlite_open(const char *directory, void (*notify)(void *self), void *self,
				     struct log **ret_log, struct error *error);

/* Gives the Secrets a new key; loading, which must come next, seals them with it and drops the old
 * ones. A crash in between only leaves several keys in DIR/secrets.key until the next start. */
MUST_USE enum status log_sqlite_rotate(struct log *log, struct error *error);

/* What the log has written since it was opened, for /metrics. */
struct log_sqlite_stats {
	u64 commits, entries, failures, checkpoints;
};
struct log_sqlite_stats log_sqlite_stats(const struct log *log);

#endif
