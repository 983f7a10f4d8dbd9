/* minke drain: closes a node and sends its pods away through the eviction API, budgets honoured. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/connection.h"
#include "cli/cordon.h"
#include "cli/request.h"
#include "sys/clock.h"

enum { POLL_MS = 100, RETRY_MS = 5000 };

static const struct option_rule options[] = {
	{ "selector", 'l', OPTION_TEXT, NULL, "all nodes whose labels match", NULL },
	{ "pod-selector", 0, OPTION_TEXT, NULL, "only pods whose labels match", NULL },
	{ "force", 0, OPTION_BOOL, NULL, "also pods that no controller makes anew", NULL },
	{ "ignore-daemonsets", 0, OPTION_BOOL, NULL, "leave pods of DaemonSets where they are",
	  NULL },
	{ "delete-emptydir-data", 0, OPTION_BOOL, NULL, "also pods whose emptyDir data is lost",
	  NULL },
	{ "delete-local-data", 0, OPTION_BOOL, NULL, "the old name of --delete-emptydir-data",
	  NULL },
	{ "grace-period", 0, OPTION_INT, "-1", "seconds a pod gets to end itself", NULL },
	{ "disable-eviction", 0, OPTION_BOOL, NULL, "delete pods, whatever budgets say", NULL },
	{ "timeout", 0, OPTION_TEXT, "0s", "how long to wait at most", NULL },
	{ "skip-wait-for-delete-timeout", 0, OPTION_INT, "0",
	  "do not wait for pods deleted so many seconds ago", NULL },
	{ "dry-run", 0, OPTION_TEXT, "none", "none, client or server", "unchanged" },
	{ 0 },
};

struct leaving {
	struct target target;
	struct str uid;
	bool asked, gone;
	i64 again_ms; /* when to ask once more, after a budget said no */
};

struct drain {
	struct cli *cli;
	const struct target *node;
	VEC(struct leaving) pods;
	VEC(struct str) unmanaged, local, daemons;
	struct str last; /* of a pod that would not go: for the final word */
	struct error *error;
};

static bool has_local_data(const struct doc *pod)
{
	doc_each_item(doc_at(pod, "spec.volumes"), volume)
		if (doc_key(volume, "emptyDir"))
			return true;
	return false;
}

static struct str controller_kind(const struct doc *pod)
{
	doc_each_item(doc_at(pod, "metadata.ownerReferences"), owner)
		if (doc_at_bool(owner, "controller", false))
			return doc_at_str(owner, "kind");
	return STR_NONE;
}

/* Sorts one pod into what goes, what is left alone and what keeps the node from being drained. */
static void look_at(struct drain *d, const struct doc *pod)
{
	struct cli *cli = d->cli;
	struct str ns = doc_at_str(pod, "metadata.namespace");
	struct str name = doc_at_str(pod, "metadata.name"), phase = doc_at_str(pod, "status.phase");
	struct str full = str_format(cli->arena, STR_FMT "/" STR_FMT, STR_ARG(ns), STR_ARG(name));
	struct str controller = controller_kind(pod);
	bool finished = str_is(phase, "Succeeded") || str_is(phase, "Failed");

	if (doc_get(doc_at(pod, "metadata.annotations"), STR("kubernetes.io/config.mirror")))
		return;
	if (str_is(controller, "DaemonSet") && !finished) {
		VEC_PUSH(cli->arena, &d->daemons, full);
		return;
	}
	if (has_local_data(pod) && !finished)
		VEC_PUSH(cli->arena, &d->local, full);
	if (!controller.len && !finished)
		VEC_PUSH(cli->arena, &d->unmanaged, full);
	struct leaving leaving = {
		.target = { .kind = schema_kind(cli->schema, KIND_Pod), .ns = ns, .name = name },
		.uid = doc_at_str(pod, "metadata.uid")
	};

	VEC_PUSH(cli->arena, &d->pods, leaving);
}

struct group {
	const struct str *at;
	u32 len;
	bool allowed;
	const char *refusal, *warning;
};

