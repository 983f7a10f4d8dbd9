/*
 * From applied to durable. Every write that the log must decide waits in order in `pending`, and
 * so does what came after it, even when that needs no log (lazy kinds): the durable revision is
 * the one before the oldest of them. When the log fails, they are all taken back, newest first;
 * nobody outside has seen them. Their revisions are not used again.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "store/private.h"

/* Revisions reserved at a time. Lazily written kinds use up revisions without writing, so after a
 * crash counting goes on behind what was reserved; one write a hundred thousand pays for that. */
enum { RESERVE_STEP = 100000 };

static const i64 REFUSE_NS = NS_PER_S; /* how long a failed log is left in peace */

/* ---- waiting writes */

static struct pending *pending_at(const struct store *store, u32 i)
{
	return &store->pending[store->pending_first + i];
}

static void pending_push(struct store *store, const struct store_event *event, u64 row, bool logged)
{
	if (store->pending_first + store->pending_len == store->pending_cap) {
		if (store->pending_first > store->pending_cap / 2) {
			memmove(store->pending, pending_at(store, 0),
				store->pending_len * sizeof *store->pending);
			store->pending_first = 0;
		} else {
			store->pending_cap = store->pending_cap ? store->pending_cap * 2 : 64;
			store->pending = realloc(store->pending,
						 store->pending_cap * sizeof *store->pending);
			CHECK(store->pending);
		}
	}
	*pending_at(store, store->pending_len++) = (struct pending){ *event, row, logged };
	version_ref(event->version);
	version_ref(event->previous);
}

static void pending_release(struct pending *pending)
{
	version_unref(pending->event.version);
	version_unref(pending->event.previous);
}

static void pending_shift(struct store *store)
{
	pending_release(pending_at(store, 0));
	store->pending_first++;
	if (--store->pending_len == 0)
		store->pending_first = 0;
}

static void ask_reserve(struct store *store)
{
	if (store->revision + RESERVE_STEP / 2 <= store->reserve_asked)
		return;
	store->reserve_asked = store->revision + RESERVE_STEP;
	log_append(store->log,
		   &(struct log_entry){ .change = LOG_RESERVE, .revision = store->reserve_asked });
}

void durable_join(struct store *store, const struct store_event *event, struct object *object,
		  u64 row)
{
	const struct store_kind *kind = &store_kind_state(store, event->version->kind)->kind;

	if (!store->log)
		return;
	CHECK(!store->joining);
	store->joining = true;
	ask_reserve(store);
	if (kind->lazy && event->version->revision <= store->reserved) {
		if (store->pending_len)
			pending_push(store, event, row, false);
		if (object || row)
			lazy_note(store, event->version, object, row);
	} else {
		if (object) {
			lazy_forget(store, object);
			object->stored = true;
		}
		if (lazy_due(store) && !log_low(store->log))
			lazy_write(store);
		pending_push(store, event, row, true);
		log_append(store->log,
			   &(struct log_entry){ .change = event->version->deleted ? LOG_REMOVE
										  : LOG_PUT,
						.row = row,
						.revision = event->version->revision,
						.kind = kind->name,
						.version = event->version });
	}
	store->joining = false;
}

/* ---- those who want to know */

void store_on_change(struct store *store,
		     void (*changed)(void *self, const struct store_event *event), void *self)
{
	CHECK(store->observers_len < OBSERVERS_MAX);
	store->observers[store->observers_len++] =
		(struct observer){ .changed = changed, .self = self };
}

void store_on_durable(struct store *store, void (*durable)(void *self, u64 revision), void *self)
{
	CHECK(store->observers_len < OBSERVERS_MAX);
	store->observers[store->observers_len++] =
		(struct observer){ .durable = durable, .self = self };
}

void store_forget(struct store *store, void *self)
{
	u32 kept = 0;

	CHECK(!store->telling);
	for (u32 i = 0; i < store->observers_len; i++)
		if (store->observers[i].self != self)
			store->observers[kept++] = store->observers[i];
	store->observers_len = kept;
}

void store_tell(struct store *store, const struct store_event *event)
{
	store->telling = true;
	for (u32 i = 0; i < store->observers_len; i++)
		if (store->observers[i].changed)
			store->observers[i].changed(store->observers[i].self, event);
	store->telling = false;
}

void store_wait(struct store *store, struct store_wait *wait)
{
	struct store_wait *before = store->waits_last;

	wait->store = NULL;
	if (wait->revision <= store->durable) {
		wait->done(wait, ST_OK, NULL);
		return;
	}
	CHECK(wait->revision <= store->revision);
	while (before && before->revision > wait->revision)
		before = before->previous;
	wait->store = store;
	wait->previous = before;
	wait->next = before ? before->next : store->waits_first;
	*(wait->next ? &wait->next->previous : &store->waits_last) = wait;
	*(before ? &before->next : &store->waits_first) = wait;
}

