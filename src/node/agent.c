/* The agent's life: pods come and go by the watch, the dirty ones are decided on once a round. */
#include "network/host_ports.h"
#include "node/agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cluster_range.h"
#include "base/log.h"
#include "doc/build.h"
#include "node/agent_inside.h"
#include "node/container_log.h"
#include "node/node_server.h"
#include "node/runtime_crun.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/random.h"

i64 agent_wall(void)
{
	return clock_wall_ns(clock_real());
}

i64 agent_mono(void)
{
	return clock_mono_ns(clock_real());
}

void text_keep(struct str *field, struct str value)
{
	char *copy = value.len ? strndup(value.at, value.len) : NULL;

	free((char *)field->at);
	*field = (struct str){ copy, value.len };
}

struct str id_new(struct agent *agent, struct arena *arena)
{
	u64 a = random_u64(&agent->random), b = random_u64(&agent->random);
	u64 c = random_u64(&agent->random), d = random_u64(&agent->random);

	return str_format(arena, "%016llx%016llx%016llx%016llx", (unsigned long long)a,
			  (unsigned long long)b, (unsigned long long)c, (unsigned long long)d);
}

/* ---- pods */

static void agent_run(void *self);

void pod_wake(struct pod *pod)
{
	struct agent *agent = pod->agent;

	pod->dirty = true;
	if (agent->posted || agent->stopping)
		return;
	agent->posted = true;
	loop_post(agent->loop, agent_run, agent);
}

static void timer_fired(void *self)
{
	pod_wake(self);
}

/* Nothing refers to it any more: the API forgot it and the node has nothing left of it. */
bool pod_may_go(const struct pod *pod)
{
	if (!pod->gone || pod->status_in_flight || pod->calls || pod->ending ||
	    pod->seen.sandbox != SEEN_NONE || pod->seen.volumes != SEEN_NONE)
		return false;
	for (u32 i = 0; i < pod->seen.containers_len; i++)
		if (pod->seen.containers[i].working ||
		    pod->seen.containers[i].image == SEEN_WORKING ||
		    pod->seen.containers[i].phase == CONTAINER_RUNNING)
			return false;
	return true;
}

void pod_free(struct pod *pod)
{
	struct str *texts[] = { &pod->seen.sandbox_message,  &pod->seen.ip,
				&pod->seen.volumes_message,  &pod->seen.rejected_reason,
				&pod->seen.rejected_message, &pod->seen.resize_reason,
				&pod->seen.resize_message,   &pod->seen.host_ip,
				&pod->seen.node_name };

	sources_release(pod);
	map_remove(&pod->agent->by_uid, pod->uid);
	timer_free(pod->timer);
	for (u32 i = 0; i < pod->seen.containers_len; i++)
		container_release(pod->containers[i]);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		text_keep(texts[i], STR_NONE);
	free(pod->seen.containers);
	free(pod->containers);
	free(pod->status_sent);
	arena_free(pod->doc_arena);
	arena_free(pod->arena);
}

enum { SETTLE_S = 10 };

static void agent_run(void *self)
{
	struct agent *agent = self;
	struct pod **at = &agent->pods;

	agent->posted = false;
	while (*at && !agent->stopping) {
		struct pod *pod = *at;

		if (pod->dirty) {
			pod->dirty = false;
			pod_step(pod);
		}
		if (pod_may_go(pod)) {
			*at = pod->next;
			pod_free(pod);
			continue;
		}
		at = &pod->next;
	}
}

static struct pod *pod_new(struct agent *agent, const struct doc *doc)
{
	struct arena *arena = arena_new(1024);
	struct pod *pod = ARENA_NEW(arena, struct pod);
	struct str uid = doc_at_str(doc, "metadata.uid");

	pod->agent = agent;
	pod->arena = arena;
	pod->uid = str_copy(arena, uid);
	pod->ns = str_copy(arena, doc_at_str(doc, "metadata.namespace"));
	pod->name = str_copy(arena, doc_at_str(doc, "metadata.name"));
	pod->timer = timer_new(agent->loop, timer_fired, pod);
	snprintf(pod->directory, sizeof pod->directory, STR_FMT "/node/pods/" STR_FMT,
		 STR_ARG(agent->config.data), STR_ARG(uid));
	snprintf(pod->logs, sizeof pod->logs, STR_FMT "/logs/pods/" STR_FMT "_" STR_FMT "_" STR_FMT,
		 STR_ARG(agent->config.data), STR_ARG(pod->ns), STR_ARG(pod->name), STR_ARG(uid));
	pod_take_document(pod, doc);
	pod->next = agent->pods;
	agent->pods = pod;
	map_put(&agent->by_uid, pod->uid, pod);
	sources_take(pod);
	pod_take_up(pod);
	pod_begin_admission(pod);
	storage_watch(pod);
	return pod;
}

