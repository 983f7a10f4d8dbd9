/*
 * What the API can do, as plain functions over memory: no sockets, no waiting. Every change in the
 * cluster goes through here, whoever wants it: HTTP, controllers, the scheduler, a node agent in
 * the same process. So defaulting, validation, admission and preconditions happen once and for all.
 *
 * A verb is done when it returns; whether it is durable yet is the caller's question
 * (store_durable() >= outcome.revision). HTTP waits, controllers run ahead.
 *
 * Who may call what is decided before, in server/authorize.h.
 */
#ifndef SERVER_VERBS_H
#define SERVER_VERBS_H

#include "doc/doc.h"

struct api_kind;
struct selector;
struct server;
struct webhook_memo;
struct version;

struct user {
	struct str name, uid;
	const struct str *groups;
	u32 groups_len;
	const struct doc *extra; /* further facts: lists of strings by name; NULL: none */
};

/* In group system:masters: what the server and its own controllers act as when nobody asked. */
extern const struct user user_server;

/* What to do with unknown and duplicate fields of a body. */
enum field_validation { VALIDATION_WARN, VALIDATION_STRICT, VALIDATION_IGNORE };

/* Sentences for the client that are no errors. Lives in the arena of the call. */
struct warnings {
	VEC(struct str) list;
};

/* What admission wants noted of a request in the audit log. Lives in the arena of the call. */
struct audit_notes {
	VEC(struct audit_note {
		const char *key;
		struct str value;
	})
	list;
};

struct call {
	struct server *server;
	struct arena *arena;	 /* everything handed back lives here or is pinned by it */
	const struct user *user; /* NULL: user_server */
	bool dry_run;		 /* decide everything, write nothing */
	bool tracked;		 /* what it writes is entered in managedFields */
	struct str field_manager, user_agent; /* who, for managedFields */
	enum field_validation validation;
	struct warnings *warnings;     /* NULL: nobody listens */
	struct audit_notes *audit;     /* NULL: nothing is noted */
	struct webhook_memo *webhooks; /* what webhooks said already; NULL: none is to be asked */
	/* Paths of keys that stood twice in the body, as whoever parsed it found them. */
	const struct str *duplicates;
	u32 duplicates_len;
};

/* What came of it. */
struct outcome {
	struct version *version; /* as stored now, or the tombstone; NULL after a dry run and for
				  * objects that are only a view (Scale, TokenRequest …) */
	const struct doc *doc;	 /* the object to show, in the version of the API asked for */
	u64 revision; /* to be durable before anybody hears of it; 0: nothing to wait for */
	bool created; /* 201 instead of 200 */
	bool gone;    /* verb_delete: the object is no more (else it waits for something) */
};

enum patch_type { PATCH_JSON, PATCH_MERGE, PATCH_STRATEGIC, PATCH_APPLY };

enum propagation {
	PROPAGATION_DEFAULT, /* as the object's finalizers say, else in the background */
	PROPAGATION_BACKGROUND,
	PROPAGATION_FOREGROUND,
	PROPAGATION_ORPHAN,
};

struct delete_options {
	i64 grace_s;			  /* -1: what the object says */
	struct str uid, resource_version; /* preconditions; empty: none */
	enum propagation propagation;
};

#define DELETE_OPTIONS_NONE ((struct delete_options){ .grace_s = -1 })

/*
 * `subresource` is "status", "scale", "binding", "eviction", "token", "finalize" … or empty.
 * `ns` is empty for kinds outside namespaces. Failures carry Kubernetes' sentence, reason, kind and
 * name, ready to be sent.
 */
MUST_USE enum status verb_get(struct call *call, const struct api_kind *kind, struct str ns,
			      struct str name, struct str subresource, struct outcome *ret_outcome,
			      struct error *error);

/* `name` is only needed for subresources; the object's own name or generateName counts otherwise.
 */
MUST_USE enum status verb_create(struct call *call, const struct api_kind *kind, struct str ns,
				 struct str name, struct str subresource, const struct doc *body,
				 struct outcome *ret_outcome, struct error *error);

/* Replaces. A resourceVersion or uid in the body is a precondition (ST_CONFLICT). */
MUST_USE enum status verb_update(struct call *call, const struct api_kind *kind, struct str ns,
				 struct str name, struct str subresource, const struct doc *body,
				 struct outcome *ret_outcome, struct error *error);

/* A resourceVersion or uid inside a merge or strategic patch is a precondition. `force` is for
 * PATCH_APPLY only. */
MUST_USE enum status verb_patch(struct call *call, const struct api_kind *kind, struct str ns,
				struct str name, struct str subresource, enum patch_type type,
				bool force, const struct doc *patch, struct outcome *ret_outcome,
				struct error *error);

/* `options` NULL: none. A pod on a node, an object with finalizers, a namespace with things in it
 * stay for a while with a deletionTimestamp. */
MUST_USE enum status verb_delete(struct call *call, const struct api_kind *kind, struct str ns,
				 struct str name, const struct delete_options *options,
				 struct outcome *ret_outcome, struct error *error);

/* Deletes all that match (`field_selector` as in a query, may be empty). The names of what was
 * deleted are in ret_deleted, an array of documents in call->arena; ret_revision as above. */
MUST_USE enum status verb_delete_collection(struct call *call, const struct api_kind *kind,
					    struct str ns, struct str label_selector,
					    struct str field_selector,
					    const struct delete_options *options,
					    const struct doc **ret_deleted, u64 *ret_revision,
					    struct error *error);

/* Adds a sentence for the client; nothing when nobody listens. */
PRINTF(2, 3) void call_warn(struct call *call, const char *format, ...);
/* An annotation for the audit log; `key` is a literal, `value` lives in call->arena. */
void call_annotate(struct call *call, const char *key, struct str value);

#endif
