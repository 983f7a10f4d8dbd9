/*
 * This machine as a Node: registered once, its status told when it changes and every five minutes,
 * its lease renewed every ten seconds. The lease is what says we are alive; it is never written to
 * disk by the server.
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "doc/build.h"
#include "node/agent_inside.h"
#include "sys/file.h"

enum { LEASE_MS = 10000, STATUS_MS = 300000, LEASE_SECONDS = 40, RETRY_MS = 2000 };

static const struct str lease_namespace = STR_INIT("kube-node-lease");

/* ---- facts about the machine */

static struct str file_word(struct arena *arena, const char *path)
{
	struct str text = STR_NONE;

	return file_read(arena, path, 4096, &text, NULL) == ST_OK ? str_trim(text) : STR_NONE;
}

static struct str os_name(struct arena *arena)
{
	struct str text = file_word(arena, "/etc/os-release");

	while (text.at) {
		struct str line = str_cut(&text, '\n'), key = str_cut(&line, '=');

		if (str_is(key, "PRETTY_NAME") && line.len > 2)
			return str_part(line, 1, line.len - 2);
	}
	return STR("Linux");
}

static u64 read_capabilities(void)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct str text = file_word(arena, "/proc/self/status");
	i64 at = str_find(text, STR("CapEff:"));

	return at < 0 ? 0
		      : strtoull(str_c(arena, str_trim(str_from(text, (size_t)at + 7))), NULL, 16);
}

/* The first address that is neither loopback nor our own bridge; else the bridge's own, which at
 * least pods and programs of this machine can reach. */
static struct str find_address(struct agent *agent)
{
	struct ifaddrs *all = NULL;
	struct str found = STR_NONE;
	char text[INET_ADDRSTRLEN];

	if (getifaddrs(&all))
		all = NULL;
	for (struct ifaddrs *one = all; one && !found.len; one = one->ifa_next) {
		struct sockaddr_in *address = (void *)one->ifa_addr;

		if (!address || address->sin_family != AF_INET || (one->ifa_flags & IFF_LOOPBACK) ||
		    !strncmp(one->ifa_name, "minke", 5))
			continue;
		if (inet_ntop(AF_INET, &address->sin_addr, text, sizeof text))
			found = str_copy(agent->arena, str_of(text));
	}
	if (all)
		freeifaddrs(all);
	return found.len ? found : pod_network_gateway(agent->arena, agent->network);
}

void node_find_capacity(struct agent *agent)
{
	struct sysinfo info;

	agent->cpu_milli = sysconf(_SC_NPROCESSORS_ONLN) * 1000;
	agent->memory_bytes =
		sysinfo(&info) == 0 ? (i64)info.totalram * (i64)info.mem_unit : 1ll << 30;
	agent->own_capabilities = read_capabilities();
}

/* ---- the Node object */

static void build_amounts(struct build *b, const struct agent *agent, const char *key)
{
	struct arena *arena = b->arena;
	struct statvfs disk;

	build_open_object(b, key);
	build_str(b, "cpu", str_format(arena, "%lld", (long long)agent->cpu_milli / 1000));
	if (statvfs(str_c(arena, agent->config.data), &disk) == 0)
		build_str(b, "ephemeral-storage",
			  str_format(arena, "%lluKi",
				     (unsigned long long)disk.f_blocks * disk.f_frsize / 1024));
	build_str(b, "hugepages-2Mi", STR("0"));
	build_str(b, "memory", str_format(arena, "%lldKi", (long long)agent->memory_bytes / 1024));
	build_str(b, "pods", str_format(arena, "%u", agent->config.pods_max));
	build_close(b);
}

static const struct doc *condition_before(const struct doc *node, const char *type)
{
	doc_each_item(doc_at(node, "status.conditions"), condition)
		if (str_is(doc_at_str(condition, "type"), type))
			return condition;
	return NULL;
}

static void build_conditions(struct build *b, const struct doc *node)
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
	struct str now = time_text(b->arena, agent_wall());

	build_open_array(b, "conditions");
	for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
		const struct doc *before = condition_before(node, conditions[i].type);
		bool same = str_is(doc_at_str(before, "status"), conditions[i].status);

		build_open_object(b, NULL);
		build_str(b, "type", str_of(conditions[i].type));
		build_str(b, "status", str_of(conditions[i].status));
		build_str(b, "lastHeartbeatTime", now);
		build_str(b, "lastTransitionTime",
			  same ? doc_at_str(before, "lastTransitionTime") : now);
		build_str(b, "reason", str_of(conditions[i].reason));
		build_str(b, "message", str_of(conditions[i].message));
		build_close(b);
	}
	build_close(b);
}

