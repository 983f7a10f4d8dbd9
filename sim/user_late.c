/*
 * The user who looked a while ago and acts on what was seen then: the server must notice by the
 * resourceVersion or the uid that it is no longer so.
 */
#include "controllers/pod.h"
#include "sim/hands.h"
#include "sim/user.h"

static const kind_id kinds[] = { KIND_Deployment, KIND_ReplicaSet, KIND_Job, KIND_ConfigMap,
				 KIND_Pod };

static void look(struct world *world)
{
	struct version *seen = hand_any(world, kinds[roll(world, ARRAY_LEN(kinds))]);
	if (!seen)
		return;
	version_unref(world->glimpse);
	world->glimpse = version_ref(seen);
}

static void write_over(struct world *world, const struct version *seen, const struct version *there)
{
	struct call call = { .server = world->server, .arena = world->arena };
	struct outcome outcome = { 0 };
	struct error error = ERROR_INIT;
	u64 revision = there ? there->revision : 0;
	const struct doc *doc = doc_set_str(world->arena, seen->doc, "metadata.annotations.late",
					    str_format(world->arena, "%u", roll(world, 9)));
	world_note(world, "user", "updates late", seen->kind, seen->name);
	enum status status =
		verb_update(&call, schema_kind(world->schema, seen->kind), seen->namespace,
			    seen->name, STR_NONE, doc, &outcome, &error);
	if (status == ST_OK && seen->revision != revision)
		world_broken(world, "%s was written over: %llu is there, %llu was seen",
			     str_c(world->arena, seen->name), (unsigned long long)revision,
			     (unsigned long long)seen->revision);
}

/* Means the one it saw, not another of the same name. */
static void delete_seen(struct world *world, const struct version *seen,
			const struct version *there)
{
	struct call call = { .server = world->server, .arena = world->arena };
	struct outcome outcome = { 0 };
	struct error error = ERROR_INIT;
	struct delete_options options = { .grace_s = -1, .uid = seen->uid };
	bool other = there && !str_eq(there->uid, seen->uid);
	world_note(world, "user", "deletes late", seen->kind, seen->name);
	enum status status = verb_delete(&call, schema_kind(world->schema, seen->kind),
					 seen->namespace, seen->name, &options, &outcome, &error);
	if (status == ST_OK && other)
		world_broken(world, STR_FMT " was deleted, another was meant", STR_ARG(seen->name));
}

void user_is_late(struct world *world)
{
	struct version *seen = world->glimpse;
	if (!seen || luck(world, 400))
		return look(world);
	struct version *there = store_get(world->store, seen->kind, seen->namespace, seen->name);
	hand_disturbs(world);
	if (luck(world, 700))
		write_over(world, seen, there);
	else
		delete_seen(world, seen, there);
}
