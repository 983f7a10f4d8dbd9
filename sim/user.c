/* A user with no plan: makes, scales, changes, breaks, mends and deletes. */
#include "sim/user.h"

#include "controllers/pod.h"
#include "sim/hands.h"

static const struct doc *strategy(struct world *world)
{
	if (luck(world, 150))
		return hand_doc(world, "{'type':'Recreate'}");
	/* One throw a statement: the order within a call's arguments is the compiler's choice. */
	if (luck(world, 300)) {
		u32 more = roll(world, 101), fewer = 1 + roll(world, 60);
		return hand_doc(world,
				"{'rollingUpdate':{'maxSurge':'%u%%','maxUnavailable':'%u%%'}}",
				more, fewer);
	}
	u32 surge = roll(world, 3), unavailable = surge ? roll(world, 3) : 1;
	return hand_doc(world, "{'rollingUpdate':{'maxSurge':%u,'maxUnavailable':%u}}", surge,
			unavailable);
}

static void make_deployment(struct world *world)
{
	if (hand_full(world, KIND_Deployment))
		return;
	const char *name = hand_name(world, 'd');
	u32 replicas = roll(world, 7), history = roll(world, 4), deadline = 20 + roll(world, 100);
	u32 settle = luck(world, 200) ? roll(world, 15) : 0;
	const char *rollback = luck(world, 200) ? "true" : "false";
	const struct doc *d = hand_doc(
		world,
		"{'metadata':{'name':'%s','annotations':{'minke/auto-rollback':'%s'}},'spec':{"
		"'replicas':%u,'revisionHistoryLimit':%u,'progressDeadlineSeconds':%u,"
		"'minReadySeconds':%u,'selector':{'matchLabels':{'app':'%s'}}}}",
		name, rollback, replicas, history, deadline, settle, name);
	d = doc_set(world->arena, d, "spec.template", hand_template(world, name, "Always"));
	d = doc_set(world->arena, d, "spec.strategy", strategy(world));
	hand_create(world, KIND_Deployment, hand_namespace(world), d);
}

static void make_set(struct world *world)
{
	bool old = luck(world, 300);
	kind_id kind = old ? KIND_ReplicationController : KIND_ReplicaSet;
	if (hand_full(world, KIND_ReplicationController) || world->sets_made++ > 12)
		return;
	const char *name = hand_name(world, 'r');
	u32 replicas = roll(world, 5), settle = luck(world, 200) ? roll(world, 15) : 0;
	const struct doc *set = hand_doc(
		world, "{'metadata':{'name':'%s'},'spec':{'replicas':%u,'minReadySeconds':%u}}",
		name, replicas, settle);
	set = doc_set(world->arena, set, "spec.template", hand_template(world, name, "Always"));
	set = doc_set(world->arena, set, "spec.selector",
		      old ? hand_doc(world, "{'app':'%s'}", name)
			  : hand_doc(world, "{'matchLabels':{'app':'%s'}}", name));
	hand_create(world, kind, hand_namespace(world), set);
}

static void make_service(struct world *world)
{
	struct version *d = hand_any(world, KIND_Deployment);
	if (!d || hand_full(world, KIND_Service))
		return;
	const char *name = hand_name(world, 's'), *port = luck(world, 500) ? "'http'" : "80";
	const struct doc *service =
		hand_doc(world,
			 "{'metadata':{'name':'%s'},'spec':{'selector':{'app':'" STR_FMT
			 "'},'ports':[{'port':80,'targetPort':%s}]}}",
			 name, STR_ARG(d->name), port);
	hand_create(world, KIND_Service, str_copy(world->arena, d->namespace), service);
}

static void scale(struct world *world)
{
	static const kind_id kinds[] = { KIND_Deployment,  KIND_Deployment,
					 KIND_ReplicaSet,  KIND_ReplicationController,
					 KIND_StatefulSet, KIND_StatefulSet };
	struct version *v = hand_any(world, kinds[roll(world, ARRAY_LEN(kinds))]);
	if (!v || object_controller(v->doc)) /* its Deployment would not have it */
		return;
	hand_disturbs(world);
	hand_patch(world, v, hand_doc(world, "{'spec':{'replicas':%u}}", roll(world, 7)));
}

static void set_image(struct world *world)
{
	static const kind_id kinds[] = { KIND_Deployment, KIND_Deployment, KIND_Deployment,
					 KIND_DaemonSet, KIND_StatefulSet };
	struct version *v = hand_any(world, kinds[roll(world, ARRAY_LEN(kinds))]);
	if (v)
		hand_patch(world, v,
			   hand_doc(world,
				    "{'spec':{'template':{'spec':{'containers':[{'name':'c',"
				    "'image':'%s'}]}}}}",
				    hand_image(world)));
}

/* As kubectl rollout undo does: the template of an earlier set is put back. */
static void roll_back(struct world *world)
{
	struct version *d = hand_any(world, KIND_Deployment);
	struct version_list sets = { 0 };
	if (d)
		sets = store_owned(world->store, world->arena, d->uid, KIND_ReplicaSet);
	if (!sets.len)
		return;
	const struct doc *template = doc_at(sets.at[roll(world, sets.len)]->doc, "spec.template");
	template = doc_set(world->arena, template, "metadata.labels.pod-template-hash", NULL);
	const struct doc *patch = hand_doc(world, "{'spec':{'paused':false}}");
	hand_patch(world, d, doc_set(world->arena, patch, "spec.template", template));
}

