/*
 * Events: one object for each thing that happened, counted up when it happens again. What was told
 * lately is remembered in a small ring; a repetition after that is a new object, which is fine.
 */
#include <stdio.h>
#include <string.h>

#include "base/timestamp.h"
#include "doc/build.h"
#include "node/agent_inside.h"

static u64 mix(u64 hash, struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (u8)text.at[i]) * 1099511628211u;
	return (hash ^ 0xff) * 1099511628211u;
}

static struct told_event *find(struct agent *agent, u64 key)
{
	for (u32 i = 0; i < EVENT_MEMORY; i++)
		if (agent->events[i].key == key && agent->events[i].count)
			return &agent->events[i];
	return NULL;
}

static void count_up(struct agent *agent, struct arena *arena, struct told_event *event)
{
	struct build b = build_object(arena);

	event->count++;
	build_int(&b, "count", event->count);
	build_str(&b, "lastTimestamp", time_text(arena, agent_wall()));
	client_patch(agent->client, KIND_Event, str_of(event->ns), str_of(event->name), STR_NONE,
		     CLIENT_PATCH_MERGE, build_done(&b), NULL, NULL);
}

static const struct doc *body(struct pod *pod, struct arena *arena, struct str name, i32 container,
			      bool warning, struct str reason, struct str message)
{
	struct agent *agent = pod->agent;
	struct build b = build_object(arena);
	struct str now = time_text(arena, agent_wall());

	build_str(&b, "apiVersion", STR("v1"));
	build_str(&b, "kind", STR("Event"));
	build_open_object(&b, "metadata");
	build_str(&b, "name", name);
	build_str(&b, "namespace", pod->ns);
	build_close(&b);
	build_open_object(&b, "involvedObject");
	build_str(&b, "kind", STR("Pod"));
	build_str(&b, "namespace", pod->ns);
	build_str(&b, "name", pod->name);
	build_str(&b, "uid", pod->uid);
	build_str(&b, "apiVersion", STR("v1"));
	build_doc(&b, "resourceVersion", doc_at(pod->doc, "metadata.resourceVersion"));
	if (container >= 0)
		build_str(&b, "fieldPath", pod_container_path(arena, pod->doc, (u32)container));
	build_close(&b);
	build_str(&b, "reason", reason);
	build_str(&b, "message", message);
	build_open_object(&b, "source");
	build_str(&b, "component", STR("kubelet"));
	build_str(&b, "host", agent->config.node_name);
	build_close(&b);
	build_str(&b, "firstTimestamp", now);
	build_str(&b, "lastTimestamp", now);
	build_int(&b, "count", 1);
	build_str(&b, "type", warning ? STR("Warning") : STR("Normal"));
	build_doc(&b, "eventTime", &doc_null);
	build_str(&b, "reportingComponent", STR("kubelet"));
	build_str(&b, "reportingInstance", agent->config.node_name);
	return build_done(&b);
}

void event_pod(struct pod *pod, i32 container, bool warning, const char *reason, struct str message)
{
	struct agent *agent = pod->agent;
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	u64 key = mix(mix(mix(14695981039346656037u, pod->uid), str_of(reason)), message) +
		  (u64)(container + 1);
	struct told_event *event = find(agent, key);

	if (agent->stopping)
		return;
	if (event) {
		count_up(agent, arena, event);
		return;
	}
	event = &agent->events[agent->events_at++ % EVENT_MEMORY];
	*event = (struct told_event){ .key = key, .count = 1 };
	/* As client-go names them: the pod and a number that is new each time. */
	snprintf(event->name, sizeof event->name, STR_FMT ".%016llx", STR_ARG(pod->name),
		 (unsigned long long)agent_wall() ^ random_u64(&agent->random) >> 48);
	snprintf(event->ns, sizeof event->ns, STR_FMT, STR_ARG(pod->ns));
	client_create(
		agent->client, KIND_Event, pod->ns, str_of(event->name), STR_NONE,
		body(pod, arena, str_of(event->name), container, warning, str_of(reason), message),
		NULL, NULL);
}