static void build_address(struct build *b, const char *type, struct str address)
{
	build_open_object(b, NULL);
	build_str(b, "type", str_of(type));
	build_str(b, "address", address);
	build_close(b);
}

static const char *architecture(void)
{
#if defined(__x86_64__)
	return "amd64";
#elif defined(__aarch64__)
	return "arm64";
#elif defined(__riscv)
	return "riscv64";
#else
	return "arm";
#endif
}

static void build_info(struct build *b)
{
	struct arena *arena = b->arena;
	struct utsname names;

	uname(&names);
	build_open_object(b, "nodeInfo");
	build_str(b, "machineID", file_word(arena, "/etc/machine-id"));
	build_str(b, "systemUUID", file_word(arena, "/sys/class/dmi/id/product_uuid"));
	build_str(b, "bootID", file_word(arena, "/proc/sys/kernel/random/boot_id"));
	build_str(b, "kernelVersion", str_copy(arena, str_of(names.release)));
	build_str(b, "osImage", os_name(arena));
	build_str(b, "containerRuntimeVersion", STR("minke://0.1.0"));
	build_str(b, "kubeletVersion", STR("v1.36.0+minke"));
	build_str(b, "kubeProxyVersion", STR(""));
	build_str(b, "operatingSystem", STR("linux"));
	build_str(b, "architecture", str_of(architecture()));
	build_close(b);
}

static const struct doc *node_status(struct agent *agent, struct arena *arena,
				     const struct doc *node)
{
	struct build b = build_object(arena);

	build_open_array(&b, "addresses");
	build_address(&b, "InternalIP", agent->config.node_ip);
	build_address(&b, "Hostname", agent->config.node_name);
	build_close(&b);
	build_amounts(&b, agent, "capacity");
	build_amounts(&b, agent, "allocatable");
	build_conditions(&b, node);
	build_open_object(&b, "daemonEndpoints");
	build_open_object(&b, "kubeletEndpoint");
	build_int(&b, "Port", agent->config.port);
	build_close(&b);
	build_close(&b);
	build_info(&b);
	return build_done(&b);
}

/* Where the built-in provisioner finds room on this node. */
static const struct doc *node_annotations(struct agent *agent, struct arena *arena)
{
	struct build b = build_object(arena);

	build_str(&b, "minke/volumes",
		  str_format(arena, STR_FMT "/volumes", STR_ARG(agent->config.data)));
	return build_done(&b);
}

static void build_own(struct build *b, struct agent *agent)
{
	build_open_object(b, "labels");
	build_str(b, "beta.kubernetes.io/arch", str_of(architecture()));
	build_str(b, "beta.kubernetes.io/os", STR("linux"));
	build_str(b, "kubernetes.io/arch", str_of(architecture()));
	build_str(b, "kubernetes.io/hostname", agent->config.node_name);
	build_str(b, "kubernetes.io/os", STR("linux"));
	build_close(b);
	build_doc(b, "annotations", node_annotations(agent, b->arena));
}

/* A Node that somebody made beforehand, or an earlier version of us, may lack what we say of
 * ourselves. */
static void tell_own(struct agent *agent, struct arena *arena, const struct doc *node)
{
	const struct doc *notes = node_annotations(agent, arena);
	struct build b = build_object(arena);

	if (doc_get(doc_at(node, "metadata.labels"), STR("kubernetes.io/hostname")) &&
	    doc_eq(doc_key(notes, "minke/volumes"),
		   doc_key(doc_at(node, "metadata.annotations"), "minke/volumes")))
		return;
	build_open_object(&b, "metadata");
	build_own(&b, agent);
	build_close(&b);
	client_patch(agent->client, KIND_Node, STR_NONE, agent->config.node_name, STR_NONE,
		     CLIENT_PATCH_MERGE, build_done(&b), NULL, NULL);
}

static const struct doc *node_document(struct agent *agent, struct arena *arena)
{
	struct build b = build_object(arena);
	struct str name = agent->config.node_name;

	build_str(&b, "apiVersion", STR("v1"));
	build_str(&b, "kind", STR("Node"));
	build_open_object(&b, "metadata");
	build_str(&b, "name", name);
	build_own(&b, agent);
	build_close(&b);
	build_open_object(&b, "spec");
	build_str(&b, "podCIDR", agent->config.pod_cidr);
	build_open_array(&b, "podCIDRs");
	build_str(&b, NULL, agent->config.pod_cidr);
	build_close(&b);
	build_close(&b);
	build_doc(&b, "status", node_status(agent, arena, NULL));
	return build_done(&b);
}

