/*
 * A watch is a cursor over the recent events of a kind. It costs nothing while nothing happens,
 * and sees each durable change once and in order, or learns that it came too late.
 */
#ifndef STORE_WATCH_H
#define STORE_WATCH_H

#include "store/store.h"

struct watch;

/*
 * Watches a kind (in one namespace, or all when `namespace` is empty) for changes after the
 * revision `from`; start with a list at store_revision(), then watch from there. ST_EXPIRED,
 * worded as Kubernetes words it, when events after `from` are no longer kept. The caller closes
 * it, before the store goes.
 */
MUST_USE enum status watch_open(struct store *store, kind_id kind, struct str namespace, u64 from,
				struct watch **ret_watch, struct error *error);
void watch_close(struct watch *watch); /* NULL is fine */

/* ready(self) is called whenever watch_next() may have more: from store_poll() (or from a write,
 * with a log that commits at once). It must not write to the store. */
void watch_on_ready(struct watch *watch, void (*ready)(void *self), void *self);

/* The next durable change; false when there is none yet, or never again: see watch_expired(). The
 * event's versions are good until the next write or poll; hold them to keep them. */
bool watch_next(struct watch *watch, struct store_event *ret_event);

/* The watcher was so slow that the next event is gone: close, and answer 410. */
bool watch_expired(const struct watch *watch);

/* The revision up to which this watch has delivered everything: what a bookmark may say. */
u64 watch_revision(const struct watch *watch);

#endif
