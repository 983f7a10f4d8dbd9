/* minke rollout: how a workload's last change is getting on, and going back to an earlier one. */
#include <stdio.h>

#include "cli/change.h"
#include "cli/request.h"
#include "cli/rollout.h"
#include "sys/clock.h"
#include "base/timestamp.h"

static enum status one_target(struct cli *cli, struct target *ret_target, struct error *error)
{
	struct targets targets;
	enum status status;

	if (!cli->arguments.len)
		return fail(error, ST_BAD_REQUEST, "error: required resource not specified");
	status = resource_targets(cli, 0, &targets, error);
	if (status)
		return status;
	if (targets.len != 1 || !targets.by_name)
		return fail(error, ST_BAD_REQUEST,
			    "error: one workload by its name is wanted here");
	*ret_target = targets.at[0];
	return ST_OK;
}

static enum status get_target(struct cli *cli, const struct target *target,
			      const struct doc **ret_object, struct error *error)
{
	return request_get(
		cli, request_path(cli->arena, target->kind, target->ns, target->name, STR_NONE),
		ret_object, error);
}

/* ---- status: sentences as in kubectl's polymorphichelpers/rollout_status.go */

struct status_wait {
	struct cli *cli;
	struct target target;
	bool done;
	struct error *error;
	enum status failed;
};

/* Always true: a roll-out that is done says so and is done. */
static bool say(struct str line)
{
	cli_printf(STR_FMT "\n", STR_ARG(line));
	fflush(stdout);
	return true;
}

static void deployment_status(struct status_wait *wait, const struct doc *d)
{
	struct arena *arena = wait->cli->arena;
	struct str name = doc_at_str(d, "metadata.name");
	i64 wanted = doc_at_int(d, "spec.replicas", 1);
	i64 updated = doc_at_int(d, "status.updatedReplicas", 0);
	i64 total = doc_at_int(d, "status.replicas", 0);
	i64 available = doc_at_int(d, "status.availableReplicas", 0);

	if (doc_at_int(d, "metadata.generation", 0) >
	    doc_at_int(d, "status.observedGeneration", 0)) {
		say(STR("Waiting for deployment spec update to be observed..."));
		return;
	}
	doc_each_item(doc_at(d, "status.conditions"), condition)
		if (str_is(doc_at_str(condition, "type"), "Progressing") &&
		    str_is(doc_at_str(condition, "reason"), "ProgressDeadlineExceeded")) {
			wait->failed = fail(wait->error, ST_TIMEOUT,
					    "error: deployment \"" STR_FMT
					    "\" exceeded its progress deadline",
					    STR_ARG(name));
			return;
		}
	if (updated < wanted) {
		say(str_format(arena,
			       "Waiting for deployment \"" STR_FMT
			       "\" rollout to finish: %lld out of %lld new replicas have been "
			       "updated...",
			       STR_ARG(name), (long long)updated, (long long)wanted));
	} else if (total > updated) {
		say(str_format(arena,
			       "Waiting for deployment \"" STR_FMT
			       "\" rollout to finish: %lld old replicas are pending "
			       "termination...",
			       STR_ARG(name), (long long)(total - updated)));
	} else if (available < updated) {
		say(str_format(arena,
			       "Waiting for deployment \"" STR_FMT
			       "\" rollout to finish: %lld of %lld updated replicas are "
			       "available...",
			       STR_ARG(name), (long long)available, (long long)updated));
	} else {
		wait->done =
			say(str_format(arena, "deployment \"" STR_FMT "\" successfully rolled out",
				       STR_ARG(name)));
	}
}

static void daemonset_status(struct status_wait *wait, const struct doc *d)
{
	struct arena *arena = wait->cli->arena;
	struct str name = doc_at_str(d, "metadata.name");
	i64 wanted = doc_at_int(d, "status.desiredNumberScheduled", 0);
	i64 updated = doc_at_int(d, "status.updatedNumberScheduled", 0);
	i64 available = doc_at_int(d, "status.numberAvailable", 0);

	if (doc_at_int(d, "metadata.generation", 0) > doc_at_int(d, "status.observedGeneration", 0))
		say(STR("Waiting for daemon set spec update to be observed..."));
	else if (updated < wanted)
		say(str_format(arena,
			       "Waiting for daemon set \"" STR_FMT
			       "\" rollout to finish: %lld out of %lld new pods have been "
			       "updated...",
			       STR_ARG(name), (long long)updated, (long long)wanted));
	else if (available < wanted)
		say(str_format(arena,
			       "Waiting for daemon set \"" STR_FMT
			       "\" rollout to finish: %lld of %lld updated pods are available...",
			       STR_ARG(name), (long long)available, (long long)wanted));
	else
		wait->done =
			say(str_format(arena, "daemon set \"" STR_FMT "\" successfully rolled out",
				       STR_ARG(name)));
}

