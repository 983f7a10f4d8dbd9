/*
 * All objects, in memory, each as its newest version; revisions; indexes; and what changed
 * lately. Memory is the truth and the log makes it durable. There are two revisions: applied
 * (what memory shows, where controllers run ahead) and durable (what the log has promised to
 * keep). Nothing that depends on a write may leave the process before that write is durable: see
 * store_wait().
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/clock.h"
#include "store/log.h"
#include "store/version.h"

struct schema;
struct store;

/* What the store must know of a kind. Its place in a table is its kind_id. */
struct store_kind {
	struct str name; /* for ever, in the log: "pods", "deployments.apps"; empty: no such kind */
	bool lazy;       /* written when something else is, seldom: Lease, Event */
	bool pods;       /* indexed by spec.nodeName and by labels */
};

/* A store over the schema's kinds. `log` may be NULL (nothing is kept); it is not owned, is closed
 * after the store, and outlives it, as schema and clock do. */
struct store *store_new(struct schema *schema, struct log *log, const struct clock *clock);
/* The same without a schema. */
struct store *store_new_kinds(const struct store_kind *kinds, u32 len, struct log *log,
			      const struct clock *clock);
/* Adds a kind at run time (a custom resource). */
/* Objects of that name which were loaded before the kind was known become its objects. */
void store_add_kind(struct store *store, kind_id id, const struct store_kind *kind);
bool store_has_kind(const struct store *store, kind_id id);

/* Loads everything from the log. Once, before anything else. */
MUST_USE enum status store_open(struct store *store, struct error *error);

/* Writes what is still only in memory, waits for it. A stop without it is a crash, which costs
 * only what was never promised. */
MUST_USE enum status store_flush(struct store *store, struct error *error);
void store_free(struct store *store); /* NULL is fine; all watches must be closed */

/* Delivers what the log has decided; the loop calls it when the log's notify asks. */
void store_poll(struct store *store);

u64 store_revision(const struct store *store); /* the newest write in memory */
u64 store_durable(const struct store *store);  /* everything up to here is promised */

/* ---- writing: applied at once, durable later */

/* Stores `doc` as the object's next state. Assigns the revision. No optimistic check: that is the
 * verbs' business. *ret_version (NULL: not wanted) is borrowed: version_hold() it to keep it.
 * ST_TOO_LARGE, or ST_NO_SPACE and the like for a moment after the log has failed. */
MUST_USE enum status store_put(struct store *store, kind_id kind, struct str namespace,
			       struct str name, const struct doc *doc,
			       struct version **ret_version, struct error *error);

/* Removes the object. The tombstone holds `last` (NULL: its current state). ST_NOT_FOUND. */
MUST_USE enum status store_remove(struct store *store, kind_id kind, struct str namespace,
				  struct str name, const struct doc *last,
				  struct version **ret_tombstone, struct error *error);

/* ---- reading: all versions are borrowed until the next write of that object; version_hold() */

struct version *store_get(struct store *store, kind_id kind, struct str namespace,
			  struct str name);
u32 store_count(const struct store *store, kind_id kind);

/* A walk in order of namespace, then name, beginning after a key or (empty) with the first. Writes
 * in between are allowed; the walk goes on behind the last key it gave. */
struct store_iter {
	struct store *store;
	kind_id kind;
	struct str namespace;        /* as given; the caller keeps the bytes */
	u64 changes;                 /* of the tree, when `leaf` was found */
	struct btree_node *leaf;
	u32 at;
	struct store_past *past;     /* what to show instead, when walking an older revision */
	u16 last_namespace, last_name; /* lengths of the two pieces of `last` */
	char last[512];
};

void store_iter_start(struct store_iter *iter, struct store *store, kind_id kind,
		      struct str namespace, struct str after_namespace, struct str after_name);
/* The walk as of an older revision, for continue tokens. What it needs lives in `arena`.
 * ST_EXPIRED, in Kubernetes' words, when that is no longer known. */
MUST_USE enum status store_iter_start_at(struct store_iter *iter, struct store *store, kind_id kind,
					 struct str namespace, struct str after_namespace,
					 struct str after_name, u64 revision, struct arena *arena,
					 struct error *error);
struct version *store_iter_next(struct store_iter *iter); /* NULL at the end */

/* What the indexes know; no order is promised but it depends on history alone. The array lives in
 * the arena, the versions are borrowed. */
struct version_list {
	struct version **at;
	u32 len;
};
/* Objects (of one kind, or of all when `kind` is 0) with this uid in metadata.ownerReferences. */
struct version_list store_owned(struct store *store, struct arena *arena, struct str uid,
				kind_id kind);
/* Pods with this spec.nodeName. Empty: the pods that have none yet. */
struct version_list store_on_node(struct store *store, struct arena *arena, struct str node);
/* Pods of a namespace with this label: a selector's first requirement narrows the search. */
struct version_list store_labelled(struct store *store, struct arena *arena, struct str namespace,
				   struct str key, struct str value);

/* ---- hearing of changes */

enum event_type { EVENT_ADDED, EVENT_MODIFIED, EVENT_DELETED };

struct store_event {
	enum event_type type;
	bool undone;              /* the log failed, an earlier state is back; for observers */
	struct version *version;  /* with DELETED: the tombstone, the last state */
	struct version *previous; /* NULL with ADDED */
};

/* Called for every applied write, at once. Observers must not write; they take a note. */
void store_on_change(struct store *store,
		     void (*changed)(void *self, const struct store_event *event), void *self);
/* Called whenever the durable revision has grown. */
void store_on_durable(struct store *store, void (*durable)(void *self, u64 revision), void *self);
/* Drops every observer of this owner; before the owner goes, unless the store went first. */
void store_forget(struct store *store, void *self);

/*
 * Waits for a revision to become durable: what every reply does, for its own write or for what it
 * read. done() is called once: at once if it is durable already, otherwise later with ST_OK, or
 * with the log's failure; then the write never happened, and what a reader saw has been undone.
 */
struct store_wait {
	u64 revision;
	void (*done)(struct store_wait *wait, enum status status, const struct error *error);
	struct store_wait *next, *previous; /* the store's, while waiting */
	struct store *store;
};
void store_wait(struct store *store, struct store_wait *wait);
void store_wait_cancel(struct store_wait *wait); /* done() will not be called; any time */

#endif
