/*
 * The decisions. Read pod_decide() first: a pod is either ending (deleted, out of time, finished),
 * or it is being brought up in the order volumes and sandbox, init containers, the rest.
 */
#include "node/pod_worker.h"

#include "base/clock.h"
#include "node/oci_config.h"

const struct pod_settings pod_settings_default = {
	.backoff_first_ns = 10 * NS_PER_S,
	.backoff_most_ns = 300 * NS_PER_S,
	.backoff_forget_ns = 600 * NS_PER_S,
};

/* What one decision is made from and into. */
struct decision {
	struct arena *arena;
	const struct doc *pod;
	const struct pod_seen *seen;
	const struct pod_settings *settings;
	i64 now_ns;
	struct pod_plan *plan;
};

static void wake_at(struct decision *d, i64 when_ns)
{
	d->plan->wake_ns = MIN(d->plan->wake_ns, when_ns);
}

static struct pod_action *act(struct decision *d, enum pod_action_type type, u32 container)
{
	VEC_PUSH(d->arena, &d->plan->actions,
		 (struct pod_action){ .type = type, .container = container });
	return &d->plan->actions.at[d->plan->actions.len - 1];
}

static void tell(struct decision *d, u32 container, const char *reason, struct str message)
{
	VEC_PUSH(d->arena, &d->plan->events,
		 (struct pod_event){ .warning = true,
				     .reason = str_of(reason),
				     .message = message,
				     .container = (i32)container });
}

/* ---- facts */

struct str pod_full_name(struct arena *arena, const struct doc *pod)
{
	return str_format(arena, STR_FMT "_" STR_FMT "(" STR_FMT ")",
			  STR_ARG(doc_at_str(pod, "metadata.name")),
			  STR_ARG(doc_at_str(pod, "metadata.namespace")),
			  STR_ARG(doc_at_str(pod, "metadata.uid")));
}

struct str duration_text(struct arena *arena, i64 ns)
{
	i64 s = ns / NS_PER_S;

	if (s < 60)
		return str_format(arena, "%llds", (long long)s);
	if (s < 3600)
		return str_format(arena, "%lldm%llds", (long long)s / 60, (long long)s % 60);
	return str_format(arena, "%lldh%lldm%llds", (long long)s / 3600, (long long)s / 60 % 60,
			  (long long)s % 60);
}

bool pod_deleting(const struct doc *pod)
{
	return !doc_is_null(doc_at(pod, "metadata.deletionTimestamp"));
}

bool container_started(const struct container_seen *container)
{
	return container->phase == CONTAINER_RUNNING && container->startup_ok &&
	       container->post_start == SEEN_READY;
}

bool container_resized(const struct doc *container, const struct container_seen *seen)
{
	struct container_limits wanted = container_limits(container, 0);

	return seen->limits.cpu_shares && (wanted.cpu_shares != seen->limits.cpu_shares ||
					   wanted.cpu_quota_us != seen->limits.cpu_quota_us ||
					   wanted.memory_bytes != seen->limits.memory_bytes);
}

bool container_resize_restarts(const struct doc *container, const struct container_seen *seen)
{
	struct container_limits wanted = container_limits(container, 0);
	bool memory = wanted.memory_bytes != seen->limits.memory_bytes;
	bool cpu = wanted.cpu_shares != seen->limits.cpu_shares ||
		   wanted.cpu_quota_us != seen->limits.cpu_quota_us;

	if (!container_resized(container, seen))
		return false;
	doc_each_item(doc_key(container, "resizePolicy"), policy) {
		struct str name = doc_at_str(policy, "resourceName");

		if (str_is(doc_at_str(policy, "restartPolicy"), "RestartContainer") &&
		    ((memory && str_is(name, "memory")) || (cpu && str_is(name, "cpu"))))
			return true;
	}
	return false;
}

static bool succeeded(const struct container_seen *container)
{
	return container->phase == CONTAINER_EXITED && container->end.exit_code == 0;
}

static bool outdated(const struct decision *d, u32 index)
{
	const struct container_seen *container = &d->seen->containers[index];

	return container->hash != container_hash(pod_container(d->pod, index));
}

