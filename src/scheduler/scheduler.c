/* Hears of pods and nodes, decides, binds. */
#include "scheduler/scheduler.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/timestamp.h"
#include "controllers/event.h"
#include "controllers/plan.h"
#include "controllers/pod.h"
#include "doc/build.h"
#include "scheduler/decide.h"
#include "scheduler/queue.h"

static const char user[] = "system:kube-scheduler", component[] = "default-scheduler";

enum { HELP_EVERY_S = 300 }; /* however little changes, the hopeless try again */

struct scheduler {
	struct store *store;
	struct schema *schema;
	const struct clock *clock;
	struct writer writer;
	struct recorder *recorder;
	struct nodes nodes;
	struct queue queue;
	struct scheduler_counts counts;
	struct arena *arena;
	bool help; /* something changed that may help those that found no place */
	i64 next_help_ns;
	bool stepping;
	void (*on_work)(void *self);
	void *on_work_self;
};

/* ---- hearing */

static bool is_ours(const struct version *pod)
{
	const struct doc *doc = pod->doc;
	struct str name = doc_at_str(doc, AT(Pod, spec.schedulerName));
	return !doc_at_str(doc, AT(Pod, spec.nodeName)).len && pod_active(pod) &&
	       !doc_len(doc_at(doc, AT(Pod, spec.schedulingGates))) &&
	       (!name.len || str_is(name, component));
}

static void hear_pod(struct scheduler *s, struct version *before, struct version *now, bool undone)
{
	bool took = before && pod_takes_room(before->doc);
	bool takes = now && pod_takes_room(now->doc);
	bool same =
		took && takes && doc_eq(doc_key(before->doc, "spec"), doc_key(now->doc, "spec"));
	if (took && !same) {
		nodes_count_pod(&s->nodes, before->doc, -1);
		s->help = true; /* room has become free */
	}
	if (takes && !same)
		nodes_count_pod(&s->nodes, now->doc, 1);
	if (now && is_ours(now)) {
		bool news = undone || !before || !is_ours(before) ||
			    !doc_eq(doc_key(before->doc, "spec"), doc_key(now->doc, "spec"));
		if (news)
			queue_add(&s->queue, now->namespace, now->name, now->uid,
				  doc_at_int(now->doc, AT(Pod, spec.priority), 0));
	} else if (before) {
		queue_remove(&s->queue, before->uid);
	}
}

static void hear_node(struct scheduler *s, struct str name, struct version *now)
{
	if (nodes_set(&s->nodes, name, now))
		s->help = true;
}

static void changed(void *self, const struct store_event *event)
{
	struct scheduler *s = self;
	struct version *now = event->type == EVENT_DELETED ? NULL : event->version;
	struct version *before = event->previous ? event->previous : NULL;
	if (event->type == EVENT_DELETED && !before)
		before = event->version;
	if (event->version->kind == KIND_Pod)
		hear_pod(s, before, now, event->undone);
	else if (event->version->kind == KIND_Node)
		hear_node(s, event->version->name, now);
	else
		return;
	bool work = s->queue.active.len || (s->help && s->queue.help_len);
	if (work && !s->stepping && s->on_work)
		s->on_work(s->on_work_self);
}

static void hear_everything(struct scheduler *s)
{
	struct store_iter iter;
	store_iter_start(&iter, s->store, KIND_Node, STR_NONE, STR_NONE, STR_NONE);
	for (struct version *v; (v = store_iter_next(&iter));)
		hear_node(s, v->name, v);
	store_iter_start(&iter, s->store, KIND_Pod, STR_NONE, STR_NONE, STR_NONE);
	for (struct version *v; (v = store_iter_next(&iter));)
		hear_pod(s, NULL, v, false);
}

/* ---- acting */

static enum status write_one(struct scheduler *s, struct plan *plan, struct error *error)
{
	struct version *ignored = NULL;
	return s->writer.write(s->writer.self, s->arena, user, &plan->intents.at[0], &ignored,
			       error);
}

static void say(struct scheduler *s, const struct version *pod, enum event_level level,
		const char *reason, struct str text)
{
	recorder_event(s->recorder, &s->writer, s->arena, component, pod, level, str_of(reason),
		       text);
}

static bool bind_pod(struct scheduler *s, const struct version *pod, const struct node *node)
{
	struct str node_name = str_copy(s->arena, str_of(node->name));
	struct build b = build_object(s->arena);
	build_str(&b, "apiVersion", STR("v1"));
	build_str(&b, "kind", STR("Binding"));
	build_open_object(&b, "metadata");
	build_str(&b, "name", pod->name);
	build_str(&b, "namespace", pod->namespace);
	build_str(&b, "uid", pod->uid);
	build_close(&b);
	build_open_object(&b, "target");
	build_str(&b, "apiVersion", STR("v1"));
	build_str(&b, "kind", STR("Node"));
	build_str(&b, "name", node_name);
	build_close(&b);
	struct plan plan = plan_new(s->arena);
	plan_bind(&plan, pod, build_done(&b), NULL);
	struct error error = ERROR_INIT;
	enum status status = write_one(s, &plan, &error);
	if (status == ST_OK) {
		s->counts.bound++;
		say(s, pod, EVENT_NORMAL, "Scheduled",
		    str_format(s->arena,
			       "Successfully assigned " STR_FMT "/" STR_FMT " to " STR_FMT,
			       STR_ARG(pod->namespace), STR_ARG(pod->name), STR_ARG(node_name)));
		return true;
	}
	s->counts.errors++;
	if (status != ST_CONFLICT && status != ST_NOT_FOUND)
		say(s, pod, EVENT_WARNING, "FailedScheduling", str_of(error.message));
	return false;
}

