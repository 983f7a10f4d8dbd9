/* The user's DaemonSets, StatefulSets, Jobs, CronJobs and pods of no controller. */
#include "base/timestamp.h"
#include "controllers/pod.h"
#include "sim/hands.h"
#include "sim/user.h"

static const struct doc *with_template(struct world *world, const struct doc *object,
				       const char *name, const char *restart)
{
	object =
		doc_set(world->arena, object, "spec.template", hand_template(world, name, restart));
	return doc_set(world->arena, object, "spec.selector",
		       hand_doc(world, "{'matchLabels':{'app':'%s'}}", name));
}

/* ---- DaemonSets */

static const struct doc *daemon_strategy(struct world *world)
{
	u32 unavailable = 1 + roll(world, 2);
	if (luck(world, 150))
		return hand_doc(world, "{'type':'OnDelete'}");
	if (luck(world, 400))
		return hand_doc(world, "{'rollingUpdate':{'maxSurge':%u,'maxUnavailable':0}}",
				unavailable);
	return hand_doc(world, "{'rollingUpdate':{'maxUnavailable':%u}}", unavailable);
}

static void make_daemon_set(struct world *world)
{
	if (hand_full(world, KIND_DaemonSet))
		return;
	const char *name = hand_name(world, 'a');
	u32 history = roll(world, 3), settle = luck(world, 200) ? roll(world, 10) : 0;
	const struct doc *set = hand_doc(world,
					 "{'metadata':{'name':'%s'},'spec':{'minReadySeconds':%u,"
					 "'revisionHistoryLimit':%u}}",
					 name, settle, history);
	set = with_template(world, set, name, "Always");
	set = doc_set(world->arena, set, "spec.updateStrategy", daemon_strategy(world));
	if (luck(world, 400))
		set = doc_set(world->arena, set, "spec.template.spec.nodeSelector",
			      hand_doc(world, "{'disk':'fast'}"));
	else if (luck(world, 200))
		set = doc_set(world->arena, set, "spec.template.spec.affinity",
			      hand_doc(world,
				       "{'nodeAffinity':{'"
				       "requiredDuringSchedulingIgnoredDuringExecution':{"
				       "'nodeSelectorTerms':[{'matchExpressions':[{'key':'disk',"
				       "'operator':'NotIn','values':['slow']}]}]}}}"));
	if (luck(world, 300))
		set = doc_set(world->arena, set, "spec.template.spec.tolerations",
			      hand_doc(world, "[{'key':'team','operator':'Exists'}]"));
	hand_create(world, KIND_DaemonSet, hand_namespace(world), set);
}

/* ---- StatefulSets */

/* A claim for every pod, which may go when the set shrinks or goes. */
static const struct doc *with_claims(struct world *world, const struct doc *set)
{
	const char *scaled = luck(world, 400) ? "Delete" : "Retain";
	const char *deleted = luck(world, 400) ? "Delete" : "Retain";
	set = doc_set(world->arena, set, "spec.volumeClaimTemplates",
		      hand_doc(world,
			       "[{'metadata':{'name':'data'},'spec':{'accessModes':"
			       "['ReadWriteOnce'],'resources':{'requests':{'storage':'1Mi'}}}}]"));
	return doc_set(world->arena, set, "spec.persistentVolumeClaimRetentionPolicy",
		       hand_doc(world, "{'whenScaled':'%s','whenDeleted':'%s'}", scaled, deleted));
}

static void make_stateful_set(struct world *world)
{
	if (hand_full(world, KIND_StatefulSet))
		return;
	const char *name = hand_name(world, 't');
	const char *policy = luck(world, 300) ? "Parallel" : "OrderedReady";
	const char *update = luck(world, 150) ? "OnDelete" : "RollingUpdate";
	u32 replicas = roll(world, 5), history = roll(world, 3), start = luck(world, 150) ? 3 : 0;
	u32 settle = luck(world, 200) ? roll(world, 10) : 0;
	const struct doc *set = hand_doc(
		world,
		"{'metadata':{'name':'%s'},'spec':{'serviceName':'%s','replicas':%u,"
		"'podManagementPolicy':'%s','revisionHistoryLimit':%u,'minReadySeconds':%u,"
		"'ordinals':{'start':%u},'updateStrategy':{'type':'%s'}}}",
		name, name, replicas, policy, history, settle, start, update);
	set = with_template(world, set, name, "Always");
	if (luck(world, 200) && update[0] == 'R')
		set = doc_set(world->arena, set, "spec.updateStrategy.rollingUpdate",
			      hand_doc(world, "{'partition':%u,'maxUnavailable':%u}",
				       roll(world, 3), 1 + roll(world, 2)));
	if (luck(world, 350))
		set = with_claims(world, set);
	hand_create(world, KIND_StatefulSet, hand_namespace(world), set);
}

