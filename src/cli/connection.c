/* From a kubeconfig to a connection: which file, which context, which certificates. */
#include "cli/connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sys/file.h"

enum { CONFIG_BYTES_MAX = 1 << 20, AGENT_BYTES_MAX = 64 };

#define CONFIG_OF_THIS_MACHINE "/var/lib/minke/admin.kubeconfig"

struct connection {
	struct loop *loop;
	struct tls_context *tls;
	struct http_client *client;
	struct timer *deadline;
};

static void connection_close(void *self)
{
	struct connection *connection = self;

	timer_free(connection->deadline);
	http_client_free(connection->client);
	tls_free(connection->tls);
	loop_free(connection->loop);
}

struct loop *connection_loop(const struct cli *cli)
{
	return cli->connection->loop;
}

struct http_client *connection_client(const struct cli *cli)
{
	return cli->connection->client;
}

enum status connection_call(struct cli *cli, const struct http_call_spec *spec,
			    struct http_call_result *ret_result, struct error *error)
{
	if (option_int(cli, "verbosity") >= 6)
		cli_warn(STR_FMT " " STR_FMT, STR_ARG(spec->method), STR_ARG(spec->target));
	enum status status = http_call_wait(cli->connection->loop, cli->arena,
					    cli->connection->client, spec, ret_result, error);

	if (status == ST_UNAVAILABLE)
		cli_warn("The connection to the server " STR_FMT " was refused - did you specify "
			 "the right host or port?",
			 STR_ARG(cli->config.server));
	return status;
}

/* $KUBECONFIG may name several files; the first that exists is taken. */
struct str connection_config_path(const struct cli *cli)
{
	struct str given = option_text(cli, "kubeconfig");
	struct str rest = str_of(getenv("KUBECONFIG"));
	const char *home = getenv("HOME");

	if (given.len)
		return given;
	while (rest.len) {
		struct str path = str_cut(&rest, ':');

		if (path.len && file_exists(str_c(cli->arena, path)))
			return path;
	}
	if (home) {
		struct str path = str_format(cli->arena, "%s/.kube/config", home);

		if (file_exists(path.at))
			return path;
	}
	return STR(CONFIG_OF_THIS_MACHINE);
}

/* A certificate or key that stands in a file of its own. */
static enum status from_file(struct cli *cli, struct str *text, struct str file,
			     struct error *error)
{
	if (text->len || !file.len)
		return ST_OK;
	return file_read(cli->arena, str_c(cli->arena, file), CONFIG_BYTES_MAX, text, error);
}

static enum status load_config(struct cli *cli, struct error *error)
{
	struct str path = connection_config_path(cli), text;
	struct kubeconfig *config = &cli->config;
	enum status status;

	if (option_text(cli, "server").len && !file_exists(str_c(cli->arena, path))) {
		config->server = option_text(cli, "server");
	} else {
		status = file_read(cli->arena, str_c(cli->arena, path), CONFIG_BYTES_MAX, &text,
				   error);
		if (status == ST_NOT_FOUND) {
			error_clear(error);
			return fail(error, status,
				    "error: no kubeconfig at " STR_FMT " - start a cluster with "
				    "`minke server`, or name the file with --kubeconfig or "
				    "$KUBECONFIG",
				    STR_ARG(path));
		}
		if (status == ST_FORBIDDEN) {
			error_clear(error);
			return fail(error, status,
				    "error: " STR_FMT " may not be read by you - become root, or "
				    "copy it and name the copy with $KUBECONFIG",
				    STR_ARG(path));
		}
		if (status)
			return fail_within(error, "no cluster is configured (--kubeconfig, "
						  "$KUBECONFIG, ~/.kube/config)");
		status = kubeconfig_parse(cli->arena, text, option_text(cli, "context"), config,
					  error);
		if (status)
			return fail_within(error, "error loading config file \"" STR_FMT "\"",
					   STR_ARG(path));
	}
	if ((status = from_file(cli, &config->ca_certificate, config->ca_file, error)) ||
	    (status = from_file(cli, &config->certificate, config->certificate_file, error)) ||
	    (status = from_file(cli, &config->key, config->key_file, error)) ||
	    (status = from_file(cli, &config->token, config->token_file, error)))
		return status;
	if (option_text(cli, "server").len)
		config->server = option_text(cli, "server");
	if (option_text(cli, "token").len)
		config->token = option_text(cli, "token");
	if (option_bool(cli, "insecure-skip-tls-verify"))
		config->insecure = true;
	config->token = str_trim(config->token);
	return ST_OK;
}

static enum status open_client(struct cli *cli, struct error *error)
{
	struct connection *connection = ARENA_NEW(cli->arena, struct connection);
	const struct kubeconfig *config = &cli->config;
	struct tls_config tls = { .certificate = config->certificate,
				  .key = config->key,
				  .authorities = config->ca_certificate,
				  .insecure = config->insecure };
	enum status status;

