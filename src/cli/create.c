/* minke create: objects from files; the generators stand in cli/create_kinds.c. */
#include "cli/create.h"

#include "cli/request.h"

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

enum status create_made(struct cli *cli, kind_id id, struct str name, const struct doc *made,
			struct error *error)
{
	const struct api_kind *kind = schema_kind(cli->schema, id);
	struct change change;
	struct target target = { .kind = kind, .name = name };
	enum status status = change_begin(cli, "kubectl-create", &change, error);

	if (!status)
		status = cli_connect(cli, error);
	if (status)
		return status;
	target.ns = kind->namespaced ? cli->ns : STR_NONE;
	const struct doc *head = doc_set_str(cli->arena, NULL, "apiVersion", kind->api_version);

	head = doc_set_str(cli->arena, head, "kind", kind->kind);
	doc_each_pair(made, key, value)
		head = doc_with(cli->arena, head, key, value);
	head = doc_set_str(cli->arena, head, "metadata.name", name);
	/* What is only printed names no namespace unless it was asked for. */
	if (target.ns.len && (cli->ns_given || !change.dry_run_client))
		head = doc_set_str(cli->arena, head, "metadata.namespace", target.ns);
	status = create_object(&change, &target, head);
	/* kubectl words most failures as its own here, but not these. */
	bool plain = id == KIND_Namespace || id == KIND_Role || id == KIND_ClusterRole;

	if (status && cli->server_said && !plain) {
		cli->server_said = false;
		fail_within(error, "error: failed to create " STR_FMT, STR_ARG(kind->singular));
	}
	return status;
}

enum status create_name(struct cli *cli, struct str *ret_name, struct error *error)
{
	u32 words = MIN(cli->arguments.len, cli->arguments.dashes);

	if (words != 1)
		return fail(error, ST_BAD_REQUEST, "error: exactly one NAME is required, got %u",
			    words);
	*ret_name = cli->arguments.words[0];
	return ST_OK;
}

const struct doc *create_pairs(struct cli *cli, struct str text)
{
	const struct doc *map = &doc_empty_object;

	while (text.at && text.len) {
		struct str value = str_cut(&text, ','), key = str_cut(&value, '=');

		map = doc_with(cli->arena, map, key,
			       doc_new_str(cli->arena, value.at ? value : STR("")));
	}
	return map;
}

void create_strings(struct build *b, const char *key, const struct str *values, u32 len)
{
	if (!len)
		return;
	build_open_array(b, key);
	for (u32 i = 0; i < len; i++)
		for (struct str rest = values[i]; rest.at;)
			build_str(b, NULL, str_cut(&rest, ','));
	build_close(b);
}

const struct command command_create = {
	.name = "create",
	.usage = "create -f FILE | create KIND NAME …",
	.summary = "makes objects from files or from what is typed",
	.options = options,
	.children = create_kinds,
	.run = create_run,
};