static void move_partition(struct world *world)
{
	struct version *set = hand_any(world, KIND_StatefulSet);
	if (set && !str_is(doc_at_str(set->doc, "spec.updateStrategy.type"), "OnDelete"))
		hand_patch(
			world, set,
			hand_doc(world,
				 "{'spec':{'updateStrategy':{'rollingUpdate':{'partition':%u}}}}",
				 roll(world, 3)));
}

/* ---- Jobs */

static const struct doc *indexed_extras(struct world *world, const struct doc *spec,
					u32 completions)
{
	struct arena *arena = world->arena;
	spec = doc_set_str(arena, spec, "completionMode", STR("Indexed"));
	if (luck(world, 300))
		spec = doc_set_int(arena, spec, "backoffLimitPerIndex", roll(world, 3));
	if (doc_key(spec, "backoffLimitPerIndex") && luck(world, 500))
		spec = doc_set_int(arena, spec, "maxFailedIndexes", roll(world, completions + 1));
	if (luck(world, 200))
		spec = doc_set(arena, spec, "successPolicy",
			       hand_doc(world, "{'rules':[{'succeededCount':%u}]}",
					1 + roll(world, completions)));
	return spec;
}

static const struct doc *failure_policy(struct world *world, bool per_index)
{
	static const char *const actions[] = { "Ignore", "FailJob", "Count", "FailIndex" };
	const char *action = actions[roll(world, per_index ? 4 : 3)];
	return hand_doc(world,
			"{'rules':[{'action':'%s','onExitCodes':{'operator':'In','values':[42]}},"
			"{'action':'Ignore','onPodConditions':[{'type':'DisruptionTarget',"
			"'status':'True'}]}]}",
			action);
}

static const struct doc *job_spec(struct world *world, const char *name)
{
	struct arena *arena = world->arena;
	u32 completions = 1 + roll(world, 6), parallelism = roll(world, 5);
	u32 limit = roll(world, 5);
	bool never = luck(world, 700);
	const struct doc *spec =
		hand_doc(world, "{'parallelism':%u,'backoffLimit':%u}", parallelism, limit);
	if (luck(world, 850))
		spec = doc_set_int(arena, spec, "completions", completions);
	if (doc_key(spec, "completions") && luck(world, 400))
		spec = indexed_extras(world, spec, completions);
	bool per_index = doc_key(spec, "backoffLimitPerIndex") != NULL;
	never = never || per_index;
	if (never && luck(world, 300))
		spec = doc_set(arena, spec, "podFailurePolicy", failure_policy(world, per_index));
	if (luck(world, 150))
		spec = doc_set_int(arena, spec, "activeDeadlineSeconds", 5 + roll(world, 60));
	if (luck(world, 150))
		spec = doc_set_int(arena, spec, "ttlSecondsAfterFinished", roll(world, 40));
	if (luck(world, 150))
		spec = doc_set_bool(arena, spec, "suspend", true);
	if (luck(world, 250))
		spec = doc_set_str(arena, spec, "podReplacementPolicy", STR("Failed"));
	return doc_set(arena, spec, "template",
		       hand_template(world, name, never ? "Never" : "OnFailure"));
}

static void make_job(struct world *world)
{
	if (hand_full(world, KIND_Job))
		return;
	const char *name = hand_name(world, 'j');
	const struct doc *job = hand_doc(world, "{'metadata':{'name':'%s'}}", name);
	job = doc_set(world->arena, job, "spec", job_spec(world, name));
	hand_create(world, KIND_Job, hand_namespace(world), job);
}

