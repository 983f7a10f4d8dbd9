/*
 * One item a key a controller; all items that are due, or will be, stand in one heap ordered by
 * time and then by who asked first. An item lives only while it is wanted: queued, waiting for a
 * time, backing off or resting.
 *
 * A pass reads the store as it is and the plan is carried out before anything else runs, so the
 * store of this process always shows a key's own writes. Where the view is a follower's, it may
 * not: then the item is held until the view has come that far.
 */
#include "controllers/runner.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "base/map.h"
#include "controllers/event.h"
#include "controllers/plan.h"

enum {
	CONTROLLERS_MAX = 64,
	NODE_GRACE_S = 40,    /* as upstream's --node-monitor-grace-period */
	AUTOSCALE_S = 15,     /* as upstream's --horizontal-pod-autoscaler-sync-period */
	ITEMS_MAX = 1 << 21,  /* keys known at once; beyond, the process is out of its mind */
	BACKOFF_FIRST_MS = 5, /* as in client-go's default rate limiter */
	BACKOFF_MAX_MS = 300 * 1000,
	REST_FREE = 256,	 /* objects a pass may look at without resting */
	FULL_PLAN = 256,	 /* a pass with so many writes was a full one: */
	REST_FREE_A_WRITE = 200, /* it may look at more, for each */
	REST_NS_EACH = 4000,	 /* and how long it rests for each one more */
	HELD_MS = 1,
	MEMORY_ARENA = 32 << 10,
};

struct item {
	struct key key;	    /* slices point into text */
	struct str map_key; /* the whole of text */
	u32 controller;	    /* index */
	u32 heap_at;	    /* place in the heap + 1, 0: not in it */
	i64 due_ns;	    /* monotonic; when in the heap */
	u64 turn;	    /* who asked first */
	i64 rest_until_ns;  /* monotonic: heavy keys run less often */
	u64 own_revision;   /* of its last write */
	u32 failures;	    /* in a row */
	bool wanted;	    /* a change or a wake-up asks for a pass (else the item only rests) */
	enum status failed;
	char *failed_message; /* owned */
	char *kept;	      /* owned: what its last pass wants back */
	u32 kept_len;
	char text[];
};

struct runner {
	struct store *store;
	struct schema *schema;
	const struct clock *clock;
	struct writer writer;
	struct recorder *recorder;
	const struct controller *controllers[CONTROLLERS_MAX];
	struct map items[CONTROLLERS_MAX];
	u64 passes[CONTROLLERS_MAX];
	u32 controllers_len;
	struct item **heap;
	u32 heap_len, heap_cap;
	u64 turns;
	struct runner_counts counts;
	struct arena *map_arena, *pass_arena;
	struct item *running;
	bool running_wanted; /* a change asked for the running key again */
	i64 started_ns;
	struct str ca_certificate;
	const struct time_zones *zones;
	struct usage *usage;
	struct certificates *certificates;
	i64 autoscale_every_ns, node_grace_ns;
	void (*on_work)(void *self);
	void *on_work_self;
};

struct keys { /* where the maps of one controller put their keys */
	struct runner *runner;
	u32 controller, len;
};

/* ---- the heap */

static bool before(const struct item *a, const struct item *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->turn < b->turn;
}

static void heap_set(struct runner *r, u32 at, struct item *item)
{
	r->heap[at] = item;
	item->heap_at = at + 1;
}

