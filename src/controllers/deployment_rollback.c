/*
 * Roll-outs that take themselves back. Kubernetes stops at a failed one and waits for somebody to
 * type `rollout undo`; a Deployment with the annotation minke/auto-rollback: "true" does not. Which
 * revision was whole stands as an annotation on its ReplicaSet, so that one broken image after
 * another leads back to the last that worked, and never to one that failed too.
 */
#include "controllers/deployment.h"

static const char wish[] = "minke/auto-rollback", whole[] = "minke/complete";

static bool says_yes(const struct doc *object, const char *name)
{
	const struct doc *notes = doc_at(object, "metadata.annotations");

	return str_is(doc_str(doc_get(notes, str_of(name))), "true");
}

static const struct set *last_whole(const struct rollout *r)
{
	const struct set *last = NULL;

	for (u32 i = 0; i < r->sets_len; i++) {
		const struct set *set = &r->sets[i];

		if (!set->current && !object_deleting(set->doc) && says_yes(set->doc, whole) &&
		    (!last || set_revision(set) > set_revision(last)))
			last = set;
	}
	return last;
}

static void put_back(struct rollout *r, const struct set *set)
{
	r->doc = doc_set(r->arena, r->doc, "spec.template", set_template(r, set));
	plan_event(r->plan, r->owner, EVENT_WARNING, "DeploymentAutoRollback",
		   "Rolled back deployment \"" STR_FMT "\" to revision %lld: revision %lld made no "
		   "progress within %lld s",
		   STR_ARG(r->owner->name), (long long)set_revision(set),
		   (long long)set_revision(r->current), (long long)r->deadline_s);
}

void rollout_roll_back(struct rollout *r)
{
	struct str progress = rollout_progress(r);
	const struct set *set;

	if (!r->current || !r->current->version || !says_yes(r->owner->doc, wish))
		return;
	/* Without a pod nothing has been shown. */
	if (str_is(progress, "NewReplicaSetAvailable") && r->wanted && r->current->available)
		rollout_note(r, r->current, whole, "true");
	else if (str_is(progress, "ProgressDeadlineExceeded") &&
		 !says_yes(r->current->doc, whole) && (set = last_whole(r)))
		put_back(r, set);
}
