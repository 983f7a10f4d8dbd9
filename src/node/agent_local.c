/*
 * Directories of the built-in provisioner go with their volumes. The server decides that a volume
 * goes; its node, named by a label, empties the directory and then lets go of the volume, which our
 * finalizer holds until then. What fails is tried again when the volume is told again, and every
 * half minute.
 */
#include <string.h>

#include "base/log.h"
#include "node/agent_inside.h"
#include "sys/file.h"

enum { RETRY_MS = 30000 };

static const char finalizer[] = "minke/local-path";

struct emptying {
	struct agent *agent;
	struct arena *arena;
	struct str name, uid;
	const char *path;
	enum status status;
	struct error error;
};

/* Nothing else holds it any more, so no claim and no pod can use it. */
static bool is_our_turn(const struct doc *volume)
{
	const struct doc *holds = doc_at(volume, "metadata.finalizers");

	return doc_at(volume, "metadata.deletionTimestamp") && doc_len(holds) == 1 &&
	       str_is(doc_str(doc_item(holds, 0)), finalizer);
}

static void empty(void *self)
{
	struct emptying *e = self;

	if (e->path)
		e->status = file_remove_tree(e->path, &e->error);
}

static void let_go_done(void *self, const struct doc *object, const struct error *error)
{
	struct emptying *e = self;
	struct agent *agent = e->agent;

	(void)object;
	if (error && error->status != ST_NOT_FOUND)
		log_warn("node", "volume " STR_FMT ": %s", STR_ARG(e->name), error->message);
	if (error && error->status != ST_NOT_FOUND && agent->volume_timer)
		timer_start(agent->volume_timer, RETRY_MS, 0);
	arena_free(e->arena);
}

static void emptied(void *self)
{
	struct emptying *e = self;
	struct agent *agent = e->agent;

	agent->emptying--;
	if (e->status != ST_OK || agent->stopping) {
		if (e->status != ST_OK)
			log_warn("node", "data of volume " STR_FMT " stays for now: %s",
				 STR_ARG(e->name), e->error.message);
		if (agent->volume_timer)
			timer_start(agent->volume_timer, RETRY_MS, 0);
		arena_free(e->arena);
		return;
	}
	const struct doc *patch = doc_set_str(e->arena, NULL, "metadata.uid", e->uid);

	client_patch(agent->client, KIND_PersistentVolume, STR_NONE, e->name, STR_NONE,
		     CLIENT_PATCH_MERGE, doc_set(e->arena, patch, "metadata.finalizers", &doc_null),
		     let_go_done, e);
}

/* The directory to remove: one name right below ours, or NULL. */
static const char *own_path(struct arena *arena, const struct agent *agent,
			    const struct doc *volume)
{
	struct str base = str_format(arena, STR_FMT "/volumes/", STR_ARG(agent->config.data));
	struct str path = doc_at_str(volume, "spec.hostPath.path");
	struct str name = str_from(path, base.len);

	if (!str_starts(path, base) || !name.len || str_find_char(name, '/') >= 0 ||
	    name.at[0] == '.')
		return NULL;
	return str_c(arena, path);
}

static void volume_seen(void *self, const struct doc *volume)
{
	struct agent *agent = self;
	bool keep = !str_is(doc_at_str(volume, "spec.persistentVolumeReclaimPolicy"), "Delete");

	if (!is_our_turn(volume) || agent->stopping)
		return;
	struct arena *arena = arena_new(0);
	struct emptying *e = ARENA_NEW(arena, struct emptying);

	e->agent = agent;
	e->arena = arena;
	e->name = str_copy(arena, doc_at_str(volume, "metadata.name"));
	e->uid = str_copy(arena, doc_at_str(volume, "metadata.uid"));
	e->path = keep ? NULL : own_path(arena, agent, volume);
	agent->emptying++;
	loop_work(agent->loop, empty, emptied, e);
}

static void volume_gone(void *self, const struct doc *volume)
{
	(void)self;
	(void)volume;
}

static void volumes_synced(void *self)
{
	(void)self;
}

static void watch(struct agent *agent)
{
	static const struct client_watch_events events = { volume_seen, volume_seen, volume_gone,
							   volumes_synced };
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct client_watch_options options = {
		.label_selector =
			str_format(arena, "minke/node=" STR_FMT, STR_ARG(agent->config.node_name)),
	};

	agent->volume_watch =
		client_watch(agent->client, KIND_PersistentVolume, &options, &events, agent);
}

/* Listing them again tells what is still to be done. */
static void try_again(void *self)
{
	struct agent *agent = self;

	client_watch_stop(agent->volume_watch);
	watch(agent);
}

void local_volumes_start(struct agent *agent)
{
	agent->volume_timer = timer_new(agent->loop, try_again, agent);
	watch(agent);
}

void local_volumes_stop(struct agent *agent)
{
	if (agent->volume_watch)
		client_watch_stop(agent->volume_watch);
	timer_free(agent->volume_timer);
	agent->volume_watch = NULL;
	agent->volume_timer = NULL;
}
