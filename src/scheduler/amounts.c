/* Reading resource lists. Follows k8s.io/component-helpers resource.PodRequests. */
#include "scheduler/amounts.h"

#include <stdlib.h>

#include "base/check.h"
#include "schema/quantity.h"

enum { CPU_UNSAID_MILLI = 100, MEMORY_UNSAID = 200 * 1024 * 1024 };

void resource_names_init(struct resource_names *names)
{
	static const struct str known[] = { STR_INIT("cpu"), STR_INIT("memory"),
					    STR_INIT("ephemeral-storage"), STR_INIT("pods") };
	memcpy(names->at, known, sizeof known);
	names->len = ARRAY_LEN(known);
}

void resource_names_release(struct resource_names *names)
{
	for (u32 i = AMOUNT_EXTENDED; i < names->len; i++)
		free((char *)names->at[i].at);
}

static i64 find(struct resource_names *names, struct str name)
{
	for (u32 i = 0; i < names->len; i++)
		if (str_eq(names->at[i], name))
			return i;
	if (names->len == AMOUNTS_MAX)
		return -1;
	char *copy = malloc(name.len + 1);
	CHECK(copy);
	memcpy(copy, name.at, name.len);
	names->at[names->len] = (struct str){ copy, name.len };
	return names->len++;
}

void amounts_add_list(struct amounts *amounts, struct resource_names *names, const struct doc *list)
{
	doc_each_pair(list, name, value) {
		i64 index = find(names, name);
		if (index < 0)
			continue;
		struct quantity quantity = quantity_of(value);
		amounts->at[index] +=
			index == AMOUNT_CPU ? quantity_milli(quantity) : quantity_value(quantity);
	}
}

static void add(struct amounts *to, const struct amounts *more)
{
	for (u32 i = 0; i < AMOUNTS_MAX; i++)
		to->at[i] += more->at[i];
}

static void raise_to(struct amounts *to, const struct amounts *least)
{
	for (u32 i = 0; i < AMOUNTS_MAX; i++)
		to->at[i] = MAX(to->at[i], least->at[i]);
}

/* One container's requests; `filled`: what it leaves unsaid counts as a little. */
static struct amounts of_container(struct resource_names *names, const struct doc *container,
				   bool filled)
{
	const struct doc *requests = doc_at(container, "resources.requests");
	struct amounts one = { 0 };
	amounts_add_list(&one, names, requests);
	if (filled && !doc_key(requests, "cpu"))
		one.at[AMOUNT_CPU] = CPU_UNSAID_MILLI;
	if (filled && !doc_key(requests, "memory"))
		one.at[AMOUNT_MEMORY] = MEMORY_UNSAID;
	return one;
}

/* Init containers run one after the other beside the sidecars started before them. */
static void add_init_containers(struct amounts *sum, struct resource_names *names,
				const struct doc *containers, bool filled)
{
	struct amounts sidecars = { 0 }, most = { 0 };
	doc_each_item(containers, container) {
		struct amounts one = of_container(names, container, filled);
		if (str_is(doc_str(doc_key(container, "restartPolicy")), "Always")) {
			add(&sidecars, &one);
			raise_to(&most, &sidecars);
		} else {
			add(&one, &sidecars);
			raise_to(&most, &one);
		}
	}
	add(sum, &sidecars);
	raise_to(sum, &most);
}

/* What is said for the whole pod holds instead of the sum. */
static void whole_pod(struct amounts *amounts, struct resource_names *names,
		      const struct doc *whole)
{
	struct amounts said = { 0 };
	if (!whole)
		return;
	amounts_add_list(&said, names, whole);
	for (u32 i = 0; i < names->len; i++)
		if (doc_get(whole, names->at[i]))
			amounts->at[i] = said.at[i];
}

static void sum_of_pod(struct amounts *amounts, struct resource_names *names, const struct doc *pod,
		       bool filled)
{
	const struct doc *spec = doc_key(pod, "spec");
	*amounts = (struct amounts){ 0 };
	doc_each_item(doc_key(spec, "containers"), container) {
		struct amounts one = of_container(names, container, filled);
		add(amounts, &one);
	}
	if (doc_len(doc_key(spec, "initContainers")))
		add_init_containers(amounts, names, doc_key(spec, "initContainers"), filled);
	whole_pod(amounts, names, doc_at(spec, "resources.requests"));
	amounts_add_list(amounts, names, doc_key(spec, "overhead"));
}

void amounts_of_pod(struct amounts *amounts, struct resource_names *names, const struct doc *pod)
{
	sum_of_pod(amounts, names, pod, false);
	amounts->at[AMOUNT_PODS] = 1;
}

struct wishes wishes_of_pod(struct resource_names *names, const struct doc *pod)
{
	struct amounts amounts;
	sum_of_pod(&amounts, names, pod, true);
	return (struct wishes){ amounts.at[AMOUNT_CPU], amounts.at[AMOUNT_MEMORY] };
}
