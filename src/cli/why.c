/*
 * minke why: why pods do not run, and what would help, in plain sentences. The server finds out
 * (GET …/pods/x/why); of a workload the pod that is worst off is asked about, and what keeps the
 * workload from making pods is told too.
 */
#include <stdio.h>

#include "cli/pod_choice.h"
#include "cli/request.h"
#include "doc/json.h"

enum { NODES_NAMED = 5, LINES_OF_LOG = 5 };

static const struct option_rule options[] = {
	{ "output", 'o', OPTION_TEXT, NULL, "json: the answer as the server gave it", NULL },
	{ 0 },
};

static struct str pod_path(struct cli *cli, struct str ns, struct str name, const char *part)
{
	return str_format(cli->arena, "/api/v1/namespaces/" STR_FMT "/pods/" STR_FMT "/%s",
			  STR_ARG(ns), STR_ARG(name), part);
}

static bool print_bytes(void *self, struct str bytes)
{
	(void)self;
	cli_print(bytes);
	return true;
}

/* The last words of the container that matters; silent when nobody can be reached for them. */
static void print_logs(struct cli *cli, const struct doc *answer)
{
	const struct doc *logs = doc_key(answer, "logs");
	struct error error = ERROR_INIT;
	struct str path = pod_path(cli, doc_at_str(answer, "metadata.namespace"),
				   doc_at_str(answer, "metadata.name"), "log");

	if (!logs)
		return;
	path = request_query(cli->arena, path, "container", doc_str(doc_key(logs, "container")));
	path = request_query(cli->arena, path, "tailLines",
			     str_format(cli->arena, "%d", LINES_OF_LOG));
	if (doc_bool_or(doc_key(logs, "previous"), false))
		path = request_query(cli->arena, path, "previous", STR("true"));
	printf("  last lines of container " STR_FMT ":\n",
	       STR_ARG(doc_str(doc_key(logs, "container"))));
	fflush(stdout);
	if (request_stream(cli, path, NULL, print_bytes, NULL, &error))
		printf("  (not to be had: %s)\n", error.message);
}

static void print_nodes(const struct doc *nodes)
{
	u32 len = doc_len(nodes);

	if (len == 1) {
		printf("node " STR_FMT ": ", STR_ARG(doc_str(doc_item(nodes, 0))));
		return;
	}
	printf("%u nodes (", len);
	for (u32 i = 0; i < len && i < NODES_NAMED; i++)
		printf("%s" STR_FMT, i ? ", " : "", STR_ARG(doc_str(doc_item(nodes, i))));
	printf("%s): ", len > NODES_NAMED ? ", …" : "");
}

static void print_answer(struct cli *cli, const struct doc *answer)
{
	printf("pod/" STR_FMT ": " STR_FMT "\n", STR_ARG(doc_at_str(answer, "metadata.name")),
	       STR_ARG(doc_at_str(answer, "summary")));
	doc_each_item(doc_key(answer, "reasons"), reason) {
		struct str help = doc_str(doc_key(reason, "help"));

		printf("- ");
		if (doc_len(doc_key(reason, "nodes")))
			print_nodes(doc_key(reason, "nodes"));
		printf(STR_FMT "\n", STR_ARG(doc_str(doc_key(reason, "what"))));
		if (help.len)
			printf("  " STR_FMT "\n", STR_ARG(help));
	}
	print_logs(cli, answer);
}

static void print_json(const struct doc *answer)
{
	struct buffer out = BUFFER_INIT(4 << 20);

	json_print_pretty(&out, answer, 4);
	buffer_add_char(&out, '\n');
	cli_print(buffer_str(&out));
	buffer_release(&out);
}

static enum status ask(struct cli *cli, struct str ns, struct str name, struct error *error)
{
	const struct doc *answer;
	enum status status = request_get(cli, pod_path(cli, ns, name, "why"), &answer, error);

	if (status)
		return status;
	if (str_is(option_text(cli, "output"), "json"))
		print_json(answer);
	else
		print_answer(cli, answer);
	return ST_OK;
}

/* What a workload could not make lately: quota, admission, bad templates. */
static void print_failures(struct cli *cli, struct str name)
{
	const struct doc *list;
	struct error error = ERROR_INIT;
	struct str seen = STR_NONE;
	struct str path =
		str_format(cli->arena, "/api/v1/namespaces/" STR_FMT "/events", STR_ARG(cli->ns));

	path = request_query(cli->arena, path, "fieldSelector", STR("reason=FailedCreate"));
	if (request_get(cli, path, &list, &error))
		return;
	doc_each_item(doc_key(list, "items"), event) {
		struct str about = doc_at_str(event, "involvedObject.name");
		struct str message = doc_at_str(event, "message");

		if (!str_starts(about, name) || str_eq(message, seen))
			continue;
		printf("- " STR_FMT " " STR_FMT " cannot make pods: " STR_FMT "\n",
		       STR_ARG(doc_at_str(event, "involvedObject.kind")), STR_ARG(about),
		       STR_ARG(message));
		seen = message;
	}
}

static enum status ask_target(struct cli *cli, const struct target *target, struct error *error)
{
	struct pod_list pods;
	struct str word = str_format(cli->arena, STR_FMT "/" STR_FMT, STR_ARG(target->kind->plural),
				     STR_ARG(target->name));
	enum status status;

	if (str_is(target->kind->kind, "Pod"))
		return ask(cli, target->ns, target->name, error);
	status = pod_choice(cli, word, &pods, error);
	if (status == ST_OK) { /* ready ones stand first: the last is worst off */
		const struct doc *worst = pods.at[pods.len - 1];

		status = ask(cli, doc_at_str(worst, "metadata.namespace"),
			     doc_at_str(worst, "metadata.name"), error);
	} else {
		printf(STR_FMT ": %s\n", STR_ARG(word), error->message);
		error_clear(error);
		status = ST_OK;
	}
	if (!str_is(option_text(cli, "output"), "json"))
		print_failures(cli, target->name);
	return status;
}

static enum status why_run(struct cli *cli, struct error *error)
{
	struct targets targets;
	struct pod_list pods;
	enum status status;

	/* A lone word is a pod's name. */
	if (cli->arguments.len == 1 && str_find_char(cli->arguments.words[0], '/') < 0) {
		status = pod_choice(cli, cli->arguments.words[0], &pods, error);
		return status ? status
			      : ask(cli, doc_at_str(pods.at[0], "metadata.namespace"),
				    doc_at_str(pods.at[0], "metadata.name"), error);
	}
	status = resource_targets(cli, 0, &targets, error);
	if (!status && !targets.by_name)
		status = fail(error, ST_BAD_REQUEST,
			      "error: say which: minke why pod/NAME, or deployment/NAME");
	for (u32 i = 0; !status && i < targets.len; i++)
		status = ask_target(cli, &targets.at[i], error);
	return status;
}

const struct command command_why = {
	.name = "why",
	.usage = "why POD | TYPE/NAME …",
	.summary = "says why a pod is not running, and what would help",
	.options = options,
	.run = why_run,
};
