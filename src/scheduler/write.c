/* Intents of the scheduler, in the words of upstream's scheduler. */
#include "scheduler/write.h"

#include "base/timestamp.h"
#include "controllers/event.h"
#include "controllers/plan.h"
#include "controllers/pod.h"
#include "doc/build.h"

static const char user[] = "system:kube-scheduler", component[] = "default-scheduler";

static enum status carry_out(struct scribe *scribe, struct plan *plan, struct error *error)
{
	struct version *ignored = NULL;
	enum status status = ST_OK;
	for (u32 i = 0; i < plan->intents.len && status == ST_OK; i++)
		status = scribe->writer.write(scribe->writer.self, scribe->arena, user,
					      &plan->intents.at[i], &ignored, error);
	return status;
}

static void say(struct scribe *scribe, const struct version *about, enum event_level level,
		const char *reason, struct str text)
{
	recorder_event(scribe->recorder, &scribe->writer, scribe->arena, component, about, level,
		       str_of(reason), text);
}

enum status write_binding(struct scribe *scribe, const struct version *pod, const struct node *node,
			  struct error *error)
{
	struct str name = str_copy(scribe->arena, str_of(node->name));
	struct build b = build_object(scribe->arena);
	build_str(&b, "apiVersion", STR("v1"));
	build_str(&b, "kind", STR("Binding"));
	build_open_object(&b, "metadata");
	build_str(&b, "name", pod->name);
	build_str(&b, "namespace", pod->namespace);
	build_str(&b, "uid", pod->uid);
	build_close(&b);
	build_open_object(&b, "target");
	build_str(&b, "apiVersion", STR("v1"));
	build_str(&b, "kind", STR("Node"));
	build_str(&b, "name", name);
	build_close(&b);
	struct plan plan = plan_new(scribe->arena);
	plan_bind(&plan, pod, build_done(&b), NULL);
	enum status status = carry_out(scribe, &plan, error);
	if (status == ST_OK)
		say(scribe, pod, EVENT_NORMAL, "Scheduled",
		    str_format(scribe->arena,
			       "Successfully assigned " STR_FMT "/" STR_FMT " to " STR_FMT,
			       STR_ARG(pod->namespace), STR_ARG(pod->name), STR_ARG(name)));
	return status;
}

void write_failure(struct scribe *scribe, const struct version *pod, struct str sentence)
{
	say(scribe, pod, EVENT_WARNING, "FailedScheduling", sentence);
}

static const struct doc *with_nomination(struct arena *arena, const struct doc *status,
					 struct str node)
{
	return doc_with(arena, status, STR("nominatedNodeName"),
			node.len ? doc_new_str(arena, node) : NULL);
}

enum status write_unschedulable(struct scribe *scribe, const struct version *pod,
				struct str sentence, struct str nominated, struct error *error)
{
	struct arena *arena = scribe->arena;
	const struct doc *status = doc_key(pod->doc, "status");
	status = status_with_condition(arena, status, "PodScheduled", "False", "Unschedulable",
				       sentence, clock_wall_ns(scribe->clock));
	status = with_nomination(arena, status, nominated);
	struct plan plan = plan_new(arena);
	plan_status(&plan, pod, doc_with(arena, pod->doc, STR("status"), status));
	write_failure(scribe, pod, sentence);
	return carry_out(scribe, &plan, error);
}

enum status write_no_nomination(struct scribe *scribe, const struct version *pod,
				struct error *error)
{
	struct arena *arena = scribe->arena;
	const struct doc *status = with_nomination(arena, doc_key(pod->doc, "status"), STR_NONE);
	struct plan plan = plan_new(arena);
	plan_status(&plan, pod, doc_with(arena, pod->doc, STR("status"), status));
	return carry_out(scribe, &plan, error);
}

enum status write_preemption(struct scribe *scribe, const struct version *preemptor,
			     const struct version *victim, const struct node *node,
			     struct error *error)
{
	struct arena *arena = scribe->arena;
	struct str scheduler = doc_at_str(preemptor->doc, AT(Pod, spec.schedulerName));
	struct str message =
		str_format(arena, STR_FMT ": preempting to accommodate a higher priority pod",
			   STR_ARG(scheduler.len ? scheduler : str_of(component)));
	const struct doc *status = status_with_condition(
		arena, doc_key(victim->doc, "status"), "DisruptionTarget", "True",
		"PreemptionByScheduler", message, clock_wall_ns(scribe->clock));
	struct plan plan = plan_new(arena);
	if (object_deleting(victim->doc))
		return ST_OK; /* on its way already */
	plan_status(&plan, victim, doc_with(arena, victim->doc, STR("status"), status));
	plan_delete(&plan, victim, NULL);
	enum status done = carry_out(scribe, &plan, error);
	if (done == ST_NOT_FOUND)
		return ST_OK;
	if (done == ST_OK)
		say(scribe, victim, EVENT_NORMAL, "Preempted",
		    str_format(arena, "Preempted by pod " STR_FMT " on node %s",
			       STR_ARG(preemptor->uid), node->name));
	return done;
}

/* ---- claims */

/* The volume with a reference to the claim, as the volume binder would write it. */
static const struct doc *reserved(struct arena *arena, const struct claim_deed *deed)
{
	struct build b = build_object(arena);
	build_str(&b, "kind", STR("PersistentVolumeClaim"));
	build_str(&b, "namespace", deed->claim->namespace);
	build_str(&b, "name", deed->claim->name);
	build_str(&b, "uid", deed->claim->uid);
	build_str(&b, "apiVersion", STR("v1"));
	build_str(&b, "resourceVersion",
		  str_format(arena, "%llu", (unsigned long long)deed->claim->revision));
	const struct doc *doc = deed->volume->doc;
	const struct doc *notes = doc_at(doc, "metadata.annotations");
	notes = doc_with(arena, notes, STR("pv.kubernetes.io/bound-by-controller"),
			 doc_new_str(arena, STR("yes")));
	doc = doc_set(arena, doc, "metadata.annotations", notes);
	return doc_set(arena, doc, "spec.claimRef", build_done(&b));
}

enum status write_claim(struct scribe *scribe, const struct claim_deed *deed,
			const struct node *node, struct error *error)
{
	struct arena *arena = scribe->arena;
	struct plan plan = plan_new(arena);
	if (deed->volume) {
		plan_update(&plan, deed->volume, reserved(arena, deed), NULL);
		return carry_out(scribe, &plan, error);
	}
	const struct doc *doc = deed->claim->doc;
	const struct doc *notes = doc_at(doc, "metadata.annotations");
	notes = doc_with(arena, notes, STR(SELECTED_NODE), doc_new_str(arena, str_of(node->name)));
	plan_update(&plan, deed->claim, doc_set(arena, doc, "metadata.annotations", notes), NULL);
	return carry_out(scribe, &plan, error);
}
