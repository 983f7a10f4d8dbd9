/* The option table of `minke server` and `minke agent`: reading, checking and --help go by it. */
#include "run/server_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

enum option_code {
	CODE_DATA = 256,
	CODE_LISTEN,
	CODE_KUBECONFIG_OUT,
	CODE_NODE,
	CODE_NODE_NAME,
	CODE_NODE_IP,
	CODE_KUBECONFIG,
	CODE_NODE_LISTEN,
	CODE_SIMULATE_NODES,
	CODE_SIMULATED_START_MS,
	CODE_AUTOSCALE_EVERY,
	CODE_NODE_GRACE,
	CODE_EVICT_AFTER,
	CODE_REGISTRY_MIRROR,
	CODE_NO_CONTROLLERS,
	CODE_NO_SCHEDULER,
	CODE_NO_LOCAL_PATH,
	CODE_ROTATE_SECRETS_KEY,
	CODE_ROTATE_TOKEN_KEY,
	CODE_CGROUP_PARENT,
	CODE_BACKOFF_FIRST,
	CODE_BACKOFF_MOST,
	CODE_TOKEN_FILE,
	CODE_ADMISSION_FILE,
	CODE_AUDIT_PATH,
	CODE_AUDIT_POLICY,
	CODE_AUDIT_SIZE,
	CODE_AUDIT_BACKUPS,
	CODE_AUDIT_AGE,
	CODE_PURGE_NODE,
	CODE_VERBOSE,
	CODE_HELP,
};

enum { BACKOFF_MOST_S = 86400 };

enum program { SERVER, AGENT, BOTH };

static const struct {
	const char *name, *value, *help; /* value NULL: a switch */
	enum option_code code;
	enum program who; /* left out: the server's */
} table[] = {
	{ "data", "DIR", "where everything is kept (/var/lib/minke)", CODE_DATA, BOTH },
	{ "listen", "ADDR:PORT", "where clients find us (127.0.0.1:6443)", CODE_LISTEN },
	{ "kubeconfig-out", "FILE", "where to write the admin's kubeconfig (DIR/admin.kubeconfig)",
	  CODE_KUBECONFIG_OUT },
	{ "node", "real|none", "run pods on this machine, or do not (real)", CODE_NODE },
	{ "node-name", "NAME", "what this machine is called as a Node (its host name)",
	  CODE_NODE_NAME, BOTH },
	{ "node-ip", "ADDRESS", "where other machines find this one (its first address)",
	  CODE_NODE_IP, BOTH },
	{ "kubeconfig", "FILE", "the server and how to join it, as `minke token create` prints it",
	  CODE_KUBECONFIG, AGENT },
	{ "node-listen", "ADDR:PORT", "where the server finds us (0.0.0.0:10250)", CODE_NODE_LISTEN,
	  AGENT },
	{ "simulate-nodes", "N", "add N nodes whose pods run only in imagination (0)",
	  CODE_SIMULATE_NODES },
	{ "simulated-start-ms", "MS", "how long a simulated pod takes to run (100)",
	  CODE_SIMULATED_START_MS },
	{ "autoscale-every", "SECONDS", "how often autoscalers look at their pods (15)",
	  CODE_AUTOSCALE_EVERY },
	{ "node-grace", "SECONDS", "how long a silent node counts as ready (40)", CODE_NODE_GRACE },
	{ "evict-after", "SECONDS",
	  "how long pods stay on a node that is not ready, unless they say otherwise (300)",
	  CODE_EVICT_AFTER },
	{ "registry-mirror", "HOST=URL", "pull images of HOST from URL; may stand several times",
	  CODE_REGISTRY_MIRROR, BOTH },
	{ "token-auth-file", "FILE", "tokens as lines of token,user,uid,\"group,group\"",
	  CODE_TOKEN_FILE },
	{ "admission-control-config-file", "FILE", "an AdmissionConfiguration (PodSecurity)",
	  CODE_ADMISSION_FILE },
	{ "audit-log-path", "FILE", "note requests there; - is standard output", CODE_AUDIT_PATH },
	{ "audit-policy-file", "FILE", "which requests, and how much of them", CODE_AUDIT_POLICY },
	{ "audit-log-maxsize", "MB", "begin a new file when it has grown so large (100)",
	  CODE_AUDIT_SIZE },
	{ "audit-log-maxbackup", "N", "keep so many old files (0: all)", CODE_AUDIT_BACKUPS },
	{ "audit-log-maxage", "DAYS", "keep old files so long (0: for ever)", CODE_AUDIT_AGE },
	{ "no-controllers", NULL, "run no controllers", CODE_NO_CONTROLLERS },
	{ "no-scheduler", NULL, "bind no pods to nodes", CODE_NO_SCHEDULER },
	{ "no-local-path", NULL, "make no default storage class", CODE_NO_LOCAL_PATH },
	{ "rotate-secrets-key", NULL, "seal all Secrets on disk with a new key while starting",
	  CODE_ROTATE_SECRETS_KEY },
	{ "rotate-token-key", NULL,
	  "sign service-account tokens with a new key; those of the old one stay good",
	  CODE_ROTATE_TOKEN_KEY, SERVER },
	{ "cgroup-parent", "NAME", "the control group ours live under (minke)", CODE_CGROUP_PARENT,
	  BOTH },
	{ "restart-backoff", "SECONDS",
	  "how long a container that failed again waits at first (10)", CODE_BACKOFF_FIRST, BOTH },
	{ "restart-backoff-most", "SECONDS", "how long it waits at most (300)", CODE_BACKOFF_MOST,
	  BOTH },
	{ "purge-node", NULL, "end the containers of a stopped server, and exit", CODE_PURGE_NODE,
	  BOTH },
	{ "verbose", NULL, "say more in the log", CODE_VERBOSE, BOTH },
	{ "help", NULL, "print this", CODE_HELP, BOTH },
};

