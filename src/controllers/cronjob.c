/*
 * CronJob: makes Jobs by the clock. Follows pkg/controller/cronjob, with one difference: however
 * many runs were missed, the newest that is still due is run, and later ones go on. What was done
 * is read from the Jobs, which carry the time they were meant for.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/timestamp.h"
#include "controllers/controller.h"
#include "controllers/pod.h"
#include "doc/build.h"
#include "schema/cron.h"

static const char scheduled_annotation[] = "batch.kubernetes.io/cronjob-scheduled-timestamp";

enum { MISSED_MANY = 100 };

struct pass {
	const struct view *view;
	struct arena *arena;
	struct plan *plan;
	struct version *owner;
	const struct doc *spec, *status; /* status: as it shall be */
	struct list jobs;
	struct list active; /* made by us and not finished */
	struct cron cron;
	const struct time_zone *zone;
};

/* "Complete", "Failed" or NULL. */
static const char *finish_of(const struct doc *job)
{
	return condition_is(job, "Complete", "True") ? "Complete"
	       : condition_is(job, "Failed", "True") ? "Failed"
						     : NULL;
}

static i64 scheduled_ns(const struct doc *job)
{
	return timestamp_or(doc_str(doc_get(doc_at(job, AT(Job, metadata.annotations)),
					    str_of(scheduled_annotation))),
			    0);
}

/* ---- history */

static int by_start(const struct version *a, const struct version *b)
{
	i64 left = timestamp_or(doc_at_str(a->doc, AT(Job, status.startTime)), INT64_MAX);
	i64 right = timestamp_or(doc_at_str(b->doc, AT(Job, status.startTime)), INT64_MAX);
	if (left != right)
		return left < right ? -1 : 1;
	return str_cmp(a->name, b->name);
}

static void delete_job(const struct pass *p, const struct version *job)
{
	struct saying saying = { p->owner, "SuccessfulDelete", "Deleted job %s", "FailedDelete",
				 "Deleted job: %s" };
	struct plan_delete options = {
		.grace_s = GRACE_DEFAULT,
		.propagation = "Background",
		.saying = &saying,
	};
	if (!object_deleting(job->doc))
		plan_delete(p->plan, job, &options);
}

static void clean_up(const struct pass *p, const char *finish, const char *limit_name)
{
	const struct doc *limit = doc_get(p->spec, str_of(limit_name));
	struct list done = { ARENA_ARRAY(p->arena, struct version *, p->jobs.len), 0 };
	if (!limit)
		return;
	for (u32 i = 0; i < p->jobs.len; i++)
		if (str_is(str_of(finish_of(p->jobs.at[i]->doc)), finish))
			done.at[done.len++] = p->jobs.at[i];
	list_sort(p->arena, done, by_start);
	for (i64 i = 0; i < (i64)done.len - doc_int_or(limit, 0) && plan_room(p->plan) > 8; i++)
		delete_job(p, done.at[i]);
}

/* ---- what became of the Jobs */

static bool listed(const struct pass *p, struct str uid)
{
	doc_each_item(doc_at(p->owner->doc, AT(CronJob, status.active)), ref) {
		if (str_eq(doc_str(doc_key(ref, "uid")), uid))
			return true;
	}
	return false;
}

static const struct doc *reference_to(const struct pass *p, const struct version *job)
{
	struct build b = build_object(p->arena);
	build_str(&b, "kind", STR("Job"));
	build_str(&b, "namespace", job->namespace);
	build_str(&b, "name", job->name);
	build_str(&b, "uid", job->uid);
	build_str(&b, "apiVersion", STR("batch/v1"));
	build_str(&b, "resourceVersion", str_format(p->arena, "%" PRIu64, (u64)job->revision));
	return build_done(&b);
}

/* The reference as it stands in the status: its resourceVersion is that of the first look. */
static const struct doc *kept_reference(const struct pass *p, const struct version *job)
{
	doc_each_item(doc_at(p->owner->doc, AT(CronJob, status.active)), ref) {
		if (str_eq(doc_str(doc_key(ref, "uid")), job->uid))
			return ref;
	}
	return reference_to(p, job);
}

/* Times in the status only go forward. */
static void set_later(struct pass *p, const char *field, i64 at_ns)
{
	if (at_ns > timestamp_or(doc_get(p->status, str_of(field))
					 ? doc_str(doc_get(p->status, str_of(field)))
					 : STR_NONE,
				 0))
		p->status =
			doc_set_str(p->arena, p->status, field, timestamp_print(p->arena, at_ns));
}

