/* Which objects a command is about: names, files, or all that match. Shared by the commands. */
#ifndef CLI_SELECT_H
#define CLI_SELECT_H

#include "cli/resource.h"

/* Put these into a command's table to use select_read: -f and -R. */
#define SELECT_FILE_OPTIONS                                                                        \
	{ "filename", 'f', OPTION_LIST, NULL, "the objects named in these files", NULL },          \
	{                                                                                          \
		"recursive", 'R', OPTION_BOOL, NULL, "with -f: folders inside folders too", NULL   \
	}

/* What -f names, else the command's words from `first` on. */
MUST_USE enum status select_read(struct cli *cli, u32 first, struct targets *ret_targets,
				 struct error *error);

/* Targets without a name become the objects there are, in every namespace when `everywhere`. */
MUST_USE enum status select_expand(struct cli *cli, struct targets *targets, struct str labels,
				   struct str fields, bool everywhere, struct error *error);

/* select_read for commands with --all and -l: an object needs a name unless one of them is given.
 */
MUST_USE enum status select_all(struct cli *cli, u32 first, struct targets *ret_targets,
				struct error *error);

/* One object, from the words: `TYPE/NAME` or `TYPE NAME`. */
MUST_USE enum status select_one(struct cli *cli, struct target *ret_target, struct error *error);

MUST_USE enum status select_get(struct cli *cli, const struct target *target,
				const struct doc **ret_object, struct error *error);

/* Where a workload keeps its pod spec: "spec.template.spec"; NULL: it has none. */
const char *select_pod_spec(const struct api_kind *kind);

#endif