static void heap_up(struct runner *r, u32 at)
{
	struct item *item = r->heap[at];
	while (at > 0 && before(item, r->heap[(at - 1) / 2])) {
		heap_set(r, at, r->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	heap_set(r, at, item);
}

static void heap_down(struct runner *r, u32 at)
{
	struct item *item = r->heap[at];
	for (;;) {
		u32 child = 2 * at + 1;
		if (child >= r->heap_len)
			break;
		if (child + 1 < r->heap_len && before(r->heap[child + 1], r->heap[child]))
			child++;
		if (!before(r->heap[child], item))
			break;
		heap_set(r, at, r->heap[child]);
		at = child;
	}
	heap_set(r, at, item);
}

static void heap_remove(struct runner *r, struct item *item)
{
	if (!item->heap_at)
		return;
	u32 at = item->heap_at - 1;
	struct item *last = r->heap[--r->heap_len];
	item->heap_at = 0;
	if (last == item)
		return;
	heap_set(r, at, last);
	heap_up(r, at);
	heap_down(r, last->heap_at - 1);
}

/* Puts an item in line for `due_ns`, or earlier if it stands earlier already. */
static void item_queue(struct runner *r, struct item *item, i64 due_ns)
{
	if (item->heap_at && item->due_ns <= due_ns)
		return;
	item->due_ns = due_ns;
	item->turn = ++r->turns;
	if (!item->heap_at) {
		if (r->heap_len == r->heap_cap) {
			r->heap_cap = r->heap_cap ? r->heap_cap * 2 : 256;
			r->heap = realloc(r->heap, r->heap_cap * sizeof *r->heap);
			CHECK(r->heap);
		}
		heap_set(r, r->heap_len++, item);
	}
	heap_up(r, item->heap_at - 1);
	heap_down(r, item->heap_at - 1);
}

/* ---- items */

/* The key as bytes: kind, namespace, 0, name. */
static struct str key_text(struct arena *arena, struct key key)
{
	size_t len = sizeof key.kind + key.namespace.len + 1 + key.name.len;
	char *at = arena_alloc(arena, len);
	memcpy(at, &key.kind, sizeof key.kind);
	if (key.namespace.len)
		memcpy(at + sizeof key.kind, key.namespace.at, key.namespace.len);
	at[sizeof key.kind + key.namespace.len] = 0;
	memcpy(at + len - key.name.len, key.name.at, key.name.len);
	return (struct str){ at, len };
}

static struct item *item_get(struct runner *r, u32 controller, struct key key)
{
	struct str text = key_text(r->map_arena, key);
	struct item *item = map_get(&r->items[controller], text);
	if (item)
		return item;
	CHECK(r->items[controller].len < ITEMS_MAX);
	item = calloc(1, sizeof *item + text.len);
	CHECK(item);
	memcpy(item->text, text.at, text.len);
	const char *namespace = item->text + sizeof key.kind;
	item->key = (struct key){ key.kind,
				  { namespace, key.namespace.len },
				  { namespace + key.namespace.len + 1, key.name.len } };
	item->map_key = (struct str){ item->text, text.len };
	item->controller = controller;
	map_put(&r->items[controller], item->map_key, item);
	return item;
}

static void item_free(struct runner *r, struct item *item)
{
	heap_remove(r, item);
	map_remove(&r->items[item->controller], item->map_key);
	free(item->failed_message);
	free(item->kept);
	free(item);
}

static void item_want(struct runner *r, struct item *item)
{
	if (item == r->running) {
		r->running_wanted = true;
		return;
	}
	item->wanted = true;
	item_queue(r, item, MAX(clock_mono_ns(r->clock), item->rest_until_ns));
}

void keys_add(struct keys *keys, struct key key)
{
	if (!key.kind || !key.name.len)
		return;
	CHECK(++keys->len <= KEYS_MAX);
	const struct controller *c = keys->runner->controllers[keys->controller];
	bool known = c->many_kinds;
	for (u32 i = 0; i < WATCHES_MAX && !known && c->watch[i].map; i++)
		known = c->watch[i].kind == key.kind && c->watch[i].map == key_self;
	if (known)
		item_want(keys->runner, item_get(keys->runner, keys->controller, key));
}

/* ---- changes */

static struct view view_now(struct runner *r, struct arena *arena, u32 *seen)
{
	return (struct view){
		.store = r->store,
		.schema = r->schema,
		.arena = arena,
		.now_ns = clock_wall_ns(r->clock),
		.seen = seen,
		.started_ns = r->started_ns,
		.ca_certificate = r->ca_certificate,
		.zones = r->zones,
		.usage = r->usage,
		.certificates = r->certificates,
		.autoscale_every_ns = r->autoscale_every_ns,
		.node_grace_ns = r->node_grace_ns,
	};
}

static void tell_controllers(struct runner *r, const struct change *change)
{
	struct view view = view_now(r, r->map_arena, NULL);
	for (u32 c = 0; c < r->controllers_len; c++) {
		struct keys keys = { .runner = r, .controller = c };
		for (u32 i = 0; i < WATCHES_MAX && r->controllers[c]->watch[i].map; i++) {
			kind_id kind = r->controllers[c]->watch[i].kind;
			if (kind == change->kind || kind == KIND_ANY)
				r->controllers[c]->watch[i].map(&view, change, &keys);
		}
	}
	arena_reset(r->map_arena);
}

static void changed(void *self, const struct store_event *event)
{
	struct runner *r = self;
	struct change change = {
		.kind = event->version->kind,
		.now = event->version,
		.before = event->previous,
		.gone = event->type == EVENT_DELETED,
	};
	bool idle = !r->heap_len || r->heap[0]->due_ns > clock_mono_ns(r->clock);
	tell_controllers(r, &change);
	if (event->undone && !change.gone) {
		/* What is back after a failed write may need what was done to it before. */
		change.before = NULL;
		tell_controllers(r, &change);
	}
	if (idle && r->heap_len && r->on_work && !r->running)
		r->on_work(r->on_work_self);
}

/* Everything there is counts as new to somebody who has just begun to listen. */
static void tell_everything(struct runner *r)
{
	for (kind_id kind = 1; kind < schema_kinds_end(r->schema); kind++) {
		if (kind == KIND_Event || kind == KIND_Lease ||
		    !(schema_kind(r->schema, kind)->verbs & API_VERB_LIST))
			continue;
		struct store_iter iter;
		store_iter_start(&iter, r->store, kind, STR_NONE, STR_NONE, STR_NONE);
		for (struct version *v; (v = store_iter_next(&iter));) {
			struct change change = { .kind = kind, .now = v };
			tell_controllers(r, &change);
		}
	}
}

/* ---- passes */

static void item_failed(struct runner *r, struct item *item, enum status status,
			const struct error *error)
{
	if (item->failed) /* the first of a plan counts */
		return;
	item->failed = status;
	free(item->failed_message);
	item->failed_message = strdup(error->message);
	if (status == ST_CONFLICT || status == ST_NOT_FOUND)
		r->counts.conflicts++;
	else
		r->counts.failures++;
}

static void say(struct runner *r, struct arena *arena, const char *component,
		const struct saying *saying, struct str name, const struct error *error)
{
	const char *reason = error ? saying->failed_reason : saying->reason;
	const char *format = error ? saying->failed_text : saying->text;
	if (!reason)
		return;
	struct str word = error ? str_of(error->message) : name;
	struct str rest = str_of(format), text = str_cut(&rest, '%');
	if (rest.at) /* the text's one %s */
		text = str_format(arena, STR_FMT STR_FMT STR_FMT, STR_ARG(text), STR_ARG(word),
				  STR_ARG(str_from(rest, 1)));
	recorder_event(r->recorder, &r->writer, arena, component, saying->about,
		       error ? EVENT_WARNING : EVENT_NORMAL, str_of(reason), text);
	r->counts.events++;
}

/* A write of ours to the same object earlier in this plan moved its revision on. */
static void follow_own_writes(const struct plan *plan, u32 upto, struct intent *intent,
			      const u64 *written)
{
	for (u32 i = upto; intent->uid.len && i-- > 0;) {
		if (written[i] && str_eq(plan->intents.at[i].uid, intent->uid)) {
			intent->revision = written[i];
			return;
		}
	}
}

static void apply_event(struct runner *r, struct arena *arena, const char *name,
			const struct intent *intent)
{
	recorder_event(r->recorder, &r->writer, arena, name, intent->about,
		       (enum event_level)intent->level, intent->reason, intent->text);
	r->counts.events++;
}

/* Carries one intent out. False when it failed in a way that the pass must be run again for. */
static bool apply_one(struct runner *r, struct item *item, struct plan *plan, u32 at, u64 *written)
{
	struct intent *intent = &plan->intents.at[at];
	const char *name = r->controllers[item->controller]->name;
	struct error error = ERROR_INIT;
	struct version *object = NULL;

	if (intent->type == INTENT_UPDATE && at && at < 64)
		follow_own_writes(plan, at, intent, written);
	enum status status =
		r->writer.write(r->writer.self, plan->arena, name, intent, &object, &error);
	bool gone_already = intent->type == INTENT_DELETE && status == ST_NOT_FOUND;
	if (status != ST_OK && !gone_already) {
		item_failed(r, item, status, &error);
		if (intent->saying && status != ST_CONFLICT)
			say(r, plan->arena, name, intent->saying, intent->name, &error);
		return false;
	}
	r->counts.writes++;
	if (object) {
		item->own_revision = MAX(item->own_revision, object->revision);
		if (at < 64)
			written[at] = object->revision;
	}
	if (intent->saying && !gone_already)
		say(r, plan->arena, name, intent->saying, object ? object->name : intent->name,
		    NULL);
	return true;
}

static void apply(struct runner *r, struct item *item, struct plan *plan)
{
	u64 written[64] = { 0 };
	kind_id refused = KIND_NONE; /* creates of this kind stop at the first failure */
	const char *name = r->controllers[item->controller]->name;

	for (u32 i = 0; i < plan->intents.len; i++) {
		struct intent *intent = &plan->intents.at[i];
		if (intent->type == INTENT_BARRIER) {
			if (item->failed)
				return;
			continue;
		}
		if (intent->type == INTENT_EVENT) {
			apply_event(r, plan->arena, name, intent);
			continue;
		}
		if (intent->type == INTENT_CREATE && refused && intent->kind == refused)
			continue;
		if (apply_one(r, item, plan, i, written))
			continue;
		if (intent->type == INTENT_CREATE)
			refused = intent->kind;
		if (intent->needed)
			break;
	}
}

static i64 backoff_ns(u32 failures)
{
	i64 ms = BACKOFF_FIRST_MS << MIN(failures, 16u);
	return MIN(ms, BACKOFF_MAX_MS) * NS_PER_MS;
}

/* Decides what becomes of an item after its pass: again, at a time, at rest, or forgotten. */
static void item_settle(struct runner *r, struct item *item, const struct plan *plan, u32 seen)
{
	i64 mono = clock_mono_ns(r->clock), wall = clock_wall_ns(r->clock);
	item->wanted = false;
	/* A pass that wrote much was worth its looking, and there may be more to write. */
	bool full = plan->intents.len >= FULL_PLAN;
	u32 free = REST_FREE + (full ? plan->intents.len * REST_FREE_A_WRITE : 0);
	item->rest_until_ns = seen > free ? mono + (i64)(seen - free) * REST_NS_EACH : 0;
	if (item->failed) {
		item->wanted = true;
		item_queue(r, item, mono + backoff_ns(item->failures++));
	} else {
		item->failures = 0;
	}
	if (r->running_wanted && !item->failed) { /* its own writes do not cut a back-off short */
		item->wanted = true;
		item_queue(r, item, MAX(mono, item->rest_until_ns));
	}
	if (plan->wake_ns != NEVER_NS) {
		i64 delay = plan->wake_ns <= wall ? 0 : plan->wake_ns - wall;
		item->wanted = true;
		item_queue(r, item, MAX(mono + delay, item->rest_until_ns));
	}
	if (!item->heap_at && item->rest_until_ns > mono)
		item_queue(r, item, item->rest_until_ns);
	if (!item->heap_at)
		item_free(r, item);
}

static void item_keep(struct item *item, struct str bytes)
{
	char *kept = NULL;
	if (bytes.len) {
		kept = malloc(bytes.len);
		CHECK(kept);
		memcpy(kept, bytes.at, bytes.len);
	}
	free(item->kept);
	item->kept = kept;
	item->kept_len = (u32)bytes.len;
}

static void item_pass(struct runner *r, struct item *item)
{
	u32 seen = 0;
	struct failure failure = { item->failed, str_of(item->failed_message) };
	struct view view = view_now(r, r->pass_arena, &seen);
	view.failure = item->failed ? &failure : NULL;
	view.kept = (struct str){ item->kept, item->kept_len };
	char *message = item->failed_message;

	struct plan plan = plan_new(r->pass_arena);
	r->running = item;
	r->running_wanted = false;
	r->controllers[item->controller]->reconcile(&view, item->key, &plan);
	item->failed = ST_OK;
	item->failed_message = NULL;
	item_keep(item, plan.kept);
	apply(r, item, &plan);
	r->running = NULL;
	r->counts.passes++;
	r->passes[item->controller]++;
	free(message);
	item_settle(r, item, &plan, seen);
	arena_reset(r->pass_arena);
}

i64 runner_step(struct runner *r, u32 passes_max)
{
	while (r->heap_len) {
		struct item *item = r->heap[0];
		i64 mono = clock_mono_ns(r->clock);
		if (item->due_ns > mono || !passes_max)
			return item->due_ns;
		heap_remove(r, item);
		if (!item->wanted) { /* it only rested */
			item_free(r, item);
			continue;
		}
		if (item->own_revision > store_revision(r->store)) {
			item_queue(r, item, mono + HELD_MS * NS_PER_MS);
			continue;
		}
		passes_max--;
		item_pass(r, item);
	}
	return NEVER_NS;
}

/* ---- life */

struct runner *runner_new(struct store *store, struct schema *schema, const struct clock *clock,
			  struct writer writer, const struct controller *const *controllers)
{
	struct runner *r = calloc(1, sizeof *r);
	CHECK(r);
	r->store = store;
	r->schema = schema;
	r->clock = clock;
	r->writer = writer;
	r->recorder = recorder_new(schema, store, clock);
	r->map_arena = arena_new(MEMORY_ARENA);
	r->pass_arena = arena_new(MEMORY_ARENA);
	r->started_ns = clock_wall_ns(clock);
	r->autoscale_every_ns = AUTOSCALE_S * NS_PER_S;
	r->node_grace_ns = NODE_GRACE_S * NS_PER_S;
	for (; controllers[r->controllers_len]; r->controllers_len++) {
		CHECK(r->controllers_len < CONTROLLERS_MAX);
		r->controllers[r->controllers_len] = controllers[r->controllers_len];
	}
	store_on_change(store, changed, r);
	tell_everything(r);
	return r;
}

void runner_free(struct runner *r)
{
	if (!r)
		return;
	store_forget(r->store, r);
	store_forget(r->store, r);
	while (r->heap_len)
		item_free(r, r->heap[r->heap_len - 1]);
	for (u32 i = 0; i < r->controllers_len; i++)
		map_release(&r->items[i]);
	recorder_free(r->recorder);
	arena_free(r->map_arena);
	arena_free(r->pass_arena);
	free(r->heap);
	free(r);
}

void runner_on_work(struct runner *r, void (*call)(void *self), void *self)
{
	r->on_work = call;
	r->on_work_self = self;
}

void runner_set_ca(struct runner *r, struct str certificate)
{
	r->ca_certificate = certificate;
}

void runner_set_zones(struct runner *r, const struct time_zones *zones)
{
	r->zones = zones;
}

void runner_set_usage(struct runner *r, struct usage *usage)
{
	r->usage = usage;
}

void runner_set_certificates(struct runner *r, struct certificates *certificates)
{
	r->certificates = certificates;
}

void runner_set_node_grace(struct runner *r, i64 grace_ns)
{
	r->node_grace_ns = grace_ns;
}

void runner_set_autoscale(struct runner *r, i64 every_ns)
{
	r->autoscale_every_ns = every_ns;
}

struct recorder *runner_recorder(const struct runner *r)
{
	return r->recorder;
}

struct runner_counts runner_counts(const struct runner *r)
{
	struct runner_counts counts = r->counts;
	counts.queued = r->heap_len;
	return counts;
}

void runner_metrics(const struct runner *r, struct buffer *out)
{
	buffer_add_format(out, "# TYPE minke_controller_passes_total counter\n");
	for (u32 i = 0; i < r->controllers_len; i++)
		buffer_add_format(out, "minke_controller_passes_total{controller=\"%s\"} %llu\n",
				  r->controllers[i]->name, (unsigned long long)r->passes[i]);
	buffer_add_format(out, "# TYPE workqueue_depth gauge\n");
	for (u32 i = 0; i < r->controllers_len; i++)
		buffer_add_format(out, "workqueue_depth{name=\"%s\"} %u\n", r->controllers[i]->name,
				  r->items[i].len);
	static const char *const names[] = { "writes", "conflicts", "failures", "events" };
	const u64 values[] = { r->counts.writes, r->counts.conflicts, r->counts.failures,
			       r->counts.events };
	for (u32 i = 0; i < ARRAY_LEN(names); i++)
		buffer_add_format(out,
				  "# TYPE minke_controller_%s_total counter\n"
				  "minke_controller_%s_total %llu\n",
				  names[i], names[i], (unsigned long long)values[i]);
}
