/* describe statefulset, daemonset, job, cronjob. */
#include "base/timestamp.h"
#include "cli/describe.h"
#include "doc/json.h"
#include "schema/columns.h"

static struct str number_or(struct describe *d, const char *path, const char *otherwise)
{
	const struct doc *value = doc_at(d->object, path);

	return doc_is_null(value)	   ? str_of(otherwise)
	       : doc_is(value, DOC_STRING) ? doc_str(value)
					   : json_text(d->cli->arena, value);
}

static void name_and_namespace(struct describe *d)
{
	describe_line(d, 0, "Name:\t" STR_FMT, STR_ARG(doc_at_str(d->object, "metadata.name")));
	describe_line(d, 0, "Namespace:\t" STR_FMT,
		      STR_ARG(doc_at_str(d->object, "metadata.namespace")));
}

static void labels_and_annotations(struct describe *d)
{
	describe_map(d, 0, "Labels", doc_at(d->object, "metadata.labels"));
	describe_annotations(d, 0, doc_at(d->object, "metadata.annotations"));
}

static void selector_line(struct describe *d, const char *path)
{
	describe_line(d, 0, "Selector:\t" STR_FMT,
		      STR_ARG(describe_selector(d->cli->arena, doc_at(d->object, path))));
}

/* ---- stateful sets */

static void describe_templates(struct describe *d, const struct doc *templates)
{
	struct arena *arena = d->cli->arena;

	if (!doc_len(templates)) {
		describe_line(d, 0, "Volume Claims:\t<none>");
		return;
	}
	describe_line(d, 0, "Volume Claims:");
	doc_each_item(templates, t) {
		const struct doc *modes = doc_at(t, "spec.accessModes");
		const struct doc *size = doc_at(t, "spec.resources.requests.storage");
		struct str *pieces = ARENA_ARRAY(arena, struct str, doc_len(modes) + 1);

		for (u32 i = 0; i < doc_len(modes); i++)
			pieces[i] = doc_str(doc_item(modes, i));
		describe_line(d, 1, "Name:\t" STR_FMT, STR_ARG(doc_at_str(t, "metadata.name")));
		describe_line(d, 1, "StorageClass:\t" STR_FMT,
			      STR_ARG(doc_at_str(t, "spec.storageClassName")));
		describe_map(d, 1, "Labels", doc_at(t, "metadata.labels"));
		describe_map(d, 1, "Annotations", doc_at(t, "metadata.annotations"));
		describe_line(d, 1, "Capacity:\t" STR_FMT,
			      STR_ARG(size ? doc_str(size) : STR("<default>")));
		describe_line(d, 1, "Access Modes:\t[" STR_FMT "]",
			      STR_ARG(str_join(arena, pieces, doc_len(modes), STR(" "))));
	}
}

void describe_statefulset(struct describe *d)
{
	const struct doc *o = d->object;
	const struct doc *rolling = doc_at(o, "spec.updateStrategy.rollingUpdate");
	struct str created = doc_at_str(o, "metadata.creationTimestamp");

	name_and_namespace(d);
	describe_line(d, 0, "CreationTimestamp:\t" STR_FMT,
		      STR_ARG(describe_time(d->cli->arena, created)));
	selector_line(d, "spec.selector");
	labels_and_annotations(d);
	describe_line(d, 0, "Replicas:\t%lld desired | %lld total",
		      (long long)doc_at_int(o, "spec.replicas", 1),
		      (long long)doc_at_int(o, "status.replicas", 0));
	describe_line(d, 0, "Update Strategy:\t" STR_FMT,
		      STR_ARG(doc_at_str(o, "spec.updateStrategy.type")));
	if (doc_key(rolling, "partition"))
		describe_line(d, 1, "Partition:\t%lld",
			      (long long)doc_at_int(rolling, "partition", 0));
	if (doc_key(rolling, "partition") && doc_key(rolling, "maxUnavailable"))
		describe_line(d, 1, "MaxUnavailable:\t" STR_FMT,
			      STR_ARG(number_or(
				      d, "spec.updateStrategy.rollingUpdate.maxUnavailable", "")));
	describe_pod_counts(d);
	describe_pod_template(d, 0, doc_at(o, "spec.template"));
	describe_templates(d, doc_at(o, "spec.volumeClaimTemplates"));
	describe_events(d);
}

