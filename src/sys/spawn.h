/*
 * Starts a helper program from any thread, with what containers need and the loop's process_spawn
 * does not do: a private mount namespace (crun 1.8 refuses hybrid cgroups unless the v2 mount is
 * out of sight), cgroups joined before exec, and a pidfd to wait on. Blocking, but only until exec.
 */
#ifndef SYS_SPAWN_H
#define SYS_SPAWN_H

#include "base/error.h"
#include "base/types.h"

struct spawn_fd {
	int fd, as; /* our descriptor, its number in the child (below SPAWN_FDS_MAX) */
};
enum { SPAWN_FDS_MAX = 16 };

struct spawn_spec {
	const char *const *argv;    /* argv[0] is an absolute path; NULL at the end */
	const char *const *env;	    /* NULL at the end */
	const char *cwd;	    /* NULL: ours */
	const struct spawn_fd *fds; /* 0, 1, 2 are /dev/null unless named; the rest is closed */
	u32 fds_len;
	const char *hide_mount;	 /* unmounted in a mount namespace of the child's own; or NULL */
	const char *const *join; /* cgroup.procs files to write into, NULL at the end; or NULL */
	bool own_session;
	/* Killed when the thread that starts it ends, which for the pool's threads is when the
	 * process does: nothing of it goes on behind a later server's back. Its own children are
	 * not bound by it. */
	bool dies_with_us;
};

/* ret_pidfd is close-on-exec and the caller's; the caller reaps with spawn_wait. */
MUST_USE enum status spawn_child(const struct spawn_spec *spec, int *ret_pid, int *ret_pidfd,
				 struct error *error);

/* Waits for the child (at most timeout_ms; -1: for ever), reaps it, closes the pidfd. Code 128 + n
 * for a signal. Past the time it is killed: ST_TIMEOUT. */
MUST_USE enum status spawn_wait(int pid, int pidfd, int timeout_ms, int *ret_code,
				struct error *error);
/* The same without waiting: false while it runs. */
bool spawn_reap(int pid, int pidfd, int *ret_code);

/* Waits for `events` (POLLIN …) on a descriptor; false when the time is up. */
bool spawn_poll(int fd, short events, int timeout_ms);

/* A descriptor for a process that may not be our child; -1 when it is gone. Close-on-exec. */
int spawn_pidfd(int pid);
/* When it was started, in clock ticks since boot: tells a process from a later one of the same
 * number. 0 when it is gone. */
u64 spawn_start_ticks(int pid);
bool spawn_signal(int pidfd, int signal); /* false: gone */

#endif
