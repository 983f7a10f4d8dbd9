/* What commands that write have in common: dry runs, field managers, validation, last-applied. */
#ifndef CLI_CHANGE_H
#define CLI_CHANGE_H

#include "cli/print.h"

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

/* Put these two into a command's table to use change_begin: --dry-run and -o. */
#define CHANGE_OPTIONS                                                                             \
	{ "dry-run", 0, OPTION_TEXT, "none", "none, client or server", "unchanged" },              \
		{ "record", 0, OPTION_BOOL, NULL, "keep the command as the cause of the change",   \
		  NULL },                                                                          \
	{                                                                                          \
		"output", 'o', OPTION_TEXT, NULL, "yaml, json, name, jsonpath=…", NULL             \
	}

struct change {
	struct cli *cli;
	struct output output;
	const char *manager;  /* "kubectl-create" */
	bool dry_run;	      /* the server decides, nothing is written */
	bool dry_run_client;  /* not even the server is asked */
	bool validate_strict; /* unknown fields are errors */
	bool record;	      /* the command becomes the change's cause */
	struct error *error;
};

/* Reads --dry-run and -o. */
MUST_USE enum status change_begin(struct cli *cli, const char *manager, struct change *ret_change,
				  struct error *error);

/* For commands that have --dry-run but no -o. */
MUST_USE enum status change_begin_quiet(struct cli *cli, const char *manager,
					struct change *ret_change, struct error *error);

MUST_USE enum status change_create(struct change *change, const struct target *target,
				   const struct doc *body, const struct doc **ret_object);
MUST_USE enum status change_patch(struct change *change, const struct target *target,
				  const char *subresource, const char *media,
				  const struct doc *patch, const struct doc **ret_object);
MUST_USE enum status change_replace(struct change *change, const struct target *target,
				    const struct doc *body, const struct doc **ret_object);

/* Says "pod/x WHAT", with " (dry run)" where it was none, or prints the object under -o. */
MUST_USE enum status change_done(struct change *change, const struct api_kind *kind,
				 const struct doc *object, const char *what);

/* The object with metadata.namespace filled in, and with the last-applied annotation of itself. */
const struct doc *change_in_namespace(struct arena *arena, const struct target *target);
const struct doc *change_last_applied(struct arena *arena, const struct doc *object);

#endif
