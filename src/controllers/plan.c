/*
 * A plan is a bounded list of intents. Every version an intent names is pinned in the plan's arena,
 * because carrying out one intent may replace what the next one still points at.
 */
#include "controllers/plan.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"

struct plan plan_new(struct arena *arena)
{
	return (struct plan){ .arena = arena, .wake_ns = NEVER_NS };
}

static void hold(struct plan *plan, const struct version *version)
{
	if (version)
		version_hold(plan->arena, (struct version *)version);
}

static const struct saying *saying_copy(struct plan *plan, const struct saying *saying)
{
	if (!saying)
		return NULL;
	hold(plan, saying->about);
	return arena_copy(plan->arena, saying, sizeof *saying);
}

/* Past PLAN_MAX an intent is dropped: the pass runs again after its own writes and plans the rest.
 * Controllers that may come near ask plan_room() first. */
static struct intent *add(struct plan *plan, const struct intent *intent)
{
	if (plan->intents.len >= PLAN_MAX) {
		plan->wake_ns = INT64_MIN;
		return NULL;
	}
	VEC_PUSH(plan->arena, &plan->intents, *intent);
	return &plan->intents.at[plan->intents.len - 1];
}

static struct intent about(struct plan *plan, enum intent_type type, const struct version *from)
{
	hold(plan, from);
	return (struct intent){
		.type = (u8)type,
		.kind = from->kind,
		.revision = from->revision,
		.namespace = from->namespace,
		.name = from->name,
		.uid = from->uid,
		.about = from,
	};
}

u32 plan_room(const struct plan *plan)
{
	return PLAN_MAX - MIN(plan->intents.len, (u32)PLAN_MAX);
}

struct arena *plan_arena(const struct plan *plan)
{
	return plan->arena;
}

void plan_create(struct plan *plan, kind_id kind, struct str namespace, const struct doc *made,
		 const struct saying *saying)
{
	struct intent intent = {
		.type = INTENT_CREATE,
		.kind = kind,
		.namespace = namespace,
		.name = doc_at_str(made, "metadata.name"),
		.doc = made,
		.saying = saying_copy(plan, saying),
	};
	add(plan, &intent);
}

static void change(struct plan *plan, const struct version *from, const struct doc *changed,
		   struct str subresource, const struct saying *saying)
{
	if (doc_eq(from->doc, changed))
		return;
	struct intent intent = about(plan, INTENT_UPDATE, from);
	intent.doc = changed;
	intent.subresource = subresource;
	intent.saying = saying_copy(plan, saying);
	add(plan, &intent);
}

void plan_update(struct plan *plan, const struct version *from, const struct doc *changed,
		 const struct saying *saying)
{
	change(plan, from, changed, STR_NONE, saying);
}

void plan_status(struct plan *plan, const struct version *from, const struct doc *changed)
{
	change(plan, from, changed, STR("status"), NULL);
}

void plan_scale(struct plan *plan, const struct version *object, i64 replicas,
		const struct saying *saying)
{
	struct intent intent = about(plan, INTENT_PATCH, object);
	intent.doc = doc_set_int(plan->arena, NULL, "spec.replicas", replicas);
	intent.any_revision = true;
	intent.needed = true;
	intent.subresource = STR("scale");
	intent.saying = saying_copy(plan, saying);
	add(plan, &intent);
}

void plan_keep(struct plan *plan, struct str bytes)
{
	plan->kept = bytes;
}

void plan_part(struct plan *plan, const struct version *from, const char *subresource,
	       const struct doc *changed)
{
	change(plan, from, changed, str_of(subresource), NULL);
}

void plan_finalize(struct plan *plan, const struct version *from, const struct doc *changed)
{
	change(plan, from, changed, STR("finalize"), NULL);
}

static void patch(struct plan *plan, const struct version *from, const struct doc *doc,
		  struct str subresource, const struct saying *saying)
{
	struct intent intent = about(plan, INTENT_PATCH, from);
	intent.doc = doc;
	intent.any_revision = true;
	intent.subresource = subresource;
	intent.saying = saying_copy(plan, saying);
	add(plan, &intent);
}

void plan_patch(struct plan *plan, const struct version *from, const struct doc *doc,
		const struct saying *saying)
{
	patch(plan, from, doc, STR_NONE, saying);
}

void plan_patch_status(struct plan *plan, const struct version *from, const struct doc *doc)
{
	patch(plan, from, doc, STR("status"), NULL);
}

void plan_bind(struct plan *plan, const struct version *pod, const struct doc *binding,
	       const struct saying *saying)
{
	struct intent intent = about(plan, INTENT_CREATE, pod);
	intent.subresource = STR("binding");
	intent.doc = binding;
	intent.saying = saying_copy(plan, saying);
	add(plan, &intent);
}

void plan_delete(struct plan *plan, const struct version *object, const struct plan_delete *options)
{
	static const struct plan_delete plain = { .grace_s = GRACE_DEFAULT };
	if (!options)
		options = &plain;
	struct intent intent = about(plan, INTENT_DELETE, object);
	intent.grace_s = options->grace_s;
	intent.propagation = options->propagation;
	intent.any_revision = !options->unchanged;
	intent.saying = saying_copy(plan, options->saying);
	add(plan, &intent);
}

void plan_event(struct plan *plan, const struct version *object, enum event_level level,
		const char *reason, const char *format, ...)
{
	char text[ERROR_MESSAGE_MAX];
	va_list list;
	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	struct intent intent = about(plan, INTENT_EVENT, object);
	intent.level = (u8)level;
	intent.reason = str_of(reason);
	intent.text = str_copy(plan->arena, str_of(text));
	add(plan, &intent);
}

void plan_barrier(struct plan *plan)
{
	struct intent intent = { .type = INTENT_BARRIER };
	add(plan, &intent);
}

void plan_wake(struct plan *plan, i64 at_ns)
{
	plan->wake_ns = MIN(plan->wake_ns, at_ns);
}
