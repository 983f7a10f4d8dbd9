/* Keeping the picture of the nodes. */
#include "scheduler/nodes.h"

#include <stdlib.h>

#include "base/check.h"
#include "controllers/controller.h"
#include "controllers/pod.h"

static u64 mix(u64 hash, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		hash = (hash ^ (u8)s.at[i]) * 1099511628211u;
	return hash;
}

static u64 hash_of(struct str s)
{
	return mix(14695981039346656037u, s);
}

void nodes_init(struct nodes *nodes)
{
	*nodes = (struct nodes){ 0 };
	resource_names_init(&nodes->names);
}

static void node_free(struct node *node)
{
	version_unref(node->version);
	free(node->name);
	free(node->ports);
	free(node->owners);
	free(node);
}

void nodes_release(struct nodes *nodes)
{
	for (struct map_entry *e = NULL; (e = map_next(&nodes->by_name, e));)
		node_free(e->value);
	map_release(&nodes->by_name);
	resource_names_release(&nodes->names);
	free(nodes->list);
}

static struct node *node_get(struct nodes *nodes, struct str name)
{
	struct node *node = map_get(&nodes->by_name, name);
	if (node)
		return node;
	node = calloc(1, sizeof *node);
	CHECK(node);
	node->name = strndup(name.at, name.len);
	CHECK(node->name);
	map_put(&nodes->by_name, str_of(node->name), node);
	return node;
}

/* A node nobody speaks of any more is forgotten. */
static void node_drop(struct nodes *nodes, struct node *node)
{
	if (node->version || node->pods)
		return;
	map_remove(&nodes->by_name, str_of(node->name));
	node_free(node);
}

static void list_add(struct nodes *nodes, struct node *node)
{
	if (nodes->len == nodes->cap) {
		nodes->cap = nodes->cap ? nodes->cap * 2 : 16;
		nodes->list = realloc(nodes->list, nodes->cap * sizeof *nodes->list);
		CHECK(nodes->list);
	}
	node->at = nodes->len;
	nodes->list[nodes->len++] = node;
}

static void list_remove(struct nodes *nodes, struct node *node)
{
	nodes->list[node->at] = nodes->list[--nodes->len];
	nodes->list[node->at]->at = node->at;
}

/* Heartbeats change a node every few seconds and mean nothing here. */
static bool matters(const struct version *before, const struct version *now)
{
	if (!before)
		return true;
	const struct doc *a = before->doc, *b = now->doc;
	return !doc_eq(doc_key(a, "spec"), doc_key(b, "spec")) ||
	       !doc_eq(doc_at(a, AT(Node, metadata.labels)),
		       doc_at(b, AT(Node, metadata.labels))) ||
	       !doc_eq(doc_at(a, AT(Node, status.allocatable)),
		       doc_at(b, AT(Node, status.allocatable)));
}

bool nodes_set(struct nodes *nodes, struct str name, struct version *version)
{
	struct node *node = node_get(nodes, name);
	struct version *before = node->version;
	if (!version) {
		if (before)
			list_remove(nodes, node);
		node->version = NULL;
		version_unref(before);
		node_drop(nodes, node);
		return false;
	}
	if (!before)
		list_add(nodes, node);
	bool changed = matters(before, version);
	const struct doc *doc = version->doc;
	node->version = version_ref(version);
	node->labels = doc_at(doc, AT(Node, metadata.labels));
	node->taints = doc_at(doc, AT(Node, spec.taints));
	node->images = doc_at(doc, AT(Node, status.images));
	node->unschedulable = doc_at_bool(doc, AT(Node, spec.unschedulable), false);
	if (changed) {
		node->has = (struct amounts){ 0 };
		amounts_add_list(&node->has, &nodes->names,
				 doc_at(doc, AT(Node, status.allocatable)));
	}
	version_unref(before);
	return changed;
}

/* ---- pods */

bool pod_takes_room(const struct doc *pod)
{
	return doc_at_str(pod, AT(Pod, spec.nodeName)).len && !pod_finished(pod);
}

u64 pod_owner(const struct doc *pod)
{
	const struct doc *ref = object_controller(pod);
	if (!ref)
		return 0;
	return hash_of(doc_str(doc_key(ref, "uid")));
}

u32 node_owner_count(const struct node *node, u64 owner)
{
	for (u32 i = 0; i < node->owners_len; i++)
		if (node->owners[i].owner == owner)
			return node->owners[i].count;
	return 0;
}

static void count_owner(struct node *node, u64 owner, int sign)
{
	if (!owner)
		return;
	u32 i = 0;
	while (i < node->owners_len && node->owners[i].owner != owner)
		i++;
	if (i == node->owners_len) {
		if (node->owners_len == node->owners_cap) {
			node->owners_cap = node->owners_cap ? node->owners_cap * 2 : 4;
			node->owners =
				realloc(node->owners, node->owners_cap * sizeof *node->owners);
			CHECK(node->owners);
		}
		node->owners[node->owners_len++] = (struct owner_count){ owner, 0 };
	}
	node->owners[i].count += (u32)sign;
	if (!node->owners[i].count)
		node->owners[i] = node->owners[--node->owners_len];
}

void pod_each_port(const struct doc *pod, void (*call)(void *self, struct host_port port),
		   void *self)
{
	doc_each_item(doc_at(pod, AT(Pod, spec.containers)), container) {
		doc_each_item(doc_key(container, "ports"), port) {
			i64 number = doc_int_or(doc_key(port, "hostPort"), 0);
			struct str ip = doc_str(doc_key(port, "hostIP"));
			struct str protocol = doc_str_or(doc_key(port, "protocol"), STR("TCP"));
			bool any = !ip.len || str_is(ip, "0.0.0.0");
			if (number)
				call(self, (struct host_port){ number, (u32)hash_of(protocol),
							       any ? 0 : (u32)hash_of(ip) | 1 });
		}
	}
}

static void add_port(void *self, struct host_port port)
{
	struct node *node = self;
	if (node->ports_len == node->ports_cap) {
		node->ports_cap = node->ports_cap ? node->ports_cap * 2 : 4;
		node->ports = realloc(node->ports, node->ports_cap * sizeof *node->ports);
		CHECK(node->ports);
	}
	node->ports[node->ports_len++] = port;
}

static void remove_port(void *self, struct host_port port)
{
	struct node *node = self;
	for (u32 i = 0; i < node->ports_len; i++) {
		if (memcmp(&node->ports[i], &port, sizeof port) != 0)
			continue;
		node->ports[i] = node->ports[--node->ports_len];
		return;
	}
}

void nodes_count_pod(struct nodes *nodes, const struct doc *pod, int sign)
{
	struct node *node = node_get(nodes, doc_at_str(pod, AT(Pod, spec.nodeName)));
	struct amounts amounts;
	amounts_of_pod(&amounts, &nodes->names, pod);
	for (u32 i = 0; i < nodes->names.len; i++)
		node->taken.at[i] += sign * amounts.at[i];
	struct wishes wishes = wishes_of_pod(pod, &amounts);
	node->wished.cpu += sign * wishes.cpu;
	node->wished.memory += sign * wishes.memory;
	node->pods += (u32)sign;
	count_owner(node, pod_owner(pod), sign);
	pod_each_port(pod, sign > 0 ? add_port : remove_port, node);
	node_drop(nodes, node);
}
