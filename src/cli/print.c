/* Objects as text, in every form of -o but tables. */
#include "cli/print.h"

#include "cli/go_template.h"
#include "cli/table.h"
#include "doc/json.h"
#include "doc/jsonpath.h"
#include "doc/yaml.h"
#include "sys/file.h"

enum { OUTPUT_BYTES_MAX = 1 << 30, COLUMNS_MAX = 64, TEMPLATE_BYTES_MAX = 1 << 20 };

static const struct {
	const char *word;
	enum output_form form;
	bool template; /* word=TEMPLATE */
} forms[] = {
	{ "", OUTPUT_TABLE, false },
	{ "wide", OUTPUT_WIDE, false },
	{ "yaml", OUTPUT_YAML, false },
	{ "json", OUTPUT_JSON, false },
	{ "name", OUTPUT_NAME, false },
	{ "jsonpath", OUTPUT_JSONPATH, true },
	{ "custom-columns", OUTPUT_COLUMNS, true },
	{ "go-template", OUTPUT_GO_TEMPLATE, true },
	{ "jsonpath-file", OUTPUT_JSONPATH, true },
	{ "custom-columns-file", OUTPUT_COLUMNS, true },
	{ "go-template-file", OUTPUT_GO_TEMPLATE, true },
};

/* The template stands in a file: as it is, or for columns a line of headers above a line of paths.
 */
static enum status template_file(struct cli *cli, struct str word, struct str *template,
				 struct error *error)
{
	struct str text, row, pairs = STR_NONE;
	enum status status = file_read(cli->arena, str_c(cli->arena, *template), TEMPLATE_BYTES_MAX,
				       &text, error);

	if (status)
		return fail_within(error, "error: error reading --template " STR_FMT,
				   STR_ARG(*template));
	*template = text;
	if (!str_starts(word, STR("custom-columns")))
		return ST_OK;
	row = text;
	for (struct str heads = str_trim(str_cut(&row, '\n')), paths = str_trim(row); heads.len;) {
		size_t head = 0, path = 0;

		while (head < heads.len && heads.at[head] != ' ' && heads.at[head] != '\t')
			head++;
		while (path < paths.len && paths.at[path] != ' ' && paths.at[path] != '\t')
			path++;
		pairs = str_format(cli->arena, STR_FMT "%s" STR_FMT ":" STR_FMT, STR_ARG(pairs),
				   pairs.len ? "," : "", STR_ARG(str_part(heads, 0, head)),
				   STR_ARG(str_part(paths, 0, path)));
		heads = str_trim(str_from(heads, head));
		paths = str_trim(str_from(paths, path));
	}
	*template = pairs;
	return ST_OK;
}

enum status output_parse(struct cli *cli, struct str text, struct output *ret_output,
			 struct error *error)
{
	struct str template = text, word = str_cut(&template, '=');

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if (!str_is(word, forms[i].word) || (template.at && !forms[i].template))
			continue;
		if (forms[i].template && !template.len)
			return fail(error, ST_BAD_REQUEST,
				    "error: template format specified but no template given");
		if (str_ends(word, STR("-file"))) {
			enum status status = template_file(cli, word, &template, error);

			if (status)
				return status;
		}
		*ret_output = (struct output){ .form = forms[i].form, .template = template };
		return ST_OK;
	}
	return fail(error, ST_BAD_REQUEST,
		    "error: unable to match a printer suitable for the output format \"" STR_FMT
		    "\", allowed formats are: "
		    "custom-columns,custom-columns-file,go-template,go-template-file,"
		    "json,jsonpath,jsonpath-file,name,wide,yaml",
		    STR_ARG(text));
}

static const struct doc *without_managed_fields(struct arena *arena, const struct doc *object)
{
	object = doc_remove(arena, object, "metadata.managedFields");
	const struct doc *items = doc_key(object, "items");

	for (u32 i = 0; i < doc_len(items); i++)
		items = doc_with_item(
			arena, items, i,
			doc_remove(arena, doc_item(items, i), "metadata.managedFields"));
	return items ? doc_with(arena, object, STR("items"), items) : object;
}

static void print_name(struct cli *cli, const struct api_kind *kind, const struct doc *object)
{
	const struct doc *items = doc_key(object, "items");

	if (!items) {
		cli_printf(STR_FMT "\n",
			   STR_ARG(resource_name(cli->arena, kind,
						 doc_at_str(object, "metadata.name"))));
		return;
	}
	doc_each_item(items, item) {
		const struct api_kind *own = schema_find_kind(
			cli->schema, doc_at_str(item, "apiVersion"), doc_at_str(item, "kind"));

		print_name(cli, own ? own : kind, item);
	}
}

