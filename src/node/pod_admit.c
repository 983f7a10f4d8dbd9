/* https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction, and kubelet's
 * lifecycle handlers for the order of the questions. */
#include "node/pod_admit.h"

#include "node/pod_worker.h"
#include "schema/quantity.h"
#include "schema/selector.h"
#include "server/pod_resources.h"

static const struct str too_much = STR_INIT("Evicted");

/* ---- labels */

static bool expressions_match(struct arena *arena, const struct doc *term, const struct doc *labels)
{
	struct selector *selector = NULL;
	const struct doc *expressions = doc_key(term, "matchExpressions");

	if (!doc_len(expressions))
		return doc_len(doc_key(term, "matchFields")) > 0; /* by name, which fits already */
	return selector_from_node_terms(arena, expressions, &selector, NULL) == ST_OK &&
	       selector_matches(selector, labels);
}

static const struct doc *required_terms(const struct doc *pod)
{
	return doc_at(pod, "spec.affinity.nodeAffinity"
			   ".requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms");
}

static bool labels_fit(struct arena *arena, const struct doc *pod, const struct doc *labels)
{
	const struct doc *wanted = doc_at(pod, "spec.nodeSelector"), *terms = required_terms(pod);
	bool any = !doc_len(terms);

	doc_each_pair(wanted, key, value)
		if (!str_eq(doc_str(doc_get(labels, key)), doc_str(value)))
			return false;
	doc_each_item(terms, term)
		any |= expressions_match(arena, term, labels);
	return any;
}

bool pod_wants_labels(const struct doc *pod)
{
	return doc_len(doc_at(pod, "spec.nodeSelector")) || doc_len(required_terms(pod));
}

/* ---- room */

static i64 amount_of(const struct amounts *amounts, const char *name, bool milli)
{
	const struct quantity *quantity = amounts_get(amounts, str_of(name));

	if (!quantity)
		return 0;
	return milli ? quantity_milli(*quantity) : quantity_value(*quantity);
}

void pod_add_requests(struct arena *arena, const struct doc *pod, i64 *cpu_milli, i64 *memory_bytes)
{
	struct amounts asked = pod_amounts(arena, doc_key(pod, "spec"), "requests");

	*cpu_milli += amount_of(&asked, "cpu", true);
	*memory_bytes += amount_of(&asked, "memory", false);
}

static struct verdict out_of(struct arena *arena, const char *name, i64 asked, i64 used, i64 room)
{
	return (struct verdict){
		str_format(arena, "OutOf%s", name),
		str_format(arena,
			   "Node didn't have enough resource: %s, requested: "
			   "%lld, used: %lld, capacity: %lld",
			   name, (long long)asked, (long long)used, (long long)room),
	};
}

struct verdict pod_admit(struct arena *arena, const struct doc *pod, const struct node_room *room)
{
	struct str os = doc_at_str(pod, "spec.os.name");
	i64 cpu = 0, memory = 0;

	if (os.len && !str_is(os, "linux"))
		return (struct verdict){ STR("PodOSNotSupported"),
					 STR("Failed to admit pod as the OS "
					     "field doesn't match node OS") };
	/* A pod that counts on being nobody outside must not run as root instead. */
	if (!doc_bool_or(doc_at(pod, "spec.hostUsers"), true))
		return (struct verdict){ STR("PodFeatureUnsupported"),
					 STR("Failed to admit pod: this node gives pods no user "
					     "namespace of their own (hostUsers: false)") };
	pod_add_requests(arena, pod, &cpu, &memory);
	if (room->pods >= room->pods_max)
		return out_of(arena, "pods", 1, room->pods, room->pods_max);
	if (cpu > 0 && room->used_cpu_milli + cpu > room->cpu_milli)
		return out_of(arena, "cpu", cpu, room->used_cpu_milli, room->cpu_milli);
	if (memory > 0 && room->used_memory_bytes + memory > room->memory_bytes)
		return out_of(arena, "memory", memory, room->used_memory_bytes, room->memory_bytes);
	if (room->labels && !labels_fit(arena, pod, room->labels))
		return (struct verdict){ STR("NodeAffinity"),
					 STR("Predicate NodeAffinity failed: node(s) didn't match "
					     "Pod's node affinity/selector") };
	return (struct verdict){ 0 };
}

