/* Closing and opening nodes, for cordon, uncordon and drain. */
#ifndef CLI_CORDON_H
#define CLI_CORDON_H

#include "cli/change.h"
#include "cli/select.h"

/* The nodes that the words or -l name. */
MUST_USE enum status cordon_nodes(struct cli *cli, struct targets *ret_nodes, struct error *error);

/* Closes or opens one, and says so. */
MUST_USE enum status cordon_node(struct cli *cli, const struct target *node, bool closed,
				 struct error *error);

#endif
