/* Hears of pods and nodes, decides, binds. */
#include "scheduler/scheduler.h"

#include <stdlib.h>

#include "base/check.h"
#include "controllers/event.h"
#include "controllers/pod.h"
#include "scheduler/hearing.h"
#include "scheduler/why.h"
#include "scheduler/write.h"

enum {
	HELP_EVERY_S = 300, /* however little changes, the hopeless try again */
	EARLY_MAX = 16,	    /* pods that one step may try before their pause is over */
	CLAIMS_MAX = 64,
};

/* ---- placing */

static void fail_to_place(struct scheduler *s, const struct version *pod, struct error *error)
{
	s->counts.errors++;
	if (error->status != ST_CONFLICT && error->status != ST_NOT_FOUND)
		write_failure(&s->scribe, pod, str_of(error->message));
}

/* Claims that wait for a node learn which. True when nothing has to be awaited. */
static enum status serve_claims(struct scheduler *s, struct ask *ask, const struct node *node,
				bool *ret_waits, struct error *error)
{
	struct claim_deed deeds[CLAIMS_MAX];
	*ret_waits = false;
	if (!ask->claims || ask->claims->list.len > CLAIMS_MAX)
		return ST_OK;
	u32 len = claims_deeds(ask->claims, node, deeds);
	for (u32 i = 0; i < len; i++) {
		enum status status = write_claim(&s->scribe, &deeds[i], node, error);
		if (status != ST_OK)
			return status;
		*ret_waits = true;
	}
	return ST_OK;
}

/* Less important pods that wait for the same room must look for another place. */
static void take_from_lesser(struct scheduler *s, const struct ask *ask, struct node *node)
{
	VEC(struct version *) lesser = { 0 };
	struct error error = ERROR_INIT;
	for (struct nominee *n = node->nominees, *next; n; n = next) {
		next = n->next;
		if (n->priority >= ask->shape->priority)
			continue;
		struct version *pod = store_get(s->store, KIND_Pod, n->namespace, n->name);
		if (pod && str_eq(pod->uid, n->uid)) {
			version_hold(s->arena, pod);
			VEC_PUSH(s->arena, &lesser, pod);
		}
		picture_forget_nominee(&s->picture, n->uid);
	}
	for (u32 i = 0; i < lesser.len; i++)
		if (write_no_nomination(&s->scribe, lesser.at[i], &error) != ST_OK)
			error_clear(&error); /* it finds out itself when it tries again */
}

/* Makes room; true with the node where the pod may wait for it. */
static bool make_room(struct scheduler *s, struct ask *ask, const struct decision *decision,
		      struct node **ret_node, struct str *ret_text)
{
	struct victims victims;
	struct error error = ERROR_INIT;
	if (!preempt(ask, decision, &victims, ret_text))
		return false;
	for (u32 i = 0; i < victims.len; i++)
		version_hold(s->arena, victims.at[i]);
	for (u32 i = 0; i < victims.len; i++)
		if (write_preemption(&s->scribe, ask->pod, victims.at[i], victims.node, &error) !=
		    ST_OK) {
			*ret_text = str_copy(s->arena, str_of(error.message));
			return false;
		}
	s->counts.preempted += victims.len;
	take_from_lesser(s, ask, victims.node);
	*ret_node = victims.node;
	return true;
}

static void give_up(struct scheduler *s, struct ask *ask, struct decision *decision)
{
	struct error error = ERROR_INIT;
	struct str text = STR_NONE, nominated = STR_NONE;
	struct node *node = NULL;
	struct str before = doc_at_str(ask->pod->doc, AT(Pod, status.nominatedNodeName));
	/* What is said counts the nodes as they were. */
	struct str why = decision_sentence(ask, decision, STR_NONE);
	s->counts.unschedulable++;
	if (decision->nodes && make_room(s, ask, decision, &node, &text)) {
		nominated = str_of(node->name);
		picture_nominate(&s->picture, ask->pod, nominated);
		decision->helped_by |= HELP_POD_GONE;
	} else if (decision->nodes) {
		why = decision_sentence(ask, decision, text);
		if (str_starts(text, STR("not eligible due to terminating")))
			nominated = before;
	}
	/* Its own eviction of others may have touched the pod: write what is there now. */
	struct version *pod = store_get(s->store, KIND_Pod, ask->pod->namespace, ask->pod->name);
	if (!pod || !str_eq(pod->uid, ask->pod->uid))
		return;
	version_hold(s->arena, pod);
	if (write_unschedulable(&s->scribe, pod, why, nominated, &error) != ST_OK)
		s->counts.errors++;
}

