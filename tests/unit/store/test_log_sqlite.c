/* The log on disk: what comes back, and every way a data directory can be unusable. */
#include "store_unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/log_sqlite.h"
#include "sys/file.h"

static char directory[64];

static int make_directory(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/minke-store-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	struct error error = ERROR_INIT;

	(void)state;
	return file_remove_tree(directory, &error) ? -1 : 0;
}

static void no_notify(void *self)
{
	(void)self;
}

static struct log *open_log(void)
{
	struct log *log;
	struct error error = ERROR_INIT;

	if (log_sqlite_open(directory, no_notify, NULL, &log, &error))
		fail_msg("%s", error.message);
	return log;
}

/* The sentence with which opening fails. */
static struct str open_fails(struct arena *arena, enum status expected)
{
	struct log *log = NULL;
	struct error error = ERROR_INIT;
	enum status status = log_sqlite_open(directory, no_notify, NULL, &log, &error);

	if (!status) { /* what a look from outside does not show, loading does */
		struct store *store = store_new_kinds(test_kinds, TEST_KINDS, log, &test_clock);

		status = store_open(store, &error);
		store_free(store);
		log_close(log);
	}
	assert_int_equal(status, expected);
	return str_copy(arena, str_of(error.message));
}

static const char *file_path(const char *name)
{
	static char path[128];

	snprintf(path, sizeof path, "%s/%s", directory, name);
	return path;
}

static void settle(struct store *store, struct log *log)
{
	log_wait(log);
	assert_int_equal(store_durable(store), store_revision(store));
}

static void write_some(u32 count)
{
	struct log *log = open_log();
	struct store *store = test_store(log);
	struct error error = ERROR_INIT;
	char name[32];

	for (u32 i = 0; i < count; i++) {
		snprintf(name, sizeof name, "object-%u", i);
		test_put(store, CONFIGS, "n", name, "some text that is easy to find again");
	}
	assert_int_equal(store_flush(store, &error), ST_OK);
	store_free(store);
	log_close(log);
}

