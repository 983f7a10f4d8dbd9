/*
 * The format, number 1 (in user_version; application_id says that the file is ours):
 *
 *	object(row, kind, namespace, name, revision, json, sum): one row an object
 *	meta(key, value): "reserved" is a revision
 *
 * `row` is the object's number in memory and the only index on disk, so new objects are appended
 * and a change touches one page: memory finds things, the file only remembers them. `sum` guards a
 * row against what SQLite cannot see (a flipped bit, a stale sector); NULL, as left by someone who
 * mends a row by hand, is taken without it. "reserved" is written before revisions up to it are
 * given out.
 */
#include "store/database.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "store/secret_keys.h"
#include "sys/file.h"

enum {
	FORMAT = 2,		     /* 1: Secrets lay there as they are */
	APPLICATION_ID = 0x6d696e6b, /* "mink" */
	CHECK_WHOLE_PAGES = 4096,    /* up to 16 MiB the whole file is checked at the start */
	RESERVE_BYTES = 1 << 20,
	PAGE_BYTES = 4096,
	BUSY_MS = 5000, /* for someone who looks at the file with SQLite's tools */
};

struct database {
	sqlite3 *db;
	sqlite3_stmt *begin, *commit, *put, *remove, *reserve;
	int lock;
	u32 wal_pages;	/* in the write-ahead log, since it was last begun anew */
	u32 wal_folded; /* of these, what was there at the last checkpoint */
	char *path, *reserve_path;
	struct secret_keys *keys;
	struct arena *scratch; /* of one commit */
};

/* ---- errors */

/* The kernel's number behind an I/O error: of the database file or of its write-ahead log. */
static int last_errno(sqlite3 *db)
{
	static const int which[] = { SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER };
	int number = sqlite3_system_errno(db);

	for (u32 i = 0; !number && i < ARRAY_LEN(which); i++) {
		sqlite3_file *file = NULL;

		sqlite3_file_control(db, "main", which[i], &file);
		if (file && file->pMethods)
			file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &number);
	}
	return number;
}

/* One sentence for what SQLite reports. */
static enum status fail_sqlite(struct database *database, int code, const char *doing,
			       struct error *error)
{
	int number = database->db ? last_errno(database->db) : 0;
	enum status status = number ? file_errno_status(number) : ST_INTERNAL;
	const char *why = database->db ? sqlite3_errmsg(database->db) : sqlite3_errstr(code);

	switch (code & 0xff) {
	case SQLITE_FULL:
		return fail(error, ST_NO_SPACE, "%s %s: the disk is full", doing, database->path);
	case SQLITE_CORRUPT:
		return fail(error, ST_INVALID, "%s is damaged (%s); put a backup in its place",
			    database->path, why);
	case SQLITE_NOTADB:
		return fail(error, ST_INVALID, "%s is damaged or not a database of minke",
			    database->path);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return fail(error, ST_UNAVAILABLE, "%s %s: another program has locked it", doing,
			    database->path);
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return fail(error, ST_FORBIDDEN, "%s %s: it may not be written", doing,
			    database->path);
	default:
		/* A limit on file sizes is a full disk too. */
		if (number == EFBIG || status == ST_NO_SPACE)
			return fail(error, ST_NO_SPACE, "%s %s: the disk is full", doing,
				    database->path);
		return fail(error, status ? status : ST_INTERNAL, "%s %s: %s%s%s", doing,
			    database->path, why, number ? ": " : "",
			    number ? strerror(number) : "");
	}
}

static enum status execute(struct database *database, const char *sql, const char *doing,
			   struct error *error)
{
	int code = sqlite3_exec(database->db, sql, NULL, NULL, NULL);

	return code ? fail_sqlite(database, code, doing, error) : ST_OK;
}

/* The one number that a statement yields; 0 when it yields none. */
static enum status ask(struct database *database, const char *sql, i64 *ret_value,
		       struct error *error)
{
	sqlite3_stmt *statement = NULL;
	i64 value = 0;
	int code = sqlite3_prepare_v2(database->db, sql, -1, &statement, NULL);

	if (!code) {
		code = sqlite3_step(statement);
		if (code == SQLITE_ROW)
			value = sqlite3_column_int64(statement, 0);
	}
	sqlite3_finalize(statement);
	if (code && code != SQLITE_ROW && code != SQLITE_DONE)
		return fail_sqlite(database, code, "reading", error);
	*ret_value = value;
	return ST_OK;
}

