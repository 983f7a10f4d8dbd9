/* Joining a running container, for run and debug. */
#ifndef CLI_EXEC_H
#define CLI_EXEC_H

#include "cli/cli.h"
#include "doc/doc.h"

/* Attaches to the pod's container as `minke attach` does, with the command's --stdin, --tty,
 * --quiet; the first container is meant. */
MUST_USE enum status exec_attach(struct cli *cli, const struct doc *pod, struct error *error);

#endif
