/* Namespaces: one that goes leaves nothing behind; one that stays has what every one has. */
#include "controllers/pod.h"
#include "sim/check.h"

static void hear(struct world *world, void *state, const struct store_event *event)
{
	(void)state;
	if (event->version->kind != KIND_Namespace || event->type != EVENT_DELETED)
		return;
	for (kind_id id = 1; id < KIND_COUNT; id++) {
		const struct api_kind *kind = schema_kind(world->schema, id);
		if (!kind->namespaced || !(kind->verbs & API_VERB_LIST) || kind->stored != kind)
			continue;
		EACH_IN(world, id, event->version->name, left)
		{
			world_broken(world, STR_FMT " " STR_FMT " outlives its namespace",
				     STR_ARG(kind->kind), STR_ARG(left->name));
		}
	}
}

static void rest(struct world *world, void *state)
{
	(void)state;
	EACH(world, KIND_Namespace, namespace)
	{
		struct str name = namespace->name;
		if (!store_get(world->store, KIND_ServiceAccount, name, STR("default")))
			world_broken(world, "namespace " STR_FMT " has no service account",
				     STR_ARG(name));
		if (!store_get(world->store, KIND_ConfigMap, name, STR("kube-root-ca.crt")))
			world_broken(world, "namespace " STR_FMT " has no root certificate",
				     STR_ARG(name));
	}
}

const struct check check_namespace = { .name = "namespace", .hear = hear, .rest = rest };
