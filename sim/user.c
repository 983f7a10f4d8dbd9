/* A user with no plan: makes, scales, changes, breaks, mends and deletes. */
#include <stdarg.h>
#include <stdio.h>

#include "doc/json.h"
#include "controllers/pod.h"
#include "sim/world.h"

enum { OBJECTS_MAX = 9 }; /* of one kind at a time */

static const struct doc *doc_of(struct world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* JSON with single quotes, as it reads better in C. */
static const struct doc *doc_of(struct world *world, const char *format, ...)
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

/* What the API says to the user is the user's problem, not ours. */
static void create(struct world *world, kind_id kind, struct str ns, const struct doc *doc)
{
	struct call call = call_of(world);
	struct outcome outcome = { 0 };
	struct error error = ERROR_INIT;
	enum status status = verb_create(&call, kind_of(world, kind), ns, STR_NONE, STR_NONE, doc,
					 &outcome, &error);
	if (status == ST_INVALID || status == ST_BAD_REQUEST)
		world_broken(world, "create refused: %s", error.message);
}

static void patch(struct world *world, const struct version *object, const struct doc *doc)
{
	struct call call = call_of(world);
	struct outcome outcome = { 0 };
	struct error error = ERROR_INIT;
	version_hold(world->arena, (struct version *)object);
	enum status status =
		verb_patch(&call, kind_of(world, object->kind), object->namespace, object->name,
			   STR_NONE, PATCH_STRATEGIC, false, doc, &outcome, &error);
	if (status == ST_INVALID || status == ST_BAD_REQUEST)
		world_broken(world, "patch refused: %s", error.message);
}

static void delete (struct world *world, const struct version *object, enum propagation how)
{
	struct call call = call_of(world);
	struct outcome outcome = { 0 };
	struct error error = ERROR_INIT;
	struct delete_options options = { .grace_s = luck(world, 100) ? 0 : -1,
					  .propagation = how };
	version_hold(world->arena, (struct version *)object);
	(void)!verb_delete(&call, kind_of(world, object->kind), object->namespace, object->name,
			   &options, &outcome, &error);
}

/* Any object of a kind that the user made (or, for pods, that is there); NULL when none. */
static struct version *any(struct world *world, kind_id kind)
{
	struct version *found = NULL;
	struct store_iter iter;
	u32 count = 0;
	store_iter_start(&iter, world->store, kind, STR_NONE, STR_NONE, STR_NONE);
	for (struct version *v; (v = store_iter_next(&iter));) {
		if (str_starts(v->namespace, STR("kube-")) || str_is(v->name, "kubernetes") ||
		    (kind == KIND_Namespace && !str_starts(v->name, STR("ns"))) ||
		    (kind == KIND_ReplicaSet && object_controller(v->doc)))
			continue;
		if (roll(world, ++count) == 0)
			found = v;
	}
	return found;
}

static struct str any_namespace(struct world *world)
{
	struct version *namespace = luck(world, 250) ? any(world, KIND_Namespace) : NULL;
	return namespace ? str_copy(world->arena, namespace->name) : STR("default");
}

static bool enough_of(const struct world *world, kind_id kind)
{
	return store_count(world->store, kind) >= OBJECTS_MAX;
}

static const char *any_image(struct world *world)
{
	static const char *const images[] = { "web:1", "web:2", "web:3" };
	return luck(world, world->images_bad) ? "bad:1" : images[roll(world, ARRAY_LEN(images))];
}

static const struct doc *strategy(struct world *world)
{
	if (luck(world, 150))
		return doc_of(world, "{'type':'Recreate'}");
	/* One throw a statement: the order within a call's arguments is the compiler's choice. */
	if (luck(world, 300)) {
		u32 more = roll(world, 101), fewer = 1 + roll(world, 60);
		return doc_of(world,
			      "{'rollingUpdate':{'maxSurge':'%u%%','maxUnavailable':'%u%%'}}", more,
			      fewer);
	}
	u32 surge = roll(world, 3), unavailable = surge ? roll(world, 3) : 1;
	return doc_of(world, "{'rollingUpdate':{'maxSurge':%u,'maxUnavailable':%u}}", surge,
		      unavailable);
}

static const struct doc *template(struct world *world, const char *app)
{
	const char *image = any_image(world);
	u32 cpu = 50 * (1 + roll(world, 4));
	return doc_of(
		world,
		"{'metadata':{'labels':{'app':'%s'}},'spec':{'containers':[{'name':'c','image':"
		"'%s','ports':[{'containerPort':80,'name':'http'}],'resources':{'requests':{"
		"'cpu':'%um'}}}]}}",
		app, image, cpu);
}

/* ---- deeds */

static void make_deployment(struct world *world)
{
	if (enough_of(world, KIND_Deployment))
		return;
	char name[16];
	snprintf(name, sizeof name, "d%u", world->made++);
	u32 replicas = roll(world, 7), history = roll(world, 4), deadline = 20 + roll(world, 100);
	const struct doc *d =
		doc_of(world,
		       "{'metadata':{'name':'%s'},'spec':{'replicas':%u,'revisionHistoryLimit':%u,"
		       "'progressDeadlineSeconds':%u,'selector':{'matchLabels':{'app':'%s'}}}}",
		       name, replicas, history, deadline, name);
	d = doc_set(world->arena, d, "spec.template", template(world, name));
	d = doc_set(world->arena, d, "spec.strategy", strategy(world));
	create(world, KIND_Deployment, any_namespace(world), d);
}

static void make_set(struct world *world)
{
	bool old = luck(world, 300);
	kind_id kind = old ? KIND_ReplicationController : KIND_ReplicaSet;
	if (enough_of(world, KIND_ReplicationController) || world->made > 40)
		return;
	char name[16];
	snprintf(name, sizeof name, "r%u", world->made++);
	const struct doc *set = doc_of(world, "{'metadata':{'name':'%s'},'spec':{'replicas':%u}}",
				       name, roll(world, 5));
	set = doc_set(world->arena, set, "spec.template", template(world, name));
	set = doc_set(world->arena, set, "spec.selector",
		      old ? doc_of(world, "{'app':'%s'}", name)
			  : doc_of(world, "{'matchLabels':{'app':'%s'}}", name));
	create(world, kind, any_namespace(world), set);
}

static void make_service(struct world *world)
{
	struct version *d = any(world, KIND_Deployment);
	if (!d || enough_of(world, KIND_Service))
		return;
	const struct doc *service =
		doc_of(world,
		       "{'metadata':{'name':'s%u'},'spec':{'selector':{'app':'" STR_FMT
		       "'},'ports':[{'port':80,'targetPort':%s}]}}",
		       world->made++, STR_ARG(d->name), luck(world, 500) ? "'http'" : "80");
	create(world, KIND_Service, str_copy(world->arena, d->namespace), service);
}

static void scale(struct world *world)
{
	static const kind_id kinds[] = { KIND_Deployment, KIND_Deployment, KIND_ReplicaSet,
					 KIND_ReplicationController };
	struct version *v = any(world, kinds[roll(world, ARRAY_LEN(kinds))]);
	if (!v)
		return;
	world->disturbed_ns = world->mono_ns;
	patch(world, v, doc_of(world, "{'spec':{'replicas':%u}}", roll(world, 7)));
}

static void set_image(struct world *world)
{
	struct version *d = any(world, KIND_Deployment);
	if (d)
		patch(world, d,
		      doc_of(world,
			     "{'spec':{'template':{'spec':{'containers':[{'name':'c','image':'%s'}]"
			     "}}}}",
			     any_image(world)));
}

static void pause_or_resume(struct world *world)
{
	struct version *d = any(world, KIND_Deployment);
	if (d)
		patch(world, d,
		      doc_of(world, "{'spec':{'paused':%s}}", luck(world, 400) ? "true" : "false"));
}

static void delete_pod(struct world *world)
{
	struct version *pod = any(world, KIND_Pod);
	if (!pod)
		return;
	world->disturbed_ns = world->mono_ns;
	delete (world, pod, PROPAGATION_DEFAULT);
}

/* A pod of a set is taken aside to be looked at, or put back. */
static void relabel_pod(struct world *world)
{
	struct version *pod = any(world, KIND_Pod);
	struct str set = pod ? doc_str(doc_key(object_controller(pod->doc), "name")) : STR_NONE;
	if (!pod || (set.len && !str_starts(set, STR("r"))))
		return;
	const char *app = set.len ? "aside" : "r1";
	patch(world, pod, doc_of(world, "{'metadata':{'labels':{'app':'%s'}}}", app));
}

static void delete_something(struct world *world)
{
	static const kind_id kinds[] = { KIND_Deployment,   KIND_Deployment,
					 KIND_ReplicaSet,   KIND_ReplicationController,
					 KIND_Service,	    KIND_Namespace,
					 KIND_EndpointSlice };
	struct version *v = any(world, kinds[roll(world, ARRAY_LEN(kinds))]);
	u32 how = roll(world, 10);
	if (!v)
		return;
	world->disturbed_ns = world->mono_ns;
	delete (world, v,
		how < 6							  ? PROPAGATION_BACKGROUND
		: how < 9						  ? PROPAGATION_FOREGROUND
		: v->kind == KIND_Deployment || v->kind == KIND_Namespace ? PROPAGATION_DEFAULT
									  : PROPAGATION_ORPHAN);
}

/* Deletes a Deployment and makes it again at once, under its name. */
static void recreate(struct world *world)
{
	struct version *d = any(world, KIND_Deployment);
	if (!d)
		return;
	world->disturbed_ns = world->mono_ns;
	version_hold(world->arena, d);
	const struct doc *spec = doc_key(d->doc, "spec");
	delete (world, d, PROPAGATION_BACKGROUND);
	const struct doc *again =
		doc_of(world, "{'metadata':{'name':'" STR_FMT "'}}", STR_ARG(d->name));
	create(world, KIND_Deployment, d->namespace,
	       doc_with(world->arena, again, STR("spec"), spec));
}

static void make_namespace(struct world *world)
{
	if (store_count(world->store, KIND_Namespace) < 7)
		create(world, KIND_Namespace, STR_NONE,
		       doc_of(world, "{'metadata':{'name':'ns%u'}}", world->made++));
}

static void cordon(struct world *world)
{
	struct version *node = any(world, KIND_Node);
	if (node)
		patch(world, node,
		      doc_of(world, "{'spec':{'unschedulable':%s}}",
			     luck(world, 300) ? "true" : "false"));
}

void user_acts(struct world *world)
{
	static void (*const deeds[])(struct world * world) = {
		make_deployment, make_deployment, make_deployment, make_set,
		make_service,	 scale,		  scale,	   scale,
		set_image,	 set_image,	  set_image,	   pause_or_resume,
		delete_pod,	 delete_pod,	  relabel_pod,	   delete_something,
		recreate,	 make_namespace,  cordon,
	};
	deeds[roll(world, ARRAY_LEN(deeds))](world);
}

/* ---- the end of all trouble */

static void mend_each(struct world *world, kind_id kind, const struct doc *change)
{
	struct version *all[256];
	u32 len = 0;
	struct store_iter iter;
	store_iter_start(&iter, world->store, kind, STR_NONE, STR_NONE, STR_NONE);
	for (struct version *v; (v = store_iter_next(&iter)) && len < ARRAY_LEN(all);) {
		version_hold(world->arena, v);
		if (!object_deleting(v->doc))
			all[len++] = v;
	}
	for (u32 i = 0; i < len; i++)
		patch(world, all[i], change);
}

void user_makes_peace(struct world *world)
{
	mend_each(world, KIND_Deployment,
		  doc_of(world, "{'spec':{'paused':false,'template':{'spec':{'containers':[{'name':"
				"'c','image':'web:9'}]}}}}"));
	mend_each(world, KIND_Node, doc_of(world, "{'spec':{'unschedulable':false}}"));
}
