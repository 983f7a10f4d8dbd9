/* minke create: objects from files; the generators stand in cli/create_kinds.c. */
#include "cli/create.h"

static const struct option_rule options[] = {
	{ "filename", 'f', OPTION_LIST, NULL, "files, folders or - for stdin", NULL },
	{ "recursive", 'R', OPTION_BOOL, NULL, "folders inside folders too", NULL },
	{ "save-config", 0, OPTION_BOOL, NULL, "keep what was created for a later apply", NULL },
	{ "validate", 0, OPTION_TEXT, "true", "strict, warn or ignore unknown fields", "true" },
	CHANGE_OPTIONS,
	{ 0 },
};

static enum status create_run(struct cli *cli, struct error *error)
{
	struct change change;
	struct targets targets;
	const struct str *files;
	u32 files_len = option_list(cli, "filename", &files);
	struct str validate = option_text(cli, "validate");
	enum status last = ST_OK, status;

	if (!files_len && cli->arguments.len)
		return fail(error, ST_BAD_REQUEST, "error: unknown command \"create " STR_FMT "\"",
			    STR_ARG(cli->arguments.words[0]));
	if (!files_len)
		return fail(error, ST_BAD_REQUEST, "error: must specify one of -f and -k");
	status = change_begin(cli, "kubectl-create", &change, error);
	if (status)
		return status;
	change.validate_strict = str_is(validate, "true") || str_is(validate, "strict");
	status = resource_files(cli, files, files_len, option_bool(cli, "recursive"), &targets,
				error);
	for (u32 i = 0; !status && i < targets.len; i++) {
		struct error own = ERROR_INIT;
		const struct doc *body = change_in_namespace(cli->arena, &targets.at[i]);

		change.error = &own;
		if (option_bool(cli, "save-config"))
			body = change_last_applied(cli->arena, body);
		enum status result = create_object(&change, &targets.at[i], body);

		if (result) {
			cli_print_error(cli, &own);
			last = result;
		}
	}
	return status ? status : last;
}

enum status create_object(struct change *change, const struct target *target,
			  const struct doc *body)
{
	const struct doc *object = body;
	enum status status =
		change->dry_run_client ? ST_OK : change_create(change, target, body, &object);

	if (status && change->cli->server_said && target->source.len) {
		fail_within(change->error, "error when creating \"" STR_FMT "\"",
			    STR_ARG(target->source));
		return status;
	}
	return status ? status : change_done(change, target->kind, object, "created");
}

const struct command command_create = {
	.name = "create",
	.usage = "create -f FILE | create KIND NAME …",
	.summary = "makes objects from files or from what is typed",
	.options = options,
	.children = create_kinds,
	.run = create_run,
};
