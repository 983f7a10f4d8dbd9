/* minke create job and cronjob. */
#include "cli/create.h"
#include "cli/request.h"

static const struct option_rule job_options[] = {
	{ "image", 0, OPTION_TEXT, NULL, "the image to run", NULL },
	{ "from", 0, OPTION_TEXT, NULL, "cronjob/NAME whose template is used", NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

static const struct doc *job_spec(struct cli *cli, struct str name, const char *restart)
{
	struct build b = build_object(cli->arena);
	const struct arguments *words = &cli->arguments;

	build_open_object(&b, "template");
	build_open_object(&b, "spec");
	build_open_array(&b, "containers");
	build_open_object(&b, NULL);
	if (words->dashes < words->len)
		create_strings(&b, "command", words->words + words->dashes,
			       words->len - words->dashes);
	build_str(&b, "image", option_text(cli, "image"));
	build_str(&b, "name", name);
	build_close(&b);
	build_close(&b);
	build_str(&b, "restartPolicy", str_of(restart));
	build_close(&b);
	build_close(&b);
	return build_done(&b);
}

/* A Job as the CronJob would make it, and marked as made by hand. */
static enum status job_from(struct cli *cli, struct str from, const struct doc **ret_job,
			    struct error *error)
{
	struct arena *arena = cli->arena;
	struct str name = from, type = str_cut(&name, '/');
	const struct api_kind *kind;
	const struct doc *cron, *job, *annotations;
	enum status status = cli_connect(cli, error);

	if (!status && !name.at)
		status = fail(error, ST_BAD_REQUEST, "error: from must be an existing cronjob");
	if (!status)
		status = resource_kind(cli, type, &kind, error);
	if (!status && kind->id != KIND_CronJob)
		status = fail(error, ST_BAD_REQUEST, "error: from must be an existing cronjob");
	if (!status)
		status = request_get(cli, request_path(arena, kind, cli->ns, name, STR_NONE), &cron,
				     error);
	if (status)
		return status;
	annotations = doc_with(arena, doc_at(cron, "spec.jobTemplate.metadata.annotations"),
			       STR("cronjob.kubernetes.io/instantiate"),
			       doc_new_str(arena, STR("manual")));
	job = doc_set(arena, NULL, "metadata.annotations", annotations);
	if (doc_at(cron, "spec.jobTemplate.metadata.labels"))
		job = doc_set(arena, job, "metadata.labels",
			      doc_at(cron, "spec.jobTemplate.metadata.labels"));
	struct build owners = build_array(arena);

	build_open_object(&owners, NULL);
	build_str(&owners, "apiVersion", STR("batch/v1"));
	build_bool(&owners, "controller", true);
	build_str(&owners, "kind", STR("CronJob"));
	build_str(&owners, "name", name);
	build_str(&owners, "uid", doc_at_str(cron, "metadata.uid"));
	build_close(&owners);
	job = doc_set(arena, job, "metadata.ownerReferences", build_done(&owners));
	*ret_job = doc_set(arena, job, "spec", doc_at(cron, "spec.jobTemplate.spec"));
	return ST_OK;
}

static enum status job_run(struct cli *cli, struct error *error)
{
	struct str name, from = option_text(cli, "from");
	const struct doc *job;
	enum status status = create_name(cli, &name, error);

	if (status)
		return status;
	if (from.len && option_given(cli, "image"))
		return fail(error, ST_BAD_REQUEST,
			    "error: either --image or --from must be specified");
	if (!from.len && !option_given(cli, "image"))
		return fail(error, ST_BAD_REQUEST,
			    "error: either --image or --from must be specified");
	if (from.len && cli->arguments.dashes < cli->arguments.len)
		return fail(error, ST_BAD_REQUEST, "error: cannot specify --from and command");
	if (from.len)
		status = job_from(cli, from, &job, error);
	else
		job = doc_set(cli->arena, NULL, "spec", job_spec(cli, name, "Never"));
	return status ? status : create_made(cli, KIND_Job, name, job, error);
}

const struct command command_create_job = {
	.name = "job",
	.usage = "job NAME --image=IMAGE [-- COMMAND …] | --from=cronjob/NAME",
	.summary = "a job of an image, or a run of a cronjob now",
	.options = job_options,
	.run = job_run,
};

static const struct option_rule cronjob_options[] = {
	{ "image", 0, OPTION_TEXT, NULL, "the image to run", NULL },
	{ "schedule", 0, OPTION_TEXT, NULL, "when, as in crontab: \"*/5 * * * *\"", NULL },
	{ "restart", 0, OPTION_TEXT, "OnFailure", "OnFailure or Never", NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

static enum status cronjob_run(struct cli *cli, struct error *error)
{
	struct str name;
	enum status status = create_name(cli, &name, error);

	if (!status && (!option_given(cli, "image") || !option_given(cli, "schedule")))
		status = fail(error, ST_BAD_REQUEST, "error: required flag(s) %s not set",
			      option_given(cli, "image")      ? "\"schedule\""
			      : option_given(cli, "schedule") ? "\"image\""
							      : "\"image\", \"schedule\"");
	if (status)
		return status;
	const struct doc *cron =
		doc_set_str(cli->arena, NULL, "spec.schedule", option_text(cli, "schedule"));

	cron = doc_set_str(cli->arena, cron, "spec.jobTemplate.metadata.name", name);
	cron = doc_set(cli->arena, cron, "spec.jobTemplate.spec",
		       job_spec(cli, name, option_text(cli, "restart").at));
	return create_made(cli, KIND_CronJob, name, cron, error);
}

const struct command command_create_cronjob = {
	.name = "cronjob",
	.usage = "cronjob NAME --image=IMAGE --schedule=\"0/5 * * * ?\" [-- COMMAND …]",
	.summary = "a job that runs at its times",
	.options = cronjob_options,
	.run = cronjob_run,
};
