/* Services: at rest exactly the ready pods of the selector stand in endpoints and slices. */
#include "controllers/labels.h"
#include "controllers/pod.h"
#include "sim/check.h"

static u32 count_addresses(const struct doc *endpoints)
{
	u32 count = 0;
	doc_each_item(doc_key(endpoints, "subsets"), subset) {
		count += doc_len(doc_key(subset, "addresses"));
	}
	return count;
}

static void rest(struct world *world, void *state)
{
	(void)state;
	EACH(world, KIND_Service, service)
	{
		const struct doc *selector = doc_at(service->doc, "spec.selector");
		if (!doc_len(selector))
			continue;
		u32 ready = 0, in_slices = 0;
		EACH(world, KIND_Pod, pod)
		{
			ready += str_eq(pod->namespace, service->namespace) &&
				 labels_contain(doc_at(pod->doc, "metadata.labels"), selector) &&
				 pod_ready(pod->doc) && !pod_finished(pod->doc);
		}
		struct version *endpoints =
			store_get(world->store, KIND_Endpoints, service->namespace, service->name);
		u32 addresses = endpoints ? count_addresses(endpoints->doc) : 0;
		EACH(world, KIND_EndpointSlice, slice)
		{
			if (object_controlled_by(slice->doc, service->uid))
				in_slices += doc_len(doc_key(slice->doc, "endpoints"));
		}
		if (addresses != ready || (!world->tight && in_slices != ready))
			world_broken(world,
				     "service " STR_FMT
				     ": %u pods ready, %u addresses, %u in slices",
				     STR_ARG(service->name), ready, addresses, in_slices);
	}
}

const struct check check_service = { .name = "service", .rest = rest };
