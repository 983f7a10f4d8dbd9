/* ResourceQuota: nothing is made beyond what is left, and at rest what is used is counted right. */
#include "controllers/pod.h"
#include "sim/check.h"

static i64 hard_of(const struct version *quota, const char *name)
{
	i64 limit;
	struct str text = doc_str(doc_get(doc_at(quota->doc, "spec.hard"), str_of(name)));
	return str_to_i64(text, &limit) ? limit : INT64_MAX;
}

/* Of what is being deleted nobody can say when it stops counting: it is left out. */
static i64 count(struct world *world, kind_id kind, struct str namespace, bool dying_too)
{
	i64 there = 0;
	EACH_IN(world, kind, namespace, v)
	{
		if (kind == KIND_Pod && pod_finished(v->doc))
			continue;
		there += dying_too || !object_deleting(v->doc);
	}
	return there;
}

static void hear(struct world *world, void *state, const struct store_event *event)
{
	(void)state;
	const struct version *made = event->version;
	if (event->type != EVENT_ADDED || (made->kind != KIND_Pod && made->kind != KIND_Job))
		return;
	const char *name = made->kind == KIND_Pod ? "pods" : "count/jobs.batch";
	EACH_IN(world, KIND_ResourceQuota, made->namespace, quota)
	{
		i64 there = count(world, made->kind, made->namespace, false);
		if (there > hard_of(quota, name))
			world_broken(world, "quota " STR_FMT " is overdrawn by " STR_FMT ": %lld",
				     STR_ARG(quota->name), STR_ARG(made->name), (long long)there);
	}
}

static void rest(struct world *world, void *state)
{
	(void)state;
	EACH(world, KIND_ResourceQuota, quota)
	{
		const struct doc *used = doc_at(quota->doc, "status.used");
		i64 pods = count(world, KIND_Pod, quota->namespace, true), said = -1;
		(void)!str_to_i64(doc_str(doc_get(used, STR("pods"))), &said);
		if (said != pods)
			world_broken(world, "quota " STR_FMT " says %lld pods of %lld",
				     STR_ARG(quota->name), (long long)said, (long long)pods);
	}
}

const struct check check_quota = { .name = "quota", .hear = hear, .rest = rest };
