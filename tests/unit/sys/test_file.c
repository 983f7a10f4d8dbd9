/* Files: what is written is read back, replaced at once, and trees go without following links. */
#include "../unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/file.h"

static char dir[64];

static const char *in_dir(struct arena *arena, const char *name)
{
	return str_format(arena, "%s/%s", dir, name).at;
}

static int make_dir(void **state)
{
	snprintf(dir, sizeof dir, "/tmp/minke-file-XXXXXX");
	*state = arena_new(0);
	return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
	struct error error = ERROR_INIT;

	arena_free(*state);
	return file_remove_tree(dir, &error) == ST_OK && !file_exists(dir) ? 0 : -1;
}

static void writes_replaces_and_reads(void **state)
{
	struct arena *arena = *state;
	struct error error = ERROR_INIT;
	const char *path = in_dir(arena, "a");
	struct stat entry;
	struct str text;

	assert_int_equal(file_write(path, STR("one"), 0600, &error), ST_OK);
	assert_int_equal(file_write(path, STR("second"), 0640, &error), ST_OK);
	assert_int_equal(file_read(arena, path, 100, &text, &error), ST_OK);
	assert_str(text, "second");
	assert_int_equal(text.at[text.len + 31], 0);
	assert_int_equal(stat(path, &entry), 0);
	assert_int_equal(entry.st_mode & 07777, 0640);
	assert_int_equal(file_read(arena, path, 5, &text, &error), ST_TOO_LARGE);
	error_clear(&error);
	assert_int_equal(file_read(arena, in_dir(arena, "none"), 5, &text, &error), ST_NOT_FOUND);
	error_clear(&error);
	assert_int_equal(file_read(arena, "/proc/self/status", 1 << 20, &text, &error), ST_OK);
	assert_true(text.len > 100);
}

static void removes_trees_but_not_what_links_point_at(void **state)
{
	struct arena *arena = *state;
	struct error error = ERROR_INIT;
	struct str *names;
	u32 len;

	assert_int_equal(file_mkdir_all(in_dir(arena, "t/x/y/z"), 0700, &error), ST_OK);
	assert_int_equal(file_mkdir_all(in_dir(arena, "t/w"), 0700, &error), ST_OK);
	assert_int_equal(file_mkdir_all(in_dir(arena, "kept"), 0700, &error), ST_OK);
	assert_int_equal(file_write(in_dir(arena, "kept/f"), STR("f"), 0600, &error), ST_OK);
	assert_int_equal(file_write(in_dir(arena, "t/x/y/f"), STR("f"), 0600, &error), ST_OK);
	assert_int_equal(symlink(in_dir(arena, "kept"), in_dir(arena, "t/x/link")), 0);
	assert_int_equal(file_list(arena, in_dir(arena, "t"), 10, &names, &len, &error), ST_OK);
	assert_int_equal(len, 2);
	assert_str(names[0], "w");
	assert_str(names[1], "x");
	assert_int_equal(file_remove_tree(in_dir(arena, "t"), &error), ST_OK);
	assert_false(file_exists(in_dir(arena, "t")));
	assert_true(file_exists(in_dir(arena, "kept/f")));
	assert_int_equal(file_remove_tree(in_dir(arena, "t"), &error), ST_OK);
}

static void removes_trees_deeper_than_descriptors_last(void **state)
{
	struct error error = ERROR_INIT;
	char here[4096];

	(void)state;
	assert_non_null(getcwd(here, sizeof here));
	assert_int_equal(chdir(dir), 0);
	for (int i = 0; i < 1100; i++) {
		assert_int_equal(mkdir("d", 0700), 0);
		assert_int_equal(chdir("d"), 0);
	}
	assert_int_equal(chdir(here), 0);
	char top[80];

	snprintf(top, sizeof top, "%s/d", dir);
	assert_int_equal(file_remove_tree(top, &error), ST_OK);
	assert_false(file_exists(top));
}

static void locks_once(void **state)
{
	struct error error = ERROR_INIT;
	const char *path = in_dir(*state, "lock");
	int first, second;

	assert_int_equal(file_lock(path, &first, &error), ST_OK);
	assert_int_equal(file_lock(path, &second, &error), ST_CONFLICT);
	close(first);
	error_clear(&error);
	assert_int_equal(file_lock(path, &second, &error), ST_OK);
	close(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(writes_replaces_and_reads, make_dir, drop_dir),
		cmocka_unit_test_setup_teardown(removes_trees_but_not_what_links_point_at, make_dir,
						drop_dir),
		cmocka_unit_test_setup_teardown(removes_trees_deeper_than_descriptors_last,
						make_dir, drop_dir),
		cmocka_unit_test_setup_teardown(locks_once, make_dir, drop_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
