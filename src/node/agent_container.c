/* One container of a pod: its image, its start, its end. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "node/agent_inside.h"
#include "node/container_log.h"
#include "node/pod_env.h"
#include "sys/file.h"

enum {
	CONFIG_RETRY_S = 10,
	MESSAGE_BYTES_MAX = 4096,
	LOG_MESSAGE_LINES = 80,
	GRACE_LEAST_S = 2 /* nobody is killed without being told, as with the kubelet */
};

static struct container_seen *seen_of(struct agent_container *container)
{
	return &container->pod->seen.containers[container->index];
}

static const struct doc *spec_of(const struct agent_container *container)
{
	return pod_container(container->pod->doc, container->index);
}

static void tell(struct agent_container *container, bool warning, const char *reason,
		 struct str message)
{
	event_pod(container->pod, (i32)container->index, warning, reason, message);
}

/* ---- image */

static void copy_list(struct arena *arena, const struct str **list, u32 len)
{
	struct str *copy = ARENA_ARRAY(arena, struct str, len + 1);

	for (u32 i = 0; i < len; i++)
		copy[i] = str_copy(arena, (*list)[i]);
	*list = copy;
}

static void keep_image(struct agent_container *container, const struct image *image)
{
	struct arena *arena = arena_new(0);
	struct image copy = *image;

	copy.name = str_copy(arena, image->name);
	copy.id = str_copy(arena, image->id);
	copy.digest = str_copy(arena, image->digest);
	copy.user = str_copy(arena, image->user);
	copy.workdir = str_copy(arena, image->workdir);
	copy.stop_signal = str_copy(arena, image->stop_signal);
	copy_list(arena, &copy.layers, copy.layers_len);
	copy_list(arena, &copy.entrypoint, copy.entrypoint_len);
	copy_list(arena, &copy.cmd, copy.cmd_len);
	copy_list(arena, &copy.env, copy.env_len);
	arena_free(container->image_arena);
	container->image_arena = arena;
	container->image = copy;
}

static void image_pulling(void *arg)
{
	struct agent_container *container = arg;
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);

	container->pull_started_ns = agent_mono();
	tell(container, false, "Pulling",
	     str_format(arena, "Pulling image \"" STR_FMT "\"",
			STR_ARG(doc_at_str(spec_of(container), "image"))));
}

static void image_failed(struct agent_container *container, const struct error *error)
{
	struct container_seen *seen = seen_of(container);
	const struct pod_settings *settings = &container->pod->agent->config.pods;
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct str image = doc_at_str(spec_of(container), "image");
	bool never = str_is(doc_at_str(spec_of(container), "imagePullPolicy"), "Never");
	struct str message = str_of(error->message);
	struct str reason = STR("ErrImagePull");

	if (error->status == ST_INVALID) {
		reason = STR("InvalidImageName");
		tell(container, true, "InspectFailed", message);
	} else if (never) {
		reason = STR("ErrImageNeverPull");
		message = str_format(arena,
				     "Container image \"" STR_FMT
				     "\" is not present with pull policy of Never",
				     STR_ARG(image));
		tell(container, true, "ErrImageNeverPull", message);
	} else {
		tell(container, true, "Failed",
		     str_format(arena, "Failed to pull image \"" STR_FMT "\": %s", STR_ARG(image),
				error->message));
	}
	tell(container, true, "Failed", str_format(arena, "Error: " STR_FMT, STR_ARG(reason)));
	seen->image = SEEN_FAILED;
	seen->image_delay_ns = seen->image_delay_ns
				       ? MIN(seen->image_delay_ns * 2, settings->backoff_most_ns)
				       : settings->backoff_first_ns;
	seen->image_retry_ns = agent_wall() + seen->image_delay_ns;
	text_keep(&seen->image_reason, reason);
	text_keep(&seen->image_message, message);
}

