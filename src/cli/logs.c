/* minke logs: what containers have written. */
#include <stdio.h>

#include "cli/pod_choice.h"
#include "cli/request.h"

static const struct option_rule options[] = {
	{ "container", 'c', OPTION_TEXT, NULL, "the container meant", NULL },
	{ "all-containers", 0, OPTION_BOOL, NULL, "every container of the pod", NULL },
	{ "follow", 'f', OPTION_BOOL, NULL, "go on as more is written", NULL },
	{ "previous", 'p', OPTION_BOOL, NULL, "of the container before the last restart", NULL },
	{ "tail", 0, OPTION_INT, "-1", "only so many of the last lines", NULL },
	{ "since", 0, OPTION_TEXT, NULL, "only what is newer than 5s, 2m, 3h", NULL },
	{ "since-time", 0, OPTION_TEXT, NULL, "only what is newer than a time (RFC 3339)", NULL },
	{ "timestamps", 0, OPTION_BOOL, NULL, "put the time before each line", NULL },
	{ "limit-bytes", 0, OPTION_INT, "0", "only so many bytes", NULL },
	{ "selector", 'l', OPTION_TEXT, NULL, "the pods whose labels match", NULL },
	{ "prefix", 0, OPTION_BOOL, NULL, "put pod and container before each line", NULL },
	{ 0 },
};

struct logging {
	struct cli *cli;
	struct str prefix; /* "[pod/x/c] " or empty */
	bool line_open;	   /* the last bytes did not end a line */
};

static bool print_log(void *self, struct str bytes)
{
	struct logging *logging = self;

	while (logging->prefix.len && bytes.len) {
		i64 end = str_find_char(bytes, '\n');
		struct str line = str_part(bytes, 0, end < 0 ? bytes.len : (size_t)end + 1);

		if (!logging->line_open)
			cli_print(logging->prefix);
		cli_print(line);
		logging->line_open = end < 0;
		bytes = str_from(bytes, line.len);
	}
	cli_print(bytes);
	fflush(stdout);
	return true;
}

static struct str log_query(struct cli *cli, struct str path)
{
	struct arena *arena = cli->arena;
	i64 tail = option_int(cli, "tail"), limit = option_int(cli, "limit-bytes"), ms = 0;

	/* Of several pods kubectl shows ten lines each unless told otherwise. */
	if (option_text(cli, "selector").len && !option_given(cli, "tail"))
		tail = 10;
	if (option_bool(cli, "follow"))
		path = request_query(arena, path, "follow", STR("true"));
	if (option_bool(cli, "previous"))
		path = request_query(arena, path, "previous", STR("true"));
	if (option_bool(cli, "timestamps"))
		path = request_query(arena, path, "timestamps", STR("true"));
	if (tail >= 0)
		path = request_query(arena, path, "tailLines",
				     str_format(arena, "%lld", (long long)tail));
	if (limit > 0)
		path = request_query(arena, path, "limitBytes",
				     str_format(arena, "%lld", (long long)limit));
	if (option_given(cli, "since") && cli_duration(option_text(cli, "since"), &ms))
		path = request_query(arena, path, "sinceSeconds",
				     str_format(arena, "%lld", (long long)((ms + 999) / 1000)));
	return request_query(arena, path, "sinceTime", option_text(cli, "since-time"));
}

static enum status log_container(struct cli *cli, const struct doc *pod, struct str container,
				 struct error *error)
{
	struct str name = doc_at_str(pod, "metadata.name");
	struct str path =
		str_format(cli->arena, "/api/v1/namespaces/" STR_FMT "/pods/" STR_FMT "/log",
			   STR_ARG(cli->ns), STR_ARG(name));
	struct logging logging = { .cli = cli };

	if (option_bool(cli, "prefix"))
		logging.prefix = str_format(cli->arena, "[pod/" STR_FMT "/" STR_FMT "] ",
					    STR_ARG(name), STR_ARG(container));
	path = request_query(cli->arena, path, "container", container);
	return request_stream(cli, log_query(cli, path), "*/*", print_log, &logging, error);
}

static enum status log_pod(struct cli *cli, const struct doc *pod, struct error *error)
{
	static const char *const lists[] = { "spec.initContainers", "spec.containers",
					     "spec.ephemeralContainers" };
	struct str container;
	enum status status = ST_OK;

	if (!option_bool(cli, "all-containers")) {
		status = pod_choice_container(cli, pod, option_text(cli, "container"), true,
					      &container, error);
		return status ? status : log_container(cli, pod, container, error);
	}
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		doc_each_item(doc_at(pod, lists[i]), item)
			if (!status)
				status = log_container(cli, pod, doc_at_str(item, "name"), error);
	return status;
}

static enum status logs_run(struct cli *cli, struct error *error)
{
	struct str selector = option_text(cli, "selector"), word;
	struct pod_list pods;
	i64 ms;
	enum status status = cli_connect(cli, error);

	if (status)
		return status;
	if (!cli->arguments.len && !selector.len)
		return fail(error, ST_BAD_REQUEST,
			    "error: expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\n"
			    "POD or TYPE/NAME is a required argument for the logs command");
	if (option_given(cli, "since") && !cli_duration(option_text(cli, "since"), &ms))
		return fail(error, ST_BAD_REQUEST, "error: invalid duration \"" STR_FMT "\"",
			    STR_ARG(option_text(cli, "since")));
	if (selector.len) {
		status = pod_choice_selected(cli, selector, &pods, error);
		for (u32 i = 0; !status && i < pods.len; i++)
			status = log_pod(cli, pods.at[i], error);
		return status;
	}
	word = cli->arguments.words[0];
	if (cli->arguments.len > 1 && str_find_char(word, '/') < 0 &&
	    !option_given(cli, "container")) {
		/* `logs POD CONTAINER`, the old way */
		status = pod_choice(cli, word, &pods, error);
		return status ? status
			      : log_container(cli, pods.at[0], cli->arguments.words[1], error);
	}
	status = pod_choice(cli, word, &pods, error);
	if (status)
		return status;
	if (pods.len > 1)
		cli_warn("Found %u pods, using pod/" STR_FMT, pods.len,
			 STR_ARG(doc_at_str(pods.at[0], "metadata.name")));
	return log_pod(cli, pods.at[0], error);
}

const struct command command_logs = {
	.name = "logs",
	.usage = "logs [-f] [-p] POD | TYPE/NAME [-c CONTAINER]",
	.summary = "prints what containers have written",
	.options = options,
	.run = logs_run,
};
