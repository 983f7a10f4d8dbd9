/* What every command works with: what was typed, which cluster is meant, where to write. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "cli/command.h"
#include "client/kubeconfig.h"
#include "schema/schema.h"

struct option_values;
struct connection;

struct cli {
	struct arena *arena; /* lives as long as the command */
	struct schema *schema;
	const struct command *command;
	struct arguments arguments;
	struct option_values *options;
	struct kubeconfig config; /* filled by cli_connect */
	struct str ns;		  /* of this command: -n, else the context's, else default */
	bool ns_given;		  /* -n stood on the command line */
	struct connection *connection;
	struct str line;  /* what was typed, flags last, for --record */
	bool server_said; /* the last failure is the server's word, for this reason */
	struct str server_reason;
	const struct doc *server_details; /* of the Status: kind, name, causes */
	bool timed_out;
	VEC(struct str) warned; /* what the server warned of, printed already */
	bool discovered;	/* custom_kinds_load() has been here */
	int exit_code;		/* of a failing command; 0 means 1 */
};

/* Runs the command that argv names ("get", "rollout", "status" …) and returns the exit code. */
int cli_main(int argc, char **argv);

/* Loads the kubeconfig (--kubeconfig, $KUBECONFIG, ~/.kube/config, then minke's own on this
 * machine) and settles the namespace. Called by everything that speaks to the server; twice does no
 * harm. */
MUST_USE enum status cli_connect(struct cli *cli, struct error *error);

/* "90s", "5m", "1h30m", "250ms"; a bare number is seconds. False: not a duration. */
MUST_USE bool cli_duration(struct str text, i64 *ret_ms);

/* From now on waiting ends after `timeout` ("30s", "5m", "0s": never) with "timed out waiting for
 * the condition". Needs a connection. */
MUST_USE enum status cli_deadline(struct cli *cli, struct str timeout, struct error *error);

/* Waits, while the connection goes on living. */
void cli_sleep(struct cli *cli, i64 ms);

/* Prints to stdout; the length is not limited. */
void cli_print(struct str text);
PRINTF(1, 2) void cli_printf(const char *format, ...);
/* A sentence on stderr, such as a warning. */
PRINTF(1, 2) void cli_warn(const char *format, ...);

/* The error as kubectl words it: "Error from server (NotFound): pods "x" not found" for what the
 * server said, "error: …" for what happened here. */
void cli_print_error(struct cli *cli, const struct error *error);

#endif