static void say_unschedulable(struct scheduler *s, const struct version *pod,
			      const struct decision *decision)
{
	struct str sentence = decision_sentence(s->arena, decision);
	struct error error = ERROR_INIT;
	struct plan plan = plan_new(s->arena);
	const struct doc *status = doc_key(pod->doc, "status");
	const struct doc *changed =
		status_with_condition(s->arena, status, "PodScheduled", "False", "Unschedulable",
				      sentence, clock_wall_ns(s->clock));
	s->counts.unschedulable++;
	plan_status(&plan, pod, doc_with(s->arena, pod->doc, STR("status"), changed));
	say(s, pod, EVENT_WARNING, "FailedScheduling", sentence);
	if (plan.intents.len && write_one(s, &plan, &error) != ST_OK)
		s->counts.errors++;
}

static void place(struct scheduler *s, struct waiting *waiting)
{
	struct version *pod = store_get(s->store, KIND_Pod, waiting->namespace, waiting->name);
	struct str uid = str_copy(s->arena, waiting->uid);
	i64 mono = clock_mono_ns(s->clock);
	if (!pod || !str_eq(pod->uid, uid) || !is_ours(pod))
		return queue_remove(&s->queue, uid);
	version_hold(s->arena, pod);
	struct decision *decision = ARENA_NEW(s->arena, struct decision);
	decide(&s->nodes, pod->doc, s->arena, decision);
	bool bound = decision->node && bind_pod(s, pod, decision->node);
	/* The bind took it out of the queue by itself, unless it failed. */
	waiting = map_get(&s->queue.by_uid, uid);
	if (bound)
		return queue_remove(&s->queue, uid);
	if (!waiting)
		return;
	if (decision->node)
		return queue_retry(&s->queue, waiting, mono);
	queue_wait_for_help(&s->queue, waiting, mono);
	say_unschedulable(s, pod, decision);
}

static void call_for_help(struct scheduler *s, i64 mono)
{
	bool late = s->queue.help_len && mono >= s->next_help_ns;
	if (!s->help && !late)
		return;
	s->help = false;
	s->next_help_ns = mono + HELP_EVERY_S * NS_PER_S;
	queue_help(&s->queue, mono);
}

i64 scheduler_step(struct scheduler *s, u32 pods_max)
{
	i64 mono = clock_mono_ns(s->clock);
	s->stepping = true;
	call_for_help(s, mono);
	for (struct waiting *waiting; pods_max && (waiting = queue_next(&s->queue, mono));) {
		place(s, waiting);
		arena_reset(s->arena);
		pods_max--;
	}
	s->stepping = false;
	if (s->help && s->queue.help_len)
		return mono;
	i64 due = queue_due(&s->queue);
	return s->queue.help_len ? MIN(due, s->next_help_ns) : due;
}

/* ---- life */

struct scheduler *scheduler_new(struct store *store, struct schema *schema,
				const struct clock *clock, struct writer writer,
				struct recorder *recorder)
{
	struct scheduler *s = calloc(1, sizeof *s);
	CHECK(s);
	s->store = store;
	s->schema = schema;
	s->clock = clock;
	s->writer = writer;
	s->recorder = recorder;
	s->arena = arena_new(32 << 10);
	s->next_help_ns = clock_mono_ns(clock) + HELP_EVERY_S * NS_PER_S;
	nodes_init(&s->nodes);
	queue_init(&s->queue);
	store_on_change(store, changed, s);
	hear_everything(s);
	return s;
}

void scheduler_free(struct scheduler *s)
{
	if (!s)
		return;
	store_forget(s->store, s);
	store_forget(s->store, s);
	nodes_release(&s->nodes);
	queue_release(&s->queue);
	arena_free(s->arena);
	free(s);
}

void scheduler_on_work(struct scheduler *s, void (*call)(void *self), void *self)
{
	s->on_work = call;
	s->on_work_self = self;
}

struct scheduler_counts scheduler_counts(const struct scheduler *s)
{
	struct scheduler_counts counts = s->counts;
	counts.active = s->queue.active.len + s->queue.backoff.len;
	counts.waiting = s->queue.help_len;
	counts.nodes = s->nodes.len;
	return counts;
}

void scheduler_metrics(const struct scheduler *s, struct buffer *out)
{
	buffer_add_format(out,
			  "# TYPE scheduler_schedule_attempts_total counter\n"
			  "scheduler_schedule_attempts_total{result=\"scheduled\"} %llu\n"
			  "scheduler_schedule_attempts_total{result=\"unschedulable\"} %llu\n"
			  "scheduler_schedule_attempts_total{result=\"error\"} %llu\n",
			  (unsigned long long)s->counts.bound,
			  (unsigned long long)s->counts.unschedulable,
			  (unsigned long long)s->counts.errors);
	buffer_add_format(out,
			  "# TYPE scheduler_pending_pods gauge\n"
			  "scheduler_pending_pods{queue=\"active\"} %u\n"
			  "scheduler_pending_pods{queue=\"backoff\"} %u\n"
			  "scheduler_pending_pods{queue=\"unschedulable\"} %u\n",
			  s->queue.active.len, s->queue.backoff.len, s->queue.help_len);
}
