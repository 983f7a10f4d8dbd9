/*
 * Owners: the garbage collector takes nothing whose owner lives; who is deleted in the foreground
 * goes after what blocks it, who leaves orphans lets go of them first; at rest nobody names an
 * owner that is no more.
 */
#include "controllers/pod.h"
#include "sim/check.h"

static const char collector[] = "generic-garbage-collector";

static bool has_finalizer(const struct doc *object, const char *name)
{
	doc_each_item(doc_at(object, "metadata.finalizers"), finalizer) {
		if (str_is(doc_str(finalizer), name))
			return true;
	}
	return false;
}

static struct version *owner_of(struct world *world, const struct version *object,
				const struct doc *ref)
{
	const struct api_kind *kind = schema_find_kind(
		world->schema, doc_str(doc_key(ref, "apiVersion")), doc_str(doc_key(ref, "kind")));
	struct version *owner = kind ? store_get(world->store, kind->id,
						 kind->namespaced ? object->namespace : STR_NONE,
						 doc_str(doc_key(ref, "name")))
				     : NULL;
	return owner && str_eq(owner->uid, doc_str(doc_key(ref, "uid"))) ? owner : NULL;
}

static void judge_delete(struct world *world, const struct version *object)
{
	doc_each_item(doc_at(object->doc, "metadata.ownerReferences"), ref) {
		struct version *owner = owner_of(world, object, ref);
		if (owner && !has_finalizer(owner->doc, "foregroundDeletion"))
			world_broken(world, STR_FMT " is collected, its owner " STR_FMT " lives",
				     STR_ARG(object->name), STR_ARG(owner->name));
	}
}

/* The last finalizer goes: nothing may be left that it was there for. */
static void judge_release(struct world *world, const struct version *object,
			  const struct doc *changed)
{
	bool waited = has_finalizer(object->doc, "foregroundDeletion") &&
		      !has_finalizer(changed, "foregroundDeletion");
	bool orphaned = has_finalizer(object->doc, "orphan") && !has_finalizer(changed, "orphan");
	struct version_list list = store_owned(world->store, world->arena, object->uid, 0);
	for (u32 i = 0; (waited || orphaned) && i < list.len; i++) {
		doc_each_item(doc_at(list.at[i]->doc, "metadata.ownerReferences"), ref) {
			bool blocks = doc_bool_or(doc_key(ref, "blockOwnerDeletion"), false);
			if (str_eq(doc_str(doc_key(ref, "uid")), object->uid) &&
			    (orphaned || blocks))
				world_broken(world, STR_FMT " is let go before " STR_FMT,
					     STR_ARG(object->name), STR_ARG(list.at[i]->name));
		}
	}
}

static void before(struct world *world, void *state, const char *user, const struct intent *intent)
{
	(void)state;
	if (!str_is(str_of(user), collector))
		return;
	struct version *object =
		store_get(world->store, intent->kind, intent->namespace, intent->name);
	if (!object || !str_eq(object->uid, intent->uid))
		return;
	if (intent->type == INTENT_DELETE)
		judge_delete(world, object);
	else if (intent->type == INTENT_UPDATE && object_deleting(object->doc))
		judge_release(world, object, intent->doc);
}

static void rest(struct world *world, void *state)
{
	(void)state;
	for (kind_id id = 1; id < KIND_COUNT; id++) {
		const struct api_kind *kind = schema_kind(world->schema, id);
		if (!(kind->verbs & API_VERB_LIST) || kind->stored != kind)
			continue;
		EACH(world, id, object)
		{
			if (object_deleting(object->doc) && !check_held_for_ever(world, object))
				world_broken(world, STR_FMT " " STR_FMT " never goes",
					     STR_ARG(kind->kind), STR_ARG(object->name));
			doc_each_item(doc_at(object->doc, "metadata.ownerReferences"), ref) {
				if (!owner_of(world, object, ref))
					world_broken(world,
						     STR_FMT " " STR_FMT " has no owner any more",
						     STR_ARG(kind->kind), STR_ARG(object->name));
			}
		}
	}
}

const struct check check_owners = { .name = "owners", .before = before, .rest = rest };