static void statefulset_status(struct status_wait *wait, const struct doc *d)
{
	struct arena *arena = wait->cli->arena;
	i64 wanted = doc_at_int(d, "spec.replicas", 1);
	i64 ready = doc_at_int(d, "status.readyReplicas", 0);
	i64 updated = doc_at_int(d, "status.updatedReplicas", 0);
	const struct doc *cut = doc_at(d, "spec.updateStrategy.rollingUpdate.partition");
	i64 partition = doc_int_or(cut, 0);

	if (doc_at_int(d, "metadata.generation", 0) > doc_at_int(d, "status.observedGeneration", 0))
		say(STR("Waiting for statefulset spec update to be observed..."));
	else if (ready < wanted)
		say(str_format(arena, "Waiting for %lld pods to be ready...",
			       (long long)(wanted - ready)));
	else if (cut && updated < wanted - partition)
		say(str_format(arena,
			       "Waiting for partitioned roll out to finish: %lld out of %lld "
			       "new pods have been updated...",
			       (long long)updated, (long long)(wanted - partition)));
	else if (cut)
		wait->done = say(str_format(arena,
					    "partitioned roll out complete: %lld new pods have "
					    "been updated...",
					    (long long)updated));
	else if (!str_eq(doc_at_str(d, "status.updateRevision"),
			 doc_at_str(d, "status.currentRevision")))
		say(str_format(arena,
			       "waiting for statefulset rolling update to complete %lld pods at "
			       "revision " STR_FMT "...",
			       (long long)updated,
			       STR_ARG(doc_at_str(d, "status.updateRevision"))));
	else
		wait->done = say(str_format(arena,
					    "statefulset rolling update complete %lld pods at "
					    "revision " STR_FMT "...",
					    (long long)doc_at_int(d, "status.currentReplicas", 0),
					    STR_ARG(doc_at_str(d, "status.currentRevision"))));
}

static bool status_event(void *self, struct arena *arena, struct str type, const struct doc *object)
{
	struct status_wait *wait = self;
	struct str kind = wait->target.kind->kind;

	(void)arena;
	if (str_is(type, "BOOKMARK"))
		return true;
	if (str_is(type, "DELETED")) {
		wait->failed = fail(wait->error, ST_NOT_FOUND, "error: object has been deleted");
		return false;
	}
	if (str_is(kind, "Deployment"))
		deployment_status(wait, object);
	else if (str_is(kind, "DaemonSet"))
		daemonset_status(wait, object);
	else
		statefulset_status(wait, object);
	return !wait->done && !wait->failed;
}

static const struct option_rule status_options[] = {
	{ "watch", 'w', OPTION_BOOL, "true", "go on until the roll-out is done", NULL },
	{ "timeout", 0, OPTION_TEXT, "0s", "how long to wait at most", NULL },
	{ 0 },
};

/* Should the server forget where the watch began (it was started anew), we look again. */
static enum status follow(struct status_wait *wait, const struct doc *object)
{
	struct cli *cli = wait->cli;
	enum status status = ST_OK;
	struct str all =
		request_path(cli->arena, wait->target.kind, wait->target.ns, STR_NONE, STR_NONE);

	all = request_query(
		cli->arena, all, "fieldSelector",
		str_format(cli->arena, "metadata.name=" STR_FMT, STR_ARG(wait->target.name)));
	all = request_query(cli->arena, all, "watch", STR("true"));
	while (status_event(wait, cli->arena, STR("ADDED"), object) && option_bool(cli, "watch")) {
		struct str path = request_query(cli->arena, all, "resourceVersion",
						doc_at_str(object, "metadata.resourceVersion"));

		status = request_watch(cli, path, NULL, status_event, wait, wait->error);
		if (wait->done || wait->failed || (status && status != ST_EXPIRED))
			break;
		error_clear(wait->error);
		status = get_target(cli, &wait->target, &object, wait->error);
		if (status)
			break;
	}
	return wait->failed ? wait->failed : status;
}

static enum status status_run(struct cli *cli, struct error *error)
{
	struct status_wait wait = { .cli = cli, .error = error };
	const struct doc *object;
	enum status status = one_target(cli, &wait.target, error);

	if (!status)
		status = get_target(cli, &wait.target, &object, error);
	if (status)
		return status;
	struct str kind = wait.target.kind->kind;