/* ---- disk */

static const struct doc *disk_limit(const struct doc *container)
{
	return doc_get(doc_at(container, "resources.limits"), STR("ephemeral-storage"));
}

static bool on_disk_with_limit(const struct doc *volume)
{
	const struct doc *empty = doc_key(volume, "emptyDir");

	return doc_key(empty, "sizeLimit") && !str_is(doc_at_str(empty, "medium"), "Memory");
}

bool pod_limits_storage(const struct doc *pod)
{
	for (u32 i = 0; i < pod_containers_len(pod); i++)
		if (disk_limit(pod_container(pod, i)))
			return true;
	doc_each_item(doc_at(pod, "spec.volumes"), volume)
		if (on_disk_with_limit(volume))
			return true;
	return false;
}

static struct verdict volumes_verdict(struct arena *arena, const struct doc *pod,
				      const struct storage_use *use)
{
	doc_each_item(doc_at(pod, "spec.volumes"), volume) {
		const struct doc *limit = doc_at(volume, "emptyDir.sizeLimit");
		struct str name = doc_at_str(volume, "name");

		for (u32 i = 0; on_disk_with_limit(volume) && i < use->volumes_len; i++)
			if (str_eq(use->volumes[i], name) &&
			    use->volume_bytes[i] > quantity_value(quantity_of(limit)))
				return (struct verdict){
					too_much,
					str_format(
						arena,
						"Usage of EmptyDir volume \"" STR_FMT
						"\" exceeds the limit \"" STR_FMT "\". ",
						STR_ARG(name),
						STR_ARG(quantity_print(arena, quantity_of(limit))))
				};
	}
	return (struct verdict){ 0 };
}

/* All together: what containers and emptyDir volumes hold, against the sum of the limits. */
static struct verdict pod_verdict(struct arena *arena, const struct doc *pod,
				  const struct storage_use *use)
{
	struct amounts limits = pod_amounts(arena, doc_key(pod, "spec"), "limits");
	const struct quantity *limit = amounts_get(&limits, STR("ephemeral-storage"));
	i64 used = 0;

	for (u32 i = 0; i < use->volumes_len; i++)
		used += use->volume_bytes[i];
	for (u32 i = 0; i < use->containers_len; i++)
		used += use->container_bytes[i];
	if (!limit || used <= quantity_value(*limit))
		return (struct verdict){ 0 };
	return (struct verdict){
		too_much, str_format(arena,
				     "Pod ephemeral local storage usage exceeds the total limit of "
				     "containers " STR_FMT ". ",
				     STR_ARG(quantity_print(arena, *limit)))
	};
}

struct verdict pod_storage_verdict(struct arena *arena, const struct doc *pod,
				   const struct storage_use *use)
{
	struct verdict verdict = volumes_verdict(arena, pod, use);

	if (!verdict.reason.len)
		verdict = pod_verdict(arena, pod, use);
	for (u32 i = 0; !verdict.reason.len && i < use->containers_len; i++) {
		const struct doc *container = pod_container(pod, i), *limit = disk_limit(container);

		if (!limit || use->container_bytes[i] <= quantity_value(quantity_of(limit)))
			continue;
		verdict = (struct verdict){
			too_much,
			str_format(arena,
				   "Container " STR_FMT " exceeded its local ephemeral storage "
				   "limit \"" STR_FMT "\". ",
				   STR_ARG(doc_at_str(container, "name")),
				   STR_ARG(quantity_print(arena, quantity_of(limit))))
		};
	}
	return verdict;
}
