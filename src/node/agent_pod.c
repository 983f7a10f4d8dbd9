/* One pod: from its document and what is seen to a plan, from the plan to deeds and a report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "doc/build.h"
#include "doc/json.h"
#include "node/agent_inside.h"
#include "sys/file.h"
#include "node/pod_etc.h"

enum { RETRY_S = 5 };

/* ---- the document */

static void grow_containers(struct pod *pod, u32 len)
{
	u32 had = pod->seen.containers_len;

	if (len <= had)
		return;
	pod->seen.containers = realloc(pod->seen.containers, len * sizeof *pod->seen.containers);
	pod->containers = realloc(pod->containers, len * sizeof(struct agent_container *));
	CHECK(pod->seen.containers && pod->containers);
	for (u32 i = had; i < len; i++) {
		struct agent_container *container = calloc(1, sizeof *container);

		CHECK(container);
		*container = (struct agent_container){ .pod = pod, .index = i };
		pod->containers[i] = container;
		pod->seen.containers[i] = (struct container_seen){ .unhealthy_grace_s = -1 };
		text_keep(&pod->seen.containers[i].name,
			  doc_at_str(pod_container(pod->doc, i), "name"));
	}
	pod->seen.containers_len = len;
}

void pod_take_document(struct pod *pod, const struct doc *doc)
{
	struct arena *arena = arena_new(0);
	struct arena *before = pod->doc_arena;
	bool same = doc_eq(doc_at(pod->doc, "spec"), doc_at(doc, "spec"));

	pod->doc = doc_copy(arena, doc);
	pod->doc_arena = arena;
	arena_free(before);
	/* Only ephemeral containers can come later, and they stand last. */
	grow_containers(pod, pod_containers_len(pod->doc));
	for (u32 i = 0; !same && i < pod->seen.containers_len; i++)
		pod->seen.containers[i].resize_retry_ns = 0; /* what did not fit may fit now */
}

/* ---- taking up what runs */

static const struct doc *status_before(const struct pod *pod, u32 index)
{
	static const char *const lists[] = { "status.initContainerStatuses",
					     "status.containerStatuses",
					     "status.ephemeralContainerStatuses" };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		doc_each_item(doc_at(pod->doc, lists[i]), status)
			if (str_eq(doc_at_str(status, "name"), pod->seen.containers[index].name))
				return status;
	return NULL;
}

static void take_running(struct container_seen *seen, const struct doc *status)
{
	seen->phase = CONTAINER_RUNNING;
	seen->post_start = SEEN_READY;
	seen->startup_ok = doc_at_bool(status, "started", true);
	seen->ready = doc_at_bool(status, "ready", true);
}

static void take_record(struct pod *pod, u32 index, const struct container_record *record)
{
	struct container_seen *seen = &pod->seen.containers[index];
	const struct doc *status = status_before(pod, index);

	text_keep(&seen->id, record->id);
	text_keep(&seen->image_name, record->image);
	text_keep(&seen->image_id, record->image_id);
	seen->attempt = record->attempt;
	seen->hash = record->hash;
	seen->limits = record->limits;
	seen->started_ns = record->started_ns;
	if (record->phase == CONTAINER_RUNNING) {
		take_running(seen, status);
		probers_start(pod->containers[index]);
	} else {
		seen->phase = CONTAINER_EXITED;
		container_note_end(pod, record, &seen->end);
	}
	/* The delay of the crash loop follows from how often it crashed. */
	seen->delay_ns = 0;
	for (u32 i = 0;
	     i < record->attempt && seen->delay_ns < pod->agent->config.pods.backoff_most_ns; i++)
		seen->delay_ns = seen->delay_ns ? MIN(seen->delay_ns * 2,
						      pod->agent->config.pods.backoff_most_ns)
						: pod->agent->config.pods.backoff_first_ns;
}

static void take_container(struct pod *pod, u32 index)
{
	struct runtime *runtime = pod->agent->runtime;
	const struct container_record *record, *newest = NULL, *before = NULL;

	for (u32 n = 0; (record = runtime->each(runtime->self, n)); n++) {
		if (!str_eq(record->pod_uid, pod->uid) ||
		    !str_eq(record->name, pod->seen.containers[index].name))
			continue;
		if (!newest || record->attempt > newest->attempt) {
			before = newest;
			newest = record;
		} else if (!before || record->attempt > before->attempt) {
			before = record;
		}
	}
	if (newest)
		take_record(pod, index, newest);
	if (before)
		container_note_end(pod, before, &pod->seen.containers[index].last);
}