/* ---- opening */

static enum status lock_directory(struct database *database, struct arena *arena,
				  const char *directory, struct error *error)
{
	const char *path = str_c(arena, str_format(arena, "%s/lock", directory));
	struct error ignored = ERROR_INIT, why = ERROR_INIT;
	struct str holder = STR_NONE;
	enum status status = file_mkdir_all(directory, 0700, error);

	if (status)
		return status;
	status = file_lock(path, &database->lock, &why);
	if (!status) {
		/* For whoever finds it locked; not worth failing for. */
		struct str text = str_format(arena, "%-10d\n", (int)getpid());

		if (file_write_fd(database->lock, text, &ignored))
			log_debug("store", "lock file not written error=\"%s\"", ignored.message);
		return ST_OK;
	}
	database->lock = -1;
	if (status != ST_CONFLICT)
		return fail(error, status, "%s", why.message);
	if (file_read(arena, path, 64, &holder, &ignored) || !str_trim(holder).len)
		holder = STR("?");
	return fail(error, ST_CONFLICT,
		    "the data directory %s is in use by another minke (process " STR_FMT ")",
		    directory, STR_ARG(str_trim(holder)));
}

static enum status make_tables(struct database *database, struct error *error)
{
	char sql[1024];

	snprintf(sql, sizeof sql,
		 "BEGIN IMMEDIATE;"
		 "CREATE TABLE object (row INTEGER PRIMARY KEY, kind TEXT NOT NULL,"
		 " namespace TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL,"
		 " json TEXT NOT NULL, sum INTEGER) STRICT;"
		 "CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;"
		 "INSERT INTO meta VALUES ('reserved', 0);"
		 "PRAGMA application_id = %d;"
		 "PRAGMA user_version = %d;"
		 "COMMIT;",
		 APPLICATION_ID, FORMAT);
	return execute(database, sql, "making", error);
}

/* Ours, of a format we know, and whole, as far as a quick look can tell. */
static enum status check_file(struct database *database, bool *ret_empty, bool *ret_older,
			      struct error *error)
{
	i64 id = 0, format = 0, tables = 0, pages = 0;
	enum status status = ask(database, "PRAGMA application_id", &id, error);

	if (!status)
		status = ask(database, "PRAGMA user_version", &format, error);
	if (!status)
		status = ask(database, "SELECT count(*) FROM sqlite_schema", &tables, error);
	if (!status)
		status = ask(database, "PRAGMA page_count", &pages, error);
	if (status)
		return status;
	*ret_empty = !id && !tables;
	*ret_older = !*ret_empty && format < FORMAT;
	if (*ret_empty)
		return ST_OK;
	if (id != APPLICATION_ID)
		return fail(error, ST_INVALID, "%s is not a database of minke", database->path);
	if (format > FORMAT)
		return fail(error, ST_INVALID,
			    "%s was written by a newer minke (format %lld; this one knows %d)",
			    database->path, (long long)format, FORMAT);
	i64 whole = 1;

	if (pages <= CHECK_WHOLE_PAGES)
		status = ask(database, "SELECT quick_check = 'ok' FROM pragma_quick_check(1)",
			     &whole, error);
	if (!status && !whole)
		status = fail(error, ST_INVALID,
			      "%s is damaged (its pages contradict each other); put a backup in "
			      "its place",
			      database->path);
	return status;
}

static int note_wal(void *self, sqlite3 *db, const char *name, int pages)
{
	struct database *database = self;

	(void)db;
	(void)name;
	database->wal_pages = (u32)pages;
	database->wal_folded = MIN(database->wal_folded, (u32)pages);
	return SQLITE_OK;
}

static enum status prepare(struct database *database, struct error *error)
{
	static const char put[] =
		"INSERT INTO object (row, kind, namespace, name, revision, json, sum)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (row) DO UPDATE SET"
		" revision = excluded.revision, json = excluded.json, sum = excluded.sum";
	const struct {
		sqlite3_stmt **statement;
		const char *sql;
	} all[] = {
		{ &database->begin, "BEGIN IMMEDIATE" },
		{ &database->commit, "COMMIT" },
		{ &database->put, put },
		{ &database->remove, "DELETE FROM object WHERE row = ?1" },
		{ &database->reserve, "UPDATE meta SET value = ?1 WHERE key = 'reserved'" },
	};

