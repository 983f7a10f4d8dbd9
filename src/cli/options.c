/*
 * Reads options with getopt_long under each command's table. Values are kept as text by name; a
 * command asks for them in the type its table declares.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "cli/cli.h"

enum { OPTIONS_MAX = 64, VALUES_MAX = 1024, LONG_FIRST = 256 };

const struct option_rule options_global[] = {
	{ "kubeconfig", 0, OPTION_TEXT, NULL, "the kubeconfig file to use", NULL },
	{ "context", 0, OPTION_TEXT, NULL, "the context of the kubeconfig to use", NULL },
	{ "namespace", 'n', OPTION_TEXT, NULL, "the namespace this is about", NULL },
	{ "server", 's', OPTION_TEXT, NULL, "address of the API server", NULL },
	{ "token", 0, OPTION_TEXT, NULL, "bearer token to show to the server", NULL },
	{ "as", 0, OPTION_TEXT, NULL, "act as this user, if one may", NULL },
	{ "as-group", 0, OPTION_TEXT, NULL, "… and as a member of this group", NULL },
	{ "insecure-skip-tls-verify", 0, OPTION_BOOL, NULL, "do not check the server's certificate",
	  NULL },
	{ "request-timeout", 0, OPTION_TEXT, "0", "how long one request may take", NULL },
	{ "verbosity", 'v', OPTION_INT, "0", "how much to tell of the requests made", NULL },
	{ "help", 'h', OPTION_BOOL, NULL, "says how the command is used", NULL },
	{ 0 },
};

struct option_value {
	const struct option_rule *option;
	VEC(struct str) values;
};

struct option_values {
	struct option_value at[OPTIONS_MAX];
	u32 len;
};

static struct option_value *find(const struct cli *cli, const char *name)
{
	struct option_values *options = cli->options;

	for (u32 i = 0; i < options->len; i++)
		if (!strcmp(options->at[i].option->name, name))
			return &options->at[i];
	return NULL;
}

static struct option_value *must_find(const struct cli *cli, const char *name)
{
	struct option_value *value = find(cli, name);

	CHECK(value); /* a command asks only for what its table has */
	return value;
}

struct str option_text(const struct cli *cli, const char *name)
{
	struct option_value *value = must_find(cli, name);

	if (value->values.len)
		return value->values.at[value->values.len - 1];
	return str_of(value->option->otherwise ? value->option->otherwise : "");
}

bool option_bool(const struct cli *cli, const char *name)
{
	return str_is(option_text(cli, name), "true");
}

i64 option_int(const struct cli *cli, const char *name)
{
	i64 number = 0;

	return str_to_i64(option_text(cli, name), &number) ? number : 0;
}

bool option_given(const struct cli *cli, const char *name)
{
	return must_find(cli, name)->values.len > 0;
}

u32 option_list(const struct cli *cli, const char *name, const struct str **ret_values)
{
	struct option_value *value = must_find(cli, name);

	*ret_values = value->values.at;
	return value->values.len;
}

static void add_table(struct option_values *values, const struct option_rule *table)
{
	for (; table && table->name; table++) {
		CHECK(values->len < OPTIONS_MAX);
		values->at[values->len++].option = table;
	}
}

static bool is_bool(struct str text)
{
	return str_is(text, "true") || str_is(text, "false");
}

static enum status keep(struct cli *cli, struct option_value *value, const char *text,
			struct error *error)
{
	const struct option_rule *option = value->option;
	struct str given = str_of(text);
	i64 number;

	if (option->type == OPTION_BOOL && !text)
		given = STR("true");
	else if (!text)
		given = str_of(option->bare);
	else if (option->letter && given.len && given.at[0] == '=')
		given = str_from(given, 1); /* -o=yaml, as kubectl takes it */
	if (option->type == OPTION_BOOL && !is_bool(given))
		return fail(error, ST_BAD_REQUEST,
			    "invalid argument \"%s\" for \"--%s\" flag: expected true or false",
			    text, option->name);
	if (option->type == OPTION_INT && !str_to_i64(given, &number))
		return fail(error, ST_BAD_REQUEST,
			    "invalid argument \"%s\" for \"--%s\" flag: not a number", text,
			    option->name);
	if (value->values.len >= VALUES_MAX)
		return fail(error, ST_BAD_REQUEST, "--%s stands too often", option->name);
	VEC_PUSH(cli->arena, &value->values, given);
	return ST_OK;
}