static void execute(const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(file_path("minke.db"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void brings_back_what_was_written(void **state)
{
	(void)state;
	struct log *log = open_log();
	struct store *store = test_store(log);
	struct error error = ERROR_INIT;

	test_put(store, CONFIGS, "n", "a", "1");
	test_put(store, CONFIGS, "n", "b", "quotes \" and \xc3\xa4 and \n");
	test_put(store, PODS, "n", "a", "2");
	test_put(store, CONFIGS, "n", "a", "3");
	test_put(store, CONFIGS, "n", "gone", "4");
	test_remove(store, CONFIGS, "n", "gone");
	test_put(store, LEASES, "n", "lazy", "5");
	assert_int_equal(store_flush(store, &error), ST_OK);
	assert_int_equal(store_durable(store), 7);
	store_free(store);
	log_close(log);

	log = open_log();
	store = test_store(log);
	assert_int_equal(store_revision(store), 7);
	assert_str(test_data(store, CONFIGS, "n", "a"), "3");
	assert_int_equal(store_get(store, CONFIGS, STR("n"), STR("a"))->revision, 4);
	assert_str(test_data(store, CONFIGS, "n", "b"), "quotes \" and \xc3\xa4 and \n");
	assert_str(test_data(store, PODS, "n", "a"), "2");
	assert_str(test_data(store, CONFIGS, "n", "gone"), "-");
	assert_str(test_data(store, LEASES, "n", "lazy"), "5");
	test_remove(store, CONFIGS, "n", "a");
	settle(store, log);
	store_free(store);
	log_close(log);

	log = open_log();
	store = test_store(log);
	assert_str(test_data(store, CONFIGS, "n", "a"), "-");
	assert_true(store_revision(store) >= 8);
	store_free(store);
	log_close(log);
	struct stat status;

	assert_int_equal(stat(file_path("minke.db"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_false(file_exists(file_path("minke.db-wal")));
}

static void says_who_holds_the_directory(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	struct log *log = open_log();

	assert_str(open_fails(arena, ST_CONFLICT),
		   str_c(arena, str_format(arena,
					   "the data directory %s is in use by another minke "
					   "(process %d)",
					   directory, (int)getpid())));
	log_close(log);
	log_close(open_log());
	arena_free(arena);
}

static void refuses_a_newer_format(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);

	write_some(3);
	execute("PRAGMA user_version = 3");
	assert_str(open_fails(arena, ST_INVALID),
		   str_c(arena, str_format(arena,
					   "%s/minke.db was written by a newer minke (format 3; "
					   "this one knows 2)",
					   directory)));
	execute("PRAGMA user_version = 1"); /* an older one is taken along */
	log_close(open_log());
	arena_free(arena);
}

static void refuses_what_is_not_ours(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	struct error error = ERROR_INIT;

	execute("CREATE TABLE theirs (x)");
	assert_true(str_ends(open_fails(arena, ST_INVALID), STR("is not a database of minke")));
	assert_int_equal(file_write(file_path("minke.db"), STR("a shopping list\n"), 0600, &error),
			 ST_OK);
	assert_true(str_ends(open_fails(arena, ST_INVALID),
			     STR("is damaged or not a database of minke")));
	arena_free(arena);
}

static void refuses_a_path_that_is_no_directory(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	char before[sizeof directory];
	struct error error = ERROR_INIT;

	strcpy(before, directory);
	strcat(directory, "/file");
	assert_int_equal(file_write(directory, STR("x"), 0600, &error), ST_OK);
	struct log *log;
	enum status status = log_sqlite_open(directory, no_notify, NULL, &log, &error);

	strcpy(directory, before);
	assert_int_not_equal(status, ST_OK);
	assert_true(error.message[0]);
	arena_free(arena);
}

/* A changed byte anywhere is found or harmless: nothing false is ever loaded. */
static void finds_damage(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	struct error error = ERROR_INIT;
	struct str whole;
	u32 found = 0;

	write_some(40);
	assert_int_equal(file_read(arena, file_path("minke.db"), 1 << 20, &whole, &error), ST_OK);
	for (size_t at = 37; at < whole.len; at += whole.len / 60) {
		char *copy = arena_copy(arena, whole.at, whole.len);
		struct log *log = NULL;
		struct store *store = NULL;

		copy[at] ^= 0x11;
		error_clear(&error);
		assert_int_equal(file_write(file_path("minke.db"), (struct str){ copy, whole.len },
					    0600, &error),
				 ST_OK);
		enum status status = log_sqlite_open(directory, no_notify, NULL, &log, &error);

		if (!status) {
			store = store_new_kinds(test_kinds, TEST_KINDS, log, &test_clock);
			status = store_open(store, &error);
		}
		if (status) {
			found++;
			assert_int_equal(status, ST_INVALID);
			assert_true(str_find(str_of(error.message), STR("minke.db")) >= 0);
		} else {
			assert_int_equal(store_count(store, CONFIGS), 40);
			for (u32 i = 0; i < 40; i++) {
				char name[32];

				snprintf(name, sizeof name, "object-%u", i);
				assert_str(test_data(store, CONFIGS, "n", name),
					   "some text that is easy to find again");
			}
		}
		store_free(store);
		log_close(log);
	}
	assert_true(found > 10);
	arena_free(arena);
}

static void survives_a_torn_end(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);

	write_some(100);
	assert_int_equal(truncate(file_path("minke.db"), 8192), 0);
	assert_true(str_find(open_fails(arena, ST_INVALID), STR("is damaged")) >= 0);
	arena_free(arena);
}

static void loads_a_row_mended_by_hand(void **state)
{
	(void)state;
	write_some(3);
	execute("UPDATE object SET sum = NULL, json = replace(json, 'easy', 'hard')"
		" WHERE name = 'object-1'");
	struct log *log = open_log();
	struct store *store = test_store(log);

	assert_str(test_data(store, CONFIGS, "n", "object-1"),
		   "some text that is hard to find again");
	store_free(store);
	log_close(log);
}

static void note_failure(struct store_wait *wait, enum status status, const struct error *error)
{
	(void)error;
	wait->revision = status;
}

/* A limit on the size of files stands for the full disk. */
static void gives_way_when_the_disk_is_full(void **state)
{
	(void)state;
	struct log *log = open_log();
	struct store *store = test_store(log);
	struct arena *arena = arena_new(0);
	struct error error = ERROR_INIT;
	struct rlimit before, tight = { 256 << 10, RLIM_INFINITY };
	char text[4096], name[32];
	u32 kept = 0;

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = 0;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	struct store_wait wait = { .done = note_failure };

	for (;; kept++) {
		snprintf(name, sizeof name, "object-%u", kept);
		test_put(store, CONFIGS, "n", name, text);
		wait.revision = store_revision(store);
		store_wait(store, &wait);
		log_wait(log);
		if (wait.revision != ST_OK)
			break;
		assert_true(kept < 200);
	}
	assert_int_equal(wait.revision, ST_NO_SPACE);
	assert_int_equal(store_count(store, CONFIGS), kept);
	assert_str(test_data(store, CONFIGS, "n", name), "-");
	assert_int_equal(store_put(store, CONFIGS, STR("n"), STR("a"),
				   test_object(arena, "n", "a", text), NULL, &error),
			 ST_NO_SPACE);
	assert_non_null(strstr(error.message, "the disk is full"));
	/* Reads go on; with room again, so do writes. */
	assert_str(test_data(store, CONFIGS, "n", "object-0"), text);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	test_now_ns += 2 * NS_PER_S;
	for (u32 i = 0; log_low(log) && i < 300; i++) /* looked at once a second */
		usleep(10 * 1000);
	test_put(store, CONFIGS, "n", "after", "1");
	settle(store, log);
	store_free(store);
	log_close(log);
	log = open_log();
	store = test_store(log);
	assert_int_equal(store_count(store, CONFIGS), kept + 1);
	store_free(store);
	log_close(log);
	arena_free(arena);
}

static void folds_the_log_in_by_itself_and_then_rests(void **state)
{
	(void)state;
	struct log *log = open_log();
	struct store *store = test_store(log);
	char text[4096], name[32];

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = 0;
	for (u32 i = 0; i < 1200; i++) {
		snprintf(name, sizeof name, "object-%u", i);
		test_put(store, CONFIGS, "n", name, text);
	}
	settle(store, log);
	for (u32 i = 0; i < 200 && !log_sqlite_stats(log).checkpoints; i++)
		usleep(10000);
	struct log_sqlite_stats stats = log_sqlite_stats(log);

	assert_int_equal(stats.checkpoints, 1);
	for (u32 i = 0; i < 100; i++)
		test_put(store, LEASES, "n", "lease", "1");
	usleep(300000);
	assert_int_equal(log_sqlite_stats(log).commits, stats.commits);
	assert_int_equal(log_sqlite_stats(log).checkpoints, 1);
	store_free(store);
	log_close(log);
}

#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_DISK(brings_back_what_was_written),
		ON_DISK(says_who_holds_the_directory),
		ON_DISK(refuses_a_newer_format),
		ON_DISK(refuses_what_is_not_ours),
		ON_DISK(refuses_a_path_that_is_no_directory),
		ON_DISK(finds_damage),
		ON_DISK(survives_a_torn_end),
		ON_DISK(loads_a_row_mended_by_hand),
		ON_DISK(gives_way_when_the_disk_is_full),
		ON_DISK(folds_the_log_in_by_itself_and_then_rests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