	for (u32 i = 0; i < ARRAY_LEN(all); i++) {
		int code = sqlite3_prepare_v3(database->db, all[i].sql, -1,
					      SQLITE_PREPARE_PERSISTENT, all[i].statement, NULL);

		if (code)
			return fail_sqlite(database, code, "opening", error);
	}
	return ST_OK;
}

static enum status open_file(struct database *database, struct error *error)
{
	static const char settings[] = "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
				       "PRAGMA cache_size = -512; PRAGMA temp_store = MEMORY;";
	static const char durability[] =
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		"PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 16777216;";
	char set_format[64];
	int made = -1;
	bool empty, older = false;

	snprintf(set_format, sizeof set_format, "PRAGMA user_version = %d", FORMAT);
	/* Locking it is a way to have it made with mode 0600; SQLite's own files follow suit. */
	enum status status = file_lock(database->path, &made, error);

	if (status)
		return status;
	file_close_cleanup(&made);
	int code = sqlite3_open_v2(database->path, &database->db,
				   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	if (code)
		return fail_sqlite(database, code, "opening", error);
	sqlite3_extended_result_codes(database->db, 1);
	sqlite3_busy_timeout(database->db, BUSY_MS);
	status = execute(database, settings, "opening", error);
	if (!status)
		status = check_file(database, &empty, &older, error);
	if (!status)
		status = execute(database, durability, "opening", error);
	if (!status && empty)
		status = make_tables(database, error);
	if (!status && older) /* what is written from now on, an older minke cannot read */
		status = execute(database, set_format, "opening", error);
	if (!status)
		status = prepare(database, error);
	sqlite3_wal_hook(database->db, note_wal, database);
	return status;
}

/* A lost key must not be hidden by a new one: what was sealed with it would be lost too. */
static enum status open_keys(struct database *database, const char *directory, struct error *error)
{
	i64 sealed = 0;
	enum status status = ask(database,
				 "SELECT count(*) FROM (SELECT 1 FROM object WHERE kind = 'secrets'"
				 " AND json LIKE 'sealed:%' LIMIT 1)",
				 &sealed, error);

	return status ? status : secret_keys_open(directory, !sealed, &database->keys, error);
}

enum status database_open(const char *directory, struct database **ret_database,
			  struct error *error)
{
	CLEANUP(arena_free_cleanup) struct arena *arena = arena_new(0);
	struct database *database = calloc(1, sizeof *database);

	CHECK(database);
	database->scratch = arena_new(0);
	database->path = malloc(strlen(directory) + sizeof "/minke.db");
	CHECK(database->path);
	sprintf(database->path, "%s/minke.db", directory);
	database->reserve_path = malloc(strlen(directory) + sizeof "/reserve");
	CHECK(database->reserve_path);
	sprintf(database->reserve_path, "%s/reserve", directory);
	enum status status = lock_directory(database, arena, directory, error);

	if (!status)
		status = open_file(database, error);
	if (!status)
		status = open_keys(database, directory, error);
	if (status) {
		database_close(database);
		return status;
	}
	*ret_database = database;
	return ST_OK;
}

enum status database_rotate(struct database *database, struct error *error)
{
	return secret_keys_rotate(database->keys, error);
}

void database_close(struct database *database)
{
	if (!database)
		return;
	sqlite3_finalize(database->begin);
	sqlite3_finalize(database->commit);
	sqlite3_finalize(database->put);
	sqlite3_finalize(database->remove);
	sqlite3_finalize(database->reserve);
	/* The last connection to close folds the write-ahead log in and removes it. */
	int code = sqlite3_close(database->db);

	CHECK(code == SQLITE_OK);
	file_close_cleanup(&database->lock);
	secret_keys_free(database->keys);
	arena_free(database->scratch);
	free(database->path);
	free(database->reserve_path);
	free(database);
}

/* ---- rows */

/* Not for strangers' bytes: it finds accidents. */
static u64 mix(u64 sum, struct str s)
{
	size_t i = 0;
	u64 word;

	for (; i + sizeof word <= s.len; i += sizeof word) {
		memcpy(&word, s.at + i, sizeof word);
		sum = (sum ^ word) * 0x9E3779B97F4A7C15u;
		sum ^= sum >> 29;
	}
	word = s.len; /* so that pieces cannot trade bytes */
	for (; i < s.len; i++)
		word = word << 8 | (u8)s.at[i];
	sum = (sum ^ word) * 0x9E3779B97F4A7C15u;
	return sum ^ sum >> 29;
}

static i64 row_sum(const struct log_row *row)
{
	u64 sum = mix(row->row * 31 + row->revision, row->kind);

	return (i64)mix(mix(mix(sum, row->namespace), row->name), row->json);
}

static struct str column_str(sqlite3_stmt *statement, int column)
{
	const void *text = sqlite3_column_text(statement, column);

