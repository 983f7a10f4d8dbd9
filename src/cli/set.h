/* What stands beside `set image`, in cli/set_more.c. */
#ifndef CLI_SET_H
#define CLI_SET_H

#include "cli/command.h"

extern const struct command command_set_env, command_set_resources, command_set_serviceaccount,
	command_set_selector, command_set_subject;

#endif
