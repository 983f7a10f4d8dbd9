/* All checks, and telling them what happens. */
#include "sim/check.h"

#include "base/check.h"
#include "controllers/pod.h"

#define CHECKS(X)                                                                                  \
	X(room)                                                                                    \
	X(schedule)                                                                                \
	X(replicas)                                                                                \
	X(deployment)                                                                              \
	X(daemon_set)                                                                              \
	X(stateful_set)                                                                            \
	X(job)                                                                                     \
	X(cron_job)                                                                                \
	X(disruption)                                                                              \
	X(quota)                                                                                   \
	X(owners)                                                                                  \
	X(namespace)                                                                               \
	X(node)                                                                                    \
	X(service)                                                                                 \
	X(server)                                                                                  \
	X(claims)

#define X(name) extern const struct check check_##name;
CHECKS(X)
#undef X

const struct check *const checks_all[] = {
#define X(name) &check_##name,
	CHECKS(X)
#undef X
		NULL,
};

#define EACH_CHECK(world, fn, ...)                                                                 \
	for (u32 i_ = 0; checks_all[i_]; i_++)                                                     \
		if (checks_all[i_]->fn)                                                            \
	checks_all[i_]->fn(world, (world)->checks[i_], ##__VA_ARGS__)

void checks_open(struct world *world)
{
	for (u32 i = 0; checks_all[i]; i++) {
		CHECK(i < CHECKS_MAX);
		if (checks_all[i]->open)
			world->checks[i] = checks_all[i]->open(world);
	}
}

void checks_close(struct world *world)
{
	for (u32 i = 0; checks_all[i]; i++)
		if (checks_all[i]->close)
			checks_all[i]->close(world->checks[i]);
}

void checks_return(struct world *world)
{
	world->past = false;
	EACH_CHECK(world, returned);
}

/* The past comes back piece by piece; it is whole again when something new happens. */
void checks_hear(struct world *world, const struct store_event *event)
{
	if (event->undone) {
		world->past = true;
		return;
	}
	if (world->past)
		checks_return(world);
	EACH_CHECK(world, hear, event);
}

void checks_before(struct world *world, const char *user, const struct intent *intent)
{
	if (world->past)
		checks_return(world);
	EACH_CHECK(world, before, user, intent);
}

void checks_after(struct world *world, const char *user, const struct intent *intent)
{
	EACH_CHECK(world, after, user, intent);
}

void checks_rest(struct world *world)
{
	EACH_CHECK(world, rest);
}

/* ---- what several need */

i64 check_number(const struct version *v, const char *path)
{
	return doc_at_int(v->doc, path, 0);
}

bool check_creates_pod(const char *user, const char *controller, const struct intent *intent)
{
	return intent->type == INTENT_CREATE && intent->kind == KIND_Pod &&
	       !intent->subresource.len && str_is(str_of(user), controller);
}

bool check_deletes_pod(const char *user, const char *controller, const struct intent *intent)
{
	return intent->type == INTENT_DELETE && intent->kind == KIND_Pod &&
	       str_is(str_of(user), controller);
}

struct version *check_owner(struct world *world, const struct doc *object, struct str namespace,
			    kind_id kind)
{
	const struct doc *ref = object_controller(object);
	if (!ref || !str_eq(doc_str(doc_key(ref, "kind")), schema_kind(world->schema, kind)->kind))
		return NULL;
	struct version *owner =
		store_get(world->store, kind, namespace, doc_str(doc_key(ref, "name")));
	return owner && str_eq(owner->uid, doc_str(doc_key(ref, "uid"))) ? owner : NULL;
}

struct version_list check_pods(struct world *world, const struct version *owner)
{
	struct version_list pods = store_owned(world->store, world->arena, owner->uid, KIND_Pod);
	u32 kept = 0;
	for (u32 i = 0; i < pods.len; i++)
		if (object_controlled_by(pods.at[i]->doc, owner->uid))
			pods.at[kept++] = pods.at[i];
	pods.len = kept;
	return pods;
}
