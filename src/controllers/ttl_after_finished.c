/* A finished Job with ttlSecondsAfterFinished goes when its time is up, with all its pods. Follows
 * pkg/controller/ttlafterfinished. */
#include "base/clock.h"
#include "base/timestamp.h"
#include "controllers/controller.h"
#include "controllers/pod.h"

static i64 finished_ns(const struct doc *job)
{
	static const char *const types[] = { "Complete", "Failed" };
	for (u32 i = 0; i < ARRAY_LEN(types); i++) {
		if (!condition_is(job, types[i], "True"))
			continue;
		const struct doc *condition = condition_get(job, types[i]);
		return timestamp_or(doc_str(doc_key(condition, "lastTransitionTime")), NEVER_NS);
	}
	return NEVER_NS;
}

static void ttl_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	static const struct plan_delete options = { .grace_s = GRACE_DEFAULT,
						    .propagation = "Foreground",
						    .unchanged = true };
	const struct version *job = view_key(view, key);
	const struct doc *ttl =
		job ? doc_at(job->doc, AT(Job, spec.ttlSecondsAfterFinished)) : NULL;
	i64 finished = ttl ? finished_ns(job->doc) : NEVER_NS;
	if (finished == NEVER_NS || object_deleting(job->doc))
		return;
	i64 at = finished + doc_int_or(ttl, 0) * NS_PER_S;
	if (at > view->now_ns)
		plan_wake(plan, at);
	else
		plan_delete(plan, job, &options);
}

const struct controller controller_ttl_after_finished = {
	.name = "ttl-after-finished-controller",
	.watch = { { KIND_Job, key_self } },
	.reconcile = ttl_reconcile,
};