static bool is_of(size_t option, enum program program)
{
	return table[option].who == program || table[option].who == BOTH;
}

static void print_table(enum program who)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char left[64];

		if (!is_of(i, who))
			continue;
		snprintf(left, sizeof left, "--%s%s%s", table[i].name, table[i].value ? " " : "",
			 table[i].value ? table[i].value : "");
		printf("  %-26s %s\n", left, table[i].help);
	}
}

void server_options_help(void)
{
	printf("Runs a cluster: API server, store, controllers, scheduler and this node.\n\n"
	       "Usage: minke server [OPTION …]\n\n");
	print_table(SERVER);
}

void agent_options_help(void)
{
	printf("Makes this machine a node of a cluster whose server runs elsewhere.\n\n"
	       "Usage: minke agent --kubeconfig FILE [OPTION …]\n\n");
	print_table(AGENT);
}

enum status server_options_listen(struct str listen, struct str *ret_host, u16 *ret_port,
				  struct error *error)
{
	i64 colon = str_find_last(listen, ':'), port;

	if (colon < 0 || !str_to_i64(str_from(listen, (size_t)colon + 1), &port) || port < 0 ||
	    port > 65535)
		return fail(error, ST_BAD_REQUEST, "--listen takes ADDR:PORT, not \"" STR_FMT "\"",
			    STR_ARG(listen));
	struct str host = str_part(listen, 0, (size_t)colon);

	if (host.len > 2 && host.at[0] == '[')
		host = str_part(host, 1, host.len - 2);
	*ret_host = host;
	*ret_port = (u16)port;
	return ST_OK;
}

