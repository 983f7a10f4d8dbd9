/* minke get: tables as the server prints them, or whole objects with -o. */
#include <stdio.h>

#include "cli/print.h"
#include "cli/request.h"
#include "cli/sort.h"
#include "cli/table.h"

enum { TABLE_BYTES_MAX = 1 << 30 };

static const struct option_rule options[] = {
	{ "output", 'o', OPTION_TEXT, NULL, "wide, yaml, json, name, jsonpath=…, custom-columns=…",
	  NULL },
	{ "selector", 'l', OPTION_TEXT, NULL, "only objects whose labels match", NULL },
	{ "field-selector", 0, OPTION_TEXT, NULL, "only objects whose fields match", NULL },
	{ "all-namespaces", 'A', OPTION_BOOL, NULL, "in every namespace", NULL },
	{ "watch", 'w', OPTION_BOOL, NULL, "then show changes as they come", NULL },
	{ "watch-only", 0, OPTION_BOOL, NULL, "show only changes", NULL },
	{ "output-watch-events", 0, OPTION_BOOL, NULL, "say what became of each object", NULL },
	{ "subresource", 0, OPTION_TEXT, NULL, "status or scale of the object", NULL },
	{ "show-labels", 0, OPTION_BOOL, NULL, "add a column of labels", NULL },
	{ "label-columns", 'L', OPTION_LIST, NULL, "add a column for each of these labels", NULL },
	{ "no-headers", 0, OPTION_BOOL, NULL, "leave the first line out", NULL },
	{ "show-kind", 0, OPTION_BOOL, NULL, "put the kind before each name", NULL },
	{ "show-managed-fields", 0, OPTION_BOOL, NULL, "keep metadata.managedFields", NULL },
	{ "ignore-not-found", 0, OPTION_BOOL, NULL, "a missing object is no error", NULL },
	{ "filename", 'f', OPTION_LIST, NULL, "the objects named in these files", NULL },
	{ "recursive", 'R', OPTION_BOOL, NULL, "with -f: folders inside folders too", NULL },
	{ "sort-by", 0, OPTION_TEXT, NULL, "a JSONPath to sort by", NULL },
	{ "chunk-size", 0, OPTION_INT, "500", "objects asked for at once; 0: all", NULL },
	{ "raw", 0, OPTION_TEXT, NULL, "print what the server answers to this path", NULL },
	{ 0 },
};

struct getting {
	struct cli *cli;
	struct output output;
	struct table_options table;
	struct table_text text;
	const struct doc *columns; /* of the last table, for events that have none */
	struct str revision;
	u32 shown; /* tables so far */
	bool not_found;
	enum status failed; /* the last failure of several targets */
	struct error *error;
};

static struct str target_path(struct getting *g, const struct target *target, bool name)
{
	struct cli *cli = g->cli;
	struct str ns = option_bool(cli, "all-namespaces") ? STR_NONE : target->ns;
	struct str path = request_path(cli->arena, target->kind, ns, name ? target->name : STR_NONE,
				       name ? option_text(cli, "subresource") : STR_NONE);

	path = request_query(cli->arena, path, "labelSelector", option_text(cli, "selector"));
	return request_query(cli->arena, path, "fieldSelector", option_text(cli, "field-selector"));
}

static void show_table(struct getting *g, const struct doc *table, bool headers)
{
	struct buffer out = BUFFER_INIT(TABLE_BYTES_MAX);

	table_add(&g->text, table, g->columns, &g->table, headers);
	table_print(&g->text, &out);
	cli_print(buffer_str(&out));
	buffer_release(&out);
	if (doc_len(doc_key(table, "columnDefinitions")))
		g->columns = doc_copy(g->cli->arena, doc_key(table, "columnDefinitions"));
}

/* One target as a table, page by page; widths are settled before the first line is printed. */
static enum status get_table(struct getting *g, const struct target *target)
{
	struct cli *cli = g->cli;
	struct str path = target_path(g, target, true), next = STR_NONE;
	i64 chunk = option_int(cli, "chunk-size");
	struct str order = option_text(cli, "sort-by");
	bool first = true;