static void image_done(void *arg, const struct image *image, const struct error *error)
{
	struct agent_container *container = arg;
	struct container_seen *seen = seen_of(container);
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct str name = doc_at_str(spec_of(container), "image");

	if (error) {
		image_failed(container, error);
	} else {
		keep_image(container, image);
		seen->image = SEEN_READY;
		seen->image_delay_ns = 0;
		text_keep(&seen->image_id, image->digest.len ? image->digest : image->id);
		double took = (double)(agent_mono() - container->pull_started_ns) / 1e9;

		tell(container, false, "Pulled",
		     container->pull_started_ns
			     ? str_format(arena,
					  "Successfully pulled image \"" STR_FMT
					  "\" in %.3fs (%.3fs including waiting). Image size: "
					  "%lld bytes.",
					  STR_ARG(name), took, took, (long long)image->size_bytes)
			     : str_format(arena,
					  "Container image \"" STR_FMT
					  "\" already present on machine",
					  STR_ARG(name)));
	}
	pod_wake(container->pod);
}

u32 pod_pull_auths(struct pod *pod, struct arena *arena, struct str *auths)
{
	u32 len = 0;

	doc_each_item(doc_at(pod->doc, "spec.imagePullSecrets"), ref) {
		const struct doc *secret = source_find(pod, STR("Secret"), doc_at_str(ref, "name"));

		if (len < POD_AUTHS_MAX &&
		    (source_value(arena, secret, true, STR(".dockerconfigjson"), &auths[len]) ||
		     source_value(arena, secret, true, STR(".dockercfg"), &auths[len])))
			len++;
	}
	return len;
}

void container_pull(struct agent_container *container)
{
	static const struct image_events events = { image_pulling, image_done };
	struct agent *agent = container->pod->agent;
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct str auths[POD_AUTHS_MAX];
	struct image_request request = {
		.name = doc_at_str(spec_of(container), "image"),
		.policy = doc_str_or(doc_key(spec_of(container), "imagePullPolicy"),
				     STR("IfNotPresent")),
		.auths = auths,
		.auths_len = pod_pull_auths(container->pod, arena, auths),
	};

	seen_of(container)->image = SEEN_WORKING;
	container->pull_started_ns = 0;
	agent->images->get(agent->images->self, &request, &events, container);
}

/* ---- start */

static void config_failed(struct agent_container *container, const char *reason,
			  const struct error *error)
{
	struct container_seen *seen = seen_of(container);
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);

	tell(container, true, "Failed", str_format(arena, "Error: %s", error->message));
	text_keep(&seen->wait_reason, str_of(reason));
	text_keep(&seen->wait_message, str_of(error->message));
	seen->wait_retry_ns = agent_wall() + CONFIG_RETRY_S * NS_PER_S;
	seen->image = SEEN_NONE;
	pod_wake(container->pod);
}

/* A container that could not be made or started counts as one that ended at once. */
static void start_failed(struct agent_container *container, const struct error *error)
{
	struct container_seen *seen = seen_of(container);
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);

	tell(container, true, "Failed", str_format(arena, "Error: %s", error->message));
	seen->working = false;
	seen->phase = CONTAINER_EXITED;
	seen->end.any = true;
	seen->end.exit_code = 128;
	seen->end.started_ns = 0;
	seen->end.finished_ns = agent_wall();
	text_keep(&seen->end.id, seen->id);
	text_keep(&seen->end.reason, STR("StartError"));
	text_keep(&seen->end.message, str_of(error->message));
	pod_wake(container->pod);
}

static void started(void *arg, enum status status, const struct error *error)
{
	struct agent_container *container = arg;
	struct agent *agent = container->pod->agent;
	struct container_seen *seen = seen_of(container);
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);

	if (status != ST_OK) {
		start_failed(container, error);
		return;
	}
	const struct container_record *record =
		agent->runtime->find(agent->runtime->self, seen->id);

	seen->working = false;
	seen->phase = CONTAINER_RUNNING;
	seen->started_ns = record->started_ns;
	tell(container, false, "Started",
	     str_format(arena, "Started container " STR_FMT, STR_ARG(seen->name)));
	if (record->phase == CONTAINER_EXITED) { /* it was that quick */
		container_exited(container, record);
		return;
	}
	hook_post_start(container);
	probers_start(container);
	if (!timer_running(agent->rotate_timer))
		timer_start(agent->rotate_timer, LOG_CHECK_MS, LOG_CHECK_MS);
	storage_watch(container->pod);
	pod_wake(container->pod);
}