static void change_strategy(struct world *world)
{
	struct version *d = hand_any(world, KIND_Deployment);
	if (!d)
		return;
	hand_disturbs(world);
	const struct doc *patch = hand_doc(
		world,
		"{'spec':{'minReadySeconds':%u,'strategy':{'type':'RollingUpdate','rollingUpdate':{"
		"'maxSurge':%u,'maxUnavailable':1}}}}",
		roll(world, 10), roll(world, 3));
	hand_patch(world, d, patch);
}

static void pause_or_resume(struct world *world)
{
	struct version *d = hand_any(world, KIND_Deployment);
	if (d)
		hand_patch(world, d,
			   hand_doc(world, "{'spec':{'paused':%s}}",
				    luck(world, 400) ? "true" : "false"));
}

static void delete_pod(struct world *world)
{
	struct version *pod = hand_any(world, KIND_Pod);
	if (!pod)
		return;
	hand_disturbs(world);
	hand_delete(world, pod, PROPAGATION_DEFAULT);
}

/* A pod is taken aside to be looked at, or given to another set. */
static void relabel_pod(struct world *world)
{
	struct version *pod = hand_any(world, KIND_Pod);
	struct str set = pod ? doc_str(doc_key(object_controller(pod->doc), "name")) : STR_NONE;
	if (!pod || str_starts(set, STR("t"))) /* a StatefulSet could not make its like again */
		return;
	hand_disturbs(world);
	const char *app = set.len ? "aside" : luck(world, 500) ? "r1" : "d1";
	hand_patch(world, pod, hand_doc(world, "{'metadata':{'labels':{'app':'%s'}}}", app));
}

static void delete_something(struct world *world)
{
	static const kind_id kinds[] = {
		KIND_Deployment,
		KIND_Deployment,
		KIND_ReplicaSet,
		KIND_ReplicationController,
		KIND_Service,
		KIND_Namespace,
		KIND_EndpointSlice,
		KIND_DaemonSet,
		KIND_StatefulSet,
		KIND_Job,
		KIND_CronJob,
		KIND_ControllerRevision,
		KIND_Secret,
		KIND_ConfigMap,
		KIND_PersistentVolumeClaim,
	};
	struct version *v = hand_any(world, kinds[roll(world, ARRAY_LEN(kinds))]);
	u32 how = roll(world, 10);
	if (!v)
		return;
	hand_disturbs(world);
	hand_delete(world, v,
		    how < 6				   ? PROPAGATION_BACKGROUND
		    : how < 8				   ? PROPAGATION_FOREGROUND
		    : how < 9 || v->kind == KIND_Namespace ? PROPAGATION_DEFAULT
							   : PROPAGATION_ORPHAN);
}

/* Deletes a Deployment and makes it again at once, under its name. */
static void recreate(struct world *world)
{
	struct version *d = hand_any(world, KIND_Deployment);
	if (!d)
		return;
	hand_disturbs(world);
	version_hold(world->arena, d);
	const struct doc *spec = doc_key(d->doc, "spec");
	hand_delete(world, d, PROPAGATION_BACKGROUND);
	const struct doc *again =
		hand_doc(world, "{'metadata':{'name':'" STR_FMT "'}}", STR_ARG(d->name));
	hand_create(world, KIND_Deployment, d->namespace,
		    doc_with(world->arena, again, STR("spec"), spec));
}

static void make_namespace(struct world *world)
{
	if (store_count(world->store, KIND_Namespace) < 7)
		hand_create(world, KIND_Namespace, STR_NONE,
			    hand_doc(world, "{'metadata':{'name':'ns%u'}}", world->made++));
}

void user_acts(struct world *world)
{
	static void (*const deeds[])(struct world * world) = {
		make_deployment,
		make_deployment,
		make_deployment,
		make_set,
		make_service,
		scale,
		scale,
		scale,
		scale,
		set_image,
		set_image,
		set_image,
		roll_back,
		delete_pod,
		delete_pod,
		relabel_pod,
		recreate,
		make_namespace,
		user_runs,
		user_runs,
		user_runs,
		user_runs,
		user_runs,
		user_runs,
		user_tends_nodes,
		user_tends_nodes,
		user_tends_nodes,
		delete_something,
		change_strategy,
		pause_or_resume,
		user_is_late,
		user_is_late,
		user_is_late,
	};
	deeds[roll(world, ARRAY_LEN(deeds))](world);
}

void user_makes_peace(struct world *world)
{
	static const kind_id templated[] = { KIND_Deployment, KIND_DaemonSet, KIND_StatefulSet };
	const struct doc *good = hand_doc(
		world,
		"{'spec':{'template':{'spec':{'containers':[{'name':'c','image':'web:9'}]}}}}");
	user_frees_nodes(world);
	for (u32 i = 0; i < ARRAY_LEN(templated); i++)
		hand_patch_each(world, templated[i], good);
	hand_patch_each(world, KIND_Deployment, hand_doc(world, "{'spec':{'paused':false}}"));
	hand_patch_each(world, KIND_DaemonSet,
			hand_doc(world, "{'spec':{'updateStrategy':{'type':'RollingUpdate'}}}"));
	hand_patch_each(world, KIND_StatefulSet,
			hand_doc(world, "{'spec':{'updateStrategy':{'type':'RollingUpdate',"
					"'rollingUpdate':{'partition':0}}}}"));
	hand_patch_each(world, KIND_CronJob, hand_doc(world, "{'spec':{'suspend':true}}"));
	hand_patch_each(world, KIND_Job, hand_doc(world, "{'spec':{'suspend':false}}"));
}
