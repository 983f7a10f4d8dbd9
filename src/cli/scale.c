/* minke scale: sets how many replicas a workload wants, through its scale subresource. */
#include "cli/change.h"
#include "cli/request.h"

static const struct option_rule options[] = {
	{ "replicas", 0, OPTION_INT, NULL, "how many there should be", NULL },
	{ "current-replicas", 0, OPTION_INT, "-1", "only if there are so many now", NULL },
	{ "filename", 'f', OPTION_LIST, NULL, "the objects named in these files", NULL },
	{ "recursive", 'R', OPTION_BOOL, NULL, "folders inside folders too", NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

/* Jobs have no scale; kubectl once scaled their parallelism, and so do we. */
static enum status scale_job(struct change *change, const struct target *target, i64 replicas,
			     const struct doc **ret_object)
{
	const struct doc *patch =
		doc_set_int(change->cli->arena, NULL, "spec.parallelism", replicas);

	return change_patch(change, target, "", MEDIA_MERGE_PATCH, patch, ret_object);
}

static enum status scale_one(struct change *change, const struct target *target)
{
	struct cli *cli = change->cli;
	i64 replicas = option_int(cli, "replicas"), current = option_int(cli, "current-replicas");
	const struct doc *object;
	struct str path =
		request_path(cli->arena, target->kind, target->ns, target->name, STR_NONE);
	enum status status = request_get(cli, path, &object, change->error);

	if (status)
		return status;
	if (current >= 0 && doc_at_int(object, "spec.replicas", 1) != current)
		return fail(change->error, ST_CONFLICT,
			    "error: Expected replicas to be %lld, was %lld", (long long)current,
			    (long long)doc_at_int(object, "spec.replicas", 1));
	if (str_is(target->kind->kind, "Job")) {
		status = scale_job(change, target, replicas, &object);
	} else if (!target->kind->has_scale) {
		cli->server_said = true; /* kubectl asks for the scale, and the server has none */
		cli->server_reason = STR("NotFound");
		return fail(change->error, ST_NOT_FOUND,
			    "the server could not find the requested resource");
	} else if (!change->dry_run_client) {
		const struct doc *patch = doc_set_int(cli->arena, NULL, "spec.replicas", replicas);

		status = change_patch(change, target, "scale", MEDIA_MERGE_PATCH, patch, &object);
	}
	return status ? status : change_done(change, target->kind, object, "scaled");
}

static enum status scale_run(struct cli *cli, struct error *error)
{
	struct change change;
	struct targets targets;
	const struct str *files;
	u32 files_len = option_list(cli, "filename", &files);
	enum status status = change_begin(cli, "kubectl-scale", &change, error);

	if (status)
		return status;
	if (!option_given(cli, "replicas") || option_int(cli, "replicas") < 0)
		return fail(error, ST_BAD_REQUEST,
			    "error: The --replicas=COUNT flag is required, and COUNT must be "
			    "greater than or equal to 0");
	status = files_len ? resource_files(cli, files, files_len, option_bool(cli, "recursive"),
					    &targets, error)
			   : resource_targets(cli, 0, &targets, error);
	if (!status && !targets.by_name)
		status = fail(error, ST_BAD_REQUEST,
			      "error: resource(s) were provided, but no name was specified");
	for (u32 i = 0; !status && i < targets.len; i++)
		status = scale_one(&change, &targets.at[i]);
	return status;
}

const struct command command_scale = {
	.name = "scale",
	.usage = "scale TYPE/NAME … --replicas=COUNT",
	.summary = "sets how many replicas there should be",
	.options = options,
	.run = scale_run,
};
