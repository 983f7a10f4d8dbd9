/* What can be read off a pod's document alone: its containers in order, and its class. */
#include "base/timestamp.h"
#include "node/pod_worker.h"
#include "schema/quantity.h"

static const char *const lists[] = { "initContainers", "containers", "ephemeralContainers" };

/* The container at `index`, counting through the three lists. */
static const struct doc *find(const struct doc *pod, u32 index, u32 *ret_list, u32 *ret_at)
{
	const struct doc *spec = doc_key(pod, "spec");

	for (u32 i = 0; i < ARRAY_LEN(lists); i++) {
		const struct doc *list = doc_get(spec, str_of(lists[i]));

		if (index < doc_len(list)) {
			*ret_list = i;
			*ret_at = index;
			return doc_item(list, index);
		}
		index -= doc_len(list);
	}
	*ret_list = ARRAY_LEN(lists);
	return NULL;
}

const struct doc *pod_container(const struct doc *pod, u32 index)
{
	u32 list, at;

	return find(pod, index, &list, &at);
}

u32 pod_containers_len(const struct doc *pod)
{
	u32 len = 0;

	for (u32 i = 0; i < ARRAY_LEN(lists); i++)
		len += doc_len(doc_get(doc_key(pod, "spec"), str_of(lists[i])));
	return len;
}

bool pod_container_is_init(const struct doc *pod, u32 index)
{
	u32 list, at;

	return find(pod, index, &list, &at) && list == 0;
}

bool pod_container_is_sidecar(const struct doc *pod, u32 index)
{
	u32 list, at;
	const struct doc *container = find(pod, index, &list, &at);

	return container && list == 0 && str_is(doc_at_str(container, "restartPolicy"), "Always");
}

bool pod_container_is_ephemeral(const struct doc *pod, u32 index)
{
	u32 list, at;

	return find(pod, index, &list, &at) && list == 2;
}

struct str pod_container_path(struct arena *arena, const struct doc *pod, u32 index)
{
	u32 list, at;
	const struct doc *container = find(pod, index, &list, &at);

	if (!container)
		return STR_NONE;
	return str_format(arena, "spec.%s{" STR_FMT "}", lists[list],
			  STR_ARG(doc_at_str(container, "name")));
}

/* FNV-1a, which stays the same over restarts of the program; str_hash does not. */
u64 container_hash(const struct doc *container)
{
	struct str image = doc_at_str(container, "image");
	u64 hash = 14695981039346656037u;

	for (size_t i = 0; i < image.len; i++)
		hash = (hash ^ (u8)image.at[i]) * 1099511628211u;
	return hash;
}

/* Compares one resource of a container: 0 none, 1 request only or unequal, 2 limit = request. */
static int resource_grade(const struct doc *container, const char *name)
{
	const struct doc *request = doc_get(doc_at(container, "resources.requests"), str_of(name));
	const struct doc *limit = doc_get(doc_at(container, "resources.limits"), str_of(name));
	struct quantity zero = { 0 };
	bool asks = request && quantity_compare(quantity_of(request), zero) > 0;
	bool limited = limit && quantity_compare(quantity_of(limit), zero) > 0;

	if (!asks && !limited)
		return 0;
	if (!limited)
		return 1;
	return !request || quantity_compare(quantity_of(request), quantity_of(limit)) == 0 ? 2 : 1;
}

struct str pod_qos_class(const struct doc *pod)
{
	bool any = false, all = true;

	for (u32 i = 0; i < pod_containers_len(pod); i++) {
		const struct doc *container = pod_container(pod, i);
		int cpu = resource_grade(container, "cpu");
		int memory = resource_grade(container, "memory");

		if (pod_container_is_ephemeral(pod, i))
			continue;
		any |= cpu || memory;
		all &= cpu == 2 && memory == 2;
	}
	return !any ? STR("BestEffort") : all ? STR("Guaranteed") : STR("Burstable");
}

struct str time_text(struct arena *arena, i64 wall_ns)
{
	return timestamp_print(arena, wall_ns);
}

i64 time_parse(struct str text)
{
	return timestamp_or(text, 0);
}
