/* What a command is about: "pods", "deploy/web", "pods x y", "-f file", "svc,po", "all". */
#ifndef CLI_RESOURCE_H
#define CLI_RESOURCE_H

#include "cli/cli.h"
#include "doc/doc.h"

enum { TARGETS_MAX = 4096 };

struct target {
	const struct api_kind *kind;
	struct str ns;		  /* empty for kinds outside namespaces */
	struct str name;	  /* empty: all of the kind */
	const struct doc *object; /* from a file, or NULL */
	struct str source;	  /* where it comes from, for messages: "pod.yaml" */
};

struct targets {
	struct target *at;
	u32 len;
	bool many_kinds; /* names are printed with their kind before them */
	bool by_name;	 /* every target has a name */
};

/* A kind by any of its names: plural, singular, short, Kind, with ".group" or ".version.group"
 * behind. Fails with `the server doesn't have a resource type "x"`. */
MUST_USE enum status resource_kind(struct cli *cli, struct str name,
				   const struct api_kind **ret_kind, struct error *error);

/* Reads the command's words from `first` on: TYPE[,TYPE] [NAME …] | TYPE/NAME … */
MUST_USE enum status resource_targets(struct cli *cli, u32 first, struct targets *ret_targets,
				      struct error *error);

/* Reads files, folders (with --recursive their folders too), "-" for stdin and http(s) addresses;
 * YAML or JSON, several documents, Lists taken apart. The objects' namespaces are settled: their
 * own, else cli->ns; a conflict with -n is kubectl's error. */
MUST_USE enum status resource_files(struct cli *cli, const struct str *files, u32 len,
				    bool recursive, struct targets *ret_targets,
				    struct error *error);

/* "deployment.apps/web", as kubectl names what it did something to. */
struct str resource_name(struct arena *arena, const struct api_kind *kind, struct str name);

#endif
