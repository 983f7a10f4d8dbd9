/*
 * minke explain: what a kind and its fields mean, read off the API tables; only for custom kinds
 * the server is asked.
 */
#include "cli/custom_kinds.h"
#include "cli/resource.h"
#include "schema/explain.h"

static const struct option_rule options[] = {
	{ "recursive", 0, OPTION_BOOL, NULL, "list the fields of fields", NULL },
	{ "api-version", 0, OPTION_TEXT, NULL, "the version meant: apps/v1", NULL },
	{ 0 },
};

enum { EXPLAIN_BYTES_MAX = 8 << 20 };

static enum status explain_run(struct cli *cli, struct error *error)
{
	struct buffer out = BUFFER_INIT(EXPLAIN_BYTES_MAX);
	struct str version = option_text(cli, "api-version"), word, path;
	const struct api_kind *kind;

	if (!cli->arguments.len)
		return fail(error, ST_BAD_REQUEST,
			    "error: You must specify the type of resource to explain.");
	path = cli->arguments.words[0];
	word = str_cut(&path, '.');
	enum status status = resource_kind(cli, word, &kind, error);

	if (!status && version.len) {
		const struct api_kind *other = schema_find_kind(cli->schema, version, kind->kind);

		if (!other)
			status = fail(error, ST_NOT_FOUND,
				      "error: couldn't find resource for \"" STR_FMT
				      ", Resource=" STR_FMT "\"",
				      STR_ARG(version), STR_ARG(word));
		kind = other;
	}
	if (!status && kind->shape)
		kind = custom_kind_whole(cli, kind);
	if (!status)
		status = explain(&out, kind, path.at ? path : STR(""),
				 option_bool(cli, "recursive"), error);
	if (!status)
		cli_print(buffer_str(&out));
	buffer_release(&out);
	return status;
}

const struct command command_explain = {
	.name = "explain",
	.usage = "explain TYPE[.FIELD …]",
	.summary = "what a kind and its fields mean",
	.options = options,
	.run = explain_run,
};
