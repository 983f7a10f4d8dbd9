/* Looks through the Events every few minutes; a walk over memory, so that nothing needs a timer of
 * its own. */
#include "server/event_expiry.h"

#include "base/log.h"
#include "base/timestamp.h"
#include "server/state.h"

enum {
	LOOK_EVERY_S = 300,
	REMOVALS_MAX = 2000, /* at once; the rest goes with the next look, soon */
	SOON_S = 1,
};

/* When it was last seen: by the newest of the times the two sorts of Events have. */
static i64 last_seen_ns(const struct doc *event)
{
	static const char *const places[] = {
		"series.lastObservedTime",
		"lastTimestamp",
		"eventTime",
		"metadata.creationTimestamp",
	};
	i64 newest = 0;

	for (u32 i = 0; i < ARRAY_LEN(places); i++)
		newest = MAX(newest, timestamp_or(doc_at_str(event, places[i]), 0));
	return newest;
}

i64 event_expiry_tick(struct server *server, i64 mono_ns)
{
	i64 oldest_ns = clock_wall_ns(server->clock) - EVENT_LIFE_S * NS_PER_S;
	struct store_iter iter;
	struct version *event;
	struct error error = ERROR_INIT;
	u32 removed = 0;

	if (mono_ns < server->next_expiry_mono_ns)
		return server->next_expiry_mono_ns;
	store_iter_start(&iter, server->store, KIND_Event, STR(""), STR(""), STR(""));
	while (removed < REMOVALS_MAX && (event = store_iter_next(&iter))) {
		if (last_seen_ns(event->doc) >= oldest_ns)
			continue;
		/* The names are the version's own, which goes. */
		version_hold(server->scratch, event);
		if (store_remove(server->store, KIND_Event, event->namespace, event->name, NULL,
				 NULL, &error) != ST_OK) {
			log_warn("server", "old events stay: %s", error.message);
			break;
		}
		removed++;
	}
	arena_reset(server->scratch);
	server->next_expiry_mono_ns =
		mono_ns + (removed == REMOVALS_MAX ? SOON_S : LOOK_EVERY_S) * NS_PER_S;
	return server->next_expiry_mono_ns;
}
