/* Secrets on disk: sealed, bound to their names, rotated, and lost with one clear sentence. */
#include "store_unit.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/log_sqlite.h"
#include "sys/file.h"
#include "sys/seal.h"

enum { SECRETS = CONFIGS, OTHERS = LEASES };

static const struct store_kind kinds[TEST_KINDS] = {
	[PODS] = { .name = STR_INIT("pods"), .pods = true },
	[SECRETS] = { .name = STR_INIT("secrets") },
	[OTHERS] = { .name = STR_INIT("configmaps") },
};

static const char hidden[] = "correct-horse-battery-staple";
static char directory[64];
static struct arena *arena;

static int make_directory(void **state)
{
	(void)state;
	arena = arena_new(0);
	strcpy(directory, "/tmp/minke-secrets-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	arena_free(arena);
	return file_remove_tree(directory, NULL) ? -1 : 0;
}

static void no_notify(void *self)
{
	(void)self;
}

static const char *path(const char *name)
{
	return str_format(arena, "%s/%s", directory, name).at;
}

static struct str content(const char *name)
{
	struct str text = STR_NONE;

	if (file_read(arena, path(name), 16 << 20, &text, NULL) != ST_OK)
		return STR_NONE;
	return text;
}

struct opened {
	struct log *log;
	struct store *store;
};

static enum status start(struct opened *o, bool rotate, struct error *error)
{
	enum status status = log_sqlite_open(directory, no_notify, NULL, &o->log, error);

	if (status)
		return status;
	if (rotate)
		assert_int_equal(log_sqlite_rotate(o->log, error), ST_OK);
	o->store = store_new_kinds(kinds, TEST_KINDS, o->log, &test_clock);
	status = store_open(o->store, error);
	if (status) {
		store_free(o->store);
		log_close(o->log);
	}
	return status;
}

static struct opened started(bool rotate)
{
	struct opened o = { 0 };
	struct error error = ERROR_INIT;

	if (start(&o, rotate, &error))
		fail_msg("%s", error.message);
	return o;
}

static void stop(struct opened *o)
{
	struct error error = ERROR_INIT;

	assert_int_equal(store_flush(o->store, &error), ST_OK);
	store_free(o->store);
	log_close(o->log);
}

static void write_secret(void)
{
	struct opened o = started(false);

	test_put(o.store, SECRETS, "n", "s", hidden);
	test_put(o.store, OTHERS, "n", "c", "everybody-may-read-this");
	stop(&o);
}

static struct str why_not(enum status expected)
{
	struct opened o;
	struct error error = ERROR_INIT;

	assert_int_equal(start(&o, false, &error), expected);
	return str_copy(arena, str_of(error.message));
}

static void sql(const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path("minke.db"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static bool on_disk(const char *text)
{
	return str_find(content("minke.db"), str_of(text)) >= 0 ||
	       str_find(content("minke.db-wal"), str_of(text)) >= 0;
}

static void a_copy_of_the_database_gives_nothing_away(void **state)
{
	(void)state;
	struct stat info;

	write_secret();
	assert_true(on_disk("everybody-may-read-this"));
	assert_false(on_disk(hidden));
	assert_int_equal(stat(path("secrets.key"), &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	struct opened o = started(false);

	assert_str(test_data(o.store, SECRETS, "n", "s"), hidden);
	stop(&o);
}

static void what_was_plain_is_sealed_when_it_is_loaded(void **state)
{
	(void)state;
	write_secret();
	sql("UPDATE object SET sum = NULL, json = "
	    "'{\"metadata\":{\"name\":\"s\",\"namespace\":\"n\"},"
	    "\"data\":\"correct-horse-battery-staple\"}' WHERE kind = 'secrets';"
	    "PRAGMA user_version = 1");
	assert_true(on_disk(hidden));
	struct opened o = started(false);

	assert_str(test_data(o.store, SECRETS, "n", "s"), hidden);
	stop(&o);
	assert_false(on_disk(hidden));
	o = started(false);
	assert_str(test_data(o.store, SECRETS, "n", "s"), hidden);
	stop(&o);
}

static void a_new_key_replaces_the_old_one(void **state)
{
	(void)state;
	write_secret();
	struct str before = content("secrets.key");
	struct opened o = started(true);

	assert_str(test_data(o.store, SECRETS, "n", "s"), hidden);
	stop(&o);
	struct str after = content("secrets.key");

	assert_false(str_eq(before, after));
	assert_int_equal(after.len, before.len); /* one line again */
	o = started(false);
	assert_str(test_data(o.store, SECRETS, "n", "s"), hidden);
	stop(&o);
	/* The old key opens nothing any more. */
	assert_int_equal(file_write(path("secrets.key"), before, 0600, NULL), ST_OK);
	assert_true(str_find(why_not(ST_INVALID), STR("is not the key that the Secrets were sealed "
						      "with")) > 0);
}

static void a_rotation_cut_short_is_finished_later(void **state)
{
	(void)state;
	struct log *log;
	struct error error = ERROR_INIT;

	write_secret();
	size_t one = content("secrets.key").len;

	assert_int_equal(log_sqlite_open(directory, no_notify, NULL, &log, &error), ST_OK);
	assert_int_equal(log_sqlite_rotate(log, &error), ST_OK);
	log_close(log); /* before anything was sealed anew */
	assert_int_equal(content("secrets.key").len, 2 * one);
	struct opened o = started(false);

	assert_str(test_data(o.store, SECRETS, "n", "s"), hidden);
	stop(&o);
	assert_int_equal(content("secrets.key").len, one);
}

static void a_lost_or_damaged_key_is_told_in_one_sentence(void **state)
{
	(void)state;
	write_secret();
	struct str key = content("secrets.key");
	const char *file = path("secrets.key");

	assert_int_equal(unlink(file), 0);
	assert_str(why_not(ST_NOT_FOUND),
		   str_format(arena,
			      "%s is missing: put a backup in its place, for without it the "
			      "Secrets cannot be read",
			      file)
			   .at);
	assert_int_equal(file_write(file, STR("rubbish\n"), 0600, NULL), ST_OK);
	assert_str(why_not(ST_INVALID),
		   str_format(arena,
			      "%s is damaged: put a backup in its place, for without it the "
			      "Secrets cannot be read",
			      file)
			   .at);
	assert_int_equal(file_write(file, key, 0600, NULL), ST_OK);
	struct opened o = started(false);

	assert_str(test_data(o.store, SECRETS, "n", "s"), hidden);
	stop(&o);
}

static void a_sealed_row_cannot_be_passed_off_as_another(void **state)
{
	(void)state;
	write_secret();
	sql("UPDATE object SET sum = NULL, name = 't' WHERE kind = 'secrets'");
	assert_true(str_find(why_not(ST_INVALID), STR("is not the key")) > 0);
}

static void what_is_sealed_is_opened_only_whole(void **state)
{
	(void)state;
	const u8 key[SEAL_KEY_BYTES] = { 1, 2, 3 };
	struct str plain, sealed = seal(arena, key, STR("here"), STR("text"));

	assert_true(seal_open(arena, key, STR("here"), sealed, &plain));
	assert_str(plain, "text");
	assert_false(seal_open(arena, key, STR("there"), sealed, &plain));
	for (size_t i = 0; i < sealed.len; i++) {
		char *changed = arena_copy(arena, sealed.at, sealed.len);

		changed[i] ^= 1;
		assert_false(seal_open(arena, key, STR("here"), (struct str){ changed, sealed.len },
				       &plain));
	}
	assert_false(seal_open(arena, key, STR("here"), str_part(sealed, 0, 20), &plain));
}

#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_DISK(a_copy_of_the_database_gives_nothing_away),
		ON_DISK(what_was_plain_is_sealed_when_it_is_loaded),
		ON_DISK(a_new_key_replaces_the_old_one),
		ON_DISK(a_rotation_cut_short_is_finished_later),
		ON_DISK(a_lost_or_damaged_key_is_told_in_one_sentence),
		ON_DISK(a_sealed_row_cannot_be_passed_off_as_another),
		ON_DISK(what_is_sealed_is_opened_only_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