/* Binds the pod; false when it has to try again. */
static bool take_place(struct scheduler *s, struct ask *ask, struct node *node, bool *ret_waits)
{
	struct error error = ERROR_INIT;
	if (serve_claims(s, ask, node, ret_waits, &error) != ST_OK) {
		fail_to_place(s, ask->pod, &error);
		return false;
	}
	if (*ret_waits) {
		picture_nominate(&s->picture, ask->pod, str_of(node->name));
		return false;
	}
	if (write_binding(&s->scribe, ask->pod, node, &error) != ST_OK) {
		fail_to_place(s, ask->pod, &error);
		return false;
	}
	s->counts.bound++;
	return true;
}

static void place(struct scheduler *s, struct waiting *waiting)
{
	struct version *pod = store_get(s->store, KIND_Pod, waiting->namespace, waiting->name);
	struct str uid = str_copy(s->arena, waiting->uid);
	i64 mono = clock_mono_ns(s->clock);
	if (!pod || !str_eq(pod->uid, uid) || !hearing_is_ours(pod))
		return queue_remove(&s->queue, uid);
	version_hold(s->arena, pod);
	struct ask ask;
	struct decision decision;
	bool waits = false;
	picture_tidy(&s->picture);
	ask_init(&ask, &s->picture, pod, s->arena);
	decide(&ask, &decision);
	bool bound = decision.node && take_place(s, &ask, decision.node, &waits);
	if (!decision.node)
		give_up(s, &ask, &decision);
	/* The bind took it out of the queue by itself, unless it failed. */
	waiting = map_get(&s->queue.by_uid, uid);
	if (bound)
		return queue_remove(&s->queue, uid);
	if (!waiting)
		return;
	if (waits)
		return queue_wait_for_help(&s->queue, waiting, HELP_VOLUME, mono);
	if (decision.node)
		return queue_retry(&s->queue, waiting, mono);
	queue_wait_for_help(&s->queue, waiting, decision.helped_by, mono);
}

static void call_for_help(struct scheduler *s, i64 mono)
{
	bool late = s->queue.help_len && mono >= s->next_help_ns;
	if (!s->help && !late)
		return;
	queue_help(&s->queue, late ? HELP_ANY : s->help, mono);
	s->help = 0;
	if (late || !s->queue.help_len)
		s->next_help_ns = mono + HELP_EVERY_S * NS_PER_S;
}

i64 scheduler_step(struct scheduler *s, u32 pods_max)
{
	i64 mono = clock_mono_ns(s->clock);
	u32 early = EARLY_MAX;
	s->stepping = true;
	call_for_help(s, mono);
	for (struct waiting *waiting;
	     pods_max && (waiting = queue_next(&s->queue, mono, &early));) {
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
	(void)schema;
	s->store = store;
	s->clock = clock;
	s->arena = arena_new(64 << 10);
	s->scribe = (struct scribe){ writer, recorder, clock, s->arena };
	s->next_help_ns = clock_mono_ns(clock) + HELP_EVERY_S * NS_PER_S;
	picture_init(&s->picture, store);
	queue_init(&s->queue);
	hearing_start(s);
	return s;
}

void scheduler_free(struct scheduler *s)
{
	if (!s)
		return;
	store_forget(s->store, s);
	picture_release(&s->picture);
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
	counts.nodes = s->picture.len;
	return counts;
}

const struct doc *scheduler_why(struct scheduler *s, struct store *store, const struct clock *clock,
				struct arena *arena, struct version *pod)
{
	struct why_view view = { .store = store,
				 .picture = s ? &s->picture : NULL,
				 .now_ns = clock_wall_ns(clock) };
	return why_pod(&view, arena, pod);
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
			  "# TYPE scheduler_preemption_victims_total counter\n"
			  "scheduler_preemption_victims_total %llu\n"
			  "# TYPE scheduler_pending_pods gauge\n"
			  "scheduler_pending_pods{queue=\"active\"} %u\n"
			  "scheduler_pending_pods{queue=\"backoff\"} %u\n"
			  "scheduler_pending_pods{queue=\"unschedulable\"} %u\n",
			  (unsigned long long)s->counts.preempted, s->queue.active.len,
			  s->queue.backoff.len, s->queue.help_len);
}