static void created(void *arg, enum status status, const struct error *error)
{
	struct agent_container *container = arg;
	struct agent *agent = container->pod->agent;
	struct container_seen *seen = seen_of(container);
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);

	if (status != ST_OK) {
		start_failed(container, error);
		return;
	}
	tell(container, false, "Created",
	     str_format(arena, "Created container: " STR_FMT, STR_ARG(seen->name)));
	agent->runtime->start(agent->runtime->self, seen->id, started, container);
}

static void removed(void *arg, enum status status, const struct error *error)
{
	(void)arg;
	if (status != ST_OK)
		log_warn("node", "removing an old container: %s", error->message);
}

/* Of each container the newest end stays (for its logs), older ones go. */
static void drop_older(struct agent_container *container, u32 attempt)
{
	struct runtime *runtime = container->pod->agent->runtime;
	const struct container_record *record;
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	VEC(struct str) old = { 0 };

	for (u32 n = 0; (record = runtime->each(runtime->self, n)); n++)
		if (str_eq(record->pod_uid, container->pod->uid) &&
		    str_eq(record->name, seen_of(container)->name) &&
		    record->attempt + 1 < attempt && record->phase == CONTAINER_EXITED)
			VEC_PUSH(arena, &old, str_copy(arena, record->id));
	for (u32 i = 0; i < old.len; i++)
		runtime->remove(runtime->self, old.at[i], removed, NULL);
}

/* The newest attempt becomes "the one before". */
static void turn_over(struct agent_container *container, i64 delay_ns)
{
	struct container_seen *seen = seen_of(container);
	bool again = seen->phase == CONTAINER_EXITED;
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);

	if (again) {
		struct container_end spare = seen->last;

		seen->last = seen->end;
		seen->end = (struct container_end){ .id = spare.id,
						    .message = spare.message,
						    .reason = spare.reason };
		text_keep(&seen->end.message, STR_NONE);
		text_keep(&seen->end.reason, STR_NONE);
		seen->attempt++;
		seen->delay_ns = delay_ns;
	}
	text_keep(&seen->id, id_new(container->pod->agent, arena));
	text_keep(&seen->image_name, doc_at_str(spec_of(container), "image"));
	text_keep(&seen->wait_reason, STR_NONE);
	text_keep(&seen->unhealthy, STR_NONE);
	seen->hash = container_hash(spec_of(container));
	seen->limits = container_limits(spec_of(container), 0);
	seen->phase = CONTAINER_CREATED;
	seen->working = true;
	seen->restart_asked = seen->killing = false;
	seen->startup_ok = seen->ready = false;
	seen->post_start = SEEN_NONE;
	seen->image = SEEN_NONE; /* the next attempt asks again */
}

static u32 list_services(struct agent *agent, struct arena *arena, const struct doc ***ret_list)
{
	const struct doc **list = ARENA_ARRAY(arena, const struct doc *, agent->services.len + 1);
	u32 len = 0;

	for (struct map_entry *e = NULL; (e = map_next(&agent->services, e));)
		list[len++] = service_document(e->value);
	*ret_list = list;
	return len;
}

struct start {
	struct pod_env env;
	struct oci_mount *mounts;
	u32 mounts_len;
	struct str termination_file;
	struct str processes; /* path of the namespace to join, or empty */
};

static enum status prepare(struct agent_container *container, struct arena *arena,
			   struct start *start, struct error *error)
{
	struct pod *pod = container->pod;
	const struct doc *spec = spec_of(container), **services;
	struct pod_sources sources = sources_of(pod);
	u32 services_len = list_services(pod->agent, arena, &services);
	enum status status = security_check_user(pod->doc, spec, &container->image, error);

