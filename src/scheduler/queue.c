/* Pods in line, after pkg/scheduler/backend/queue: active, back-off and unschedulable. */
#include "scheduler/queue.h"

#include <stdlib.h>

#include "base/check.h"

enum { BACKOFF_FIRST_S = 1, BACKOFF_MAX_S = 10 };

/* ---- heaps */

static void heap_put(struct waiting_heap *heap, u32 at, struct waiting *waiting)
{
	heap->at[at] = waiting;
	waiting->heap_at = at + 1;
}

static void heap_up(struct waiting_heap *heap, u32 at)
{
	struct waiting *waiting = heap->at[at];
	while (at > 0 && heap->before(waiting, heap->at[(at - 1) / 2])) {
		heap_put(heap, at, heap->at[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	heap_put(heap, at, waiting);
}

static void heap_down(struct waiting_heap *heap, u32 at)
{
	struct waiting *waiting = heap->at[at];
	for (;;) {
		u32 child = 2 * at + 1;
		if (child >= heap->len)
			break;
		if (child + 1 < heap->len && heap->before(heap->at[child + 1], heap->at[child]))
			child++;
		if (!heap->before(heap->at[child], waiting))
			break;
		heap_put(heap, at, heap->at[child]);
		at = child;
	}
	heap_put(heap, at, waiting);
}

static void heap_add(struct waiting_heap *heap, struct waiting *waiting)
{
	if (heap->len == heap->cap) {
		heap->cap = heap->cap ? heap->cap * 2 : 64;
		heap->at = realloc(heap->at, heap->cap * sizeof *heap->at);
		CHECK(heap->at);
	}
	heap_put(heap, heap->len++, waiting);
	heap_up(heap, heap->len - 1);
}

static void heap_remove(struct waiting_heap *heap, struct waiting *waiting)
{
	if (!waiting->heap_at)
		return;
	u32 at = waiting->heap_at - 1;
	struct waiting *last = heap->at[--heap->len];
	waiting->heap_at = 0;
	if (last == waiting)
		return;
	heap_put(heap, at, last);
	heap_up(heap, at);
	heap_down(heap, last->heap_at - 1);
}

static bool more_urgent(const struct waiting *a, const struct waiting *b)
{
	return a->priority != b->priority ? a->priority > b->priority : a->turn < b->turn;
}

static bool due_earlier(const struct waiting *a, const struct waiting *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->turn < b->turn;
}

/* ---- states */

static void help_add(struct queue *queue, struct waiting *waiting)
{
	struct waiting_list *list = &queue->help[waiting->helped_by];
	if (list->len == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 64;
		list->at = realloc(list->at, list->cap * sizeof *list->at);
		CHECK(list->at);
	}
	list->at[list->len++] = waiting;
	waiting->help_at = list->len;
	queue->help_len++;
}

static void help_remove(struct queue *queue, struct waiting *waiting)
{
	struct waiting_list *list = &queue->help[waiting->helped_by];
	if (!waiting->help_at)
		return;
	struct waiting *last = list->at[--list->len];
	list->at[waiting->help_at - 1] = last;
	last->help_at = waiting->help_at;
	waiting->help_at = 0;
	queue->help_len--;
}

static void leave(struct queue *queue, struct waiting *waiting)
{
	if (waiting->state == WAITING_FOR_HELP)
		help_remove(queue, waiting);
	else
		heap_remove(waiting->state == WAITING_ACTIVE ? &queue->active : &queue->backoff,
			    waiting);
}

static void enter(struct queue *queue, struct waiting *waiting, enum waiting_state state)
{
	waiting->state = (u8)state;
	waiting->turn = ++queue->turns;
	if (state == WAITING_FOR_HELP)
		help_add(queue, waiting);
	else
		heap_add(state == WAITING_ACTIVE ? &queue->active : &queue->backoff, waiting);
}

void queue_init(struct queue *queue)
{
	*queue = (struct queue){ 0 };
	queue->active.before = more_urgent;
	queue->backoff.before = due_earlier;
}

void queue_release(struct queue *queue)
{
	for (struct map_entry *e = NULL; (e = map_next(&queue->by_uid, e));)
		free(e->value);
	map_release(&queue->by_uid);
	free(queue->active.at);
	free(queue->backoff.at);
	for (u32 i = 0; i < HELP_KINDS; i++)
		free(queue->help[i].at);
}

void queue_add(struct queue *queue, struct str namespace, struct str name, struct str uid,
	       i64 priority)
{
	struct waiting *waiting = map_get(&queue->by_uid, uid);
	if (waiting) {
		waiting->priority = priority;
		if (waiting->state != WAITING_FOR_HELP)
			return;
		leave(queue, waiting);
		return enter(queue, waiting, WAITING_ACTIVE);
	}
	waiting = calloc(1, sizeof *waiting + namespace.len + name.len + uid.len);
	CHECK(waiting);
	char *at = waiting->text;
	memcpy(at, namespace.at, namespace.len);
	waiting->namespace = (struct str){ at, namespace.len };
	at += namespace.len;
	memcpy(at, name.at, name.len);
	waiting->name = (struct str){ at, name.len };
	at += name.len;
	memcpy(at, uid.at, uid.len);
	waiting->uid = (struct str){ at, uid.len };
	waiting->priority = priority;
	map_put(&queue->by_uid, waiting->uid, waiting);
	enter(queue, waiting, WAITING_ACTIVE);
}

void queue_remove(struct queue *queue, struct str uid)
{
	struct waiting *waiting = map_get(&queue->by_uid, uid);
	if (!waiting)
		return;
	leave(queue, waiting);
	map_remove(&queue->by_uid, waiting->uid);
	free(waiting);
}

static void wake_due(struct queue *queue, i64 mono_ns)
{
	while (queue->backoff.len && queue->backoff.at[0]->due_ns <= mono_ns) {
		struct waiting *waiting = queue->backoff.at[0];
		heap_remove(&queue->backoff, waiting);
		enter(queue, waiting, WAITING_ACTIVE);
	}
}

struct waiting *queue_next(struct queue *queue, i64 mono_ns, u32 *early)
{
	wake_due(queue, mono_ns);
	struct waiting_heap *heap = &queue->active;
	if (!heap->len && *early && queue->backoff.len && queue->backoff.at[0]->helped) {
		heap = &queue->backoff;
		(*early)--;
	}
	if (!heap->len)
		return NULL;
	struct waiting *waiting = heap->at[0];
	heap_remove(heap, waiting);
	waiting->helped = false;
	return waiting;
}

static void count_attempt(struct waiting *waiting, i64 mono_ns)
{
	i64 seconds = (i64)BACKOFF_FIRST_S << MIN(waiting->attempts++, 10u);
	waiting->due_ns = mono_ns + MIN(seconds, (i64)BACKOFF_MAX_S) * NS_PER_S;
}

void queue_wait_for_help(struct queue *queue, struct waiting *waiting, u32 helped_by, i64 mono_ns)
{
	CHECK(helped_by < HELP_KINDS);
	count_attempt(waiting, mono_ns);
	waiting->helped_by = (u8)helped_by;
	enter(queue, waiting, WAITING_FOR_HELP);
}

void queue_retry(struct queue *queue, struct waiting *waiting, i64 mono_ns)
{
	count_attempt(waiting, mono_ns);
	enter(queue, waiting, WAITING_BACKOFF);
}

void queue_help(struct queue *queue, u32 kinds, i64 mono_ns)
{
	for (u32 i = 0; i < HELP_KINDS; i++) {
		struct waiting_list *list = &queue->help[i];
		if (i && !(i & kinds)) /* 0: whatever happens */
			continue;
		while (list->len) {
			struct waiting *waiting = list->at[list->len - 1];
			help_remove(queue, waiting);
			waiting->helped = true;
			enter(queue, waiting,
			      waiting->due_ns <= mono_ns ? WAITING_ACTIVE : WAITING_BACKOFF);
		}
	}
}

i64 queue_due(const struct queue *queue)
{
	if (queue->active.len)
		return INT64_MIN;
	return queue->backoff.len ? queue->backoff.at[0]->due_ns : NEVER_NS;
}