static enum status apply_number(struct server_options *options, enum option_code code,
				struct str text, struct error *error)
{
	const struct {
		enum option_code code;
		i64 least, highest;
		i64 *value;
	} numbers[] = {
		{ CODE_SIMULATE_NODES, 0, SIMULATED_NODES_MAX, &options->simulated_nodes },
		{ CODE_SIMULATED_START_MS, 0, 3600 * 1000, &options->simulated_start_ms },
		{ CODE_AUTOSCALE_EVERY, 1, 3600, &options->autoscale_every_s },
		{ CODE_BACKOFF_FIRST, 1, BACKOFF_MOST_S, &options->backoff_first_s },
		{ CODE_BACKOFF_MOST, 1, BACKOFF_MOST_S, &options->backoff_most_s },
		{ CODE_NODE_GRACE, 5, 24 * 3600, &options->node_grace_s },
		{ CODE_EVICT_AFTER, 1, 24 * 3600, &options->evict_after_s },
		{ CODE_AUDIT_SIZE, 1, 1 << 20, &options->access.audit_megabytes },
		{ CODE_AUDIT_BACKUPS, 0, 10000, &options->access.audit_backups },
		{ CODE_AUDIT_AGE, 0, 36500, &options->access.audit_days },
	};
	size_t n = 0, row = 0;

	while (numbers[n].code != code)
		n++;
	while (table[row].code != code)
		row++;
	CHECK(n < ARRAY_LEN(numbers) && row < ARRAY_LEN(table));
	if (!str_to_i64(text, numbers[n].value) || *numbers[n].value < numbers[n].least ||
	    *numbers[n].value > numbers[n].highest)
		return fail(error, ST_BAD_REQUEST,
			    "--%s: \"" STR_FMT "\" is not a number from %lld to %lld",
			    table[row].name, STR_ARG(text), (long long)numbers[n].least,
			    (long long)numbers[n].highest);
	return ST_OK;
}

/* Those without a value. */
static void apply_flag(struct server_options *options, enum option_code code)
{
	options->controllers &= code != CODE_NO_CONTROLLERS;
	options->scheduler &= code != CODE_NO_SCHEDULER;
	options->no_local_path |= code == CODE_NO_LOCAL_PATH;
	options->rotate_secrets_key |= code == CODE_ROTATE_SECRETS_KEY;
	options->rotate_token_key |= code == CODE_ROTATE_TOKEN_KEY;
	options->purge_node |= code == CODE_PURGE_NODE;
	options->verbose |= code == CODE_VERBOSE;
	options->help |= code == CODE_HELP;
}

/* The files of access, by name. */
static void apply_access(struct access_options *access, enum option_code code, struct str path)
{
	*(code == CODE_TOKEN_FILE	? &access->tokens
	  : code == CODE_ADMISSION_FILE ? &access->admission
	  : code == CODE_AUDIT_PATH	? &access->audit_path
					: &access->audit_policy) = path;
}

static enum status apply(struct server_options *options, enum option_code code, struct str text,
			 struct error *error)
{
	enum status status = ST_OK;

