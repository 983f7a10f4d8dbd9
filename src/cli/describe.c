/* minke describe: all there is to say about an object, its events included. */
#include "cli/describe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/timestamp.h"
#include "cli/request.h"
#include "cli/tabs.h"
#include "schema/columns.h"
#include "schema/selector.h"
#include "sys/clock.h"

enum { DESCRIBE_BYTES_MAX = 64 << 20 };

static const struct option_rule options[] = {
	{ "selector", 'l', OPTION_TEXT, NULL, "all whose labels match", NULL },
	{ "all-namespaces", 'A', OPTION_BOOL, NULL, "in every namespace", NULL },
	{ "show-events", 0, OPTION_BOOL, "true", "with the object's events", NULL },
	{ "filename", 'f', OPTION_LIST, NULL, "the objects named in these files", NULL },
	{ "recursive", 'R', OPTION_BOOL, NULL, "folders inside folders too", NULL },
	{ 0 },
};

void describe_line(struct describe *d, u32 level, const char *format, ...)
{
	va_list arguments;

	for (u32 i = 0; i < level; i++)
		buffer_add_str(d->out, STR("  "));
	va_start(arguments, format);
	int len = vsnprintf(NULL, 0, format, arguments);

	va_end(arguments);
	char *room = len >= 0 ? buffer_room(d->out, (size_t)len + 1) : NULL;

	if (!room)
		return;
	va_start(arguments, format);
	vsnprintf(room, (size_t)len + 1, format, arguments);
	va_end(arguments);
	d->out->len += (size_t)len;
	buffer_add_char(d->out, '\n');
}

