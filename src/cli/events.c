/* minke events: what happened lately, the newest last. */
#include <stdlib.h>

#include "base/timestamp.h"
#include "cli/print.h"
#include "cli/request.h"
#include "cli/table.h"
#include "schema/columns.h"
#include "sys/clock.h"

enum { OUTPUT_BYTES_MAX = 64 << 20 };

static const struct option_rule options[] = {
	{ "all-namespaces", 'A', OPTION_BOOL, NULL, "of all namespaces", NULL },
	{ "for", 0, OPTION_TEXT, NULL, "only about TYPE/NAME", NULL },
	{ "types", 0, OPTION_TEXT, NULL, "only Normal, only Warning", NULL },
	{ "no-headers", 0, OPTION_BOOL, NULL, "no line of column names", NULL },
	{ "watch", 'w', OPTION_BOOL, NULL, "go on with what happens next", NULL },
	{ "output", 'o', OPTION_TEXT, NULL, "yaml, json, name, jsonpath=…", NULL },
	{ 0 },
};

struct events {
	struct cli *cli;
	struct table_text table;
	struct output output;
	bool all;
	struct error *error;
};

/* ---- one event */

static i64 last_seen(const struct doc *event)
{
	static const char *const places[] = { "series.lastObservedTime", "lastTimestamp",
					      "eventTime", "metadata.creationTimestamp" };

	for (u32 i = 0; i < ARRAY_LEN(places); i++) {
		struct str text = doc_at_str(event, places[i]);

		if (text.len)
			return timestamp_or(text, 0);
	}
	return 0;
}

static int by_time(const void *a, const void *b)
{
	i64 left = last_seen(*(const struct doc *const *)a);
	i64 right = last_seen(*(const struct doc *const *)b);

	return (left > right) - (left < right);
}

/* "12s (x3 over 5m)" */
static struct str interval(struct arena *arena, const struct doc *event)
{
	i64 now_ns = clock_wall_ns(clock_real());
	const struct doc *series = doc_key(event, "series");
	i64 count = doc_int_or(doc_key(series ? series : event, "count"), 1);
	struct str first = doc_at_str(event, "eventTime");

	if (!first.len)
		first = doc_at_str(event, "firstTimestamp");
	struct str since = columns_age(arena, first, now_ns);
	struct str last = series ? doc_at_str(series, "lastObservedTime")
				 : doc_at_str(event, "lastTimestamp");

	if (!series && count <= 1)
		return since;
	return str_format(arena, STR_FMT " (x%lld over " STR_FMT ")",
			  STR_ARG(columns_age(arena, last, now_ns)), (long long)count,
			  STR_ARG(since));
}

static bool is_wanted(struct cli *cli, const struct doc *event)
{
	struct str rest = option_text(cli, "types"), type = doc_at_str(event, "type");

	if (!rest.len)
		return true;
	while (rest.at)
		if (str_eq(str_lower(cli->arena, str_cut(&rest, ',')), str_lower(cli->arena, type)))
			return true;
	return false;
}

static void add_row(struct events *e, const struct doc *event)
{
	struct arena *arena = e->cli->arena;

	if (e->all)
		table_cell(&e->table, doc_at_str(event, "metadata.namespace"));
	table_cell(&e->table, interval(arena, event));
	table_cell(&e->table, doc_at_str(event, "type"));
	table_cell(&e->table, doc_at_str(event, "reason"));
	table_cell(&e->table, str_format(arena, STR_FMT "/" STR_FMT,
					 STR_ARG(doc_at_str(event, "involvedObject.kind")),
					 STR_ARG(doc_at_str(event, "involvedObject.name"))));
	table_cell(&e->table, str_trim(doc_at_str(event, "message")));
	table_end_row(&e->table);
}

static void add_header(struct events *e)
{
	static const char *const names[] = { "LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE" };

	if (option_bool(e->cli, "no-headers"))
		return;
	if (e->all)
		table_cell(&e->table, STR("NAMESPACE"));
	for (u32 i = 0; i < ARRAY_LEN(names); i++)
		table_cell(&e->table, str_of(names[i]));
	table_end_row(&e->table);
}

static void print(struct events *e)
{
	struct buffer out = BUFFER_INIT(OUTPUT_BYTES_MAX);

	table_print(&e->table, &out);
	cli_print(buffer_str(&out));
	buffer_release(&out);
}

/* ---- which */

