/*
 * Delta debugging over steps: halves are left out, then quarters, and so on; what breaks the same
 * promise without them stays without them. The same promise: the same sentence but for names and
 * numbers.
 */
#include "sim/shrink.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

struct sought { /* the sentence to be heard again, names and numbers taken out */
	char shape[256];
	u32 plays;
};

static struct sought sought;

struct report { /* of one play */
	bool broke;
	u64 steps;
	char sentence[512];
};

/* Of every word with a digit in it nothing is left. */
static void shape_of(const char *sentence, char *ret, size_t size)
{
	size_t len = 0;
	const char *from = strstr(sentence, " ms: ");
	for (from = from ? from + 5 : sentence; *from; from += *from == ' ') {
		size_t word = strcspn(from, " ");
		if (strcspn(from, "0123456789") >= word && len + word < size) {
			memcpy(ret + len, from, word);
			len += word;
		}
		from += word;
	}
	ret[len] = 0;
}

/* Plays it in a process of its own, since a CHECK may end that; what broke comes back on a pipe. */
static void play_apart(const struct plot *plot, struct report *ret_report)
{
	int ends[2], status = 0;
	CHECK(pipe(ends) == 0);
	fflush(stdout);
	pid_t child = fork();
	CHECK(child >= 0);
	if (!child) {
		struct report report = { 0 };
		signal(SIGABRT, SIG_DFL);
		struct world *world = world_new(plot);
		report.broke = !world_play(world);
		report.steps = MIN(world->steps, plot->steps);
		memcpy(report.sentence, world->broken, sizeof report.sentence);
		_exit(write(ends[1], &report, sizeof report) != sizeof report);
	}
	close(ends[1]);
	*ret_report = (struct report){ .broke = true, .steps = plot->steps };
	memcpy(ret_report->sentence, "a CHECK failed", 15);
	struct report whole;
	if (read(ends[0], &whole, sizeof whole) == sizeof whole)
		*ret_report = whole;
	close(ends[0]);
	waitpid(child, &status, 0);
}

static bool breaks(const struct plot *plot, u64 *ret_step)
{
	char shape[sizeof sought.shape];
	struct report report;
	play_apart(plot, &report);
	sought.plays++;
	shape_of(report.sentence, shape, sizeof shape);
	if (report.broke && !sought.shape[0])
		memcpy(sought.shape, shape, sizeof shape);
	if (ret_step)
		*ret_step = report.steps;
	return report.broke && !strcmp(shape, sought.shape);
}

/* Steps after the one that broke do not matter. */
static bool cut_tail(struct plot *plot)
{
	u64 last;
	if (!breaks(plot, &last))
		return false;
	plot->steps = last;
	return true;
}

static bool try_without(struct plot *plot, u64 from, u64 len)
{
	u8 *saved = malloc(len);
	bool some = false;
	CHECK(saved);
	memcpy(saved, plot->left_out + from, len);
	for (u64 i = 0; i < len; i++)
		some |= !saved[i];
	memset(plot->left_out + from, 1, len);
	bool broke = some && breaks(plot, NULL);
	if (!broke)
		memcpy(plot->left_out + from, saved, len);
	free(saved);
	return broke;
}

static void leave_out_steps(struct plot *plot)
{
	for (u64 len = plot->steps / 2; len; len /= 2)
		for (u64 from = 0; from + len <= plot->steps; from += len)
			try_without(plot, from, len);
}

static void want_less(struct plot *plot)
{
	struct plot less = *plot;
	less.kind = true;
	if (breaks(&less, NULL))
		*plot = less;
	for (u32 nodes = 1; nodes < 5; nodes++) {
		less = *plot;
		less.nodes_max = nodes;
		if (!breaks(&less, NULL))
			continue;
		*plot = less;
		return;
	}
}

bool shrink(struct plot *plot)
{
	u64 all = plot->steps, left = 0;
	sought = (struct sought){ 0 };
	plot->left_out = calloc(all ? all : 1, 1);
	CHECK(plot->left_out);
	if (!cut_tail(plot))
		return false;
	want_less(plot);
	leave_out_steps(plot);
	leave_out_steps(plot); /* what was needed before may be no longer */
	for (u64 i = 0; i < plot->steps; i++)
		left += !plot->left_out[i];
	printf("seed %llu breaks with %llu of %llu steps (%u runs):\n",
	       (unsigned long long)plot->seed, (unsigned long long)left, (unsigned long long)all,
	       sought.plays);
	return true;
}
