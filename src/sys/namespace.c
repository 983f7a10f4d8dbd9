/* unshare, bind, setns back. */
#include "sys/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/check.h"

struct saved {
	int net, ipc, uts;
};

static int open_own(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* A thread left in a pod's namespaces would do everybody's work there: no way to go on. */
static void go_back(int fd, int type)
{
	if (fd < 0)
		return;
	CHECK(setns(fd, type) == 0);
	close(fd);
}

static enum status bind_own(const char *own, const char *target, struct error *error)
{
	int fd = open(target, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	if (fd < 0 || mount(own, target, NULL, MS_BIND, NULL))
		return fail(error, ST_INTERNAL, "keeping namespace %s: %s", target,
			    strerror(errno));
	return ST_OK;
}

enum status namespace_make(const struct namespace_paths *paths, const char *hostname,
			   struct error *error)
{
	int flags = (paths->net ? CLONE_NEWNET : 0) | (paths->ipc ? CLONE_NEWIPC : 0) |
		    (paths->uts ? CLONE_NEWUTS : 0);
	struct saved saved = {
		.net = paths->net ? open_own("/proc/thread-self/ns/net") : -1,
		.ipc = paths->ipc ? open_own("/proc/thread-self/ns/ipc") : -1,
		.uts = paths->uts ? open_own("/proc/thread-self/ns/uts") : -1,
	};
	enum status status = ST_OK;

	if (flags && unshare(flags))
		status = fail(error, ST_INTERNAL, "making namespaces: %s", strerror(errno));
	if (status == ST_OK && paths->uts && sethostname(hostname, strlen(hostname)))
		status = fail(error, ST_INTERNAL, "setting host name: %s", strerror(errno));
	if (status == ST_OK && paths->net)
		status = bind_own("/proc/thread-self/ns/net", paths->net, error);
	if (status == ST_OK && paths->ipc)
		status = bind_own("/proc/thread-self/ns/ipc", paths->ipc, error);
	if (status == ST_OK && paths->uts)
		status = bind_own("/proc/thread-self/ns/uts", paths->uts, error);
	go_back(saved.net, CLONE_NEWNET);
	go_back(saved.ipc, CLONE_NEWIPC);
	go_back(saved.uts, CLONE_NEWUTS);
	return status;
}

enum status namespace_in_network(const char *path, enum status (*call)(void *, struct error *),
				 void *arg, struct error *error)
{
	if (!path || !*path)
		return call(arg, error);
	int back = open_own("/proc/thread-self/ns/net");
	int there = open(path, O_RDONLY | O_CLOEXEC);
	enum status status;

	if (back < 0 || there < 0 || setns(there, CLONE_NEWNET)) {
		status = fail(error, ST_INTERNAL, "entering %s: %s", path, strerror(errno));
		if (back >= 0)
			close(back);
	} else {
		status = call(arg, error);
		go_back(back, CLONE_NEWNET);
	}
	if (there >= 0)
		close(there);
	return status;
}
