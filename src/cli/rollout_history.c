/* minke rollout history and undo: the revisions a workload has had, and going back to one. */
#include "cli/change.h"
#include "cli/describe.h"
#include "cli/request.h"
#include "cli/rollout.h"
#include "cli/table.h"
#include "doc/build.h"

#define REVISION "deployment.kubernetes.io/revision"
#define CHANGE_CAUSE "kubernetes.io/change-cause"

enum { HISTORY_BYTES_MAX = 16 << 20 };

struct revision {
	i64 number;
	struct str cause;
	const struct doc *template; /* a pod template */
	const struct doc *object;   /* the ReplicaSet or ControllerRevision */
};

struct history {
	struct cli *cli;
	struct target target;
	const struct doc *workload;
	VEC(struct revision) revisions; /* lowest first */
};

static bool owned_by(const struct doc *object, struct str uid)
{
	doc_each_item(doc_at(object, "metadata.ownerReferences"), owner)
		if (str_eq(doc_at_str(owner, "uid"), uid))
			return true;
	return false;
}

static void add_revision(struct history *h, const struct doc *object, bool replica_set)
{
	const struct doc *annotations = doc_at(object, "metadata.annotations");
	struct revision revision = { .object = object,
				     .cause = doc_str_or(doc_get(annotations, STR(CHANGE_CAUSE)),
							 STR("<none>")) };

	if (replica_set) {
		revision.template = doc_at(object, "spec.template");
		if (!str_to_i64(doc_str(doc_get(annotations, STR(REVISION))), &revision.number))
			return; /* not rolled out by a Deployment yet */
	} else {
		revision.template = doc_at(object, "data.spec.template");
		revision.number = doc_at_int(object, "revision", 0);
	}
	u32 at = h->revisions.len;

	VEC_PUSH(h->cli->arena, &h->revisions, revision);
	for (; at > 0 && h->revisions.at[at - 1].number > revision.number; at--)
		h->revisions.at[at] = h->revisions.at[at - 1];
	h->revisions.at[at] = revision;
}

static enum status load(struct history *h, struct error *error)
{
	struct cli *cli = h->cli;
	struct targets targets;
	const struct doc *list;
	enum status status = resource_targets(cli, 0, &targets, error);

	if (status)
		return status;
	if (targets.len != 1 || !targets.by_name)
		return fail(error, ST_BAD_REQUEST,
			    "error: one workload by its name is wanted here");
	h->target = targets.at[0];
	bool deployment = str_is(h->target.kind->kind, "Deployment");

	if (!deployment && !str_is(h->target.kind->kind, "DaemonSet") &&
	    !str_is(h->target.kind->kind, "StatefulSet"))
		return fail(error, ST_BAD_REQUEST,
			    "error: no history viewer has been implemented "
			    "for \"" STR_FMT "\"",
			    STR_ARG(h->target.kind->kind));
	status = request_get(
		cli,
		request_path(cli->arena, h->target.kind, h->target.ns, h->target.name, STR_NONE),
		&h->workload, error);
	if (status)
		return status;
	struct str path = str_format(cli->arena, "/apis/apps/v1/namespaces/" STR_FMT "/%s",
				     STR_ARG(h->target.ns),
				     deployment ? "replicasets" : "controllerrevisions");

	status = request_get(cli, path, &list, error);
	if (status)
		return status;
	struct str uid = doc_at_str(h->workload, "metadata.uid");

	doc_each_item(doc_key(list, "items"), item)
		if (owned_by(item, uid))
			add_revision(h, item, deployment);
	return ST_OK;
}

static const struct revision *find(const struct history *h, i64 number)
{
	for (u32 i = 0; i < h->revisions.len; i++)
		if (h->revisions.at[i].number == number)
			return &h->revisions.at[i];
	return NULL;
}

static const struct option_rule history_options[] = {
	{ "revision", 0, OPTION_INT, "0", "show this one in full", NULL },
	{ 0 },
};

static enum status history_run(struct cli *cli, struct error *error)
{
	struct history h = { .cli = cli };
	struct buffer out = BUFFER_INIT(HISTORY_BYTES_MAX);
	i64 number = option_int(cli, "revision");
	enum status status = load(&h, error);

	if (status)
		return status;
	struct str name = resource_name(cli->arena, h.target.kind, h.target.name);

	if (number) {
		const struct revision *revision = find(&h, number);

		if (!revision)
			return fail(error, ST_NOT_FOUND,
				    "error: unable to find the specified revision");
		buffer_add_format(&out, STR_FMT " with revision #%lld\n", STR_ARG(name),
				  (long long)number);
		struct describe d = { .cli = cli, .out = &out };

		/* As kubectl, which shows the cause as if the template had it. */
		const struct doc *template = revision->template;

		if (!str_is(revision->cause, "<none>"))
			template = doc_set(cli->arena, template, "metadata.annotations",
					   doc_with(cli->arena,
						    doc_at(template, "metadata.annotations"),
						    STR(CHANGE_CAUSE),
						    doc_new_str(cli->arena, revision->cause)));
		describe_pod_template(&d, 0, template);
		buffer_add_char(&out, '\n');
	} else {
		struct table_text table;

		buffer_add_format(&out, STR_FMT " \n", STR_ARG(name));
		table_start(&table, cli->arena);
		table_cell(&table, STR("REVISION"));
		table_cell(&table, STR("CHANGE-CAUSE"));
		table_end_row(&table);
		for (u32 i = 0; i < h.revisions.len; i++) {
			table_cell(&table, str_format(cli->arena, "%lld",
						      (long long)h.revisions.at[i].number));
			table_cell(&table, h.revisions.at[i].cause);
			table_end_row(&table);
		}
		table_print(&table, &out);
		buffer_add_char(&out, '\n');
	}
	cli_print(buffer_str(&out));
	buffer_release(&out);
	return ST_OK;
}