/* The refusals as kubectl words and joins them; what is allowed all the same goes as a warning. */
static enum status check_groups(struct drain *d)
{
	struct cli *cli = d->cli;
	const struct group groups[] = {
		{ d->daemons.at, d->daemons.len, option_bool(cli, "ignore-daemonsets"),
		  "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)",
		  "ignoring DaemonSet-managed Pods" },
		{ d->local.at, d->local.len,
		  option_bool(cli, "delete-emptydir-data") || option_bool(cli, "delete-local-data"),
		  "cannot delete Pods with local storage (use --delete-emptydir-data to override)",
		  "deleting Pods with local storage" },
		{ d->unmanaged.at, d->unmanaged.len, option_bool(cli, "force"),
		  "cannot delete Pods that declare no controller (use --force to override)",
		  "deleting Pods that declare no controller" },
	};
	struct str refusals[3], warnings[3];
	u32 refused = 0, warned = 0;

	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		const struct group *group = &groups[i];
		struct str names = str_join(cli->arena, group->at, group->len, STR(", "));

		if (group->len && group->allowed)
			warnings[warned++] = str_format(cli->arena, "%s: " STR_FMT, group->warning,
							STR_ARG(names));
		else if (group->len)
			refusals[refused++] = str_format(cli->arena, "cannot delete %s: " STR_FMT,
							 group->refusal, STR_ARG(names));
	}
	struct str all = str_join(cli->arena, refusals, refused, STR(", "));

	if (refused)
		return fail(d->error, ST_FORBIDDEN, refused > 1 ? "[" STR_FMT "]" : STR_FMT,
			    STR_ARG(all));
	if (warned)
		cli_warn("Warning: " STR_FMT,
			 STR_ARG(str_join(cli->arena, warnings, warned, STR("; "))));
	return ST_OK;
}

static enum status ask_to_leave(struct drain *d, struct leaving *pod)
{
	struct cli *cli = d->cli;
	bool evict = !option_bool(cli, "disable-eviction");
	i64 grace = option_int(cli, "grace-period");
	const struct doc *options_body = NULL, *body, *answer;

	if (grace >= 0)
		options_body = doc_set_int(cli->arena, NULL, "gracePeriodSeconds", grace);
	body = doc_set_str(cli->arena, NULL, "apiVersion", STR("policy/v1"));
	body = doc_set_str(cli->arena, body, "kind", STR("Eviction"));
	body = doc_set_str(cli->arena, body, "metadata.name", pod->target.name);
	body = doc_set_str(cli->arena, body, "metadata.namespace", pod->target.ns);
	if (options_body)
		body = doc_set(cli->arena, body, "deleteOptions", options_body);
	struct request request = { .method = evict ? "POST" : "DELETE",
				   .path = request_path(cli->arena, pod->target.kind,
							pod->target.ns, pod->target.name,
							evict ? STR("eviction") : STR_NONE),
				   .body = evict ? body : options_body };

	return request_send(cli, &request, &answer, d->error);
}

/* One look at one pod: asked, refused for now, or gone. */
static enum status step(struct drain *d, struct leaving *pod, i64 now_ms)
{
	struct cli *cli = d->cli;
	struct str ns = pod->target.ns, name = pod->target.name;
	const struct doc *object;
	bool evict = !option_bool(cli, "disable-eviction");
	enum status status;

	error_clear(d->error);
	if (!pod->asked && now_ms < pod->again_ms)
		return ST_OK;
	if (!pod->asked) {
		cli_warn("%s pod " STR_FMT "/" STR_FMT, evict ? "evicting" : "deleting",
			 STR_ARG(ns), STR_ARG(name));
		status = ask_to_leave(d, pod);
		pod->asked = !status || status == ST_NOT_FOUND;
		if (!pod->asked) {
			bool again = str_is(cli->server_reason, "TooManyRequests");

			d->last = str_format(cli->arena,
					     "error when evicting pods/\"" STR_FMT
					     "\" -n \"" STR_FMT "\"",
					     STR_ARG(name), STR_ARG(ns));
			if (!again)
				return fail_within(d->error, STR_FMT, STR_ARG(d->last));
			cli_warn(STR_FMT " (will retry after 5s): %s", STR_ARG(d->last),
				 d->error->message);
			pod->again_ms = now_ms + RETRY_MS;
			return ST_OK;
		}
	}
	error_clear(d->error);
	status = select_get(cli, &pod->target, &object, d->error);
	pod->gone = status == ST_NOT_FOUND ||
		    (!status && !str_eq(doc_at_str(object, "metadata.uid"), pod->uid));
	if (pod->gone)
		cli_printf("pod/" STR_FMT " %s\n", STR_ARG(name), evict ? "evicted" : "deleted");
	fflush(stdout);
	return pod->gone ? ST_OK : status;
}