static void pod_seen(void *self, const struct doc *doc)
{
	struct agent *agent = self;
	struct str uid = doc_at_str(doc, "metadata.uid");
	struct pod *pod = map_get(&agent->by_uid, uid);

	if (!uid.len || uid.len >= 64)
		return;
	if (pod) {
		/* Files of downwardAPI volumes show these. */
		bool relabelled = !doc_eq(doc_at(pod->doc, "metadata.labels"),
					  doc_at(doc, "metadata.labels")) ||
				  !doc_eq(doc_at(pod->doc, "metadata.annotations"),
					  doc_at(doc, "metadata.annotations"));

		pod_take_document(pod, doc);
		sources_take(pod);
		if (relabelled)
			volumes_refresh(pod);
	} else {
		pod = pod_new(agent, doc);
	}
	pod_wake(pod);
}

static void pod_vanished(void *self, const struct doc *doc)
{
	struct agent *agent = self;
	struct pod *pod = map_get(&agent->by_uid, doc_at_str(doc, "metadata.uid"));

	if (!pod)
		return;
	pod->gone = true;
	pod_take_document(pod, doc);
	pod_wake(pod);
}

/* ---- what an earlier life left */

static void orphan_removed(void *arg, enum status status, const struct error *error)
{
	(void)arg;
	if (status != ST_OK)
		log_warn("node", "removing a left-over container: %s", error->message);
}

static void drop_directories(struct agent *agent, struct arena *arena)
{
	struct str root = str_format(arena, STR_FMT "/node/pods", STR_ARG(agent->config.data));
	struct str *names = NULL;
	u32 len = 0;

	if (file_list(arena, str_c(arena, root), 65536, &names, &len, NULL) != ST_OK)
		return;
	for (u32 i = 0; i < len; i++) {
		if (map_get(&agent->by_uid, names[i]))
			continue;
		struct error error = ERROR_INIT;

		if (volumes_remove(str_c(arena, str_format(arena, STR_FMT "/" STR_FMT,
							   STR_ARG(root), STR_ARG(names[i]))),
				   &error) != ST_OK)
			log_warn("node", "%s", error.message);
	}
}

/* It belongs to no pod, or runs beside the container that its pod knows. */
static bool is_orphan(const struct agent *agent, const struct container_record *record)
{
	const struct pod *pod = map_get(&agent->by_uid, record->pod_uid);

	if (!pod)
		return true;
	if (record->phase != CONTAINER_RUNNING)
		return false; /* kept for its logs */
	for (u32 i = 0; i < pod->seen.containers_len; i++)
		if (str_eq(pod->seen.containers[i].id, record->id))
			return false;
	return true;
}

/* All our pods are known: what belongs to none of them goes. */
static void pods_synced(void *self)
{
	struct agent *agent = self;
	struct runtime *runtime = agent->runtime;
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	const struct container_record *record;
	VEC(struct str) orphans = { 0 }, uids = { 0 };

	if (agent->synced)
		return;
	agent->synced = true;
	for (u32 n = 0; (record = runtime->each(runtime->self, n)); n++)
		if (is_orphan(agent, record))
			VEC_PUSH(arena, &orphans, str_copy(arena, record->id));
	for (u32 i = 0; i < orphans.len; i++)
		runtime->remove(runtime->self, orphans.at[i], orphan_removed, NULL);
	for (struct pod *pod = agent->pods; pod; pod = pod->next)
		VEC_PUSH(arena, &uids, pod->uid);
	pod_network_keep(agent->network, uids.at, uids.len);
	agent_tell_ports(agent); /* also takes away those of pods that went meanwhile */
	drop_directories(agent, arena);
	if (orphans.len)
		log_info("node", "removed containers without a pod count=%u", orphans.len);
}

