/* minke config: what stands in the kubeconfig, and changes of it. */
#include <stdio.h>

#include "cli/connection.h"
#include "cli/print.h"
#include "cli/table.h"
#include "doc/yaml.h"
#include "sys/file.h"

enum { CONFIG_BYTES_MAX = 1 << 20 };

struct config_file {
	struct str path;
	const struct doc *doc;
};

static enum status load(struct cli *cli, struct config_file *file, struct error *error)
{
	struct str text;

	file->path = connection_config_path(cli);
	enum status status = file_read(cli->arena, str_c(cli->arena, file->path), CONFIG_BYTES_MAX,
				       &text, error);

	if (status)
		return fail_within(error, "error: " STR_FMT, STR_ARG(file->path));
	return yaml_parse(cli->arena, text, &file->doc, NULL, 0, NULL, error);
}

static enum status save(struct config_file *file, struct error *error)
{
	struct buffer text = BUFFER_INIT(CONFIG_BYTES_MAX);

	yaml_print(&text, file->doc);
	enum status status = file_write(file->path.at, buffer_str(&text), 0600, error);

	buffer_release(&text);
	return status;
}

/* The entry called `name` of a list of the kubeconfig; its place, or the list's length. */
static u32 place_of(const struct doc *list, struct str name)
{
	u32 i = 0;

	while (i < doc_len(list) && !str_eq(doc_at_str(doc_item(list, i), "name"), name))
		i++;
	return i;
}

static const struct doc *entry_of(const struct doc *config, const char *list, struct str name)
{
	const struct doc *all = doc_get(config, str_of(list));

	return doc_item(all, place_of(all, name));
}

static enum status current_run(struct cli *cli, struct error *error)
{
	struct config_file file;
	enum status status = load(cli, &file, error);

	if (status)
		return status;
	if (!doc_at_str(file.doc, "current-context").len)
		return fail(error, ST_NOT_FOUND, "error: current-context is not set");
	cli_printf(STR_FMT "\n", STR_ARG(doc_at_str(file.doc, "current-context")));
	return ST_OK;
}

static enum status use_run(struct cli *cli, struct error *error)
{
	struct config_file file;
	struct str name = cli->arguments.len ? cli->arguments.words[0] : STR_NONE;
	enum status status = load(cli, &file, error);

	if (status)
		return status;
	if (!entry_of(file.doc, "contexts", name))
		return fail(error, ST_NOT_FOUND,
			    "error: no context exists with the name: \"" STR_FMT "\"",
			    STR_ARG(name));
	file.doc = doc_with(cli->arena, file.doc, STR("current-context"),
			    doc_new_str(cli->arena, name));
	status = save(&file, error);
	if (!status)
		cli_printf("Switched to context \"" STR_FMT "\".\n", STR_ARG(name));
	return status;
}

static const struct option_rule list_options[] = {
	{ "no-headers", 0, OPTION_BOOL, NULL, "leave the first line out", NULL },
	{ "output", 'o', OPTION_TEXT, NULL, "name", NULL },
	{ 0 },
};

static void print_table(struct table_text *table)
{
	struct buffer out = BUFFER_INIT(CONFIG_BYTES_MAX);

	table_print(table, &out);
	cli_print(buffer_str(&out));
	buffer_release(&out);
}

static enum status contexts_run(struct cli *cli, struct error *error)
{
	static const char *const heads[] = { "CURRENT", "NAME", "CLUSTER", "AUTHINFO",
					     "NAMESPACE" };
	struct config_file file;
	struct table_text table;
	bool names = str_is(option_text(cli, "output"), "name");
	enum status status = load(cli, &file, error);

	if (status)
		return status;
	table_start(&table, cli->arena);
	for (size_t i = 0; i < ARRAY_LEN(heads) && !names && !option_bool(cli, "no-headers"); i++)
		table_cell(&table, str_of(heads[i]));
	if (!names && !option_bool(cli, "no-headers"))
		table_end_row(&table);
	doc_each_item(doc_key(file.doc, "contexts"), entry) {
		struct str name = doc_at_str(entry, "name");
		bool current = str_eq(name, doc_at_str(file.doc, "current-context"));

		if (!names)
			table_cell(&table, current ? STR("*") : STR(""));
		table_cell(&table, name);
		if (!names) {
			table_cell(&table, doc_at_str(entry, "context.cluster"));
			table_cell(&table, doc_at_str(entry, "context.user"));
			table_cell(&table, doc_at_str(entry, "context.namespace"));
		}
		table_end_row(&table);
	}
	print_table(&table);
	return ST_OK;
}

