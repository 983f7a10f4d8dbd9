/* minke exec and minke attach: a command inside a container, or the one that runs there already. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/connection.h"
#include "cli/exec.h"
#include "cli/pod_choice.h"
#include "cli/request.h"
#include "net/remote_client.h"
#include "sys/file.h"
#include "sys/terminal.h"

static const struct option_rule options[] = {
	{ "container", 'c', OPTION_TEXT, NULL, "the container meant", NULL },
	{ "stdin", 'i', OPTION_BOOL, NULL, "pass what is typed or piped in", NULL },
	{ "tty", 't', OPTION_BOOL, NULL, "as a terminal", NULL },
	{ "quiet", 'q', OPTION_BOOL, NULL, "print nothing but the command's output", NULL },
	{ 0 },
};

enum { INPUT_QUEUED_MAX = 1 << 20 }; /* bytes on their way before reading more waits */

struct exec_run {
	struct cli *cli;
	struct exec_client *client;
	struct stream *input; /* stdin, when it is a pipe, socket or terminal */
	struct signal_watch *resized;
	bool in, tty, done, input_paused;
	int code;
	struct str why;
};

static void input_bytes(void *self, struct str bytes)
{
	struct exec_run *run = self;

	if (run->done)
		return;
	if (exec_client_input(run->client, bytes) > INPUT_QUEUED_MAX && run->input) {
		stream_pause(run->input, true);
		run->input_paused = true;
	}
}

static void input_ended(void *self)
{
	struct exec_run *run = self;

	if (!run->done)
		exec_client_input_end(run->client);
}

static void input_closed(void *self, enum status status, const char *why)
{
	struct exec_run *run = self;

	(void)status;
	(void)why;
	run->input = NULL;
}

static void tell_size(void *self, int number)
{
	struct exec_run *run = self;
	u32 width, height;

	(void)number;
	if (!run->done && terminal_size(STDOUT_FILENO, &width, &height))
		exec_client_resize(run->client, width, height);
}

/* A plain file is no stream to wait for: it is read and sent as a whole. */
static void send_file(struct exec_run *run)
{
	struct str text;

	if (file_read_fd(run->cli->arena, STDIN_FILENO, (size_t)1 << 30, &text, NULL) == ST_OK)
		exec_client_input(run->client, text);
	exec_client_input_end(run->client);
}

static void exec_opened(void *self)
{
	static const struct stream_events events = { .bytes = input_bytes,
						     .ended = input_ended,
						     .closed = input_closed };
	struct exec_run *run = self;
	struct loop *loop = connection_loop(run->cli);

	if (run->tty && run->in && terminal_raw(STDIN_FILENO)) {
		run->resized = signal_watch_new(loop, SIGWINCH, tell_size, run);
		tell_size(run, SIGWINCH);
	}
	if (!run->in)
		return;
	if (stream_adopt(loop, STDIN_FILENO, &run->input, NULL) == ST_OK)
		stream_open(run->input, &events, run);
	else
		send_file(run);
}

static void exec_output(void *self, int stream, struct str bytes)
{
	FILE *out = stream == 2 ? stderr : stdout;

	(void)self;
	fwrite(bytes.at, 1, bytes.len, out);
	fflush(out);
}

static void exec_drained(void *self)
{
	struct exec_run *run = self;

	if (run->input_paused && run->input)
		stream_pause(run->input, false);
	run->input_paused = false;
}

static void exec_done(void *self, int code, struct str why)
{
	struct exec_run *run = self;

	run->done = true;
	run->code = code;
	run->why = str_copy(run->cli->arena, why);
	loop_stop(connection_loop(run->cli));
}

