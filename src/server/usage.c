/*
 * Each container asked for has three looks: the newest, one about ten seconds older, one older
 * still. The rate is told over all of them, so that many askers do not make the window short, and
 * an old peak is forgotten within half a minute. What nobody asked for lately is dropped.
 */
#include "server/usage.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "doc/doc.h"
#include "store/version.h"

enum {
	LOOKS = 3,
	APART_MS = 500,	       /* closer looks than that say nothing */
	STEP_S = 10,	       /* between the looks that are kept */
	STALE_MS = 90 * 1000,  /* nobody asked for so long: begin anew */
	SWEEP_MS = 180 * 1000, /* how often what is stale goes */
	KEY_BYTES_MAX = 512,
};

struct look {
	i64 mono_ns;
	u64 cpu_ns;
};

struct series {
	struct look looks[LOOKS]; /* oldest first */
	u32 len;
	i64 started_wall_ns;
	u32 key_len;
	char key[];
};

struct usage {
	const struct clock *clock;
	const struct usage_source *sources[USAGE_SOURCES_MAX];
	u32 sources_len;
	struct map series; /* "uid/container" */
	i64 swept_mono_ns, step_ns;
};

struct usage *usage_new(const struct clock *clock)
{
	struct usage *usage = calloc(1, sizeof *usage);

	CHECK(usage);
	usage->clock = clock;
	usage->step_ns = STEP_S * NS_PER_S;
	return usage;
}

void usage_free(struct usage *usage)
{
	if (!usage)
		return;
	for (struct map_entry *e = NULL; (e = map_next(&usage->series, e));)
		free(e->value);
	map_release(&usage->series);
	free(usage);
}

void usage_set_step(struct usage *usage, i64 step_ns)
{
	usage->step_ns = MIN(step_ns, STEP_S * NS_PER_S);
}

void usage_add_source(struct usage *usage, const struct usage_source *source)
{
	CHECK(usage->sources_len < USAGE_SOURCES_MAX);
	usage->sources[usage->sources_len++] = source;
}

void usage_remove_source(struct usage *usage, const struct usage_source *source)
{
	u32 kept = 0;

	for (u32 i = 0; i < usage->sources_len; i++)
		if (usage->sources[i] != source)
			usage->sources[kept++] = usage->sources[i];
	usage->sources_len = kept;
}

static void sweep(struct usage *usage, i64 mono)
{
	struct series *stale[256];
	u32 len = 0;

	if (mono - usage->swept_mono_ns < SWEEP_MS * NS_PER_MS)
		return;
	for (struct map_entry *e = NULL; (e = map_next(&usage->series, e));) {
		struct series *series = e->value;

		if (mono - series->looks[series->len - 1].mono_ns > STALE_MS * NS_PER_MS &&
		    len < ARRAY_LEN(stale))
			stale[len++] = series;
	}
	for (u32 i = 0; i < len; i++) {
		map_remove(&usage->series, (struct str){ stale[i]->key, stale[i]->key_len });
		free(stale[i]);
	}
	if (len < ARRAY_LEN(stale)) /* else the next question goes on */
		usage->swept_mono_ns = mono;
}

static struct series *series_of(struct usage *usage, struct arena *arena, struct str uid,
				struct str name)
{
	struct str key = str_format(arena, STR_FMT "/" STR_FMT, STR_ARG(uid), STR_ARG(name));
	struct series *series = map_get(&usage->series, key);

	if (series)
		return series;
	CHECK(key.len < KEY_BYTES_MAX);
	series = calloc(1, sizeof *series + key.len + 1);
	CHECK(series);
	memcpy(series->key, key.at, key.len);
	series->key_len = (u32)key.len;
	map_put(&usage->series, (struct str){ series->key, series->key_len }, series);
	return series;
}

static void take(const struct usage *usage, struct series *series, struct look look)
{
	struct look *at = series->looks;

	if (series->len < LOOKS) {
		at[series->len++] = look;
		return;
	}
	if (at[LOOKS - 1].mono_ns - at[LOOKS - 2].mono_ns >= usage->step_ns)
		memmove(at, at + 1, (LOOKS - 1) * sizeof *at);
	at[LOOKS - 1] = look;
}

