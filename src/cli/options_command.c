/* minke options: those that every command takes. */
#include "cli/cli.h"

static enum status options_run(struct cli *cli, struct error *error)
{
	(void)cli;
	(void)error;
	cli_printf("The following options can be passed to any command:\n\n");
	for (const struct option_rule *option = options_global; option->name; option++)
		cli_printf("    --%s%s:\n\t%s\n\n", option->name,
			   option->type == OPTION_BOOL ? "=false" : "=''", option->help);
	return ST_OK;
}

const struct command command_options = {
	.name = "options",
	.usage = "options",
	.summary = "lists the options every command takes",
	.run = options_run,
};