	if (!str_is(kind, "Deployment") && !str_is(kind, "DaemonSet") &&
	    !str_is(kind, "StatefulSet"))
		return fail(error, ST_BAD_REQUEST, "error: no status viewer for " STR_FMT,
			    STR_ARG(kind));
	status = cli_deadline(cli, option_text(cli, "timeout"), error);
	return status ? status : follow(&wait, object);
}

/* ---- pause, resume, restart: small patches */

static enum status patch_run(struct cli *cli, const struct doc *patch, const char *what,
			     struct error *error)
{
	struct target target;
	struct change change = { .cli = cli, .manager = "kubectl-rollout", .error = error };
	const struct doc *object;
	enum status status = one_target(cli, &target, error);

	if (!status)
		status = get_target(cli, &target, &object, error);
	if (status)
		return status;
	/* kubectl says so when nothing would change. */
	bool paused = doc_at_bool(object, "spec.paused", false);

	if (!str_is(target.kind->kind, "Deployment") && strcmp(what, "restarted") != 0)
		return fail(error, ST_BAD_REQUEST,
			    "error: " STR_FMT "." STR_FMT " \"" STR_FMT "\" %s is not supported",
			    STR_ARG(target.kind->plural), STR_ARG(target.kind->group),
			    STR_ARG(target.name), strcmp(what, "paused") ? "resuming" : "pausing");
	if (!strcmp(what, "paused") && paused)
		return fail(error, ST_BAD_REQUEST,
			    "error: " STR_FMT "." STR_FMT " \"" STR_FMT "\" is already paused",
			    STR_ARG(target.kind->plural), STR_ARG(target.kind->group),
			    STR_ARG(target.name));
	if (!strcmp(what, "resumed") && !paused)
		return fail(error, ST_BAD_REQUEST,
			    "error: " STR_FMT "." STR_FMT " \"" STR_FMT "\" is not paused",
			    STR_ARG(target.kind->plural), STR_ARG(target.kind->group),
			    STR_ARG(target.name));
	if (!strcmp(what, "restarted") && paused)
		return fail(error, ST_BAD_REQUEST,
			    "error: " STR_FMT "." STR_FMT " \"" STR_FMT
			    "\" can't restart paused deployment (run rollout resume first)",
			    STR_ARG(target.kind->plural), STR_ARG(target.kind->group),
			    STR_ARG(target.name));
	status = change_patch(&change, &target, "", MEDIA_STRATEGIC_PATCH, patch, &object);
	return status ? status : change_done(&change, target.kind, object, what);
}

static enum status pause_run(struct cli *cli, struct error *error)
{
	return patch_run(cli, doc_set_bool(cli->arena, NULL, "spec.paused", true), "paused", error);
}

static enum status resume_run(struct cli *cli, struct error *error)
{
	return patch_run(cli, doc_set(cli->arena, NULL, "spec.paused", &doc_null), "resumed",
			 error);
}

static enum status restart_run(struct cli *cli, struct error *error)
{
	struct str now = timestamp_print(cli->arena, clock_wall_ns(clock_real()));
	const struct doc *annotations =
		doc_with(cli->arena, NULL, STR("kubectl.kubernetes.io/restartedAt"),
			 doc_new_str(cli->arena, now));

	return patch_run(
		cli, doc_set(cli->arena, NULL, "spec.template.metadata.annotations", annotations),
		"restarted", error);
}

static const struct command command_status = {
	.name = "status",
	.usage = "status TYPE/NAME",
	.summary = "follows a roll-out to its end",
	.options = status_options,
	.run = status_run,
};
static const struct command command_pause = {
	.name = "pause",
	.usage = "pause TYPE/NAME",
	.summary = "stops a roll-out where it is",
	.run = pause_run,
};
static const struct command command_resume = {
	.name = "resume",
	.usage = "resume TYPE/NAME",
	.summary = "lets a paused roll-out go on",
	.run = resume_run,
};
static const struct command command_restart = {
	.name = "restart",
	.usage = "restart TYPE/NAME",
	.summary = "replaces every pod, one after the other",
	.run = restart_run,
};

static const struct command *const children[] = {
	&command_status,
	&command_rollout_history,
	&command_rollout_undo,
	&command_pause,
	&command_resume,
	&command_restart,
	NULL,
};

const struct command command_rollout = {
	.name = "rollout",
	.usage = "rollout status|history|undo|pause|resume|restart TYPE/NAME",
	.summary = "follows, stops and takes back changes of workloads",
	.children = children,
};
