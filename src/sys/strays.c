/* Walks through /proc. A process number may find another owner at any moment: each one is held by a
 * descriptor first, looked at again, and only then killed. */
#include "sys/strays.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/types.h"
#include "sys/spawn.h"

enum { END_WAIT_MS = 5000, ROUNDS_MAX = 50, CHILDREN_ROUNDS_MAX = 200, WORDS_BYTES = 16384 };

static size_t read_of(int pid, const char *file, char *text, size_t room)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd >= 0 ? read(fd, text, room - 1) : -1;

	if (fd >= 0)
		close(fd);
	text[MAX(len, 0)] = 0;
	return (size_t)MAX(len, 0);
}

static bool is_program(const struct strays *strays, const char *word)
{
	const char *slash = strrchr(word, '/');

	for (const char *const *program = strays->programs; *program; program++)
		if (!strcmp(slash ? slash + 1 : word, *program))
			return true;
	return false;
}

/* A dead one that nobody reaped has no words any more. */
static bool is_stray(const struct strays *strays, int pid)
{
	char words[WORDS_BYTES];
	size_t len = read_of(pid, "cmdline", words, sizeof words), prefix = strlen(strays->prefix);

	if (!len || !is_program(strays, words))
		return false;
	for (size_t at = strlen(words) + 1; at < len; at += strlen(words + at) + 1) {
		if (strncmp(words + at, strays->prefix, prefix) != 0)
			continue;
		const char *name = words + at + prefix;
		struct str found = { name, strcspn(name, "/") };

		return !strays->keep || !strays->keep(strays->self, found);
	}
	return false;
}

/* Kills who has `parent` for a parent; false when there was nobody alive. */
static bool kill_children(int parent)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;
	bool any = false;

	while (directory && (entry = readdir(directory))) {
		char text[512], state;
		int pid = atoi(entry->d_name), its = 0;

		if (pid <= 1 || !read_of(pid, "stat", text, sizeof text))
			continue;
		/* The name stands in brackets and may hold anything. */
		const char *after = strrchr(text, ')');

		if (!after || sscanf(after + 1, " %c %d", &state, &its) != 2 || its != parent ||
		    state == 'Z')
			continue;
		any = true;
		kill(pid, SIGKILL);
	}
	if (directory)
		closedir(directory);
	return any;
}

/* conmon takes in its descendants when their parents die: stopped, it collects them all. */
static void kill_family(int pid, int pidfd)
{
	static const struct timespec pause = { .tv_nsec = 2 * NS_PER_MS };

	spawn_signal(pidfd, SIGSTOP);
	for (int i = 0; i < CHILDREN_ROUNDS_MAX && kill_children(pid); i++)
		nanosleep(&pause, NULL);
	if (spawn_signal(pidfd, SIGKILL))
		spawn_poll(pidfd, POLLIN, END_WAIT_MS);
}

static u32 end_once(const struct strays *strays)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;
	u32 found = 0;

	while (directory && (entry = readdir(directory))) {
		int pid = atoi(entry->d_name), pidfd;

		if (pid <= 1 || pid == getpid() || !is_stray(strays, pid) ||
		    (pidfd = spawn_pidfd(pid)) < 0)
			continue;
		if (is_stray(strays, pid)) {
			found++;
			kill_family(pid, pidfd);
		}
		close(pidfd);
	}
	if (directory)
		closedir(directory);
	return found;
}

u32 strays_end(const struct strays *strays)
{
	u32 all = 0, found = 1;

	for (int i = 0; i < ROUNDS_MAX && found; i++)
		all += found = end_once(strays);
	return all;
}
