/* Files that say who may come in, what is refused and what is noted: kube-apiserver's
 * --token-auth-file, --admission-control-config-file and --audit-… */
#ifndef RUN_ACCESS_FILES_H
#define RUN_ACCESS_FILES_H

#include "base/error.h"
#include "server/server.h"

struct access_options {
	struct str tokens, admission, audit_policy, audit_path; /* empty: none */
	i64 audit_megabytes, audit_backups, audit_days;		/* 0: the default */
};

struct access_files;

/* Reads them all and fills in what the server's configuration has of them. */
MUST_USE enum status access_files_open(struct arena *arena, const struct access_options *options,
				       struct server_config *config,
				       struct access_files **ret_files, struct error *error);
/* After the last exchange: writes what is still to be noted. NULL is fine. */
void access_files_close(struct access_files *files);

#endif