	return (struct str){ text, (size_t)sqlite3_column_bytes(statement, column) };
}

/* Rows whose secrets are plain, or sealed with a key of before: to be written anew. */
struct stale {
	VEC(struct log_row) rows;
	struct arena *arena;
};

static void note_stale(struct stale *stale, const struct log_row *row)
{
	struct log_row copy = *row;

	copy.kind = str_copy(stale->arena, row->kind);
	copy.namespace = str_copy(stale->arena, row->namespace);
	copy.name = str_copy(stale->arena, row->name);
	copy.json = str_copy(stale->arena, row->json);
	VEC_PUSH(stale->arena, &stale->rows, copy);
}

static enum status read_row(struct database *database, sqlite3_stmt *statement,
			    const struct log_reader *reader, u64 *revision, struct stale *stale,
			    struct error *error)
{
	struct log_row row = {
		.row = (u64)sqlite3_column_int64(statement, 0),
		.kind = column_str(statement, 1),
		.namespace = column_str(statement, 2),
		.name = column_str(statement, 3),
		.revision = (u64)sqlite3_column_int64(statement, 4),
		.json = column_str(statement, 5),
	};
	enum status status = ST_OK;
	bool old = false;

	*revision = MAX(*revision, row.revision);
	if (sqlite3_column_type(statement, 6) != SQLITE_NULL &&
	    sqlite3_column_int64(statement, 6) != row_sum(&row))
		return fail(error, ST_INVALID,
			    "%s is damaged (row %llu is not what was written); put a backup in "
			    "its place",
			    database->path, (unsigned long long)row.row);
	if (secret_kind(row.kind))
		status = secret_unseal(database->scratch, database->keys, row.namespace, row.name,
				       row.json, &row.json, &old, error);
	if (status)
		return status;
	if (old)
		note_stale(stale, &row);
	status = reader->row(reader->self, &row, error);
	if (status)
		fail_within(error, "%s", database->path);
	arena_reset(database->scratch);
	return status;
}

static enum status seal_stale(struct database *database, const struct stale *stale,
			      struct error *error);

enum status database_load(struct database *database, const struct log_reader *reader,
			  u64 *ret_revision, struct error *error)
{
	CLEANUP(arena_free_cleanup) struct arena *arena = arena_new(0);
	struct stale stale = { .arena = arena };
	sqlite3_stmt *statement = NULL;
	i64 reserved;
	enum status status =
		ask(database, "SELECT value FROM meta WHERE key = 'reserved'", &reserved, error);

	if (status)
		return status;
	u64 revision = (u64)MAX(reserved, 0);
	int code = sqlite3_prepare_v2(database->db,
				      "SELECT row, kind, namespace, name, revision, json, sum"
				      " FROM object",
				      -1, &statement, NULL);

	while (!status && !code && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		code = 0;
		status = read_row(database, statement, reader, &revision, &stale, error);
	}
	if (!status && code != SQLITE_DONE)
		status = fail_sqlite(database, code, "reading", error);
	sqlite3_finalize(statement);
	if (!status)
		status = seal_stale(database, &stale, error);
	if (!status)
		*ret_revision = revision;
	return status;
}

/* ---- writing */

static int run(sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);

