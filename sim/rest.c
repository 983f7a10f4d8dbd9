/* How a cluster looks when nobody disturbs it any more: everything is as it was wanted. */
#include "controllers/labels.h"
#include "controllers/pod.h"
#include "scheduler/decide.h"
#include "sim/world.h"

#define EACH(world, kind, v)                                                                       \
	struct store_iter v##_iter;                                                                \
	store_iter_start(&v##_iter, (world)->store, (kind), STR_NONE, STR_NONE, STR_NONE);         \
	for (struct version * v; ((v) = store_iter_next(&v##_iter));)

static i64 number(const struct version *v, const char *path)
{
	return doc_at_int(v->doc, path, 0);
}

static void check_deployments(struct world *world)
{
	EACH(world, KIND_Deployment, d)
	{
		i64 wanted = number(d, "spec.replicas");
		if (number(d, "status.updatedReplicas") != wanted ||
		    number(d, "status.replicas") != wanted ||
		    number(d, "status.availableReplicas") != wanted)
			world_broken(world,
				     "deployment " STR_FMT " rests at %lld replicas, %lld updated, "
				     "%lld available of %lld",
				     STR_ARG(d->name), (long long)number(d, "status.replicas"),
				     (long long)number(d, "status.updatedReplicas"),
				     (long long)number(d, "status.availableReplicas"),
				     (long long)wanted);
		if (number(d, "status.observedGeneration") != number(d, "metadata.generation"))
			world_broken(world, "deployment " STR_FMT " has not been looked at",
				     STR_ARG(d->name));
	}
}

static void check_sets(struct world *world, kind_id kind)
{
	EACH(world, kind, set)
	{
		struct version_list pods =
			store_owned(world->store, world->arena, set->uid, KIND_Pod);
		i64 active = 0, ready = 0, wanted = number(set, "spec.replicas");
		for (u32 i = 0; i < pods.len; i++) {
			active += pod_active(pods.at[i]);
			ready += pod_active(pods.at[i]) && pod_ready(pods.at[i]->doc);
		}
		if (active != wanted || number(set, "status.replicas") != wanted ||
		    number(set, "status.readyReplicas") != ready)
			world_broken(world,
				     "set " STR_FMT " has %lld pods of %lld, says %lld, ready %lld "
				     "of %lld",
				     STR_ARG(set->name), (long long)active, (long long)wanted,
				     (long long)number(set, "status.replicas"),
				     (long long)number(set, "status.readyReplicas"),
				     (long long)ready);
	}
}

/* A pod may only wait where there is truly no room for it. */
static void check_pods(struct world *world)
{
	struct picture picture;
	picture_init(&picture, world->store);
	EACH(world, KIND_Node, node)
	{
		picture_set_node(&picture, node->name, node);
	}
	EACH(world, KIND_Pod, placed)
	{
		if (pod_takes_room(placed->doc))
			picture_count_pod(&picture, placed->doc, 1);
	}
	EACH(world, KIND_Pod, pod)
	{
		struct ask ask;
		struct decision decision;
		if (object_deleting(pod->doc))
			world_broken(world, "pod " STR_FMT " never goes", STR_ARG(pod->name));
		if (pod_takes_room(pod->doc) || pod_finished(pod->doc) ||
		    doc_len(doc_at(pod->doc, AT(Pod, spec.schedulingGates))))
			continue;
		ask_init(&ask, &picture, pod, world->arena);
		decide(&ask, &decision);
		if (decision.node)
			world_broken(world, "pod " STR_FMT " waits, but %s has room",
				     STR_ARG(pod->name), decision.node->name);
	}
	picture_release(&picture);
}

/* No object names an owner that is not there. */
static void check_owners(struct world *world)
{
	for (kind_id id = 1; id < KIND_COUNT; id++) {
		if (!(schema_kind(world->schema, id)->verbs & API_VERB_LIST))
			continue;
		EACH(world, id, object)
		{
			const struct doc *ref = object_controller(object->doc);
			if (!ref)
				continue;
			const struct api_kind *kind =
				schema_find_kind(world->schema, doc_str(doc_key(ref, "apiVersion")),
						 doc_str(doc_key(ref, "kind")));
			struct version *owner =
				kind ? store_get(world->store, kind->id,
						 kind->namespaced ? object->namespace : STR_NONE,
						 doc_str(doc_key(ref, "name")))
				     : NULL;
			if (!owner || !str_eq(owner->uid, doc_str(doc_key(ref, "uid"))))
				world_broken(world, STR_FMT " " STR_FMT " has no owner any more",
					     STR_ARG(schema_kind(world->schema, id)->kind),
					     STR_ARG(object->name));
		}
	}
}

static u32 count_addresses(const struct doc *endpoints)
{
	u32 count = 0;
	doc_each_item(doc_key(endpoints, "subsets"), subset) {
		count += doc_len(doc_key(subset, "addresses"));
	}
	return count;
}

static void check_services(struct world *world)
{
	EACH(world, KIND_Service, service)
	{
		const struct doc *selector = doc_at(service->doc, "spec.selector");
		if (!doc_len(selector))
			continue;
		u32 ready = 0, in_slices = 0;
		EACH(world, KIND_Pod, pod)
		{
			ready += str_eq(pod->namespace, service->namespace) &&
				 labels_contain(doc_at(pod->doc, "metadata.labels"), selector) &&
				 pod_ready(pod->doc) && !pod_finished(pod->doc);
		}
		struct version *endpoints =
			store_get(world->store, KIND_Endpoints, service->namespace, service->name);
		u32 addresses = endpoints ? count_addresses(endpoints->doc) : 0;
		EACH(world, KIND_EndpointSlice, slice)
		{
			if (object_controlled_by(slice->doc, service->uid))
				in_slices += doc_len(doc_key(slice->doc, "endpoints"));
		}
		if (addresses != ready || (!world->tight && in_slices != ready))
			world_broken(world,
				     "service " STR_FMT
				     ": %u pods ready, %u addresses, %u in slices",
				     STR_ARG(service->name), ready, addresses, in_slices);
	}
}

static void check_namespaces(struct world *world)
{
	EACH(world, KIND_Namespace, namespace)
	{
		if (object_deleting(namespace->doc))
			world_broken(world, "namespace " STR_FMT " never goes",
				     STR_ARG(namespace->name));
		if (!store_get(world->store, KIND_ServiceAccount, namespace->name, STR("default")))
			world_broken(world, "namespace " STR_FMT " has no service account",
				     STR_ARG(namespace->name));
		if (!store_get(world->store, KIND_ConfigMap, namespace->name,
			       STR("kube-root-ca.crt")))
			world_broken(world, "namespace " STR_FMT " has no root certificate",
				     STR_ARG(namespace->name));
	}
}

static void check_nodes(struct world *world)
{
	EACH(world, KIND_Node, node)
	{
		if (!condition_is(node->doc, "Ready", "True") ||
		    doc_len(doc_at(node->doc, "spec.taints")))
			world_broken(world, "node " STR_FMT " has not recovered",
				     STR_ARG(node->name));
	}
}

void rest_check(struct world *world)
{
	check_nodes(world);
	check_pods(world);
	if (!world->tight) {
		check_deployments(world);
		check_sets(world, KIND_ReplicaSet);
	}
	check_sets(world, KIND_ReplicationController);
	check_owners(world);
	check_services(world);
	check_namespaces(world);
}
