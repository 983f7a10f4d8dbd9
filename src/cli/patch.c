/* minke patch: sends a patch as it is typed. */
#include "cli/change.h"
#include "cli/request.h"
#include "doc/yaml.h"
#include "sys/file.h"

enum { PATCH_BYTES_MAX = 3 << 20 };

static const struct option_rule options[] = {
	{ "patch", 'p', OPTION_TEXT, NULL, "the patch, as JSON or YAML", NULL },
	{ "patch-file", 0, OPTION_TEXT, NULL, "a file with the patch", NULL },
	{ "type", 0, OPTION_TEXT, "strategic", "strategic, merge or json", NULL },
	{ "subresource", 0, OPTION_TEXT, NULL, "status or scale", NULL },
	{ "filename", 'f', OPTION_LIST, NULL, "the objects named in these files", NULL },
	{ "recursive", 'R', OPTION_BOOL, NULL, "folders inside folders too", NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

static const struct {
	const char *word, *media;
} types[] = {
	{ "strategic", MEDIA_STRATEGIC_PATCH },
	{ "merge", MEDIA_MERGE_PATCH },
	{ "json", MEDIA_JSON_PATCH },
};

static enum status read_patch(struct cli *cli, const struct doc **ret_patch, struct error *error)
{
	struct str text = option_text(cli, "patch"), file = option_text(cli, "patch-file");
	enum status status = ST_OK;

	if (!text.len && !file.len)
		return fail(
			error, ST_BAD_REQUEST,
			"error: must specify --patch or --patch-file containing the contents of "
			"the patch");
	if (file.len)
		status = file_read(cli->arena, str_c(cli->arena, file), PATCH_BYTES_MAX, &text,
				   error);
	if (!status)
		status = yaml_parse(cli->arena, text, ret_patch, NULL, 0, NULL, error);
	if (status)
		return fail_within(error, "error: unable to parse the patch");
	return ST_OK;
}

static enum status patch_run(struct cli *cli, struct error *error)
{
	struct change change;
	struct targets targets;
	const struct doc *patch, *object;
	const char *media = NULL;
	const struct str *files;
	u32 files_len = option_list(cli, "filename", &files);
	enum status status = change_begin(cli, "kubectl-patch", &change, error);

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_is(option_text(cli, "type"), types[i].word))
			media = types[i].media;
	if (!status && !media)
		status = fail(error, ST_BAD_REQUEST,
			      "error: --type must be one of [json merge strategic], not \"" STR_FMT
			      "\"",
			      STR_ARG(option_text(cli, "type")));
	if (!status)
		status = read_patch(cli, &patch, error);
	if (!status)
		status = files_len ? resource_files(cli, files, files_len,
						    option_bool(cli, "recursive"), &targets, error)
				   : resource_targets(cli, 0, &targets, error);
	if (!status && !targets.by_name)
		status = fail(error, ST_BAD_REQUEST,
			      "error: resource(s) were provided, but no name was specified");
	for (u32 i = 0; !status && i < targets.len; i++) {
		status = change_patch(&change, &targets.at[i],
				      str_c(cli->arena, option_text(cli, "subresource")), media,
				      patch, &object);
		if (!status)
			status = change_done(&change, targets.at[i].kind, object, "patched");
	}
	return status;
}

const struct command command_patch = {
	.name = "patch",
	.usage = "patch TYPE NAME -p PATCH",
	.summary = "changes fields of an object",
	.options = options,
	.run = patch_run,
};
