/* minke autoscale: a HorizontalPodAutoscaler from what is typed. */
#include "cli/change.h"
#include "cli/create.h"
#include "cli/request.h"

static const struct option_rule options[] = {
	{ "min", 0, OPTION_INT, "-1", "fewest pods", NULL },
	{ "max", 0, OPTION_INT, "-1", "most pods; must be given", NULL },
	{ "cpu-percent", 0, OPTION_INT, "-1", "wished use of processor time, in percent", NULL },
	{ "cpu", 0, OPTION_TEXT, NULL, "the same, as 70% or 500m", NULL },
	{ "memory", 0, OPTION_TEXT, NULL, "wished use of memory, as 70% or 200Mi", NULL },
	{ "name", 0, OPTION_TEXT, NULL, "what to call it; the target's name without", NULL },
	{ "filename", 'f', OPTION_LIST, NULL, "the objects named in these files", NULL },
	{ "recursive", 'R', OPTION_BOOL, NULL, "folders inside folders too", NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

/* "70%" is a share of what is requested, anything else an amount. */
static const struct doc *metric(struct arena *arena, const char *resource, struct str wish)
{
	bool share = str_ends(wish, STR("%"));
	const struct doc *m = doc_set_str(arena, NULL, "type", STR("Resource"));
	i64 percent = 0;

	m = doc_set_str(arena, m, "resource.name", str_of(resource));
	m = doc_set_str(arena, m, "resource.target.type",
			share ? STR("Utilization") : STR("AverageValue"));
	if (!share)
		return doc_set_str(arena, m, "resource.target.averageValue", wish);
	if (!str_to_i64(str_part(wish, 0, wish.len - 1), &percent))
		percent = 0;
	return doc_set_int(arena, m, "resource.target.averageUtilization", percent);
}

static const struct doc *metrics(struct cli *cli)
{
	struct str cpu = option_text(cli, "cpu"), memory = option_text(cli, "memory");
	const struct doc *list[2];
	u32 len = 0;

	if (!cpu.len && option_int(cli, "cpu-percent") > 0)
		cpu = str_format(cli->arena, "%lld%%", (long long)option_int(cli, "cpu-percent"));
	if (cpu.len)
		list[len++] = metric(cli->arena, "cpu", cpu);
	if (memory.len)
		list[len++] = metric(cli->arena, "memory", memory);
	return len ? doc_new_array(cli->arena, list, len) : NULL;
}

static const struct doc *autoscaler_for(struct cli *cli, const struct target *target,
					struct str name)
{
	struct arena *arena = cli->arena;
	const struct doc *made = doc_set_str(arena, NULL, "apiVersion", STR("autoscaling/v2"));

	made = doc_set_str(arena, made, "kind", STR("HorizontalPodAutoscaler"));
	made = doc_set_str(arena, made, "metadata.name", name);
	made = doc_set_str(arena, made, "metadata.namespace", target->ns);
	made = doc_set_str(arena, made, "spec.scaleTargetRef.apiVersion",
			   target->kind->api_version);
	made = doc_set_str(arena, made, "spec.scaleTargetRef.kind", target->kind->kind);
	made = doc_set_str(arena, made, "spec.scaleTargetRef.name", target->name);
	if (option_int(cli, "min") > 0)
		made = doc_set_int(arena, made, "spec.minReplicas", option_int(cli, "min"));
	made = doc_set_int(arena, made, "spec.maxReplicas", option_int(cli, "max"));
	return doc_set(arena, made, "spec.metrics", metrics(cli));
}

static enum status autoscale_one(struct change *change, const struct target *of)
{
	struct cli *cli = change->cli;
	struct str name = option_text(cli, "name").len ? option_text(cli, "name") : of->name;
	struct target target = { .kind = schema_kind(cli->schema, KIND_HorizontalPodAutoscaler),
				 .ns = of->ns,
				 .name = name };
	const struct doc *made = autoscaler_for(cli, of, name), *there;
	struct str path = request_path(cli->arena, of->kind, of->ns, of->name, STR_NONE);
	enum status status = request_get(cli, path, &there, change->error);

	if (status != ST_OK)
		return status;
	if (!of->kind->has_scale)
		return fail(change->error, ST_BAD_REQUEST,
			    "error: cannot autoscale a " STR_FMT "." STR_FMT ": it has no scale",
			    STR_ARG(of->kind->kind), STR_ARG(of->kind->group));
	if (!change->dry_run_client)
		status = change_create(change, &target, made, &made);
	return status ? status : change_done(change, target.kind, made, "autoscaled");
}

static enum status autoscale_run(struct cli *cli, struct error *error)
{
	i64 max = option_int(cli, "max"), min = option_int(cli, "min");
	struct change change;
	struct targets targets;
	const struct str *files;
	u32 files_len = option_list(cli, "filename", &files);
	enum status status = change_begin(cli, "kubectl-autoscale", &change, error);

	if (status != ST_OK)
		return status;
	if (max < 1)
		return fail(error, ST_BAD_REQUEST,
			    "error: --max=MAXPODS is required and must be at least 1, max: %lld",
			    (long long)max);
	if (max < min)
		return fail(error, ST_BAD_REQUEST,
			    "error: --max=MAXPODS must be larger or equal to --min=MINPODS, max: "
			    "%lld, min: %lld",
			    (long long)max, (long long)min);
	status = files_len ? resource_files(cli, files, files_len, option_bool(cli, "recursive"),
					    &targets, error)
			   : resource_targets(cli, 0, &targets, error);
	if (status == ST_OK && !targets.by_name)
		status = fail(error, ST_BAD_REQUEST,
			      "error: resource(s) were provided, but no name was specified");
	for (u32 i = 0; status == ST_OK && i < targets.len; i++)
		status = autoscale_one(&change, &targets.at[i]);
	return status;
}

const struct command command_autoscale = {
	.name = "autoscale",
	.usage = "autoscale TYPE/NAME --max=MAXPODS [--min=MINPODS] [--cpu-percent=CPU]",
	.summary = "lets a workload grow and shrink with its load",
	.options = options,
	.run = autoscale_run,
};
