/* Sums over containers, as k8s.io/component-helpers/resource.PodRequests has them. */
#include "server/pod_resources.h"

struct quantity *amounts_get(const struct amounts *amounts, struct str name)
{
	for (u32 i = 0; i < amounts->list.len; i++)
		if (str_eq(amounts->list.at[i].name, name))
			return &amounts->list.at[i].quantity;
	return NULL;
}

void amounts_add(struct arena *arena, struct amounts *amounts, struct str name,
		 struct quantity quantity)
{
	struct quantity *there = amounts_get(amounts, name);

	if (there)
		*there = quantity_add(*there, quantity);
	else
		VEC_PUSH(arena, &amounts->list, (struct amount){ name, quantity });
}

static void add_all(struct arena *arena, struct amounts *amounts, const struct doc *map)
{
	doc_each_pair(map, name, value)
		amounts_add(arena, amounts, name, quantity_of(value));
}

static void raise_to(struct arena *arena, struct amounts *amounts, const struct amounts *least)
{
	for (u32 i = 0; i < least->list.len; i++) {
		struct amount amount = least->list.at[i];
		struct quantity *there = amounts_get(amounts, amount.name);

		if (!there)
			VEC_PUSH(arena, &amounts->list, amount);
		else if (quantity_compare(*there, amount.quantity) < 0)
			*there = amount.quantity;
	}
}

struct amounts pod_amounts(struct arena *arena, const struct doc *spec, const char *list)
{
	struct amounts sum = { 0 }, sidecars = { 0 }, highest = { 0 };

	doc_each_item(doc_key(spec, "containers"), container)
		add_all(arena, &sum, doc_get(doc_key(container, "resources"), str_of(list)));
	doc_each_item(doc_key(spec, "initContainers"), container) {
		const struct doc *map = doc_get(doc_key(container, "resources"), str_of(list));
		struct amounts now = { 0 };

		if (str_is(doc_str(doc_key(container, "restartPolicy")), "Always")) {
			add_all(arena, &sum, map);
			add_all(arena, &sidecars, map);
			raise_to(arena, &highest, &sidecars);
			continue;
		}
		add_all(arena, &now, map);
		for (u32 i = 0; i < sidecars.list.len; i++)
			amounts_add(arena, &now, sidecars.list.at[i].name,
				    sidecars.list.at[i].quantity);
		raise_to(arena, &highest, &now);
	}
	raise_to(arena, &sum, &highest);
	if (sum.list.len)
		add_all(arena, &sum, doc_key(spec, "overhead"));
	return sum;
}
