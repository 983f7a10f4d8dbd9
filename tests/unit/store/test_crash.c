/*
 * kill -9 at random moments. A child writes as fast as it can and reports each revision that
 * became durable; the parent kills it, opens what is left and looks for the one prefix of the
 * child's writes that it must be: not shorter than what was reported. Then the next child goes on
 * from there. MINKE_KILLS=n kills more often.
 */
#include "store_unit.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "store/log_sqlite.h"
#include "sys/file.h"

enum { KEYS = 40, IN_FLIGHT = 64, AHEAD_MAX = 4000 };

static char directory[] = "/tmp/minke-crash-XXXXXX";

struct model {
	u64 revision;
	u64 keys[KEYS]; /* the revision of what is there, or 0 */
};

/* What the write that gets this revision does; the same in child and parent. */
struct deed {
	u32 key;
	bool remove, lease;
};

static struct deed deed_of(u64 revision)
{
	struct random random;

	random_seed(&random, revision * 2654435761u);
	return (struct deed){ .key = random_below(&random, KEYS),
			      .remove = random_chance(&random, 300),
			      .lease = random_chance(&random, 200) };
}

static void model_step(struct model *model)
{
	struct deed deed = deed_of(++model->revision);

	if (deed.lease)
		return;
	model->keys[deed.key] = deed.remove && model->keys[deed.key] ? 0 : model->revision;
}

static void no_notify(void *self)
{
	(void)self;
}

static struct store *open_store(struct log **ret_log)
{
	struct error error = ERROR_INIT;

	if (log_sqlite_open(directory, no_notify, NULL, ret_log, &error))
		fail_msg("%s", error.message);
	return test_store(*ret_log);
}

static void report(void *self, u64 revision)
{
	if (write(*(int *)self, &revision, sizeof revision) != sizeof revision)
		_exit(1);
}

static void child_writes(int pipe)
{
	struct log *log;
	struct store *store = open_store(&log);
	char name[16];

	store_on_durable(store, report, &pipe);
	for (;;) {
		struct deed deed = deed_of(store_revision(store) + 1);

		snprintf(name, sizeof name, "key-%u", deed.key);
		if (deed.lease)
			test_put(store, LEASES, "n", name, "now");
		else if (deed.remove && store_get(store, CONFIGS, STR("n"), str_of(name)))
			test_remove(store, CONFIGS, "n", name);
		else
			test_put(store, CONFIGS, "n", name, "some text");
		do {
			store_poll(store);
			sched_yield();
		} while (store_revision(store) - store_durable(store) > IN_FLIGHT);
	}
}

/* Lets a child write for a while; returns the last revision it reported. */
static u64 run_child(u32 time_us)
{
	int ends[2];
	u64 revision = 0, reported = 0;

	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		close(ends[0]);
		child_writes(ends[1]);
		_exit(0);
	}
	close(ends[1]);
	/* The time runs from the first report, so that every child gets to write something. */
	while (read(ends[0], &revision, sizeof revision) == sizeof revision) {
		assert_true(revision > reported);
		if (!reported) {
			usleep(time_us);
			kill(child, SIGKILL);
		}
		reported = revision;
	}
	close(ends[0]);
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return reported;
}

static bool same(struct store *store, const struct model *model)
{
	char name[16];

	for (u32 i = 0; i < KEYS; i++) {
		snprintf(name, sizeof name, "key-%u", i);
		struct version *v = store_get(store, CONFIGS, STR("n"), str_of(name));

		if ((v ? v->revision : 0) != model->keys[i])
			return false;
	}
	return true;
}

static void loses_nothing_acknowledged(void **state)
{
	(void)state;
	const char *wish = getenv("MINKE_KILLS");
	u32 kills = wish ? (u32)strtoul(wish, NULL, 10) : 25;
	struct model model = { 0 };
	struct random random;
	struct error error = ERROR_INIT;
	u64 total = 0;

	assert_non_null(mkdtemp(directory));
	random_seed(&random, 1);
	for (u32 i = 0; i < kills; i++) {
		u64 start = model.revision, reported = run_child(random_below(&random, 30000));
		struct log *log;
		struct store *store = open_store(&log);

		assert_true(store_revision(store) >= reported);
		while (model.revision < reported)
			model_step(&model);
		while (!same(store, &model) && model.revision < reported + AHEAD_MAX)
			model_step(&model);
		assert_true(same(store, &model));
		total += model.revision - start;
		/* A clean stop: the next child begins at the very revision that we know. */
		assert_int_equal(store_flush(store, &error), ST_OK);
		model.revision = store_revision(store);
		store_free(store);
		log_close(log);
	}
	if (wish)
		print_message("%u kills, %llu writes\n", kills, (unsigned long long)total);
	assert_true(total > kills);
	assert_int_equal(file_remove_tree(directory, &error), ST_OK);
}

/* What a power cut may do to the write-ahead log: its end is missing, or is not what was written.
 */
static void tear(struct random *random)
{
	char path[64];
	struct arena *arena = arena_new(0);
	struct error error = ERROR_INIT;
	struct str wal;

	snprintf(path, sizeof path, "%s/minke.db-wal", directory);
	if (file_read(arena, path, 64 << 20, &wal, &error) == ST_OK && wal.len) {
		size_t at = random_u64(random) % wal.len;
		char *bytes = arena_copy(arena, wal.at, wal.len);

		if (random_chance(random, 500))
			wal.len = at;
		else
			bytes[at] ^= (char)(1 << random_below(random, 8));
		wal.at = bytes;
		assert_int_equal(file_write(path, wal, 0600, &error), ST_OK);
	}
	arena_free(arena);
}

/* Then some of the newest writes are gone, but those that are left are a prefix, never a mixture.
 */
static void comes_back_to_a_prefix_when_the_end_is_torn(void **state)
{
	(void)state;
	struct model model = { 0 };
	struct random random;
	struct error error = ERROR_INIT;

	assert_non_null(mkdtemp(strcpy(directory, "/tmp/minke-crash-XXXXXX")));
	random_seed(&random, 2);
	for (u32 i = 0; i < 15; i++) {
		u64 reported = run_child(random_below(&random, 10000));
		struct log *log;

		tear(&random);
		struct store *store = open_store(&log);

		while (!same(store, &model) && model.revision < reported + AHEAD_MAX)
			model_step(&model);
		assert_true(same(store, &model));
		assert_int_equal(store_flush(store, &error), ST_OK);
		model.revision = store_revision(store);
		store_free(store);
		log_close(log);
	}
	assert_int_equal(file_remove_tree(directory, &error), ST_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loses_nothing_acknowledged),
		cmocka_unit_test(comes_back_to_a_prefix_when_the_end_is_torn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
