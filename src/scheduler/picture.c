/* The picture's nodes and the pods on them. */
#include "scheduler/picture.h"

#include <stdlib.h>

#include "base/check.h"
#include "controllers/controller.h"
#include "controllers/pod.h"
#include "scheduler/shape.h"

enum { KEY_BYTES_MAX = 16 << 20 };

void picture_init(struct picture *picture, struct store *store)
{
	*picture = (struct picture){ .store = store, .key = BUFFER_INIT(KEY_BYTES_MAX) };
	resource_names_init(&picture->names);
}

static void node_free(struct node *node)
{
	version_unref(node->version);
	free(node->name);
	free(node->ports);
	free(node);
}

static struct node *node_get(struct picture *picture, struct str name)
{
	struct node *node = map_get(&picture->by_name, name);
	if (node)
		return node;
	node = calloc(1, sizeof *node);
	CHECK(node);
	node->name = strndup(name.at, name.len);
	CHECK(node->name);
	map_put(&picture->by_name, str_of(node->name), node);
	return node;
}

/* A node nobody speaks of any more is forgotten. */
static void node_drop(struct picture *picture, struct node *node)
{
	if (node->version || node->pods || node->nominees)
		return;
	map_remove(&picture->by_name, str_of(node->name));
	node_free(node);
}

struct node *picture_node(const struct picture *picture, struct str name)
{
	struct node *node = map_get(&picture->by_name, name);
	return node && node->version ? node : NULL;
}

void picture_release(struct picture *picture)
{
	picture->shapes_stale = true;
	picture_tidy(picture);
	for (struct map_entry *e = NULL; (e = map_next(&picture->nominees, e));)
		free(e->value);
	for (struct map_entry *e = NULL; (e = map_next(&picture->by_name, e));)
		node_free(e->value);
	for (struct map_entry *e = NULL; (e = map_next(&picture->topologies, e));)
		topology_free(e->value);
	for (u32 i = 0; i < picture->bonds_len; i++)
		bond_free(picture->bonds[i]);
	struct map *maps[] = { &picture->by_name,     &picture->topologies, &picture->tally_by_key,
			       &picture->bond_by_key, &picture->shapes,	    &picture->sorts,
			       &picture->nominees };
	for (u32 i = 0; i < ARRAY_LEN(maps); i++)
		map_release(maps[i]);
	resource_names_release(&picture->names);
	buffer_release(&picture->key);
	free(picture->slots);
	free(picture->list);
	free(picture->tallies);
	free(picture->bonds);
	free(picture->priorities);
}

/* ---- pods */

bool pod_takes_room(const struct doc *pod)
{
	return doc_at_str(pod, AT(Pod, spec.nodeName)).len && !pod_finished(pod);
}

i64 pod_priority(const struct doc *pod)
{
	return doc_at_int(pod, AT(Pod, spec.priority), 0);
}

static void add_port(struct node *node, struct host_port port)
{
	if (node->ports_len == node->ports_cap) {
		node->ports_cap = node->ports_cap ? node->ports_cap * 2 : 4;
		node->ports = realloc(node->ports, node->ports_cap * sizeof *node->ports);
		CHECK(node->ports);
	}
	node->ports[node->ports_len++] = port;
}

static void remove_port(struct node *node, struct host_port port)
{
	for (u32 i = 0; i < node->ports_len; i++) {
		struct host_port *have = &node->ports[i];
		if (have->port != port.port || have->protocol != port.protocol ||
		    have->ip != port.ip)
			continue;
		*have = node->ports[--node->ports_len];
		return;
	}
}

/* What others count: tallies that speak of this pod, bonds that it bears. */
static void count_for_others(struct picture *picture, const struct node *node, struct shape *shape,
			     bool deleting, int sign)
{
	struct sort *sort = shape->sort;
	sort_refresh(picture, sort);
	for (u32 i = 0; i < sort->tallies.len; i++)
		if (!deleting || !sort->tallies.at[i]->skips_deleting)
			tally_pod(sort->tallies.at[i], node->slot, sign);
	for (u32 i = 0; i < shape->bonds.len; i++)
		bond_pod(shape->bonds.at[i], node->slot, sign);
}

static void count_priority(struct picture *picture, i64 priority, int sign)
{
	u32 at = 0;
	while (at < picture->priorities_len && picture->priorities[at].priority < priority)
		at++;
	if (at == picture->priorities_len || picture->priorities[at].priority != priority) {
		if (picture->priorities_len == picture->priorities_cap) {
			picture->priorities_cap += 8;
			picture->priorities =
				realloc(picture->priorities,
					picture->priorities_cap * sizeof *picture->priorities);
			CHECK(picture->priorities);
		}
		memmove(&picture->priorities[at + 1], &picture->priorities[at],
			(picture->priorities_len - at) * sizeof *picture->priorities);
		picture->priorities[at] = (struct priority_count){ priority, 0 };
		picture->priorities_len++;
	}
	picture->priorities[at].count += (u32)sign;
	if (picture->priorities[at].count)
		return;
	picture->priorities_len--;
	memmove(&picture->priorities[at], &picture->priorities[at + 1],
		(picture->priorities_len - at) * sizeof *picture->priorities);
}

i64 picture_lowest_priority(const struct picture *picture)
{
	return picture->priorities_len ? picture->priorities[0].priority : INT64_MAX;
}