static enum status empty_node(struct drain *d)
{
	struct cli *cli = d->cli;
	struct str timeout = option_text(cli, "timeout");
	i64 limit_ms, start_ms = clock_mono_ns(clock_real()) / NS_PER_MS, now_ms = start_ms;
	u32 left = d->pods.len;

	if (!cli_duration(timeout, &limit_ms))
		return fail(d->error, ST_BAD_REQUEST, "invalid duration \"" STR_FMT "\"",
			    STR_ARG(timeout));
	while (left) {
		left = 0;
		for (u32 i = 0; i < d->pods.len; i++) {
			struct leaving *pod = &d->pods.at[i];
			enum status status = pod->gone ? ST_OK : step(d, pod, now_ms);

			if (status)
				return status;
			left += !pod->gone;
		}
		if (!left)
			break;
		cli_sleep(cli, POLL_MS);
		now_ms = clock_mono_ns(clock_real()) / NS_PER_MS;
		if (limit_ms && now_ms - start_ms > limit_ms)
			return fail(d->error, ST_TIMEOUT,
				    STR_FMT "%sglobal timeout reached: " STR_FMT, STR_ARG(d->last),
				    d->last.len ? ": " : "", STR_ARG(timeout));
	}
	error_clear(d->error);
	return ST_OK;
}

static enum status drain_node(struct cli *cli, const struct target *node, struct error *error)
{
	struct drain d = { .cli = cli, .node = node, .error = error };
	struct str path = request_path(cli->arena, schema_kind(cli->schema, KIND_Pod), STR_NONE,
				       STR_NONE, STR_NONE);
	const struct doc *list;
	struct str dry = option_text(cli, "dry-run");

	path = request_query(cli->arena, path, "fieldSelector",
			     str_format(cli->arena, "spec.nodeName=" STR_FMT, STR_ARG(node->name)));
	path = request_query(cli->arena, path, "labelSelector", option_text(cli, "pod-selector"));
	enum status status = request_get(cli, path, &list, error);

	doc_each_item(status ? NULL : doc_key(list, "items"), pod)
		look_at(&d, pod);
	if (!status)
		status = check_groups(&d);
	if (!status && str_is(dry, "none"))
		status = empty_node(&d);
	if (!status)
		cli_printf("node/" STR_FMT " drained%s\n", STR_ARG(node->name),
			   str_is(dry, "none")	   ? ""
			   : str_is(dry, "server") ? " (server dry run)"
						   : " (dry run)");
	return status;
}

static enum status drain_run(struct cli *cli, struct error *error)
{
	struct targets nodes;
	VEC(struct str) pending = { 0 }, reasons = { 0 };
	enum status status = cordon_nodes(cli, &nodes, error);

	for (u32 i = 0; !status && i < nodes.len; i++)
		status = cordon_node(cli, &nodes.at[i], true, error);
	for (u32 i = 0; !status && i < nodes.len; i++) {
		struct error own = ERROR_INIT;

		if (drain_node(cli, &nodes.at[i], &own) == ST_OK)
			continue;
		struct str why = str_copy(cli->arena, str_of(own.message));

		cli_warn("error: unable to drain node \"" STR_FMT "\" due to error: " STR_FMT
			 ", continuing command...",
			 STR_ARG(nodes.at[i].name), STR_ARG(why));
		VEC_PUSH(cli->arena, &pending, nodes.at[i].name);
		VEC_PUSH(cli->arena, &reasons, why);
	}
	if (!pending.len)
		return status;
	cli_warn("There are pending nodes to be drained:");
	for (u32 i = 0; i < pending.len; i++)
		cli_warn(" " STR_FMT, STR_ARG(pending.at[i]));
	for (u32 i = 0; i < reasons.len; i++)
		cli_warn(STR_FMT, STR_ARG(reasons.at[i]));
	cli->exit_code = 1;
	error_clear(error);
	return ST_TIMEOUT; /* all has been said */
}

const struct command command_drain = {
	.name = "drain",
	.usage = "drain NODE … [--ignore-daemonsets] [--force]",
	.summary = "empties a node of its pods",
	.options = options,
	.run = drain_run,
};