/* ---- containers */

static void runtime_exited(void *self, const struct container_record *record)
{
	struct agent *agent = self;
	struct pod *pod = map_get(&agent->by_uid, record->pod_uid);

	if (!pod)
		return;
	for (u32 i = 0; i < pod->seen.containers_len; i++)
		if (str_eq(pod->seen.containers[i].name, record->name))
			container_exited(pod->containers[i], record);
}

/* Sizes of logs are the one thing no event tells: looked at seldom, and only while something runs.
 */
static void rotate_logs(void *self)
{
	struct agent *agent = self;
	struct runtime *runtime = agent->runtime;
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	const struct container_record *record;
	bool any = agent->stopping; /* then the timer only wakes */

	for (u32 n = 0; !agent->stopping && (record = runtime->each(runtime->self, n)); n++) {
		struct error error = ERROR_INIT;

		if (record->phase != CONTAINER_RUNNING)
			continue;
		any = true;
		if (container_log_rotate(str_c(arena, record->log_path), agent_wall()) &&
		    runtime->reopen_log(runtime->self, record->id, &error) != ST_OK)
			log_warn("node", "%s", error.message);
	}
	if (!any)
		timer_stop(agent->rotate_timer);
}

/* ---- life */

void agent_config_default(struct agent_config *config)
{
	*config = (struct agent_config){
		.data = STR("/var/lib/minke"),
		.node_name = STR("localhost"),
		.bridge = STR("minke0"),
		.pod_cidr = STR("10.244.0.0/24"),
		.port = NODE_SERVER_PORT,
		.cluster_cidr = STR(CLUSTER_CIDR),
		.service_cidr = STR("10.96.0.0/12"),
		.cluster_domain = STR("cluster.local"),
		.cgroup_parent = STR("minke"),
		.masquerade = true,
		.pods = pod_settings_default,
		.pods_max = 110,
	};
}

static void copy_config(struct agent *agent, const struct agent_config *config)
{
	struct agent_config *own = &agent->config;
	struct str *texts[] = { &own->data,	   &own->node_name,	 &own->node_ip,
				&own->pod_cidr,	   &own->cluster_cidr,	 &own->service_cidr,
				&own->cluster_dns, &own->cluster_domain, &own->cgroup_parent,
				&own->api_host,	   &own->api_port,	 &own->bridge };

	*own = *config;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*texts[i] = str_copy(agent->arena, *texts[i]);
}

struct str agent_cgroup(struct arena *arena, struct str cgroup_parent, struct str data)
{
	u32 hash = 2166136261u;

	for (size_t i = 0; i < data.len; i++)
		hash = (hash ^ (u8)data.at[i]) * 16777619u;
	return str_format(arena, "/" STR_FMT "/%08x", STR_ARG(cgroup_parent), hash);
}

static enum status open_parts(struct agent *agent, struct error *error)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct agent_config *config = &agent->config;
	struct runtime_listener listener = { agent, runtime_exited };
	struct str parent = agent_cgroup(arena, config->cgroup_parent, config->data);
	struct pod_network_config network = {
		.directory = str_format(arena, STR_FMT "/node/network", STR_ARG(config->data)),
		.bridge = config->bridge,
		.pod_cidr = config->pod_cidr,
		.cluster_cidr = config->cluster_cidr,
		.service_cidr = config->service_cidr,
	};
	enum status status = runtime_crun_new(
		agent->loop, str_format(arena, STR_FMT "/node", STR_ARG(config->data)), parent.at,
		&agent->runtime, error);

	if (status == ST_OK)
		status = agent->runtime->open(agent->runtime->self, &listener, error);
	if (status == ST_OK)
		status = pod_network_new(agent->loop, &network, &agent->network, error);
	agent->host_ports = host_ports_new(agent->loop, config->bridge, config->pod_cidr);
	return status;
}

enum status agent_new(const struct agent_config *config, struct loop *loop, struct client *client,
		      const struct image_source *images, struct agent **ret_agent,
		      struct error *error)
{
	struct agent *agent = calloc(1, sizeof *agent);

	CHECK(agent);
	agent->arena = arena_new(0);
	agent->loop = loop;
	agent->client = client;
	agent->images = images;
	copy_config(agent, config);
	random_seed_real(&agent->random);
	node_find_capacity(agent);
	agent->rotate_timer = timer_new(loop, rotate_logs, agent);
	door_init(agent);
	enum status status = open_parts(agent, error);

