/* Keeping domains' numbers. */
#include "scheduler/topology.h"

#include <stdlib.h>

#include "base/check.h"

struct topology *topology_new(struct str key)
{
	struct topology *topology = calloc(1, sizeof *topology);
	CHECK(topology);
	char *copy = malloc(key.len + 1);
	CHECK(copy);
	memcpy(copy, key.at, key.len);
	topology->key = (struct str){ copy, key.len };
	return topology;
}

void topology_free(struct topology *topology)
{
	for (struct map_entry *e = NULL; (e = map_next(&topology->by_value, e));)
		free(e->value);
	map_release(&topology->by_value);
	free(topology->free_numbers);
	free(topology->of_slot);
	free((char *)topology->key.at);
	free(topology);
}

static struct domain *domain_get(struct topology *topology, struct str value)
{
	struct domain *domain = map_get(&topology->by_value, value);
	if (domain)
		return domain;
	domain = calloc(1, sizeof *domain + value.len + 1);
	CHECK(domain);
	domain->at =
		topology->free_len ? topology->free_numbers[--topology->free_len] : topology->len++;
	domain->len = value.len;
	memcpy(domain->value, value.at, value.len);
	map_put(&topology->by_value, (struct str){ domain->value, domain->len }, domain);
	return domain;
}

static void domain_drop(struct topology *topology, struct domain *domain)
{
	if (topology->free_len == topology->free_cap) {
		topology->free_cap = topology->free_cap ? topology->free_cap * 2 : 8;
		topology->free_numbers =
			realloc(topology->free_numbers, topology->free_cap * sizeof(u32));
		CHECK(topology->free_numbers);
	}
	topology->free_numbers[topology->free_len++] = domain->at;
	map_remove(&topology->by_value, (struct str){ domain->value, domain->len });
	free(domain);
}

static void leave(struct topology *topology, u32 slot)
{
	u32 number = topology->of_slot[slot];
	if (!number)
		return;
	topology->of_slot[slot] = 0;
	for (struct map_entry *e = NULL; (e = map_next(&topology->by_value, e));) {
		struct domain *domain = e->value;
		if (domain->at != number - 1)
			continue;
		if (!--domain->nodes)
			domain_drop(topology, domain);
		return;
	}
}

static void fit(struct topology *topology, u32 slot)
{
	u32 cap = topology->slots_cap ? topology->slots_cap : 16;
	if (slot < topology->slots_cap)
		return;
	while (cap <= slot)
		cap *= 2;
	topology->of_slot = realloc(topology->of_slot, cap * sizeof(u32));
	CHECK(topology->of_slot);
	memset(topology->of_slot + topology->slots_cap, 0,
	       (cap - topology->slots_cap) * sizeof(u32));
	topology->slots_cap = cap;
}

void topology_set(struct topology *topology, u32 slot, const struct doc *labels)
{
	const struct doc *label = doc_get(labels, topology->key);
	fit(topology, slot);
	struct domain *now = label ? domain_get(topology, doc_str(label)) : NULL;
	if (now && topology->of_slot[slot] == now->at + 1)
		return;
	if (now)
		now->nodes++;
	leave(topology, slot);
	topology->of_slot[slot] = now ? now->at + 1 : 0;
}