static int argument_of(const struct option_rule *option)
{
	if (option->type == OPTION_BOOL || option->bare)
		return optional_argument;
	return required_argument;
}

struct getopt_tables {
	char letters[3 * OPTIONS_MAX + 3];
	struct option longs[OPTIONS_MAX + 1];
};

static void fill_tables(struct getopt_tables *tables, const struct option_values *values)
{
	char *letter = tables->letters;

	*letter++ = ':'; /* a missing value is told apart from an unknown option */
	for (u32 i = 0; i < values->len; i++) {
		const struct option_rule *option = values->at[i].option;

		tables->longs[i] = (struct option){ .name = option->name,
						    .has_arg = argument_of(option),
						    .val = LONG_FIRST + (int)i };
		if (!option->letter)
			continue;
		*letter++ = option->letter;
		if (option->type != OPTION_BOOL)
			*letter++ = ':';
	}
	*letter = 0;
}

static struct option_value *by_code(struct option_values *values, int code)
{
	for (u32 i = 0; i < values->len; i++)
		if (code == LONG_FIRST + (int)i || code == values->at[i].option->letter)
			return &values->at[i];
	return NULL;
}

static enum status refuse(int code, char **argv, struct error *error)
{
	const char *word = argv[optind - 1];

	if (code == ':')
		return fail(error, ST_BAD_REQUEST, "flag needs an argument: %s", word);
	if (word[0] == '-' && word[1] == '-')
		return fail(error, ST_BAD_REQUEST, "unknown flag: %.*s", (int)strcspn(word, "="),
			    word);
	return fail(error, ST_BAD_REQUEST, "unknown shorthand flag: '%c' in %s", optopt, word);
}

enum status options_read(struct cli *cli, const struct command *command, int argc, char **argv,
			 struct error *error)
{
	struct getopt_tables tables = { 0 };
	VEC(struct str) words = { 0 };
	int code, own = 1; /* getopt sees what stands before `--` and moves it about; the rest is
			      kept */

	while (own < argc && strcmp(argv[own], "--") != 0)
		own++;

	cli->options = ARENA_NEW(cli->arena, struct option_values);
	add_table(cli->options, command->options);
	for (const struct option_rule *option = options_global; option->name; option++)
		if (!find(cli, option->name)) { /* the command's own meaning goes first: -v, -s */
			CHECK(cli->options->len < OPTIONS_MAX);
			cli->options->at[cli->options->len++].option = option;
		}
	fill_tables(&tables, cli->options);
	optind = 0; /* start anew: the GNU way to reset getopt */
	opterr = 0;
	while ((code = getopt_long(own, argv, tables.letters, tables.longs, NULL)) != -1) {
		struct option_value *value = by_code(cli->options, code);

		if (code == ':' || code == '?' || !value)
			return refuse(code, argv, error);
		enum status status = keep(cli, value, optarg, error);

		if (status)
			return status;
	}
	for (int i = optind; i < own; i++)
		VEC_PUSH(cli->arena, &words, str_of(argv[i]));
	u32 dashes = words.len;

	for (int i = own + 1; i < argc; i++)
		VEC_PUSH(cli->arena, &words, str_of(argv[i]));
	cli->arguments = (struct arguments){ words.at, words.len, dashes };
	return ST_OK;
}

void command_help(const struct command *command, const char *parent)
{
	printf("%s\n\nUsage:\n  minke %s%s%s\n", command->summary, parent, *parent ? " " : "",
	       command->usage);
	if (command->children) {
		printf("\nCommands:\n");
		for (const struct command *const *child = command->children; *child; child++)
			printf("  %-14s %s\n", (*child)->name, (*child)->summary);
	}
	for (const struct option_rule *option = command->options; option && option->name;
	     option++) {
		if (option == command->options)
			printf("\nOptions:\n");
		if (option->letter)
			printf("  -%c, ", option->letter);
		else
			printf("      ");
		printf("--%-24s %s\n", option->name, option->help);
	}
	printf("\nOptions of every command:\n");
	for (const struct option_rule *option = options_global; option->name; option++)
		printf("      --%-24s %s\n", option->name, option->help);
}