bool container_restarts(const struct doc *pod, u32 index, const struct container_seen *container)
{
	struct str policy = doc_at_str(pod, "spec.restartPolicy");

	if (container->phase != CONTAINER_EXITED)
		return false;
	if (pod_container_is_ephemeral(pod, index))
		return false;
	if (pod_container_is_sidecar(pod, index))
		return true;
	if (container->restart_asked &&
	    (container->hash != container_hash(pod_container(pod, index)) ||
	     container_resize_restarts(pod_container(pod, index), container)))
		return true; /* an edited image is meant to run, whatever the policy */
	if (str_is(policy, "Never"))
		return false;
	if (str_is(policy, "OnFailure") || pod_container_is_init(pod, index))
		return container->end.exit_code != 0;
	return true;
}

i64 container_delay(const struct container_seen *container, const struct pod_settings *settings)
{
	i64 ran = container->end.finished_ns - container->end.started_ns;
	bool long_enough = container->end.started_ns && ran >= settings->backoff_forget_ns;

	return container->restart_asked || long_enough ? 0 : container->delay_ns;
}

i64 container_restart_ns(const struct container_seen *container,
			 const struct pod_settings *settings)
{
	return container->end.finished_ns + container_delay(container, settings);
}

bool pod_init_done(const struct doc *pod, const struct pod_seen *seen)
{
	for (u32 i = 0; i < seen->containers_len && pod_container_is_init(pod, i); i++) {
		const struct container_seen *container = &seen->containers[i];

		if (pod_container_is_sidecar(pod, i)
			    ? !seen->initialized && !container_started(container)
			    : !seen->initialized && !succeeded(container))
			return false;
	}
	return true;
}

/* ---- one container that should run */

static void pull_or_wait(struct decision *d, u32 index)
{
	const struct container_seen *container = &d->seen->containers[index];
	struct str image = doc_at_str(pod_container(d->pod, index), "image");

	if (container->image == SEEN_NONE) {
		act(d, POD_PULL, index);
		return;
	}
	if (container->image != SEEN_FAILED)
		return;
	if (container->image_retry_ns <= d->now_ns) {
		act(d, POD_PULL, index);
		return;
	}
	i64 shown = container->image_retry_ns - container->image_delay_ns +
		    IMAGE_ERROR_SHOWN_S * NS_PER_S;

	if (d->now_ns < shown) {
		wake_at(d, shown);
	} else if (container->image_backoff_told != container->image_retry_ns &&
		   str_is(container->image_reason, "ErrImagePull")) {
		tell(d, index, "BackOff",
		     str_format(d->arena, "Back-off pulling image \"" STR_FMT "\"",
				STR_ARG(image)));
		tell(d, index, "Failed", STR("Error: ImagePullBackOff"));
	}
	wake_at(d, container->image_retry_ns);
}

static void run_container(struct decision *d, u32 index)
{
	const struct container_seen *container = &d->seen->containers[index];
	const struct pod_settings *settings = d->settings;

	if (d->seen->sandbox != SEEN_READY || d->seen->volumes != SEEN_READY)
		return;
	if (container->wait_reason.len && container->wait_retry_ns > d->now_ns) {
		wake_at(d, container->wait_retry_ns);
		return;
	}
	if (container->image != SEEN_READY) {
		pull_or_wait(d, index);
		return;
	}
	struct pod_action *run = act(d, POD_RUN, index);
	i64 delay = container_delay(container, settings);

	/* The first crash is forgiven; every further one doubles the wait. */
	if (container->phase == CONTAINER_EXITED)
		run->delay_ns = delay ? MIN(delay * 2, settings->backoff_most_ns)
				      : settings->backoff_first_ns;
	if (container->restart_asked)
		run->delay_ns = 0;
}

static void kill_container(struct decision *d, u32 index, i64 grace_s, struct str message)
{
	struct pod_action *kill = act(d, POD_KILL, index);

	kill->grace_s = grace_s;
	kill->message = message;
}

static i64 spec_grace(const struct decision *d)
{
	return doc_at_int(d->pod, "spec.terminationGracePeriodSeconds", 30);
}