	if (status != ST_OK) {
		agent_free(agent);
		return status;
	}
	*ret_agent = agent;
	return ST_OK;
}

enum status agent_start(struct agent *agent, struct error *error)
{
	static const struct client_watch_events events = { pod_seen, pod_seen, pod_vanished,
							   pods_synced };
	struct client_watch_options options = {
		.field_selector = str_format(agent->arena, "spec.nodeName=" STR_FMT,
					     STR_ARG(agent->config.node_name)),
	};

	(void)error;
	node_start(agent);
	services_start(agent);
	local_volumes_start(agent);
	agent->pod_watch = client_watch(agent->client, KIND_Pod, &options, &events, agent);
	timer_start(agent->rotate_timer, LOG_CHECK_MS, LOG_CHECK_MS);
	return ST_OK;
}

void agent_stop(struct agent *agent)
{
	if (agent->stopping)
		return;
	agent->stopping = true;
	if (agent->pod_watch)
		client_watch_stop(agent->pod_watch);
	agent->pod_watch = NULL;
	services_stop(agent);
	local_volumes_stop(agent);
	node_stop(agent);
	door_close(agent);
	timer_stop(agent->rotate_timer);
	if (agent->storage_timer)
		timer_stop(agent->storage_timer);
	for (struct pod *pod = agent->pods; pod; pod = pod->next) {
		timer_stop(pod->timer);
		for (u32 i = 0; i < pod->seen.containers_len; i++)
			probers_stop(pod->containers[i]);
	}
}

/* Something of this pod is on the pool, or an answer of the API is under way. */
static bool pod_is_busy(const struct pod *pod)
{
	bool volumes = pod->seen.volumes == SEEN_WORKING && !pod->sources_waiting;

	for (u32 i = 0; i < pod->seen.containers_len; i++)
		if (pod->seen.containers[i].working)
			return true;
	return volumes || pod->calls || pod->seen.sandbox == SEEN_WORKING;
}

static void settle(struct agent *agent)
{
	i64 give_up_ns = agent_mono() + SETTLE_S * NS_PER_S;
	bool busy = true;

	/* Woken at least once a second, should nothing else happen. */
	timer_start(agent->rotate_timer, 1000, 1000);
	while (busy && agent_mono() < give_up_ns) {
		busy = agent->posted || agent->emptying || agent->measuring;
		for (struct pod *pod = agent->pods; pod; pod = pod->next)
			busy |= pod_is_busy(pod);
		if (busy)
			loop_run_once(agent->loop, true);
	}
	timer_stop(agent->rotate_timer);
}

void agent_free(struct agent *agent)
{
	if (!agent)
		return;
	agent_stop(agent);
	settle(agent);
	while (agent->pods) {
		struct pod *pod = agent->pods;

		agent->pods = pod->next;
		pod_free(pod);
	}
	pod_network_free(agent->network);
	host_ports_free(agent->host_ports);
	if (agent->runtime)
		agent->runtime->close(agent->runtime->self);
	timer_free(agent->rotate_timer);
	timer_free(agent->storage_timer);
	map_release(&agent->by_uid);
	map_release(&agent->services);
	arena_free(agent->arena);
	free(agent);
}

const struct node_door *agent_door(struct agent *agent)
{
	return &agent->door;
}

struct str agent_pod_uid(void *self, struct str ns, struct str name)
{
	struct agent *agent = self;

	for (struct pod *pod = agent->pods; pod; pod = pod->next)
		if (!pod->gone && str_eq(pod->name, name) && str_eq(pod->ns, ns))
			return pod->uid;
	return STR_NONE;
}

const struct doc *agent_pod_list(void *self, struct arena *arena)
{
	struct agent *agent = self;
	struct build b = build_object(arena);

	build_str(&b, "kind", STR("PodList"));
	build_str(&b, "apiVersion", STR("v1"));
	build_open_object(&b, "metadata");
	build_close(&b);
	build_open_array(&b, "items");
	for (struct pod *pod = agent->pods; pod; pod = pod->next)
		if (pod->doc)
			build_doc(&b, NULL, pod->doc);
	build_close(&b);
	return build_done(&b);
}