	sqlite3_reset(statement);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

static void bind_str(sqlite3_stmt *statement, int place, struct str s)
{
	sqlite3_bind_text64(statement, place, s.at ? s.at : "", s.len, SQLITE_STATIC, SQLITE_UTF8);
}

static int put_row(struct database *database, struct log_row row)
{
	if (secret_kind(row.kind))
		row.json = secret_seal(database->scratch, database->keys, row.namespace, row.name,
				       row.json);
	sqlite3_bind_int64(database->put, 1, (i64)row.row);
	bind_str(database->put, 2, row.kind);
	bind_str(database->put, 3, row.namespace);
	bind_str(database->put, 4, row.name);
	sqlite3_bind_int64(database->put, 5, (i64)row.revision);
	bind_str(database->put, 6, row.json);
	sqlite3_bind_int64(database->put, 7, row_sum(&row));
	int code = run(database->put);

	arena_reset(database->scratch);
	return code;
}

static int write_entry(struct database *database, const struct log_entry *entry)
{
	const struct version *version = entry->version;

	if (entry->change == LOG_RESERVE) {
		sqlite3_bind_int64(database->reserve, 1, (i64)entry->revision);
		return run(database->reserve);
	}
	if (entry->change == LOG_REMOVE) {
		sqlite3_bind_int64(database->remove, 1, (i64)entry->row);
		return run(database->remove);
	}
	return put_row(database,
		       (struct log_row){ entry->row, entry->revision, entry->kind,
					 version->namespace, version->name, version->json });
}

/* Writes them sealed with the key in use, overwrites what lay there, and drops older keys. */
static enum status seal_stale(struct database *database, const struct stale *stale,
			      struct error *error)
{
	enum status status;
	int code;

	if (!stale->rows.len)
		return secret_keys_settle(database->keys, error);
	status = execute(database, "PRAGMA secure_delete = ON", "sealing Secrets in", error);
	if (status)
		return status;
	code = run(database->begin);
	for (u32 i = 0; !code && i < stale->rows.len; i++)
		code = put_row(database, stale->rows.at[i]);
	if (!code)
		code = run(database->commit);
	if (code) {
		status = fail_sqlite(database, code, "sealing Secrets in", error);
		if (!sqlite3_get_autocommit(database->db))
			sqlite3_exec(database->db, "ROLLBACK", NULL, NULL, NULL);
		return status;
	}
	/* The write-ahead log may hold them as they were. */
	(void)sqlite3_wal_checkpoint_v2(database->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	status = execute(database, "PRAGMA secure_delete = OFF", "sealing Secrets in", error);
	return status ? status : secret_keys_settle(database->keys, error);
}

enum status database_commit(struct database *database, const struct log_entry *entries, u32 len,
			    struct error *error)
{
	int code = run(database->begin);

	for (u32 i = 0; !code && i < len; i++)
		code = write_entry(database, &entries[i]);
	if (!code)
		code = run(database->commit);
	if (!code)
		return ST_OK;
	enum status status = fail_sqlite(database, code, "writing", error);

	if (!sqlite3_get_autocommit(database->db))
		sqlite3_exec(database->db, "ROLLBACK", NULL, NULL, NULL);
	return status;
}

/* ---- room */

/* Twice the reserve must be there before it is taken: a disk that only just holds it is full. */
bool database_has_room(struct database *database)
{
	struct error ignored = ERROR_INIT;
	i64 inside = 0;

	if (file_reserve(database->reserve_path, 2 * (u64)RESERVE_BYTES, &ignored) == ST_OK &&
	    file_reserve(database->reserve_path, RESERVE_BYTES, &ignored) == ST_OK)
		return true;
	database_spend_reserve(database);
	return ask(database, "PRAGMA freelist_count", &inside, &ignored) == ST_OK &&
	       inside * PAGE_BYTES >= RESERVE_BYTES;
}

void database_spend_reserve(struct database *database)
{
	struct error ignored = ERROR_INIT;

	if (file_remove(database->reserve_path, &ignored) != ST_OK)
		log_debug("store", "the reserve stays error=\"%s\"", ignored.message);
}

u32 database_wal_pages(const struct database *database)
{
	return database->wal_pages - database->wal_folded;
}

bool database_checkpoint(struct database *database)
{
	int code = sqlite3_wal_checkpoint_v2(database->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL,
					     NULL);

	/* After a whole one the next commit begins the log anew. Otherwise (someone reads an old
	 * state, the disk is full) the next try is after as many pages again. */
	database->wal_folded = database->wal_pages;
	return code == SQLITE_OK;
}
