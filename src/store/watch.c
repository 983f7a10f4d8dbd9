/*
 * Watches. A cursor is the number of the next event in its kind's history; whoever lags behind
 * holds old events back until the hard limits, then finds its place gone.
 */
#include "store/watch.h"

#include <stdlib.h>

#include "base/check.h"
#include "store/private.h"

struct watch {
	struct store *store;
	struct kind_state *state;
	struct watch *next, *previous;
	void (*ready)(void *self);
	void *self;
	u64 at;   /* the number of the next event */
	u64 seen; /* the revision of the last one looked at */
	u16 namespace_len;
	char namespace[];
};

enum status watch_open(struct store *store, kind_id kind, struct str namespace, u64 from,
		       struct watch **ret_watch, struct error *error)
{
	struct kind_state *state = store_kind_state(store, kind);
	struct history *history = &state->history;

	if (from < history->floor)
		return fail(error, ST_EXPIRED, "too old resource version: %llu (%llu)",
			    (unsigned long long)from, (unsigned long long)history->floor);
	struct watch *watch = calloc(1, sizeof *watch + namespace.len);

	CHECK(watch && namespace.len <= STORE_KEY_MAX);
	watch->store = store;
	watch->state = state;
	watch->at = history_find(history, from);
	watch->seen = from;
	watch->namespace_len = (u16)namespace.len;
	str_put(watch->namespace, namespace);
	watch->next = state->watches;
	if (watch->next)
		watch->next->previous = watch;
	state->watches = watch;
	*ret_watch = watch;
	return ST_OK;
}

void watch_close(struct watch *watch)
{
	if (!watch)
		return;
	if (watch->state->waking == watch)
		watch->state->waking = watch->next;
	if (watch->next)
		watch->next->previous = watch->previous;
	if (watch->previous)
		watch->previous->next = watch->next;
	else
		watch->state->watches = watch->next;
	free(watch);
}

void watch_on_ready(struct watch *watch, void (*ready)(void *self), void *self)
{
	watch->ready = ready;
	watch->self = self;
}

bool watch_expired(const struct watch *watch)
{
	return watch->at < watch->state->history.first;
}

bool watch_next(struct watch *watch, struct store_event *ret_event)
{
	const struct history *history = &watch->state->history;

	while (watch->at < history->end && !watch_expired(watch)) {
		const struct store_event *event = history_at(history, watch->at);

		if (event->version->revision > watch->store->durable)
			return false;
		watch->at++;
		watch->seen = MAX(watch->seen, event->version->revision);
		if (watch->namespace_len &&
		    !str_eq(event->version->namespace,
			    (struct str){ watch->namespace, watch->namespace_len }))
			continue;
		*ret_event = *event;
		return true;
	}
	return false;
}

u64 watch_revision(const struct watch *watch)
{
	const struct history *history = &watch->state->history;

	/* Nothing of this kind is left to say before the durable revision. */
	if (!watch_expired(watch) &&
	    (watch->at >= history->end ||
	     history_at(history, watch->at)->version->revision > watch->store->durable))
		return MAX(watch->seen, watch->store->durable);
	return watch->seen;
}

/* ---- for the store */

static void wake(struct store *store, struct kind_state *state)
{
	const struct history *history = &state->history;
	struct watch *watch;

	/* What is not durable yet will stir the kind again when it is. */
	state->stirred = history->first < history->end &&
			 history_at(history, history->end - 1)->version->revision > store->durable;
	state->waking = state->watches;
	while ((watch = state->waking)) {
		state->waking = watch->next;
		if (watch->ready)
			watch->ready(watch->self);
	}
}

void watch_wake_all(struct store *store)
{
	/* A write from within is told of by the round under way. */
	if (store->waking) {
		store->wake_again = true;
		return;
	}
	store->waking = true;
	do {
		store->wake_again = false;
		for (u32 i = 0; i < store->kinds_len; i++)
			if (store->kinds[i] && store->kinds[i]->stirred)
				wake(store, store->kinds[i]);
	} while (store->wake_again);
	store->waking = false;
}

static struct history_limits limits_of(const struct kind_state *state)
{
	if (state->kind.lazy)
		return (struct history_limits){ HISTORY_LAZY_EVENTS_MAX, HISTORY_LAZY_BYTES_MAX };
	return (struct history_limits){ HISTORY_EVENTS_MAX,
					MAX((size_t)HISTORY_BYTES_MAX, state->bytes / 4) };
}

void watch_trim(struct store *store, struct kind_state *state)
{
	struct history *history = &state->history;
	struct history_limits limits = limits_of(state);
	u64 wanted = history->end;

	if (!history_full(history, limits))
		return;
	for (const struct watch *watch = state->watches; watch; watch = watch->next)
		wanted = MIN(wanted, MAX(watch->at, history->first));
	history_trim(history, limits, store->durable, wanted);
}