/* A container that has just begun is measured from its start; one that began before anybody
 * looked, from the first look. */
static void begin(struct usage *usage, struct series *series, const struct usage_look *look,
		  i64 mono)
{
	i64 age = clock_wall_ns(usage->clock) - look->started_wall_ns;

	series->len = 0;
	series->started_wall_ns = look->started_wall_ns;
	if (look->started_wall_ns && age >= 0 && age <= STALE_MS * NS_PER_MS)
		take(usage, series, (struct look){ mono - age, 0 });
}

/* False: there is only one look so far. */
static bool measure(struct usage *usage, struct arena *arena, struct str uid,
		    const struct usage_look *look, struct usage_part *ret_part, i64 *ret_window_ns)
{
	i64 mono = clock_mono_ns(usage->clock);

	*ret_part = (struct usage_part){ look->name, look->cpu_nano, look->memory_bytes };
	*ret_window_ns = usage->step_ns; /* where the source knows the rate by itself */
	if (look->cpu_nano >= 0)
		return true;
	struct series *series = series_of(usage, arena, uid, look->name);
	struct look *newest = series->len ? &series->looks[series->len - 1] : NULL;

	if (!newest || mono - newest->mono_ns > STALE_MS * NS_PER_MS ||
	    look->started_wall_ns != series->started_wall_ns || look->cpu_ns < newest->cpu_ns)
		begin(usage, series, look, mono), newest = NULL;
	if (!series->len || mono - series->looks[series->len - 1].mono_ns >= APART_MS * NS_PER_MS)
		take(usage, series, (struct look){ mono, look->cpu_ns });
	newest = &series->looks[series->len - 1];
	*ret_window_ns = newest->mono_ns - series->looks[0].mono_ns;
	if (*ret_window_ns < APART_MS * NS_PER_MS)
		return false;
	ret_part->cpu_nano = (i64)((double)(newest->cpu_ns - series->looks[0].cpu_ns) /
				   (double)*ret_window_ns * (double)NS_PER_S);
	return true;
}

static enum usage_answer report(struct usage *usage, struct arena *arena, struct str uid,
				const struct usage_look *looks, u32 len,
				struct usage_report *ret_report)
{
	bool known = true;

	*ret_report = (struct usage_report){ .wall_ns = clock_wall_ns(usage->clock),
					     .parts = ARENA_ARRAY(arena, struct usage_part, len),
					     .len = len };
	sweep(usage, clock_mono_ns(usage->clock));
	for (u32 i = 0; i < len; i++) {
		i64 window_ns;

		/* Each is looked at, so that all are known the next time. */
		known &= measure(usage, arena, uid, &looks[i], &ret_report->parts[i], &window_ns);
		ret_report->window_ns = MAX(ret_report->window_ns, window_ns);
	}
	return !len ? USAGE_NONE : known ? USAGE_KNOWN : USAGE_SOON;
}

enum usage_answer usage_pod(struct usage *usage, struct arena *arena, const struct version *pod,
			    struct usage_report *ret_report)
{
	u32 room = doc_len(doc_at(pod->doc, "spec.containers")) +
		   doc_len(doc_at(pod->doc, "spec.initContainers")) +
		   doc_len(doc_at(pod->doc, "spec.ephemeralContainers"));
	struct usage_look *looks = ARENA_ARRAY(arena, struct usage_look, room);

	if (!str_is(doc_at_str(pod->doc, "status.phase"), "Running"))
		return USAGE_NONE;
	for (u32 i = 0; i < usage->sources_len; i++) {
		const struct usage_source *source = usage->sources[i];
		i32 len = source->pod(source->self, pod, looks, room);

		if (len >= 0)
			return report(usage, arena, pod->uid, looks, (u32)len, ret_report);
	}
	return USAGE_NONE;
}

enum usage_answer usage_node(struct usage *usage, struct arena *arena, const struct version *node,
			     struct usage_report *ret_report)
{
	struct usage_look look = { .cpu_nano = -1 };

	for (u32 i = 0; i < usage->sources_len; i++) {
		const struct usage_source *source = usage->sources[i];

		if (source->node(source->self, node, &look))
			return report(usage, arena, node->uid, &look, 1, ret_report);
	}
	return USAGE_NONE;
}