	switch (code) {
	case CODE_DATA:
		if (!text.len)
			return fail(error, ST_BAD_REQUEST, "--data names no directory");
		options->data = text;
		break;
	case CODE_LISTEN:
		options->listen = text;
		status = server_options_listen(text, &(struct str){ 0 }, &(u16){ 0 }, error);
		break;
	case CODE_KUBECONFIG_OUT:
		options->kubeconfig_out = text;
		break;
	case CODE_NODE:
		if (!str_is(text, "real") && !str_is(text, "none"))
			return fail(error, ST_BAD_REQUEST,
				    "--node is real or none, not \"" STR_FMT "\"", STR_ARG(text));
		options->real_node = str_is(text, "real");
		break;
	case CODE_NODE_NAME:
		options->node_name = text;
		break;
	case CODE_NODE_IP:
		options->node_ip = text;
		break;
	case CODE_KUBECONFIG:
		options->kubeconfig = text;
		break;
	case CODE_NODE_LISTEN:
		options->node_listen = text;
		status = server_options_listen(text, &(struct str){ 0 }, &(u16){ 0 }, error);
		break;
	case CODE_SIMULATE_NODES:
	case CODE_SIMULATED_START_MS:
	case CODE_BACKOFF_FIRST:
	case CODE_BACKOFF_MOST:
	case CODE_AUTOSCALE_EVERY:
	case CODE_NODE_GRACE:
	case CODE_AUDIT_SIZE:
	case CODE_AUDIT_BACKUPS:
	case CODE_AUDIT_AGE:
	case CODE_EVICT_AFTER:
		status = apply_number(options, code, text, error);
		break;
	case CODE_REGISTRY_MIRROR:
		if (options->mirrors_len == MIRRORS_MAX || str_find_char(text, '=') < 1)
			return fail(error, ST_BAD_REQUEST,
				    "--registry-mirror takes HOST=URL, at most %d times",
				    MIRRORS_MAX);
		options->mirrors[options->mirrors_len++] = text;
		break;
	case CODE_CGROUP_PARENT:
		options->cgroup_parent = text;
		break;
	case CODE_TOKEN_FILE:
	case CODE_ADMISSION_FILE:
	case CODE_AUDIT_PATH:
	case CODE_AUDIT_POLICY:
		apply_access(&options->access, code, text);
		break;
	default:
		apply_flag(options, code);
		break;
	}
	return status;
}

static struct server_options defaults(void)
{
	const char *parent = getenv("MINKE_CGROUP_PARENT");

	return (struct server_options){
		.data = STR("/var/lib/minke"),
		.listen = STR("127.0.0.1:6443"),
		.real_node = true,
		.simulated_start_ms = 100,
		.backoff_first_s = 10,
		.backoff_most_s = 300,
		.autoscale_every_s = 15,
		.node_grace_s = 40,
		.evict_after_s = 300,
		.controllers = true,
		.scheduler = true,
		.cgroup_parent = parent && *parent ? str_of(parent) : STR("minke"),
		.node_listen = STR("0.0.0.0:10250"),
	};
}

static enum status read_words(enum program who, int argc, char **argv,
			      struct server_options *options, struct error *error)
{
	const char *program = who == SERVER ? "server" : "agent";
	struct option longs[ARRAY_LEN(table) + 1] = { 0 };
	size_t len = 0;
	int code;

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (is_of(i, who))
			longs[len++] = (struct option){
				.name = table[i].name,
				.has_arg = table[i].value ? required_argument : no_argument,
				.val = table[i].code,
			};
	optind = 0;
	opterr = 0;
	while ((code = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (code == ':' || code == '?')
			return fail(error, ST_BAD_REQUEST, "%s %s; see minke %s --help",
				    code == ':' ? "a value is missing after" : "unknown option",
				    argv[optind - 1], program);
		enum status status = apply(options, (enum option_code)code, str_of(optarg), error);

		if (status)
			return status;
	}
	if (optind < argc)
		return fail(error, ST_BAD_REQUEST, "unexpected word \"%s\"; see minke %s --help",
			    argv[optind], program);
	return ST_OK;
}

enum status server_options_read(struct arena *arena, int argc, char **argv,
				struct server_options *ret_options, struct error *error)
{
	struct server_options options = defaults();
	enum status status = read_words(SERVER, argc, argv, &options, error);

	if (status)
		return status;
	if (!options.kubeconfig_out.len)
		options.kubeconfig_out =
			str_format(arena, STR_FMT "/admin.kubeconfig", STR_ARG(options.data));
	*ret_options = options;
	return ST_OK;
}

enum status agent_options_read(struct arena *arena, int argc, char **argv,
			       struct server_options *ret_options, struct error *error)
{
	struct server_options options = defaults();
	enum status status = read_words(AGENT, argc, argv, &options, error);

	if (status)
		return status;
	if (!options.kubeconfig.len)
		options.kubeconfig =
			str_format(arena, STR_FMT "/node.kubeconfig", STR_ARG(options.data));
	*ret_options = options;
	return ST_OK;
}
