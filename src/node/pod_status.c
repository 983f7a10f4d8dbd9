/*
 * The PodStatus to report: container states with the kubelet's words, conditions, phase. Times of
 * conditions stay as they were reported where nothing changed.
 */
#include "doc/build.h"
#include "node/pod_worker.h"

struct report {
	struct arena *arena;
	const struct doc *pod;
	const struct pod_seen *seen;
	const struct pod_plan *plan;
	const struct pod_settings *settings;
	i64 now_ns;
	struct str phase;
};

/* ---- container states */

static struct str end_reason(const struct container_end *end)
{
	if (end->reason.len)
		return end->reason;
	if (end->oom_killed)
		return STR("OOMKilled");
	if (end->unknown)
		return STR("ContainerStatusUnknown");
	return end->exit_code == 0 ? STR("Completed") : STR("Error");
}

static struct str container_url(const struct report *r, struct str id)
{
	return id.len ? str_format(r->arena, "minke://" STR_FMT, STR_ARG(id)) : STR_NONE;
}

static void build_terminated(struct build *b, const struct report *r,
			     const struct container_end *end)
{
	struct str message = end->message;

	if (end->unknown && !message.len)
		message = STR("The container could not be located when the pod was terminated");
	build_open_object(b, "terminated");
	build_int(b, "exitCode", end->exit_code);
	build_str(b, "reason", end_reason(end));
	build_str_if(b, "message", message);
	build_str(b, "startedAt", time_text(r->arena, end->started_ns));
	build_str(b, "finishedAt", time_text(r->arena, end->finished_ns));
	build_str_if(b, "containerID", container_url(r, end->id));
	build_close(b);
}

static void build_waiting(struct build *b, struct str reason, struct str message)
{
	build_open_object(b, "waiting");
	build_str(b, "reason", reason);
	build_str_if(b, "message", message);
	build_close(b);
}

/* Why a container's image keeps it waiting; empty when it does not. */
static struct str image_wait(const struct report *r, u32 index, struct str *ret_message)
{
	const struct container_seen *container = &r->seen->containers[index];
	i64 failed_ns = container->image_retry_ns - container->image_delay_ns;
	struct str image = doc_at_str(pod_container(r->pod, index), "image");

	if (container->image != SEEN_FAILED)
		return STR_NONE;
	*ret_message = container->image_message;
	if (!str_is(container->image_reason, "ErrImagePull") ||
	    r->now_ns < failed_ns + IMAGE_ERROR_SHOWN_S * NS_PER_S)
		return container->image_reason;
	*ret_message = str_format(r->arena,
				  "Back-off pulling image \"" STR_FMT "\": ErrImagePull: " STR_FMT,
				  STR_ARG(image), STR_ARG(container->image_message));
	return STR("ImagePullBackOff");
}

/* Before the first run. The kubelet's word does not depend on whose turn it is. */
static struct str first_wait(const struct report *r)
{
	return doc_len(doc_at(r->pod, "spec.initContainers")) ? STR("PodInitializing")
							      : STR("ContainerCreating");
}

/* Writes `state`; returns true when it shows the newest end (so lastState shows the one before). */
static bool build_state(struct build *b, const struct report *r, u32 index)
{
	const struct container_seen *container = &r->seen->containers[index];
	struct str message = STR_NONE, reason = STR_NONE;
	bool ending = r->plan->finished || r->plan->deadline_passed || pod_deleting(r->pod);

	if (container->phase == CONTAINER_RUNNING) {
		build_open_object(b, "running");
		build_str(b, "startedAt", time_text(r->arena, container->started_ns));
		build_close(b);
		return false;
	}
	bool ended = container->phase == CONTAINER_EXITED;
	bool restarts = ended && !ending && container_restarts(r->pod, index, container);

	if (!ended || restarts) {
		reason = image_wait(r, index, &message);
		if (!reason.len && container->wait_reason.len) {
			reason = container->wait_reason;
			message = container->wait_message;
		}
		i64 when = restarts ? container_restart_ns(container, r->settings) : 0;

		if (!reason.len && restarts && r->now_ns < when) {
			i64 delay = container_delay(container, r->settings);

			reason = STR("CrashLoopBackOff");
			message = str_format(
				r->arena,
				"back-off " STR_FMT " restarting failed container=" STR_FMT
				" pod=" STR_FMT,
				STR_ARG(duration_text(r->arena, delay)), STR_ARG(container->name),
				STR_ARG(pod_full_name(r->arena, r->pod)));
		}
		if (!reason.len && !ended)
			reason = first_wait(r);
	}
	if (reason.len) {
		build_waiting(b, reason, message);
		return false;
	}
	build_terminated(b, r, &container->end);
	return true;
}