static void mind_running(struct decision *d, u32 index)
{
	const struct container_seen *container = &d->seen->containers[index];
	struct str name = container->name;

	const struct doc *spec = pod_container(d->pod, index);

	if (container->killing)
		return;
	if (outdated(d, index) || container_resize_restarts(spec, container)) {
		kill_container(d, index, spec_grace(d),
			       str_format(d->arena,
					  outdated(d, index)
						  ? "Container " STR_FMT
						    " definition changed, will be restarted"
						  : "Container " STR_FMT " resize requires restart",
					  STR_ARG(name)));
	} else if (container->unhealthy.len) {
		kill_container(d, index,
			       container->unhealthy_grace_s >= 0 ? container->unhealthy_grace_s
								 : spec_grace(d),
			       str_format(d->arena,
					  "Container " STR_FMT " failed " STR_FMT
					  " probe, will be restarted",
					  STR_ARG(name), STR_ARG(container->unhealthy)));
	} else if (container_resized(spec, container) && !container->resizing) {
		if (container->resize_retry_ns <= d->now_ns)
			act(d, POD_RESIZE, index);
		else
			wake_at(d, container->resize_retry_ns);
	}
}

/* Starts, restarts, watches over one container whose turn it is. */
static void mind_container(struct decision *d, u32 index)
{
	const struct container_seen *container = &d->seen->containers[index];

	if (container->working)
		return;
	if (container->phase == CONTAINER_RUNNING || container->phase == CONTAINER_CREATED) {
		mind_running(d, index);
		return;
	}
	if (container->phase == CONTAINER_EXITED) {
		if (!container_restarts(d->pod, index, container))
			return;
		i64 when = container_restart_ns(container, d->settings);

		if (d->now_ns < when) {
			if (container->backoff_told != container->attempt + 1)
				tell(d, index, "BackOff",
				     str_format(d->arena,
						"Back-off restarting failed container " STR_FMT
						" in pod " STR_FMT,
						STR_ARG(container->name),
						STR_ARG(pod_full_name(d->arena, d->pod))));
			wake_at(d, when);
			return;
		}
	}
	run_container(d, index);
}

/* ---- the pod */

static bool alive(const struct container_seen *container)
{
	return container->working || container->phase == CONTAINER_RUNNING ||
	       container->phase == CONTAINER_CREATED;
}

static bool any_alive(const struct pod_seen *seen)
{
	for (u32 i = 0; i < seen->containers_len; i++)
		if (alive(&seen->containers[i]))
			return true;
	return false;
}

/* Main containers end together; sidecars after them, the last one first. */
static void end_containers(struct decision *d, i64 grace_s)
{
	bool main_alive = false;

	for (u32 i = 0; i < d->seen->containers_len; i++)
		if (alive(&d->seen->containers[i]) && !pod_container_is_sidecar(d->pod, i))
			main_alive = true;
	for (u32 i = d->seen->containers_len; i-- > 0;) {
		const struct container_seen *container = &d->seen->containers[i];
		bool sidecar = pod_container_is_sidecar(d->pod, i);

		if (!alive(container) || (sidecar && main_alive))
			continue;
		if (!container->working)
			kill_container(d, i, grace_s,
				       str_format(d->arena, "Stopping container " STR_FMT,
						  STR_ARG(container->name)));
		if (sidecar)
			return;
	}
}

static void end_pod(struct decision *d)
{
	bool deleting = pod_deleting(d->pod);
	i64 grace =
		deleting ? doc_at_int(d->pod, "metadata.deletionGracePeriodSeconds", spec_grace(d))
			 : spec_grace(d);

	/* Evicted: what it took is needed now. */
	if (d->seen->rejected_reason.len)
		grace = MIN(grace, 1);
	if (any_alive(d->seen)) {
		end_containers(d, grace);
		return;
	}
	if (d->seen->sandbox == SEEN_READY || d->seen->sandbox == SEEN_FAILED)
		act(d, POD_SANDBOX_REMOVE, 0);
	if (!deleting)
		return;
	if (d->seen->sandbox == SEEN_NONE &&
	    (d->seen->volumes == SEEN_READY || d->seen->volumes == SEEN_FAILED))
		act(d, POD_VOLUMES_REMOVE, 0);
	if (d->seen->sandbox == SEEN_NONE && d->seen->volumes == SEEN_NONE && !d->seen->delete_sent)
		act(d, POD_DELETE, 0);
}