	if (status == ST_OK)
		status = pod_env_resolve(arena, pod->doc, spec, &sources, services, services_len,
					 &start->env, error);
	if (status == ST_OK)
		status = container_mounts(container, arena, start->termination_file,
					  start->env.entries.at, start->env.entries.len,
					  &start->mounts, &start->mounts_len, error);
	if (status == ST_OK && !doc_len(oci_args(arena, spec, &container->image,
						 start->env.entries.at, start->env.entries.len)))
		status = fail(error, ST_INVALID, "no command specified");
	return status;
}

/* ---- whose processes it sees */

static bool joins(const struct agent_container *container, u32 other)
{
	const struct pod *pod = container->pod;
	struct str target = doc_at_str(spec_of(container), "targetContainerName");

	if (other == container->index)
		return false;
	if (target.len)
		return str_eq(pod->seen.containers[other].name, target);
	return doc_at_bool(pod->doc, "spec.shareProcessNamespace", false);
}

/* The process namespace of a container of the same pod that runs, where the pod wants one for all
 * or kubectl debug named it; no path: one of its own. The first of a pod's containers makes it, and
 * as its process 1 takes the others along when it ends. False: one is on its way, wait for it. */
static bool find_processes(const struct agent_container *container, struct arena *arena,
			   struct str *ret_path)
{
	const struct pod *pod = container->pod;
	struct runtime *runtime = pod->agent->runtime;
	bool coming = false;

	for (u32 i = 0; i < pod->seen.containers_len; i++) {
		const struct container_seen *other = &pod->seen.containers[i];
		const struct container_record *record =
			joins(container, i) ? runtime->find(runtime->self, other->id) : NULL;

		coming |= joins(container, i) && other->working;
		if (record && !other->working && record->phase == CONTAINER_RUNNING) {
			*ret_path = str_format(arena, "/proc/%d/ns/pid", record->pid);
			return true;
		}
	}
	return !coming;
}

static void create(struct agent_container *container, struct arena *arena,
		   const struct start *start)
{
	struct pod *pod = container->pod;
	struct agent *agent = pod->agent;
	struct container_seen *seen = seen_of(container);
	const struct doc *spec = spec_of(container);
	struct pod_sandbox sandbox = { 0 };
	const struct device *devices = NULL;
	u32 devices_len = security_privileged(spec) ? devices_list(arena, &devices) : 0;

	(void)pod_network_find(agent->network, pod->uid, &sandbox);
	struct oci_input input = {
		.pod = pod->doc,
		.container = spec,
		.image = &container->image,
		.env = start->env.entries.at,
		.env_len = start->env.entries.len,
		.mounts = start->mounts,
		.mounts_len = start->mounts_len,
		.net = sandbox.net,
		.ipc = sandbox.ipc,
		.uts = sandbox.uts,
		.pid = start->processes,
		.devices = devices,
		.devices_len = devices_len,
		.own_capabilities = agent->own_capabilities,
		.oom_score_adj = container_oom_score(pod->doc, spec, agent->memory_bytes),
		.can_lower_oom_score = agent->own_capabilities >> 24 & 1, /* SYS_RESOURCE */
		.limits = container_limits(spec, 0),
	};
	struct container_spec made = {
		.id = seen->id,
		.pod_uid = pod->uid,
		.pod_namespace = pod->ns,
		.pod_name = pod->name,
		.name = seen->name,
		.image = seen->image_name,
		.image_id = seen->image_id,
		.attempt = seen->attempt,
		.hash = seen->hash,
		.layers = container->image.layers,
		.layers_len = container->image.layers_len,
		.config = oci_config(arena, &input),
		.log_path = str_format(arena, "%s/" STR_FMT "/%u.log", pod->logs,
				       STR_ARG(seen->name), seen->attempt),
		.limits = input.limits,
		.user = container->image.user,
		.uid = security_user(pod->doc, spec),
		.gid = security_group(pod->doc, spec),
		.privileged = security_privileged(spec),
		.tty = doc_at_bool(spec, "tty", false),
		.in = doc_at_bool(spec, "stdin", false),
		.in_once = doc_at_bool(spec, "stdinOnce", false),
	};

	agent->runtime->create(agent->runtime->self, &made, created, container);
}