static enum status check_types(struct cli *cli, struct error *error)
{
	struct str rest = option_text(cli, "types");

	while (rest.len && rest.at) {
		struct str type = str_lower(cli->arena, str_cut(&rest, ','));

		if (!str_is(type, "normal") && !str_is(type, "warning"))
			return fail(error, ST_BAD_REQUEST,
				    "error: valid --types are Normal or Warning");
	}
	return ST_OK;
}

static enum status path_of(struct events *e, struct str *ret_path)
{
	struct cli *cli = e->cli;
	struct str name = option_text(cli, "for"), type = str_cut(&name, '/');
	const struct api_kind *kind;

	*ret_path = request_path(cli->arena, schema_kind(cli->schema, KIND_Event),
				 e->all ? STR_NONE : cli->ns, STR_NONE, STR_NONE);
	if (!type.len)
		return ST_OK;
	if (!name.at || !name.len)
		return fail(e->error, ST_BAD_REQUEST, "error: --for must be in resource/name form");
	enum status status = resource_kind(cli, type, &kind, e->error);

	if (status == ST_OK)
		*ret_path = request_query(cli->arena, *ret_path, "fieldSelector",
					  str_format(cli->arena,
						     "involvedObject.kind=" STR_FMT
						     ",involvedObject.name=" STR_FMT,
						     STR_ARG(kind->kind), STR_ARG(name)));
	return status;
}

static const struct doc *wanted_of(struct events *e, const struct doc *list)
{
	struct arena *arena = e->cli->arena;
	u32 len = 0;
	const struct doc *items = doc_key(list, "items");
	const struct doc **sorted = ARENA_ARRAY(arena, const struct doc *, doc_len(items) + 1);

	doc_each_item(items, event)
		if (is_wanted(e->cli, event))
			sorted[len++] = event;
	qsort(sorted, len, sizeof *sorted, by_time);
	return doc_with(arena, list, STR("items"), doc_new_array(arena, sorted, len));
}

static bool watched(void *self, struct arena *arena, struct str type, const struct doc *event)
{
	struct events *e = self;

	(void)arena;
	if (str_is(type, "DELETED") || !is_wanted(e->cli, event))
		return true;
	if (e->output.form != OUTPUT_TABLE)
		return output_print(e->cli, &e->output, schema_kind(e->cli->schema, KIND_Event),
				    event, e->error) == ST_OK;
	add_row(e, event);
	print(e);
	return true;
}

static enum status watch(struct events *e, struct str path, const struct doc *list)
{
	struct str revision = doc_at_str(list, "metadata.resourceVersion");

	path = request_query(e->cli->arena, path, "watch", STR("true"));
	path = request_query(e->cli->arena, path, "resourceVersion", revision);
	return request_watch(e->cli, path, MEDIA_JSON, watched, e, e->error);
}

static enum status events_run(struct cli *cli, struct error *error)
{
	struct events e = { .cli = cli, .all = option_bool(cli, "all-namespaces"), .error = error };
	const struct doc *list;
	struct str path;
	enum status status = output_parse(cli, option_text(cli, "output"), &e.output, error);

	if (status == ST_OK)
		status = check_types(cli, error);
	if (status == ST_OK)
		status = cli_connect(cli, error);
	if (status == ST_OK)
		status = path_of(&e, &path);
	if (status == ST_OK)
		status = request_get(cli, path, &list, error);
	if (status != ST_OK)
		return status;
	list = wanted_of(&e, list);
	table_start(&e.table, cli->arena);
	if (!doc_len(doc_key(list, "items")) && !option_bool(cli, "watch")) {
		if (e.all)
			cli_warn("No events found.");
		else
			cli_warn("No events found in " STR_FMT " namespace.", STR_ARG(cli->ns));
		return ST_OK;
	}
	if (e.output.form != OUTPUT_TABLE) {
		status = output_print(cli, &e.output, schema_kind(cli->schema, KIND_Event), list,
				      error);
	} else {
		add_header(&e);
		doc_each_item(doc_key(list, "items"), event)
			add_row(&e, event);
		print(&e);
	}
	return status == ST_OK && option_bool(cli, "watch") ? watch(&e, path, list) : status;
}

const struct command command_events = {
	.name = "events",
	.usage = "events [--for TYPE/NAME] [--types Warning] [-A] [-w]",
	.summary = "lists what happened lately, the newest last",
	.options = options,
	.run = events_run,
};
