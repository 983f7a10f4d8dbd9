/* minke set, and set image: another image for containers of a workload, and nothing else. */
#include "cli/change.h"
#include "cli/request.h"
#include "cli/set.h"
#include "doc/build.h"

static const struct option_rule options[] = {
	{ "filename", 'f', OPTION_LIST, NULL, "the objects named in these files", NULL },
	{ "recursive", 'R', OPTION_BOOL, NULL, "folders inside folders too", NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

struct images {
	struct str names[64], images[64];
	u32 len;
};

static enum status read_images(struct cli *cli, struct images *images, struct error *error)
{
	struct arguments *words = &cli->arguments;

	while (words->len && str_find_char(words->words[words->len - 1], '=') > 0) {
		struct str image = words->words[--words->len], name = str_cut(&image, '=');

		if (images->len == ARRAY_LEN(images->names))
			return fail(error, ST_TOO_LARGE, "error: too many images");
		images->names[images->len] = name;
		images->images[images->len++] = image;
	}
	if (!images->len)
		return fail(error, ST_BAD_REQUEST, "error: at least one image update is required");
	return ST_OK;
}

static void add_container(struct build *patch, struct str name, struct str image)
{
	build_open_object(patch, NULL);
	build_str(patch, "name", name);
	build_str(patch, "image", image);
	build_close(patch);
}

/* The containers of one list that get another image; how many there are of each name. */
static bool add_list(struct build *patch, const struct doc *containers, const char *list,
		     const struct images *images, bool *found)
{
	bool changed = false;

	build_open_array(patch, list);
	doc_each_item(containers, container) {
		struct str name = doc_at_str(container, "name");

		for (u32 i = 0; i < images->len; i++) {
			bool all = str_is(images->names[i], "*");

			if (!all && !str_eq(images->names[i], name))
				continue;
			found[i] = true;
			if (str_eq(doc_at_str(container, "image"), images->images[i]))
				continue;
			changed = true;
			add_container(patch, name, images->images[i]);
		}
	}
	build_close(patch);
	return changed;
}

static enum status set_one(struct change *change, const struct target *target,
			   const struct images *images)
{
	struct cli *cli = change->cli;
	struct str path =
		request_path(cli->arena, target->kind, target->ns, target->name, STR_NONE);
	const struct doc *object;
	bool found[ARRAY_LEN(images->names)] = { 0 };
	enum status status = request_get(cli, path, &object, change->error);

	if (status)
		return status;
	bool pod = str_is(target->kind->kind, "Pod"), cron = str_is(target->kind->kind, "CronJob");
	const char *at = pod	? "spec"
			 : cron ? "spec.jobTemplate.spec.template.spec"
				: "spec.template.spec";
	const struct doc *spec = doc_at(object, at);
	struct build build = build_object(cli->arena);
	bool changed = add_list(&build, doc_key(spec, "containers"), "containers", images, found);

	changed |=
		add_list(&build, doc_key(spec, "initContainers"), "initContainers", images, found);
	for (u32 i = 0; i < images->len; i++)
		if (!found[i])
			return fail(change->error, ST_NOT_FOUND,
				    "error: unable to find container named \"" STR_FMT "\"",
				    STR_ARG(images->names[i]));
	const struct doc *patch = doc_set(cli->arena, NULL, at, build_done(&build));

	if (!changed) /* kubectl says nothing either */
		return ST_OK;
	if (!change->dry_run_client)
		status = change_patch(change, target, "", MEDIA_STRATEGIC_PATCH, patch, &object);
	return status ? status : change_done(change, target->kind, object, "image updated");
}

static enum status image_run(struct cli *cli, struct error *error)
{
	struct images images = { 0 };
	struct change change;
	struct targets targets;
	const struct str *files;
	u32 files_len = option_list(cli, "filename", &files);
	enum status status = change_begin(cli, "kubectl-set", &change, error);

	if (!status)
		status = read_images(cli, &images, error);
	if (!status)
		status = files_len ? resource_files(cli, files, files_len,
						    option_bool(cli, "recursive"), &targets, error)
				   : resource_targets(cli, 0, &targets, error);
	if (!status && !targets.by_name)
		status = fail(error, ST_BAD_REQUEST,
			      "error: one or more resources must be specified as <resource> <name> "
			      "or <resource>/<name>");
	for (u32 i = 0; !status && i < targets.len; i++)
		status = set_one(&change, &targets.at[i], &images);
	return status;
}

static const struct command command_image = {
	.name = "image",
	.usage = "image TYPE/NAME CONTAINER=IMAGE …",
	.summary = "gives containers another image",
	.options = options,
	.run = image_run,
};

static const struct command *const children[] = {
	&command_image,
	&command_set_env,
	&command_set_resources,
	&command_set_serviceaccount,
	&command_set_selector,
	&command_set_subject,
	NULL,
};

const struct command command_set = {
	.name = "set",
	.usage = "set image|env|resources|serviceaccount|selector|subject TYPE/NAME …",
	.summary = "changes one thing of a workload",
	.children = children,
};
