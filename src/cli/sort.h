/* --sort-by: objects in the order of a field. */
#ifndef CLI_SORT_H
#define CLI_SORT_H

#include "cli/cli.h"
#include "doc/doc.h"

/* The items in the order of `path` (a JSONPath, loosely written) inside each item's `within` field,
 * or the item itself when that is NULL. Numbers, quantities and times go by their value; what has
 * no such field goes first. The order of equal ones stays. */
MUST_USE enum status sort_by(struct cli *cli, struct str path, const char *within,
			     const struct doc *items, const struct doc **ret_items,
			     struct error *error);

#endif
