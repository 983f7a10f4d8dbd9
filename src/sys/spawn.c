/*
 * clone(CLONE_VM | CLONE_VFORK): the child borrows our memory until exec, so a large server starts
 * helpers as fast as a small one. The child calls only the kernel.
 */
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

/* The child leaves its stack without returning: the address sanitizer's marks would stay behind on
 * memory that somebody else gets next. */
#define UNMARKED __attribute__((no_sanitize("address"), noinline))

enum { STACK_BYTES = 64 << 10, FD_ASIDE = 100 };

struct child {
	const struct spawn_spec *spec;
	int null_fd, parent;
	const char *failed; /* what the child was doing when it failed */
	int number;
};

UNMARKED static int child_failed(struct child *child, const char *what)
{
	child->number = errno;
	child->failed = what;
	_exit(127);
}

/* Handlers would run our code in the child; an ignored SIGPIPE would be inherited. */
UNMARKED static void child_signals(void)
{
	struct sigaction fresh = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		if (i != SIGKILL && i != SIGSTOP)
			sigaction(i, &fresh, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

UNMARKED static void child_descriptors(struct child *child)
{
	const struct spawn_spec *spec = child->spec;
	int wanted[SPAWN_FDS_MAX];

	for (int i = 0; i < SPAWN_FDS_MAX; i++)
		wanted[i] = i < 3 ? child->null_fd : -1;
	for (u32 i = 0; i < spec->fds_len; i++)
		wanted[spec->fds[i].as] = spec->fds[i].fd;
	/* First aside, then into place: sources and targets may overlap. */
	for (int i = 0; i < SPAWN_FDS_MAX; i++)
		if (wanted[i] >= 0 && (wanted[i] = fcntl(wanted[i], F_DUPFD, FD_ASIDE)) < 0)
			child_failed(child, "dup");
	for (int i = 0; i < SPAWN_FDS_MAX; i++)
		if (wanted[i] < 0)
			close(i);
		else if (dup2(wanted[i], i) < 0)
			child_failed(child, "dup2");
	if (syscall(SYS_close_range, SPAWN_FDS_MAX, ~0U, 0))
		child_failed(child, "close_range");
}

UNMARKED static void child_join(struct child *child, const char *const *join)
{
	for (; join && *join; join++) {
		int fd = open(*join, O_WRONLY | O_CLOEXEC);

		if (fd < 0 || write(fd, "0", 1) != 1)
			child_failed(child, *join);
		close(fd);
	}
}

UNMARKED static int child_main(void *argument)
{
	struct child *child = argument;
	const struct spawn_spec *spec = child->spec;

	child_signals();
	if (spec->dies_with_us && (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != child->parent))
		child_failed(child, "outliving its parent");
	if (spec->own_session)
		setsid();
	child_join(child, spec->join);
	if (spec->hide_mount) {
		if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL))
			child_failed(child, "making a mount namespace");
		umount2(spec->hide_mount, MNT_DETACH);
	}
	child_descriptors(child);
	if (spec->cwd && chdir(spec->cwd))
		child_failed(child, spec->cwd);
	execve(spec->argv[0], (char *const *)spec->argv, (char *const *)spec->env);
	return child_failed(child, spec->argv[0]);
}

enum status spawn_child(const struct spawn_spec *spec, int *ret_pid, int *ret_pidfd,
			struct error *error)
{
	struct child child = { .spec = spec, .parent = getpid() };
	sigset_t all, before;
	int pidfd = -1;

	for (u32 i = 0; i < spec->fds_len; i++)
		CHECK(spec->fds[i].as >= 0 && spec->fds[i].as < SPAWN_FDS_MAX);
	child.null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (child.null_fd < 0 || stack == MAP_FAILED)
		return fail(error, ST_INTERNAL, "starting %s: %s", spec->argv[0], strerror(errno));

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int pid = clone(child_main, stack + STACK_BYTES,
			CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &child, &pidfd);
	int number = errno;

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	munmap(stack, STACK_BYTES);
	close(child.null_fd);
	if (pid < 0)
		return fail(error, ST_INTERNAL, "starting %s: %s", spec->argv[0], strerror(number));
	if (child.failed) {
		waitpid(pid, NULL, 0);
		close(pidfd);
		return fail(error, child.number == ENOENT ? ST_NOT_FOUND : ST_INTERNAL,
			    "starting %s: %s: %s", spec->argv[0], child.failed,
			    strerror(child.number));
	}
	*ret_pid = pid;
	*ret_pidfd = pidfd;
	return ST_OK;
}

bool spawn_poll(int fd, short events, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };
	int ready;

	do
		ready = poll(&poll_fd, 1, timeout_ms);
	while (ready < 0 && errno == EINTR);
	return ready > 0;
}

bool spawn_reap(int pid, int pidfd, int *ret_code)
{
	int state;
	pid_t got = waitpid(pid, &state, WNOHANG);

	if (got == 0)
		return false;
	close(pidfd);
	*ret_code = got < 0 ? 255 : WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
	return true;
}

enum status spawn_wait(int pid, int pidfd, int timeout_ms, int *ret_code, struct error *error)
{
	bool in_time = spawn_poll(pidfd, POLLIN, timeout_ms);

	if (!in_time) {
		spawn_signal(pidfd, SIGKILL);
		spawn_poll(pidfd, POLLIN, 5000);
	}
	if (!spawn_reap(pid, pidfd, ret_code)) {
		close(pidfd); /* Unkillable, in a broken file system perhaps: left to init. */
		in_time = false;
	}
	if (!in_time)
		return fail(error, ST_TIMEOUT, "process %d did not end in %d ms", pid, timeout_ms);
	return ST_OK;
}

int spawn_pidfd(int pid)
{
	return pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
}

bool spawn_signal(int pidfd, int signal)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) == 0;
}

u64 spawn_start_ticks(int pid)
{
	char path[32], text[1024];
	int fd;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t got = read(fd, text, sizeof text - 1);

	close(fd);
	text[got > 0 ? got : 0] = 0;
	/* Field 22; counted from the last ')', since a name may hold anything. */
	char *at = strrchr(text, ')');

	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (!at || text[0] == 0)
		return 0;
	char *state = strrchr(text, ')') + 2;

	return *state == 'Z' || *state == 'X' ? 0 : strtoull(at, NULL, 10);
}
