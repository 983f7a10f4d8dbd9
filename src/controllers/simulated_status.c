/* The words of a node agent that runs nothing. */
#include "controllers/simulated_status.h"

#include "base/timestamp.h"
#include "controllers/pod.h"
#include "doc/build.h"

static void build_capacity(struct build *b, const char *key, const struct simulated_config *config)
{
	u32 pods = config->pods ? config->pods : 110;
	build_open_object(b, key);
	build_str(b, "cpu", str_of(config->cpu ? config->cpu : "32"));
	build_str(b, "memory", str_of(config->memory ? config->memory : "256Gi"));
	build_str(b, "ephemeral-storage", STR("1Ti"));
	build_str(b, "pods", str_format(b->arena, "%u", pods));
	build_close(b);
}

const struct doc *simulated_node_doc(struct arena *arena, const struct simulated_config *config,
				     struct str name, i64 now_ns)
{
	(void)config;
	(void)now_ns;
	struct build b = build_object(arena);
	build_str(&b, "apiVersion", STR("v1"));
	build_str(&b, "kind", STR("Node"));
	build_open_object(&b, "metadata");
	build_str(&b, "name", name);
	build_open_object(&b, "labels");
	build_str(&b, "kubernetes.io/hostname", name);
	build_str(&b, "kubernetes.io/os", STR("linux"));
	build_str(&b, "kubernetes.io/arch", STR("amd64"));
	build_str(&b, "minke/simulated", STR("true"));
	build_close(&b);
	build_close(&b);
	return build_done(&b);
}

const struct doc *simulated_node_ready(struct arena *arena, const struct simulated_config *config,
				       const struct doc *node, i64 now_ns)
{
	static const struct {
		const char *type, *status, *reason, *message;
	} conditions[] = {
		{ "MemoryPressure", "False", "KubeletHasSufficientMemory",
		  "kubelet has sufficient memory available" },
		{ "DiskPressure", "False", "KubeletHasNoDiskPressure",
		  "kubelet has no disk pressure" },
		{ "PIDPressure", "False", "KubeletHasSufficientPID",
		  "kubelet has sufficient PID available" },
		{ "Ready", "True", "KubeletReady", "kubelet is posting ready status" },
	};
	struct str name = doc_at_str(node, AT(Node, metadata.name));
	struct build b = build_object(arena);
	build_capacity(&b, "capacity", config);
	build_capacity(&b, "allocatable", config);
	build_open_array(&b, "addresses");
	build_open_object(&b, NULL);
	build_str(&b, "type", STR("Hostname"));
	build_str(&b, "address", name);
	build_close(&b);
	build_close(&b);
	build_open_object(&b, "nodeInfo");
	static const char *const fields[] = { "machineID",     "systemUUID", "bootID",
					      "kernelVersion", "osImage",    "kubeProxyVersion" };
	for (u32 i = 0; i < ARRAY_LEN(fields); i++)
		build_str(&b, fields[i], STR(""));
	build_str(&b, "containerRuntimeVersion", STR("simulated://1"));
	build_str(&b, "kubeletVersion", STR("v1.36.0+minke"));
	build_str(&b, "operatingSystem", STR("linux"));
	build_str(&b, "architecture", STR("amd64"));
	build_close(&b);
	build_doc(&b, "conditions", doc_at(node, AT(Node, status.conditions)));
	const struct doc *status = build_done(&b);
	for (u32 i = 0; i < ARRAY_LEN(conditions); i++)
		status = status_with_condition(arena, status, conditions[i].type,
					       conditions[i].status, conditions[i].reason,
					       str_of(conditions[i].message), now_ns);
	return doc_with(arena, node, STR("status"), status);
}

const struct doc *simulated_lease_doc(struct arena *arena, struct str node, struct str now,
				      i64 seconds)
{
	struct build b = build_object(arena);
	build_str(&b, "apiVersion", STR("coordination.k8s.io/v1"));
	build_str(&b, "kind", STR("Lease"));
	build_open_object(&b, "metadata");
	build_str(&b, "name", node);
	build_str(&b, "namespace", STR("kube-node-lease"));
	build_close(&b);
	build_open_object(&b, "spec");
	build_str(&b, "holderIdentity", node);
	build_int(&b, "leaseDurationSeconds", seconds);
	build_str(&b, "renewTime", now);
	build_close(&b);
	return build_done(&b);
}

/* ---- pods */

