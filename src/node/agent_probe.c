/*
 * Runs the probes of running containers: startup first, then liveness and readiness side by side.
 * Results go into the seen half of the container; what follows from them is pod_worker's business.
 */
#include <stdlib.h>

#include "base/check.h"
#include "node/agent_inside.h"

enum probe_kind { PROBE_STARTUP, PROBE_LIVENESS, PROBE_READINESS };

static const struct {
	const char *field, *name, *word;
} kinds[PROBE_KINDS] = {
	{ "startupProbe", "Startup", "startup" },
	{ "livenessProbe", "Liveness", "liveness" },
	{ "readinessProbe", "Readiness", "readiness" },
};

struct prober {
	struct agent_container *container;
	enum probe_kind kind;
	struct probe_state state;
	struct timer *timer;
	struct probe_call *call;
};

static const struct doc *probe_of(const struct prober *prober)
{
	const struct agent_container *container = prober->container;
	const struct doc *spec = pod_container(container->pod->doc, container->index);

	return doc_get(spec, str_of(kinds[prober->kind].field));
}

static struct container_seen *seen_of(const struct prober *prober)
{
	return &prober->container->pod->seen.containers[prober->container->index];
}

static void prober_rest(struct prober *prober)
{
	i64 wait_ns = prober->state.due_ns - agent_mono();

	timer_start(prober->timer, MAX(wait_ns / NS_PER_MS, 0), 0);
}

static void prober_stop(struct agent_container *container, enum probe_kind kind)
{
	struct prober *prober = container->probers[kind];

	if (!prober)
		return;
	probe_cancel(prober->call);
	timer_free(prober->timer);
	free(prober);
	container->probers[kind] = NULL;
}

static void prober_start(struct agent_container *container, enum probe_kind kind);

static void take_result(struct prober *prober)
{
	struct agent_container *container = prober->container;
	struct container_seen *seen = seen_of(prober);
	bool well = prober->state.result == PROBE_SUCCESS;

	switch (prober->kind) {
	case PROBE_STARTUP:
		seen->startup_ok = well;
		break;
	case PROBE_READINESS:
		seen->ready = well;
		break;
	case PROBE_LIVENESS:
		break;
	}
	if (prober->kind != PROBE_READINESS && !well) {
		text_keep(&seen->unhealthy, str_of(kinds[prober->kind].word));
		seen->unhealthy_grace_s =
			doc_at_int(probe_of(prober), "terminationGracePeriodSeconds", -1);
	}
	pod_wake(container->pod);
}

static void answered(void *arg, bool success, struct str message)
{
	struct prober *prober = arg;
	struct agent_container *container = prober->container;
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	enum probe_kind kind = prober->kind;

	prober->call = NULL;
	if (!success)
		event_pod(container->pod, (i32)container->index, true, "Unhealthy",
			  str_format(arena, "%s probe failed: " STR_FMT, kinds[kind].name,
				     STR_ARG(message)));
	bool changed = probe_answer(&prober->state, probe_of(prober), success, agent_mono());

	if (changed)
		take_result(prober);
	/* Startup has one answer; a failed liveness waits for the next container. */
	if (kind == PROBE_STARTUP && prober->state.result == PROBE_SUCCESS) {
		prober_stop(container, kind);
		prober_start(container, PROBE_LIVENESS);
		prober_start(container, PROBE_READINESS);
		return;
	}
	if (kind != PROBE_READINESS && prober->state.result == PROBE_FAILURE)
		return;
	prober_rest(prober);
}

static void prober_due(void *self)
{
	struct prober *prober = self;
	struct agent_container *container = prober->container;
	struct pod *pod = container->pod;
	struct agent *agent = pod->agent;
	const struct doc *probe = probe_of(prober);
	struct pod_sandbox sandbox = { 0 };

	(void)pod_network_find(agent->network, pod->uid, &sandbox);
	struct probe_target target = {
		.pod_ip = pod->seen.ip,
		.container_id = seen_of(prober)->id,
		.container = pod_container(pod->doc, container->index),
		.network_namespace = sandbox.net,
	};

	prober->state.asking = true;
	prober->call = probe_run(agent->loop, agent->runtime, probe, &target,
				 MAX(doc_at_int(probe, "timeoutSeconds", 1), 1) * MS_PER_S,
				 answered, prober);
}

static void prober_start(struct agent_container *container, enum probe_kind kind)
{
	struct prober wanted = { .container = container, .kind = kind };
	const struct doc *probe = probe_of(&wanted);

	if (doc_is_null(probe) || container->probers[kind])
		return;
	struct prober *prober = calloc(1, sizeof *prober);

	CHECK(prober);
	*prober = wanted;
	container->probers[kind] = prober;
	prober->timer = timer_new(container->pod->agent->loop, prober_due, prober);
	/* Counted from the container's start, on the monotonic clock. */
	i64 age = MAX(agent_wall() - seen_of(prober)->started_ns, 0);

	probe_start(&prober->state, probe, agent_mono() - age, agent_mono());
	if (kind == PROBE_LIVENESS)
		prober->state.result = PROBE_SUCCESS;
	else if (kind == PROBE_READINESS)
		prober->state.result = seen_of(prober)->ready ? PROBE_SUCCESS : PROBE_FAILURE;
	prober_rest(prober);
}

void probers_start(struct agent_container *container)
{
	struct container_seen *seen = &container->pod->seen.containers[container->index];
	struct prober probe = { .container = container, .kind = PROBE_STARTUP };

	if (doc_is_null(probe_of(&probe)))
		seen->startup_ok = true;
	probe.kind = PROBE_READINESS;
	if (doc_is_null(probe_of(&probe)))
		seen->ready = true;
	if (!seen->startup_ok) {
		prober_start(container, PROBE_STARTUP);
		return;
	}
	prober_start(container, PROBE_LIVENESS);
	prober_start(container, PROBE_READINESS);
}

void probers_stop(struct agent_container *container)
{
	for (int i = 0; i < PROBE_KINDS; i++)
		prober_stop(container, (enum probe_kind)i);
}
