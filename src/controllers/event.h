/*
 * Events as users see them in `kubectl describe`: what is said again is counted in the Event that
 * is there, many alike become one "(combined from similar events)", and an object that never stops
 * talking is cut short. Follows client-go's tools/record.
 */
#ifndef CONTROLLERS_EVENT_H
#define CONTROLLERS_EVENT_H

#include "base/clock.h"
#include "controllers/controller.h"
#include "controllers/runner.h"

struct recorder;

/* All must outlive the recorder. */
struct recorder *recorder_new(struct schema *schema, struct store *store,
			      const struct clock *clock);
void recorder_free(struct recorder *recorder);

/* Writes or counts one event of `component` ("deployment-controller") about an object. An event
 * that cannot be written is dropped: it is news, not state. */
void recorder_event(struct recorder *recorder, const struct writer *writer, struct arena *arena,
		    const char *component, const struct version *about, enum event_level level,
		    struct str reason, struct str text);

u64 recorder_written(const struct recorder *recorder);

#endif
