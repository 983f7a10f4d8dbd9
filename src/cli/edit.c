/* minke edit: an object in your editor; what you change is sent as a patch. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/change.h"
#include "cli/connection.h"
#include "cli/request.h"
#include "doc/patch_strategic.h"
#include "doc/patch_three_way.h"
#include "doc/yaml.h"
#include "schema/patch_schema.h"
#include "sys/file.h"
#include "sys/loop.h"

enum { EDIT_BYTES_MAX = 8 << 20, TRIES_MAX = 10 };

static const struct option_rule options[] = {
	{ "filename", 'f', OPTION_LIST, NULL, "the objects named in these files", NULL },
	{ "recursive", 'R', OPTION_BOOL, NULL, "folders inside folders too", NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

static const char preamble[] =
	"# Please edit the object below. Lines beginning with a '#' will be ignored,\n"
	"# and an empty file will abort the edit. If an error occurs while saving this file will "
	"be\n"
	"# reopened with the relevant failures.\n#\n";

struct editing {
	struct change change;
	struct str path; /* of the temporary file */
};

static void editor_exited(void *self, int code, int signal)
{
	int *result = self;

	*result = signal ? 128 + signal : code;
}

static enum status run_editor(struct editing *e, struct error *error)
{
	struct cli *cli = e->change.cli;
	const char *editor = getenv("KUBE_EDITOR");
	int result = -1;
	struct process *process;

	editor = editor && *editor ? editor : getenv("EDITOR");
	editor = editor && *editor ? editor : "vi";
	/* Editors come with options of their own: let a shell take the words apart. */
	const char *script = str_format(cli->arena, "%s \"$1\"", editor).at;
	const char *const argv[] = { "sh", "-c", script, "sh", e->path.at, NULL };
	const struct process_fd fds[] = { { 0, 0 }, { 1, 1 }, { 2, 2 } };
	struct process_spec spec = { .argv = argv, .fds = fds, .fds_len = ARRAY_LEN(fds) };
	enum status status =
		process_spawn(connection_loop(cli), &spec, editor_exited, &result, &process, error);

	if (status)
		return status;
	while (result < 0)
		loop_run_once(connection_loop(cli), true);
	process_free(process);
	if (result)
		return fail(error, ST_INTERNAL, "error: there was a problem with the editor \"%s\"",
			    editor);
	return ST_OK;
}

static enum status write_text(struct editing *e, const struct doc *object, const char *problem,
			      struct error *error)
{
	struct buffer text = BUFFER_INIT(EDIT_BYTES_MAX);

	buffer_add_str(&text, str_of(preamble));
	if (problem && *problem)
		buffer_add_format(&text, "# %s\n#\n", problem);
	yaml_print(&text, object);
	enum status status = file_write(e->path.at, buffer_str(&text), 0600, error);

	buffer_release(&text);
	return status;
}

/* Lets the editor run and says what came of it: NULL when nothing was changed. */
static enum status edited_object(struct editing *e, const struct doc *shown, const char *problem,
				 const struct doc **ret_object, struct error *error)
{
	struct cli *cli = e->change.cli;
	struct str text;
	enum status status = write_text(e, shown, problem, error);

	if (!status)
		status = run_editor(e, error);
	if (!status)
		status = file_read(cli->arena, e->path.at, EDIT_BYTES_MAX, &text, error);
	if (!status)
		status = yaml_parse(cli->arena, text, ret_object, NULL, 0, NULL, error);
	if (!status && (doc_is_null(*ret_object) || doc_eq(*ret_object, shown)))
		*ret_object = NULL;
	return status;
}

static enum status edit_one(struct editing *e, const struct target *target)
{
	struct cli *cli = e->change.cli;
	struct error *error = e->change.error;
	struct patch_schema schema = patch_schema_of(target->kind);
	const struct doc *original, *shown, *edited, *patch, *object;
	char problem[ERROR_MESSAGE_MAX] = "";
	enum status status = request_get(
		cli, request_path(cli->arena, target->kind, target->ns, target->name, STR_NONE),
		&original, error);

	if (status)
		return status;
	original = doc_remove(cli->arena, original, "metadata.managedFields");
	shown = original;
	for (int tries = 0; tries < TRIES_MAX; tries++) {
		status = edited_object(e, shown, problem, &edited, error);
		if (status)
			return status;
		if (!edited) {
			cli_warn("Edit cancelled, no changes made.");
			return ST_OK;
		}
		status = target->kind->shape
				 ? patch_merge_three_way(cli->arena, original, edited, original,
							 &patch, error)
				 : patch_strategic_two_way(cli->arena, &schema, original, edited,
							   &patch, error);
		if (!status && !doc_len(patch)) {
			cli_warn("Edit cancelled, no changes made.");
			return ST_OK;
		}
		if (!status)
			status = change_patch(&e->change, target, "",
					      target->kind->shape ? MEDIA_MERGE_PATCH
								  : MEDIA_STRATEGIC_PATCH,
					      patch, &object);
		if (!status)
			return change_done(&e->change, target->kind, object, "edited");
		if (status != ST_INVALID && status != ST_BAD_REQUEST)
			return status;
		/* The editor opens again on what was typed, with what is wrong at its head. */
		snprintf(problem, sizeof problem, "%s", error->message);
		error_clear(error);
		shown = edited;
	}
	return fail(error, ST_INVALID, "error: %s", problem);
}

static enum status edit_run(struct cli *cli, struct error *error)
{
	struct editing e = { 0 };
	struct targets targets;
	const struct str *files;
	u32 files_len = option_list(cli, "filename", &files);
	const char *folder = getenv("TMPDIR");
	enum status status = change_begin(cli, "kubectl-edit", &e.change, error);

	if (!status)
		status = files_len ? resource_files(cli, files, files_len,
						    option_bool(cli, "recursive"), &targets, error)
				   : resource_targets(cli, 0, &targets, error);
	if (status)
		return status;
	e.change.validate_strict = true;
	e.path = str_format(cli->arena, "%s/minke-edit-%d.yaml", folder ? folder : "/tmp",
			    (int)getpid());
	if (!targets.by_name)
		return fail(error, ST_BAD_REQUEST,
			    "error: resource(s) were provided, but no name was specified");
	for (u32 i = 0; !status && i < targets.len; i++)
		status = edit_one(&e, &targets.at[i]);
	if (file_remove(e.path.at, NULL) != ST_OK)
		cli_warn("The file %s could not be removed.", e.path.at);
	return status;
}

const struct command command_edit = {
	.name = "edit",
	.usage = "edit TYPE NAME | TYPE/NAME",
	.summary = "changes an object in your editor",
	.options = options,
	.run = edit_run,
};