static enum status names_run(struct cli *cli, const char *list, struct error *error)
{
	struct config_file file;
	enum status status = load(cli, &file, error);

	if (status)
		return status;
	cli_printf("NAME\n");
	doc_each_item(doc_get(file.doc, str_of(list)), entry)
		cli_printf(STR_FMT "\n", STR_ARG(doc_at_str(entry, "name")));
	return ST_OK;
}

static enum status clusters_run(struct cli *cli, struct error *error)
{
	return names_run(cli, "clusters", error);
}

static enum status users_run(struct cli *cli, struct error *error)
{
	return names_run(cli, "users", error);
}

/* ---- set-context and its kin: fields of one entry */

static const struct option_rule context_options[] = {
	{ "current", 0, OPTION_BOOL, NULL, "the current context", NULL },
	{ "cluster", 0, OPTION_TEXT, NULL, "its cluster", NULL },
	{ "user", 0, OPTION_TEXT, NULL, "its user", NULL },
	{ 0 },
};

static enum status set_context_run(struct cli *cli, struct error *error)
{
	static const char *const fields[] = { "cluster", "user", "namespace" };
	struct config_file file;
	enum status status = load(cli, &file, error);

	if (status)
		return status;
	struct str name = option_bool(cli, "current") ? doc_at_str(file.doc, "current-context")
			  : cli->arguments.len	      ? cli->arguments.words[0]
						      : STR_NONE;
	const struct doc *list = doc_key(file.doc, "contexts");
	u32 at = place_of(list, name);
	bool there = at < doc_len(list);
	const struct doc *entry =
		there ? doc_item(list, at) : doc_set_str(cli->arena, NULL, "name", name);

	if (!name.len)
		return fail(error, ST_BAD_REQUEST,
			    "error: you must specify a context name or use --current");
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (option_given(cli, fields[i]))
			entry = doc_set_str(cli->arena, entry,
					    str_format(cli->arena, "context.%s", fields[i]).at,
					    option_text(cli, fields[i]));
	list = list ? list : &doc_empty_array;
	list = there ? doc_with_item(cli->arena, list, at, entry)
		     : doc_append(cli->arena, list, entry);
	file.doc = doc_with(cli->arena, file.doc, STR("contexts"), list);
	status = save(&file, error);
	if (!status)
		cli_printf("Context \"" STR_FMT "\" %s.\n", STR_ARG(name),
			   there ? "modified" : "created");
	return status;
}

static enum status delete_context_run(struct cli *cli, struct error *error)
{
	struct config_file file;
	struct str name = cli->arguments.len ? cli->arguments.words[0] : STR_NONE;
	const struct doc *kept = &doc_empty_array;
	enum status status = load(cli, &file, error);

	if (status)
		return status;
	if (!entry_of(file.doc, "contexts", name))
		return fail(error, ST_NOT_FOUND,
			    "error: cannot delete context " STR_FMT ", not in " STR_FMT,
			    STR_ARG(name), STR_ARG(file.path));
	doc_each_item(doc_key(file.doc, "contexts"), entry)
		if (!str_eq(doc_at_str(entry, "name"), name))
			kept = doc_append(cli->arena, kept, entry);
	file.doc = doc_with(cli->arena, file.doc, STR("contexts"), kept);
	status = save(&file, error);
	if (!status && str_eq(name, doc_at_str(file.doc, "current-context")))
		cli_warn("warning: this removed your active context, use \"minke config "
			 "use-context\" to select a different one");
	if (!status)
		cli_printf("deleted context " STR_FMT " from " STR_FMT "\n", STR_ARG(name),
			   STR_ARG(file.path));
	return status;
}

/* ---- view */

