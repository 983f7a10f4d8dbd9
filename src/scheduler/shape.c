/* Reading pods into shapes, and finding the shape of a pod again by the bytes it was read from. */
#include "scheduler/shape.h"

#include <stdlib.h>

#include "base/check.h"
#include "controllers/controller.h"
#include "controllers/toleration.h"

enum { REMEMBERED_LEAST = 256, REMEMBERED_MAX = 1 << 19 };

/* ---- keys */

static void write_containers(struct buffer *out, const struct doc *containers)
{
	u32 len = doc_len(containers);
	buffer_add(out, &len, sizeof len);
	doc_each_item(containers, container) {
		essence_write(out, doc_key(container, "image"));
		essence_write(out, doc_at(container, "resources.requests"));
		essence_write(out, doc_key(container, "ports"));
		essence_write(out, doc_key(container, "restartPolicy"));
	}
}

static void write_sort(struct buffer *out, const struct doc *pod)
{
	essence_write_str(out, doc_at_str(pod, "metadata.namespace"));
	essence_write(out, doc_at(pod, "metadata.labels"));
}

static void write_shape(struct buffer *out, const struct doc *pod)
{
	static const struct str fields[] = {
		STR_INIT("nodeSelector"), STR_INIT("affinity"),		STR_INIT("tolerations"),
		STR_INIT("priority"),	  STR_INIT("preemptionPolicy"), STR_INIT("overhead"),
		STR_INIT("resources"),
	};
	const struct doc *spec = doc_key(pod, "spec");
	const struct doc *spread = doc_key(spec, "topologySpreadConstraints");
	write_sort(out, pod);
	for (u32 i = 0; i < ARRAY_LEN(fields); i++)
		essence_write(out, doc_get(spec, fields[i]));
	write_containers(out, doc_key(spec, "containers"));
	write_containers(out, doc_key(spec, "initContainers"));
	essence_write(out, spread);
	if (!doc_len(spread)) /* then its owner says what it is spread by */
		essence_write(out, object_controller(pod));
}

/* ---- sorts */

static struct sort *sort_of(struct picture *picture, const struct doc *pod)
{
	buffer_clear(&picture->key);
	write_sort(&picture->key, pod);
	struct sort *sort = map_get(&picture->sorts, buffer_str(&picture->key));
	if (sort)
		return sort;
	struct arena *arena = arena_new(512);
	sort = ARENA_NEW(arena, struct sort);
	sort->arena = arena;
	sort->key = str_copy(arena, buffer_str(&picture->key));
	sort->namespace = str_copy(arena, doc_at_str(pod, "metadata.namespace"));
	const struct doc *labels = doc_at(pod, "metadata.labels");
	sort->labels = labels ? doc_copy(arena, labels) : NULL;
	map_put(&picture->sorts, sort->key, sort);
	return sort;
}

static bool tally_speaks_of(const struct tally *tally, struct store *store, const struct sort *sort)
{
	for (u32 i = 0; i < tally->scopes_len; i++)
		if (!scope_matches(&tally->scopes[i], store, sort->namespace, sort->labels))
			return false;
	return true;
}

void sort_refresh(struct picture *picture, struct sort *sort)
{
	for (; sort->tallies_seen < picture->tallies_len; sort->tallies_seen++) {
		struct tally *tally = picture->tallies[sort->tallies_seen];
		if (tally_speaks_of(tally, picture->store, sort))
			VEC_PUSH(sort->arena, &sort->tallies, tally);
	}
	for (; sort->bonds_seen < picture->bonds_len; sort->bonds_seen++) {
		struct bond *bond = picture->bonds[sort->bonds_seen];
		if (scope_matches(&bond->scope, picture->store, sort->namespace, sort->labels))
			VEC_PUSH(sort->arena, &sort->bonds, bond);
	}
}

void sort_free(struct sort *sort)
{
	arena_free(sort->arena);
}

/* ---- shapes */

static u32 address_number(struct str ip)
{
	u32 hash = 2166136261u;
	if (!ip.len || str_is(ip, "0.0.0.0"))
		return 0;
	for (size_t i = 0; i < ip.len; i++)
		hash = (hash ^ (u8)ip.at[i]) * 16777619u;
	return hash | 1;
}

static void read_ports(struct shape *shape, const struct doc *containers, bool sidecars_only)
{
	doc_each_item(containers, container) {
		if (sidecars_only &&
		    !str_is(doc_str(doc_key(container, "restartPolicy")), "Always"))
			continue;
		doc_each_item(doc_key(container, "ports"), port) {
			i64 number = doc_int_or(doc_key(port, "hostPort"), 0);
			struct str protocol = doc_str_or(doc_key(port, "protocol"), STR("TCP"));
			struct host_port wanted = {
				.port = (u16)number,
				.protocol = (u8)(protocol.len ? protocol.at[0] : 'T'),
				.ip = address_number(doc_str(doc_key(port, "hostIP"))),
			};
			if (number)
				VEC_PUSH(shape->arena, &shape->ports, wanted);
		}
	}
}

