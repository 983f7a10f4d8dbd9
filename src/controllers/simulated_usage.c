/* Simulated nodes know their pods' rates; nothing has to be measured. */
#include "controllers/simulated_usage.h"

#include <stdio.h>

#include "schema/quantity.h"
#include "schema/schema.h"
#include "store/store.h"

enum { KEY_BYTES_MAX = 128 };

static bool is_simulated(const struct version *node)
{
	return node && doc_get(doc_at(node->doc, "metadata.labels"), STR("minke/simulated"));
}

/* The annotation for that container, else the one for all. */
static struct str said(const struct version *pod, const char *what, struct str container)
{
	const struct doc *annotations = doc_at(pod->doc, "metadata.annotations");
	char key[KEY_BYTES_MAX];
	int len =
		snprintf(key, sizeof key, "minke/simulated-%s." STR_FMT, what, STR_ARG(container));
	const struct doc *own =
		len < KEY_BYTES_MAX ? doc_get(annotations, (struct str){ key, (size_t)len }) : NULL;

	if (own)
		return doc_str(own);
	len = snprintf(key, sizeof key, "minke/simulated-%s", what);
	return doc_str(doc_get(annotations, (struct str){ key, (size_t)len }));
}

static i32 look_at_pod(void *self, const struct version *pod, struct usage_look *looks, u32 max)
{
	struct store *store = self;
	struct str node = doc_at_str(pod->doc, AT(Pod, spec.nodeName));
	u32 len = 0;

	if (!is_simulated(store_get(store, KIND_Node, STR_NONE, node)))
		return -1;
	doc_each_item(doc_at(pod->doc, AT(Pod, spec.containers)), container) {
		struct str name = doc_str(doc_key(container, "name"));
		struct quantity cpu = { 0 }, memory = { 0 };
		struct str cpu_text = said(pod, "cpu", name);

		if (str_is(cpu_text, "none") || len == max)
			continue;
		if (!quantity_parse(cpu_text, &cpu))
			cpu = (struct quantity){ 0 };
		if (!quantity_parse(said(pod, "memory", name), &memory))
			memory = (struct quantity){ 0 };
		looks[len++] = (struct usage_look){
			.name = name,
			.cpu_nano = MAX((i64)cpu.nanos, (i64)0),
			.memory_bytes = (u64)MAX(quantity_value(memory), (i64)0),
		};
	}
	return (i32)len;
}

static bool look_at_node(void *self, const struct version *node, struct usage_look *ret_look)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = NULL;
	struct usage_look looks[64];

	if (!is_simulated(node))
		return false;
	arena = arena_new(0);
	struct version_list pods = store_on_node(self, arena, node->name);

	*ret_look = (struct usage_look){ 0 };
	for (u32 i = 0; i < pods.len; i++) {
		if (!str_is(doc_at_str(pods.at[i]->doc, AT(Pod, status.phase)), "Running"))
			continue;
		i32 len = look_at_pod(self, pods.at[i], looks, ARRAY_LEN(looks));

		for (i32 c = 0; c < len; c++) {
			ret_look->cpu_nano += looks[c].cpu_nano;
			ret_look->memory_bytes += looks[c].memory_bytes;
		}
	}
	return true;
}

struct usage_source simulated_usage(struct store *store)
{
	return (struct usage_source){ look_at_pod, look_at_node, store };
}
