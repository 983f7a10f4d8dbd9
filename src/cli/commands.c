/* The list of commands. Each stands in a file of its own name. */
#include "cli/command.h"

extern const struct command command_get, command_version;

const struct command *const commands_all[] = {
	&command_get,
	&command_version,
	NULL,
};
