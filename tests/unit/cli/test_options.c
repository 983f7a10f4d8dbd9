/* Options are read as kubectl's are: before and behind words, long and short, and `--` ends them.
 */
#include "../unit.h"

#include "cli/cli.h"

static const struct option_rule rules[] = {
	{ "output", 'o', OPTION_TEXT, NULL, "", NULL },
	{ "replicas", 'r', OPTION_INT, "1", "", NULL },
	{ "watch", 'w', OPTION_BOOL, NULL, "", NULL },
	{ "wait", 0, OPTION_BOOL, "true", "", NULL },
	{ "cascade", 0, OPTION_TEXT, "background", "", "background" },
	{ "from-literal", 0, OPTION_LIST, NULL, "", NULL },
	{ 0 },
};

static const struct command command = { .name = "try", .options = rules };
static struct cli cli;
static struct error error;

static enum status read_options(const char *const *words)
{
	char **argv = ARENA_ARRAY(cli.arena, char *, 32);
	int argc = 0;

	error = ERROR_INIT;
	argv[argc++] = (char *)"try";
	for (; *words; words++)
		argv[argc++] = (char *)*words;
	return options_read(&cli, &command, argc, argv, &error);
}

#define READ(...) read_options((const char *const[]){ __VA_ARGS__, NULL })

static void options_stand_anywhere_in_every_form(void **state)
{
	(void)state;
	assert_int_equal(READ("pods", "-o", "yaml", "web", "--replicas=3", "-w", "-nshop"), ST_OK);
	assert_str(option_text(&cli, "output"), "yaml");
	assert_int_equal(option_int(&cli, "replicas"), 3);
	assert_true(option_bool(&cli, "watch"));
	assert_str(option_text(&cli, "namespace"), "shop");
	assert_int_equal(cli.arguments.len, 2);
	assert_str(cli.arguments.words[1], "web");
	assert_int_equal(READ("-o=json", "x"), ST_OK);
	assert_str(option_text(&cli, "output"), "json");
}

static void defaults_hold_until_something_is_given(void **state)
{
	(void)state;
	assert_int_equal(READ("x"), ST_OK);
	assert_true(option_bool(&cli, "wait"));
	assert_false(option_given(&cli, "wait"));
	assert_int_equal(option_int(&cli, "replicas"), 1);
	assert_int_equal(READ("x", "--wait=false", "--cascade"), ST_OK);
	assert_false(option_bool(&cli, "wait"));
	assert_str(option_text(&cli, "cascade"), "background");
}

static void lists_keep_every_value(void **state)
{
	(void)state;
	const struct str *values;

	assert_int_equal(READ("--from-literal=a=1", "--from-literal", "b=2"), ST_OK);
	assert_int_equal(option_list(&cli, "from-literal", &values), 2);
	assert_str(values[0], "a=1");
	assert_str(values[1], "b=2");
}

static void two_dashes_end_the_options(void **state)
{
	(void)state;
	assert_int_equal(READ("pod", "-w", "--", "sh", "-c", "x"), ST_OK);
	assert_int_equal(cli.arguments.len, 4);
	assert_int_equal(cli.arguments.dashes, 1);
	assert_str(cli.arguments.words[2], "-c");
}

static void wrong_options_are_refused_in_kubectls_words(void **state)
{
	(void)state;
	assert_int_equal(READ("--nonsense=1"), ST_BAD_REQUEST);
	assert_string_equal(error.message, "unknown flag: --nonsense");
	assert_int_equal(READ("-z"), ST_BAD_REQUEST);
	assert_string_equal(error.message, "unknown shorthand flag: 'z' in -z");
	assert_int_equal(READ("-o"), ST_BAD_REQUEST);
	assert_string_equal(error.message, "flag needs an argument: -o");
	assert_int_equal(READ("--replicas=many"), ST_BAD_REQUEST);
	assert_int_equal(READ("--watch=perhaps"), ST_BAD_REQUEST);
}

static void durations_are_read_as_go_reads_them(void **state)
{
	(void)state;
	i64 ms = 0;

	assert_true(cli_duration(STR("1h30m"), &ms));
	assert_int_equal(ms, 5400000);
	assert_true(cli_duration(STR("250ms"), &ms));
	assert_int_equal(ms, 250);
	assert_true(cli_duration(STR("0s"), &ms));
	assert_int_equal(ms, 0);
	assert_false(cli_duration(STR("5x"), &ms));
	assert_false(cli_duration(STR("s"), &ms));
}

static int set_up(void **state)
{
	(void)state;
	cli = (struct cli){ .arena = arena_new(0) };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(cli.arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_anywhere_in_every_form),
		cmocka_unit_test(defaults_hold_until_something_is_given),
		cmocka_unit_test(lists_keep_every_value),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(wrong_options_are_refused_in_kubectls_words),
		cmocka_unit_test(durations_are_read_as_go_reads_them),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
