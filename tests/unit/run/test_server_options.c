/* What `minke server` may be asked, and what it refuses with which sentence. */
#include "../unit.h"

#include "run/server_options.h"

static struct arena *arena;
static struct server_options options;
static struct error error;

static enum status read_options(const char *const *words)
{
	char **argv = ARENA_ARRAY(arena, char *, 32);
	int argc = 0;

	error = ERROR_INIT;
	argv[argc++] = (char *)"server";
	for (; *words; words++)
		argv[argc++] = (char *)*words;
	return server_options_read(arena, argc, argv, &options, &error);
}

#define READ(...) read_options((const char *const[]){ __VA_ARGS__, NULL })

static void the_defaults_are_the_documented_ones(void **state)
{
	(void)state;
	assert_int_equal(read_options((const char *const[]){ NULL }), ST_OK);
	assert_str(options.data, "/var/lib/minke");
	assert_str(options.listen, "127.0.0.1:6443");
	assert_str(options.kubeconfig_out, "/var/lib/minke/admin.kubeconfig");
	assert_true(options.real_node && options.controllers && options.scheduler);
	assert_int_equal(options.simulated_nodes, 0);
}

static void every_option_is_read(void **state)
{
	(void)state;
	assert_int_equal(READ("--data", "/d", "--listen=[::1]:7", "--node", "none",
			      "--simulate-nodes", "1000", "--registry-mirror",
			      "docker.io=http://127.0.0.1:5000", "--no-controllers",
			      "--no-scheduler"),
			 ST_OK);
	assert_str(options.data, "/d");
	assert_str(options.kubeconfig_out, "/d/admin.kubeconfig");
	assert_false(options.real_node || options.controllers || options.scheduler);
	assert_int_equal(options.simulated_nodes, 1000);
	assert_int_equal(options.mirrors_len, 1);
	assert_str(options.mirrors[0], "docker.io=http://127.0.0.1:5000");
}

static void nonsense_gets_one_clear_sentence(void **state)
{
	(void)state;
	assert_int_equal(READ("--node", "maybe"), ST_BAD_REQUEST);
	assert_string_equal(error.message, "--node is real or none, not \"maybe\"");
	assert_int_equal(READ("--simulate-nodes", "-1"), ST_BAD_REQUEST);
	assert_string_equal(error.message,
			    "--simulate-nodes: \"-1\" is not a number from 0 to 20000");
	assert_int_equal(READ("--node-grace", "4"), ST_BAD_REQUEST);
	assert_string_equal(error.message, "--node-grace: \"4\" is not a number from 5 to 86400");
	assert_int_equal(READ("--restart-backoff", "0"), ST_BAD_REQUEST);
	assert_int_equal(READ("--node-listen", "a:1"), ST_BAD_REQUEST); /* the agent's */
	assert_int_equal(READ("--wrong"), ST_BAD_REQUEST);
	assert_int_equal(READ("--data"), ST_BAD_REQUEST);
	assert_int_equal(READ("word"), ST_BAD_REQUEST);
	assert_int_equal(READ("--registry-mirror", "nourl"), ST_BAD_REQUEST);
}

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults_are_the_documented_ones),
		cmocka_unit_test(every_option_is_read),
		cmocka_unit_test(nonsense_gets_one_clear_sentence),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
