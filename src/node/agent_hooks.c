/* postStart and preStop: asked like probes, once. */
#include "node/agent_inside.h"

enum { POST_START_TIMEOUT_MS = 10 * 60 * 1000 };

static struct container_seen *seen_of(struct agent_container *container)
{
	return &container->pod->seen.containers[container->index];
}

static struct probe_call *run_hook(struct agent_container *container, const struct doc *hook,
				   i64 timeout_ms, probe_done *done)
{
	struct pod *pod = container->pod;
	struct agent *agent = pod->agent;
	struct pod_sandbox sandbox = { 0 };

	(void)pod_network_find(agent->network, pod->uid, &sandbox);
	struct probe_target target = {
		.pod_ip = pod->seen.ip,
		.container_id = seen_of(container)->id,
		.container = pod_container(pod->doc, container->index),
		.network_namespace = sandbox.net,
	};

	return probe_run(agent->loop, agent->runtime, hook, &target, timeout_ms, done, container);
}

static const struct doc *hook_of(struct agent_container *container, const char *path)
{
	return doc_at(pod_container(container->pod->doc, container->index), path);
}

static void start_hook_done(void *arg, bool success, struct str message)
{
	struct agent_container *container = arg;
	struct container_seen *seen = seen_of(container);
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);

	container->start_hook = NULL;
	seen->post_start = success ? SEEN_READY : SEEN_FAILED;
	if (!success) {
		event_pod(container->pod, (i32)container->index, true, "FailedPostStartHook",
			  str_format(arena, "PostStartHook failed: " STR_FMT, STR_ARG(message)));
		container_kill(
			container,
			doc_at_int(container->pod->doc, "spec.terminationGracePeriodSeconds", 30),
			STR("FailedPostStartHook"));
	}
	pod_wake(container->pod);
}

void hook_post_start(struct agent_container *container)
{
	const struct doc *hook = hook_of(container, "lifecycle.postStart");

	seen_of(container)->post_start = doc_is_null(hook) ? SEEN_READY : SEEN_WORKING;
	if (!doc_is_null(hook))
		container->start_hook =
			run_hook(container, hook, POST_START_TIMEOUT_MS, start_hook_done);
}

static void stop_hook_done(void *arg, bool success, struct str message)
{
	struct agent_container *container = arg;
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);

	container->kill_hook = NULL;
	if (!success)
		event_pod(container->pod, (i32)container->index, true, "FailedPreStopHook",
			  str_format(arena, "PreStopHook failed: " STR_FMT, STR_ARG(message)));
	container_signal(container);
}

void hook_pre_stop(struct agent_container *container)
{
	const struct doc *hook = hook_of(container, "lifecycle.preStop");
	i64 left_ms = (container->kill_deadline_ns - agent_mono()) / NS_PER_MS;

	if (doc_is_null(hook))
		container_signal(container);
	else
		container->kill_hook = run_hook(container, hook, MAX(left_ms, 1), stop_hook_done);
}