static const struct option_rule view_options[] = {
	{ "raw", 0, OPTION_BOOL, NULL, "keys and tokens, too", NULL },
	{ "minify", 0, OPTION_BOOL, NULL, "only the current context", NULL },
	{ "flatten", 0, OPTION_BOOL, NULL, "as --raw", NULL },
	{ "output", 'o', OPTION_TEXT, "yaml", "yaml, json, jsonpath=…", NULL },
	{ 0 },
};

static const struct doc *hidden(struct cli *cli, const struct doc *config)
{
	static const struct {
		const char *list, *path;
		const char *word;
	} secrets[] = { { "clusters", "cluster.certificate-authority-data", "DATA+OMITTED" },
			{ "users", "user.client-certificate-data", "DATA+OMITTED" },
			{ "users", "user.client-key-data", "DATA+OMITTED" },
			{ "users", "user.token", "REDACTED" },
			{ "users", "user.password", "REDACTED" } };

	for (size_t s = 0; s < ARRAY_LEN(secrets); s++) {
		const struct doc *list = doc_get(config, str_of(secrets[s].list));

		for (u32 i = 0; i < doc_len(list); i++)
			if (doc_at(doc_item(list, i), secrets[s].path))
				list = doc_with_item(cli->arena, list, i,
						     doc_set_str(cli->arena, doc_item(list, i),
								 secrets[s].path,
								 str_of(secrets[s].word)));
		config = doc_with(cli->arena, config, str_of(secrets[s].list), list);
	}
	return config;
}

static const struct doc *only_current(struct cli *cli, const struct doc *config)
{
	const struct doc *context =
		entry_of(config, "contexts", doc_at_str(config, "current-context"));
	const struct {
		const char *list;
		struct str name;
	} kept[] = { { "contexts", doc_at_str(config, "current-context") },
		     { "clusters", doc_at_str(context, "context.cluster") },
		     { "users", doc_at_str(context, "context.user") } };

	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		const struct doc *entry = entry_of(config, kept[i].list, kept[i].name);
		const struct doc *list = &doc_empty_array;

		config = doc_with(cli->arena, config, str_of(kept[i].list),
				  entry ? doc_append(cli->arena, list, entry) : list);
	}
	return config;
}

static enum status view_run(struct cli *cli, struct error *error)
{
	struct config_file file;
	struct output output;
	enum status status = load(cli, &file, error);

	if (status)
		return status;
	if (option_bool(cli, "minify"))
		file.doc = only_current(cli, file.doc);
	if (!option_bool(cli, "raw") && !option_bool(cli, "flatten"))
		file.doc = hidden(cli, file.doc);
	status = output_parse(cli, option_text(cli, "output"), &output, error);
	return status ? status : output_print(cli, &output, NULL, file.doc, error);
}

#define CONFIG_COMMAND(id, word, takes, says, table)                                               \
	static const struct command command_##id = {                                               \
		.name = word, .usage = takes, .summary = says, .options = table, .run = id##_run   \
	};
CONFIG_COMMAND(view, "view", "view [--raw] [--minify]", "prints the kubeconfig", view_options)
CONFIG_COMMAND(current, "current-context", "current-context", "names the current context", NULL)
CONFIG_COMMAND(contexts, "get-contexts", "get-contexts", "lists the contexts", list_options)
CONFIG_COMMAND(clusters, "get-clusters", "get-clusters", "lists the clusters", NULL)
CONFIG_COMMAND(users, "get-users", "get-users", "lists the users", NULL)
CONFIG_COMMAND(use, "use-context", "use-context NAME", "makes a context the current one", NULL)
CONFIG_COMMAND(set_context, "set-context", "set-context NAME | --current [--namespace=NS]",
	       "changes a context, or makes one", context_options)
CONFIG_COMMAND(delete_context, "delete-context", "delete-context NAME", "removes a context", NULL)

static const struct command *const children[] = {
	&command_view,	      &command_current,	       &command_contexts,
	&command_clusters,    &command_users,	       &command_use,
	&command_set_context, &command_delete_context, NULL,
};

const struct command command_config = {
	.name = "config",
	.usage = "config view|current-context|get-contexts|use-context|set-context …",
	.summary = "shows and changes the kubeconfig",
	.children = children,
};
