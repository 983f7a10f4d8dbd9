/* minke top: what pods and nodes use of processor and memory, from metrics.k8s.io. */
#include <stdlib.h>

#include "base/buffer.h"
#include "base/timestamp.h"
#include "cli/request.h"
#include "cli/table.h"
#include "schema/columns.h"
#include "schema/quantity.h"
#include "sys/clock.h"

enum { OUTPUT_BYTES_MAX = 64 << 20, SOON_S = 120 };

struct use {
	i64 cpu_milli, memory_bytes;
};

struct measured { /* a pod, a container or a node */
	struct str ns, name, container;
	struct use use;
	const struct doc *of; /* the metrics object */
};

typedef VEC(struct measured) measured_list;

/* ---- numbers */

static struct use use_of(const struct doc *usage)
{
	return (struct use){ quantity_milli(quantity_of(doc_key(usage, "cpu"))),
			     quantity_value(quantity_of(doc_key(usage, "memory"))) };
}

static struct use use_sum(struct use a, struct use b)
{
	return (struct use){ a.cpu_milli + b.cpu_milli, a.memory_bytes + b.memory_bytes };
}

static struct str cpu_text(struct arena *arena, i64 milli)
{
	return str_format(arena, "%lldm", (long long)milli);
}

static struct str memory_text(struct arena *arena, i64 bytes)
{
	return str_format(arena, "%lldMi", (long long)(bytes / (1 << 20)));
}

static void use_cells(struct table_text *table, struct use use)
{
	table_cell(table, cpu_text(table->arena, use.cpu_milli));
	table_cell(table, memory_text(table->arena, use.memory_bytes));
}

/* ---- order: the biggest first, or by name */

static int by_cpu(const void *a, const void *b)
{
	i64 left = ((const struct measured *)a)->use.cpu_milli;
	i64 right = ((const struct measured *)b)->use.cpu_milli;

	return (left < right) - (left > right);
}

static int by_memory(const void *a, const void *b)
{
	i64 left = ((const struct measured *)a)->use.memory_bytes;
	i64 right = ((const struct measured *)b)->use.memory_bytes;

	return (left < right) - (left > right);
}

static int by_name(const void *a, const void *b)
{
	const struct measured *left = a, *right = b;
	int order = str_cmp(left->ns, right->ns);

	if (!order)
		order = str_cmp(left->name, right->name);
	return order ? order : str_cmp(left->container, right->container);
}

static enum status sort(struct cli *cli, measured_list *list, struct error *error)
{
	struct str by = option_text(cli, "sort-by");

	if (by.len && !str_is(by, "cpu") && !str_is(by, "memory"))
		return fail(error, ST_BAD_REQUEST, "error: --sort-by accepts only cpu or memory");
	qsort(list->at, list->len, sizeof *list->at,
	      !by.len		  ? by_name
	      : str_is(by, "cpu") ? by_cpu
				  : by_memory);
	return ST_OK;
}

/* ---- asking */

static enum status read_metrics(struct cli *cli, kind_id id, struct str ns, const struct doc **ret,
				struct error *error)
{
	struct arena *arena = cli->arena;
	struct str name = cli->arguments.len ? cli->arguments.words[0] : STR_NONE;
	struct str path = request_path(arena, schema_kind(cli->schema, id), ns, name, STR_NONE);

	if (cli->arguments.len > 1)
		return fail(error, ST_BAD_REQUEST, "error: extra arguments: " STR_FMT,
			    STR_ARG(cli->arguments.words[1]));
	if (!name.len)
		path = request_query(arena, path, "labelSelector", option_text(cli, "selector"));
	if (!name.len && id == KIND_PodMetrics)
		path = request_query(arena, path, "fieldSelector",
				     option_text(cli, "field-selector"));
	enum status status = request_get(cli, path, ret, error);

	if (status == ST_OK && name.len)
		*ret = doc_set(arena, NULL, "items", doc_new_array(arena, ret, 1));
	return status;
}

static void print(struct table_text *table)
{
	struct buffer out = BUFFER_INIT(OUTPUT_BYTES_MAX);

	table_print(table, &out);
	cli_print(buffer_str(&out));
	buffer_release(&out);
}

static void header(struct table_text *table, const char *const *names)
{
	for (; *names; names++)
		table_cell(table, str_of(*names));
	table_end_row(table);
}

/* ---- top pod */

static const struct option_rule pod_options[] = {
	{ "all-namespaces", 'A', OPTION_BOOL, NULL, "pods of all namespaces", NULL },
	{ "containers", 0, OPTION_BOOL, NULL, "a line for each container", NULL },
	{ "field-selector", 0, OPTION_TEXT, NULL, "only pods with these fields", NULL },
	{ "no-headers", 0, OPTION_BOOL, NULL, "no line of column names", NULL },
	{ "selector", 'l', OPTION_TEXT, NULL, "only pods with these labels", NULL },
	{ "sort-by", 0, OPTION_TEXT, NULL, "cpu or memory: the biggest first", NULL },
	{ "sum", 0, OPTION_BOOL, NULL, "all of them together in a last line", NULL },
	{ 0 },
};