static bool container_ready(const struct report *r, u32 index)
{
	const struct container_seen *container = &r->seen->containers[index];

	if (pod_container_is_init(r->pod, index) && !pod_container_is_sidecar(r->pod, index))
		return r->seen->initialized ||
		       (container->phase == CONTAINER_EXITED && container->end.exit_code == 0);
	return container_started(container) && container->ready;
}

/* What is in force; while a resize waits, what was told before. */
static void build_resources(struct build *b, const struct report *r,
			    const struct container_seen *container, const struct doc *spec)
{
	const struct doc *resources = doc_key(spec, "resources"), *before = NULL;

	if (container_resized(spec, container)) {
		doc_each_item(doc_at(r->pod, "status.containerStatuses"), status)
			if (str_eq(doc_at_str(status, "name"), container->name))
				before = doc_key(status, "resources");
		resources = before;
	}
	if (!doc_len(resources))
		return;
	build_doc(b, "resources", resources);
	if (doc_len(doc_key(resources, "requests")))
		build_doc(b, "allocatedResources", doc_key(resources, "requests"));
}

static void build_container(struct build *b, const struct report *r, u32 index)
{
	const struct container_seen *container = &r->seen->containers[index];
	const struct doc *spec = pod_container(r->pod, index);
	struct str image = container->image_name;
	bool any = container->phase != CONTAINER_NONE;

	build_open_object(b, NULL);
	build_str(b, "name", container->name);
	build_open_object(b, "state");
	bool shows_end = build_state(b, r, index);

	build_close(b);
	build_open_object(b, "lastState");
	if (container->phase == CONTAINER_EXITED && !shows_end)
		build_terminated(b, r, &container->end);
	else if (container->last.any)
		build_terminated(b, r, &container->last);
	build_close(b);
	build_bool(b, "ready", container_ready(r, index));
	build_int(b, "restartCount", any ? container->attempt : 0);
	build_str(b, "image", image.len ? image : doc_at_str(spec, "image"));
	build_str(b, "imageID", container->image_id);
	build_str_if(b, "containerID", container_url(r, container->id));
	build_bool(b, "started", container_started(container));
	if (any)
		build_resources(b, r, container, spec);
	build_close(b);
}

static void build_containers(struct build *b, const struct report *r, const char *key,
			     const char *list, u32 first)
{
	u32 len = doc_len(doc_at(r->pod, list));

	if (!len)
		return;
	build_open_array(b, key);
	for (u32 i = first; i < first + len && i < r->seen->containers_len; i++)
		build_container(b, r, i);
	build_close(b);
}

/* ---- phase */

struct count {
	u32 running, waiting, stopped, failed, all;
};

static struct count count_main(const struct report *r)
{
	struct count count = { 0 };

	for (u32 i = 0; i < r->seen->containers_len; i++) {
		const struct container_seen *container = &r->seen->containers[i];

		if (pod_container_is_init(r->pod, i) || pod_container_is_ephemeral(r->pod, i))
			continue;
		count.all++;
		if (container->phase == CONTAINER_RUNNING)
			count.running++;
		else if (container->phase == CONTAINER_EXITED)
			count.stopped++;
		else
			count.waiting++;
		if (container->phase == CONTAINER_EXITED && container->end.exit_code != 0)
			count.failed++;
	}
	return count;
}

static bool anything_runs(const struct report *r)
{
	for (u32 i = 0; i < r->seen->containers_len; i++)
		if (r->seen->containers[i].working ||
		    r->seen->containers[i].phase == CONTAINER_RUNNING)
			return true;
	return false;
}

static struct str phase_of(const struct report *r)
{
	struct count count = count_main(r);
	bool ended = !anything_runs(r);
	struct str before = doc_at_str(r->pod, "status.phase");

	if (str_is(before, "Succeeded") || str_is(before, "Failed"))
		return before; /* final, whatever happens to what is left */
	if (ended && (r->seen->rejected_reason.len || r->plan->deadline_passed))
		return STR("Failed");
	if (r->plan->finished && ended)
		return count.failed || count.stopped < count.all ? STR("Failed") : STR("Succeeded");
	if (pod_deleting(r->pod) && ended && count.stopped)
		return count.failed ? STR("Failed") : STR("Succeeded");
	if (!r->plan->initialized && doc_len(doc_at(r->pod, "spec.initContainers")))
		return STR("Pending");
	return count.waiting ? STR("Pending") : STR("Running");
}

