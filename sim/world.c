/* Wiring, steps, crashes. */
#include "sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "controllers/plan.h"
#include "schema/api.h"
#include "sim/disk.h"
#include "sim/user.h"

static const i64 epoch_ns = 1767225600 * NS_PER_S; /* 2026-01-01 */

static i64 world_mono(void *self)
{
	return ((struct world *)self)->mono_ns;
}

static i64 world_wall(void *self)
{
	return epoch_ns + ((struct world *)self)->mono_ns;
}

void world_broken(struct world *world, const char *format, ...)
{
	if (world->broken[0])
		return;
	int len = snprintf(world->broken, sizeof world->broken,
			   "step %llu, %lld ms: ", (unsigned long long)world->steps,
			   (long long)(world->mono_ns / NS_PER_MS));
	va_list list;
	va_start(list, format);
	vsnprintf(world->broken + len, sizeof world->broken - (size_t)len, format, list);
	va_end(list);
}

void world_note(struct world *world, const char *who, const char *what, kind_id kind,
		struct str name)
{
	story_add(&world->story, world->steps, world->mono_ns, who, what,
		  kind ? schema_kind(world->schema, kind)->kind.at : "", name);
}

/* ---- the trace */

static void trace_bytes(struct world *world, struct str bytes)
{
	u64 hash = world->trace;
	for (size_t i = 0; i + 8 <= bytes.len; i += 8) {
		u64 word;
		memcpy(&word, bytes.at + i, sizeof word);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 29;
	}
	for (size_t i = bytes.len & ~(size_t)7; i < bytes.len; i++)
		hash = (hash ^ (u8)bytes.at[i]) * 1099511628211u;
	world->trace = hash;
}

static void changed(void *self, const struct store_event *event)
{
	struct world *world = self;
	world->writes++;
	world->trace += (u64)event->type + event->undone * 7u;
	trace_bytes(world, event->version->json);
	if (world->verbose)
		fprintf(stderr, "%8lld ms %s%s %s " STR_FMT "/" STR_FMT " %llu\n",
			(long long)(world->mono_ns / NS_PER_MS), event->undone ? "undo " : "",
			event->type == EVENT_ADDED	? "add"
			: event->type == EVENT_MODIFIED ? "mod"
							: "del",
			schema_kind(world->schema, event->version->kind)->plural.at,
			STR_ARG(event->version->namespace), STR_ARG(event->version->name),
			(unsigned long long)event->version->revision);
	kind_id kind = event->version->kind;
	if (world->quiet && kind != KIND_Lease && kind != KIND_Event)
		world_broken(world, "at rest, " STR_FMT " " STR_FMT " is written",
			     STR_ARG(schema_kind(world->schema, kind)->kind),
			     STR_ARG(event->version->name));
	checks_hear(world, event);
}

/* ---- faulty writes */

static void note_write(struct world *world, const char *user, const struct intent *intent,
		       const char *lost)
{
	static const char *const words[] = { "creates", "updates", "patches", "deletes", "tells" };
	static const char *const failed[] = { "fails to create", "fails to update",
					      "fails to patch", "fails to delete", "tells" };
	if (intent->kind == KIND_Lease || intent->kind == KIND_Event)
		return;
	world_note(world, user, lost ? failed[intent->type] : words[intent->type], intent->kind,
		   intent->name);
}

/* A write may fail before it is done, or be done and look as if it had failed. */
static enum status unlucky_write(void *self, struct arena *arena, const char *user,
				 const struct intent *intent, struct version **ret_object,
				 struct error *error)
{
	struct world *world = self;
	bool unlucky = !world->calm && luck(world, world->refuse_writes);
	bool done_all_the_same = unlucky && luck(world, 300);
	if (unlucky && !done_all_the_same) {
		note_write(world, user, intent, "lost");
		return luck(world, 500) ? fail(error, ST_CONFLICT, "simulated conflict")
					: fail(error, ST_UNAVAILABLE, "simulated failure");
	}
	note_write(world, user, intent, NULL);
	checks_before(world, user, intent);
	world->forced = intent->type == INTENT_DELETE && intent->grace_s == 0;
	enum status status =
		world->verbs.write(world->verbs.self, arena, user, intent, ret_object, error);
	world->forced = false;
	checks_after(world, user, intent);
	return done_all_the_same ? fail(error, ST_TIMEOUT, "simulated timeout") : status;
}

