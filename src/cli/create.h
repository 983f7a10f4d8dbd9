/* What `minke create` and its generators share. */
#ifndef CLI_CREATE_H
#define CLI_CREATE_H

#include "cli/change.h"
#include "doc/build.h"
#include "schema/schema.h"

/* create deployment, configmap, secret, namespace …; NULL-terminated */
extern const struct command *const create_kinds[];

/* Creates `body` (or not, in a dry run) and says so. */
MUST_USE enum status create_object(struct change *change, const struct target *target,
				   const struct doc *body);

/* The one word a generator takes: the object's name. */
MUST_USE enum status create_name(struct cli *cli, struct str *ret_name, struct error *error);

/* The last step of a generator: `made` has all but apiVersion, kind, name and namespace. */
MUST_USE enum status create_made(struct cli *cli, kind_id id, struct str name,
				 const struct doc *made, struct error *error);

/* "a=b,c=d" as an object. */
const struct doc *create_pairs(struct cli *cli, struct str text);

/* An array of an option's values, each perhaps several parted by commas; nothing when there are
 * none. */
void create_strings(struct build *b, const char *key, const struct str *values, u32 len);

/* What --user, --group and --serviceaccount name, as subjects of a binding. */
MUST_USE enum status create_subjects(struct cli *cli, struct build *b, struct error *error);

/* The generators, in files of their families. */
extern const struct command command_create_job, command_create_cronjob, command_create_service,
	command_create_ingress, command_create_role, command_create_clusterrole,
	command_create_rolebinding, command_create_clusterrolebinding, command_create_quota,
	command_create_pdb, command_create_poddisruptionbudget, command_create_priorityclass,
	command_create_tls, command_create_registry;

#endif