	g->table.kind = target->kind;
	if (order.len) /* all rows at once, each with its object */
		path = request_query(cli->arena, path, "includeObject", STR("Object"));
	else if (!target->name.len && chunk > 0)
		path = request_query(cli->arena, path, "limit",
				     str_format(cli->arena, "%lld", (long long)chunk));
	table_start(&g->text, cli->arena);
	do {
		struct request request = { .method = "GET",
					   .path = request_query(cli->arena, path, "continue",
								 next),
					   .accept = MEDIA_TABLE };
		const struct doc *table;
		enum status status = request_send(cli, &request, &table, g->error);

		if (status)
			return status;
		next = doc_at_str(table, "metadata.continue");
		g->revision = doc_at_str(table, "metadata.resourceVersion");
		g->columns = first ? doc_key(table, "columnDefinitions") : g->columns;
		if (!doc_len(doc_key(table, "rows")))
			continue;
		if (order.len) {
			const struct doc *rows;

			status = sort_by(cli, order, "object", doc_key(table, "rows"), &rows,
					 g->error);
			if (status)
				return status;
			table = doc_with(cli->arena, table, STR("rows"), rows);
		}
		if (first && g->shown++)
			cli_printf("\n");
		table_add(&g->text, table, g->columns, &g->table, first);
		first = false;
	} while (next.len);

	struct buffer out = BUFFER_INIT(TABLE_BYTES_MAX);

	table_print(&g->text, &out);
	cli_print(buffer_str(&out));
	buffer_release(&out);
	return ST_OK;
}

static enum status get_tables(struct getting *g, const struct targets *targets)
{
	struct cli *cli = g->cli;
	enum status last = ST_OK;

	/* Objects of one kind asked for by name share one table, as kubectl prints them. */
	for (u32 i = 0; i < targets->len; i++) {
		struct error error = ERROR_INIT;
		struct error *outer = g->error;

		g->error = &error;
		if (targets->by_name && i && targets->at[i].kind == targets->at[i - 1].kind &&
		    g->shown) {
			struct request request = { .method = "GET",
						   .path = target_path(g, &targets->at[i], true),
						   .accept = MEDIA_TABLE };
			const struct doc *table;

			if (request_send(cli, &request, &table, &error) == ST_OK)
				show_table(g, table, false);
		} else if (get_table(g, &targets->at[i]) != ST_OK && !error.message[0]) {
			(void)fail(&error, ST_INTERNAL, "error: no answer");
		}
		g->error = outer;
		if (!error.status ||
		    (error.status == ST_NOT_FOUND && option_bool(cli, "ignore-not-found")))
			continue;
		cli_print_error(cli, &error);
		last = error.status;
	}
	if (!g->shown && !last && !option_bool(cli, "ignore-not-found")) {
		fflush(stdout);
		if (option_bool(cli, "all-namespaces") || !targets->at[0].ns.len)
			cli_warn("No resources found");
		else
			cli_warn("No resources found in " STR_FMT " namespace.", STR_ARG(cli->ns));
	}
	return last;
}

/* Whole objects: one as itself, several or a list as a v1 List. */
static enum status get_objects(struct getting *g, const struct targets *targets)
{
	struct cli *cli = g->cli;
	const struct doc *all = &doc_empty_array, *answer = NULL;
	bool list = targets->len > 1;

	for (u32 i = 0; i < targets->len; i++) {
		const struct target *target = &targets->at[i];
		enum status status =
			request_get(cli, target_path(g, target, true), &answer, g->error);

		if (status == ST_NOT_FOUND && option_bool(cli, "ignore-not-found")) {
			error_clear(g->error);
			continue;
		}
		if (status)
			return status;
		if (target->name.len) {
			all = doc_append(cli->arena, all, answer);
			continue;
		}
		list = true;
		doc_each_item(doc_key(answer, "items"), item) {
			/* Items of a list do not say what they are; alone they must. */
			const struct doc *object = doc_with(
				cli->arena,
				doc_with(cli->arena, &doc_empty_object, STR("apiVersion"),
					 doc_new_str(cli->arena, target->kind->api_version)),
				STR("kind"), doc_new_str(cli->arena, target->kind->kind));

			doc_each_pair(item, key, value)
				object = doc_with(cli->arena, object, key, value);
			all = doc_append(cli->arena, all, object);
		}
	}
	if (list && option_given(cli, "sort-by")) {
		enum status status =
			sort_by(cli, option_text(cli, "sort-by"), NULL, all, &all, g->error);

		if (status)
			return status;
	}
	if (!list)
		return doc_len(all) ? output_print(cli, &g->output, targets->at[0].kind,
						   doc_item(all, 0), g->error)
				    : ST_OK;
	const struct doc *whole = doc_set_str(cli->arena, NULL, "apiVersion", STR("v1"));

