/* What a Deployment says of itself: counts, availability, progress, failures. */
#include "controllers/deployment.h"

#include "base/clock.h"
#include "base/timestamp.h"
#include "controllers/pod.h"
#include "doc/build.h"

static const struct doc *find(const struct doc *status, const char *type)
{
	doc_each_item(doc_key(status, "conditions"), condition) {
		if (str_is(doc_str(doc_key(condition, "type")), type))
			return condition;
	}
	return NULL;
}

static bool reason_is(const struct doc *condition, const char *reason)
{
	return condition && str_is(doc_str(doc_key(condition, "reason")), reason);
}

static const struct doc *condition_doc(struct arena *arena, const char *type, struct str value,
				       struct str reason, struct str message, struct str updated,
				       struct str since)
{
	struct build b = build_object(arena);
	build_str(&b, "type", str_of(type));
	build_str(&b, "status", value);
	build_str(&b, "lastUpdateTime", updated);
	build_str(&b, "lastTransitionTime", since);
	build_str_if(&b, "reason", reason);
	build_str_if(&b, "message", message);
	return build_done(&b);
}

/* Sets a condition as upstream does: the old one goes, the new one stands last. */
static void put(struct rollout *r, const char *type, const struct doc *condition)
{
	const struct doc *status = status_without_condition(r->arena, r->status, type);
	r->status = doc_with(r->arena, status, STR("conditions"),
			     doc_append(r->arena, doc_key(status, "conditions"), condition));
}

/* `anew`: written even when status and reason are what they were (progress was made). */
static void set_condition(struct rollout *r, const char *type, const char *value,
			  const char *reason, struct str message, bool anew)
{
	const struct doc *old = find(r->status, type);
	struct str now = timestamp_print(r->arena, r->view->now_ns), since = now;
	if (old && str_is(doc_str(doc_key(old, "status")), value)) {
		if (!anew && reason_is(old, reason))
			return;
		since = doc_str(doc_key(old, "lastTransitionTime"));
	}
	put(r, type,
	    condition_doc(r->arena, type, str_of(value), str_of(reason), message, now, since));
}

void rollout_condition(struct rollout *r, const char *type, const char *value, const char *reason,
		       struct str message)
{
	set_condition(r, type, value, reason, message, false);
}

void rollout_pause_condition(struct rollout *r)
{
	const struct doc *old = find(r->status, "Progressing");
	if (r->deadline_s == NO_DEADLINE || reason_is(old, "ProgressDeadlineExceeded"))
		return;
	bool paused = doc_at_bool(r->owner->doc, AT(Deployment, spec.paused), false);
	bool said = reason_is(old, "DeploymentPaused");
	if (paused && !said)
		rollout_condition(r, "Progressing", "Unknown", "DeploymentPaused",
				  STR("Deployment is paused"));
	else if (!paused && said)
		rollout_condition(r, "Progressing", "Unknown", "DeploymentResumed",
				  STR("Deployment is resumed"));
}

static i64 old_status(const struct rollout *r, const char *field)
{
	return doc_int_or(doc_get(doc_key(r->owner->doc, "status"), str_of(field)), 0);
}

static i64 generation(const struct rollout *r)
{
	return doc_at_int(r->owner->doc, AT(Deployment, metadata.generation), 0);
}

bool rollout_complete(const struct rollout *r)
{
	return old_status(r, "updatedReplicas") == r->wanted &&
	       old_status(r, "replicas") == r->wanted &&
	       old_status(r, "availableReplicas") == r->wanted &&
	       old_status(r, "observedGeneration") >= generation(r);
}

struct counts {
	i64 replicas, updated, ready, available;
};

static struct counts count(const struct rollout *r)
{
	return (struct counts){
		.replicas = sets_sum(r, set_counted, false),
		.updated = r->current ? r->current->counted : 0,
		.ready = sets_sum(r, set_ready, false),
		.available = sets_sum(r, set_available, false),
	};
}

/* Zero counts are left out, as Go's omitempty does. */
static void put_counts(struct rollout *r, const struct counts *c)
{
	struct build b = build_object(r->arena);
	build_int(&b, "observedGeneration", generation(r));
	const struct {
		const char *name;
		i64 value;
	} fields[] = {
		{ "replicas", c->replicas },
		{ "updatedReplicas", c->updated },
		{ "readyReplicas", c->ready },
		{ "availableReplicas", c->available },
		{ "unavailableReplicas", MAX(c->replicas - c->available, 0) },
	};
	for (u32 i = 0; i < ARRAY_LEN(fields); i++)
		if (fields[i].value)
			build_int(&b, fields[i].name, fields[i].value);
	build_doc(&b, "conditions", doc_key(r->status, "conditions"));
	build_doc(&b, "collisionCount", doc_key(r->status, "collisionCount"));
	r->status = build_done(&b);
}