/* ---- telling it */

static void status_told(void *self, const struct doc *object, const struct error *error)
{
	struct agent *agent = self;

	(void)object;
	if (!error)
		return;
	log_warn("node", "status of this node: %s", error->message);
	agent->node_known &= error->status != ST_NOT_FOUND;
	if (!agent->stopping)
		timer_start(agent->status_timer, RETRY_MS, STATUS_MS);
}

static void node_got(void *self, const struct doc *object, const struct error *error);

static void node_made(void *self, const struct doc *object, const struct error *error)
{
	struct agent *agent = self;

	if (error && error->status == ST_EXISTS)
		agent->node_known = true; /* somebody was quicker; the next round tells */
	else if (error)
		log_warn("node", "registering this node: %s", error->message);
	if (error && !agent->stopping)
		timer_start(agent->status_timer, RETRY_MS, STATUS_MS);
	if (!error)
		node_got(self, object, NULL);
}

static void node_got(void *self, const struct doc *object, const struct error *error)
{
	struct agent *agent = self;
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);

	if (agent->stopping)
		return;
	if (error && error->status == ST_NOT_FOUND) {
		client_create(agent->client, KIND_Node, STR_NONE, agent->config.node_name, STR_NONE,
			      node_document(agent, arena), node_made, agent);
		return;
	}
	if (error) {
		status_told(agent, NULL, error);
		return;
	}
	agent->node_known = true;
	tell_own(agent, arena, object);
	client_patch(agent->client, KIND_Node, STR_NONE, agent->config.node_name, STR("status"),
		     CLIENT_PATCH_MERGE,
		     doc_set(arena, NULL, "status", node_status(agent, arena, object)), status_told,
		     agent);
}

static void tell_status(void *self)
{
	struct agent *agent = self;

	client_get(agent->client, KIND_Node, STR_NONE, agent->config.node_name, node_got, agent);
}

/* ---- lease */

static void lease_told(void *self, const struct doc *object, const struct error *error)
{
	struct agent *agent = self;

	(void)object;
	/* Missing: it is made in the next round; anything else: tried again anyway. */
	agent->lease_known = !error || error->status == ST_EXISTS;
	if (error && error->status != ST_NOT_FOUND && error->status != ST_EXISTS)
		log_warn("node", "renewing the lease: %s", error->message);
	if (error && !agent->stopping)
		timer_start(agent->lease_timer, RETRY_MS, LEASE_MS);
}

static void renew(void *self)
{
	struct agent *agent = self;
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct build b = build_object(arena);
	struct str name = agent->config.node_name;

	if (!agent->lease_known) {
		build_str(&b, "apiVersion", STR("coordination.k8s.io/v1"));
		build_str(&b, "kind", STR("Lease"));
		build_open_object(&b, "metadata");
		build_str(&b, "name", name);
		build_str(&b, "namespace", lease_namespace);
		build_close(&b);
	}
	build_open_object(&b, "spec");
	build_str(&b, "holderIdentity", name);
	build_int(&b, "leaseDurationSeconds", LEASE_SECONDS);
	build_str(&b, "renewTime", timestamp_print_micro(arena, agent_wall()));
	build_close(&b);
	if (agent->lease_known)
		client_patch(agent->client, KIND_Lease, lease_namespace, name, STR_NONE,
			     CLIENT_PATCH_MERGE, build_done(&b), lease_told, agent);
	else
		client_create(agent->client, KIND_Lease, lease_namespace, name, STR_NONE,
			      build_done(&b), lease_told, agent);
}

void node_start(struct agent *agent)
{
	if (!agent->config.node_ip.len)
		agent->config.node_ip = find_address(agent);
	agent->status_timer = timer_new(agent->loop, tell_status, agent);
	agent->lease_timer = timer_new(agent->loop, renew, agent);
	tell_status(agent);
	renew(agent);
	/* A failure has set a shorter time already. */
	if (!timer_running(agent->status_timer))
		timer_start(agent->status_timer, STATUS_MS, STATUS_MS);
	if (!timer_running(agent->lease_timer))
		timer_start(agent->lease_timer, LEASE_MS, LEASE_MS);
}

void node_stop(struct agent *agent)
{
	timer_free(agent->status_timer);
	timer_free(agent->lease_timer);
	agent->status_timer = agent->lease_timer = NULL;
}

struct str agent_node_ip(const struct agent *agent)
{
	return agent->config.node_ip;
}