/* ---- fates of pods: a pod's own name throws its dice, so that they do not depend on order */

static void fate(void *self, const struct version *pod, struct fate *fate)
{
	struct world *world = self;
	u64 hash = world->seed;
	for (size_t i = 0; i < pod->uid.len; i++)
		hash = (hash ^ (u8)pod->uid.at[i]) * 1099511628211u;
	i64 restarts = doc_at_int(pod->doc, "status.containerStatuses.0.restartCount", 0);
	struct random dice;
	random_seed(&dice, hash + (u64)restarts);
	struct str image = doc_at_str(pod->doc, "spec.containers.0.image");
	bool ends = !str_is(doc_at_str(pod->doc, "spec.restartPolicy"), "Always");
	bool flaky = str_starts(image, STR("flaky"));
	fate->image_missing = str_starts(image, STR("bad"));
	fate->start_ns = random_below(&dice, 2000) * NS_PER_MS;
	if (!world->calm && random_chance(&dice, 30))
		fate->start_ns = random_below(&dice, 60) * NS_PER_S; /* a slow pull */
	fate->stop_ns = random_below(&dice, 1500) * NS_PER_MS;
	fate->run_ns = ends ? (1 + random_below(&dice, 20000)) * NS_PER_MS : 0;
	fate->exit_code = random_chance(&dice, flaky ? 400 : 20) ? 1 : 0;
	if (fate->exit_code && random_chance(&dice, 300))
		fate->exit_code = 42;
	fate->recover_ns = (1 + random_below(&dice, 10000)) * NS_PER_MS;
	if (flaky && !ends && !world->calm)
		fate->stumble_ns = (1 + random_below(&dice, 60)) * NS_PER_S;
	/* The node runs short of something and throws it out. */
	if (!ends && !world->calm && random_chance(&dice, flaky ? 60 : 5)) {
		fate->run_ns = (1 + random_below(&dice, 60)) * NS_PER_S;
		fate->exit_code = 137;
	} else if (!ends) {
		fate->exit_code = 0;
	}
}

static i64 node_clock(void *self, u32 node)
{
	struct world *world = self;
	i64 drift_ns = world->mono_ns / 1000000 * world->drift_ppm[node];
	return world_wall(world) + world->skew_ns[node] + drift_ns;
}

/* ---- life */

static void boot(struct world *world)
{
	struct error error = ERROR_INIT;
	struct server_config config = { 0 };
	struct simulated_config nodes = {
		.nodes = world->nodes_len,
		.prefix = "node-",
		.cpu = world->tight ? "2" : "16",
		.memory = "8Gi",
		.pods = world->tight ? 8 : 110,
		.fate = fate,
		.wall_ns = node_clock,
		.self = world,
	};
	struct writer writer = { unlucky_write, world };
	world->store = store_new(world->schema, world->disk, &world->clock);
	if (store_open(world->store, &error) != ST_OK)
		world_broken(world, "store_open: %s", error.message);
	watchers_open(world);
	checks_return(world);
	world->server =
		server_new(&config, world->store, world->schema, &world->clock, &world->ids);
	store_on_change(world->store, changed, world);
	if (server_bootstrap(world->server, &error) != ST_OK)
		world_broken(world, "server_bootstrap: %s", error.message);
	world->verbs = writer_for_server(world->server);
	world->runner =
		runner_new(world->store, world->schema, &world->clock, writer, controllers_all);
	runner_set_ca(world->runner, STR("simulated certificate"));
	runner_set_zones(world->runner, &world->zones);
	world->scheduler = scheduler_new(world->store, world->schema, &world->clock, writer,
					 runner_recorder(world->runner));
	world->nodes = simulated_new(&nodes, world->store, &world->clock, writer);
	for (u32 i = 0; i < world->nodes_len; i++)
		if (world->dead[i])
			simulated_kill(world->nodes, i);
}

/* What dies with the process. */
static void halt(struct world *world)
{
	watchers_close(world);
	simulated_free(world->nodes);
	scheduler_free(world->scheduler);
	runner_free(world->runner);
	server_free(world->server);
	store_free(world->store);
	log_close(world->disk);
}

