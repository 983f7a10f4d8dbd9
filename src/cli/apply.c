/*
 * minke apply: brings objects to what files say. By default the client compares what was applied
 * last, what is wanted and what is there, and sends the difference; --server-side leaves that to
 * the server.
 */
#include "cli/change.h"
#include "cli/request.h"
#include "doc/json.h"
#include "doc/patch_three_way.h"
#include "schema/patch_schema.h"

enum { TRIES_MAX = 5 }; /* when somebody else writes in between */

static const struct option_rule options[] = {
	{ "filename", 'f', OPTION_LIST, NULL, "files, folders or - for stdin", NULL },
	{ "recursive", 'R', OPTION_BOOL, NULL, "folders inside folders too", NULL },
	{ "server-side", 0, OPTION_BOOL, NULL, "let the server merge", NULL },
	{ "force-conflicts", 0, OPTION_BOOL, NULL, "with --server-side: take fields from others",
	  NULL },
	{ "field-manager", 0, OPTION_TEXT, "kubectl-client-side-apply", "whose fields these are",
	  NULL },
	{ "overwrite", 0, OPTION_BOOL, "true", "resolve conflicts in favour of the files", NULL },
	{ "validate", 0, OPTION_TEXT, "true", "strict, warn or ignore unknown fields", "true" },
	CHANGE_OPTIONS,
	{ 0 },
};

static void warn_never_applied(const struct target *target)
{
	cli_warn("Warning: resource " STR_FMT "/" STR_FMT " is missing the %s annotation which is "
		 "required by minke apply. minke apply should only be used on resources created "
		 "declaratively by either minke create --save-config or minke apply. The missing "
		 "annotation will be patched automatically.",
		 STR_ARG(target->kind->plural), STR_ARG(target->name), LAST_APPLIED);
}

static enum status original_of(struct change *change, const struct target *target,
			       const struct doc *current, const struct doc **ret_original)
{
	const struct doc *annotation =
		doc_get(doc_at(current, "metadata.annotations"), STR(LAST_APPLIED));

	*ret_original = NULL;
	if (!doc_is(annotation, DOC_STRING)) {
		warn_never_applied(target);
		return ST_OK;
	}
	return json_parse(change->cli->arena, str_trim(doc_str(annotation)), ret_original,
			  change->error);
}

/* "configured" or "unchanged", and the object as it is then. */
static enum status apply_patch(struct change *change, const struct target *target,
			       const struct doc *wanted, const struct doc *current,
			       const struct doc **ret_object, const char **ret_what)
{
	struct arena *arena = change->cli->arena;
	struct patch_schema schema = patch_schema_of(target->kind);
	const struct doc *original, *patch;
	enum status status = original_of(change, target, current, &original);

	if (status)
		return status;
	/* Of a custom kind nobody knows how its lists merge: they are taken as a whole. */
	status = target->kind->shape
			 ? patch_merge_three_way(arena, original, wanted, current, &patch,
						 change->error)
			 : patch_strategic_three_way(arena, &schema, original, wanted, current,
						     option_bool(change->cli, "overwrite"), &patch,
						     change->error);
	if (status)
		return status;
	*ret_object = current;
	*ret_what = doc_len(patch) ? "configured" : "unchanged";
	if (!doc_len(patch) || change->dry_run_client)
		return ST_OK;
	return change_patch(change, target, "",
			    target->kind->shape ? MEDIA_MERGE_PATCH : MEDIA_STRATEGIC_PATCH, patch,
			    ret_object);
}

static enum status apply_one(struct change *change, const struct target *target)
{
	struct cli *cli = change->cli;
	const struct doc *wanted =
		change_last_applied(cli->arena, change_in_namespace(cli->arena, target));
	const struct doc *current, *object = wanted;
	const char *what = "created";
	enum status status = ST_OK;

	for (int tries = 0; tries < TRIES_MAX; tries++) {
		struct str path =
			request_path(cli->arena, target->kind, target->ns, target->name, STR_NONE);

		error_clear(change->error);
		status = request_get(cli, path, &current, change->error);
		if (status == ST_NOT_FOUND) {
			error_clear(change->error);
			status = change->dry_run_client
					 ? ST_OK
					 : change_create(change, target, wanted, &object);
		} else if (!status) {
			status = apply_patch(change, target, wanted, current, &object, &what);
		}
		if (status != ST_CONFLICT)
			break;
	}
	return status ? status : change_done(change, target->kind, object, what);
}

static enum status apply_server_side(struct change *change, const struct target *target)
{
	struct cli *cli = change->cli;
	struct str path =
		request_path(cli->arena, target->kind, target->ns, target->name, STR_NONE);
	struct str manager = option_given(cli, "field-manager") ? option_text(cli, "field-manager")
								: STR("kubectl");
	const struct doc *object;

	path = request_query(cli->arena, path, "fieldManager", manager);
	path = request_query(cli->arena, path, "fieldValidation", STR("Strict"));
	path = request_query(cli->arena, path, "force",
			     option_bool(cli, "force-conflicts") ? STR("true") : STR("false"));
	if (change->dry_run)
		path = request_query(cli->arena, path, "dryRun", STR("All"));
	struct request request = { .method = "PATCH",
				   .path = path,
				   .content_type = MEDIA_APPLY_PATCH,
				   .body = change_in_namespace(cli->arena, target) };
	enum status status = request_send(cli, &request, &object, change->error);

	return status ? status : change_done(change, target->kind, object, "serverside-applied");
}

static enum status apply_run(struct cli *cli, struct error *error)
{
	struct change change;
	struct targets targets;
	const struct str *files;
	u32 files_len = option_list(cli, "filename", &files);
	struct str validate = option_text(cli, "validate");
	enum status last = ST_OK, status;

	if (!files_len)
		return fail(error, ST_BAD_REQUEST, "error: must specify one of -f and -k");
	status = change_begin(cli, option_text(cli, "field-manager").at, &change, error);
	if (status)
		return status;
	change.validate_strict = str_is(validate, "true") || str_is(validate, "strict");
	status = resource_files(cli, files, files_len, option_bool(cli, "recursive"), &targets,
				error);
	/* One bad object does not keep the others from being applied. */
	for (u32 i = 0; !status && i < targets.len; i++) {
		struct error own = ERROR_INIT;

		change.error = &own;
		enum status result = option_bool(cli, "server-side")
					     ? apply_server_side(&change, &targets.at[i])
					     : apply_one(&change, &targets.at[i]);

		if (result) {
			cli_print_error(cli, &own);
			last = result;
		}
	}
	return status ? status : last;
}

const struct command command_apply = {
	.name = "apply",
	.usage = "apply -f FILE",
	.summary = "creates or changes objects to what files say",
	.options = options,
	.run = apply_run,
};
