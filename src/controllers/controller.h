/*
 * What a controller sees and says. It is a pure function: a frozen view of the cluster and a key go
 * in, a bounded list of intended writes comes out. It never writes, never waits and keeps nothing
 * between two calls but what it is handed back in the view, so that it runs in a test, in the
 *simulator and in the server all the same.
 *
 *	static void replicaset_reconcile(const struct view *v, struct key key, struct plan *p) …
 *	const struct controller controller_replicaset = {
 *		.name = "replicaset-controller",
 *		.watch = { { KIND_ReplicaSet, key_self }, { KIND_Pod, key_controller } },
 *		.reconcile = replicaset_reconcile,
 *	};
 */
#ifndef CONTROLLERS_CONTROLLER_H
#define CONTROLLERS_CONTROLLER_H

#include "base/arena.h"
#include "base/str.h"
#include "base/time_zone.h"
#include "doc/doc.h"
#include "schema/schema.h"
#include "store/store.h"

enum {
	WATCHES_MAX = 8,    /* kinds one controller listens to */
	PLAN_MAX = 1200,    /* intents of one pass; what is more waits for the next pass */
	KEYS_MAX = 1 << 20, /* keys one change may wake */
	KIND_ANY = 0xffff,  /* in a watch: every kind there is */
};

/* ---- keys: which object a pass is about. Slices live where the key came from. */

struct key {
	kind_id kind;
	struct str namespace, name; /* cluster-wide objects have no namespace */
};

static inline bool key_eq(struct key a, struct key b)
{
	return a.kind == b.kind && str_eq(a.name, b.name) && str_eq(a.namespace, b.namespace);
}

/* ---- view: one instant of the store, read without copying */

struct failure {
	enum status status;
	struct str message; /* of the first write that failed */
};

struct view {
	struct store *store;
	struct schema *schema;
	struct arena *arena;	       /* of this pass; lists live here */
	i64 now_ns;		       /* wall clock: one instant for the whole pass */
	u32 *seen;		       /* counts objects looked at: heavy keys are run less often */
	const struct failure *failure; /* how this key's last plan failed, or NULL */
	i64 started_ns;		   /* when this runner began to watch: silence before is no sign */
	struct str ca_certificate; /* PEM, for kube-root-ca.crt; empty when there is none */
	const struct time_zones *zones;	   /* NULL: only UTC is known */
	struct certificates *certificates; /* reads and signs (server/certificates.h); or NULL */
	struct usage *usage;		   /* what pods use (server/usage.h); NULL: nobody knows */
	struct str kept;	/* what this key's last pass left by plan_keep(), or empty */
	i64 node_grace_ns;	/* how long a node may be silent */
	i64 autoscale_every_ns; /* how often autoscalers look */
};

struct list {
	struct version **at; /* borrowed: good until the plan is applied */
	u32 len;
};

struct version *view_get(const struct view *view, kind_id kind, struct str namespace,
			 struct str name);
struct version *view_key(const struct view *view, struct key key);

/* All objects of a kind in a namespace (empty: in all), in order of their names. */
struct list view_list(const struct view *view, kind_id kind, struct str namespace);

/* Objects of a kind that name `uid` among their owners; kind KIND_ANY: of all kinds. */
struct list view_owned(const struct view *view, struct str uid, kind_id kind);

/* Pods whose spec.nodeName is `node`. */
struct list view_on_node(const struct view *view, struct str node);

/* Objects of a kind in a namespace whose labels match a LabelSelector; absent matches nothing. */
struct list view_selected(const struct view *view, kind_id kind, struct str namespace,
			  const struct doc *selector);

/* Keeps what `keep` says, in place; sorts stably, smallest first. */
void list_keep(struct list *list, bool (*keep)(const struct version *object));
void list_sort(struct arena *arena, struct list list,
	       int (*order)(const struct version *a, const struct version *b));

/* ---- what every object has */

/* The owner reference with controller: true, or NULL. */
const struct doc *object_controller(const struct doc *object);
bool object_controlled_by(const struct doc *object, struct str uid);
bool object_deleting(const struct doc *object); /* has a deletionTimestamp */

/* A controlling reference to `owner`, which must outlive the arena (or be held by it). */
const struct doc *object_owner_ref(struct arena *arena, const struct view *view,
				   const struct version *owner);

/* ---- changes: from what happened in the store to the keys it concerns */

struct change {
	kind_id kind;
	struct version *now;	/* the new version, or the tombstone when `gone` */
	struct version *before; /* NULL for a new object */
	bool gone;
};

