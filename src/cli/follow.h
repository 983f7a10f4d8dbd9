/* One object as it changes, for commands that wait for something. */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

#include "cli/resource.h"

/* Calls `look` with the object as it is (NULL: there is none) and at every change, until it returns
 * true. Ends with ST_TIMEOUT when cli_deadline() has passed. */
MUST_USE enum status follow_object(struct cli *cli, const struct target *target,
				   bool (*look)(void *self, const struct doc *object), void *self,
				   struct error *error);

#endif