void container_run(struct agent_container *container, i64 delay_ns)
{
	struct container_seen *seen = seen_of(container);
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct error error = ERROR_INIT;
	u32 next = seen->phase == CONTAINER_EXITED ? seen->attempt + 1 : seen->attempt;
	struct start start = {
		.termination_file =
			str_format(arena, "%s/containers/" STR_FMT "/%u", container->pod->directory,
				   STR_ARG(seen->name), next),
	};

	if (!find_processes(container, arena, &start.processes))
		return; /* its start wakes the pod */
	if (prepare(container, arena, &start, &error) != ST_OK) {
		config_failed(container, "CreateContainerConfigError", &error);
		return;
	}
	turn_over(container, delay_ns);
	create(container, arena, &start);
	drop_older(container, next);
	pod_wake(container->pod);
}

/* ---- other ceilings while it runs */

enum { RESIZE_RETRY_S = 10 };

static void resized(void *arg, enum status status, const struct error *error)
{
	struct agent_container *container = arg;
	struct container_seen *seen = seen_of(container);
	const struct container_record *record = container->pod->agent->runtime->find(
		container->pod->agent->runtime->self, seen->id);

	seen->resizing = false;
	if (status != ST_OK) {
		tell(container, true, "ResizeError", str_of(error->message));
		seen->resize_retry_ns = agent_wall() + RESIZE_RETRY_S * NS_PER_S;
	} else if (record) {
		seen->limits = record->limits;
	}
	pod_wake(container->pod);
}

void container_resize(struct agent_container *container)
{
	struct container_seen *seen = seen_of(container);
	struct runtime *runtime = container->pod->agent->runtime;
	struct container_limits limits = container_limits(spec_of(container), 0);

	if (!pod_find_room(container->pod)) {
		seen->resize_retry_ns = agent_wall() + RESIZE_RETRY_S * NS_PER_S;
		pod_wake(container->pod);
		return;
	}
	seen->resizing = true;
	runtime->resize(runtime->self, seen->id, &limits, resized, container);
}

/* ---- end */

static struct str termination_message(struct pod *pod, const struct container_record *record,
				      const struct doc *spec, struct arena *arena)
{
	struct str text = STR_NONE;
	bool fallback =
		str_is(doc_at_str(spec, "terminationMessagePolicy"), "FallbackToLogsOnError");
	const char *path =
		str_c(arena, str_format(arena, "%s/containers/" STR_FMT "/%u", pod->directory,
					STR_ARG(record->name), record->attempt));

	/* A longer file is the container's mistake: its beginning is shown. */
	if (file_read_head(arena, path, MESSAGE_BYTES_MAX, &text) && text.len)
		return text;
	if (fallback && record->exit_code != 0)
		return container_log_tail(arena, str_c(arena, record->log_path), LOG_MESSAGE_LINES,
					  2048);
	return STR_NONE;
}

void container_note_end(struct pod *pod, const struct container_record *record,
			struct container_end *end)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	const struct doc *spec = NULL;

	for (u32 i = 0; i < pod->seen.containers_len; i++)
		if (str_eq(pod->seen.containers[i].name, record->name))
			spec = pod_container(pod->doc, i);
	end->any = true;
	end->started_ns = record->started_ns;
	end->finished_ns = record->finished_ns;
	end->exit_code = record->exit_code;
	end->oom_killed = record->oom_killed;
	end->unknown = record->unknown;
	text_keep(&end->id, record->id);
	text_keep(&end->reason, STR_NONE);
	text_keep(&end->message, termination_message(pod, record, spec, arena));
}