/* ---- daemon sets */

void describe_daemonset(struct describe *d)
{
	static const char *const lines[][2] = {
		{ "Desired Number of Nodes Scheduled", "status.desiredNumberScheduled" },
		{ "Current Number of Nodes Scheduled", "status.currentNumberScheduled" },
		{ "Number of Nodes Scheduled with Up-to-date Pods",
		  "status.updatedNumberScheduled" },
		{ "Number of Nodes Scheduled with Available Pods", "status.numberAvailable" },
		{ "Number of Nodes Misscheduled", "status.numberMisscheduled" },
	};
	const struct doc *o = d->object;
	const struct doc *nodes = doc_at(o, "spec.template.spec.nodeSelector");

	name_and_namespace(d);
	selector_line(d, "spec.selector");
	describe_line(d, 0, "Node-Selector:\t" STR_FMT,
		      STR_ARG(describe_selector(d->cli->arena, nodes)));
	labels_and_annotations(d);
	for (u32 i = 0; i < ARRAY_LEN(lines); i++)
		describe_line(d, 0, "%s: %lld", lines[i][0],
			      (long long)doc_at_int(o, lines[i][1], 0));
	describe_pod_counts(d);
	describe_pod_template(d, 0, doc_at(o, "spec.template"));
	describe_events(d);
}

/* ---- jobs */

static void describe_job_times(struct describe *d)
{
	struct arena *arena = d->cli->arena;
	struct str start = doc_at_str(d->object, "status.startTime");
	struct str end = doc_at_str(d->object, "status.completionTime");
	i64 end_ns;

	if (start.len)
		describe_line(d, 0, "Start Time:\t" STR_FMT, STR_ARG(describe_time(arena, start)));
	if (end.len)
		describe_line(d, 0, "Completed At:\t" STR_FMT, STR_ARG(describe_time(arena, end)));
	if (start.len && timestamp_parse(end, &end_ns))
		describe_line(d, 0, "Duration:\t" STR_FMT,
			      STR_ARG(columns_age(arena, start, end_ns)));
	if (doc_at(d->object, "spec.activeDeadlineSeconds"))
		describe_line(d, 0, "Active Deadline Seconds:\t" STR_FMT "s",
			      STR_ARG(number_or(d, "spec.activeDeadlineSeconds", "")));
}

void describe_job(struct describe *d)
{
	const struct doc *o = d->object;

	name_and_namespace(d);
	selector_line(d, "spec.selector");
	labels_and_annotations(d);
	doc_each_item(doc_at(o, "metadata.ownerReferences"), owner)
		if (doc_at_bool(owner, "controller", false))
			describe_line(d, 0, "Controlled By:\t" STR_FMT "/" STR_FMT,
				      STR_ARG(doc_at_str(owner, "kind")),
				      STR_ARG(doc_at_str(owner, "name")));
	describe_line(d, 0, "Parallelism:\t" STR_FMT,
		      STR_ARG(number_or(d, "spec.parallelism", "<unset>")));
	describe_line(d, 0, "Completions:\t" STR_FMT,
		      STR_ARG(number_or(d, "spec.completions", "<unset>")));
	if (doc_at(o, "spec.completionMode"))
		describe_line(d, 0, "Completion Mode:\t" STR_FMT,
			      STR_ARG(doc_at_str(o, "spec.completionMode")));
	if (doc_at(o, "spec.suspend"))
		describe_line(d, 0, "Suspend:\t%s",
			      doc_at_bool(o, "spec.suspend", false) ? "true" : "false");
	if (doc_at(o, "spec.backoffLimit"))
		describe_line(d, 0, "Backoff Limit:\t" STR_FMT,
			      STR_ARG(number_or(d, "spec.backoffLimit", "")));
	if (doc_at(o, "spec.ttlSecondsAfterFinished"))
		describe_line(d, 0, "TTL Seconds After Finished:\t" STR_FMT,
			      STR_ARG(number_or(d, "spec.ttlSecondsAfterFinished", "")));
	describe_job_times(d);
	describe_line(d, 0,
		      "Pods Statuses:\t%lld Active (%lld Ready) / %lld Succeeded / %lld Failed",
		      (long long)doc_at_int(o, "status.active", 0),
		      (long long)doc_at_int(o, "status.ready", 0),
		      (long long)doc_at_int(o, "status.succeeded", 0),
		      (long long)doc_at_int(o, "status.failed", 0));
	if (str_is(doc_at_str(o, "spec.completionMode"), "Indexed"))
		describe_line(d, 0, "Completed Indexes:\t" STR_FMT,
			      STR_ARG(number_or(d, "status.completedIndexes", "<none>")));
	describe_pod_template(d, 0, doc_at(o, "spec.template"));
	describe_events(d);
}