void picture_count_on(struct picture *picture, struct node *node, struct shape *shape,
		      bool deleting, int sign)
{
	for (u32 i = 0; i < shape->asked_len; i++)
		node->taken.at[shape->asked[i]] += sign * shape->amounts.at[shape->asked[i]];
	node->wished.cpu += sign * shape->wishes.cpu;
	node->wished.memory += sign * shape->wishes.memory;
	node->pods += (u32)sign;
	node->used = ++picture->generation;
	for (u32 i = 0; i < shape->ports.len; i++)
		(sign > 0 ? add_port : remove_port)(node, shape->ports.at[i]);
	if (node->version)
		count_for_others(picture, node, shape, deleting, sign);
}

void picture_count_pod(struct picture *picture, const struct doc *pod, int sign)
{
	struct node *node = node_get(picture, doc_at_str(pod, AT(Pod, spec.nodeName)));
	struct shape *shape = shape_of(picture, pod);
	picture_count_on(picture, node, shape, object_deleting(pod), sign);
	picture->pods += (u32)sign;
	count_priority(picture, shape->priority, sign);
	node_drop(picture, node);
}

/* ---- nodes */

/* What of a node matters to others than itself: which domains it lies in, whom it lets in. */
static bool moves(const struct version *before, const struct version *now)
{
	if (!before || !now)
		return true;
	return !doc_eq(doc_at(before->doc, AT(Node, metadata.labels)),
		       doc_at(now->doc, AT(Node, metadata.labels))) ||
	       !doc_eq(doc_at(before->doc, AT(Node, spec.taints)),
		       doc_at(now->doc, AT(Node, spec.taints)));
}

static bool differs(const struct version *before, const struct version *now, const char *path)
{
	return !doc_eq(doc_at(before->doc, path), doc_at(now->doc, path));
}

static u32 slot_take(struct picture *picture, struct node *node)
{
	u32 slot = 0;
	if (picture->len < picture->slots_len)
		while (picture->slots[slot])
			slot++;
	else
		slot = picture->slots_len++;
	if (slot == picture->slots_cap) {
		picture->slots_cap = picture->slots_cap ? picture->slots_cap * 2 : 16;
		picture->slots =
			realloc(picture->slots, picture->slots_cap * sizeof *picture->slots);
		CHECK(picture->slots);
	}
	picture->slots[slot] = node;
	picture->len++;
	return slot;
}

static void count_all_on(struct picture *picture, struct node *node, int sign)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct version_list pods = store_on_node(picture->store, arena, str_of(node->name));
	for (u32 i = 0; i < pods.len; i++)
		if (pod_takes_room(pods.at[i]->doc))
			count_for_others(picture, node, shape_of(picture, pods.at[i]->doc),
					 object_deleting(pods.at[i]->doc), sign);
}

/* Takes a node out of all counts, under its old labels. */
static void leave(struct picture *picture, struct node *node)
{
	count_all_on(picture, node, -1);
	for (u32 i = 0; i < picture->tallies_len; i++)
		tally_node(picture->tallies[i], node->slot, false, -1);
}

static void join(struct picture *picture, struct node *node)
{
	for (struct map_entry *e = NULL; (e = map_next(&picture->topologies, e));)
		topology_set(e->value, node->slot, node->labels);
	for (u32 i = 0; i < picture->tallies_len; i++) {
		struct tally *tally = picture->tallies[i];
		tally_node(tally, node->slot, node_eligible(node, &tally->eligible), 1);
	}
	count_all_on(picture, node, 1);
}

static bool node_goes(struct picture *picture, struct node *node)
{
	struct version *before = node->version;
	if (!before) {
		node_drop(picture, node);
		return false;
	}
	leave(picture, node);
	for (struct map_entry *e = NULL; (e = map_next(&picture->topologies, e));)
		topology_set(e->value, node->slot, NULL);
	picture->slots[node->slot] = NULL;
	picture->len--;
	picture->list_stale = true;
	node->version = NULL;
	node->labels = node->taints = node->images = NULL;
	version_unref(before);
	node_drop(picture, node);
	return false;
}

static void node_read(struct picture *picture, struct node *node, struct version *version)
{
	const struct doc *doc = version->doc;
	node->version = version_ref(version);
	node->labels = doc_at(doc, AT(Node, metadata.labels));
	node->taints = doc_at(doc, AT(Node, spec.taints));
	node->images = doc_at(doc, AT(Node, status.images));
	node->unschedulable = doc_at_bool(doc, AT(Node, spec.unschedulable), false);
	node->has = (struct amounts){ 0 };
	amounts_add_list(&node->has, &picture->names, doc_at(doc, AT(Node, status.allocatable)));
	node->changed = ++picture->generation;
}

bool picture_set_node(struct picture *picture, struct str name, struct version *version)
{
	struct node *node = node_get(picture, name);
	struct version *before = node->version;
	if (!version)
		return node_goes(picture, node);
	bool moved = moves(before, version);
	/* Heartbeats change a node every few seconds and mean nothing here: the old one is kept. */
	if (!moved && !differs(before, version, AT(Node, spec.unschedulable)) &&
	    !differs(before, version, AT(Node, status.allocatable)) &&
	    !differs(before, version, AT(Node, status.images)))
		return false;
	bool images_only = !moved && !differs(before, version, AT(Node, spec.unschedulable)) &&
			   !differs(before, version, AT(Node, status.allocatable));
	if (before && moved)
		leave(picture, node);
	if (!before)
		node->slot = slot_take(picture, node);
	node_read(picture, node, version);
	if (moved) {
		join(picture, node);
		picture->list_stale = true;
	}
	version_unref(before);
	return !images_only;
}