static int pair_order(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void print_pairs(struct describe *d, u32 level, const char *title, const struct doc *map,
			const char *between, const char *skip)
{
	struct arena *arena = d->cli->arena;
	struct str *pairs = ARENA_ARRAY(arena, struct str, doc_len(map) + 1);
	u32 len = 0;

	doc_each_pair(map, key, value)
		if (!skip || !str_is(key, skip))
			pairs[len++] = str_format(arena, STR_FMT "%s" STR_FMT, STR_ARG(key),
						  between, STR_ARG(doc_str(value)));
	qsort(pairs, len, sizeof *pairs, pair_order);
	if (!len)
		describe_line(d, level, "%s:\t<none>", title);
	for (u32 i = 0; i < len; i++)
		describe_line(d, i ? 0 : level, "%s%s\t" STR_FMT, i ? "" : title, i ? "" : ":",
			      STR_ARG(pairs[i]));
}

void describe_map(struct describe *d, u32 level, const char *title, const struct doc *map)
{
	print_pairs(d, level, title, map, "=", NULL);
}

void describe_annotations(struct describe *d, u32 level, const struct doc *annotations)
{
	print_pairs(d, level, "Annotations", annotations, ": ",
		    "kubectl.kubernetes.io/last-applied-configuration");
}

struct str describe_time(struct arena *arena, struct str rfc3339)
{
	i64 ns;
	struct tm tm;
	char text[64];

	if (!timestamp_parse(rfc3339, &ns))
		return STR("<unset>");
	time_t seconds = (time_t)(ns / NS_PER_S);

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S +0000", &tm);
	return str_copy(arena, str_of(text));
}

struct str describe_age(struct describe *d, struct str rfc3339)
{
	return columns_age(d->cli->arena, rfc3339, d->now_ns);
}

struct str describe_selector(struct arena *arena, const struct doc *selector)
{
	struct selector *parsed;

	if (!doc_len(selector))
		return STR("<none>");
	if (!doc_key(selector, "matchLabels") && !doc_key(selector, "matchExpressions"))
		selector = doc_with(arena, NULL, STR("matchLabels"), selector);
	if (selector_from_doc(arena, selector, &parsed, NULL) != ST_OK)
		return STR("<error>");
	return selector_print(arena, parsed);
}

/* ---- events */

static void print_event(struct describe *d, const struct doc *event)
{
	struct str last = doc_at_str(event, "lastTimestamp");
	struct str first = doc_at_str(event, "firstTimestamp");
	i64 count = doc_at_int(event, "count", 1);
	struct str from = doc_at_str(event, "source.component");

	if (!last.len)
		last = doc_at_str(event, "eventTime");
	if (!first.len)
		first = last;
	if (!from.len)
		from = doc_at_str(event, "reportingComponent");
	struct str age = describe_age(d, last);

	if (count > 1)
		age = str_format(d->cli->arena, STR_FMT " (x%lld over " STR_FMT ")", STR_ARG(age),
				 (long long)count, STR_ARG(describe_age(d, first)));
	describe_line(d, 1, STR_FMT "\t" STR_FMT "\t" STR_FMT "\t" STR_FMT "\t" STR_FMT,
		      STR_ARG(doc_at_str(event, "type")), STR_ARG(doc_at_str(event, "reason")),
		      STR_ARG(age), STR_ARG(from), STR_ARG(str_trim(doc_at_str(event, "message"))));
}

static int event_order(const void *a, const void *b)
{
	const struct doc *x = *(const struct doc *const *)a, *y = *(const struct doc *const *)b;

	return str_cmp(doc_at_str(x, "lastTimestamp"), doc_at_str(y, "lastTimestamp"));
}

void describe_events(struct describe *d)
{
	struct cli *cli = d->cli;
	struct str ns = doc_at_str(d->object, "metadata.namespace");
	struct str name = doc_at_str(d->object, "metadata.name");
	struct str uid = doc_at_str(d->object, "metadata.uid");
	const struct doc *list;

	if (!option_bool(cli, "show-events"))
		return;
	/* Events about nodes carry the node's name as uid. */
	struct str selector = str_format(
		cli->arena,
		"involvedObject.name=" STR_FMT ",involvedObject.kind=" STR_FMT "%s" STR_FMT,
		STR_ARG(name), STR_ARG(d->kind->kind), ns.len ? ",involvedObject.uid=" : "",
		STR_ARG(ns.len ? uid : STR_NONE));
	struct str path = request_path(cli->arena, schema_kind(cli->schema, KIND_Event), ns,
				       STR_NONE, STR_NONE);

	if (request_get(cli, request_query(cli->arena, path, "fieldSelector", selector), &list,
			NULL) != ST_OK ||
	    !doc_len(doc_key(list, "items"))) {
		describe_line(d, 0, "Events:\t<none>");
		return;
	}
	const struct doc *items = doc_key(list, "items");
	const struct doc **sorted = ARENA_ARRAY(cli->arena, const struct doc *, doc_len(items));

	for (u32 i = 0; i < doc_len(items); i++)
		sorted[i] = doc_item(items, i);
	qsort(sorted, doc_len(items), sizeof *sorted, event_order);
	describe_line(d, 0, "Events:");
	describe_line(d, 1, "Type\tReason\tAge\tFrom\tMessage");
	describe_line(d, 1, "----\t------\t----\t----\t-------");
	for (u32 i = 0; i < doc_len(items); i++)
		print_event(d, sorted[i]);
}

/* ---- the command */

static const struct {
	kind_id kind;
	void (*describe)(struct describe *d);
} describers[] = {
	{ KIND_Pod, describe_pod },
	{ KIND_Deployment, describe_deployment },
	{ KIND_ReplicaSet, describe_replicaset },
	{ KIND_ReplicationController, describe_replicaset },
	{ KIND_StatefulSet, describe_statefulset },
	{ KIND_DaemonSet, describe_daemonset },
	{ KIND_Job, describe_job },
	{ KIND_CronJob, describe_cronjob },
	{ KIND_PersistentVolumeClaim, describe_claim },
	{ KIND_PersistentVolume, describe_persistent_volume },
	{ KIND_StorageClass, describe_storage_class },
	{ KIND_Node, describe_node },
	{ KIND_Service, describe_service },
	{ KIND_HorizontalPodAutoscaler, describe_autoscaler },
	{ KIND_CertificateSigningRequest, describe_certificate_request },
};

static void describe_object(struct cli *cli, const struct api_kind *kind, const struct doc *object,
			    bool first)
{
	struct buffer plain = BUFFER_INIT(DESCRIBE_BYTES_MAX),
		      aligned = BUFFER_INIT(DESCRIBE_BYTES_MAX);
	struct describe d = { .cli = cli,
			      .out = &plain,
			      .object = object,
			      .kind = kind,
			      .now_ns = clock_wall_ns(clock_real()) };
	void (*describe)(struct describe *) = describe_other;

	for (size_t i = 0; i < ARRAY_LEN(describers); i++)
		if (describers[i].kind == kind->id)
			describe = describers[i].describe;
	describe(&d);
	tabs_align(cli->arena, buffer_str(&plain), &aligned);
	cli_printf("%s", first ? "" : "\n\n");
	cli_print(buffer_str(&aligned));
	buffer_release(&plain);
	buffer_release(&aligned);
}

static enum status describe_target(struct cli *cli, const struct target *target, bool *first,
				   struct error *error)
{
	struct str ns = option_bool(cli, "all-namespaces") ? STR_NONE : target->ns;
	struct str path = request_path(cli->arena, target->kind, ns, target->name, STR_NONE);
	const struct doc *answer;
	enum status status = request_get(
		cli, request_query(cli->arena, path, "labelSelector", option_text(cli, "selector")),
		&answer, error);

	if (status)
		return status;
	if (target->name.len) {
		describe_object(cli, target->kind, answer, *first);
		*first = false;
	}
	doc_each_item(target->name.len ? NULL : doc_key(answer, "items"), item) {
		describe_object(cli, target->kind, item, *first);
		*first = false;
	}
	return ST_OK;
}

static enum status describe_run(struct cli *cli, struct error *error)
{
	struct targets targets;
	const struct str *files;
	u32 files_len = option_list(cli, "filename", &files);
	bool first = true;

	if (!files_len && !cli->arguments.len)
		return fail(error, ST_BAD_REQUEST,
			    "error: You must specify the type of resource to describe. ");
	enum status status =
		files_len ? resource_files(cli, files, files_len, option_bool(cli, "recursive"),
					   &targets, error)
			  : resource_targets(cli, 0, &targets, error);

	for (u32 i = 0; !status && i < targets.len; i++)
		status = describe_target(cli, &targets.at[i], &first, error);
	if (!status && first)
		cli_warn("No resources found in " STR_FMT " namespace.", STR_ARG(cli->ns));
	return status;
}

const struct command command_describe = {
	.name = "describe",
	.usage = "describe TYPE [NAME …] | TYPE/NAME | -l SELECTOR",
	.summary = "tells all about objects, their events included",
	.options = options,
	.run = describe_run,
};
