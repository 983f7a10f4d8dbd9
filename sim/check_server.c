/*
 * The server's own word, whoever writes: what has finalizers stays, a running pod goes only when
 * its node (or force) says so, identity never changes, the generation follows the spec.
 */
#include "controllers/pod.h"
#include "sim/check.h"

static void judge_removal(struct world *world, const struct version *last,
			  const struct version *before)
{
	bool runs = last->kind == KIND_Pod && doc_at_str(last->doc, "spec.nodeName").len &&
		    !pod_finished(last->doc);
	if (doc_len(doc_at(last->doc, "metadata.finalizers")))
		world_broken(world, STR_FMT " goes with finalizers", STR_ARG(last->name));
	if (runs && !object_deleting(before->doc) && !world->forced)
		world_broken(world, STR_FMT " goes while it runs", STR_ARG(last->name));
}

static void judge_identity(struct world *world, const struct version *before,
			   const struct version *now)
{
	static const char *const fixed[] = { "metadata.uid", "metadata.name", "metadata.namespace",
					     "metadata.creationTimestamp" };
	for (u32 i = 0; i < ARRAY_LEN(fixed); i++)
		if (!str_eq(doc_at_str(before->doc, fixed[i]), doc_at_str(now->doc, fixed[i])))
			world_broken(world, STR_FMT " has another %s now", STR_ARG(now->name),
				     fixed[i]);
	if (object_deleting(before->doc) && !object_deleting(now->doc))
		world_broken(world, STR_FMT " is deleted no more", STR_ARG(now->name));
	if (now->revision <= before->revision)
		world_broken(world, STR_FMT " goes back in revisions", STR_ARG(now->name));
}

static void judge_generation(struct world *world, const struct version *before,
			     const struct version *now)
{
	i64 was = check_number(before, "metadata.generation");
	i64 is = check_number(now, "metadata.generation");
	bool wanted = !doc_eq(doc_key(before->doc, "spec"), doc_key(now->doc, "spec"));
	bool ends = object_deleting(before->doc) != object_deleting(now->doc);
	if (was && is - was != (wanted || ends))
		world_broken(world, "the generation of " STR_FMT " goes from %lld to %lld",
			     STR_ARG(now->name), (long long)was, (long long)is);
}

static void hear(struct world *world, void *state, const struct store_event *event)
{
	(void)state;
	static const kind_id counted[] = { KIND_Deployment, KIND_ReplicaSet, KIND_DaemonSet,
					   KIND_StatefulSet, KIND_Job };
	const struct version *now = event->version, *before = event->previous;
	if (event->type == EVENT_DELETED)
		return judge_removal(world, now, before);
	if (event->type != EVENT_MODIFIED)
		return;
	judge_identity(world, before, now);
	for (u32 i = 0; i < ARRAY_LEN(counted); i++)
		if (now->kind == counted[i])
			judge_generation(world, before, now);
}

const struct check check_server = { .name = "server", .hear = hear };