/* Nothing was measured: pods that are new will be, old ones should have been. */
static enum status explain_nothing(struct cli *cli, struct str ns, struct error *error)
{
	struct arena *arena = cli->arena;
	struct str path =
		request_path(arena, schema_kind(cli->schema, KIND_Pod), ns, STR_NONE, STR_NONE);
	const struct doc *pods;

	path = request_query(arena, path, "labelSelector", option_text(cli, "selector"));
	path = request_query(arena, path, "fieldSelector", option_text(cli, "field-selector"));
	enum status status = request_get(cli, path, &pods, error);

	if (status != ST_OK)
		return status;
	doc_each_item(doc_key(pods, "items"), pod) {
		struct str since = doc_at_str(pod, "metadata.creationTimestamp");
		i64 age = clock_wall_ns(clock_real()) - timestamp_or(since, 0);

		if (age > SOON_S * NS_PER_S)
			return fail(error, ST_NOT_FOUND,
				    "error: Metrics not available for pod " STR_FMT "/" STR_FMT
				    ", age: " STR_FMT,
				    STR_ARG(doc_at_str(pod, "metadata.namespace")),
				    STR_ARG(doc_at_str(pod, "metadata.name")),
				    STR_ARG(columns_duration(arena, age)));
	}
	if (doc_len(doc_key(pods, "items")))
		return fail(error, ST_NOT_FOUND, "error: metrics not available yet");
	if (ns.len)
		cli_warn("No resources found in " STR_FMT " namespace.", STR_ARG(ns));
	else
		cli_warn("No resources found");
	return ST_OK;
}

static void collect_pods(struct cli *cli, const struct doc *answer, bool containers,
			 measured_list *list)
{
	doc_each_item(doc_key(answer, "items"), pod) {
		struct measured whole = { .ns = doc_at_str(pod, "metadata.namespace"),
					  .name = doc_at_str(pod, "metadata.name"),
					  .of = pod };

		doc_each_item(doc_key(pod, "containers"), container) {
			struct measured one = whole;

			one.container = doc_str(doc_key(container, "name"));
			one.use = use_of(doc_key(container, "usage"));
			whole.use = use_sum(whole.use, one.use);
			if (containers)
				VEC_PUSH(cli->arena, list, one);
		}
		if (!containers)
			VEC_PUSH(cli->arena, list, whole);
	}
}

static void print_sum(struct table_text *table, struct use total, u32 blanks)
{
	for (u32 i = 0; i < blanks; i++)
		table_cell(table, STR(""));
	table_cell(table, STR("________"));
	table_cell(table, STR("________"));
	table_end_row(table);
	for (u32 i = 0; i < blanks; i++)
		table_cell(table, STR(""));
	use_cells(table, total);
	table_end_row(table);
}

static void print_pods(struct cli *cli, const measured_list *list)
{
	bool all = option_bool(cli, "all-namespaces"), containers = option_bool(cli, "containers");
	const char *names[6];
	struct table_text table;
	struct use total = { 0 };
	u32 len = 0;

	if (all)
		names[len++] = "NAMESPACE";
	names[len++] = containers ? "POD" : "NAME";
	if (containers)
		names[len++] = "NAME";
	u32 blanks = len;

	names[len++] = "CPU(cores)";
	names[len++] = "MEMORY(bytes)";
	names[len] = NULL;
	table_start(&table, cli->arena);
	if (!option_bool(cli, "no-headers"))
		header(&table, names);
	for (u32 i = 0; i < list->len; i++) {
		if (all)
			table_cell(&table, list->at[i].ns);
		table_cell(&table, list->at[i].name);
		if (containers)
			table_cell(&table, list->at[i].container);
		use_cells(&table, list->at[i].use);
		table_end_row(&table);
		total = use_sum(total, list->at[i].use);
	}
	if (option_bool(cli, "sum"))
		print_sum(&table, total, blanks);
	print(&table);
}

static enum status top_pod_run(struct cli *cli, struct error *error)
{
	measured_list list = { 0 };
	const struct doc *answer = NULL;
	enum status status = cli_connect(cli, error);
	struct str ns = option_bool(cli, "all-namespaces") ? STR_NONE : cli->ns;

	if (status == ST_OK)
		status = read_metrics(cli, KIND_PodMetrics, ns, &answer, error);
	if (status != ST_OK)
		return status;
	if (!doc_len(doc_key(answer, "items")))
		return explain_nothing(cli, ns, error);
	collect_pods(cli, answer, option_bool(cli, "containers"), &list);
	status = sort(cli, &list, error);
	if (status == ST_OK)
		print_pods(cli, &list);
	return status;
}

