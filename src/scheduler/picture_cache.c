/*
 * What the picture keeps besides nodes: topologies, tallies, bonds, shapes, the order in which
 * nodes are looked at, and pods that wait on a node for their victims to leave.
 */
#include <stdlib.h>

#include "base/check.h"
#include "controllers/controller.h"
#include "controllers/pod.h"
#include "scheduler/shape.h"

enum {
	SHAPES_BYTES_MAX = 48 << 20,
	SHAPES_MAX = 8192,
	SORTS_MAX = 32768,
	NOMINEES_MAX = 65536,
};

struct topology *picture_topology(struct picture *picture, struct str key)
{
	struct topology *topology = map_get(&picture->topologies, key);
	if (topology)
		return topology;
	topology = topology_new(key);
	map_put(&picture->topologies, topology->key, topology);
	for (u32 i = 0; i < picture->slots_len; i++)
		if (picture->slots[i])
			topology_set(topology, i, picture->slots[i]->labels);
	return topology;
}

/* ---- tallies */

static void write_eligibility(struct buffer *out, const struct eligibility *eligible)
{
	essence_write(out, eligible->selector);
	essence_write(out, eligible->affinity);
	essence_write(out, eligible->tolerations);
	buffer_add_char(out, eligible->honours_taints ? 't' : '-');
	for (u32 i = 0; i < eligible->needs_len; i++)
		essence_write_str(out, eligible->needs[i]->key);
}

static void write_tally(struct buffer *out, const struct tally *wish)
{
	essence_write_str(out, wish->topology->key);
	buffer_add_char(out, wish->skips_deleting ? 's' : '-');
	for (u32 i = 0; i < wish->scopes_len; i++)
		scope_write(out, &wish->scopes[i]);
	write_eligibility(out, &wish->eligible);
}

static void tally_first(struct picture *picture, struct tally *tally, const struct version *pod)
{
	const struct doc *labels = doc_at(pod->doc, "metadata.labels");
	if (!pod_takes_room(pod->doc) || (tally->skips_deleting && object_deleting(pod->doc)))
		return;
	struct node *node = picture_node(picture, doc_at_str(pod->doc, AT(Pod, spec.nodeName)));
	if (!node)
		return;
	for (u32 i = 0; i < tally->scopes_len; i++)
		if (!scope_matches(&tally->scopes[i], picture->store, pod->namespace, labels))
			return;
	tally_pod(tally, node->slot, 1);
}

/* Counts what is there already; the store's index of labels narrows the search. */
static void tally_begin(struct picture *picture, struct tally *tally)
{
	const struct scope *scope = &tally->scopes[0];
	struct str namespace = scope_namespace(scope);
	const struct doc *pairs = doc_key(scope->selector, "matchLabels");
	for (u32 i = 0; i < picture->slots_len; i++)
		if (picture->slots[i])
			tally_node(tally, i, node_eligible(picture->slots[i], &tally->eligible), 1);
	if (!scope->selector)
		return;
	if (namespace.len && doc_len(pairs)) {
		struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
		struct version_list pods =
			store_labelled(picture->store, arena, namespace, doc_pair_key(pairs, 0),
				       doc_str(doc_pair_value(pairs, 0)));
		for (u32 i = 0; i < pods.len; i++)
			tally_first(picture, tally, pods.at[i]);
		return;
	}
	struct store_iter iter;
	store_iter_start(&iter, picture->store, KIND_Pod, namespace, STR_NONE, STR_NONE);
	for (struct version *pod; (pod = store_iter_next(&iter));)
		tally_first(picture, tally, pod);
}

static void *grown(void *array, u32 *cap, size_t size)
{
	*cap = *cap ? *cap * 2 : 16;
	array = realloc(array, *cap * size);
	CHECK(array);
	return array;
}

struct tally *picture_tally(struct picture *picture, const struct tally *wish)
{
	buffer_clear(&picture->key);
	write_tally(&picture->key, wish);
	struct tally *tally = map_get(&picture->tally_by_key, buffer_str(&picture->key));
	if (tally)
		return tally;
	tally = tally_new(buffer_str(&picture->key), wish);
	tally_begin(picture, tally);
	map_put(&picture->tally_by_key, tally->key, tally);
	if (picture->tallies_len == picture->tallies_cap)
		picture->tallies =
			grown(picture->tallies, &picture->tallies_cap, sizeof *picture->tallies);
	picture->tallies[picture->tallies_len++] = tally;
	picture->shapes_bytes += picture->len * 2 * sizeof(u32);
	return tally;
}

struct bond *picture_bond(struct picture *picture, const struct bond *wish)
{
	buffer_clear(&picture->key);
	essence_write_str(&picture->key, wish->topology->key);
	buffer_add(&picture->key, &wish->type, sizeof wish->type);
	buffer_add(&picture->key, &wish->weight, sizeof wish->weight);
	scope_write(&picture->key, &wish->scope);
	struct bond *bond = map_get(&picture->bond_by_key, buffer_str(&picture->key));
	if (bond)
		return bond;
	bond = bond_new(buffer_str(&picture->key), wish);
	map_put(&picture->bond_by_key, bond->key, bond);
	if (picture->bonds_len == picture->bonds_cap)
		picture->bonds = grown(picture->bonds, &picture->bonds_cap, sizeof *picture->bonds);
	picture->bonds[picture->bonds_len++] = bond;
	return bond;
}