static bool condition_true(const struct doc *pod, const char *type)
{
	doc_each_item(doc_at(pod, "status.conditions"), condition)
		if (str_is(doc_at_str(condition, "type"), type))
			return str_is(doc_at_str(condition, "status"), "True");
	return false;
}

void pod_take_up(struct pod *pod)
{
	struct agent *agent = pod->agent;
	struct str phase = doc_at_str(pod->doc, "status.phase");
	struct pod_sandbox sandbox;

	pod->seen.start_ns = time_parse(doc_at_str(pod->doc, "status.startTime"));
	if (!pod->seen.start_ns)
		pod->seen.start_ns = agent_wall();
	text_keep(&pod->seen.host_ip, agent->config.node_ip);
	text_keep(&pod->seen.node_name, agent->config.node_name);
	pod->seen.finished = str_is(phase, "Succeeded") || str_is(phase, "Failed");
	if (pod_network_find(agent->network, pod->uid, &sandbox)) {
		pod->seen.sandbox = SEEN_READY;
		text_keep(&pod->seen.ip, sandbox.ip.len ? sandbox.ip : agent->config.node_ip);
		pod->seen.initialized = condition_true(pod->doc, "Initialized");
	} else if (pod_network_has(agent->network, pod->uid)) {
		pod->seen.sandbox = SEEN_FAILED; /* cut short: made again, or taken away */
	}
	/* There is something to take away; before anything runs it is made again. */
	if (file_exists(pod->directory))
		pod->seen.volumes = SEEN_FAILED;
	for (u32 i = 0; i < pod->seen.containers_len; i++)
		take_container(pod, i);
}

/* ---- deeds of the pod as a whole */

static void sandbox_made(void *arg, enum status status, const struct pod_sandbox *sandbox,
			 const struct error *error)
{
	struct pod *pod = arg;
	struct agent *agent = pod->agent;
	struct error own = status == ST_OK ? ERROR_INIT : *error;

	if (status == ST_OK) {
		text_keep(&pod->seen.ip, sandbox->ip.len ? sandbox->ip : agent->config.node_ip);
		status = pod_etc_files(pod, &own);
	}
	pod->seen.sandbox = status == ST_OK ? SEEN_READY : SEEN_FAILED;
	if (status == ST_OK && agent->synced)
		agent_tell_ports(agent);
	if (status != ST_OK) {
		pod->seen.sandbox_retry_ns = agent_wall() + RETRY_S * NS_PER_S;
		text_keep(&pod->seen.sandbox_message, str_of(own.message));
		struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);

		event_pod(pod, -1, true, "FailedCreatePodSandBox",
			  str_format(arena, "Failed to create pod sandbox: %s", own.message));
	}
	pod_wake(pod);
}

static void make_sandbox(struct pod *pod)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct pod_network_spec spec = {
		.uid = pod->uid,
		.hostname = pod_hostname(arena, pod->doc,
					 doc_at_bool(pod->doc, "spec.setHostnameAsFQDN", false),
					 pod->agent->config.cluster_domain),
		.host_network = doc_at_bool(pod->doc, "spec.hostNetwork", false),
		.host_ipc = doc_at_bool(pod->doc, "spec.hostIPC", false),
	};

	pod->seen.sandbox = SEEN_WORKING;
	pod_network_add(pod->agent->network, &spec, sandbox_made, pod);
}

static void sandbox_removed(void *arg, enum status status, const struct pod_sandbox *sandbox,
			    const struct error *error)
{
	struct pod *pod = arg;

	(void)sandbox;
	if (status != ST_OK)
		log_warn("node", "pod " STR_FMT "/" STR_FMT ": %s", STR_ARG(pod->ns),
			 STR_ARG(pod->name), error->message);
	pod->seen.sandbox = SEEN_NONE;
	if (pod->agent->synced)
		agent_tell_ports(pod->agent);
	pod_wake(pod);
}

static void deleted(void *self, const struct doc *object, const struct error *error)
{
	struct pod *pod = self;

	(void)object;
	pod->calls--;
	pod_wake(pod);
	if (!error || error->status == ST_NOT_FOUND || error->status == ST_CONFLICT)
		return; /* the watch tells, or a finalizer holds it */
	log_warn("node", "deleting pod " STR_FMT "/" STR_FMT ": %s", STR_ARG(pod->ns),
		 STR_ARG(pod->name), error->message);
	pod->seen.delete_sent = false;
	timer_start(pod->timer, 1000, 0);
}

static void delete_object(struct pod *pod)
{
	pod->seen.delete_sent = true;
	if (pod->gone)
		return;
	pod->calls++;
	client_delete(pod->agent->client, KIND_Pod, pod->ns, pod->name, pod->uid, 0, deleted, pod);
}

/* ---- reporting */

