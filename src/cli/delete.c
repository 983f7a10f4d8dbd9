/* minke delete: removes objects and, unless told otherwise, waits until they are gone. */
#include "cli/request.h"
#include "cli/resource.h"
#include "doc/build.h"

static const struct option_rule options[] = {
	{ "filename", 'f', OPTION_LIST, NULL, "the objects named in these files", NULL },
	{ "recursive", 'R', OPTION_BOOL, NULL, "folders inside folders too", NULL },
	{ "selector", 'l', OPTION_TEXT, NULL, "all whose labels match", NULL },
	{ "field-selector", 0, OPTION_TEXT, NULL, "all whose fields match", NULL },
	{ "all", 0, OPTION_BOOL, NULL, "all of this kind in the namespace", NULL },
	{ "all-namespaces", 'A', OPTION_BOOL, NULL, "with --all or -l: in every namespace", NULL },
	{ "cascade", 0, OPTION_TEXT, "background",
	  "what becomes of objects owned: background, foreground or orphan", "background" },
	{ "grace-period", 0, OPTION_INT, "-1", "seconds a pod gets to end itself", NULL },
	{ "now", 0, OPTION_BOOL, NULL, "as --grace-period=1", NULL },
	{ "force", 0, OPTION_BOOL, NULL, "with --grace-period=0: do not wait for the node", NULL },
	{ "ignore-not-found", 0, OPTION_BOOL, NULL, "a missing object is no error", NULL },
	{ "wait", 0, OPTION_BOOL, "true", "return when the objects are gone", NULL },
	{ "timeout", 0, OPTION_TEXT, "0s", "how long to wait at most", NULL },
	{ "dry-run", 0, OPTION_TEXT, "none", "none, client or server", "client" },
	{ "output", 'o', OPTION_TEXT, NULL, "name", NULL },
	{ 0 },
};

struct deleting {
	struct cli *cli;
	const struct doc *body; /* DeleteOptions */
	bool dry_client, dry_server;
	struct error *error;
};

static const char *propagation(struct cli *cli, struct error *error)
{
	struct str cascade = option_text(cli, "cascade");

	if (str_is(cascade, "background") || str_is(cascade, "true"))
		return "Background";
	if (str_is(cascade, "orphan") || str_is(cascade, "false"))
		return "Orphan";
	if (str_is(cascade, "foreground"))
		return "Foreground";
	(void)fail(error, ST_BAD_REQUEST,
		   "error: invalid cascade value (" STR_FMT
		   "). Must be \"background\", \"foreground\", or \"orphan\"",
		   STR_ARG(cascade));
	return NULL;
}

static enum status begin(struct deleting *d)
{
	struct cli *cli = d->cli;
	i64 grace = option_int(cli, "grace-period");
	const char *how = propagation(cli, d->error);
	struct str dry = option_text(cli, "dry-run");

	if (!how)
		return d->error->status;
	if (option_bool(cli, "now"))
		grace = 1;
	if (option_bool(cli, "force") && grace < 0)
		grace = 0;
	if (grace == 0 && !option_bool(cli, "force"))
		grace = 1; /* kubectl: zero only by force */
	if (option_bool(cli, "force"))
		cli_warn(
			"Warning: Immediate deletion does not wait for confirmation that the "
			"running resource has been terminated. The resource may continue to run on "
			"the cluster indefinitely.");
	struct build body = build_object(cli->arena);

	build_str(&body, "kind", STR("DeleteOptions"));
	build_str(&body, "apiVersion", STR("v1"));
	if (grace >= 0)
		build_int(&body, "gracePeriodSeconds", grace);
	build_str(&body, "propagationPolicy", str_of(how));
	d->body = build_done(&body);
	d->dry_client = str_is(dry, "client");
	d->dry_server = str_is(dry, "server");
	return ST_OK;
}

static enum status delete_one(struct deleting *d, const struct target *target, struct str *ret_uid)
{
	struct cli *cli = d->cli;
	struct str path =
		request_path(cli->arena, target->kind, target->ns, target->name, STR_NONE);
	struct request request = { .method = "DELETE", .path = path, .body = d->body };
	const struct doc *answer = NULL;
	enum status status = ST_OK;

	if (d->dry_server)
		request.path = request_query(cli->arena, path, "dryRun", STR("All"));
	if (!d->dry_client)
		status = request_send(cli, &request, &answer, d->error);
	if (status)
		return status;
	*ret_uid = doc_at_str(answer, "metadata.uid");
	if (!ret_uid->len)
		*ret_uid = doc_at_str(answer, "details.uid");
	if (str_is(option_text(cli, "output"), "name")) {
		cli_printf(STR_FMT "\n",
			   STR_ARG(resource_name(cli->arena, target->kind, target->name)));
		return ST_OK;
	}
	struct str group = target->kind->group;

	cli_printf(STR_FMT "%s" STR_FMT " \"" STR_FMT "\" %s%s\n", STR_ARG(target->kind->singular),
		   group.len ? "." : "", STR_ARG(group), STR_ARG(target->name),
		   option_bool(cli, "force") ? "force deleted" : "deleted",
		   d->dry_client   ? " (dry run)"
		   : d->dry_server ? " (server dry run)"
				   : "");
	return ST_OK;
}

