/*
 * Claims and volumes: a claim that has a volume keeps it, no volume serves two claims, none goes
 * while its claim is there; at rest what is used is bound, and nothing is left of what was deleted.
 */
#include "controllers/pod.h"
#include "controllers/volume_binder.h"
#include "sim/check.h"

static struct str volume_of(const struct version *claim)
{
	return claim ? doc_at_str(claim->doc, "spec.volumeName") : STR_NONE;
}

static struct str holder_of(const struct version *volume)
{
	return volume ? doc_at_str(volume->doc, "spec.claimRef.uid") : STR_NONE;
}

/* The claim a volume is bound to, as long as both say so. */
static struct version *claim_of(struct world *world, const struct version *volume)
{
	const struct doc *ref = doc_at(volume->doc, "spec.claimRef");
	struct version *claim = store_get(world->store, KIND_PersistentVolumeClaim,
					  doc_at_str(ref, "namespace"), doc_at_str(ref, "name"));
	return claim && str_eq(claim->uid, holder_of(volume)) &&
			       str_eq(volume_of(claim), volume->name)
		       ? claim
		       : NULL;
}

static void hear(struct world *world, void *state, const struct store_event *event)
{
	const struct version *now = event->version, *before = event->previous;
	(void)state;
	if (now->kind == KIND_PersistentVolumeClaim && before && str_eq(before->uid, now->uid) &&
	    volume_of(before).len && !str_eq(volume_of(before), volume_of(now)))
		world_broken(world, "claim " STR_FMT " changes from volume " STR_FMT " to " STR_FMT,
			     STR_ARG(now->name), STR_ARG(volume_of(before)),
			     STR_ARG(volume_of(now)));
	if (now->kind != KIND_PersistentVolume)
		return;
	if (before && holder_of(before).len && !str_eq(holder_of(before), holder_of(now)))
		world_broken(world, "volume " STR_FMT " changes hands", STR_ARG(now->name));
	if (event->type == EVENT_DELETED && claim_of(world, now))
		world_broken(world, "volume " STR_FMT " goes under its claim", STR_ARG(now->name));
}

static bool node_is_there(struct world *world, const struct version *volume)
{
	const struct doc *labels = doc_at(volume->doc, "metadata.labels");
	struct str node = doc_str(doc_get(labels, STR(LOCAL_PATH_NODE)));
	return store_get(world->store, KIND_Node, STR_NONE, node);
}

static bool has_running_user(struct world *world, const struct version *claim)
{
	EACH_IN(world, KIND_Pod, claim->namespace, pod)
	if (pod_active(pod) && pod_ready(pod->doc) && pod_uses_claim(pod, claim->name))
		return true;
	return false;
}

static void rest(struct world *world, void *state)
{
	(void)state;
	EACH(world, KIND_PersistentVolumeClaim, claim)
	{
		struct version *volume =
			store_get(world->store, KIND_PersistentVolume, STR_NONE, volume_of(claim));
		if (volume_of(claim).len && !volume)
			world_broken(world, "claim " STR_FMT " has lost its volume",
				     STR_ARG(claim->name));
		if (has_running_user(world, claim) &&
		    !str_is(doc_at_str(claim->doc, "status.phase"), "Bound"))
			world_broken(world, "claim " STR_FMT " is used and not bound",
				     STR_ARG(claim->name));
	}
	EACH(world, KIND_PersistentVolume, volume)
	if (!claim_of(world, volume) && node_is_there(world, volume))
		world_broken(world, "volume " STR_FMT " is left over", STR_ARG(volume->name));
}

const struct check check_claims = { .name = "claims", .hear = hear, .rest = rest };