	whole = doc_set(cli->arena, whole, "items", all);
	whole = doc_set_str(cli->arena, whole, "kind", STR("List"));
	whole = doc_set_str(cli->arena, whole, "metadata.resourceVersion", STR(""));
	return output_print(cli, &g->output, targets->at[0].kind, whole, g->error);
}

static bool watch_event(void *self, struct arena *arena, struct str type, const struct doc *object)
{
	struct getting *g = self;

	if (str_is(type, "ERROR")) {
		g->failed =
			fail(g->error, ST_EXPIRED, STR_FMT, STR_ARG(doc_at_str(object, "message")));
		return false;
	}
	if (str_is(type, "BOOKMARK"))
		return true;
	bool table = g->output.form == OUTPUT_TABLE || g->output.form == OUTPUT_WIDE;

	if (option_bool(g->cli, "output-watch-events") && !table) {
		/* As kubectl: the event is what is printed. */
		const struct doc *event = doc_with(arena, NULL, STR("object"), object);

		object = doc_with(arena, event, STR("type"), doc_new_str(arena, type));
	}
	if (table)
		show_table(g, object, !g->shown++);
	else if (output_print(g->cli, &g->output, g->table.kind, object, g->error) != ST_OK)
		return false;
	fflush(stdout);
	return true;
}

static enum status follow(struct getting *g, const struct target *target)
{
	struct cli *cli = g->cli;
	struct str path = target_path(g, target, false);
	bool table = g->output.form == OUTPUT_TABLE || g->output.form == OUTPUT_WIDE;

	if (target->name.len)
		path = request_query(
			cli->arena, path, "fieldSelector",
			str_format(cli->arena, "metadata.name=" STR_FMT, STR_ARG(target->name)));
	path = request_query(cli->arena, path, "watch", STR("true"));
	path = request_query(cli->arena, path, "resourceVersion",
			     g->revision.len ? g->revision : STR("0"));
	fflush(stdout);
	enum status status = request_watch(cli, path, table ? MEDIA_TABLE : MEDIA_JSON, watch_event,
					   g, g->error);

	return g->failed ? g->failed : status;
}

static bool print_bytes(void *self, struct str bytes)
{
	(void)self;
	cli_print(bytes);
	return true;
}

static enum status get_run(struct cli *cli, struct error *error)
{
	struct getting g = { .cli = cli, .error = error };
	struct targets targets = { 0 };
	const struct str *files;
	u32 files_len = option_list(cli, "filename", &files);
	enum status status = output_parse(cli, option_text(cli, "output"), &g.output, error);

	if (status)
		return status;
	if (option_given(cli, "raw"))
		return request_stream(cli, option_text(cli, "raw"), "*/*", print_bytes, NULL,
				      error);
	if (!files_len && !cli->arguments.len)
		return fail(error, ST_BAD_REQUEST, "You must specify the type of resource to get.");
	status = files_len ? resource_files(cli, files, files_len, option_bool(cli, "recursive"),
					    &targets, error)
			   : resource_targets(cli, 0, &targets, error);
	if (status)
		return status;
	bool everywhere = option_bool(cli, "all-namespaces");

	g.output.show_managed_fields = option_bool(cli, "show-managed-fields");
	g.output.no_headers = option_bool(cli, "no-headers");
	g.table = (struct table_options){
		.wide = g.output.form == OUTPUT_WIDE,
		.no_headers = option_bool(cli, "no-headers"),
		.with_namespace = everywhere && targets.at[0].kind->namespaced,
		.show_labels = option_bool(cli, "show-labels"),
		.with_kind = targets.many_kinds || option_bool(cli, "show-kind"),
	};
	g.table.label_columns_len = option_list(cli, "label-columns", &g.table.label_columns);
	bool watch = option_bool(cli, "watch") || option_bool(cli, "watch-only");

	if (watch && targets.len != 1)
		return fail(error, ST_BAD_REQUEST,
			    "error: watch is only supported on individual resources and resource "
			    "collections");
	if (!option_bool(cli, "watch-only")) {
		bool table = g.output.form == OUTPUT_TABLE || g.output.form == OUTPUT_WIDE;

		if (watch && !table) /* the watch itself begins with what there is */
			return follow(&g, &targets.at[0]);
		status = table ? get_tables(&g, &targets) : get_objects(&g, &targets);
	}
	return watch && !status ? follow(&g, &targets.at[0]) : status;
}

const struct command command_get = {
	.name = "get",
	.usage = "get TYPE[,TYPE…] [NAME …] | TYPE/NAME … | -f FILE",
	.summary = "shows one or many objects",
	.options = options,
	.run = get_run,
};
