/* minke api-resources and api-versions: the kinds there are, built in and custom. */
#include <stdlib.h>

#include "cli/custom_kinds.h"
#include "cli/table.h"
#include "schema/served.h"

enum { OUTPUT_BYTES_MAX = 8 << 20 };

static const struct option_rule resources_options[] = {
	{ "output", 'o', OPTION_TEXT, NULL, "wide or name", NULL },
	{ "no-headers", 0, OPTION_BOOL, NULL, "rows only", NULL },
	{ "namespaced", 0, OPTION_BOOL, "true", "those in namespaces; false: the others", NULL },
	{ "api-group", 0, OPTION_TEXT, NULL, "those of one group", NULL },
	{ "verbs", 0, OPTION_TEXT, NULL, "those that can all of this: list,get", NULL },
	{ "categories", 0, OPTION_TEXT, NULL, "those in all of these: all", NULL },
	{ "sort-by", 0, OPTION_TEXT, NULL, "name or kind", NULL },
	{ 0 },
};

static const struct option_rule versions_options[] = { { 0 } };

static bool holds_all(struct str wanted, const struct str *words, u32 len)
{
	while (wanted.len) {
		struct str word = str_cut(&wanted, ',');
		bool found = false;

		for (u32 i = 0; i < len; i++)
			found = found || str_eq(words[i], word);
		if (!found)
			return false;
	}
	return true;
}

static bool is_wanted(const struct cli *cli, const struct api_kind *kind)
{
	struct str verbs[8];
	u32 len = served_verbs(kind->verbs, verbs);

	if (option_given(cli, "namespaced") && option_bool(cli, "namespaced") != kind->namespaced)
		return false;
	if (option_given(cli, "api-group") && !str_eq(option_text(cli, "api-group"), kind->group))
		return false;
	return len && holds_all(option_text(cli, "verbs"), verbs, len) &&
	       holds_all(option_text(cli, "categories"), kind->categories, kind->categories_len);
}

static void add_row(struct cli *cli, struct table_text *table, const struct api_kind *kind,
		    bool wide)
{
	struct str verbs[8];
	u32 len = served_verbs(kind->verbs, verbs);
	struct arena *arena = cli->arena;

	table_cell(table, kind->plural);
	table_cell(table, str_join(arena, kind->shorts, kind->shorts_len, STR(",")));
	table_cell(table, kind->api_version);
	table_cell(table, kind->namespaced ? STR("true") : STR("false"));
	table_cell(table, kind->kind);
	if (wide) {
		table_cell(table, str_join(arena, verbs, len, STR(",")));
		table_cell(table,
			   str_join(arena, kind->categories, kind->categories_len, STR(",")));
	}
	table_end_row(table);
}

static int by_group(const void *a, const void *b)
{
	const struct api_kind *const *left = a, *const *right = b;
	int order = str_cmp((*left)->group, (*right)->group);

	return order ? order : str_cmp((*left)->plural, (*right)->plural);
}

static int by_name(const void *a, const void *b)
{
	const struct api_kind *const *left = a, *const *right = b;

	return str_cmp((*left)->plural, (*right)->plural);
}

static int by_kind(const void *a, const void *b)
{
	const struct api_kind *const *left = a, *const *right = b;

	return str_cmp((*left)->kind, (*right)->kind);
}

struct kinds {
	VEC(const struct api_kind *) at;
};

/* Of each resource the version its group prefers: versions come best first. */
static void add_kinds(struct cli *cli, struct kinds *kinds)
{
	u32 len;
	const struct served *all = served_all(cli->arena, cli->schema, &len);

	for (u32 i = 0; i < len; i++) {
		for (u32 j = 0; j < all[i].len; j++) {
			const struct api_kind *kind = all[i].kinds[j];
			bool known = kind->old;

			for (u32 k = 0; k < kinds->at.len; k++)
				known = known || (str_eq(kinds->at.at[k]->plural, kind->plural) &&
						  str_eq(kinds->at.at[k]->group, kind->group));
			if (!known && is_wanted(cli, kind))
				VEC_PUSH(cli->arena, &kinds->at, kind);
		}
	}
}

static enum status resources_run(struct cli *cli, struct error *error)
{
	struct table_text table;
	struct buffer out = BUFFER_INIT(OUTPUT_BYTES_MAX);
	struct kinds kinds = { 0 };
	struct str format = option_text(cli, "output"), sort = option_text(cli, "sort-by");
	bool wide = str_is(format, "wide"), names = str_is(format, "name");
	enum status status = cli_connect(cli, error);

	if (status)
		return status;
	custom_kinds_load(cli);
	add_kinds(cli, &kinds);
	qsort(kinds.at.at, kinds.at.len, sizeof *kinds.at.at,
	      str_is(sort, "name")   ? by_name
	      : str_is(sort, "kind") ? by_kind
				     : by_group);
	table_start(&table, cli->arena);
	static const char *const heads[] = { "NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED",
					     "KIND", "VERBS",	   "CATEGORIES" };

	for (u32 i = 0; i < (wide ? 7u : 5u) && !option_bool(cli, "no-headers") && !names; i++)
		table_cell(&table, str_of(heads[i]));
	if (!option_bool(cli, "no-headers") && !names)
		table_end_row(&table);
	for (u32 i = 0; i < kinds.at.len; i++) {
		const struct api_kind *kind = kinds.at.at[i];

		if (names)
			cli_printf(STR_FMT "%s" STR_FMT "\n", STR_ARG(kind->plural),
				   kind->group.len ? "." : "", STR_ARG(kind->group));
		else
			add_row(cli, &table, kind, wide);
	}
	if (!names)
		table_print(&table, &out);
	cli_print(buffer_str(&out));
	buffer_release(&out);
	return ST_OK;
}

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static enum status versions_run(struct cli *cli, struct error *error)
{
	enum status status = cli_connect(cli, error);
	u32 len;

	if (status)
		return status;
	custom_kinds_load(cli);
	const struct served *all = served_all(cli->arena, cli->schema, &len);
	struct str *names = ARENA_ARRAY(cli->arena, struct str, len + 1);

	for (u32 i = 0; i < len; i++)
		names[i] = all[i].api_version;
	qsort(names, len, sizeof *names, by_text);
	for (u32 i = 0; i < len; i++)
		cli_printf(STR_FMT "\n", STR_ARG(names[i]));
	return ST_OK;
}

const struct command command_api_resources = {
	.name = "api-resources",
	.usage = "api-resources [-o wide|name]",
	.summary = "the kinds the server knows",
	.options = resources_options,
	.run = resources_run,
};

const struct command command_api_versions = {
	.name = "api-versions",
	.usage = "api-versions",
	.summary = "the group-versions the server knows",
	.options = versions_options,
	.run = versions_run,
};
