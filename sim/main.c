/*
 * minke-sim: plays one seed, or a run of them, and says what broke.
 *
 *	minke-sim SEED [--steps N] [--seeds N] [--verbose]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sim/world.h"

struct options {
	u64 seed, seeds, steps;
	bool verbose;
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
	if (argc < 2 || !read_number(argv[1], &options->seed))
		return false;
	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "--verbose"))
			options->verbose = true;
		else if (!strcmp(argv[i], "--steps") && i + 1 < argc)
			(void)!read_number(argv[++i], &options->steps);
		else if (!strcmp(argv[i], "--seeds") && i + 1 < argc)
			(void)!read_number(argv[++i], &options->seeds);
		else
			return false;
	}
	return true;
}

static bool play(const struct options *options, u64 seed, u64 *trace)
{
	struct world *world = world_new(seed);
	world->verbose = options->verbose;
	for (u64 i = 0; i < options->steps && !world->broken[0]; i++)
		world_step(world);
	if (!world->broken[0])
		world_rest(world);
	bool fine = !world->broken[0];
	*trace = *trace * 31 + world->trace;
	if (!fine)
		printf("seed %llu broke: %s\n", (unsigned long long)seed, world->broken);
	if (options->seeds == 1)
		printf("seed %llu steps %llu writes %llu crashes %llu trace %016llx\n",
		       (unsigned long long)seed, (unsigned long long)world->steps,
		       (unsigned long long)world->writes, (unsigned long long)world->crashes,
		       (unsigned long long)world->trace);
	world_free(world);
	return fine;
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
	u64 trace = 0, failed = 0;
	if (!read_options(argc, argv, &options)) {
		fprintf(stderr, "usage: minke-sim SEED [--steps N] [--seeds N] [--verbose]\n");
		return 2;
	}
	if (!options.verbose)
		log_sink_set((struct log_sink){ drop_line, NULL, LOG_ERROR });
	for (u64 i = 0; i < options.seeds; i++)
		failed += !play(&options, options.seed + i, &trace);
	if (options.seeds > 1)
		printf("%llu seeds, %llu broke, trace %016llx\n", (unsigned long long)options.seeds,
		       (unsigned long long)failed, (unsigned long long)trace);
	return failed != 0;
}
