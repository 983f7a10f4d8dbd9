/*
 * A command of the command line: one file exports one `const struct command`, and cli/commands.c
 * lists them all. Names, options and output follow kubectl's, so that hands and scripts need not
 * learn anything new.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

struct cli;

enum option_type {
	OPTION_BOOL, /* --x, --x=false */
	OPTION_TEXT, /* --x=value, --x value, -x value */
	OPTION_INT,
	OPTION_LIST, /* may stand several times; every value is kept */
};

struct option_rule {
	const char *name; /* without the dashes; NULL ends a table */
	char letter;	  /* 0: only the long form */
	enum option_type type;
	const char *otherwise; /* the value when it is not given; NULL: empty, false or 0 */
	const char *help;
	const char *bare; /* value of a text option written without one (--cascade); NULL: error */
};

struct command {
	const char *name;
	const char *usage;   /* "get TYPE [NAME …] [-o FORMAT]" */
	const char *summary; /* one line for the list of commands */
	const struct option_rule *options;
	const struct command *const *children; /* "rollout status"; NULL-terminated, or NULL */
	/* Does it; what went wrong is in `error`. The exit code is 0 when ST_OK, else
	 * cli->exit_code or 1. Output goes to stdout. */
	enum status (*run)(struct cli *cli, struct error *error);
};

/* The options every command takes: --kubeconfig, --context, -n, -s, --token … */
extern const struct option_rule options_global[];

/* NULL-terminated. */
extern const struct command *const commands_all[];

/* ---- what was typed, once cli_main has read it */

struct arguments {
	struct str *words; /* what is no option, the command's own words left out */
	u32 len;
	u32 dashes; /* how many words stood before `--`; == len when there was none */
};

/* By name; an option the command does not have is a programmer's error. */
struct str option_text(const struct cli *cli, const char *name);
bool option_bool(const struct cli *cli, const char *name);
i64 option_int(const struct cli *cli, const char *name);
bool option_given(const struct cli *cli, const char *name);
u32 option_list(const struct cli *cli, const char *name, const struct str **ret_values);

/* Reads argv (after the command's words) with the command's and the global options; `cli->arena`
 * keeps everything. Fails with kubectl's words: "unknown flag: --x". */
MUST_USE enum status options_read(struct cli *cli, const struct command *command, int argc,
				  char **argv, struct error *error);

/* Prints usage, summary and options of one command. */
void command_help(const struct command *command, const char *parent);

#endif
