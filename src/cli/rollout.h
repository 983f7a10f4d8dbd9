/* The parts of `minke rollout` that stand in files of their own. */
#ifndef CLI_ROLLOUT_H
#define CLI_ROLLOUT_H

#include "cli/command.h"

extern const struct command command_rollout_history, command_rollout_undo;

#endif