	connection->loop = loop_new();
	arena_defer(cli->arena, connection_close, connection);
	status = tls_client_new(&tls, &connection->tls, error);
	if (status)
		return status;
	struct http_client_config client = { .url = config->server,
					     .tls = connection->tls,
					     .server_name = config->tls_server_name,
					     .bearer_token = config->token,
					     .user_agent = STR("minke") };

	status = http_client_new(connection->loop, &client, &connection->client, error);
	if (status)
		return status;
	cli->connection = connection;
	return ST_OK;
}

enum status cli_connect(struct cli *cli, struct error *error)
{
	if (cli->connection)
		return ST_OK;
	enum status status = load_config(cli, error);

	if (status)
		return status;
	cli->ns = option_text(cli, "namespace");
	cli->ns_given = cli->ns.len > 0;
	if (!cli->ns_given)
		cli->ns = cli->config.ns.len ? cli->config.ns : STR("default");
	return open_client(cli, error);
}

/* Go's durations as far as people type them: 90s, 5m, 1h, 250ms; a bare number is seconds. */
bool cli_duration(struct str text, i64 *ret_ms)
{
	static const struct {
		const char *unit;
		i64 ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "", 1000 } };
	i64 total = 0, count;

	while (text.len) {
		size_t digits = 0, letters;
		size_t unit = 0;

		while (digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9')
			digits++;
		if (!str_to_i64(str_part(text, 0, digits), &count))
			return false;
		text = str_from(text, digits);
		for (letters = 0; letters < text.len && text.at[letters] > '9';)
			letters++;
		while (unit < ARRAY_LEN(units) &&
		       !str_is(str_part(text, 0, letters), units[unit].unit))
			unit++;
		if (unit == ARRAY_LEN(units) || count > INT32_MAX)
			return false;
		total += count * units[unit].ms;
		text = str_from(text, letters);
	}
	*ret_ms = total;
	return true;
}

static void deadline_passed(void *self)
{
	struct cli *cli = self;

	cli->timed_out = true;
	loop_stop(cli->connection->loop);
}

enum status cli_deadline(struct cli *cli, struct str timeout, struct error *error)
{
	struct connection *connection = cli->connection;
	i64 ms;

	if (!cli_duration(timeout, &ms))
		return fail(error, ST_BAD_REQUEST, "error: invalid duration \"" STR_FMT "\"",
			    STR_ARG(timeout));
	if (!ms)
		return ST_OK;
	if (!connection->deadline)
		connection->deadline = timer_new(connection->loop, deadline_passed, cli);
	timer_start(connection->deadline, ms, 0);
	return ST_OK;
}

static void slept(void *self)
{
	loop_stop(self);
}

void cli_sleep(struct cli *cli, i64 ms)
{
	struct timer *timer = timer_new(connection_loop(cli), slept, connection_loop(cli));

	timer_start(timer, ms, 0);
	while (timer_running(timer) && !cli->timed_out)
		loop_run(connection_loop(cli));
	timer_free(timer);
}

/* "The Pod "x" is invalid: spec…: Required value", a line each when there are several causes. */
static void print_invalid(const struct doc *details, const struct error *error)
{
	const struct doc *causes = doc_key(details, "causes");
	bool many = doc_len(causes) > 1;

	if (!doc_at_str(details, "kind").len) {
		fprintf(stderr, "The request is invalid: %s\n", error->message);
		return;
	}
	fprintf(stderr, "The " STR_FMT " \"" STR_FMT "\" is invalid%s",
		STR_ARG(doc_at_str(details, "kind")), STR_ARG(doc_at_str(details, "name")),
		!doc_len(causes) ? "\n"
		: many		 ? ": \n"
				 : ": ");
	doc_each_item(causes, cause) {
		struct str field = doc_at_str(cause, "field");

		fprintf(stderr, "%s" STR_FMT "%s" STR_FMT "\n", many ? "* " : "", STR_ARG(field),
			field.len ? ": " : "", STR_ARG(doc_at_str(cause, "message")));
	}
}

void cli_print_error(struct cli *cli, const struct error *error)
{
	fflush(stdout);
	if (!cli->server_said)
		fprintf(stderr, "%s\n", error->message);
	else if (str_is(cli->server_reason, "Invalid"))
		print_invalid(cli->server_details, error);
	else if (str_is(cli->server_reason, "Unauthorized"))
		fprintf(stderr, "error: You must be logged in to the server (Unauthorized)\n");
	else if (cli->server_reason.len)
		fprintf(stderr, "Error from server (" STR_FMT "): %s\n",
			STR_ARG(cli->server_reason), error->message);
	else
		fprintf(stderr, "Error from server: %s\n", error->message);
}
