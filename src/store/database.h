/*
 * The file DIR/minke.db: SQLite in WAL mode, one row an object, and the lock on its directory.
 * Used by one thread at a time. Private to the store.
 */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include "store/log.h"

struct database;

/* As log_sqlite_open() says. */
MUST_USE enum status database_open(const char *directory, struct database **ret_database,
				   struct error *error);
void database_close(struct database *database); /* folds the write-ahead log in; NULL is fine */

/* Before loading: a new key for the Secrets, which loading seals with it. */
MUST_USE enum status database_rotate(struct database *database, struct error *error);

MUST_USE enum status database_load(struct database *database, const struct log_reader *reader,
				   u64 *ret_revision, struct error *error);

/* Writes all entries as one transaction and syncs it. On failure nothing of it is written. */
MUST_USE enum status database_commit(struct database *database, const struct log_entry *entries,
				     u32 len, struct error *error);

/*
 * A file of the data directory holds room back for a full disk: given up, it lets what is deleted
 * be written. Is there room, again, for everything? (The reserve is made anew, or the database has
 * as much inside.)
 */
bool database_has_room(struct database *database);
void database_spend_reserve(struct database *database);

/* Pages written into the write-ahead log since the last checkpoint. */
u32 database_wal_pages(const struct database *database);
/* Writes the log's pages into the database. False when that failed; nothing is lost then. */
bool database_checkpoint(struct database *database);

#endif