struct waiting {
	struct str uid;
	bool gone;
};

static bool wait_event(void *self, struct arena *arena, struct str type, const struct doc *object)
{
	struct waiting *waiting = self;

	(void)arena;
	waiting->gone =
		str_is(type, "DELETED") && str_eq(doc_at_str(object, "metadata.uid"), waiting->uid);
	return !waiting->gone;
}

/* Until the object of this uid is gone: it may have left already, or come back as another. Should
 * the server forget where the watch began (it was started anew), we look again. */
static enum status wait_gone(struct deleting *d, const struct target *target, struct str uid)
{
	struct cli *cli = d->cli;
	struct str one = request_path(cli->arena, target->kind, target->ns, target->name, STR_NONE);
	struct str all = request_path(cli->arena, target->kind, target->ns, STR_NONE, STR_NONE);
	struct waiting waiting = { .uid = uid };
	enum status status = ST_OK;

	all = request_query(
		cli->arena, all, "fieldSelector",
		str_format(cli->arena, "metadata.name=" STR_FMT, STR_ARG(target->name)));
	all = request_query(cli->arena, all, "watch", STR("true"));
	while (!waiting.gone && (status == ST_OK || status == ST_EXPIRED)) {
		const struct doc *now;

		error_clear(d->error);
		status = request_get(cli, one, &now, d->error);
		if (status == ST_NOT_FOUND) {
			error_clear(d->error);
			return ST_OK;
		}
		if (status || !str_eq(doc_at_str(now, "metadata.uid"), uid))
			return status;
		struct str path = request_query(cli->arena, all, "resourceVersion",
						doc_at_str(now, "metadata.resourceVersion"));

		status = request_watch(cli, path, NULL, wait_event, &waiting, d->error);
	}
	return status;
}

/* TYPE with -l or --all becomes the objects there are now. */
static enum status list_targets(struct deleting *d, struct targets *targets)
{
	struct cli *cli = d->cli;
	VEC(struct target) found = { 0 };

	for (u32 i = 0; i < targets->len; i++) {
		const struct target *of = &targets->at[i];
		struct str ns = option_bool(cli, "all-namespaces") ? STR_NONE : of->ns;
		struct str path = request_path(cli->arena, of->kind, ns, STR_NONE, STR_NONE);
		const struct doc *list;

		path = request_query(cli->arena, path, "labelSelector",
				     option_text(cli, "selector"));
		path = request_query(cli->arena, path, "fieldSelector",
				     option_text(cli, "field-selector"));
		enum status status = request_get(cli, path, &list, d->error);

		if (status)
			return status;
		doc_each_item(doc_key(list, "items"), item) {
			struct target target = { .kind = of->kind,
						 .ns = doc_at_str(item, "metadata.namespace"),
						 .name = doc_at_str(item, "metadata.name") };

			VEC_PUSH(cli->arena, &found, target);
		}
	}
	*targets = (struct targets){ .at = found.at, .len = found.len, .by_name = true };
	if (!found.len)
		cli_printf("No resources found\n");
	return ST_OK;
}

static enum status delete_all(struct deleting *d, const struct targets *targets)
{
	struct cli *cli = d->cli;
	struct str *uids = ARENA_ARRAY(cli->arena, struct str, targets->len);
	bool wait = option_bool(cli, "wait") && !d->dry_client && !d->dry_server;
	enum status last = ST_OK;

	for (u32 i = 0; i < targets->len; i++) {
		struct error own = ERROR_INIT, *outer = d->error;

		d->error = &own;
		enum status status = delete_one(d, &targets->at[i], &uids[i]);

		d->error = outer;
		if (!status || (status == ST_NOT_FOUND && option_bool(cli, "ignore-not-found")))
			continue;
		cli_print_error(cli, &own);
		last = status;
	}
	for (u32 i = 0; wait && i < targets->len; i++) {
		enum status status = uids[i].len ? wait_gone(d, &targets->at[i], uids[i]) : ST_OK;

		if (status)
			return status;
	}
	return last;
}

static enum status delete_run(struct cli *cli, struct error *error)
{
	struct deleting d = { .cli = cli, .error = error };
	struct targets targets = { 0 };
	const struct str *files;
	u32 files_len = option_list(cli, "filename", &files);
	bool many = option_text(cli, "selector").len || option_text(cli, "field-selector").len ||
		    option_bool(cli, "all");
	enum status status = begin(&d);

	if (status)
		return status;
	if (!files_len && !cli->arguments.len)
		return fail(
			error, ST_BAD_REQUEST,
			"error: You must provide one or more resources by argument or filename.");
	status = files_len ? resource_files(cli, files, files_len, option_bool(cli, "recursive"),
					    &targets, error)
			   : resource_targets(cli, 0, &targets, error);
	if (!status && !targets.by_name && !many)
		return fail(error, ST_BAD_REQUEST,
			    "error: resource(s) were provided, but no name was specified");
	if (!status && !targets.by_name)
		status = list_targets(&d, &targets);
	return status ? status : delete_all(&d, &targets);
}

const struct command command_delete = {
	.name = "delete",
	.usage = "delete TYPE NAME … | TYPE/NAME … | TYPE -l SELECTOR | -f FILE",
	.summary = "removes objects",
	.options = options,
	.run = delete_run,
};