/* ---- conditions */

struct condition {
	const char *type;
	bool yes;
	struct str reason, message;
};

static const struct doc *condition_before(const struct report *r, struct str type)
{
	doc_each_item(doc_at(r->pod, "status.conditions"), condition)
		if (str_eq(doc_at_str(condition, "type"), type))
			return condition;
	return NULL;
}

static void build_condition(struct build *b, const struct report *r, const struct condition *c)
{
	const struct doc *before = condition_before(r, str_of(c->type));
	struct str status = c->yes ? STR("True") : STR("False");
	bool same = before && str_eq(doc_at_str(before, "status"), status);

	build_open_object(b, NULL);
	build_str(b, "type", str_of(c->type));
	build_str(b, "status", status);
	build_doc(b, "observedGeneration", doc_at(r->pod, "metadata.generation"));
	build_doc(b, "lastProbeTime", &doc_null);
	build_str(b, "lastTransitionTime",
		  same ? doc_at_str(before, "lastTransitionTime") : time_text(r->arena, r->now_ns));
	build_str_if(b, "reason", c->reason);
	build_str_if(b, "message", c->message);
	build_close(b);
}

/* "[a b]" of the containers that are not ready; empty when all are. */
static struct str unready(const struct report *r, bool init)
{
	struct str names = STR_NONE;

	for (u32 i = 0; i < r->seen->containers_len; i++) {
		bool is_init = pod_container_is_init(r->pod, i);
		bool sidecar = pod_container_is_sidecar(r->pod, i);

		if (pod_container_is_ephemeral(r->pod, i) ||
		    (init ? !is_init : is_init && !sidecar))
			continue;
		if (init && sidecar ? container_started(&r->seen->containers[i])
				    : container_ready(r, i))
			continue;
		names = str_format(r->arena, STR_FMT "%s" STR_FMT, STR_ARG(names),
				   names.len ? " " : "", STR_ARG(r->seen->containers[i].name));
	}
	return names;
}

/* A phase that ended speaks for every condition. */
static bool final_reason(const struct report *r, struct condition *c)
{
	bool succeeded = str_is(r->phase, "Succeeded");

	if (!succeeded && !str_is(r->phase, "Failed"))
		return false;
	c->yes = false;
	c->reason = succeeded ? STR("PodCompleted") : STR("PodFailed");
	c->message = STR_NONE;
	return true;
}

static struct condition initialized(const struct report *r)
{
	struct condition c = { .type = "Initialized", .yes = r->plan->initialized };
	bool none = !doc_len(doc_at(r->pod, "spec.initContainers"));

	if (c.yes || none) {
		c.yes = true;
		if (str_is(r->phase, "Succeeded"))
			c.reason = STR("PodCompleted");
		return c;
	}
	struct str names = unready(r, true);

	c.reason = STR("ContainersNotInitialized");
	c.message = str_format(r->arena, "containers with incomplete status: [" STR_FMT "]",
			       STR_ARG(names));
	return c;
}

static struct condition containers_ready(const struct report *r)
{
	struct condition c = { .type = "ContainersReady" };
	struct str names = unready(r, false);

	if (final_reason(r, &c))
		return c;
	c.yes = names.len == 0;
	if (!c.yes) {
		c.reason = STR("ContainersNotReady");
		c.message = str_format(r->arena, "containers with unready status: [" STR_FMT "]",
				       STR_ARG(names));
	}
	return c;
}

static struct condition ready(const struct report *r, const struct condition *containers)
{
	struct condition c = *containers;

	c.type = "Ready";
	doc_each_item(doc_at(r->pod, "spec.readinessGates"), gate) {
		struct str type = doc_at_str(gate, "conditionType");
		const struct doc *before = condition_before(r, type);

		if (!c.yes || str_is(doc_at_str(before, "status"), "True"))
			continue;
		c.yes = false;
		c.reason = STR("ReadinessGatesNotReady");
		c.message = str_format(r->arena,
				       before ? "the status of pod readiness gate \"" STR_FMT
						"\" is not \"True\", but False"
					      : "corresponding condition of pod readiness gate "
						"\"" STR_FMT "\" does not exist.",
				       STR_ARG(type));
	}
	return c;
}

static bool is_ours(struct str type)
{
	static const char *const ours[] = {
		"PodReadyToStartContainers", "Initialized",  "Ready",
		"ContainersReady",	     "PodScheduled", "PodResizePending"
	};

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (str_is(type, ours[i]))
			return true;
	return false;
}