/* ---- cron jobs */

static void describe_history(struct describe *d)
{
	static const char *const lines[][2] = {
		{ "Successful Job History Limit", "spec.successfulJobsHistoryLimit" },
		{ "Failed Job History Limit", "spec.failedJobsHistoryLimit" },
		{ "Starting Deadline Seconds", "spec.startingDeadlineSeconds" },
	};

	for (u32 i = 0; i < ARRAY_LEN(lines); i++) {
		struct str value = number_or(d, lines[i][1], "<unset>");
		bool seconds = i == 2 && !str_is(value, "<unset>");

		describe_line(d, 0, "%s:\t" STR_FMT "%s", lines[i][0], STR_ARG(value),
			      seconds ? "s" : "");
	}
}

void describe_cronjob(struct describe *d)
{
	const struct doc *o = d->object, *active = doc_at(o, "status.active");
	struct arena *arena = d->cli->arena;
	struct str last = doc_at_str(o, "status.lastScheduleTime");
	struct str *jobs = ARENA_ARRAY(arena, struct str, doc_len(active) + 1);

	name_and_namespace(d);
	labels_and_annotations(d);
	describe_line(d, 0, "Schedule:\t" STR_FMT, STR_ARG(doc_at_str(o, "spec.schedule")));
	describe_line(d, 0, "Concurrency Policy:\t" STR_FMT,
		      STR_ARG(doc_at_str(o, "spec.concurrencyPolicy")));
	describe_line(d, 0, "Suspend:\t%s",
		      doc_at_bool(o, "spec.suspend", false) ? "True" : "False");
	describe_history(d);
	if (doc_at(o, "spec.jobTemplate.spec.selector"))
		selector_line(d, "spec.jobTemplate.spec.selector");
	else
		describe_line(d, 0, "Selector:\t<unset>");
	describe_line(d, 0, "Parallelism:\t" STR_FMT,
		      STR_ARG(number_or(d, "spec.jobTemplate.spec.parallelism", "<unset>")));
	describe_line(d, 0, "Completions:\t" STR_FMT,
		      STR_ARG(number_or(d, "spec.jobTemplate.spec.completions", "<unset>")));
	if (doc_at(o, "spec.jobTemplate.spec.activeDeadlineSeconds"))
		describe_line(
			d, 0, "Active Deadline Seconds:\t" STR_FMT "s",
			STR_ARG(number_or(d, "spec.jobTemplate.spec.activeDeadlineSeconds", "")));
	describe_pod_template(d, 0, doc_at(o, "spec.jobTemplate.spec.template"));
	describe_line(d, 0, "Last Schedule Time:\t" STR_FMT,
		      STR_ARG(last.len ? describe_time(arena, last) : STR("<unset>")));
	for (u32 i = 0; i < doc_len(active); i++)
		jobs[i] = doc_at_str(doc_item(active, i), "name");
	describe_line(d, 0, "Active Jobs:\t" STR_FMT,
		      STR_ARG(doc_len(active) ? str_join(arena, jobs, doc_len(active), STR(", "))
					      : STR("<none>")));
	describe_events(d);
}