static void status_done(void *self, const struct doc *object, const struct error *error)
{
	struct pod *pod = self;

	(void)object;
	pod->status_in_flight = false;
	if (error && error->status != ST_NOT_FOUND) {
		log_warn("node", "status of pod " STR_FMT "/" STR_FMT ": %s", STR_ARG(pod->ns),
			 STR_ARG(pod->name), error->message);
		free(pod->status_sent);
		pod->status_sent = NULL;
		if (!timer_running(pod->timer))
			timer_start(pod->timer, 1000, 0);
	}
	if (pod->status_again)
		pod_wake(pod);
}

static void send_status(struct pod *pod, const struct doc *status)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct str text = json_text(arena, status);
	struct build b = build_object(arena);

	pod->status_again = false;
	if (pod->gone || (pod->status_sent && str_is(text, pod->status_sent)))
		return;
	if (pod->status_in_flight) {
		pod->status_again = true;
		return;
	}
	free(pod->status_sent);
	pod->status_sent = strndup(text.at, text.len);
	pod->status_in_flight = true;
	build_open_object(&b, "metadata");
	build_str(&b, "uid", pod->uid); /* never another pod of the same name */
	build_close(&b);
	build_doc(&b, "status", status);
	client_patch(pod->agent->client, KIND_Pod, pod->ns, pod->name, STR("status"),
		     CLIENT_PATCH_MERGE, build_done(&b), status_done, pod);
}

/* ---- the step */

static void carry_out(struct pod *pod, const struct pod_action *action)
{
	struct agent_container *container = action->container < pod->seen.containers_len
						    ? pod->containers[action->container]
						    : NULL;

	switch (action->type) {
	case POD_VOLUMES:
		volumes_start(pod);
		break;
	case POD_SANDBOX:
		make_sandbox(pod);
		break;
	case POD_PULL:
		container_pull(container);
		break;
	case POD_RUN:
		container_run(container, action->delay_ns);
		break;
	case POD_RESIZE:
		container_resize(container);
		break;
	case POD_KILL:
		container_kill(container, action->grace_s, action->message);
		break;
	case POD_SANDBOX_REMOVE:
		pod->seen.sandbox = SEEN_WORKING;
		pod_network_remove(pod->agent->network, pod->uid, sandbox_removed, pod);
		break;
	case POD_VOLUMES_REMOVE:
		volumes_end(pod);
		break;
	case POD_DELETE:
		delete_object(pod);
		break;
	}
}

static void tell_events(struct pod *pod, const struct pod_plan *plan)
{
	for (u32 i = 0; i < plan->events.len; i++) {
		const struct pod_event *event = &plan->events.at[i];

		event_pod(pod, event->container, event->warning, event->reason.at, event->message);
		if (event->container < 0)
			continue;
		struct container_seen *seen = &pod->seen.containers[event->container];

		if (seen->image == SEEN_FAILED)
			seen->image_backoff_told = seen->image_retry_ns;
		else
			seen->backoff_told = seen->attempt + 1;
	}
}

/* A pod that vanished from the API ends as a deleted one does, and nobody waits for it. */
static const struct doc *as_deleted(struct arena *arena, const struct pod *pod)
{
	const struct doc *doc = pod->doc;

	if (!pod->gone)
		return doc;
	if (!pod_deleting(doc))
		doc = doc_set_str(arena, doc, "metadata.deletionTimestamp",
				  time_text(arena, agent_wall()));
	return doc_set_int(arena, doc, "metadata.deletionGracePeriodSeconds", 0);
}

void pod_step(struct pod *pod)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	const struct doc *doc = as_deleted(arena, pod);
	i64 now = agent_wall();
	struct pod_plan plan;

	if (pod->admitting)
		return; /* the answer wakes it */
	pod_decide(arena, doc, &pod->seen, &pod->agent->config.pods, now, &plan);
	pod->seen.finished = plan.finished;
	pod->seen.initialized = plan.initialized;
	pod->seen.deadline_passed = plan.deadline_passed;
	tell_events(pod, &plan);
	timer_stop(pod->timer);
	if (tokens_renew_ns(pod) <= now)
		(void)sources_ready(pod);
	plan.wake_ns = MIN(plan.wake_ns, tokens_renew_ns(pod));
	if (plan.wake_ns != NEVER_NS)
		timer_start(pod->timer, MAX((plan.wake_ns - now) / NS_PER_MS + 1, 1), 0);
	/* First the report, then the deeds: a deletion wants the last state told before. */
	send_status(pod, plan.status);
	for (u32 i = 0; i < plan.actions.len; i++)
		carry_out(pod, &plan.actions.at[i]);
}
