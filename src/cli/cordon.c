/* minke cordon and uncordon: whether a node takes new pods. */
#include "cli/cordon.h"

#include "cli/request.h"

static const struct option_rule options[] = {
	{ "selector", 'l', OPTION_TEXT, NULL, "all whose labels match", NULL },
	{ "dry-run", 0, OPTION_TEXT, "none", "none, client or server", "unchanged" },
	{ 0 },
};

enum status cordon_nodes(struct cli *cli, struct targets *ret_nodes, struct error *error)
{
	const struct api_kind *kind = schema_kind(cli->schema, KIND_Node);
	const struct arguments *words = &cli->arguments;
	struct str labels = option_text(cli, "selector");
	VEC(struct target) nodes = { 0 };
	enum status status = cli_connect(cli, error);

	if (status)
		return status;
	if (!words->len && !labels.len)
		return fail(error, ST_BAD_REQUEST, "error: USAGE: %s NODE [flags]",
			    cli->command->name);
	if (words->len && labels.len)
		return fail(
			error, ST_BAD_REQUEST,
			"error: error: cannot specify both a node name and a --selector option");
	for (u32 i = 0; i < words->len; i++) {
		struct str name = words->words[i];

		if (str_starts(name, STR("node/")) || str_starts(name, STR("nodes/")))
			name = str_from(name, (size_t)str_find_char(name, '/') + 1);
		VEC_PUSH(cli->arena, &nodes, ((struct target){ .kind = kind, .name = name }));
	}
	if (!words->len)
		VEC_PUSH(cli->arena, &nodes, ((struct target){ .kind = kind }));
	*ret_nodes = (struct targets){ .at = nodes.at, .len = nodes.len, .by_name = true };
	return select_expand(cli, ret_nodes, labels, STR_NONE, false, error);
}

enum status cordon_node(struct cli *cli, const struct target *node, bool closed,
			struct error *error)
{
	struct change change;
	const struct doc *object, *patch;
	const char *what = closed ? "cordoned" : "uncordoned";
	enum status status = change_begin_quiet(
		cli,
		str_is(str_of(cli->command->name), "drain") ? "kubectl-drain" : "kubectl-cordon",
		&change, error);

	if (!status)
		status = select_get(cli, node, &object, error);
	if (status)
		return status;
	if (doc_at_bool(object, "spec.unschedulable", false) == closed)
		return change_done(&change, node->kind, object,
				   str_format(cli->arena, "already %s", what).at);
	patch = doc_set(cli->arena, NULL, "spec.unschedulable",
			closed ? doc_new_bool(true) : &doc_null);
	if (!change.dry_run_client)
		status = change_patch(&change, node, "", MEDIA_STRATEGIC_PATCH, patch, &object);
	return status ? status : change_done(&change, node->kind, object, what);
}

static enum status run(struct cli *cli, bool closed, struct error *error)
{
	struct targets nodes;
	enum status status = cordon_nodes(cli, &nodes, error);

	for (u32 i = 0; !status && i < nodes.len; i++)
		status = cordon_node(cli, &nodes.at[i], closed, error);
	return status;
}

static enum status cordon_run(struct cli *cli, struct error *error)
{
	return run(cli, true, error);
}

static enum status uncordon_run(struct cli *cli, struct error *error)
{
	return run(cli, false, error);
}

const struct command command_cordon = {
	.name = "cordon",
	.usage = "cordon NODE … | -l SELECTOR",
	.summary = "closes a node for new pods",
	.options = options,
	.run = cordon_run,
};

const struct command command_uncordon = {
	.name = "uncordon",
	.usage = "uncordon NODE … | -l SELECTOR",
	.summary = "opens a node for new pods again",
	.options = options,
	.run = uncordon_run,
};