static const struct doc *set_conditions(struct arena *arena, const struct doc *status, bool ready,
					const char *reason, i64 now_ns)
{
	const char *word = ready ? "True" : "False";
	static const char *const early[] = { "PodReadyToStartContainers", "Initialized" };
	for (u32 i = 0; i < ARRAY_LEN(early); i++)
		status = status_with_condition(arena, status, early[i], "True", NULL, STR_NONE,
					       now_ns);
	static const char *const late[] = { "Ready", "ContainersReady" };
	for (u32 i = 0; i < ARRAY_LEN(late); i++)
		status = status_with_condition(arena, status, late[i], word, reason, STR_NONE,
					       now_ns);
	return status_with_condition(arena, status, "PodScheduled", "True", NULL, STR_NONE, now_ns);
}

struct container_state {
	const char *state, *reason;
	bool ready;
	struct str since;
	i64 exit_code; /* of a terminated one */
	u32 restarts;  /* more than before */
};

static void build_state(struct build *b, const struct container_state *state)
{
	build_open_object(b, "state");
	build_open_object(b, state->state);
	build_str_if(b, "reason", str_of(state->reason));
	if (str_is(str_of(state->state), "terminated")) {
		build_int(b, "exitCode", state->exit_code);
		build_str(b, "finishedAt", state->since);
	}
	if (str_is(str_of(state->state), "running"))
		build_str(b, "startedAt", state->since);
	build_close(b);
	build_close(b);
}

static const struct doc *container_statuses(struct arena *arena, const struct doc *pod,
					    const struct container_state *state)
{
	struct build b = build_array(arena);
	u32 at = 0;
	doc_each_item(doc_at(pod, AT(Pod, spec.containers)), container) {
		const struct doc *old =
			doc_item(doc_at(pod, AT(Pod, status.containerStatuses)), at++);
		build_open_object(&b, NULL);
		build_str(&b, "name", doc_str(doc_key(container, "name")));
		build_state(&b, state);
		build_bool(&b, "ready", state->ready);
		build_bool(&b, "started", state->ready);
		build_int(&b, "restartCount",
			  doc_int_or(doc_key(old, "restartCount"), 0) + state->restarts);
		build_str(&b, "image", doc_str(doc_key(container, "image")));
		build_str(&b, "imageID",
			  state->ready ? doc_str(doc_key(container, "image")) : STR(""));
		build_close(&b);
	}
	return build_done(&b);
}

static const struct doc *pod_status(struct arena *arena, const struct doc *pod, const char *phase,
				    const struct container_state *state)
{
	const struct doc *status = doc_key(pod, "status");
	status = doc_with(arena, status, STR("phase"), doc_ref_str(arena, str_of(phase)));
	if (!doc_key(status, "startTime"))
		status =
			doc_with(arena, status, STR("startTime"), doc_ref_str(arena, state->since));
	return doc_with(arena, status, STR("containerStatuses"),
			container_statuses(arena, pod, state));
}

const struct doc *simulated_pod_running(struct arena *arena, const struct doc *pod,
					struct str address, i64 now_ns)
{
	struct container_state state = {
		"running", NULL, true, timestamp_print(arena, now_ns), 0, 0
	};
	const struct doc *status = pod_status(arena, pod, "Running", &state);
	struct build ips = build_array(arena);
	build_open_object(&ips, NULL);
	build_str(&ips, "ip", address);
	build_close(&ips);
	status = doc_with(arena, status, STR("podIP"), doc_ref_str(arena, address));
	status = doc_with(arena, status, STR("podIPs"), build_done(&ips));
	return set_conditions(arena, status, true, NULL, now_ns);
}

const struct doc *simulated_pod_waiting(struct arena *arena, const struct doc *pod, i64 now_ns)
{
	struct container_state state = { "waiting", "ErrImagePull",
					 false,	    timestamp_print(arena, now_ns),
					 0,	    0 };
	const struct doc *status = pod_status(arena, pod, "Pending", &state);
	return set_conditions(arena, status, false, "ContainersNotReady", now_ns);
}

const struct doc *simulated_pod_ended(struct arena *arena, const struct doc *pod, i64 exit_code,
				      i64 now_ns)
{
	struct container_state state = { "terminated", exit_code ? "Error" : "Completed",
					 false,	       timestamp_print(arena, now_ns),
					 exit_code,    0 };
	const struct doc *status =
		pod_status(arena, pod, exit_code ? "Failed" : "Succeeded", &state);
	return set_conditions(arena, status, false, exit_code ? "PodFailed" : "PodCompleted",
			      now_ns);
}

const struct doc *simulated_pod_stumbled(struct arena *arena, const struct doc *pod, i64 now_ns)
{
	struct container_state state = { "waiting", "CrashLoopBackOff",
					 false,	    timestamp_print(arena, now_ns),
					 0,	    1 };
	const struct doc *status = pod_status(arena, pod, "Running", &state);
	return set_conditions(arena, status, false, "ContainersNotReady", now_ns);
}