void store_wait_cancel(struct store_wait *wait)
{
	struct store *store = wait->store;

	if (!store)
		return;
	*(wait->previous ? &wait->previous->next : &store->waits_first) = wait->next;
	*(wait->next ? &wait->next->previous : &store->waits_last) = wait->previous;
	wait->store = NULL;
}

static void end_waits(struct store *store, u64 up_to, enum status status, const struct error *error)
{
	struct store_wait *wait;

	/* One by one from the front: done() may wait, cancel or write. */
	while ((wait = store->waits_first) && wait->revision <= up_to) {
		store_wait_cancel(wait);
		wait->done(wait, status, error);
	}
}

void durable_advance(struct store *store)
{
	u64 durable = store->pending_len ? pending_at(store, 0)->event.version->revision - 1
					 : store->revision;

	if (durable <= store->durable)
		return;
	store->durable = durable;
	end_waits(store, durable, ST_OK, NULL);
	for (u32 i = 0; i < store->observers_len; i++)
		if (store->observers[i].durable)
			store->observers[i].durable(store->observers[i].self, store->durable);
	watch_wake_all(store);
}

/* ---- what the log decides */

static void committed(void *self, const struct log_entry *entries, u32 len)
{
	struct store *store = self;

	for (u32 i = 0; i < len; i++) {
		if (entries[i].change == LOG_RESERVE) {
			store->reserved = entries[i].revision;
		} else if (!lazy_written(store, &entries[i])) {
			CHECK(store->pending_len && pending_at(store, 0)->logged);
			CHECK(pending_at(store, 0)->event.version == entries[i].version);
			do
				pending_shift(store);
			while (store->pending_len && !pending_at(store, 0)->logged);
		}
	}
	/* A log that commits at once reports from within the write, which advances by itself. */
	if (!store->joining)
		durable_advance(store);
}

/* Brings back what stood before one write. */
static struct store_event undo(struct store *store, const struct pending *pending)
{
	const struct store_event *event = &pending->event;
	struct kind_state *state = store_kind_state(store, event->version->kind);
	struct str namespace = event->version->namespace, name = event->version->name;
	struct object *object = btree_find(&state->objects, namespace, name);

	CHECK(state->history.end > state->history.first);
	CHECK(history_at(&state->history, state->history.end - 1)->version == event->version);
	history_pop(&state->history);
	if (event->type == EVENT_ADDED) {
		store_unset(store, object);
		return (struct store_event){ EVENT_DELETED, true, event->version, event->version };
	}
	bool lost = event->type == EVENT_DELETED;

	if (lost && pending->row)
		lazy_forget_row(store, pending->row);
	object = store_set(store, event->previous, namespace, name, pending->row);
	if (state->kind.lazy)
		lazy_note(store, event->previous, object, object->row);
	return (struct store_event){ lost ? EVENT_ADDED : EVENT_MODIFIED, true, event->previous,
				     lost ? NULL : event->version };
}

static void failed(void *self, const struct error *error)
{
	struct store *store = self;
	struct pending *undone = store->pending;
	u32 first = store->pending_first, len = store->pending_len;

	CHECK(!store->joining);
	log_error("store", "a write failed and was taken back writes=%u error=\"%s\"", len,
		  error->message);
	store->refusal = (struct error){ .status = error->status };
	memcpy(store->refusal.message, error->message, sizeof error->message);
	store->refuse_until_ns = clock_mono_ns(store->clock) + REFUSE_NS;
	store->failures++;
	store->reserve_asked = store->reserved;
	store->pending = NULL;
	store->pending_first = store->pending_len = store->pending_cap = 0;

	/* Told one by one, each when it has just been taken back: whoever counts along finds in the
	 * store what it has heard of, neither more nor less. */
	for (u32 i = len; i-- > 0;) {
		struct store_event event = undo(store, &undone[first + i]);

		store_tell(store, &event);
	}
	lazy_failed(store);
	end_waits(store, store->revision, error->status, &store->refusal);
	for (u32 i = 0; i < len; i++)
		pending_release(&undone[first + i]);
	free(undone);
	durable_advance(store);
}

void durable_begin(struct store *store)
{
	store->durable = store->reserved = store->reserve_asked = store->revision;
	for (u32 i = 0; i < store->kinds_len; i++)
		if (store->kinds[i])
			store->kinds[i]->history.floor = store->revision;
	lazy_begin(store);
	if (!store->log)
		return;
	store->log->events = (struct log_events){ committed, failed, store };
	ask_reserve(store);
}

void store_poll(struct store *store)
{
	if (store->log)
		log_poll(store->log);
}

enum status store_flush(struct store *store, struct error *error)
{
	u64 failures = store->failures;

	if (!store->log)
		return ST_OK;
	lazy_write(store);
	/* Counting goes on from here when this is a clean stop, not behind what was reserved. */
	store->reserve_asked = store->revision;
	log_append(store->log,
		   &(struct log_entry){ .change = LOG_RESERVE, .revision = store->revision });
	log_wait(store->log);
	if (store->failures != failures)
		return fail(error, store->refusal.status, "%s", store->refusal.message);
	return ST_OK;
}