static void look_at_job(struct pass *p, struct version *job)
{
	const char *finish = finish_of(job->doc);
	i64 scheduled = scheduled_ns(job->doc);
	set_later(p, "lastScheduleTime", scheduled);
	if (!finish && scheduled)
		p->active.at[p->active.len++] = job;
	else if (!finish)
		plan_event(p->plan, p->owner, EVENT_WARNING, "UnexpectedJob",
			   "Saw a job that the controller did not create or forgot: " STR_FMT,
			   STR_ARG(job->name));
	else if (listed(p, job->uid))
		plan_event(p->plan, p->owner, EVENT_NORMAL, "SawCompletedJob",
			   "Saw completed job: " STR_FMT ", condition: %s", STR_ARG(job->name),
			   finish);
	if (str_is(str_of(finish), "Complete"))
		set_later(p, "lastSuccessfulTime",
			  timestamp_or(doc_at_str(job->doc, AT(Job, status.completionTime)), 0));
}

static void look_for_missing(const struct pass *p)
{
	doc_each_item(doc_at(p->owner->doc, AT(CronJob, status.active)), ref) {
		struct str uid = doc_str(doc_key(ref, "uid"));
		bool there = false;
		for (u32 i = 0; i < p->jobs.len; i++)
			there = there || str_eq(p->jobs.at[i]->uid, uid);
		if (!there)
			plan_event(p->plan, p->owner, EVENT_NORMAL, "MissingJob",
				   "Active job went missing: " STR_FMT,
				   STR_ARG(doc_str(doc_key(ref, "name"))));
	}
}

static void write_status(struct pass *p)
{
	struct build active = build_array(p->arena);
	for (u32 i = 0; i < p->active.len; i++)
		build_doc(&active, NULL, kept_reference(p, p->active.at[i]));
	const struct doc *status = doc_with(p->arena, p->status, STR("active"),
					    p->active.len ? build_done(&active) : NULL);
	const struct doc *before = doc_key(p->owner->doc, "status");
	if (!doc_eq(before ? before : &doc_empty_object, status ? status : &doc_empty_object))
		plan_status(p->plan, p->owner,
			    doc_with(p->arena, p->owner->doc, STR("status"), status));
}

/* ---- the schedule */

static bool read_zone(struct pass *p)
{
	struct str name = doc_str(doc_key(p->spec, "timeZone"));
	const struct time_zones *zones = p->view->zones;
	p->zone = NULL;
	if (!name.len || str_is(name, "UTC") || str_is(name, "Etc/UTC"))
		return true;
	if (time_zone_name_valid(name) && zones)
		p->zone = zones->find(zones->self, name);
	if (!p->zone)
		plan_event(p->plan, p->owner, EVENT_WARNING, "UnknownTimeZone",
			   "invalid timeZone: \"" STR_FMT "\": unknown time zone " STR_FMT,
			   STR_ARG(name), STR_ARG(name));
	return p->zone != NULL;
}

static bool read_schedule(struct pass *p)
{
	struct str text = doc_str(doc_key(p->spec, "schedule"));
	struct error error = ERROR_INIT;
	if (!read_zone(p))
		return false;
	if (cron_parse(p->arena, text, &p->cron, &error) == ST_OK)
		return true;
	plan_event(p->plan, p->owner, EVENT_WARNING, "UnparseableSchedule",
		   "unparseable schedule: \"" STR_FMT "\" : %s", STR_ARG(text), error.message);
	return false;
}

/* The newest run that is due and was not made; INT64_MIN when there is none. Wakes for the next. */
static i64 due_s(const struct pass *p)
{
	i64 now_s = p->view->now_ns / NS_PER_S;
	i64 deadline_s = doc_int_or(doc_key(p->spec, "startingDeadlineSeconds"), -1);
	i64 created =
		timestamp_or(doc_at_str(p->owner->doc, AT(CronJob, metadata.creationTimestamp)),
			     p->view->now_ns);
	i64 earliest =
		timestamp_or(doc_str(doc_key(p->status, "lastScheduleTime")), created) / NS_PER_S;
	i64 next = cron_next(&p->cron, p->zone, p->cron.every_s ? MAX(earliest, now_s) : now_s);
	if (next != INT64_MAX)
		plan_wake(p->plan, next * NS_PER_S);
	if (deadline_s >= 0)
		earliest = MAX(earliest, now_s - deadline_s);
	if (earliest >= now_s)
		return INT64_MIN;
	i64 due = cron_newest(&p->cron, p->zone, earliest, now_s);
	if (due == INT64_MIN || next == INT64_MAX || due == next)
		return due;
	if ((due - earliest) / (next - due) > MISSED_MANY)
		plan_event(p->plan, p->owner, EVENT_WARNING, "TooManyMissedTimes",
			   "too many missed start times. Set or decrease "
			   ".spec.startingDeadlineSeconds or check clock skew");
	return due;
}

/* ---- starting */