static struct str exec_target(struct cli *cli, const struct doc *pod, struct str container,
			      const char *what, bool in, bool tty)
{
	struct arena *arena = cli->arena;
	struct str path =
		str_format(arena, "/api/v1/namespaces/" STR_FMT "/pods/" STR_FMT "/%s",
			   STR_ARG(cli->ns), STR_ARG(doc_at_str(pod, "metadata.name")), what);

	path = request_query(arena, path, "container", container);
	for (u32 i = cli->arguments.dashes; i < cli->arguments.len && *what == 'e'; i++)
		path = request_query(arena, path, "command", cli->arguments.words[i]);
	if (in)
		path = request_query(arena, path, "stdin", STR("true"));
	path = request_query(arena, path, "stdout", STR("true"));
	return request_query(arena, path, tty ? "tty" : "stderr", STR("true"));
}

static enum status run_in(struct cli *cli, const struct doc *pod, struct str wanted,
			  const char *what, struct error *error)
{
	static const struct exec_client_events events = { exec_opened, exec_output, exec_drained,
							  exec_done };
	struct exec_run run = { .cli = cli,
				.in = option_bool(cli, "stdin"),
				.tty = option_bool(cli, "tty") };
	struct str container;
	enum status status = pod_choice_container(cli, pod, wanted, !option_bool(cli, "quiet"),
						  &container, error);

	if (status)
		return status;
	if (run.tty && !terminal_is(STDIN_FILENO)) {
		cli_warn("Unable to use a TTY - input is not a terminal or the right kind of file");
		run.tty = false;
	}
	run.client = exec_client_start(connection_client(cli),
				       exec_target(cli, pod, container, what, run.in, run.tty),
				       &events, &run);
	while (!run.done)
		loop_run(connection_loop(cli));
	terminal_restore();
	signal_watch_free(run.resized);
	if (run.input)
		stream_abort(run.input);
	if (run.code == 0)
		return ST_OK;
	if (run.code > 0) {
		cli->exit_code = run.code;
		return fail(error, ST_INTERNAL, "command terminated with exit code %d", run.code);
	}
	return fail(error, ST_INTERNAL, "error: " STR_FMT, STR_ARG(run.why));
}

static enum status exec_command_run(struct cli *cli, struct error *error)
{
	struct arguments *words = &cli->arguments;
	struct pod_list pods;

	if (words->dashes == words->len && words->len > 1) {
		words->dashes = 1; /* `exec POD COMMAND`, as kubectl once allowed */
		cli_warn("exec [POD] [COMMAND] is DEPRECATED and will be removed in a future "
			 "version. Use exec [POD] -- [COMMAND] instead.");
	}
	if (words->dashes < 1)
		return fail(error, ST_BAD_REQUEST, "error: pod or type/name must be specified");
	if (words->dashes >= words->len)
		return fail(error, ST_BAD_REQUEST,
			    "error: you must specify at least one command for the container");
	enum status status = pod_choice(cli, words->words[0], &pods, error);

	return status ? status
		      : run_in(cli, pods.at[0], option_text(cli, "container"), "exec", error);
}

enum status exec_attach(struct cli *cli, const struct doc *pod, struct error *error)
{
	return run_in(cli, pod, STR_NONE, "attach", error);
}

static enum status attach_run(struct cli *cli, struct error *error)
{
	struct pod_list pods;

	if (!cli->arguments.len)
		return fail(error, ST_BAD_REQUEST, "error: pod or type/name must be specified");
	enum status status = pod_choice(cli, cli->arguments.words[0], &pods, error);

	return status ? status
		      : run_in(cli, pods.at[0], option_text(cli, "container"), "attach", error);
}

const struct command command_exec = {
	.name = "exec",
	.usage = "exec POD | TYPE/NAME [-c CONTAINER] [-it] -- COMMAND …",
	.summary = "runs a command inside a container",
	.options = options,
	.run = exec_command_run,
};

const struct command command_attach = {
	.name = "attach",
	.usage = "attach POD | TYPE/NAME [-c CONTAINER] [-it]",
	.summary = "joins the process a container runs",
	.options = options,
	.run = attach_run,
};