/* ---- tidying */

void picture_stale(struct picture *picture)
{
	picture->shapes_stale = true;
}

/* Bonds hold counts that nothing else knows: only those nobody bears may go. */
static void drop_idle_bonds(struct picture *picture)
{
	u32 kept = 0;
	for (u32 i = 0; i < picture->bonds_len; i++) {
		struct bond *bond = picture->bonds[i];
		if (bond->total) {
			picture->bonds[kept++] = bond;
			continue;
		}
		map_remove(&picture->bond_by_key, bond->key);
		bond_free(bond);
	}
	picture->bonds_len = kept;
}

void picture_tidy(struct picture *picture)
{
	if (!picture->shapes_stale && picture->shapes_bytes < SHAPES_BYTES_MAX &&
	    picture->shapes.len < SHAPES_MAX && picture->sorts.len < SORTS_MAX)
		return;
	for (struct map_entry *e = NULL; (e = map_next(&picture->shapes, e));)
		shape_free(e->value);
	for (struct map_entry *e = NULL; (e = map_next(&picture->sorts, e));)
		sort_free(e->value);
	for (u32 i = 0; i < picture->tallies_len; i++)
		tally_free(picture->tallies[i]);
	free(picture->remembered);
	picture->remembered = NULL;
	map_release(&picture->shapes);
	map_release(&picture->sorts);
	map_release(&picture->tally_by_key);
	picture->tallies_len = 0;
	picture->shapes_bytes = 0;
	picture->shapes_stale = false;
	drop_idle_bonds(picture);
}

/* ---- the order of looking: zone after zone, so that the first nodes lie in different ones */

struct zone {
	VEC(struct node *) nodes;
};

static struct zone *zone_of(struct map *zones, struct arena *arena, const struct node *node)
{
	struct str name = str_format(arena, STR_FMT "\n" STR_FMT,
				     STR_ARG(doc_str(doc_get(node->labels, STR(TOPOLOGY_REGION)))),
				     STR_ARG(doc_str(doc_get(node->labels, STR(TOPOLOGY_ZONE)))));
	struct zone *zone = map_get(zones, name);
	if (zone)
		return zone;
	zone = ARENA_NEW(arena, struct zone);
	map_put(zones, name, zone);
	return zone;
}

void picture_order(struct picture *picture)
{
	if (!picture->list_stale)
		return;
	picture->list_stale = false;
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct map zones = { 0 };
	VEC(struct zone *) order = { 0 };
	for (u32 i = 0; i < picture->slots_len; i++) {
		if (!picture->slots[i])
			continue;
		struct zone *zone = zone_of(&zones, arena, picture->slots[i]);
		if (!zone->nodes.len)
			VEC_PUSH(arena, &order, zone);
		VEC_PUSH(arena, &zone->nodes, picture->slots[i]);
	}
	free(picture->list);
	picture->list = calloc(picture->len + 1, sizeof *picture->list);
	CHECK(picture->list);
	for (u32 turn = 0, placed = 0; placed < picture->len; turn++)
		for (u32 i = 0; i < order.len; i++)
			if (turn < order.at[i]->nodes.len)
				picture->list[placed++] = order.at[i]->nodes.at[turn];
	map_release(&zones);
}

/* ---- nominees */

void picture_forget_nominee(struct picture *picture, struct str uid)
{
	struct nominee *nominee = map_remove(&picture->nominees, uid);
	if (!nominee)
		return;
	struct nominee **at = &nominee->node->nominees;
	while (*at != nominee)
		at = &(*at)->next;
	*at = nominee->next;
	free(nominee);
}

static struct str put(char **to, struct str text)
{
	memcpy(*to, text.at, text.len);
	*to += text.len;
	return (struct str){ *to - text.len, text.len };
}

void picture_nominate(struct picture *picture, const struct version *pod, struct str node_name)
{
	struct node *node = node_name.len ? picture_node(picture, node_name) : NULL;
	picture_forget_nominee(picture, pod->uid);
	if (!node || picture->nominees.len == NOMINEES_MAX)
		return;
	struct nominee *nominee =
		calloc(1, sizeof *nominee + pod->uid.len + pod->namespace.len + pod->name.len);
	CHECK(nominee);
	char *text = nominee->text;
	nominee->uid = put(&text, pod->uid);
	nominee->namespace = put(&text, pod->namespace);
	nominee->name = put(&text, pod->name);
	nominee->priority = pod_priority(pod->doc);
	nominee->node = node;
	nominee->next = node->nominees;
	node->nominees = nominee;
	map_put(&picture->nominees, nominee->uid, nominee);
}
