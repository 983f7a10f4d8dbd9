/* The store's inside, shared by the files of this folder that are its parts. Private to the
 * store. */
#ifndef STORE_PRIVATE_H
#define STORE_PRIVATE_H

#include "store/btree.h"
#include "store/history.h"
#include "store/index.h"
#include "store/store.h"
#include "store/watch.h"

/* One kind's objects, and who watches them. */
struct kind_state {
	kind_id id;
	struct store_kind kind;
	struct btree objects;
	size_t bytes; /* of the objects' newest versions */
	struct history history;
	struct watch *watches;
	struct watch *waking; /* the next to be woken, while a round goes on: it may be closed */
	bool stirred;         /* has events that watches have not been told of */
};

/* A write that is not durable yet, and how to take it back. */
struct pending {
	struct store_event event; /* holds references */
	u64 row;
	bool logged; /* the log will decide it; otherwise it waits only for those before it */
};

/* A lazily written state that the log has not got yet. */
struct lazy {
	struct version *version; /* one reference; a tombstone: remove the row */
	struct object *object;   /* NULL with a tombstone */
	u64 row;
};

struct observer {
	void (*changed)(void *self, const struct store_event *event);
	void (*durable)(void *self, u64 revision);
	void *self;
};

enum {
	OBSERVERS_MAX = 16,
	KINDS_MAX = 4096,
	STORE_KEY_MAX = 500, /* bytes of namespace and name together: fits an iterator */
};

/* A stored object of a kind nobody has named yet. */
struct stranger {
	struct str kind; /* empty: somebody came for it; else one block, with what follows in it */
	struct str namespace, name, json;
	u64 row, revision;
};

struct store {
	struct kind_state **kinds;
	u32 kinds_len;
	struct index index;
	struct log *log; /* may be NULL */
	const struct clock *clock;

	u64 revision, durable, next_row;
	u64 reserved, reserve_asked; /* revisions that need no writing: promised, and asked for */

	struct pending *pending; /* oldest first: [pending_first, pending_first + pending_len) */
	u32 pending_first, pending_len, pending_cap;

	struct lazy *lazy, *flying; /* not handed to the log yet; handed over, not decided */
	u32 lazy_len, lazy_cap, flying_first, flying_len, flying_cap;
	i64 lazy_due_ns; /* when the next write may take the lazy ones along */

	struct error refusal; /* why the log failed last */
	i64 refuse_until_ns;  /* mono */
	u64 failures;

	struct store_wait *waits_first, *waits_last; /* by revision */
	struct observer observers[OBSERVERS_MAX];
	u32 observers_len;
	bool telling; /* observers are being called: no writes now */
	bool joining; /* a write is being handed to the log, which may commit at once */
	bool waking, wake_again;
	struct stranger *strangers;
	u32 strangers_len, strangers_cap;
	struct arena *scratch; /* for the length of one call */
};

struct kind_state *store_kind_state(const struct store *store, kind_id kind);

/* Puts a version in place of the object's current one (or makes the object, with the row it had
 * before or, when 0, the next free one), or takes the object away. Keeps the indexes right, tells
 * nobody. */
struct object *store_set(struct store *store, struct version *version, struct str namespace,
			 struct str name, u64 row);
void store_unset(struct store *store, struct object *object);

/* texts.c: what an object is found by besides its name. */
void texts_set(struct store *store, struct object *object, bool pod);

static inline void str_put(char *to, struct str s)
{
	if (s.len)
		memcpy(to, s.at, s.len);
}

/* strangers.c: rows of kinds that may be added later. */
void strangers_keep(struct store *store, const struct log_row *row);
void strangers_adopt(struct store *store, struct kind_state *state);
void strangers_release(struct store *store);
enum status store_load_row(struct store *store, struct kind_state *state,
			   const struct log_row *row, struct arena *arena, struct error *error);

/* lazy.c: what is written when something else is. */
void lazy_begin(struct store *store);
void lazy_note(struct store *store, struct version *version, struct object *object, u64 row);
void lazy_forget(struct store *store, struct object *object);
void lazy_forget_row(struct store *store, u64 row);
bool lazy_due(const struct store *store);
void lazy_write(struct store *store); /* hands all of it to the log */
bool lazy_written(struct store *store, const struct log_entry *entry); /* was it one of these? */
void lazy_failed(struct store *store); /* what was handed over is to be written again */
void lazy_release(struct store *store);

/* durable.c: what follows from the log's decisions. `object` is NULL for a removal; `row` is 0 for
 * one that was never handed to the log. */
void durable_begin(struct store *store); /* after loading */
void durable_join(struct store *store, const struct store_event *event, struct object *object,
		  u64 row);
void durable_advance(struct store *store);
void store_tell(struct store *store, const struct store_event *event);

/* watch.c */
void watch_wake_all(struct store *store);
void watch_trim(struct store *store, struct kind_state *kind);

#endif
