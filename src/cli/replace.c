/* minke replace: objects become what files say, nothing merged. */
#include "cli/change.h"
#include "cli/follow.h"
#include "cli/request.h"
#include "cli/select.h"

static const struct option_rule options[] = {
	SELECT_FILE_OPTIONS,
	{ "force", 0, OPTION_BOOL, NULL, "delete the object first, then make it anew", NULL },
	{ "cascade", 0, OPTION_TEXT, "background", "with --force: what becomes of what it owns",
	  "background" },
	{ "grace-period", 0, OPTION_INT, "-1", "with --force: seconds a pod gets to end", NULL },
	{ "timeout", 0, OPTION_TEXT, "0s", "with --force: how long to wait at most", NULL },
	{ "save-config", 0, OPTION_BOOL, NULL, "keep what was sent for a later apply", NULL },
	{ "subresource", 0, OPTION_TEXT, NULL, "status or scale of the object", NULL },
	{ "validate", 0, OPTION_TEXT, "true", "strict, warn or ignore unknown fields", "true" },
	CHANGE_OPTIONS,
	{ 0 },
};

static bool is_gone(void *self, const struct doc *object)
{
	(void)self;
	return !object;
}

/* --force: the old ones go, with what they own, before the new ones come. */
static enum status remove_old(struct change *change, const struct target *target)
{
	struct cli *cli = change->cli;
	const struct doc *options_body =
		doc_set_str(cli->arena, NULL, "kind", STR("DeleteOptions"));
	const struct doc *answer;
	i64 grace = option_int(cli, "grace-period");

	options_body = doc_set_str(cli->arena, options_body, "apiVersion", STR("v1"));
	options_body =
		doc_set_str(cli->arena, options_body, "propagationPolicy",
			    str_is(option_text(cli, "cascade"), "foreground") ? STR("Foreground")
			    : str_is(option_text(cli, "cascade"), "orphan")   ? STR("Orphan")
									      : STR("Background"));
	if (grace >= 0)
		options_body = doc_set_int(cli->arena, options_body, "gracePeriodSeconds", grace);
	struct request request = { .method = "DELETE",
				   .path = request_path(cli->arena, target->kind, target->ns,
							target->name, STR_NONE),
				   .body = options_body };
	enum status status = request_send(cli, &request, &answer, change->error);

	if (status == ST_NOT_FOUND) {
		error_clear(change->error);
	} else if (status) {
		return status;
	} else {
		cli_printf(STR_FMT " \"" STR_FMT "\" deleted\n",
			   STR_ARG(target->kind->group.len
					   ? str_format(cli->arena, STR_FMT "." STR_FMT,
							STR_ARG(target->kind->singular),
							STR_ARG(target->kind->group))
					   : target->kind->singular),
			   STR_ARG(target->name));
		status = cli_deadline(cli, option_text(cli, "timeout"), change->error);
		if (!status)
			status = follow_object(cli, target, is_gone, NULL, change->error);
	}
	return status == ST_NOT_FOUND ? ST_OK : status;
}

static enum status replace_one(struct change *change, const struct target *target)
{
	struct cli *cli = change->cli;
	const struct doc *body = change_in_namespace(cli->arena, target), *object = body;
	enum status status = ST_OK;

	if (option_bool(cli, "save-config"))
		body = change_last_applied(cli->arena, body);
	if (option_bool(cli, "force"))
		status = change_create(change, target, body, &object);
	else if (!change->dry_run_client)
		status = change_replace(change, target, body, &object);
	if (status && cli->server_said) {
		fail_within(change->error, "error when replacing \"" STR_FMT "\"",
			    STR_ARG(target->source));
		return status;
	}
	return status ? status : change_done(change, target->kind, object, "replaced");
}

static enum status replace_run(struct cli *cli, struct error *error)
{
	struct change change;
	struct targets targets;
	const struct str *files;
	struct str validate = option_text(cli, "validate");
	enum status last = ST_OK, status = change_begin(cli, "kubectl-replace", &change, error);

	if (!status && !option_list(cli, "filename", &files))
		status = fail(error, ST_BAD_REQUEST, "error: must specify --filename to replace");
	if (!status)
		status = select_read(cli, 0, &targets, error);
	change.validate_strict = str_is(validate, "true") || str_is(validate, "strict");
	for (u32 i = 0; !status && i < targets.len && option_bool(cli, "force"); i++)
		status = remove_old(&change, &targets.at[i]);
	for (u32 i = 0; !status && i < targets.len; i++) {
		struct error own = ERROR_INIT;

		change.error = &own;
		if (replace_one(&change, &targets.at[i]) == ST_OK)
			continue;
		cli_print_error(cli, &own);
		last = ST_BAD_REQUEST;
	}
	return status ? status : last;
}

const struct command command_replace = {
	.name = "replace",
	.usage = "replace -f FILE [--force]",
	.summary = "makes objects what files say, nothing merged",
	.options = options,
	.run = replace_run,
};