static void prepare(struct decision *d)
{
	const struct pod_seen *seen = d->seen;

	if (seen->volumes == SEEN_NONE ||
	    (seen->volumes == SEEN_FAILED && seen->volumes_retry_ns <= d->now_ns))
		act(d, POD_VOLUMES, 0);
	else if (seen->volumes == SEEN_FAILED)
		wake_at(d, seen->volumes_retry_ns);
	if (seen->sandbox == SEEN_NONE ||
	    (seen->sandbox == SEEN_FAILED && seen->sandbox_retry_ns <= d->now_ns))
		act(d, POD_SANDBOX, 0);
	else if (seen->sandbox == SEEN_FAILED)
		wake_at(d, seen->sandbox_retry_ns);
}

/* Init containers one after the other. True when the others may run. */
static bool bring_up_init(struct decision *d)
{
	const struct pod_seen *seen = d->seen;

	for (u32 i = 0; i < seen->containers_len && pod_container_is_init(d->pod, i); i++) {
		const struct container_seen *container = &seen->containers[i];
		bool sidecar = pod_container_is_sidecar(d->pod, i);

		if (!sidecar && (seen->initialized || succeeded(container)))
			continue;
		mind_container(d, i);
		if (!seen->initialized && !(sidecar && container_started(container)))
			return false;
	}
	return true;
}

/* Nothing of the pod's own work is left: every main container ended and stays so, or an init
 * container failed for good. */
static bool work_is_over(const struct decision *d)
{
	const struct pod_seen *seen = d->seen;
	bool any_main = false;

	for (u32 i = 0; i < seen->containers_len; i++) {
		const struct container_seen *container = &seen->containers[i];
		bool ended = container->phase == CONTAINER_EXITED && !container->working &&
			     !container_restarts(d->pod, i, container);

		if (pod_container_is_sidecar(d->pod, i) || pod_container_is_ephemeral(d->pod, i))
			continue;
		if (pod_container_is_init(d->pod, i)) {
			if (ended && !seen->initialized && container->end.exit_code != 0)
				return true;
			continue;
		}
		any_main = true;
		if (!ended)
			return false;
	}
	return any_main;
}

static bool deadline_over(struct decision *d)
{
	i64 deadline = doc_at_int(d->pod, "spec.activeDeadlineSeconds", -1);

	if (d->seen->deadline_passed)
		return true;
	if (deadline < 0 || !d->seen->start_ns)
		return false;
	i64 when = d->seen->start_ns + deadline * NS_PER_S;

	if (d->now_ns < when)
		wake_at(d, when);
	return d->now_ns >= when;
}

void pod_decide(struct arena *arena, const struct doc *pod, const struct pod_seen *seen,
		const struct pod_settings *settings, i64 now_ns, struct pod_plan *ret_plan)
{
	struct decision d = { arena, pod, seen, settings, now_ns, ret_plan };

	*ret_plan = (struct pod_plan){ .wake_ns = NEVER_NS, .initialized = seen->initialized };
	ret_plan->finished = seen->finished || seen->rejected_reason.len || work_is_over(&d);
	if (!ret_plan->finished && deadline_over(&d)) {
		ret_plan->deadline_passed = true;
		if (!seen->deadline_passed)
			tell(&d, (u32)-1, "DeadlineExceeded",
			     STR("Pod was active on the node longer than the specified deadline"));
	}
	ret_plan->deadline_passed |= seen->deadline_passed;
	if (pod_deleting(pod) || ret_plan->finished || ret_plan->deadline_passed) {
		end_pod(&d);
	} else {
		prepare(&d);
		if (bring_up_init(&d)) {
			ret_plan->initialized = seen->sandbox == SEEN_READY || seen->initialized;
			for (u32 i = 0; i < seen->containers_len; i++)
				if (!pod_container_is_init(pod, i))
					mind_container(&d, i);
		}
	}
	ret_plan->status = pod_status(arena, pod, seen, ret_plan, settings, now_ns);
}