static void judge_availability(struct rollout *r, const struct counts *c)
{
	if (c->available >= r->wanted - r->unavailable)
		rollout_condition(r, "Available", "True", "MinimumReplicasAvailable",
				  STR("Deployment has minimum availability."));
	else
		rollout_condition(r, "Available", "False", "MinimumReplicasUnavailable",
				  STR("Deployment does not have minimum availability."));
}

static bool has_progressed(const struct rollout *r, const struct counts *c)
{
	i64 old_old = old_status(r, "replicas") - old_status(r, "updatedReplicas");
	return c->updated > old_status(r, "updatedReplicas") ||
	       c->replicas - c->updated < old_old || c->ready > old_status(r, "readyReplicas") ||
	       c->available > old_status(r, "availableReplicas");
}

static i64 deadline_ns(const struct rollout *r, const struct doc *condition)
{
	i64 from = timestamp_or(doc_str(doc_key(condition, "lastUpdateTime")), r->view->now_ns);
	return from + r->deadline_s * NS_PER_S;
}

static struct str sentence(const struct rollout *r, const char *rest)
{
	const char *what = r->current ? "ReplicaSet" : "Deployment";
	struct str name = r->current ? r->current->name : r->owner->name;
	return str_format(r->arena, "%s \"" STR_FMT "\" %s", what, STR_ARG(name), rest);
}

static void judge_progress(struct rollout *r, const struct counts *c)
{
	const struct doc *old = find(r->status, "Progressing");
	if (r->deadline_s == NO_DEADLINE) {
		r->status = status_without_condition(r->arena, r->status, "Progressing");
		return;
	}
	/* One set is active and whole: no roll-out is under way that could be late. */
	if (c->replicas == c->updated && reason_is(old, "NewReplicaSetAvailable"))
		return;
	if (c->updated == r->wanted && c->replicas == r->wanted && c->available == r->wanted)
		set_condition(r, "Progressing", "True", "NewReplicaSetAvailable",
			      sentence(r, "has successfully progressed."), false);
	else if (has_progressed(r, c))
		set_condition(r, "Progressing", "True", "ReplicaSetUpdated",
			      sentence(r, "is progressing."), true);
	else if (old && !reason_is(old, "NewReplicaSetAvailable") &&
		 deadline_ns(r, old) < r->view->now_ns)
		set_condition(r, "Progressing", "False", "ProgressDeadlineExceeded",
			      sentence(r, "has timed out progressing."), false);
}

/* A set that cannot make pods says so; the current one's word counts first. */
static const struct doc *set_failure(const struct rollout *r)
{
	if (r->current && condition_get(r->current->doc, "ReplicaFailure"))
		return condition_get(r->current->doc, "ReplicaFailure");
	for (u32 i = 0; i < r->sets_len; i++)
		if (condition_get(r->sets[i].doc, "ReplicaFailure"))
			return condition_get(r->sets[i].doc, "ReplicaFailure");
	return NULL;
}

static void judge_failures(struct rollout *r)
{
	const struct doc *failure = set_failure(r);
	if (!failure) {
		r->status = status_without_condition(r->arena, r->status, "ReplicaFailure");
		return;
	}
	const struct doc *old = find(r->status, "ReplicaFailure");
	struct str reason = doc_str(doc_key(failure, "reason"));
	struct str since = doc_str(doc_key(failure, "lastTransitionTime"));
	if (old && str_eq(doc_str(doc_key(old, "reason")), reason))
		return;
	put(r, "ReplicaFailure",
	    condition_doc(r->arena, "ReplicaFailure", doc_str(doc_key(failure, "status")), reason,
			  doc_str(doc_key(failure, "message")), since, since));
}

/* A roll-out that hangs is looked at again when its deadline has passed. */
static void wake_at_deadline(struct rollout *r)
{
	const struct doc *progress = find(r->status, "Progressing");
	if (r->deadline_s == NO_DEADLINE || !progress ||
	    reason_is(progress, "ProgressDeadlineExceeded") ||
	    reason_is(progress, "NewReplicaSetAvailable"))
		return;
	plan_wake(r->plan, deadline_ns(r, progress) + NS_PER_S);
}

void rollout_count(struct rollout *r, bool progress)
{
	struct counts c = count(r);
	put_counts(r, &c);
	judge_availability(r, &c);
	if (!progress)
		return;
	judge_progress(r, &c);
	judge_failures(r);
	wake_at_deadline(r);
}

struct str rollout_progress(const struct rollout *r)
{
	return doc_str(doc_key(find(r->status, "Progressing"), "reason"));
}
