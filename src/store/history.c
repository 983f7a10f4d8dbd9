/* A ring that doubles. Its limits are in bytes as well as in events: one kind's objects are a
 * thousand times larger than another's. */
#include "store/history.h"

#include <stdlib.h>

#include "base/check.h"

enum { CAP_FIRST = 16 };

static void drop(struct history *history, u64 number)
{
	struct store_event *event = history_at(history, number);

	history->bytes -= event->version->size;
	version_unref(event->version);
	version_unref(event->previous);
}

void history_release(struct history *history)
{
	while (history->first < history->end)
		drop(history, history->first++);
	free(history->events);
	*history = (struct history){ 0 };
}

static void grow(struct history *history)
{
	struct history larger = *history;

	larger.cap = history->cap ? history->cap * 2 : CAP_FIRST;
	larger.events = malloc(larger.cap * sizeof *larger.events);
	CHECK(larger.events);
	for (u64 i = history->first; i < history->end; i++)
		*history_at(&larger, i) = *history_at(history, i);
	free(history->events);
	*history = larger;
}

void history_push(struct history *history, const struct store_event *event)
{
	if (history->end - history->first == history->cap)
		grow(history);
	*history_at(history, history->end++) = *event;
	version_ref(event->version);
	version_ref(event->previous);
	history->bytes += event->version->size;
}

void history_pop(struct history *history)
{
	CHECK(history->first < history->end);
	drop(history, --history->end);
}

void history_trim(struct history *history, struct history_limits limits, u64 durable, u64 wanted)
{
	const struct history_limits hard = {
		HISTORY_EVENTS_HARD_MAX, MAX((size_t)HISTORY_BYTES_HARD_MAX, 2 * limits.bytes)
	};

	while (history->end - history->first > HISTORY_EVENTS_MIN) {
		u64 revision = history_at(history, history->first)->version->revision;

		if (!history_full(history, limits) || revision > durable ||
		    (history->first >= wanted && !history_full(history, hard)))
			return;
		drop(history, history->first++);
		history->floor = revision;
	}
}

u64 history_find(const struct history *history, u64 revision)
{
	u64 low = history->first, high = history->end;

	while (low < high) {
		u64 middle = low + (high - low) / 2;

		if (history_at(history, middle)->version->revision <= revision)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
