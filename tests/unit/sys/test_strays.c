/* Programs that outlived whoever started them: known by their words, ended with their children. */
#include "../unit.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/spawn.h"
#include "sys/strays.h"

static const char *const programs[] = { "conmon", "crun", NULL };

/* A shell under a name of our choice; it says a word when it and its child run. */
static int start(const char *name, const char *argument)
{
	int said[2], pid;
	char byte;

	assert_int_equal(pipe(said), 0);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		dup2(said[1], 1);
		execl("/bin/sh", name, "-c", "sleep 60 & echo; wait", "-b", argument, NULL);
		_exit(127);
	}
	close(said[1]);
	assert_int_equal(read(said[0], &byte, 1), 1);
	close(said[0]);
	return pid;
}

static bool keeps_kept(void *self, struct str name)
{
	(void)self;
	return str_is(name, "kept");
}

static void ends_what_names_a_folder_of_ours(void **state)
{
	(void)state;
	struct strays strays = { .programs = programs,
				 .prefix = "/run/minke-test-strays/containers/",
				 .keep = keeps_kept };
	int stray = start("/usr/bin/conmon", "/run/minke-test-strays/containers/lost/x");
	int kept = start("conmon", "/run/minke-test-strays/containers/kept");
	int other = start("/usr/bin/other", "/run/minke-test-strays/containers/lost");
	int elsewhere = start("/usr/bin/crun", "/run/minke-test-elsewhere/containers/lost");
	int status;

	assert_int_equal(strays_end(&strays), 1);
	assert_int_equal(waitpid(stray, &status, 0), stray);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(strays_end(&strays), 0);

	int rest[] = { kept, other, elsewhere };

	for (size_t i = 0; i < ARRAY_LEN(rest); i++)
		assert_int_equal(waitpid(rest[i], NULL, WNOHANG), 0);
	strays.keep = NULL;
	assert_int_equal(strays_end(&strays), 1);
	assert_int_equal(waitpid(kept, NULL, 0), kept);
	kill(-other, SIGKILL);
	kill(-elsewhere, SIGKILL);
	waitpid(other, NULL, 0);
	waitpid(elsewhere, NULL, 0);
}

/* The parent dies while its child works: the child goes too, at once. */
static void a_child_that_dies_with_us_does(void **state)
{
	static const char *const words[] = { "/bin/sleep", "60", NULL };
	static const char *const env[] = { NULL };
	int told[2], pid, pidfd, child = 0;

	(void)state;
	assert_int_equal(pipe(told), 0);
	int parent = fork();

	if (parent == 0) {
		struct spawn_spec spec = { .argv = words, .env = env, .dies_with_us = true };
		struct error error = ERROR_INIT;

		if (spawn_child(&spec, &pid, &pidfd, &error) == ST_OK &&
		    write(told[1], &pid, sizeof pid) == sizeof pid)
			pause();
		_exit(1);
	}
	assert_int_equal(read(told[0], &child, sizeof child), sizeof child);
	pidfd = spawn_pidfd(child);
	assert_true(pidfd >= 0);
	kill(parent, SIGKILL);
	assert_true(spawn_poll(pidfd, POLLIN, 5000));
	waitpid(parent, NULL, 0);
	close(pidfd);
	close(told[0]);
	close(told[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_what_names_a_folder_of_ours),
		cmocka_unit_test(a_child_that_dies_with_us_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
