/* The user's wishes for where pods go: apart from their like, spread evenly, before others. */
#include "sim/hands.h"
#include "sim/user.h"

static const struct doc *apart(struct world *world, const struct doc *spec)
{
	const char *app = luck(world, 500) ? "alone" : "shy";
	return doc_with(world->arena, spec, STR("affinity"),
			hand_doc(world,
				 "{'podAntiAffinity':{'requiredDuringSchedulingIgnoredDuring"
				 "Execution':[{'labelSelector':{'matchLabels':{'app':'%s'}},"
				 "'topologyKey':'kubernetes.io/hostname'}]}}",
				 app));
}

static const struct doc *even(struct world *world, const struct doc *spec, struct str app)
{
	u32 skew = luck(world, 200) ? 2 : 1;
	return doc_with(world->arena, spec, STR("topologySpreadConstraints"),
			hand_doc(world,
				 "[{'maxSkew':%u,'topologyKey':'kubernetes.io/hostname',"
				 "'whenUnsatisfiable':'DoNotSchedule','labelSelector':{"
				 "'matchLabels':{'app':'" STR_FMT "'}}}]",
				 skew, STR_ARG(app)));
}

static const struct doc *first(struct world *world, const struct doc *spec)
{
	if (!store_get(world->store, KIND_PriorityClass, STR_NONE, STR("first")))
		hand_create(world, KIND_PriorityClass, STR_NONE,
			    hand_doc(world, "{'metadata':{'name':'first'},'value':1000}"));
	hand_disturbs(world);
	spec = doc_set_str(world->arena, spec, "containers.0.resources.requests.cpu", STR("1200m"));
	return doc_set_str(world->arena, spec, "priorityClassName", STR("first"));
}

const struct doc *user_wishes_place(struct world *world, const struct doc *pod)
{
	const struct doc *spec = doc_key(pod, "spec");
	if (luck(world, 400))
		spec = apart(world, spec);
	if (luck(world, 400))
		spec = even(world, spec, doc_at_str(pod, "metadata.labels.app"));
	if (luck(world, 300))
		spec = first(world, spec);
	return doc_with(world->arena, pod, STR("spec"), spec);
}
