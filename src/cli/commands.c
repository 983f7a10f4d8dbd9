/* The list of commands, in the order of `minke help`. Each stands in a file of its own name. */
#include "cli/command.h"

extern const struct command command_annotate, command_attach, command_exec, command_port_forward,
	command_apply, command_label, command_logs, command_delete, command_get, command_rollout,
	command_scale, command_version;

const struct command *const commands_all[] = {
	&command_get,	  &command_apply, &command_delete, &command_rollout, &command_scale,
	&command_version, NULL,
};
