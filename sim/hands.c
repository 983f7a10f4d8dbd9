/* The user's hands: everything goes through the server's verbs, validation strict. */
#include "sim/hands.h"

#include <stdarg.h>
#include <stdio.h>

#include "controllers/pod.h"
#include "doc/json.h"

enum { OBJECTS_MAX = 7 }; /* of one kind at a time */

const struct doc *hand_doc(struct world *world, const char *format, ...)
{
	char text[2048];
	struct error error = ERROR_INIT;
	const struct doc *doc = NULL;
	va_list list;
	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	for (char *p = text; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	if (json_parse(world->arena, str_of(text), &doc, &error) != ST_OK)
		world_broken(world, "the user wrote nonsense: %s", error.message);
	return doc;
}

static struct call call_of(struct world *world)
{
	return (struct call){ .server = world->server,
			      .arena = world->arena,
			      .field_manager = STR("user"),
			      .validation = VALIDATION_STRICT };
}

static const struct api_kind *kind_of(const struct world *world, kind_id kind)
{
	return schema_kind(world->schema, kind);
}

static void judge(struct world *world, const char *verb, enum status status,
		  const struct error *error)
{
	if (status == ST_INVALID || status == ST_BAD_REQUEST || status == ST_INTERNAL)
		world_broken(world, "%s refused: %s", verb, error->message);
}

void hand_create(struct world *world, kind_id kind, struct str ns, const struct doc *doc)
{
	struct call call = call_of(world);
	struct outcome outcome = { 0 };
	struct error error = ERROR_INIT;
	world_note(world, "user", "creates", kind, doc_at_str(doc, "metadata.name"));
	judge(world, "create",
	      verb_create(&call, kind_of(world, kind), ns, STR_NONE, STR_NONE, doc, &outcome,
			  &error),
	      &error);
}

void hand_patch(struct world *world, const struct version *object, const struct doc *patch)
{
	struct call call = call_of(world);
	struct outcome outcome = { 0 };
	struct error error = ERROR_INIT;
	version_hold(world->arena, (struct version *)object);
	world_note(world, "user", "patches", object->kind, object->name);
	judge(world, "patch",
	      verb_patch(&call, kind_of(world, object->kind), object->namespace, object->name,
			 STR_NONE, PATCH_STRATEGIC, false, patch, &outcome, &error),
	      &error);
}

void hand_delete(struct world *world, const struct version *object, enum propagation how)
{
	struct call call = call_of(world);
	struct outcome outcome = { 0 };
	struct error error = ERROR_INIT;
	struct delete_options options = { .grace_s = luck(world, 100) ? 0 : -1,
					  .propagation = how };
	version_hold(world->arena, (struct version *)object);
	world_note(world, "user", "deletes", object->kind, object->name);
	world->forced = options.grace_s == 0;
	judge(world, "delete",
	      verb_delete(&call, kind_of(world, object->kind), object->namespace, object->name,
			  &options, &outcome, &error),
	      &error);
	world->forced = false;
}

void hand_evict(struct world *world, const struct version *pod)
{
	struct call call = call_of(world);
	struct outcome outcome = { 0 };
	struct error error = ERROR_INIT;
	version_hold(world->arena, (struct version *)pod);
	const struct doc *body = hand_doc(world,
					  "{'apiVersion':'policy/v1','kind':'Eviction','metadata':"
					  "{'name':'" STR_FMT "','namespace':'" STR_FMT "'}}",
					  STR_ARG(pod->name), STR_ARG(pod->namespace));
	world_note(world, "user", "evicts", KIND_Pod, pod->name);
	checks_before_eviction(world, pod);
	enum status status = verb_create(&call, kind_of(world, KIND_Pod), pod->namespace, pod->name,
					 STR("eviction"), body, &outcome, &error);
	judge(world, "eviction", status, &error);
	checks_after_eviction(world, pod, status == ST_OK);
}

struct version *hand_any(struct world *world, kind_id kind)
{
	struct version *found = NULL;
	struct store_iter iter;
	u32 count = 0;
	store_iter_start(&iter, world->store, kind, STR_NONE, STR_NONE, STR_NONE);
	for (struct version *v; (v = store_iter_next(&iter));) {
		bool made_by_controller =
			(kind == KIND_ReplicaSet || kind == KIND_Job) && object_controller(v->doc);
		if (str_starts(v->namespace, STR("kube-")) || str_is(v->name, "kubernetes") ||
		    (kind == KIND_Namespace && !str_starts(v->name, STR("ns"))) ||
		    (made_by_controller && !luck(world, 100)))
			continue;
		if (roll(world, ++count) == 0)
			found = v;
	}
	return found;
}

void hand_patch_each(struct world *world, kind_id kind, const struct doc *patch)
{
	struct version *all[512];
	u32 len = 0;
	struct store_iter iter;
	store_iter_start(&iter, world->store, kind, STR_NONE, STR_NONE, STR_NONE);
	for (struct version *v; (v = store_iter_next(&iter)) && len < ARRAY_LEN(all);) {
		version_hold(world->arena, v);
		if (!object_deleting(v->doc))
			all[len++] = v;
	}
	for (u32 i = 0; i < len; i++)
		hand_patch(world, all[i], patch);
}

struct str hand_namespace(struct world *world)
{
	struct version *namespace = luck(world, 300) ? hand_any(world, KIND_Namespace) : NULL;
	return namespace ? str_copy(world->arena, namespace->name) : STR("default");
}

bool hand_full(const struct world *world, kind_id kind)
{
	return store_count(world->store, kind) >= OBJECTS_MAX;
}

void hand_disturbs(struct world *world)
{
	world->disturbed_ns = world->mono_ns;
}

const char *hand_name(struct world *world, char letter)
{
	return str_format(world->arena, "%c%u", letter, world->made++).at;
}

/* bad never starts; flaky stumbles, and what is meant to end may fail. */
const char *hand_image(struct world *world)
{
	static const char *const images[] = { "web:1", "web:2", "web:3", "flaky:1" };
	return luck(world, world->images_bad) ? "bad:1" : images[roll(world, ARRAY_LEN(images))];
}

const struct doc *hand_template(struct world *world, const char *app, const char *restart)
{
	const char *image = hand_image(world);
	u32 cpu = 50 * (1 + roll(world, 4));
	return hand_doc(
		world,
		"{'metadata':{'labels':{'app':'%s'}},'spec':{'restartPolicy':'%s','containers':["
		"{'name':'c','image':'%s','ports':[{'containerPort':80,'name':'http'}],"
		"'resources':{'requests':{'cpu':'%um'}}}]}}",
		app, restart, image, cpu);
}