static struct shape *shape_make(struct picture *picture, const struct doc *pod, struct str key)
{
	struct arena *arena = arena_new(1024);
	struct shape *shape = ARENA_NEW(arena, struct shape);
	shape->arena = arena;
	shape->key = str_copy(arena, key);
	shape->sort = sort_of(picture, pod);
	amounts_of_pod(&shape->amounts, &picture->names, pod);
	for (u32 i = 0; i < picture->names.len; i++)
		if (shape->amounts.at[i])
			shape->asked[shape->asked_len++] = i;
	shape->wishes = wishes_of_pod(&picture->names, pod);
	shape->best_effort = !shape->amounts.at[AMOUNT_CPU] && !shape->amounts.at[AMOUNT_MEMORY];
	shape->priority = pod_priority(pod);
	shape->never_preempts = str_is(doc_at_str(pod, AT(Pod, spec.preemptionPolicy)), "Never");
	read_ports(shape, doc_at(pod, AT(Pod, spec.containers)), false);
	read_ports(shape, doc_at(pod, AT(Pod, spec.initContainers)), true);
	shape_read_bonds(picture, shape, pod);
	return shape;
}

struct shape *shape_of(struct picture *picture, const struct doc *pod)
{
	buffer_clear(&picture->key);
	write_shape(&picture->key, pod);
	CHECK(!picture->key.full);
	struct str key = buffer_str(&picture->key);
	struct shape *shape = map_get(&picture->shapes, key);
	if (shape)
		return shape;
	struct arena *scratch CLEANUP(arena_free_cleanup) = arena_new(key.len + 64);
	shape = shape_make(picture, pod, str_copy(scratch, key));
	map_put(&picture->shapes, shape->key, shape);
	picture->shapes_bytes += sizeof *shape + 4 * key.len;
	return shape;
}

/* As many places as there are pods, four times over, so that few fall on one. */
static void remember_begin(struct picture *picture)
{
	u32 cap = REMEMBERED_LEAST;
	while (cap < 4 * picture->pods && cap < REMEMBERED_MAX)
		cap *= 2;
	picture->remembered = calloc(cap, sizeof *picture->remembered);
	CHECK(picture->remembered);
	picture->remembered_cap = cap;
}

struct shape *shape_of_version(struct picture *picture, const struct version *pod)
{
	if (!picture->remembered)
		remember_begin(picture);
	struct remembered *slot =
		&picture->remembered[pod->revision & (picture->remembered_cap - 1)];
	if (slot->revision != pod->revision) /* no two versions share one */
		*slot = (struct remembered){ pod->revision, shape_of(picture, pod->doc) };
	return slot->shape;
}

/* ---- what is needed to place one */

static bool tolerates_cordon(const struct doc *tolerations)
{
	static const struct doc taint_items[] = {
		{ .type = DOC_STRING, .len = 3, .text = "key" },
		{ .type = DOC_STRING, .len = 32, .text = "node.kubernetes.io/unschedulable" },
		{ .type = DOC_STRING, .len = 6, .text = "effect" },
		{ .type = DOC_STRING, .len = 10, .text = "NoSchedule" },
	};
	static const struct doc taint = { .type = DOC_OBJECT, .len = 2, .items = taint_items };
	return tolerations && tolerations_tolerate(tolerations, &taint);
}

/* Names that one term of matchFields allows, added to `only`; false when it says nothing of names.
 */
static bool term_names(struct shape *shape, const struct doc *term)
{
	doc_each_item(doc_key(term, "matchFields"), field) {
		if (!str_is(doc_str(doc_key(field, "key")), "metadata.name") ||
		    !str_is(doc_str(doc_key(field, "operator")), "In"))
			continue;
		doc_each_item(doc_key(field, "values"), value) {
			VEC_PUSH(shape->arena, &shape->only, doc_str(value));
		}
		return true;
	}
	return false;
}

/* When every term names nodes, only those need to be looked at: pods of DaemonSets do. */
static void read_only(struct shape *shape)
{
	const struct doc *terms =
		doc_at(shape->affinity,
		       "requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms");
	shape->only_some = doc_len(terms) > 0;
	doc_each_item(terms, term) {
		shape->only_some = shape->only_some && term_names(shape, term);
	}
	if (!shape->only_some)
		shape->only.len = 0;
}

struct shape *shape_to_place(struct picture *picture, const struct doc *pod)
{
	struct shape *shape = shape_of(picture, pod);
	if (shape->read)
		return shape;
	shape->read = true;
	const struct doc *spec = doc_copy(shape->arena, doc_key(pod, "spec"));
	shape->spec = spec;
	shape->tolerations = doc_key(spec, "tolerations");
	shape->tolerates_unschedulable = tolerates_cordon(shape->tolerations);
	shape->selector = doc_key(spec, "nodeSelector");
	shape->affinity = doc_at(spec, "affinity.nodeAffinity");
	doc_each_item(doc_key(spec, "initContainers"), container) {
		VEC_PUSH(shape->arena, &shape->images, doc_str(doc_key(container, "image")));
	}
	doc_each_item(doc_key(spec, "containers"), container) {
		VEC_PUSH(shape->arena, &shape->images, doc_str(doc_key(container, "image")));
	}
	read_only(shape);
	shape_read_terms(picture, shape, pod);
	return shape;
}

void shape_free(struct shape *shape)
{
	free(shape->verdicts);
	arena_free(shape->arena);
}