static void change_job(struct world *world)
{
	struct version *job = hand_any(world, KIND_Job);
	if (!job)
		return;
	if (luck(world, 500))
		hand_patch(world, job,
			   hand_doc(world, "{'spec':{'parallelism':%u}}", roll(world, 6)));
	else
		hand_patch(world, job,
			   hand_doc(world, "{'spec':{'suspend':%s}}",
				    luck(world, 500) ? "true" : "false"));
}

/* ---- CronJobs */

static void make_cron_job(struct world *world)
{
	static const char *const schedules[] = { "* * * * *", "*/2 * * * *", "*/5 0-12 * * *",
						 "@hourly", "30 4 1,15 * 5" };
	static const char *const policies[] = { "Allow", "Forbid", "Replace" };
	if (hand_full(world, KIND_CronJob))
		return;
	const char *name = hand_name(world, 'c');
	const char *schedule = schedules[roll(world, ARRAY_LEN(schedules))];
	const char *policy = policies[roll(world, ARRAY_LEN(policies))];
	u32 good = roll(world, 4), bad = roll(world, 3);
	const struct doc *cron =
		hand_doc(world,
			 "{'metadata':{'name':'%s'},'spec':{'schedule':'%s',"
			 "'concurrencyPolicy':'%s','successfulJobsHistoryLimit':%u,"
			 "'failedJobsHistoryLimit':%u}}",
			 name, schedule, policy, good, bad);
	if (luck(world, 300))
		cron = doc_set_int(world->arena, cron, "spec.startingDeadlineSeconds",
				   10 + roll(world, 300));
	if (luck(world, 300))
		cron = doc_set_str(world->arena, cron, "spec.timeZone", STR("Asia/Kolkata"));
	cron = doc_set(world->arena, cron, "spec.jobTemplate.spec", job_spec(world, name));
	hand_create(world, KIND_CronJob, hand_namespace(world), cron);
}

static void change_cron_job(struct world *world)
{
	struct version *cron = hand_any(world, KIND_CronJob);
	if (cron)
		hand_patch(world, cron,
			   hand_doc(world, "{'spec':{'suspend':%s}}",
				    luck(world, 300) ? "true" : "false"));
}

/* ---- pods of nobody, which sets may adopt */

static void make_pod(struct world *world)
{
	static const char *const apps[] = { "r1", "d1", "j1", "alone" };
	const char *app = apps[roll(world, ARRAY_LEN(apps))];
	if (world->pods_made++ > 15)
		return;
	const struct doc *pod = user_wishes_place(world, hand_template(world, app, "Always"));
	hand_create(world, KIND_Pod, hand_namespace(world),
		    doc_set_str(world->arena, pod, "metadata.name", str_of(hand_name(world, 'p'))));
}

/* ---- what two own together goes with the second */

static void share_something(struct world *world)
{
	struct version *one = hand_any(world, KIND_Deployment);
	struct version *two = hand_any(world, KIND_Deployment);
	if (!one || !two || !str_eq(one->namespace, two->namespace) || world->shared_made++ > 10)
		return;
	const struct doc *shared = hand_doc(
		world,
		"{'metadata':{'name':'%s','ownerReferences':[{'apiVersion':'apps/v1','kind':"
		"'Deployment','name':'" STR_FMT "','uid':'" STR_FMT "'},{'apiVersion':'apps/v1',"
		"'kind':'Deployment','name':'" STR_FMT "','uid':'" STR_FMT "'}]}}",
		hand_name(world, 'm'), STR_ARG(one->name), STR_ARG(one->uid), STR_ARG(two->name),
		STR_ARG(two->uid));
	if (one != two)
		hand_create(world, KIND_ConfigMap, str_copy(world->arena, one->namespace), shared);
}

void user_runs(struct world *world)
{
	static void (*const deeds[])(struct world * world) = {
		make_daemon_set, make_stateful_set, make_stateful_set, move_partition,
		make_job,	 make_job,	    make_job,	       change_job,
		make_cron_job,	 make_cron_job,	    change_cron_job,   make_pod,
		share_something,
	};
	deeds[roll(world, ARRAY_LEN(deeds))](world);
}