void container_exited(struct agent_container *container, const struct container_record *record)
{
	struct container_seen *seen = seen_of(container);

	if (!str_eq(seen->id, record->id) || seen->phase == CONTAINER_EXITED || seen->working)
		return;
	probers_stop(container);
	probe_cancel(container->kill_hook);
	probe_cancel(container->start_hook);
	container->kill_hook = container->start_hook = NULL;
	if (container->kill_timer)
		timer_stop(container->kill_timer);
	seen->restart_asked =
		seen->killing && (seen->hash != container_hash(spec_of(container)) ||
				  container_resize_restarts(spec_of(container), seen));
	seen->killing = false;
	seen->phase = CONTAINER_EXITED;
	container_note_end(container->pod, record, &seen->end);
	pod_wake(container->pod);
}

/* ---- killing */

static int signal_number(struct str name)
{
	static const struct {
		const char *name;
		int number;
	} names[] = {
		{ "HUP", SIGHUP },   { "INT", SIGINT },	    { "QUIT", SIGQUIT },
		{ "KILL", SIGKILL }, { "USR1", SIGUSR1 },   { "USR2", SIGUSR2 },
		{ "TERM", SIGTERM }, { "WINCH", SIGWINCH }, { "STOP", SIGSTOP },
		{ "PWR", SIGPWR },   { "ABRT", SIGABRT },   { "ALRM", SIGALRM },
	};
	i64 number;

	if (str_to_i64(name, &number) && number > 0 && number < 65)
		return (int)number;
	if (str_starts(name, STR("SIGRTMIN+")) && str_to_i64(str_from(name, 9), &number))
		return 34 + (int)number;
	if (str_starts(name, STR("SIG")))
		name = str_from(name, 3);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_is(name, names[i].name))
			return names[i].number;
	return SIGTERM;
}

static void kill_now(void *self)
{
	struct agent_container *container = self;
	struct runtime *runtime = container->pod->agent->runtime;

	probe_cancel(container->kill_hook);
	container->kill_hook = NULL;
	if (runtime->kill(runtime->self, seen_of(container)->id, SIGKILL, NULL) != ST_OK)
		log_debug("node", "a container had ended before it was killed");
}

void container_signal(struct agent_container *container)
{
	struct runtime *runtime = container->pod->agent->runtime;
	struct str wanted = doc_at_str(spec_of(container), "lifecycle.stopSignal");
	struct error error = ERROR_INIT;

	if (!wanted.len)
		wanted = container->image.stop_signal;
	container->signalled = true;
	if (runtime->kill(runtime->self, seen_of(container)->id, signal_number(wanted), &error) !=
	    ST_OK)
		log_debug("node", "%s", error.message);
}

void container_kill(struct agent_container *container, i64 grace_s, struct str message)
{
	struct container_seen *seen = seen_of(container);

	grace_s = MAX(grace_s, (i64)GRACE_LEAST_S);
	i64 deadline = agent_mono() + grace_s * NS_PER_S;

	if (seen->killing && deadline >= container->kill_deadline_ns)
		return;
	if (!container->kill_timer)
		container->kill_timer = timer_new(container->pod->agent->loop, kill_now, container);
	container->kill_deadline_ns = deadline;
	timer_start(container->kill_timer, grace_s * MS_PER_S, 0);
	if (seen->killing)
		return; /* only the time became shorter */
	seen->killing = true;
	container->signalled = false;
	tell(container, false, "Killing", message);
	hook_pre_stop(container);
}

void container_release(struct agent_container *container)
{
	struct container_seen *seen = seen_of(container);
	struct str *texts[] = { &seen->name,	    &seen->image_reason, &seen->image_message,
				&seen->image_id,    &seen->id,		 &seen->image_name,
				&seen->wait_reason, &seen->wait_message, &seen->unhealthy,
				&seen->end.id,	    &seen->end.message,	 &seen->end.reason,
				&seen->last.id,	    &seen->last.message, &seen->last.reason };

	probers_stop(container);
	probe_cancel(container->kill_hook);
	probe_cancel(container->start_hook);
	timer_free(container->kill_timer);
	arena_free(container->image_arena);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		text_keep(texts[i], STR_NONE);
	free(container);
}
