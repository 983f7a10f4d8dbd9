/* What `minke create` and its generators share. */
#ifndef CLI_CREATE_H
#define CLI_CREATE_H

#include "cli/change.h"

/* create deployment, configmap, secret, namespace …; NULL-terminated */
extern const struct command *const create_kinds[];

/* Creates `body` (or not, in a dry run) and says so. */
MUST_USE enum status create_object(struct change *change, const struct target *target,
				   const struct doc *body);

#endif
