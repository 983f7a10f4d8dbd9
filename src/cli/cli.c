/* Finds the command, reads its options, runs it, and says what went wrong in kubectl's words. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>

#include "cli/request.h"

void cli_print(struct str text)
{
	fwrite(text.at, 1, text.len, stdout);
}

void cli_printf(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
}

void cli_warn(const char *format, ...)
{
	va_list arguments;

	fflush(stdout); /* what was said before stays before */
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

static const struct command *find(const struct command *const *commands, const char *word)
{
	for (; commands && *commands; commands++)
		if (!strcmp((*commands)->name, word))
			return *commands;
	return NULL;
}

static int list_commands(void)
{
	printf("minke: Kubernetes in one small program\n\nUsage: minke COMMAND …\n\n"
	       "  %-14s %s\n  %-14s %s\n",
	       "server", "runs a cluster on this machine", "image",
	       "imports, lists and removes container images");
	for (const struct command *const *command = commands_all; *command; command++)
		printf("  %-14s %s\n", (*command)->name, (*command)->summary);
	printf("\n`minke COMMAND --help` says more about one of them.\n");
	return 0;
}

static enum status run(struct cli *cli, const struct command *command, const char *parent, int argc,
		       char **argv, struct error *error)
{
	while (command->children && argc > 1 && find(command->children, argv[1])) {
		parent = command->name;
		command = find(command->children, argv[1]);
		argc--;
		argv++;
	}
	cli->command = command;
	enum status status = options_read(cli, command, argc, argv, error);

	if (status)
		return status;
	if (option_bool(cli, "help") || !command->run) {
		command_help(command, parent);
		return ST_OK;
	}
	return command->run(cli, error);
}

/* "minke scale deployment/web --replicas=3 --record=true": words first, as kubectl notes it. */
static struct str typed_line(struct arena *arena, int argc, char **argv)
{
	VEC(struct str) words = { 0 };

	VEC_PUSH(arena, &words, STR("minke"));
	for (int flags = 0; flags < 2; flags++)
		for (int i = 1; i < argc; i++)
			if ((argv[i][0] == '-') == flags)
				VEC_PUSH(arena, &words,
					 strcmp(argv[i], "--record") ? str_of(argv[i])
								     : STR("--record=true"));
	return str_join(arena, words.at, words.len, STR(" "));
}

int cli_main(int argc, char **argv)
{
	struct cli cli = { .arena = arena_new(1 << 16) };
	struct error error = ERROR_INIT;
	int exit_code = 0;

	if (argc < 2 || !strcmp(argv[1], "help") || !strcmp(argv[1], "--help") ||
	    !strcmp(argv[1], "-h")) {
		arena_free(cli.arena);
		return list_commands();
	}
	const struct command *command = find(commands_all, argv[1]);

	cli.schema = schema_new();
	cli.line = typed_line(cli.arena, argc, argv);
	if (!command)
		(void)fail(&error, ST_BAD_REQUEST, "unknown command \"%s\" for \"minke\"", argv[1]);
	if (!command || run(&cli, command, "", argc - 1, argv + 1, &error) != ST_OK) {
		if (error.message[0])
			cli_print_error(&cli, &error);
		exit_code = cli.exit_code ? cli.exit_code : 1;
	}
	fflush(stdout);
	schema_free(cli.schema);
	arena_free(cli.arena); /* closes the connection too */
	return exit_code;
}