static const struct doc *new_job(const struct pass *p, struct str name, i64 due)
{
	struct arena *arena = p->arena;
	const struct doc *template = doc_key(p->spec, "jobTemplate");
	struct str when = timestamp_print(arena, due * NS_PER_S);
	i64 offset = time_zone_offset(p->zone, due);
	if (offset) { /* written with the offset of the zone, as upstream does */
		struct str local = timestamp_print(arena, (due + offset) * NS_PER_S);
		i64 minutes = (offset < 0 ? -offset : offset) / 60;
		when = str_format(arena, STR_FMT "%c%02d:%02d",
				  STR_ARG(str_part(local, 0, local.len - 1)),
				  offset < 0 ? '-' : '+', (int)(minutes / 60), (int)(minutes % 60));
	}
	struct build b = build_object(arena);
	build_str(&b, "apiVersion", STR("batch/v1"));
	build_str(&b, "kind", STR("Job"));
	build_open_object(&b, "metadata");
	build_str(&b, "name", name);
	build_doc(&b, "labels", doc_at(template, "metadata.labels"));
	build_doc(&b, "annotations",
		  doc_with(arena, doc_at(template, "metadata.annotations"),
			   str_of(scheduled_annotation), doc_new_str(arena, when)));
	build_open_array(&b, "ownerReferences");
	build_doc(&b, NULL, object_owner_ref(arena, p->view, p->owner));
	build_close(&b);
	build_close(&b);
	build_doc(&b, "spec", doc_key(template, "spec"));
	return build_done(&b);
}

static void start(const struct pass *p, i64 due)
{
	struct saying saying = { p->owner, "SuccessfulCreate", "Created job %s", "FailedCreate",
				 "Error creating job: %s" };
	struct str policy = doc_str(doc_key(p->spec, "concurrencyPolicy"));
	struct str name =
		str_format(p->arena, STR_FMT "-%" PRId64, STR_ARG(p->owner->name), due / 60);
	if (str_is(policy, "Forbid") && p->active.len) {
		plan_event(p->plan, p->owner, EVENT_NORMAL, "JobAlreadyActive",
			   "Not starting job because prior execution is running and concurrency "
			   "policy is Forbid");
		return;
	}
	if (view_get(p->view, KIND_Job, p->owner->namespace, name))
		return;
	for (u32 i = 0; str_is(policy, "Replace") && i < p->active.len; i++)
		delete_job(p, p->active.at[i]);
	plan_barrier(p->plan); /* never beside one that could not be replaced */
	plan_create(p->plan, KIND_Job, p->owner->namespace, new_job(p, name, due), &saying);
}

/* A run so late that its deadline has passed is only spoken of. */
static void say_missed(const struct pass *p)
{
	i64 now_s = p->view->now_ns / NS_PER_S;
	i64 deadline_s = doc_int_or(doc_key(p->spec, "startingDeadlineSeconds"), -1);
	struct str last = doc_str(doc_key(p->status, "lastScheduleTime"));
	i64 earliest = timestamp_or(last, p->view->now_ns) / NS_PER_S;
	if (deadline_s < 0 || !last.len || now_s - deadline_s <= earliest)
		return;
	i64 missed = cron_newest(&p->cron, p->zone, earliest, now_s - deadline_s);
	if (missed != INT64_MIN)
		plan_event(p->plan, p->owner, EVENT_WARNING, "MissSchedule",
			   "Missed scheduled time to start a job: " STR_FMT,
			   STR_ARG(timestamp_print(p->arena, missed * NS_PER_S)));
}

static void cron_job_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	struct version *owner = view_key(view, key);
	if (!owner)
		return;
	struct pass p = {
		.view = view,
		.arena = view->arena,
		.plan = plan,
		.owner = owner,
		.spec = doc_key(owner->doc, "spec"),
		.status = doc_key(owner->doc, "status"),
		.jobs = view_owned(view, owner->uid, KIND_Job),
	};
	p.active.at = ARENA_ARRAY(p.arena, struct version *, p.jobs.len);
	for (u32 i = 0; i < p.jobs.len; i++)
		if (object_controlled_by(p.jobs.at[i]->doc, owner->uid))
			look_at_job(&p, p.jobs.at[i]);
	look_for_missing(&p);
	write_status(&p);
	clean_up(&p, "Complete", "successfulJobsHistoryLimit");
	clean_up(&p, "Failed", "failedJobsHistoryLimit");
	if (object_deleting(owner->doc) || doc_bool_or(doc_key(p.spec, "suspend"), false) ||
	    !read_schedule(&p))
		return;
	i64 due = due_s(&p);
	if (due == INT64_MIN)
		say_missed(&p);
	else
		start(&p, due);
}

const struct controller controller_cron_job = {
	.name = "cronjob-controller",
	.watch = { { KIND_CronJob, key_self }, { KIND_Job, key_controller } },
	.reconcile = cron_job_reconcile,
};