/* What kind of world it is: how many nodes, how good their clocks, how much goes wrong. */
static void choose(struct world *world)
{
	const struct plot *plot = world->plot;
	world->nodes_len = 2 + roll(world, luck(world, 40) ? NODES_MAX - 2 : 6);
	if (plot->nodes_max)
		world->nodes_len = MIN(world->nodes_len, plot->nodes_max);
	if (plot->nodes)
		world->nodes_len = MIN(plot->nodes, (u32)NODES_MAX);
	bool skewed = luck(world, 400);
	for (u32 i = 0; i < NODES_MAX; i++) {
		i64 off_ms = (i64)roll(world, 90000) - 45000;
		world->skew_ns[i] = skewed ? off_ms * NS_PER_MS : 0;
		world->drift_ppm[i] = skewed ? (i32)roll(world, 400) - 200 : 0;
	}
	u32 refused = luck(world, 500) ? roll(world, 60) : 0;
	world->refuse_writes = plot->kind ? 0 : refused;
	world->tight = luck(world, 150) && !plot->nodes;
	world->images_bad = luck(world, 500) ? 200 : 0;
}

struct world *world_new(const struct plot *plot)
{
	struct world *world = calloc(1, sizeof *world);
	CHECK(world);
	world->plot = plot;
	world->verbose = plot->verbose;
	world->seed = plot->seed;
	world->trace = plot->seed;
	random_seed(&world->dice, plot->seed);
	random_seed(&world->ids, plot->seed ^ 0x5deece66du);
	world->clock = (struct clock){ world_wall, world_mono, world };
	world->arena = arena_new(64 << 10);
	world->zones_arena = arena_new(4 << 10);
	world->schema = schema_new();
	world->disk = disk_new();
	choose(world);
	zones_open(world);
	checks_open(world);
	boot(world);
	for (u32 i = 0; i < 20; i++) {
		world_round(world);
		disk_sync(world->disk, UINT32_MAX);
	}
	return world;
}

void world_free(struct world *world)
{
	halt(world);
	version_unref(world->glimpse);
	watchers_free(world);
	checks_close(world);
	disk_free(world->disk);
	schema_free(world->schema);
	arena_free(world->arena);
	arena_free(world->zones_arena);
	free(world);
}

/* Power fails: memory is gone, and of what was on its way some has reached the disk untold. Most
 * often it is soon back, sometimes after days. */
static void crash(struct world *world)
{
	u32 away_ms = roll(world, luck(world, 200) ? 120000 : 2000);
	world->crashes++;
	world_note(world, "power", "fails", KIND_NONE, STR_NONE);
	watchers_look(world, true);
	world->untold = luck(world, 500) ? roll(world, disk_waiting(world->disk) + 1) : 0;
	disk_sync_untold(world->disk, world->untold);
	halt(world);
	i64 away_ns = (1 + away_ms) * NS_PER_MS;
	if (luck(world, 40))
		away_ns += roll(world, 3 * 86400) * NS_PER_S;
	world->mono_ns += away_ns;
	world->away_ns += away_ns;
	boot(world);
}

/* ---- steps */

static void suffer(struct world *world)
{
	u32 node = roll(world, world->nodes_len);
	struct str name = str_format(world->arena, "node-%u", node);
	world->disturbed_ns = world->mono_ns;
	switch (roll(world, 13)) {
	case 0:
	case 12:
		return crash(world);
	case 1:
		world_note(world, "disk", "refuses what waits", KIND_NONE, STR_NONE);
		disk_refuse(world->disk);
		return;
	case 2:
	case 3:
		world_note(world, "power", "kills", KIND_Node, name);
		world->dead[node] = true;
		return simulated_kill(world->nodes, node);
	case 4:
	case 5:
	case 6:
		world_note(world, "power", "revives", KIND_Node, name);
		world->dead[node] = false;
		return simulated_revive(world->nodes, node);
	default:
		world_note(world, "network", "mutes", KIND_Node, name);
		return simulated_mute(world->nodes, node,
				      world->mono_ns + roll(world, 20000) * NS_PER_MS);
	}
}