/* "NAME:.metadata.name,IMAGE:.spec.x": the headers, and a JSONPath a column. */
static enum status print_columns(struct cli *cli, struct output *output, const struct doc *object,
				 struct error *error)
{
	struct table_text table;
	struct jsonpath *paths[COLUMNS_MAX];
	struct buffer out = BUFFER_INIT(OUTPUT_BYTES_MAX);
	struct str rest = output->template;
	u32 columns = 0;
	bool headers = !output->no_headers && !output->printed;

	table_start(&table, cli->arena);
	while (rest.at) {
		struct str path = str_cut(&rest, ','), header = str_cut(&path, ':');

		if (columns == COLUMNS_MAX || !path.len)
			return fail(error, ST_BAD_REQUEST,
				    "error: unexpected custom-columns spec: " STR_FMT
				    ", expected <header>:<json-path-expr>",
				    STR_ARG(header));
		enum status status =
			jsonpath_parse_relaxed(cli->arena, path, &paths[columns++], error);

		if (status)
			return status;
		if (headers)
			table_cell(&table, header);
	}
	if (headers)
		table_end_row(&table);
	const struct doc *items = doc_key(object, "items");

	for (u32 i = 0; i < (items ? doc_len(items) : 1); i++) {
		for (u32 c = 0; c < columns; c++) {
			struct buffer cell = BUFFER_INIT(OUTPUT_BYTES_MAX);
			struct error none = ERROR_INIT;
			bool found = jsonpath_print(cli->arena, paths[c],
						    items ? doc_item(items, i) : object, true,
						    &cell, &none) == ST_OK &&
				     cell.len;

			table_cell(&table,
				   found ? str_copy(cli->arena, buffer_str(&cell)) : STR("<none>"));
			buffer_release(&cell);
		}
		table_end_row(&table);
	}
	table_print(&table, &out);
	cli_print(buffer_str(&out));
	buffer_release(&out);
	return ST_OK;
}

static enum status print_jsonpath(struct cli *cli, struct output *output, const struct doc *object,
				  struct error *error)
{
	struct buffer out = BUFFER_INIT(OUTPUT_BYTES_MAX);
	struct jsonpath *path;
	enum status status = jsonpath_parse(cli->arena, output->template, &path, error);

	if (!status)
		status = jsonpath_print(cli->arena, path, object, true, &out, error);
	if (!status)
		cli_print(buffer_str(&out));
	buffer_release(&out);
	return status;
}

enum status output_print(struct cli *cli, struct output *output, const struct api_kind *kind,
			 const struct doc *object, struct error *error)
{
	struct buffer out = BUFFER_INIT(OUTPUT_BYTES_MAX);

	if (!output->show_managed_fields)
		object = without_managed_fields(cli->arena, object);
	switch (output->form) {
	case OUTPUT_NAME:
		print_name(cli, kind, object);
		break;
	case OUTPUT_JSON:
		json_print_pretty(&out, object, 4);
		buffer_add_char(&out, '\n');
		break;
	case OUTPUT_YAML:
		if (output->printed)
			buffer_add_str(&out, STR("---\n"));
		yaml_print(&out, object);
		break;
	case OUTPUT_JSONPATH:
		return print_jsonpath(cli, output, object, error);
	case OUTPUT_COLUMNS: {
		enum status status = print_columns(cli, output, object, error);

		output->printed++;
		return status;
	}
	case OUTPUT_GO_TEMPLATE: {
		enum status status =
			go_template_print(cli->arena, output->template, object, &out, error);

		if (!status)
			cli_print(buffer_str(&out));
		buffer_release(&out);
		return status;
	}
	case OUTPUT_TABLE:
	case OUTPUT_WIDE:
		return fail(error, ST_INTERNAL, "error: a table is printed elsewhere");
	}
	output->printed++;
	cli_print(buffer_str(&out));
	buffer_release(&out);
	return ST_OK;
}

enum status output_done(struct cli *cli, struct output *output, const struct api_kind *kind,
			const struct doc *object, const char *what, struct error *error)
{
	if (output->form != OUTPUT_TABLE)
		return output_print(cli, output, kind, object, error);
	cli_printf(STR_FMT " %s\n",
		   STR_ARG(resource_name(cli->arena, kind, doc_at_str(object, "metadata.name"))),
		   what);
	return ST_OK;
}