static bool any_resized(const struct report *r)
{
	for (u32 i = 0; i < r->seen->containers_len; i++)
		if (r->seen->containers[i].phase == CONTAINER_RUNNING &&
		    container_resized(pod_container(r->pod, i), &r->seen->containers[i]))
			return true;
	return false;
}

static void build_conditions(struct build *b, const struct report *r)
{
	struct condition sandbox = { .type = "PodReadyToStartContainers",
				     .yes = r->seen->sandbox == SEEN_READY };
	struct condition scheduled = { .type = "PodScheduled", .yes = true };
	struct condition init = initialized(r), containers = containers_ready(r);
	struct condition whole = ready(r, &containers);
	struct condition pending = { .type = "PodResizePending",
				     .yes = true,
				     .reason = r->seen->resize_reason,
				     .message = r->seen->resize_message };
	bool evicted = str_is(r->seen->rejected_reason, "Evicted");
	struct condition disruption = { .type = "DisruptionTarget",
					.yes = true,
					.reason = STR("TerminationByKubelet"),
					.message = r->seen->rejected_message };

	build_open_array(b, "conditions");
	build_condition(b, r, &sandbox);
	build_condition(b, r, &init);
	build_condition(b, r, &whole);
	build_condition(b, r, &containers);
	build_condition(b, r, &scheduled);
	if (evicted)
		build_condition(b, r, &disruption);
	if (pending.reason.len && any_resized(r))
		build_condition(b, r, &pending);
	doc_each_item(doc_at(r->pod, "status.conditions"), condition)
		if (!is_ours(doc_at_str(condition, "type")) &&
		    !(evicted && str_is(doc_at_str(condition, "type"), "DisruptionTarget")))
			build_doc(b, NULL, condition); /* of readiness gates and others */
	build_close(b);
}

/* ---- all of it */

static void build_addresses(struct build *b, const struct report *r)
{
	struct str ip = r->seen->ip.len ? r->seen->ip : doc_at_str(r->pod, "status.podIP");

	build_str_if(b, "hostIP", r->seen->host_ip);
	if (r->seen->host_ip.len) {
		build_open_array(b, "hostIPs");
		build_open_object(b, NULL);
		build_str(b, "ip", r->seen->host_ip);
		build_close(b);
		build_close(b);
	}
	build_str_if(b, "podIP", ip);
	if (!ip.len)
		return;
	build_open_array(b, "podIPs");
	build_open_object(b, NULL);
	build_str(b, "ip", ip);
	build_close(b);
	build_close(b);
}

const struct doc *pod_status(struct arena *arena, const struct doc *pod,
			     const struct pod_seen *seen, const struct pod_plan *plan,
			     const struct pod_settings *settings, i64 now_ns)
{
	struct report r = { arena, pod, seen, plan, settings, now_ns, STR_NONE };
	struct build b = build_object(arena);
	u32 init = doc_len(doc_at(pod, "spec.initContainers"));
	u32 main = doc_len(doc_at(pod, "spec.containers"));
	bool refused = seen->rejected_reason.len > 0; /* then there is nothing to tell of */

	for (u32 i = 0; i < seen->containers_len; i++)
		refused &= seen->containers[i].phase == CONTAINER_NONE;

	r.phase = phase_of(&r);
	build_doc(&b, "observedGeneration", doc_at(pod, "metadata.generation"));
	build_str(&b, "phase", r.phase);
	build_conditions(&b, &r);
	if (seen->rejected_reason.len) {
		build_str_if(&b, "message", seen->rejected_message);
		build_str(&b, "reason", seen->rejected_reason);
	} else if (plan->deadline_passed) {
		build_str(&b, "message",
			  STR("Pod was active on the node longer than the specified deadline"));
		build_str(&b, "reason", STR("DeadlineExceeded"));
	}
	build_addresses(&b, &r);
	if (seen->start_ns)
		build_str(&b, "startTime", time_text(arena, seen->start_ns));
	if (!refused)
		build_containers(&b, &r, "initContainerStatuses", "spec.initContainers", 0);
	if (!refused)
		build_containers(&b, &r, "containerStatuses", "spec.containers", init);
	build_containers(&b, &r, "ephemeralContainerStatuses", "spec.ephemeralContainers",
			 init + main);
	build_str(&b, "qosClass", pod_qos_class(pod));
	/* What others write stays: nominatedNodeName, resize, resourceClaimStatuses. */
	build_doc(&b, "nominatedNodeName", doc_at(pod, "status.nominatedNodeName"));
	return build_done(&b);
}
