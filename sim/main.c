/*
 * minke-sim: plays one seed, or a run of them, and says what broke.
 *
 *	minke-sim SEED [--steps N] [--seeds N] [--nodes N] [--shrink] [--verbose] [--stop]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "sim/shrink.h"
#include "sim/world.h"

struct options {
	u64 seed, seeds, steps, nodes;
	bool verbose, shrink, stop;
};

struct sums {
	u64 trace, failed, writes;
	i64 lived_ns;
};

static bool read_number(const char *text, u64 *ret)
{
	char *end;
	*ret = strtoull(text, &end, 10);
	return *text && !*end;
}

static bool read_options(int argc, char **argv, struct options *options)
{
	*options = (struct options){ .seeds = 1, .steps = 400 };
	const struct {
		const char *name;
		u64 *number;
		bool *flag;
	} known[] = {
		{ "--verbose", NULL, &options->verbose }, { "--shrink", NULL, &options->shrink },
		{ "--stop", NULL, &options->stop },	  { "--steps", &options->steps, NULL },
		{ "--seeds", &options->seeds, NULL },	  { "--nodes", &options->nodes, NULL },
	};
	if (argc < 2 || !read_number(argv[1], &options->seed))
		return false;
	for (int i = 2; i < argc; i++) {
		bool found = false;
		for (size_t k = 0; k < sizeof known / sizeof *known && !found; k++) {
			if (strcmp(argv[i], known[k].name) != 0)
				continue;
			found = known[k].flag ||
				(i + 1 < argc && read_number(argv[++i], known[k].number));
			if (known[k].flag)
				*known[k].flag = true;
		}
		if (!found)
			return false;
	}
	return true;
}

/* What is being played, for a CHECK that fails in the middle of it. */
static struct world *playing;

static void aborted(int signal)
{
	(void)signal;
	printf("seed %llu broke: step %llu, %lld ms: a CHECK failed\n",
	       (unsigned long long)playing->seed, (unsigned long long)playing->steps,
	       (long long)(playing->mono_ns / NS_PER_MS));
	story_print(&playing->story);
	fflush(stdout);
	_Exit(3);
}

static void play(const struct options *options, u64 seed, struct sums *sums)
{
	struct plot plot = { .seed = seed,
			     .steps = options->steps,
			     .nodes = (u32)options->nodes,
			     .verbose = options->verbose };
	if (options->shrink && !shrink(&plot))
		return;
	struct world *world = world_new(&plot);
	playing = world;
	bool fine = world_play(world);
	sums->trace = sums->trace * 31 + world->trace;
	sums->failed += !fine;
	sums->writes += world->writes;
	sums->lived_ns += world->mono_ns - world->away_ns;
	if (!fine) {
		printf("seed %llu broke: %s\n", (unsigned long long)seed, world->broken);
		if (options->seeds == 1)
			story_print(&world->story);
	}
	if (options->seeds == 1)
		printf("seed %llu steps %llu nodes %u writes %llu crashes %llu trace %016llx\n",
		       (unsigned long long)seed, (unsigned long long)world->steps, world->nodes_len,
		       (unsigned long long)world->writes, (unsigned long long)world->crashes,
		       (unsigned long long)world->trace);
	world_free(world);
}

static void drop_line(void *self, enum log_level level, const char *line, size_t len)
{
	(void)self;
	(void)level;
	(void)line;
	(void)len;
}

int main(int argc, char **argv)
{
	struct options options;
	struct sums sums = { 0 };
	if (!read_options(argc, argv, &options)) {
		fprintf(stderr, "usage: minke-sim SEED [--steps N] [--seeds N] [--nodes N] "
				"[--shrink] [--stop] [--verbose]\n");
		return 2;
	}
	if (!options.verbose)
		log_sink_set((struct log_sink){ drop_line, NULL, LOG_ERROR });
	signal(SIGABRT, aborted);
	clock_t began = clock();
	for (u64 i = 0; i < options.seeds && !(options.stop && sums.failed); i++)
		play(&options, options.seed + i, &sums);
	double seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
	if (options.seeds > 1)
		printf("%llu seeds, %llu broke, %llu writes, %.0f times faster than time, "
		       "trace %016llx\n",
		       (unsigned long long)options.seeds, (unsigned long long)sums.failed,
		       (unsigned long long)sums.writes,
		       (double)sums.lived_ns / 1e9 / (seconds > 0 ? seconds : 1),
		       (unsigned long long)sums.trace);
	return sums.failed != 0;
}