const struct command command_rollout_history = {
	.name = "history",
	.usage = "history TYPE/NAME [--revision=N]",
	.summary = "lists the revisions a workload has had",
	.options = history_options,
	.run = history_run,
};

/* ---- undo */

static const struct option_rule undo_options[] = {
	{ "to-revision", 0, OPTION_INT, "0", "go back to this one; 0: the one before", NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

/* As kubectl: the template of the old ReplicaSet without its hash, and its annotations but for
 * those that are the Deployment's own book-keeping. */
static const struct doc *undo_patch_deployment(struct history *h, const struct revision *to)
{
	static const char *const kept[] = { REVISION,
					    "deployment.kubernetes.io/revision-history",
					    "deployment.kubernetes.io/desired-replicas",
					    "deployment.kubernetes.io/max-replicas",
					    LAST_APPLIED,
					    "deprecated.deployment.rollback.to" };
	struct arena *arena = h->cli->arena;
	const struct doc *labels = doc_at(to->template, "metadata.labels");
	const struct doc *template =
		doc_set(arena, to->template, "metadata.labels",
			doc_with(arena, labels, STR("pod-template-hash"), NULL));
	const struct doc *annotations = &doc_empty_object;
	const struct doc *own = doc_at(h->workload, "metadata.annotations");

	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		annotations = doc_with(arena, annotations, str_of(kept[i]),
				       doc_get(own, str_of(kept[i])));
	doc_each_pair(doc_at(to->object, "metadata.annotations"), key, value) {
		bool skip = false;

		for (size_t i = 0; i < ARRAY_LEN(kept); i++)
			skip |= str_is(key, kept[i]);
		if (!skip)
			annotations = doc_with(arena, annotations, key, value);
	}
	struct build patch = build_array(arena);

	build_open_object(&patch, NULL);
	build_str(&patch, "op", STR("replace"));
	build_str(&patch, "path", STR("/spec/template"));
	build_doc(&patch, "value", template);
	build_close(&patch);
	build_open_object(&patch, NULL);
	build_str(&patch, "op", STR("replace"));
	build_str(&patch, "path", STR("/metadata/annotations"));
	build_doc(&patch, "value", annotations);
	build_close(&patch);
	return build_done(&patch);
}

static const struct revision *previous(const struct history *h)
{
	return h->revisions.len < 2 ? NULL : &h->revisions.at[h->revisions.len - 2];
}

/* Whether the workload's template is the revision's already, its hash left out. */
static bool matches_now(struct history *h, const struct revision *to)
{
	struct arena *arena = h->cli->arena;
	const struct doc *now = doc_at(h->workload, "spec.template"), *then = to->template;
	const struct doc *labels = doc_at(then, "metadata.labels");

	if (!str_is(h->target.kind->kind, "Deployment"))
		return false;
	then = doc_set(arena, then, "metadata.labels",
		       doc_with(arena, labels, STR("pod-template-hash"), NULL));
	return doc_eq(now, then);
}

static enum status undo_run(struct cli *cli, struct error *error)
{
	struct history h = { .cli = cli };
	struct change change;
	i64 number = option_int(cli, "to-revision");
	const struct doc *object;
	enum status status = change_begin(cli, "kubectl-rollout", &change, error);

	if (!status)
		status = load(&h, error);
	if (status)
		return status;
	const struct revision *to = number ? find(&h, number) : previous(&h);
	bool deployment = str_is(h.target.kind->kind, "Deployment");

	if (!to && number)
		return fail(error, ST_NOT_FOUND,
			    "error: unable to find specified revision %lld in "
			    "history",
			    (long long)number);
	if (!to)
		return fail(error, ST_NOT_FOUND,
			    "error: no rollout history found for " STR_FMT " \"" STR_FMT "\"",
			    STR_ARG(h.target.kind->singular), STR_ARG(h.target.name));
	if (doc_at_bool(h.workload, "spec.paused", false))
		return fail(error, ST_BAD_REQUEST,
			    "error: you cannot rollback a paused deployment; resume it first with "
			    "'minke rollout resume' and try again");
	if (matches_now(&h, to))
		return change_done(&change, h.target.kind, h.workload,
				   str_format(cli->arena,
					      "skipped rollback (current template already matches "
					      "revision %lld)",
					      (long long)to->number)
					   .at);
	if (change.dry_run_client)
		return change_done(&change, h.target.kind, h.workload, "rolled back");
	status = deployment ? change_patch(&change, &h.target, "", MEDIA_JSON_PATCH,
					   undo_patch_deployment(&h, to), &object)
			    : change_patch(&change, &h.target, "", MEDIA_STRATEGIC_PATCH,
					   doc_at(to->object, "data"), &object);
	return status ? status : change_done(&change, h.target.kind, object, "rolled back");
}

const struct command command_rollout_undo = {
	.name = "undo",
	.usage = "undo TYPE/NAME [--to-revision=N]",
	.summary = "goes back to an earlier revision",
	.options = undo_options,
	.run = undo_run,
};
