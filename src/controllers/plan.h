/* The inside of a plan: the intents a pass leaves behind, for those who carry them out. */
#ifndef CONTROLLERS_PLAN_H
#define CONTROLLERS_PLAN_H

#include "base/clock.h"
#include "controllers/controller.h"

enum intent_type {
	INTENT_CREATE,
	INTENT_UPDATE,
	INTENT_PATCH,
	INTENT_DELETE,
	INTENT_EVENT,
	INTENT_BARRIER, /* nothing behind it when something before it failed */
};

struct intent {
	u8 type;	   /* enum intent_type */
	u8 level;	   /* enum event_level of an INTENT_EVENT */
	bool any_revision; /* no precondition on the revision */
	bool needed;	   /* what stands behind it is only done when it succeeds */
	kind_id kind;
	i64 grace_s;
	u64 revision; /* of the view's version: the precondition */
	struct str namespace, name, uid;
	struct str subresource;	 /* "status", "binding", "finalize" or empty */
	const char *propagation; /* of a delete */
	const struct doc *doc;	 /* body or patch */
	struct str reason, text; /* of an event */
	const struct version *about;
	const struct saying *saying; /* or NULL */
};

struct plan {
	struct arena *arena;
	VEC(struct intent) intents;
	i64 wake_ns;
	struct str kept;
};

struct plan plan_new(struct arena *arena);

#endif