static const struct command top_pod = {
	.name = "pod",
	.usage = "top pod [NAME | -l SELECTOR]",
	.summary = "what pods use of processor and memory",
	.options = pod_options,
	.run = top_pod_run,
};

/* ---- top node */

static const struct option_rule node_options[] = {
	{ "no-headers", 0, OPTION_BOOL, NULL, "no line of column names", NULL },
	{ "selector", 'l', OPTION_TEXT, NULL, "only nodes with these labels", NULL },
	{ "show-capacity", 0, OPTION_BOOL, NULL, "shares of all there is, not of what pods may use",
	  NULL },
	{ "sort-by", 0, OPTION_TEXT, NULL, "cpu or memory: the biggest first", NULL },
	{ 0 },
};

static struct str share(struct arena *arena, i64 used, i64 of)
{
	return of > 0 ? str_format(arena, "%lld%%", (long long)((__int128)used * 100 / of))
		      : STR("<unknown>");
}

static const struct measured *find(const measured_list *list, struct str name)
{
	for (u32 i = 0; i < list->len; i++)
		if (str_eq(list->at[i].name, name))
			return &list->at[i];
	return NULL;
}

static const struct doc *find_node(const struct doc *nodes, struct str name)
{
	doc_each_item(doc_key(nodes, "items"), node)
		if (str_eq(doc_at_str(node, "metadata.name"), name))
			return node;
	return NULL;
}

static void print_nodes(struct cli *cli, const measured_list *list, const struct doc *nodes)
{
	static const char *const names[] = { "NAME",	      "CPU(cores)", "CPU(%)",
					     "MEMORY(bytes)", "MEMORY(%)",  NULL };
	const char *room =
		option_bool(cli, "show-capacity") ? "status.capacity" : "status.allocatable";
	struct table_text table;

	table_start(&table, cli->arena);
	if (!option_bool(cli, "no-headers"))
		header(&table, names);
	for (u32 i = 0; i < list->len; i++) {
		const struct measured *m = &list->at[i];
		struct use most = use_of(doc_at(find_node(nodes, m->name), room));

		table_cell(&table, m->name);
		table_cell(&table, cpu_text(cli->arena, m->use.cpu_milli));
		table_cell(&table, share(cli->arena, m->use.cpu_milli, most.cpu_milli));
		table_cell(&table, memory_text(cli->arena, m->use.memory_bytes));
		table_cell(&table, share(cli->arena, m->use.memory_bytes, most.memory_bytes));
		table_end_row(&table);
	}
	doc_each_item(doc_key(nodes, "items"), node) {
		struct str name = doc_at_str(node, "metadata.name");

		if (find(list, name) ||
		    (cli->arguments.len && !str_eq(name, cli->arguments.words[0])))
			continue;
		table_cell(&table, name);
		for (u32 i = 0; i < 4; i++)
			table_cell(&table, STR("<unknown>"));
		table_end_row(&table);
	}
	print(&table);
}

static enum status top_node_run(struct cli *cli, struct error *error)
{
	measured_list list = { 0 };
	const struct doc *answer = NULL, *nodes = NULL;
	enum status status = cli_connect(cli, error);

	if (status == ST_OK)
		status = read_metrics(cli, KIND_NodeMetrics, STR_NONE, &answer, error);
	if (status == ST_OK)
		status = request_get(
			cli,
			request_query(cli->arena,
				      request_path(cli->arena, schema_kind(cli->schema, KIND_Node),
						   STR_NONE, STR_NONE, STR_NONE),
				      "labelSelector", option_text(cli, "selector")),
			&nodes, error);
	if (status != ST_OK)
		return status;
	if (!doc_len(doc_key(answer, "items")))
		return fail(error, ST_NOT_FOUND, "error: metrics not available yet");
	doc_each_item(doc_key(answer, "items"), node)
		VEC_PUSH(cli->arena, &list,
			 (struct measured){ .name = doc_at_str(node, "metadata.name"),
					    .use = use_of(doc_key(node, "usage")) });
	status = sort(cli, &list, error);
	if (status == ST_OK)
		print_nodes(cli, &list, nodes);
	return status;
}

static const struct command top_node = {
	.name = "node",
	.usage = "top node [NAME | -l SELECTOR]",
	.summary = "what nodes use of processor and memory",
	.options = node_options,
	.run = top_node_run,
};

static const struct command top_pods = {
	.name = "pods",
	.usage = "top pods [NAME | -l SELECTOR]",
	.summary = "the same as top pod",
	.options = pod_options,
	.run = top_pod_run,
};
static const struct command top_nodes = {
	.name = "nodes",
	.usage = "top nodes [NAME | -l SELECTOR]",
	.summary = "the same as top node",
	.options = node_options,
	.run = top_node_run,
};

static const struct command *const children[] = { &top_pod, &top_pods, &top_node, &top_nodes,
						  NULL };

const struct command command_top = {
	.name = "top",
	.usage = "top pod|node",
	.summary = "shows what pods and nodes use of processor and memory",
	.children = children,
};