static void pass_time(struct world *world)
{
	i64 next = MIN(runner_step(world->runner, 0), scheduler_step(world->scheduler, 0));
	next = MIN(next, simulated_step(world->nodes, 0));
	i64 most = world->mono_ns + (1 + roll(world, luck(world, 100) ? 60000 : 1500)) * NS_PER_MS;
	if (next > world->mono_ns)
		world->mono_ns = MIN(next, most);
	else
		world->mono_ns += roll(world, 1000) * 1000;
}

void world_step(struct world *world)
{
	u64 step = world->steps++;
	const u8 *left_out = world->plot->left_out;
	if (left_out && step < world->plot->steps && left_out[step])
		return;
	random_seed(&world->dice, world->seed * 0x9e3779b97f4a7c15u + step);
	switch (roll(world, 20)) {
	case 0:
	case 1:
		user_acts(world);
		break;
	case 2:
	case 3:
	case 4:
	case 5:
	case 6:
		runner_step(world->runner, 1 + roll(world, 12));
		break;
	case 7:
	case 8:
	case 9:
		scheduler_step(world->scheduler, 1 + roll(world, 8));
		break;
	case 10:
	case 11:
	case 12:
		simulated_step(world->nodes, 1 + roll(world, 12));
		break;
	case 13:
	case 14:
		disk_sync(world->disk, 1 + roll(world, 60));
		break;
	case 15:
		if (luck(world, 350))
			suffer(world);
		break;
	case 16:
		server_tick(world->server);
		break;
	default:
		pass_time(world);
	}
	store_poll(world->store);
	watchers_look(world, false);
	arena_reset(world->arena);
}

i64 world_round(struct world *world)
{
	runner_step(world->runner, 200);
	scheduler_step(world->scheduler, 100);
	i64 next = simulated_step(world->nodes, 200);
	next = MIN(next, scheduler_step(world->scheduler, 0));
	next = MIN(next, runner_step(world->runner, 0));
	store_poll(world->store);
	return next;
}

/* Longer than any toleration (300 s) and back-off that may still be running, step by step. */
static void let_time_pass(struct world *world, i64 seconds)
{
	i64 end = world->mono_ns + seconds * NS_PER_S;
	for (u32 rounds = 0; world->mono_ns < end && !world->broken[0]; rounds++) {
		world->steps++;
		i64 next = world_round(world);
		disk_sync(world->disk, UINT32_MAX);
		watchers_look(world, true);
		arena_reset(world->arena);
		if (next > world->mono_ns)
			world->mono_ns = MIN(next, end);
		if (rounds > 100000)
			world_broken(world, "the cluster does not come to rest");
	}
}

static void revive_all(struct world *world)
{
	for (u32 i = 0; i < world->nodes_len; i++) {
		world->dead[i] = false;
		simulated_revive(world->nodes, i);
		simulated_mute(world->nodes, i, 0);
	}
}

/* One node stays dead for longer than anybody waits for it. */
static void bury_one(struct world *world)
{
	u32 node = roll(world, world->nodes_len);
	world->disturbed_ns = world->mono_ns;
	world->dead[node] = true;
	simulated_kill(world->nodes, node);
	if (luck(world, 300))
		user_removes_node(world, node);
	else if (luck(world, 300))
		user_declares_lost(world, node);
	let_time_pass(world, 420);
	if (world->broken[0])
		return;
	check_dead_nodes(world);
	world->disturbed_ns = world->mono_ns;
	revive_all(world);
	user_frees_nodes(world);
	let_time_pass(world, 5);
}

void world_rest(struct world *world)
{
	random_seed(&world->dice, ~world->seed);
	world_note(world, "peace", "begins", KIND_NONE, STR_NONE);
	world->disturbed_ns = world->mono_ns;
	world->calm = true;
	revive_all(world);
	let_time_pass(world, 5);
	user_makes_peace(world);
	if (luck(world, 200))
		bury_one(world);
	let_time_pass(world, 480);
	world->quiet = !world->broken[0];
	let_time_pass(world, 60);
	world->quiet = false;
	if (world->broken[0])
		return;
	checks_rest(world);
	watchers_compare(world);
}

bool world_play(struct world *world)
{
	while (world->steps < world->plot->steps && !world->broken[0])
		world_step(world);
	if (!world->broken[0])
		world_rest(world);
	return !world->broken[0];
}