struct keys; /* where a map puts its keys */
void keys_add(struct keys *keys, struct key key);

void key_self(const struct view *view, const struct change *change, struct keys *keys);
/* The object's controlling owner, of whatever kind, now and before the change. A key's kind that
 * the controller does not watch through key_self is dropped by the runner. */
void key_controller(const struct view *view, const struct change *change, struct keys *keys);
struct key key_of_controller(const struct view *view, const struct version *object);

/* ---- plan: the writes a pass intends, applied in this order */

struct plan;

enum event_level { EVENT_NORMAL, EVENT_WARNING };

/* What is said about a write once it has happened or failed; the %s of a text is the name of the
 * object written, and of a failure the reason. Nothing is said where a reason is NULL. */
struct saying {
	const struct version *about;
	const char *reason, *text;		 /* "SuccessfulCreate", "Created pod: %s" */
	const char *failed_reason, *failed_text; /* "FailedCreate", "Error creating: %s" */
};

/* Makes an object; `made` is whole but for what the server fills in. metadata.name may be left out
 * when there is a metadata.generateName. Of creates that share a saying, the first that fails stops
 * those behind it. */
void plan_create(struct plan *plan, kind_id kind, struct str namespace, const struct doc *made,
		 const struct saying *saying);

/* Puts `changed` in place of `from`, unless somebody wrote in between (then the key runs again);
 * nothing happens when they are equal. plan_status writes only the status. */
void plan_update(struct plan *plan, const struct version *from, const struct doc *changed,
		 const struct saying *saying);
void plan_status(struct plan *plan, const struct version *from, const struct doc *changed);
/* The same for any part that has an address of its own: "approval". */
void plan_part(struct plan *plan, const struct version *from, const char *subresource,
	       const struct doc *changed);

/* A JSON merge patch of the object with this uid, whatever its revision. */
void plan_patch(struct plan *plan, const struct version *from, const struct doc *patch,
		const struct saying *saying);
void plan_patch_status(struct plan *plan, const struct version *from, const struct doc *patch);

/* Writes spec.finalizers of a namespace; binds a pod (a Binding's body). */
void plan_finalize(struct plan *plan, const struct version *from, const struct doc *changed);
void plan_bind(struct plan *plan, const struct version *pod, const struct doc *binding,
	       const struct saying *saying);

enum { GRACE_DEFAULT = -1 };
struct plan_delete {
	i64 grace_s; /* GRACE_DEFAULT: the object's own */
	/* "Background", "Foreground" or "Orphan"; NULL: the kind's default. */
	const char *propagation;
	bool unchanged;		     /* only if nobody has written it since the view */
	const struct saying *saying; /* or NULL */
};
/* Deletes the object with this uid; options may be NULL. Gone already is as good as deleted. */
void plan_delete(struct plan *plan, const struct version *object,
		 const struct plan_delete *options);

/* An event about an object. Repeated ones are counted, not written anew. */
PRINTF(5, 6)
void plan_event(struct plan *plan, const struct version *about, enum event_level level,
		const char *reason, const char *format, ...);

/* Sets spec.replicas through the scale subresource. Nothing behind it in the plan is done when it
 * fails: what follows tells of the new size. */
void plan_scale(struct plan *plan, const struct version *object, i64 replicas,
		const struct saying *saying);

/* Bytes the next pass of this key gets back in view.kept, for what is no state of the cluster and
 * may be lost: it lives only as long as the key is queued (plan_wake) and this process. */
void plan_keep(struct plan *plan, struct str bytes);

/* What is planned after this is only done when everything before it has been; else the key runs
 * again first. */
void plan_barrier(struct plan *plan);

/* Run this key again at a wall-clock time; the earliest of several wins. */
void plan_wake(struct plan *plan, i64 at_ns);

/* Intents still free in this plan: a controller that may need many asks first. */
u32 plan_room(const struct plan *plan);

/* The arena of the pass: everything handed to a plan lives here or in a version named with it. */
struct arena *plan_arena(const struct plan *plan);

/* ---- controllers */

struct controller {
	const char *name; /* as in its user: system:serviceaccount:kube-system:<name> */
	struct {
		kind_id kind;
		void (*map)(const struct view *view, const struct change *change,
			    struct keys *keys);
	} watch[WATCHES_MAX];
	void (*reconcile)(const struct view *view, struct key key, struct plan *plan);
	bool many_kinds; /* its keys may be of any kind, not only of those mapped by key_self */
};

/* Every controller there is; NULL at the end. */
extern const struct controller *const controllers_all[];

#endif
